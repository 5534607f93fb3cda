//! A context as a stream of tar, as it goes to the engine.

use std::io::{self, Read, Write};
use std::path::Path;

use tar::{Builder, EntryType, Header};

use super::entry::{Entry, What};
use super::hash::{ContextHash, Hasher};
use super::walk::{open, unreadable};
use crate::{Error, ErrorKind, Result};

/// How much of a file is read at once.
const CHUNK: usize = 64 * 1024;

/// Reads everything once, to know what would be sent.
///
/// # Errors
/// For what cannot be read.
pub(super) fn hash(root: &Path, entries: &[Entry], mut hasher: Hasher) -> Result<ContextHash> {
    let mut buffer = vec![0; CHUNK];
    for entry in entries {
        hasher.entry(entry);
        match &entry.what {
            What::Text(text) => hasher.contents(text),
            What::File(size) => {
                let path = root.join(&entry.path);
                let mut file = open(&path)?.take(*size);
                loop {
                    match file.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(read) => hasher.contents(&buffer[..read]),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(unreadable(&path, error)),
                    }
                }
            }
            _ => {}
        }
    }
    Ok(hasher.finish())
}

/// Writes everything, and the end of it only if it is still what it was when it was hashed: the engine builds nothing
/// from a stream without its end.
///
/// # Errors
/// For what cannot be read; `Conflict` for a file that changed meanwhile; `Docker` when `to` takes no more.
pub(super) fn pack(
    root: &Path,
    entries: &[Entry],
    mut hasher: Hasher,
    expected: &ContextHash,
    to: impl Write,
) -> Result<()> {
    let mut tar = Builder::new(to);
    for entry in entries {
        hasher.entry(entry);
        let mut header = header(entry);
        let path = root.join(&entry.path);
        let written = match &entry.what {
            What::Text(text) => {
                hasher.contents(text);
                tar.append_data(&mut header, &entry.path, text.as_slice())
            }
            What::File(size) => {
                let mut file = Told { file: open(&path)?.take(*size), hasher: &mut hasher, failed: None };
                let written = tar.append_data(&mut header, &entry.path, &mut file);
                if let Some(error) = file.failed {
                    return Err(unreadable(&path, error));
                }
                if file.file.limit() > 0 && written.is_ok() {
                    return Err(changed(&path.display().to_string()));
                }
                written
            }
            What::Link(target) => tar.append_link(&mut header, &entry.path, target),
            _ => tar.append_data(&mut header, &entry.path, io::empty()),
        };
        written.map_err(refused)?;
    }
    if hasher.finish() != *expected {
        return Err(changed("a file in it"));
    }
    tar.into_inner().and_then(|mut to| to.flush()).map_err(refused)
}

fn header(entry: &Entry) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_size(entry.size());
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(match entry.what {
        What::Directory => EntryType::Directory,
        What::File(_) | What::Text(_) => EntryType::Regular,
        What::Link(_) => EntryType::Symlink,
        What::Fifo => EntryType::Fifo,
        What::CharacterDevice(..) => EntryType::Char,
        What::BlockDevice(..) => EntryType::Block,
    });
    if let What::CharacterDevice(major, minor) | What::BlockDevice(major, minor) = entry.what {
        // A GNU header has room for both.
        let _ = header.set_device_major(major).and_then(|()| header.set_device_minor(minor));
    }
    header
}

fn changed(what: &str) -> Error {
    let message = format!("{what} was changed while it was sent");
    Error::new(ErrorKind::Conflict, "context", message).hint("run it again once nobody writes there")
}

fn refused(error: io::Error) -> Error {
    Error::new(ErrorKind::Docker, "context", format!("the engine takes no more of it: {error}")).source(error)
}

/// A file whose bytes the hasher sees pass, and whose errors are told from those of the writer.
struct Told<'a, R> {
    file: R,
    hasher: &'a mut Hasher,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read(buffer) {
            Ok(read) => {
                self.hasher.contents(&buffer[..read]);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(error);
                Err(io::Error::other("unreadable"))
            }
        }
    }
}
