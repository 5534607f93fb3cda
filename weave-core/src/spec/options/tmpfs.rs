//! File systems in memory: `--tmpfs`.

use super::value::{Map, Value, wrong};
use crate::Result;

/// A path in the container and the options of its mount, which the engine reads when it mounts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tmpfs {
    /// The path in the container.
    pub path: String,
    /// `rw,noexec,size=64m` and the like.
    pub options: String,
}

impl Value for Tmpfs {
    const MAP: Map = Map::Pairs(':');

    fn read(text: &str) -> Result<Self> {
        let (path, options) = text.split_once(':').unwrap_or((text, ""));
        if !path.starts_with('/') {
            return Err(wrong(text, "has no absolute path", "/PATH[:OPTION,...]"));
        }
        Ok(Self { path: path.to_owned(), options: options.to_owned() })
    }

    fn write(&self) -> String {
        if self.options.is_empty() { self.path.clone() } else { format!("{}:{}", self.path, self.options) }
    }
}
