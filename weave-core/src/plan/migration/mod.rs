//! How a container goes from one host to another: the next step, from what both ends show.
//!
//! The container that is made on the target carries a [`Journal`]: it is there before the source is touched, and goes
//! only after the source is as it was. So both ends together tell at any instant how far a move is, and going on after
//! a kill is nothing but planning again. What is remembered besides ([`Done`]) saves work and decides nothing more.
//!
//! ```text
//! source runs,  target absent    image, volumes, container on the target
//! source runs,  target made      first pass, restart policy `no`, stop
//! source ended, target made      last pass, start the target
//! source ended, target runs      attach, prove, its own restart policy; the source is removed
//! ```
//!
//! The target starts only while the source neither runs nor can be started by its engine.

mod back;
mod ends;
mod identity;
mod journal;
#[cfg(test)]
mod laws;
mod moves;
#[cfg(test)]
mod tests;

pub use back::back;
pub use ends::{Ends, Source, Taker, Target};
pub use identity::{Mark, Marks, begun};
pub use journal::{Journal, MIGRATES, Restart};
pub use moves::{Done, Move};

use crate::{Error, ErrorKind, Result};

/// What is asked of a move, as far as it decides about steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// Whether volumes are copied once while the container still runs.
    pub live_copy: bool,
}

/// The next step towards the target; `None` when the container is there and nowhere else.
///
/// # Errors
/// `NotFound` where it is on neither end; `Conflict` where its name is taken on the target, or where it runs on both;
/// `ContainerNotRunning` where it ended on the target right after it was started.
pub fn next(ends: &Ends, done: &Done, wishes: Wishes) -> Result<Option<Move>> {
    let (source, target) = match (&ends.source, &ends.target) {
        (None, Target::Absent) => {
            return Err(Error::new(ErrorKind::NotFound, &ends.name, "is on neither of the two hosts")
                .hint("`docker ps -a` lists the containers of a host"));
        }
        (None, Target::Ours(target)) if target.journal.ran && !target.runs && !target.started => {
            return Err(unfinished(ends));
        }
        (None, _) => return Ok(None),
        (Some(_), Target::Foreign { .. }) => return Err(taken(ends)),
        (Some(_), Target::Absent) => return Ok(Some(make(done))),
        (Some(source), Target::Ours(target)) => (source, target),
    };
    if target.journal.source != source.id {
        // Left of this move, of a container that is no more. One that ever ran is somebody's, and so is one that arrived
        // as it was, stopped.
        let is_litter = target.journal.id == ends.id && target.journal.ran && !target.runs && !target.started;
        return if is_litter { Ok(Some(Move::RemoveTarget { volumes: false })) } else { Err(taken(ends)) };
    }
    match (source.runs, target.runs) {
        (true, true) => Err(both(ends)),
        (true, false) => Ok(Some(while_it_runs(source, target, done, wishes))),
        (false, true) => Ok(Some(taking_over(source, target, done))),
        (false, false) if target.journal.ran => while_none_runs(ends, source, target, done).map(Some),
        (false, false) => Ok(Some(of_one_that_is_stopped(source, target, done))),
    }
}

/// Whether the move can be given up on the way: the container is no longer away for it, and nothing newer is lost.
pub fn can_be_given_up(ends: &Ends) -> bool {
    match (&ends.source, &ends.target) {
        (Some(source), Target::Ours(target)) if target.journal.source == source.id => {
            !target.runs && (source.runs || !(target.journal.ran || target.started))
        }
        (Some(_), _) => true,
        (None, _) => false,
    }
}

fn make(done: &Done) -> Move {
    match done {
        Done { image: false, .. } => Move::CarryImage,
        Done { volumes: false, .. } => Move::MakeVolumes,
        _ => Move::MakeTarget,
    }
}

