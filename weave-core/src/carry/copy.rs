//! Copying files from one host to the other: GNU tar there, GNU tar here.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::mounts::{Passage, Place};
use super::program::{MISSING, Program, Reach, Running, run_there, start};
use super::pump::Pump;
use super::scripts::{READ, READ_FILE, TREE, WRITE, WRITE_FILE};
use super::{CARRIES, End};
use crate::docker::volume::Volume;
use crate::{Error, ErrorKind, Result};

/// Which of the two passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// While the container runs: all of it, as it is at the moment.
    First,
    /// When it has stopped: what has changed since the first pass, or all of it where there was none. What is not there
    /// any more is removed, and then both sides are compared.
    Last,
}

impl Pass {
    /// What the scripts call it.
    fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

/// Whether a host has the programs that copying takes.
///
/// # Errors
/// `Unsupported` with what is missing.
pub(crate) async fn check_tools(end: &End, token: &str) -> Result<()> {
    let program = Program {
        what: "look for GNU tar".to_owned(),
        script:
            "for name in tar find sort sha256sum sync sed; do command -v $name >/dev/null || { echo $name; exit; }; done
                 tar --version | grep -q 'GNU tar' || { echo 'GNU tar'; exit; }
                 find --version | grep -q 'GNU findutils' || echo 'GNU find'"
                .to_owned(),
        words: Vec::new(),
        mounts: Vec::new(),
        reach: Reach::Files,
    };
    let missing = run_there(end, token, &program, None).await?;
    match String::from_utf8_lossy(&missing).trim() {
        "" => Ok(()),
        missing => {
            let message = format!("there is no {missing} on {}, and copying volumes needs it", end.name());
            Err(Error::new(ErrorKind::Unsupported, "volumes", message)
                .hint("install tar, findutils and coreutils of GNU there, or move it without its volumes"))
        }
    }
}

/// Copies the files of one place to the other; the bytes that were sent. `told` is how many there were so far.
///
/// # Errors
/// In the words of tar; `VerifyFailed` where both sides are not the same in the end.
pub(crate) async fn copy(
    from: &End,
    to: &End,
    token: &str,
    passage: &Passage,
    pass: Pass,
    told: &(dyn Fn(u64) + Send + Sync),
) -> Result<u64> {
    let ends = Ends { from, to, token, passage, told };
    if matches!(passage.from, Place::File(_)) {
        // It is small against what a look would cost.
        let sent = ends.send(READ_FILE, WRITE_FILE, pass.word(), 0).await?;
        return if pass == Pass::First { Ok(sent) } else { ends.same(sent).await };
    }
    let state = Volume { name: state(token), driver: "local".to_owned(), ..Volume::default() };
    let state = Volume { labels: [(CARRIES.to_owned(), token.to_owned())].into(), ..state };
    from.engine.make_volume(&state).await?;
    let sent = ends.send(READ, WRITE, pass.word(), 0).await?;
    if pass == Pass::First {
        return Ok(sent);
    }
    if ends.alike().await? {
        return Ok(sent);
    }
    // GNU tar loses its way in some chains of renamed directories; all of it is always right.
    let sent = ends.send(READ, WRITE, "first", sent).await?;
    ends.same(sent).await
}

/// The volume with the lists of what was read.
fn state(token: &str) -> String {
    format!("weave-carry-{token}")
}

/// Both ends of a passage.
struct Ends<'a> {
    from: &'a End,
    to: &'a End,
    token: &'a str,
    passage: &'a Passage,
    told: &'a (dyn Fn(u64) + Send + Sync),
}

