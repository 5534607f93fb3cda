//! Copying files from one host to the other: GNU tar there, GNU tar here.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::mounts::{Passage, Place};
use super::program::{MISSING, Program, Reach, Running, run_there, start};
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

/// Reads a directory. Its list of what it read serves the second pass, and is kept in a volume until then. What is
/// written through memory is only seen to have changed when it was on the disk before, so that comes first; and the
/// second pass looks back a little, because the kernel's clock for files goes in steps.
const READ: &str = "
    list=/state/$1
    if [ \"$2\" = first ]; then rm -f \"$list\"; sync -f /from; fi
    now=$(date +%s)
    tar --create --file=- --directory=/from --listed-incremental=\"$list\" --no-check-device --format=posix \\
        --numeric-owner --sparse --acls --xattrs --xattrs-include='*' .
    code=$?
    [ \"$2\" = first ] || exit $code
    [ $code -le 1 ] || exit $code
    sed -z -i \"1s/[0-9]*\\$/$((now - 2))/\" \"$list\"";

/// Writes a directory, and removes from it what was not read.
const WRITE: &str = "
    exec tar --extract --file=- --directory=/to --listed-incremental=/dev/null --numeric-owner --same-owner \\
        --preserve-permissions --acls --xattrs --xattrs-include='*' --delay-directory-restore --warning=no-timestamp";

/// A file alone, out of its directory.
const READ_FILE: &str = "
    exec tar --create --file=- --directory=/from --format=posix --numeric-owner --sparse --acls --xattrs \\
        --xattrs-include='*' -- \"$1\"";

const WRITE_FILE: &str = "
    exec tar --extract --file=- --directory=/to --numeric-owner --same-owner --preserve-permissions --acls --xattrs \\
        --xattrs-include='*' --unlink-first --warning=no-timestamp";

/// All that tells one tree from another without reading its files. Not all file systems know parts of seconds.
const TREE: &str = "
    cd \"$1\" || exit
    { find . ! -type s \\( -type d -printf 'd %m %U %G %p\\0' -o -type l -printf 'l %U %G %l %p\\0' \\
        -o -printf '%y %m %U %G %s %T@ %p\\0' \\) || printf %s \"$1\"; } \\
        | sed -z -E 's/^(f( [0-9]+){4} -?[0-9]+)\\.[0-9]+/\\1/' \\
        | LC_ALL=C sort -z | sha256sum";

/// How long a writer that reads no more may take to say why.
const REASON: Duration = Duration::from_secs(5);

/// How a full disk is told of.
const FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

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
        return ends.send(READ_FILE, WRITE_FILE, "file", 0).await;
    }
    let state = Volume { name: state(token), driver: "local".to_owned(), ..Volume::default() };
    let state = Volume { labels: [(CARRIES.to_owned(), token.to_owned())].into(), ..state };
    from.engine.make_volume(&state).await?;
    if pass == Pass::First {
        return ends.send(READ, WRITE, "first", 0).await;
    }
    let sent = ends.send(READ, WRITE, "last", 0).await?;
    if ends.alike().await? {
        return Ok(sent);
    }
    // GNU tar loses its way in some chains of renamed directories; all of it is always right.
    let sent = ends.send(READ, WRITE, "first", sent).await?;
    if ends.alike().await? {
        return Ok(sent);
    }
    let message = format!("{} is not the same on both hosts after it was copied", passage.target);
    Err(Error::new(ErrorKind::VerifyFailed, to.name(), message).hint("does another container or process write to it?"))
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
        self.pump(&mut reader?, &mut writer?, before).await
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

    async fn pump(&self, reader: &mut Running, writer: &mut Running, before: u64) -> Result<u64> {
        let Running { input, said, .. } = writer;
        let feed = async {
            let mut sent = before;
            while let Some(piece) = reader.next().await? {
                input.write(&piece).await?;
                sent += piece.len() as u64;
                (self.told)(sent);
            }
            // A writer that has seen the archive's end is gone by now.
            let _ = input.end().await;
            Ok(sent)
        };
        let listen = async {
            while said.next().await?.is_some() {
                // It would go on reading to no end.
                if is_full(&said.words()) {
                    let message = format!("copy {}: {}", self.passage.target, said.words());
                    return Err(
                        Error::new(ErrorKind::Docker, self.to.name(), message).hint("make room on the disk there")
                    );
                }
            }
            said.ended(self.to)
        };
        let moved: Result<u64> = {
            let (mut feed, mut listen) = (std::pin::pin!(feed), std::pin::pin!(listen));
            tokio::select! {
                fed = &mut feed => match fed {
                    Ok(sent) => listen.await.map(|()| sent),
                    // The writer may have had a reason not to read on.
                    Err(error) => match tokio::time::timeout(REASON, listen).await {
                        Ok(Err(reason)) => Err(reason),
                        _ => Err(error),
                    },
                },
                heard = &mut listen => match heard {
                    Ok(()) => feed.await,
                    Err(reason) => Err(reason),
                },
            }
        };
        // What the reader did not get to say, the writer does not understand.
        match (moved, reader.said.failure(self.from)) {
            (Ok(sent), None) => reader.said.ended(self.from).map(|()| sent),
            (Err(reason), None) => Err(reason),
            (_, Some(failure)) => Err(failure),
        }
    }

    /// Whether both sides look the same.
    async fn alike(&self) -> Result<bool> {
        let look = |end, place, what: &str| {
            let program = Program {
                what: format!("compare {}", self.passage.target),
                script: TREE.to_owned(),
                words: vec![what.to_owned()],
                mounts: vec![mount(place, what, true)],
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

fn is_full(words: &str) -> bool {
    FULL.iter().any(|full| words.contains(full))
}

/// The name of the list of what was read of a place.
fn list(place: &str) -> String {
    Sha256::digest(place).iter().map(|byte| format!("{byte:02x}")).collect()
}
