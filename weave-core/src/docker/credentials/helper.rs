//! Programs that keep credentials: `docker-credential-NAME get`, the registry on standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bollard::auth::DockerCredentials;
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::Deserialize;

/// How long a helper may take; some ask a service on the network.
const DEADLINE: Duration = Duration::from_secs(30);

/// What helpers say, in the protocol that they share, of a registry they know nothing about.
const UNKNOWN: &str = "credentials not found";

/// The user name with which the secret is a token.
const TOKEN: &str = "<token>";

/// What a helper prints.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

/// Asks the helper `name`; with no credentials from one that works or is not there, and why from one that does not.
pub(super) fn get(name: &str, registry: &str, path: Option<&OsStr>) -> Result<Option<DockerCredentials>, String> {
    let program = format!("docker-credential-{name}");
    let Some(found) = find(&program, path) else { return Ok(None) };
    let failed = |error: io::Error| format!("{program}: {error}");
    let (status, printed) = run(Command::new(found).arg("get"), registry, DEADLINE).map_err(failed)?;
    if !status.success() {
        // A helper that fails prints its reason, and no secret.
        let reason = printed.lines().next().unwrap_or_default().trim();
        return if reason.starts_with(UNKNOWN) { Ok(None) } else { Err(format!("{program}: {reason} ({status})")) };
    }
    let answer: Answer = serde_json::from_str(&printed).map_err(|_| format!("{program}: its answer makes no sense"))?;
    let mut credentials =
        DockerCredentials { serveraddress: Some(registry.to_owned()), ..DockerCredentials::default() };
    if answer.username == TOKEN {
        credentials.identitytoken = Some(answer.secret);
    } else {
        credentials.username = Some(answer.username);
        credentials.password = Some(answer.secret);
    }
    Ok(Some(credentials))
}

/// The program in one of the directories of `path`.
fn find(program: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let runs =
        |file: &PathBuf| file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path?).filter(|dir| dir.is_absolute()).map(|dir| dir.join(program)).find(runs)
}

/// Runs a program to its end; what it complains about is left to it.
pub(super) fn run(command: &mut Command, input: &str, limit: Duration) -> io::Result<(ExitStatus, String)> {
    // Memory files for both ends: nothing to drain, and no SIGPIPE from one that does not read.
    let (stdin, mut stdout) = (memory(input)?, memory("")?);
    let mut child = command.stdin(stdin).stdout(stdout.try_clone()?).stderr(Stdio::null()).spawn()?;
    let status = wait(&mut child, Instant::now() + limit)?;
    let mut printed = Vec::new();
    stdout.rewind()?;
    stdout.read_to_end(&mut printed)?;
    Ok((status, String::from_utf8_lossy(&printed).into_owned()))
}

fn wait(child: &mut Child, until: Instant) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= until {
            // It may have ended by itself in this very moment.
            let _ = child.kill();
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not end in time"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn memory(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create("weave", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}
