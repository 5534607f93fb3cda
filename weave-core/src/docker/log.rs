//! The last words of a container: `docker logs --tail 5`.

use bollard::query_parameters::LogsOptions;
use futures_util::TryStreamExt;

use super::build::plain;
use super::client::Engine;

/// How many lines are read.
const LINES: &str = "5";

/// How much of them all: an engine cuts lines at 16 KiB.
const BYTES: usize = 96 * 1024;

/// How much of a line is shown.
const LETTERS: usize = 200;

impl Engine {
    /// The last lines of output; `None` where the engine does not keep them or does not tell.
    pub(super) async fn last_lines(&self, name: &str) -> Option<Vec<String>> {
        let options = || LogsOptions { stdout: true, stderr: true, tail: LINES.to_owned(), ..LogsOptions::default() };
        let read = |docker: bollard::Docker| {
            let pieces = docker.logs(name, Some(options()));
            async move {
                let add = async |mut all: Vec<u8>, piece: bollard::container::LogOutput| {
                    let piece = piece.into_bytes();
                    all.extend_from_slice(&piece[..piece.len().min(BYTES.saturating_sub(all.len()))]);
                    Ok(all)
                };
                pieces.try_fold(Vec::new(), add).await
            }
        };
        let bytes = self.ask(&format!("read the log of {name}"), read).await.ok()?;
        Some(lines(&String::from_utf8_lossy(&bytes)))
    }
}

/// Lines as a terminal would show them, without what only a terminal understands.
fn lines(text: &str) -> Vec<String> {
    let shown = |line: &str| {
        let last = line.trim_end().rsplit('\r').next().unwrap_or_default();
        let line = plain(last);
        match line.char_indices().nth(LETTERS) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    };
    text.lines().map(shown).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_plain_and_short() {
        let long = "x".repeat(300);
        let text = format!("\u{1b}[31mred\u{1b}[0m \n\n10%\r20%\r\n  two words\t\n{long}\n");
        let cut = format!("{}…", "x".repeat(LETTERS));
        assert_eq!(lines(&text), ["red", "20%", "two words", cut.as_str()]);
    }
}
