//! What both ends of a move show.

use super::{Journal, Restart};
use crate::spec::Attach;

/// Both ends, as they were seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// The container's name.
    pub name: String,
    /// What the source is called, for errors.
    pub source_name: String,
    /// What the target is called, for errors.
    pub target_name: String,
    /// The container of that name on the source.
    pub source: Option<Source>,
    /// The container of that name on the target.
    pub target: Target,
}

/// The container that is moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its full id.
    pub id: String,
    /// Whether it has a process, also one that is frozen or about to be started again.
    pub runs: bool,
    /// Its restart policy.
    pub restart: Restart,
    /// Its interfaces on the network; one that does not run has none.
    pub interfaces: Vec<Attach>,
}

impl Source {
    /// What is to be written down of it.
    pub fn journal(&self) -> Journal {
        Journal {
            source: self.id.clone(),
            ran: self.runs,
            restart: self.restart.clone(),
            interfaces: self.interfaces.clone(),
        }
    }
}

/// What has the name on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Nothing.
    Absent,
    /// A container that no move made.
    Foreign {
        /// Whether it runs.
        runs: bool,
    },
    /// A container that a move made.
    Ours(Box<Taker>),
}

/// The container that takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taker {
    /// What is written on it.
    pub journal: Journal,
    /// Whether it runs.
    pub runs: bool,
    /// Whether it was ever started.
    pub started: bool,
    /// Its restart policy: `no` until it is proved.
    pub restart: Restart,
}