fn while_it_runs(source: &Source, target: &Taker, done: &Done, wishes: Wishes) -> Move {
    if !done.made || target.started || is_stale(source, target) {
        return anew(source, target);
    }
    match done {
        Done { first: false, .. } if wishes.live_copy => Move::FirstPass,
        _ if source.restart.starts() => Move::HoldSource,
        _ => Move::StopSource,
    }
}

fn while_none_runs(ends: &Ends, source: &Source, target: &Taker, done: &Done) -> Result<Move> {
    // Somebody stopped it before it was this move's turn: it is one that does not run.
    let by_somebody = source.restart.starts() && source.restart == target.journal.restart;
    Ok(match done {
        _ if by_somebody && !target.started => Move::RemoveTarget { volumes: false },
        _ if source.restart.starts() => Move::HoldSource,
        Done { started: true, .. } => return Err(ended(ends)),
        // A run that was killed had started it, so what it holds is newer than the source's.
        _ if target.started => Move::StartTarget,
        Done { last: false, .. } => Move::LastPass,
        _ => Move::StartTarget,
    })
}

fn taking_over(source: &Source, target: &Taker, done: &Done) -> Move {
    match done {
        _ if source.restart.starts() => Move::HoldSource,
        Done { attached: false, .. } if !target.journal.interfaces.is_empty() => Move::AttachTarget,
        Done { proved: false, .. } => Move::Prove,
        _ if target.restart != target.journal.restart => Move::FreeTarget,
        _ => Move::GiveUpSource,
    }
}

/// A container that nobody wants to run is moved as it is.
fn of_one_that_is_stopped(source: &Source, target: &Taker, done: &Done) -> Move {
    if !target.started && (!done.made || is_stale(source, target)) {
        return anew(source, target);
    }
    match done {
        _ if source.restart.starts() => Move::HoldSource,
        // What it did on the target since then is newer.
        Done { last: false, .. } if !target.started => Move::LastPass,
        _ if target.restart != target.journal.restart => Move::FreeTarget,
        _ => Move::GiveUpSource,
    }
}

/// Whether the source has changed since the container on the target was made. Its restart policy is `no` by now, or
/// what it was.
fn is_stale(source: &Source, target: &Taker) -> bool {
    let restart = if source.restart.starts() { &source.restart } else { &target.journal.restart };
    target.journal != Journal { restart: restart.clone(), ..source.journal(&target.journal.id) }
}

/// The container on the target is made anew. What is written on it alone is put back first.
fn anew(source: &Source, target: &Taker) -> Move {
    if target.restart.starts() {
        return Move::HoldTarget;
    }
    if !source.restart.starts() && target.journal.restart.starts() {
        return Move::FreeSource { restart: target.journal.restart.clone() };
    }
    Move::RemoveTarget { volumes: false }
}

fn taken(ends: &Ends) -> Error {
    let message = format!("the name is taken on the target {}", ends.target_name);
    Error::new(ErrorKind::Conflict, &ends.name, message)
        .hint(format!("rename or remove the one that is there: `docker rename {0} {0}.old`", ends.name))
}

fn both(ends: &Ends) -> Error {
    let message = format!("runs on both {} and {}", ends.source_name, ends.target_name);
    Error::new(ErrorKind::Conflict, &ends.name, message)
        .hint("somebody started it by hand: stop the one that shall not be, and run this again")
}

fn unfinished(ends: &Ends) -> Error {
    let (from, to) = (&ends.source_name, &ends.target_name);
    let message = format!("its move to {to} was never finished, and on {from} it is gone");
    Error::new(ErrorKind::Conflict, &ends.name, message)
        .hint("its volumes may be incomplete there: look at them, then `docker start` it or `docker rm` it")
}

fn ended(ends: &Ends) -> Error {
    let message = format!("ended on the target {} right after it was started", ends.target_name);
    Error::new(ErrorKind::ContainerNotRunning, &ends.name, message).hint(
        "what it needs of its host may be missing there: devices, files that are bound, names of other containers",
    )
}
