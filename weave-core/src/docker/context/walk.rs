//! What of a directory is sent: all of it but what its `.dockerignore` leaves out.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::{major, minor};

use super::entry::{Entry, What};
use super::ignore::{Fitting, Ignore};
use crate::{Error, ErrorKind, Result};

/// The entries below `root`, each directory before what is in it, in the order of their names.
///
/// # Errors
/// `NotFound` and `InvalidSpec` for a root that is no directory; `PermissionDenied` for what cannot be read.
pub(super) fn walk(root: &Path, ignore: &Ignore) -> Result<Vec<Entry>> {
    let found = fs::metadata(root).map_err(|error| unreadable(root, error))?;
    if !found.is_dir() {
        let message = format!("{} is no directory; allowed: a directory", root.display());
        return Err(Error::invalid("context", message));
    }
    let mut entries = Vec::new();
    // Names that are still to be looked at, the next one last.
    let mut ahead = names(root, Path::new(""), &Fitting::default())?;
    while let Some((path, above)) = ahead.pop() {
        let whole = root.join(&path);
        let metadata = match fs::symlink_metadata(&whole) {
            Ok(metadata) => metadata,
            // It went away since its directory was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&whole, error)),
        };
        let text = path.to_string_lossy();
        let (left_out, fitting) = ignore.judge(&text, &above);
        if metadata.is_dir() && (!left_out || ignore.may_take_from(&text)) {
            ahead.extend(names(root, &path, &fitting)?);
        }
        if !left_out && let Some(what) = what(&whole, &metadata)? {
            entries.push(Entry { path, mode: metadata.mode() & 0o7777, what });
        }
    }
    Ok(entries)
}

/// The names in a directory, the first one last.
fn names(root: &Path, directory: &Path, fitting: &Fitting) -> Result<Vec<(PathBuf, Fitting)>> {
    let whole = root.join(directory);
    let failed = |error| unreadable(&whole, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(&whole).map_err(failed)? {
        found.push((directory.join(entry.map_err(failed)?.file_name()), fitting.clone()));
    }
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    Ok(found)
}

/// What it is; nothing for a socket, which means something only to who listens on it.
fn what(path: &Path, metadata: &Metadata) -> Result<Option<What>> {
    let sort = metadata.file_type();
    let device = metadata.rdev();
    // Numbers of devices have 32 bits at most.
    let numbers =
        || (u32::try_from(major(device)).unwrap_or_default(), u32::try_from(minor(device)).unwrap_or_default());
    Ok(Some(if sort.is_dir() {
        What::Directory
    } else if sort.is_symlink() {
        What::Link(fs::read_link(path).map_err(|error| unreadable(path, error))?.into_os_string())
    } else if sort.is_fifo() {
        What::Fifo
    } else if sort.is_char_device() {
        let (major, minor) = numbers();
        What::CharacterDevice(major, minor)
    } else if sort.is_block_device() {
        let (major, minor) = numbers();
        What::BlockDevice(major, minor)
    } else if sort.is_file() {
        What::File(metadata.len())
    } else {
        return Ok(None);
    }))
}

/// Opens a file that was a file when it was looked at, and is not followed or waited for if it is none any more.
pub(super) fn open(path: &Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    File::options().read(true).custom_flags(flags).open(path).map_err(|error| unreadable(path, error))
}

/// The error of a file that cannot be read.
pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::InvalidSpec,
    };
    let words = match kind {
        ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let errno = error.raw_os_error();
    let failed = Error::new(kind, "context", format!("{}: {words}", path.display())).errno(errno).source(error);
    match kind {
        ErrorKind::PermissionDenied => failed.hint("run as who may read it, or name it in .dockerignore"),
        _ => failed,
    }
}
