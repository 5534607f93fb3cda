//! Network namespaces: held by an open file, told apart by its device and number.
//!
//! `setns` moves one thread. So whoever enters a namespace does it on a thread that nobody else uses meanwhile, and the
//! present one is always `/proc/thread-self/ns/net`: `/proc/self/ns/net` is the main thread's.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sched::{CloneFlags, setns};
use nix::sys::stat::Mode;
use nix::sys::statfs::{NSFS_MAGIC, fstatfs};

use crate::observed::NetnsId;

const HERE: &str = "/proc/thread-self/ns/net";

thread_local! {
    /// Where the thread is, once that is known: nobody else moves the threads of an operation, and to look takes
    /// longer than to move.
    static LAST_ENTERED: Cell<Option<NetnsId>> = const { Cell::new(None) };
}

/// An open network namespace. It lives at least as long as this.
#[derive(Debug)]
pub(crate) struct NetNs {
    file: File,
    id: NetnsId,
}

impl NetNs {
    /// The namespace of the calling thread.
    pub(crate) fn current() -> io::Result<Self> {
        Self::open(Path::new(HERE))
    }

    /// The namespace at a path: `/run/netns/NAME`, `/proc/PID/ns/net`.
    ///
    /// A file that is no namespace is `InvalidInput`; a namespace of another kind shows itself on entering.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // Not blocking, because the path may name a pipe.
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        Self::held(openat(AT_FDCWD, path, flags, Mode::empty())?)
    }

    fn held(fd: OwnedFd) -> io::Result<Self> {
        if fstatfs(&fd)?.filesystem_type() != NSFS_MAGIC {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = File::from(fd);
        let id = id_of(&file.metadata()?);
        Ok(Self { file, id })
    }

    /// What tells it apart from other living namespaces.
    pub(crate) fn id(&self) -> NetnsId {
        self.id
    }

    /// The number of the open file, valid as long as this is kept.
    pub(crate) fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Moves the calling thread into it. `InvalidInput` when it is a namespace of another kind.
    pub(crate) fn enter(&self) -> io::Result<()> {
        setns(&self.file, CloneFlags::CLONE_NEWNET)?;
        LAST_ENTERED.set(Some(self.id));
        Ok(())
    }

    /// Moves the calling thread into it if it is elsewhere, which needs no privilege where nothing has to be done.
    pub(crate) fn enter_if_elsewhere(&self) -> io::Result<()> {
        let here = LAST_ENTERED.get().map_or_else(|| identify(Path::new(HERE)), Ok)?;
        LAST_ENTERED.set(Some(here));
        if here == self.id { Ok(()) } else { self.enter() }
    }
}

/// Where the calling thread is, if it has entered a namespace, or was found to be in it.
pub(crate) fn last_entered() -> Option<NetnsId> {
    LAST_ENTERED.get()
}

/// Remembers where the calling thread is.
pub(crate) fn remember_where(here: &NetNs) {
    LAST_ENTERED.set(Some(here.id));
}

/// Forgets where the calling thread is: others may move it from here on.
pub(crate) fn forget_where() {
    LAST_ENTERED.set(None);
}

/// What tells the namespace at `path` apart, without opening it.
pub(crate) fn identify(path: &Path) -> io::Result<NetnsId> {
    Ok(id_of(&fs::metadata(path)?))
}

fn id_of(metadata: &fs::Metadata) -> NetnsId {
    NetnsId { device: metadata.dev(), inode: metadata.ino() }
}

/// A process, held by its directory in `/proc`: once it has died, nothing can be opened through that any more, even
/// when another process has got its number.
#[derive(Debug)]
pub(crate) struct Process {
    directory: OwnedFd,
    started: u64,
}

impl Process {
    /// The process with number `pid`, now.
    pub(crate) fn open(pid: u32) -> io::Result<Self> {
        let path = PathBuf::from(format!("/proc/{pid}"));
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = openat(AT_FDCWD, &path, flags, Mode::empty())?;
        let stat = openat(&directory, "stat", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        let stat = io::read_to_string(File::from(stat))?;
        let started = start_of(&stat).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { directory, started })
    }

    /// When it started, in [`uptime`]'s unit; together with its number this tells it apart from all others.
    pub(crate) fn started(&self) -> u64 {
        self.started
    }

    /// Its network namespace.
    pub(crate) fn netns(&self) -> io::Result<NetNs> {
        NetNs::held(openat(&self.directory, "ns/net", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?)
    }
}

/// The 22nd field of `/proc/PID/stat`. The second is the program's name in brackets and may hold blanks and brackets.
fn start_of(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Hundredths of a second since the machine started: the unit of `/proc/uptime`, and of process start times
/// (`USER_HZ` is 100 wherever Docker runs).
pub(crate) fn uptime() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/uptime")?;
    let seconds = text.split(' ').next().unwrap_or_default();
    seconds.replace('.', "").parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_time_is_read_behind_any_name() {
        let stat = "7 (a) b ( c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21";
        assert_eq!(start_of(stat), Some(4242));
        assert_eq!(start_of("7 (cut"), None);
    }

    #[test]
    fn this_process_started_before_now_and_is_here() {
        let process = Process::open(std::process::id()).expect("this process");
        assert!(process.started() <= uptime().expect("uptime"));
        let here = NetNs::current().expect("this namespace");
        assert_eq!(process.netns().expect("its namespace").id(), here.id());
    }

    #[test]
    fn what_is_no_namespace_is_refused() {
        let kind = |path: &str| NetNs::open(Path::new(path)).map_err(|error| error.kind()).err();
        assert_eq!(kind("/proc/version"), Some(io::ErrorKind::InvalidInput));
        assert_eq!(kind("/proc"), Some(io::ErrorKind::InvalidInput));
        assert_eq!(kind("/run/netns/there-is-none-of-this-name"), Some(io::ErrorKind::NotFound));
        let pid_namespace = NetNs::open(Path::new("/proc/thread-self/ns/pid")).expect("a namespace");
        let entered = std::thread::spawn(move || pid_namespace.enter()).join().expect("thread");
        assert_eq!(entered.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
    }
}
