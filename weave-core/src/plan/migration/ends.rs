//! What both ends of a move show.

use super::{Journal, Move, Restart};
use crate::spec::Attach;

/// Both ends, as they were seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// The move: nobody else's has this id, and what it makes is known by it.
    pub id: String,
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

impl Ends {
    /// What they will show when `step` was done.
    pub fn expect(&mut self, step: &Move) {
        if let Move::MakeTarget = step
            && let Some(source) = &self.source
        {
            let (journal, restart) = (source.journal(&self.id), Restart::no());
            self.target = Target::Ours(Box::new(Taker { journal, runs: false, started: false, restart }));
        }
        match step {
            Move::GiveUpSource => self.source = None,
            Move::RemoveTarget { .. } => self.target = Target::Absent,
            _ => {}
        }
        if let Some(source) = &mut self.source {
            match step {
                Move::HoldSource => source.restart = Restart::no(),
                Move::FreeSource { restart } => source.restart = restart.clone(),
                Move::StopSource => {
                    source.runs = false;
                    source.interfaces.clear();
                }
                Move::StartSource => source.runs = true,
                _ => {}
            }
        }
        if let Target::Ours(target) = &mut self.target {
            match step {
                Move::StartTarget => (target.runs, target.started) = (true, true),
                Move::StopTarget => target.runs = false,
                Move::FreeTarget => target.restart = target.journal.restart.clone(),
                Move::HoldTarget => target.restart = Restart::no(),
                _ => {}
            }
        }
    }
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
    /// What the move `id` is to write down of it.
    pub fn journal(&self, id: &str) -> Journal {
        Journal {
            id: id.to_owned(),
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
