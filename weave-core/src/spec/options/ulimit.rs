//! Limits of processes: `--ulimit`.

use super::value::{Map, Value, wrong};
use crate::Result;

const NAMES: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// `nofile=1024:4096`: the limit, and how far the process may raise it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ulimit {
    /// What is limited.
    pub name: String,
    /// The limit; -1 for none.
    pub soft: i64,
    /// How far it may be raised; the same if not given.
    pub hard: i64,
}

impl Value for Ulimit {
    const MAP: Map = Map::Pairs('=');

    fn read(text: &str) -> Result<Self> {
        let form = "NAME=SOFT[:HARD], with -1 for no limit";
        let (name, limits) = text.split_once('=').ok_or_else(|| wrong(text, "is no limit", form))?;
        if !NAMES.contains(&name) {
            return Err(wrong(text, "limits something unknown", &NAMES.join(", ")));
        }
        let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
        let (Ok(soft), Ok(hard)) = (soft.parse::<i64>(), hard.parse::<i64>()) else {
            return Err(wrong(text, "has a limit that is no number", form));
        };
        if hard != -1 && (soft == -1 || soft > hard) {
            return Err(wrong(text, "has a soft limit above the hard one", "a soft limit up to the hard one"));
        }
        Ok(Self { name: name.to_owned(), soft, hard })
    }

    fn write(&self) -> String {
        if self.soft == self.hard {
            format!("{}={}", self.name, self.soft)
        } else {
            format!("{}={}:{}", self.name, self.soft, self.hard)
        }
    }
}
