//! What an operation tells while it works, for whoever shows it to a person.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// How far an operation is.
///
/// Several things go on at the same time, so `Begins` of one may stand before `Ends` of another; whatever begins, ends.
/// What is told says nothing about success: that is for the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "progress", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// Steps in the network, or of a build.
    Steps {
        /// How many are done.
        done: usize,
        /// How many there are, in this round; there may be another one.
        total: usize,
    },
    /// Containers that are not as they should be.
    Containers {
        /// How many are worked off, those that failed among them.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// Something begins that may take a while.
    Begins(Work),
    /// It has ended, well or not.
    Ends(Work),
    /// An image comes in.
    Pull(Pull),
    /// Files or an image go to another host; how many there are, nobody knows before.
    Carry {
        /// What it is.
        what: String,
        /// How many bytes were sent.
        bytes: u64,
    },
    /// A build's context is sent.
    Context {
        /// How many bytes were sent.
        bytes: u64,
        /// How many there are.
        total: u64,
    },
}

/// Something that takes a while: `start web`, `pull postgres:16`, `RUN make`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Work {
    /// What is done, as the docker command calls it, or as it stands in the Dockerfile.
    pub verb: String,
    /// With what.
    pub on: String,
}

impl Work {
    pub(crate) fn new(verb: &str, on: impl Into<String>) -> Self {
        Self { verb: verb.to_owned(), on: on.into() }
    }

    /// An image comes in.
    pub(crate) fn pull(image: &str) -> Self {
        Self::new("pull", image)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.on)
    }
}

/// How far an image is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pull {
    /// Its reference.
    pub image: String,
    /// Layers it has, as far as is known.
    pub layers: usize,
    /// Layers that are there.
    pub done: usize,
    /// Bytes fetched so far.
    pub bytes: u64,
    /// Bytes to fetch, of the layers that were begun.
    pub total: u64,
}

/// Whoever is told. It is called on whatever thread does the work, which waits for it.
pub type Watcher = Arc<dyn Fn(&Progress) + Send + Sync>;
