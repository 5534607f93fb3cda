//! The way back: the source is as it was, and nothing is left on the target.

use super::{Done, Ends, Move, Target};

/// The next step back; `None` when there is none to take: nothing was begun, or all is done, because the source is gone.
///
/// The source is started before its restart policy is put back, and before the container on the target goes, on which
/// the policy is written: a kill in between is seen by the next run.
pub fn back(ends: &Ends, done: &Done) -> Option<Move> {
    let (Some(source), Target::Ours(target)) = (&ends.source, &ends.target) else { return None };
    let journal = &target.journal;
    if journal.source != source.id {
        return None;
    }
    let by_somebody = source.restart.starts() && source.restart == journal.restart;
    Some(match source {
        _ if target.restart.starts() => Move::HoldTarget,
        _ if target.runs => Move::StopTarget,
        // What somebody else stopped keeps its policy, and stays as it is.
        _ if journal.ran && !source.runs && !by_somebody && !done.started_again => Move::StartSource,
        _ if source.runs && !journal.interfaces.is_empty() && !done.attached_again => Move::AttachSource,
        _ if !source.restart.starts() && journal.restart.starts() => {
            Move::FreeSource { restart: journal.restart.clone() }
        }
        // What it wrote while an earlier run was gone may be all that there is of it.
        _ => Move::RemoveTarget { volumes: !done.was_started },
    })
}
