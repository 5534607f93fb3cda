//! Which container, or which bare network namespace.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::{Error, Result};

/// Whom to attach: a container of the engine, or a network namespace that needs no engine.
///
/// A copy costs nothing: every step for a container names it. Written as the container's name or id, `netns:/run/netns/NAME` (also `netns:NAME`), or `pid:N`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerRef {
    /// A container by name, full id, or the beginning of its id, as `docker` takes it.
    Container(Arc<str>),
    /// The network namespace at a path.
    Netns(Arc<Path>),
    /// The network namespace of a process.
    Pid(u32),
}

impl FromStr for ContainerRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const ALLOWED: &str = "allowed: a container's name or id, netns:PATH, or pid:NUMBER";
        let wrong = |why: &str| Error::invalid("container", format!("`{text}` {why}; {ALLOWED}"));
        if let Some(path) = text.strip_prefix("netns:") {
            if path.is_empty() || path.contains('\0') {
                return Err(wrong("has no path"));
            }
            // `ip netns` keeps its names there.
            let path = if path.contains('/') { PathBuf::from(path) } else { PathBuf::from("/run/netns").join(path) };
            if !path.is_absolute() {
                return Err(wrong("has a path that is not absolute"));
            }
            return Ok(Self::Netns(path.into()));
        }
        if let Some(pid) = text.strip_prefix("pid:") {
            return match pid.parse::<u32>() {
                Ok(pid) if pid > 0 && i32::try_from(pid).is_ok() => Ok(Self::Pid(pid)),
                _ => Err(wrong("has no process number")),
            };
        }
        let name = text.strip_prefix('/').unwrap_or(text);
        let mut letters = name.chars();
        // The engine's own rule for names: [a-zA-Z0-9][a-zA-Z0-9_.-]*
        let valid = letters.next().is_some_and(|c| c.is_ascii_alphanumeric())
            && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        if valid { Ok(Self::Container(name.into())) } else { Err(wrong("is no name of a container")) }
    }
}

impl fmt::Display for ContainerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(name) => f.write_str(name),
            Self::Netns(path) => write!(f, "netns:{}", path.display()),
            Self::Pid(pid) => write!(f, "pid:{pid}"),
        }
    }
}

super::list::serde_by_text!(ContainerRef, "a container's name or id, netns:PATH, or pid:NUMBER");
