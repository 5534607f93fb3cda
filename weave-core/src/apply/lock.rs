//! One weave at a time on a host: a file lock around looking, acting and looking again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};

use crate::{Error, ErrorKind, Result};

/// The run directory: `WEAVE_RUN_DIR`, else `/run/weave`. Hosts that share one file system need one each.
pub fn run_dir() -> PathBuf {
    std::env::var_os("WEAVE_RUN_DIR").filter(|dir| !dir.is_empty()).map_or_else(|| "/run/weave".into(), PathBuf::from)
}

/// The lock, held as long as this lives; the kernel lets go of it when its holder dies.
#[derive(Debug)]
pub struct Lock {
    _file: Flock<File>,
    turn: u64,
}

/// How long to sleep between two tries. `flock` has no deadline of its own.
const PAUSE: Duration = Duration::from_millis(5);

impl Lock {
    /// Waits for the lock in `dir` until `deadline` has passed.
    ///
    /// # Errors
    /// `Timeout`, naming who holds it; `PermissionDenied` or `Kernel` when the file cannot be made.
    pub async fn acquire(dir: &Path, operation: &str, deadline: Duration) -> Result<Self> {
        let path = dir.join("lock");
        let failed = |action: &str, error| Error::os(path.display().to_string(), action, error);
        let mut file = match open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = std::fs::DirBuilder::new().recursive(true).mode(0o755).create(dir);
                made.map_err(|error| failed("make the run directory", error))?;
                open(&path)
            }
            opened => opened,
        }
        .map_err(|error| failed("open the lock", error))?;
        let start = Instant::now();
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => {
                    let turn = turn_of(&held).wrapping_add(1);
                    sign(&held, operation, turn);
                    return Ok(Self { _file: held, turn });
                }
                Err((back, nix::errno::Errno::EWOULDBLOCK | nix::errno::Errno::EINTR)) => file = back,
                Err((_, errno)) => return Err(failed("lock", errno.into())),
            }
            if start.elapsed() >= deadline {
                return Err(held_by(&mut file, &path, deadline));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// How often the lock was held, this time included: who has it twice in a row knows that nobody had it meanwhile.
    /// It begins anew when the run directory does.
    pub fn turn(&self) -> u64 {
        self.turn
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        // Whoever may open it may hold it, and keep everybody else waiting.
        .mode(0o600)
        .open(path)
}

/// How often it was held so far, as who held it last has signed.
fn turn_of(file: &File) -> u64 {
    let mut text = [0; 256];
    let length = file.read_at(&mut text, 0).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[..length]);
    let turn = text.lines().next().and_then(|line| line.split(' ').nth(2));
    turn.and_then(|turn| turn.parse().ok()).unwrap_or_default()
}

/// Who holds it, for the error of those who waited in vain, and the how manieth that is. The lock itself does not depend
/// on it.
///
/// Only the first line counts: to cut off what is left of a longer one takes long on a disk.
fn sign(file: &File, operation: &str, turn: u64) {
    let _ = file.write_all_at(format!("{} {operation} {turn}\n", std::process::id()).as_bytes(), 0);
}

/// Whether the lock in `dir` says that another process has it, or had it last. Who has it signs it at once, so this is
/// never true of an operation that has it.
pub(crate) fn is_held_by_another(dir: &Path) -> bool {
    let signed = std::fs::read_to_string(dir.join("lock")).unwrap_or_default();
    let holder = signed.split_whitespace().next().and_then(|pid| pid.parse::<u32>().ok());
    holder.is_some_and(|pid| pid != std::process::id())
}

fn held_by(file: &mut File, path: &Path, deadline: Duration) -> Error {
    let mut line = String::new();
    let _ = file.seek(SeekFrom::Start(0)).and_then(|_| BufReader::new(file).read_line(&mut line));
    let mut words = line.split_whitespace();
    let (pid, operation) = words.next().zip(words.next()).unwrap_or(("unknown", "unknown"));
    let message = format!("process {pid} ({operation}) held it for the {} s that were waited", deadline.as_secs_f32());
    Error::new(ErrorKind::Timeout, path.display().to_string(), message)
        .hint(format!("`ps {pid}` shows what it is; WEAVE_LOCK_TIMEOUT says how many seconds to wait"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(dir: &Path, operation: &str, deadline: Duration) -> Result<Lock> {
        crate::blocking::run(Lock::acquire(dir, operation, deadline))
    }

    #[test]
    fn the_second_waits_and_names_the_first() {
        let dir = tempfile::tempdir().expect("directory");
        let held = wait(dir.path(), "attach", Duration::ZERO).expect("first");
        let error = wait(dir.path(), "detach", Duration::from_millis(20)).expect_err("second");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.message().contains(&format!("process {} (attach)", std::process::id())), "{error}");
        drop(held);
        let _held = wait(dir.path(), "stop", Duration::ZERO).expect("free again");
        // What is left of a longer line does not count.
        let error = wait(dir.path(), "detach", Duration::ZERO).expect_err("third");
        assert!(error.message().contains(&format!("process {} (stop)", std::process::id())), "{error}");
    }

    #[test]
    fn who_has_it_twice_knows_whether_somebody_had_it_meanwhile() {
        let dir = tempfile::tempdir().expect("directory");
        let turn = || wait(dir.path(), "converge", Duration::ZERO).expect("free").turn();
        assert_eq!([turn(), turn()], [1, 2]);
        for line in ["", "17\n", "17 attach\n", "17 attach much\n", "\u{fe}\n"] {
            std::fs::write(dir.path().join("lock"), line).expect("written");
            assert_eq!(wait(dir.path(), "x", Duration::ZERO).expect("free").turn(), 1, "{line}");
        }
    }

    #[test]
    fn the_lock_says_who_has_it() {
        let dir = tempfile::tempdir().expect("directory");
        let waits = |text: String| {
            std::fs::write(dir.path().join("lock"), text).expect("written");
            is_held_by_another(dir.path())
        };
        assert!(!waits(String::new()));
        assert!(!waits(format!("{} attach 7\n", std::process::id())));
        assert!(waits("1 attach 7\n".to_owned()));
        assert!(!is_held_by_another(Path::new("/nonexistent")));
    }

    #[test]
    fn others_cannot_hold_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("directory");
        let _held = wait(dir.path(), "attach", Duration::ZERO).expect("lock");
        let mode = std::fs::metadata(dir.path().join("lock")).expect("file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }

    #[test]
    fn a_run_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("file");
        let error = wait(&file.path().join("run"), "attach", Duration::ZERO).expect_err("no directory");
        assert!(error.subject().ends_with("run/lock"), "{error}");
    }
}
