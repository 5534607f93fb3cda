//! Runs `systemctl` and its like.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::{Error, ErrorKind, Result};

/// Whether a program is on `PATH`.
pub(super) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |file: &Path| file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&path).filter(|dir| dir.is_absolute()).any(|dir| is_program(&dir.join(program)))
}

/// What a command printed on standard output, whatever its exit code; nothing where it does not start.
pub(super) fn answer(words: &[&str]) -> String {
    let said = start(words).map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_default()
}

/// Runs a command to its end. Units take their time to start, and whoever waits for one knows best how long.
///
/// # Errors
/// `VerifyFailed` with the program's own words, `PermissionDenied` where it says so, `NotFound` where it is missing.
pub(super) fn done(words: &[&str]) -> Result<()> {
    let line = words.join(" ");
    let output = start(words).map_err(|source| {
        let error = Error::new(ErrorKind::NotFound, "units", format!("`{line}` does not start: {source}"));
        error.source(source).hint("systemd's programs have to be on PATH")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let why = if lines.is_empty() { "it gave no reason".to_owned() } else { lines.join("; ") };
    let message = format!("`{line}` ended with {}: {why}", output.status);
    if ["Access denied", "authentication required", "Permission denied"].iter().any(|word| why.contains(word)) {
        return Err(Error::new(ErrorKind::PermissionDenied, "units", message).hint("run as root"));
    }
    let unit = words.iter().find(|word| word.ends_with(".service"));
    let hint = unit
        .map_or_else(|| "`systemctl status` says more".to_owned(), |unit| format!("`journalctl -eu {unit}` says more"));
    Err(Error::new(ErrorKind::VerifyFailed, "units", message).hint(hint))
}

fn start(words: &[&str]) -> std::io::Result<Output> {
    let (program, words) = words.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    tracing::debug!(program, ?words, "run");
    Command::new(program).args(words).env("LC_ALL", "C").env("SYSTEMD_COLORS", "0").stdin(Stdio::null()).output()
}
