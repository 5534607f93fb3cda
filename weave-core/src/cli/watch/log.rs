//! How logs are written: lines for people or for the journal, or JSON.

use std::fmt;
use std::io::{IsTerminal as _, stderr};

use nix::sys::stat::fstat;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::super::args::Log;

/// Writes logs to stderr from here on.
pub(super) fn begin(log: Log, quiet: bool) {
    let level = if quiet { LevelFilter::WARN } else { LevelFilter::INFO };
    let colours = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(stderr).with_ansi(colours);
    let journal = std::env::var("JOURNAL_STREAM").is_ok_and(|stream| is_stream(&stream));
    // Another one may be there already where the command runs inside a program.
    let _ = match log {
        Log::Text => tracing::subscriber::set_global_default(lines.event_format(Lines { journal }).finish()),
        Log::Json => tracing::subscriber::set_global_default(lines.json().with_target(false).finish()),
    };
}

/// Whether stderr is the stream that the journal reads, as the service manager names it (device:inode). Who is started by
/// a service inherits the variable, and may write elsewhere.
fn is_stream(stream: &str) -> bool {
    fstat(stderr()).is_ok_and(|own| stream == format!("{}:{}", own.st_dev, own.st_ino))
}

/// A line for each event: when, how grave, what. The journal knows when by itself, and is told how grave by a number
/// (`sd-daemon(3)`).
struct Lines {
    journal: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, fields: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = *event.metadata().level();
        if self.journal {
            to.write_str(priority(level))?;
        } else {
            SystemTime.format_time(&mut to)?;
            write!(to, " {level} ")?;
        }
        fields.format_fields(to.by_ref(), event)?;
        writeln!(to)
    }
}

fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("sink").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(journal: bool) -> String {
        let sink = Sink::default();
        let to = sink.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || to.clone()).with_ansi(false);
        let subscriber = lines.event_format(Lines { journal }).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(reason = "none", "it failed");
            tracing::warn!("it warns");
            tracing::info!("it goes on");
        });
        String::from_utf8(sink.0.lock().expect("sink").clone()).expect("text")
    }

    #[test]
    fn the_journal_is_told_by_numbers_and_people_by_words() {
        assert_eq!(written(true), "<3>it failed reason=\"none\"\n<4>it warns\n<6>it goes on\n");
        let lines = written(false);
        let lines: Vec<(&str, &str)> = lines.lines().filter_map(|line| line.split_once(' ')).collect();
        let words: Vec<&str> = lines.iter().map(|(_, words)| *words).collect();
        assert_eq!(words, ["ERROR it failed reason=\"none\"", "WARN it warns", "INFO it goes on"]);
        assert!(lines.iter().all(|(when, _)| when.contains('T')), "{lines:?}");
    }
}