impl Ends<'_> {
    /// Reads here, writes there; `before` bytes were sent before. The bytes sent in all.
    async fn send(&self, read: &str, write: &str, pass: &str, before: u64) -> Result<u64> {
        let Passage { target, from, to } = self.passage;
        let name = match from {
            Place::File(path) => parent(path).1.to_owned(),
            Place::Volume(place) | Place::Directory(place) => list(place),
        };
        let mut mounts = vec![mount(from, "/from", true)];
        if !matches!(from, Place::File(_)) {
            mounts.push(json!({"Type": "volume", "Source": state(self.token), "Target": "/state"}));
        }
        let program = |script: &str, words: Vec<String>, mounts: Vec<Value>| Program {
            what: format!("copy {target}"),
            script: script.to_owned(),
            words,
            mounts,
            reach: Reach::Files,
        };
        let writer = program(write, Vec::new(), vec![mount(to, "/to", false)]);
        let reader = program(read, vec![name, pass.to_owned()], mounts);
        let (reader, writer) = tokio::join!(start(self.from, self.token, &reader, false), self.start_writer(&writer));
        let pump = Pump { from: self.from, to: self.to, what: &format!("copy {target}"), told: self.told };
        pump.run(&mut reader?, &mut writer?, before).await
    }

    async fn start_writer(&self, writer: &Program) -> Result<Running> {
        let path = match &self.passage.to {
            Place::Volume(_) => None,
            Place::Directory(path) => Some(path.as_str()),
            Place::File(path) => Some(parent(path).0),
        };
        match (start(self.to, self.token, writer, true).await, path) {
            (Err(error), Some(path)) if error.message().contains(MISSING) => {
                self.make_directory(path).await?;
                start(self.to, self.token, writer, true).await
            }
            (started, _) => started,
        }
    }

    /// That both sides look the same; the bytes that were `sent`.
    async fn same(&self, sent: u64) -> Result<u64> {
        if self.alike().await? {
            return Ok(sent);
        }
        let message = format!("{} is not the same on both hosts after it was copied", self.passage.target);
        Err(Error::new(ErrorKind::VerifyFailed, self.to.name(), message)
            .hint("does another container or process write to it?"))
    }

    /// Whether both sides look the same.
    async fn alike(&self) -> Result<bool> {
        let look = |end, place: &Place, at: &str| {
            let what = match place {
                Place::File(path) => format!("./{}", parent(path).1),
                Place::Volume(_) | Place::Directory(_) => ".".to_owned(),
            };
            let program = Program {
                what: format!("compare {}", self.passage.target),
                script: TREE.to_owned(),
                words: vec![at.to_owned(), what],
                mounts: vec![mount(place, at, true)],
                reach: Reach::Files,
            };
            async move { run_there(end, self.token, &program, None).await }
        };
        let (ours, theirs) =
            tokio::try_join!(look(self.from, &self.passage.from, "/from"), look(self.to, &self.passage.to, "/to"))?;
        Ok(ours == theirs)
    }

    async fn make_directory(&self, path: &str) -> Result<()> {
        let program = Program {
            what: format!("make {path}"),
            script: "exec mkdir -p -- \"$1\"".to_owned(),
            words: vec![path.to_owned()],
            mounts: Vec::new(),
            reach: Reach::Host,
        };
        run_there(self.to, self.token, &program, None).await.map(drop)
    }
}

/// A place, bound to a directory of the container that reads or writes it. Of a file it is the directory around it.
fn mount(place: &Place, target: &str, read_only: bool) -> Value {
    match place {
        Place::Volume(name) => json!({
            "Type": "volume", "Source": name, "Target": target, "ReadOnly": read_only,
            "VolumeOptions": {"NoCopy": true},
        }),
        Place::Directory(path) => json!({"Type": "bind", "Source": path, "Target": target, "ReadOnly": read_only}),
        Place::File(path) => {
            json!({"Type": "bind", "Source": parent(path).0, "Target": target, "ReadOnly": read_only})
        }
    }
}

/// The directory and the name of a file.
fn parent(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => (".", path),
    }
}

/// The name of the list of what was read of a place.
fn list(place: &str) -> String {
    Sha256::digest(place).iter().map(|byte| format!("{byte:02x}")).collect()
}
