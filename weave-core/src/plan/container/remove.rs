//! A container that is not wanted any more goes, and what holds its network with it.

use super::{ContainerLane, ContainerStep, held, is_ours, leftover};
use crate::observed::Containers;
use crate::{Error, ErrorKind, names};

pub(super) fn steps(name: &str, observed: &Containers, lane: &mut ContainerLane) -> Result<(), Error> {
    for rest in [names::new_of(name), names::old_of(name)] {
        if observed.containers.get(&rest).is_some_and(is_ours) {
            lane.change(leftover::LEFTOVER, &rest, ());
            lane.before.push(ContainerStep::Remove { name: rest, volumes: false });
        }
    }
    let container = observed.containers.get(name);
    if container.is_some_and(|container| !is_ours(container)) {
        return Err(Error::new(ErrorKind::Conflict, name, "weave did not make this container and does not remove it")
            .hint(format!("remove it yourself: docker rm -f {name}")));
    }
    lane.was_held = container.is_some_and(|container| held::holder_of(container, observed).is_some());
    if let Some(container) = container.filter(|container| container.runs()) {
        // One that goes with its stop would not come back either.
        let steps = if container.goes_when_it_stops() { &mut lane.after } else { &mut lane.before };
        steps.push(ContainerStep::Stop { name: name.to_owned() });
    }
    // Once it is gone, it does not come back should something else fail.
    if let Some(container) = container {
        lane.gone.push(container.id.clone());
        lane.after.push(ContainerStep::Remove { name: name.to_owned(), volumes: false });
    }
    if held::remove(name, observed, lane) || container.is_some() {
        lane.change("ensure", "present", "absent");
    }
    Ok(())
}
