//! Containers on their way to another host: whoever starts or removes one of them has it run twice, or not at all.

use super::ContainerLane;
use crate::observed::Containers;
use crate::{Error, ErrorKind};

/// Leaves those alone with which there would be something to do.
pub(super) fn leave(mut lanes: Vec<ContainerLane>, observed: &Containers) -> Vec<ContainerLane> {
    for lane in lanes.iter_mut().filter(|lane| observed.moves.contains(&lane.name) && !lane.is_empty()) {
        let message = "is being moved to another host or from there, or such a move was broken off";
        let problem = Error::new(ErrorKind::Conflict, &lane.name, message)
            .hint("wait for it, run the same `weave migrate` again, or give it up with `--undo`");
        *lane = ContainerLane { name: lane.name.clone(), problem: Some(problem), ..ContainerLane::default() };
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::container::ContainerStep;

    #[test]
    fn only_those_are_refused_with_which_something_would_be_done() {
        let lane = |name: &str, steps: Vec<ContainerStep>| ContainerLane {
            name: name.to_owned(),
            before: steps,
            ..ContainerLane::default()
        };
        let start = |name: &str| vec![ContainerStep::Start { name: name.to_owned() }];
        let lanes = vec![lane("web", start("web")), lane("db", Vec::new()), lane("app", start("app"))];
        let moves = ["web", "db"].map(str::to_owned).into();
        let lanes = leave(lanes, &Containers { moves, ..Containers::default() });
        let [web, db, app] = lanes.as_slice() else { panic!("{lanes:?}") };
        let problem = web.problem.as_ref().expect("a problem");
        assert_eq!((problem.kind(), problem.subject()), (ErrorKind::Conflict, "web"));
        assert!(web.is_empty() && db.problem.is_none() && app.problem.is_none() && !app.is_empty());
    }
}
