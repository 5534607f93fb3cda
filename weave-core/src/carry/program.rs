//! A program of an end's own host, run by its engine.
//!
//! The engine is all that is known of the other host, so that programs run in a container: of an image with nothing in
//! it, and the host's own programs and libraries bound to where they belong. One that has to see the host as it is
//! enters the mount namespace of its parent, the engine's shim: that is where the engine and its host are at home, also
//! where process 1 is somebody else. Its pid is the only one that needs no looking for.
//!
//! A shell around the program tells its exit code, and `dd` how much it wrote, both on the standard error: an engine
//! drops what nobody has read two seconds after the end, and there would be no way to tell. So the shell waits for
//! that, too, before it ends.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{CARRIES, End};
use crate::docker::brief::{Input, Output};
use crate::{Error, ErrorKind, Result, names};

/// Where a host has its programs and libraries. Not every host has all of them.
const ROOTS: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix"];

/// How the engine says that a directory is not there.
pub(super) const MISSING: &str = "bind source path does not exist: ";

/// How a shell says that there is no such program.
const NOT_FOUND: i32 = 127;

/// What copying files takes: whatever an owner may do, and to make owners, capabilities and devices of files, and the
/// attributes `trusted.*` of those of an overlay.
const FILES: [&str; 10] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "MKNOD",
    "SETFCAP",
    "SETGID",
    "SETUID",
    "SYS_ADMIN",
];

/// What weave takes, and the way into the host's namespaces.
const HOST: [&str; 12] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "KILL",
    "NET_ADMIN",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SYS_ADMIN",
    "SYS_CHROOT",
    "SYS_PTRACE",
];

/// What a program may see and do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The files of its mounts, without a network.
    Files,
    /// The host: its network, its processes, its files.
    Host,
}

/// A script of the shell, with arguments.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// What it is for, for people: `copy /data`.
    pub(crate) what: String,
    /// The script; its arguments are `$1` and so on.
    pub(crate) script: String,
    /// Its arguments.
    pub(crate) words: Vec<String>,
    /// Volumes and directories, as a request for a container has them (`HostConfig.Mounts`).
    pub(crate) mounts: Vec<Value>,
    /// What it may see and do.
    pub(crate) reach: Reach,
}

/// A program under way.
pub(super) struct Running {
    /// What it reads.
    pub(super) input: Input,
    /// What it writes.
    pub(super) said: Said,
    /// Whether the shell waits until its input ends.
    held: bool,
}

/// What a program writes, and has written.
pub(super) struct Said {
    what: String,
    output: Output,
    bytes: u64,
}

/// Runs a program of the host to its end, with its input; its output.
///
/// # Errors
/// In the words of the program or of the engine; `NotFound` where there is no such program.
pub(crate) async fn run_there(end: &End, token: &str, program: &Program, input: Option<Bytes>) -> Result<Bytes> {
    let mut running = start(end, token, program, input.is_some()).await?;
    let mut all = Vec::new();
    let Some(text) = input else {
        while let Some(piece) = running.next().await? {
            all.extend_from_slice(&piece);
        }
        return running.said.ended(end).map(|()| all.into());
    };
    let Running { mut input, mut said, .. } = running;
    let feed = async {
        input.write(&text).await?;
        input.end().await
    };
    let listen = async {
        while let Some(piece) = said.next().await? {
            all.extend_from_slice(&piece);
        }
        said.ended(end)
    };
    // One that did what it should has read as much as it wanted.
    let (_, heard) = tokio::join!(feed, listen);
    heard.map(|()| all.into())
}

/// Removes the containers and volumes that served to carry the container of this token: those that a run that was
/// killed has left.
///
/// # Errors
/// In the engine's words.
pub(crate) async fn sweep(end: &End, token: &str) -> Result<()> {
    end.engine.remove_labelled(CARRIES, token).await
}

/// Starts a program; one that `reads` is given something.
pub(super) async fn start(end: &End, token: &str, program: &Program, reads: bool) -> Result<Running> {
    start_as(None, end, token, program, reads).await
}

/// The same in a container with a name, which only one can have.
pub(super) async fn start_as(
    name: Option<&str>,
    end: &End,
    token: &str,
    program: &Program,
    reads: bool,
) -> Result<Running> {
    let mut roots = ROOTS.to_vec();
    let (input, output) = loop {
        let begun = end.engine.begin(name, &program.what, &request(end, token, program, reads, &roots)).await;
        match begun {
            Ok(ends) => break ends,
            Err(error) => {
                let missing = error.message().split_once(MISSING).and_then(|(_, rest)| rest.split_whitespace().next());
                let Some(at) = roots.iter().position(|root| missing == Some(root)) else { return Err(error) };
                roots.remove(at);
            }
        }
    };
    Ok(Running { input, said: Said { what: program.what.clone(), output, bytes: 0 }, held: !reads })
}

