//! Which move it is. What a move has made, and nothing else, may be written over by the run that goes on with it.
//!
//! Both hosts are marked as long as a move is under way: the target before the source, and for as long as the source or
//! longer. So a source that is marked goes to the host that has the same mark, and to no other.

use super::{Ends, Target};
use crate::{Error, ErrorKind, Result, names};

/// What is marked on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The move.
    pub id: String,
    /// The full id of the container that is moved.
    pub source: String,
}

/// What is marked on both hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// On the source.
    pub source: Option<Mark>,
    /// On the target.
    pub target: Option<Mark>,
}

/// The move that was begun and goes on; `None` where there is none, so that another one begins.
///
/// # Errors
/// `Conflict` where the source is on its way to another host, or another container of its name to the target.
pub fn begun(ends: &Ends, marks: &Marks) -> Result<Option<String>> {
    let journal = match (&ends.source, &ends.target) {
        (Some(source), Target::Ours(target)) if target.journal.source != source.id => None,
        (_, Target::Ours(target)) => Some(target.journal.id.clone()),
        _ => None,
    };
    match (&ends.source, &marks.source, &marks.target) {
        (_, Some(here), Some(there)) if here.id == there.id => Ok(Some(here.id.clone())),
        (Some(_), Some(_), _) => Err(elsewhere(ends)),
        (Some(source), None, Some(there)) if there.source != source.id => Err(another(ends)),
        _ => Ok(journal),
    }
}

fn elsewhere(ends: &Ends) -> Error {
    let (from, to, mark) = (&ends.source_name, &ends.target_name, names::moves(&ends.name));
    let message = format!("a move of it to another host than {to} was broken off");
    Error::new(ErrorKind::Conflict, &ends.name, message).hint(format!(
        "run `weave migrate` with that host again, or with `--undo`; if that host is no more, `docker volume rm {mark}` \
         on {from}, and see whether the container has its restart policy"
    ))
}

fn another(ends: &Ends) -> Error {
    let (to, mark) = (&ends.target_name, names::moves(&ends.name));
    let message = format!("a move of another container of this name to {to} or from there was broken off");
    Error::new(ErrorKind::Conflict, &ends.name, message).hint(format!(
        "finish it with `weave migrate`, or undo it; if its other host is no more, `docker volume rm {mark}` on {to}"
    ))
}
