//! Running programs so that a failure explains itself.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A test command that takes longer hangs; `timeout` ends it and exits with 124. A slow disk makes an engine take minutes
/// over some of them.
const LIMIT_SECONDS: &str = "900";

/// How long to poll for what has to come: it costs nothing when all is well, and a slow disk takes its time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// What weave is told in a lab: an engine on a slow disk keeps a question waiting while it starts or stops a container.
pub(crate) const PATIENT: (&str, &str) = ("WEAVE_ENGINE_TIMEOUT", "300");

/// What a program printed and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// The command line, for messages.
    pub(crate) line: String,
    /// The exit code; 124 after a timeout, 128 and more after a signal.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Whether the program exited with 0.
    pub(crate) fn ok(&self) -> bool {
        self.code == 0
    }

    /// Standard output; panics with all there is to know if the program failed.
    #[track_caller]
    pub(crate) fn must(self) -> String {
        assert!(self.ok(), "{self}");
        self.stdout
    }

    /// Standard error; panics if the program succeeded.
    #[track_caller]
    pub(crate) fn must_fail(self) -> String {
        assert!(!self.ok(), "should have failed: {self}");
        self.stderr
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, stdout, stderr } = self;
        write!(f, "`{line}` exited with {code}\nstdout: {}\nstderr: {}", stdout.trim_end(), stderr.trim_end())
    }
}

/// A command that is ended if it hangs.
pub(crate) fn bounded(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", LIMIT_SECONDS, program]);
    command
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let words =
        std::iter::once(command.get_program()).chain(command.get_args()).map(|w| w.to_string_lossy().into_owned());
    let line = words.collect::<Vec<_>>().join(" ");
    let done = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("start `{line}`: {e}"));
    Output {
        line,
        // `timeout` reports a signal as an exit code, so None is only itself being killed.
        code: done.status.code().unwrap_or(137),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

/// Runs a program with arguments in the machine's own namespace.
#[track_caller]
pub(crate) fn exec(args: &[&str]) -> Output {
    let (program, rest) = args.split_first().expect("a command line");
    run(bounded(program).args(rest))
}

/// Makes a program that can be run at once.
///
/// Another process writes it: what this one had open for writing, one that another test is just starting still has, and
/// the kernel refuses to run it (`ETXTBSY`).
#[track_caller]
pub(crate) fn program(path: &Path, text: impl AsRef<[u8]>) {
    let script = "cat >\"$0.new\" && chmod 755 \"$0.new\" && mv \"$0.new\" \"$0\"";
    let mut command = Command::new("sh");
    let mut child = command.args(["-c", script]).arg(path).stdin(Stdio::piped()).spawn().expect("sh to start");
    child.stdin.take().expect("a pipe").write_all(text.as_ref()).expect("sh to read");
    assert!(child.wait().expect("a child").success(), "write {}", path.display());
}

/// Polls until `done` says yes; false after `limit`.
pub(crate) fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Says what cannot be raised as a panic, because one is under way.
pub(crate) fn warn(message: &str) {
    // Nothing is left to tell it to if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{message}");
}
