//! What a context is made of.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Something in the context, as it is sent. Owner and times are left out: both would differ from host to host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path in the context.
    pub(crate) path: PathBuf,
    /// Its permissions, with the bits for set-user-id, set-group-id and sticky.
    pub(crate) mode: u32,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Directory,
    /// A file of the context with so many bytes.
    File(u64),
    /// A file that is nowhere but here.
    Text(Vec<u8>),
    Link(OsString),
    Fifo,
    CharacterDevice(u32, u32),
    BlockDevice(u32, u32),
}

impl Entry {
    /// A file that is nowhere but here.
    pub(crate) fn text(path: &str, text: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: 0o644, what: What::Text(text.into()) }
    }

    /// How many bytes follow it.
    pub(crate) fn size(&self) -> u64 {
        match &self.what {
            What::File(size) => *size,
            What::Text(text) => text.len() as u64,
            _ => 0,
        }
    }

    /// The bytes that tell it from others, without its contents.
    pub(super) fn head(&self) -> Vec<u8> {
        let (sort, more) = match &self.what {
            What::Directory => (b'd', Vec::new()),
            What::File(_) | What::Text(_) => (b'f', self.size().to_be_bytes().to_vec()),
            What::Link(target) => (b'l', target.as_bytes().to_vec()),
            What::Fifo => (b'p', Vec::new()),
            What::CharacterDevice(major, minor) => (b'c', [major.to_be_bytes(), minor.to_be_bytes()].concat()),
            What::BlockDevice(major, minor) => (b'b', [major.to_be_bytes(), minor.to_be_bytes()].concat()),
        };
        let path = self.path.as_os_str().as_bytes();
        let mut head = vec![sort];
        head.extend(self.mode.to_be_bytes());
        for part in [path, &more] {
            head.extend((part.len() as u64).to_be_bytes());
            head.extend(part);
        }
        head
    }
}
