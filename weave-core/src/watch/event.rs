//! What a watch tells of itself.

use std::time::Duration;

use crate::error::Error;
use crate::ops::Report;

/// What was brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Work {
    /// The whole document, containers among it.
    Document,
    /// The network alone: router, peers, exposures, packet filter, and the interfaces of containers that run.
    Network,
    /// The interfaces of containers that were just started.
    Containers,
}

impl Work {
    /// Its name in logs and metrics: `document`, `network`, `containers`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Network => "network",
            Self::Containers => "containers",
        }
    }
}

/// Something that a watch tells.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Something was looked at, and changed where it was not as it should be.
    Converged {
        /// What.
        work: Work,
        /// How long it took, the wait for another weave among it.
        took: Duration,
        /// Whether all was as it should be before, and nothing was started that is served now: then what was changed was put
        /// right.
        settled: bool,
        /// What was changed, warnings, and containers that could not be served. Without its `state`.
        report: Box<Report>,
        /// When it is tried again, where something could not be served. Work stands as failed until the same or larger work
        /// is done without: a turn of the network says nothing of a document.
        again: Option<Duration>,
    },
    /// It could not be done, and the host is as it was.
    Failed {
        /// What.
        work: Work,
        /// How long it took.
        took: Duration,
        /// Why.
        error: Error,
        /// When it is tried again.
        again: Duration,
    },
    /// The document was read anew; with an error the last good one is kept.
    Read {
        /// What the reading warned of, or why it is not taken.
        result: Result<Vec<String>, Error>,
    },
    /// The engine answers, or does so no more.
    Engine {
        /// Why it does not.
        away: Option<Error>,
    },
}
