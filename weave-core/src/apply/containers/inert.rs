//! Changes in place that the engine took and that came to nothing: a kernel without the controller, say.

use super::LaneDone;
use crate::plan::container::{ContainerLane, ContainerStep};

/// Whether all that is still to do with a container is a change in place that was made and did not last; then it is
/// told, and what did not change is not told as changed.
///
/// Trying once more would do the same, and a new container would not differ from the old one.
pub(crate) fn came_to_nothing(lane: &mut LaneDone, again: &ContainerLane) -> bool {
    let is_update = |step: &ContainerStep| matches!(step, ContainerStep::Update { .. });
    let still = || again.before.iter().chain(&again.start).chain(&again.after);
    if !still().all(is_update) || !lane.done.iter().any(is_update) {
        return false;
    }
    let same = |field: &str| again.changes.iter().any(|change| change.field == field);
    let (left, changed): (Vec<_>, Vec<_>) =
        std::mem::take(&mut lane.lane.changes).into_iter().partition(|change| same(&change.field));
    lane.lane.changes = changed;
    if left.len() < again.changes.len() {
        // Something else than what was asked of it.
        lane.lane.changes.extend(left);
        return false;
    }
    let options: Vec<&str> = left.iter().map(|change| change.field.as_ref()).collect();
    lane.lane.warnings.push(format!(
        "container {}: the engine took the change of {} and nothing came of it, perhaps because this kernel cannot do \
         it; it stays as it was",
        lane.lane.name,
        options.join(", ")
    ));
    if lane.lane.changes.is_empty() {
        lane.done.retain(|step| !is_update(step));
    }
    true
}