fn request(end: &End, token: &str, program: &Program, reads: bool, roots: &[&str]) -> Value {
    let host = program.reach == Reach::Host;
    let enter = if host { "nsenter --target $PPID --mount -- " } else { "" };
    let (from, hold) = if reads { ("", "") } else { ("</dev/null", "; cat >/dev/null") };
    let shell =
        format!("{{ {enter}/bin/sh -c \"$0\" weave \"$@\" {from}; echo \"weave: $?\" >&2; }} | dd bs=64k{hold}");
    let bind = |root: &&str| json!({"Type": "bind", "Source": root, "Target": root, "ReadOnly": true});
    let mounts: Vec<Value> = roots.iter().map(bind).chain(program.mounts.iter().cloned()).collect();
    let words: Vec<&str> = std::iter::once(&program.script).chain(&program.words).map(String::as_str).collect();
    json!({
        "Image": names::HOLDER_IMAGE,
        "Entrypoint": ["/bin/sh", "-c", shell],
        "Cmd": words,
        "Env": end.environment(),
        "User": "0:0",
        "WorkingDir": "/",
        "AttachStdin": true, "AttachStdout": true, "AttachStderr": true, "OpenStdin": true, "StdinOnce": true,
        "Labels": {CARRIES: token},
        "HostConfig": {
            "AutoRemove": true,
            // The engine's own would be hidden by the host's programs.
            "Init": false,
            "NetworkMode": if host { "host" } else { "none" },
            "PidMode": if host { "host" } else { "" },
            "UsernsMode": "host",
            "CapDrop": ["ALL"],
            "CapAdd": if host { HOST.to_vec() } else { FILES.to_vec() },
            // These are the host's own programs, with fewer rights than they have there.
            "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
            "LogConfig": {"Type": "none"},
            "Mounts": mounts,
        },
    })
}

impl Running {
    /// A program with these ends; one that is `held` waits until its input ends.
    #[cfg(test)]
    pub(super) fn of(what: &str, (input, output): (Input, Output), held: bool) -> Self {
        Self { input, said: Said { what: what.to_owned(), output, bytes: 0 }, held }
    }

    /// What comes next on the standard output.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(piece) = self.said.next().await? {
            if self.held && self.said.is_all() {
                self.held = false;
                self.input.end().await?;
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

impl Said {
    /// What comes next on the standard output; empty when it is something on the standard error.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = self.output.next().await?;
        self.count(piece)
    }

    /// The same, however long it says nothing.
    pub(super) async fn next_at_last(&mut self) -> Result<Option<Bytes>> {
        let piece = self.output.next_at_last().await?;
        self.count(piece)
    }

    /// That it said nothing for too long.
    pub(super) fn late(&self) -> Error {
        self.output.late()
    }

    fn count(&mut self, piece: Option<Bytes>) -> Result<Option<Bytes>> {
        self.bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }

    fn is_all(&self) -> bool {
        Ending::read(&self.output.words()).bytes == Some(self.bytes)
    }

    /// What it has said on its standard error.
    pub(super) fn words(&self) -> String {
        Ending::read(&self.output.words()).words
    }

    /// Whether it did what it should, once there is nothing more to read.
    ///
    /// # Errors
    /// In its own words.
    pub(super) fn ended(&self, end: &End) -> Result<()> {
        let Ending { code, bytes, words } = Ending::read(&self.output.words());
        match code {
            Some(0) if bytes == Some(self.bytes) => Ok(()),
            Some(0) => Err(self.error(end, ErrorKind::Docker, "its output was cut off")),
            None => Err(self.error(end, ErrorKind::Docker, &format!("it was ended: {words}"))),
            Some(code) => Err(self.failed(end, code, &words)),
        }
    }

    /// Why it ended, where it said so and failed.
    pub(super) fn failure(&self, end: &End) -> Option<Error> {
        let Ending { code, words, .. } = Ending::read(&self.output.words());
        code.filter(|code| *code != 0).map(|code| self.failed(end, code, &words))
    }

    fn failed(&self, end: &End, code: i32, words: &str) -> Error {
        let words = if words.is_empty() { "no reason given" } else { words };
        if code == NOT_FOUND {
            let hint = format!("the programs of {} itself are run: install what is missing there", end.name());
            return self.error(end, ErrorKind::NotFound, words).hint(hint);
        }
        self.error(end, ErrorKind::Docker, &format!("{words} (exit code {code})"))
    }

    fn error(&self, end: &End, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, end.name(), format!("{}: {why}", self.what))
    }
}

/// What the standard error tells.
#[derive(Debug, PartialEq, Eq)]
struct Ending {
    /// The exit code of the program.
    code: Option<i32>,
    /// Bytes that it wrote.
    bytes: Option<u64>,
    /// What it said itself, in one line.
    words: String,
}

impl Ending {
    fn read(text: &str) -> Self {
        let mut ending = Self { code: None, bytes: None, words: String::new() };
        let mut words: Vec<&str> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(code) = line.strip_prefix("weave: ").and_then(|code| code.parse().ok()) {
                ending.code = Some(code);
            } else if let Some((bytes, _)) = line.split_once(" byte").filter(|(_, rest)| rest.contains(" copied")) {
                ending.bytes = bytes.parse().ok();
            } else if !(line.ends_with(" records in") || line.ends_with(" records out")) {
                words.push(line);
            }
        }
        ending.words = words.join("; ");
        ending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_tells_how_it_ended() {
        let text = "tar: gone\nweave: 2\n0+1 records in\n0+1 records out\n5 bytes copied, 1.2 s, 4 B/s\n";
        let wanted = Ending { code: Some(2), bytes: Some(5), words: "tar: gone".to_owned() };
        assert_eq!(Ending::read(text), wanted);
        let busybox = "0+1 records in\n0+1 records out\n1 byte (1B) copied, 0.1 seconds, 10B/s";
        assert_eq!(Ending::read(busybox).bytes, Some(1));
        let more = "weave: no such thing\n\n12345 bytes (12 kB, 12 KiB) copied, 0.0 s";
        assert_eq!(
            Ending::read(more),
            Ending { code: None, bytes: Some(12345), words: "weave: no such thing".to_owned() }
        );
        assert_eq!(Ending::read("123"), Ending { code: None, bytes: None, words: "123".to_owned() });
    }
}
