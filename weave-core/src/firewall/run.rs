//! Runs the programs of the packet filter: the one place of this room that touches the host.
//!
//! They run in the network namespace of the calling thread, without a shell, with their words as an array, in the C
//! locale, and not longer than a deadline: a program that waits for a lock for ever must not keep a caller for ever.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::{Error, ErrorKind, Result};

/// Longer than `-w` lets iptables wait for its lock, so that iptables itself says who is in the way.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where the programs are when `PATH` has no `sbin`, as for users who became root by `su`.
const FALLBACK: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Longest piece of a program's complaint that goes into an error.
const QUOTE: usize = 600;

/// One program to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// What it is about, for errors: `table inet weave`.
    pub subject: &'a str,
    /// The program.
    pub program: &'a str,
    /// Its arguments.
    pub args: &'a [&'a str],
    /// What it reads; nothing where this is empty.
    pub input: &'a str,
}

/// What a program said before it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Output {
    /// Whether it did what it was told.
    pub(super) fn ok(&self) -> bool {
        self.code == Some(0)
    }
}

impl Call<'_> {
    /// Runs it to its end, whatever its exit code.
    ///
    /// # Errors
    /// `NotFound` when there is no such program, `Timeout` when it does not end.
    pub(super) fn run(&self) -> Result<Output> {
        self.run_within(DEADLINE)
    }

    /// Runs it and returns what it printed.
    ///
    /// # Errors
    /// As [`Call::run`], and `Firewall` or `PermissionDenied` with the program's own words when it refuses.
    pub(super) fn text(&self) -> Result<String> {
        let output = self.run()?;
        if output.ok() { Ok(output.stdout) } else { Err(self.refused(&output)) }
    }

    fn run_within(&self, limit: Duration) -> Result<Output> {
        let until = Instant::now() + limit;
        let path = find(self.program).ok_or_else(|| self.missing())?;
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => self.missing(),
            _ => Error::os(self.subject, format_args!("run {}", self.program), source),
        };
        // Memory files for both: no second pipe to drain, and no SIGPIPE when the program does not read to the end.
        let complaints = memory("").map_err(failed)?;
        let stdin = if self.input.is_empty() { Stdio::null() } else { memory(self.input).map_err(failed)?.into() };
        tracing::debug!(program = self.program, args = ?self.args, "run");
        let mut child = Command::new(path)
            .args(self.args)
            .env("LC_ALL", "C")
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(complaints.try_clone().map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        let ended = drain(&mut child, until).and_then(|stdout| Ok((stdout, reap(&mut child, until)?)));
        let (stdout, status) = match ended {
            Ok((stdout, Some(status))) => (stdout, status),
            Ok((_, None)) => return Err(self.too_long(&mut child, limit)),
            Err(source) if source.kind() == io::ErrorKind::TimedOut => return Err(self.too_long(&mut child, limit)),
            Err(source) => {
                stop(&mut child);
                return Err(failed(source));
            }
        };
        let stderr = contents(complaints).map_err(failed)?;
        Ok(Output { code: status.code(), stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr })
    }

    /// The error for a refusal, in the program's own words.
    pub(super) fn refused(&self, output: &Output) -> Error {
        let words = quote(&output.stderr);
        let code = output.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        let message = format!("`{self}` ended with {code}: {words}");
        if words.contains("Operation not permitted") || words.contains("Permission denied") {
            let hint = if nix::unistd::geteuid().is_root() {
                "the table belongs to another program alone (flag `owner`), or CAP_NET_ADMIN is missing here"
            } else {
                "run as root, or with CAP_NET_ADMIN"
            };
            return Error::new(ErrorKind::PermissionDenied, self.subject, message).hint(hint);
        }
        let error = Error::new(ErrorKind::Firewall, self.subject, message);
        if words.contains("xtables lock") {
            error.hint("another program holds /run/xtables.lock; run again when it has ended")
        } else if words.contains("not supported") || words.contains("compiled-in") {
            error.hint("this kernel or nft lacks the feature; nftables 1.0 and Linux 5.2 or newer have it")
        } else {
            error.hint(format!("run it by hand to see more; `{}` is the program that refused", self.program))
        }
    }

    /// The error for a program that is not installed.
    pub(super) fn missing(&self) -> Error {
        let package = if self.program == "nft" { "nftables" } else { "iptables" };
        Error::new(ErrorKind::NotFound, self.subject, format!("the program `{}` is missing", self.program))
            .hint(format!("apt-get install {package}"))
    }

    fn too_long(&self, child: &mut Child, limit: Duration) -> Error {
        stop(child);
        let message = format!("`{self}` did not end within {} s and was stopped", limit.as_secs_f32());
        Error::new(ErrorKind::Timeout, self.subject, message)
            .hint("see what it waits for, such as another program that holds /run/xtables.lock; then run again")
    }
}

