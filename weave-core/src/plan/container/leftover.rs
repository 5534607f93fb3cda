//! What a run that was killed in the middle of a swap left behind: put back first, then planned as ever.

use super::{ContainerLane, ContainerStep, is_ours, label};
use crate::names;
use crate::observed::{Container, Containers};

/// The field of changes that repair: a container with a name that only a swap gives, and what it becomes.
pub(super) const LEFTOVER: &str = "leftover";

/// The container that `name` stands for, once the steps that this adds are done.
pub(super) fn put_back<'a>(name: &str, observed: &'a Containers, lane: &mut ContainerLane) -> Option<&'a Container> {
    let ours = |name: &str| observed.containers.get(name).filter(|container| is_ours(container));
    let (new_name, old_name) = (names::new_of(name), names::old_of(name));
    let (present, new, old) = (observed.containers.get(name), ours(&new_name), ours(&old_name));
    lane.ids.extend(present.into_iter().chain(old).map(|container| container.id.clone()));
    // The one that was replaced ran until weave stopped it.
    let resumes = |made: Option<&Container>| made.is_some_and(|made| made.label(label::RUNS).is_some());
    lane.resumes |= resumes(new) || old.is_some() && present.is_some_and(|made| !made.runs() && resumes(Some(made)));
    if let (None, None, Some(new)) = (present, old, new) {
        // What it was to replace went as it stopped; it holds the volumes.
        lane.before.push(ContainerStep::Rename { from: new_name, to: name.to_owned() });
        return Some(new);
    }
    if new.is_some() {
        // It was never started: nothing is in it.
        lane.change(LEFTOVER, &new_name, ());
        lane.before.push(ContainerStep::Remove { name: new_name, volumes: true });
    }
    match (present, old) {
        // The swap was done, and only the end is missing.
        (Some(present), Some(_)) if present.runs() || !is_ours(present) => {
            lane.change(LEFTOVER, &old_name, ());
            lane.after.push(ContainerStep::Remove { name: old_name, volumes: false });
            Some(present)
        }
        // The new one was never started, or did not stay up.
        (Some(_), Some(old)) => {
            lane.change(LEFTOVER, &old_name, name);
            lane.before.push(ContainerStep::Remove { name: name.to_owned(), volumes: true });
            lane.before.push(ContainerStep::Rename { from: old_name, to: name.to_owned() });
            Some(old)
        }
        (None, Some(old)) => {
            lane.change(LEFTOVER, &old_name, name);
            lane.before.push(ContainerStep::Rename { from: old_name, to: name.to_owned() });
            Some(old)
        }
        (present, None) => present,
    }
}

/// The container that `name` stands for once that is done.
pub(super) fn stands<'a>(name: &str, observed: &'a Containers) -> Option<&'a Container> {
    put_back(name, observed, &mut ContainerLane::default())
}
