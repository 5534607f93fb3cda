//! What an image is built from: the files that go to the engine, and their hash.
//!
//! A context is looked at once, read once for the hash, and read again only if it has to be sent; it is never held in
//! memory. What is sent is what the classic docker client sends, except for owners (as there, root) and times, which
//! are all zero: the same files make the same layers on every host. Hard links are sent as files of their own, sockets
//! and extended attributes not at all.

mod entry;
mod hash;
mod ignore;
mod pack;
#[cfg(test)]
mod tests;
mod walk;

use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use entry::{Entry, What};
pub(crate) use hash::{ContextHash, Hasher};
use ignore::Ignore;
use walk::unreadable;

use crate::{Error, ErrorKind, Result};

/// Where a Dockerfile is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dockerfile {
    /// In the context, at this path.
    Path(String),
    /// Nowhere: this is its text.
    Text(String),
}

/// All that is sent, as it was when it was looked at.
#[derive(Debug)]
pub(crate) struct Context {
    root: PathBuf,
    entries: Vec<Entry>,
    /// The Dockerfile's path in what is sent.
    pub(crate) dockerfile: String,
    hasher: Hasher,
    /// The hash of everything.
    pub(crate) hash: ContextHash,
}

impl Context {
    /// Looks at `directory`, if there is one, and reads all that would be sent.
    ///
    /// # Errors
    /// `NotFound` for a directory or Dockerfile that is not there; `InvalidSpec` for a directory that is none, or a
    /// wrong `.dockerignore`; `PermissionDenied` for what cannot be read.
    pub(crate) fn look(
        directory: Option<&Path>,
        dockerfile: &Dockerfile,
        arguments: &[(&str, Vec<String>)],
    ) -> Result<Self> {
        let mut entries = Vec::new();
        if let Some(directory) = directory {
            let rules = rules(directory)?;
            let mut ignore = Ignore::parse(&rules)?;
            ignore.keep(ignore::FILE);
            if let Dockerfile::Path(path) = dockerfile {
                ignore.keep(&normal(path));
            }
            entries = walk::walk(directory, &ignore)?;
        }
        let root = directory.unwrap_or(Path::new("")).to_owned();
        let name = match dockerfile {
            Dockerfile::Path(path) => {
                present(&root, path)?;
                normal(path)
            }
            Dockerfile::Text(text) => {
                let name = nameless(text);
                if directory.is_some() {
                    hide(&root, &name, &mut entries)?;
                }
                entries.push(Entry::text(&name, text.as_str()));
                name
            }
        };
        let mut hasher = Hasher::new(arguments);
        hasher.argument("dockerfile", std::slice::from_ref(&name));
        let hash = pack::hash(&root, &entries, hasher.clone())?;
        Ok(Self { root, entries, dockerfile: name, hasher, hash })
    }

    /// The Dockerfile's text.
    ///
    /// # Errors
    /// As [`Context::look`], for a file that was there and is gone.
    pub(crate) fn dockerfile_text(&self) -> Result<String> {
        let path = Path::new(&self.dockerfile);
        let text = self.entries.iter().find_map(|entry| match &entry.what {
            What::Text(text) if entry.path == path => Some(text.clone()),
            _ => None,
        });
        let file = self.root.join(path);
        let text = text.map_or_else(|| std::fs::read(&file).map_err(|error| unreadable(&file, error)), Ok)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// How many bytes of files it has.
    pub(crate) fn size(&self) -> u64 {
        self.entries.iter().map(Entry::size).sum()
    }

    /// Writes it as tar.
    ///
    /// # Errors
    /// As [`Context::look`]; `Conflict` for a file that is not as it was; `Docker` when `to` takes no more.
    pub(crate) fn pack(&self, to: impl Write) -> Result<()> {
        pack::pack(&self.root, &self.entries, self.hasher.clone(), &self.hash, to)
    }
}

/// The text of `.dockerignore`; empty where there is none.
fn rules(directory: &Path) -> Result<String> {
    let path = directory.join(ignore::FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        // Whether there is a directory at all is told by who walks it.
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(String::new())
        }
        Err(error) => Err(unreadable(&path, error)),
    }
}

/// A path without `./` in it.
fn normal(path: &str) -> String {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/")
}

fn present(root: &Path, path: &str) -> Result<()> {
    let whole = root.join(path);
    let told = |kind, words: String| Error::new(kind, "dockerfile", format!("{}: {words}", whole.display()));
    match std::fs::metadata(&whole) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(told(ErrorKind::InvalidSpec, "is no file; allowed: a Dockerfile".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(told(ErrorKind::NotFound, "there is no such file".to_owned())
                .errno(error.raw_os_error())
                .hint("say `dockerfile` for one with another name, or `content` for its text"))
        }
        Err(error) => Err(unreadable(&whole, error)),
    }
}

/// The name under which a Dockerfile that has none is sent.
fn nameless(text: &str) -> String {
    let hash: String = Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!(".dockerfile.{hash}")
}

/// Has the engine leave the Dockerfile out of what it builds from, as the docker client does: by one more rule, and by
/// a `.dockerignore` that names itself where there was none.
fn hide(root: &Path, name: &str, entries: &mut Vec<Entry>) -> Result<()> {
    let had = entries.iter().any(|entry| entry.path == Path::new(ignore::FILE));
    let rules = if had { rules(root)? } else { ignore::FILE.to_owned() };
    entries.retain(|entry| entry.path != Path::new(ignore::FILE));
    entries.push(Entry::text(ignore::FILE, format!("{rules}\n{name}\n")));
    Ok(())
}