/// The command line, as a reader would type it.
impl std::fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.program)?;
        self.args.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

/// Does `job` for every item at the same time, each in the network namespace of the calling thread.
pub(super) fn together<I: Sync, T: Send>(items: &[I], job: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let Some((first, rest)) = items.split_first() else { return Vec::new() };
    std::thread::scope(|scope| {
        let job = &job;
        let rest: Vec<_> = rest.iter().map(|item| scope.spawn(move || job(item))).collect();
        let mut results = vec![job(first)];
        let join = |thread: std::thread::ScopedJoinHandle<'_, T>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        results.extend(rest.into_iter().map(join));
        results
    })
}

/// The program in `PATH`, or where system programs are.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let fallback = FALLBACK.iter().map(PathBuf::from);
    std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .chain(fallback)
        .map(|directory| directory.join(program))
        .find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// A file in memory that holds `text` and is read from its start.
fn memory(text: &str) -> io::Result<File> {
    let fd: OwnedFd = memfd_create("weave", MFdFlags::MFD_CLOEXEC)?;
    let mut file = File::from(fd);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

fn contents(mut file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads what the child prints until it closes its output.
fn drain(child: &mut Child, until: Instant) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(mut stdout) = child.stdout.take() else { return Ok(bytes) };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
            Err(nix::Error::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        match stdout.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(source),
        }
    }
}

/// Waits for the end of a child that has closed its output, which is a moment away.
fn reap(child: &mut Child, until: Instant) -> io::Result<Option<std::process::ExitStatus>> {
    let mut pause = Duration::from_micros(20);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Ends a child. A child that hangs in the kernel does not end even so, and is left to it rather than waited for.
fn stop(child: &mut Child) {
    let stopped = child.kill().and_then(|()| reap(child, Instant::now() + Duration::from_secs(1)));
    if !matches!(stopped, Ok(Some(_))) {
        tracing::warn!(pid = child.id(), "a program that was stopped did not end");
    }
}

/// A complaint on one line, not too long.
fn quote(stderr: &str) -> String {
    let lines: Vec<_> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = lines.join("; ");
    match text.char_indices().nth(QUOTE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if text.is_empty() => "it gave no reason".to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(program: &'a str, args: &'a [&'a str], input: &'a str) -> Call<'a> {
        Call { subject: "table inet weave", program, args, input }
    }

    #[test]
    fn input_output_and_complaints_arrive_whole() {
        let long = "x".repeat(1_000_000);
        let output = call("cat", &[], &long).run().expect("runs");
        assert!(output.ok());
        assert_eq!(output.stdout.len(), long.len());
        let output = call("sh", &["-c", "cat; printf %s $LC_ALL; echo no >&2; exit 3"], "").run().expect("runs");
        assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (Some(3), "C", "no\n"));
    }

    #[test]
    fn a_program_that_does_not_read_its_input_is_no_trouble() {
        assert!(call("true", &[], &"x".repeat(1_000_000)).run().expect("runs").ok());
    }

    #[test]
    fn a_program_that_hangs_is_stopped_and_named() {
        for script in ["exec sleep 60", "exec >&-; exec sleep 60"] {
            let start = Instant::now();
            let error = call("sh", &["-c", script], "").run_within(Duration::from_millis(100)).expect_err("hangs");
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
            assert!(start.elapsed() < Duration::from_secs(30));
        }
    }

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let error = call("weave-has-no-such-program", &[], "").run().expect_err("missing");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.next_step().is_some_and(|hint| hint.starts_with("apt-get install")));
    }

    #[test]
    fn a_refusal_is_quoted() {
        let args = ["-c", "echo 'Error: no' >&2; echo '  such thing' >&2; exit 1"];
        let error = call("sh", &args, "").text().expect_err("refuses");
        assert_eq!(error.kind(), ErrorKind::Firewall);
        assert!(error.to_string().contains("exit code 1: Error: no; such thing"), "{error}");
        let args = ["-c", "echo 'Operation not permitted (you must be root)' >&2; exit 1"];
        assert_eq!(call("sh", &args, "").text().expect_err("refuses").kind(), ErrorKind::PermissionDenied);
    }
}
