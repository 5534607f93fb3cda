//! A container that cannot be changed in place is made anew beside itself, and takes its place.
//!
//! The new one is made before the old one is stopped, so that a request that the engine refuses costs no downtime; the
//! old one is kept under another name until the new one runs and is attached, so that it can come back.

use super::{ContainerLane, ContainerStep, Make, carry, kept, label};
use crate::names;
use crate::observed::Container;
use crate::spec::run::RunState;

pub(super) fn steps(make: &Make, old: &Container, lane: &mut ContainerLane) {
    let wish = &make.wish;
    let (name, new_name, old_name) = (&wish.name, names::new_of(&wish.name), names::old_of(&wish.name));
    // What a killed run had replaced already makes room for what is replaced now.
    lane.before.append(&mut lane.after);
    let rename = |from: &str, to: &str| ContainerStep::Rename { from: from.to_owned(), to: to.to_owned() };
    let starts = match make.settings.state {
        RunState::Running => true,
        RunState::Stopped => false,
        RunState::Created => old.runs() || lane.resumes,
    };
    let mut body = wish.request();
    if starts && make.settings.state == RunState::Created {
        body["Labels"][label::RUNS] = "1".into();
    }
    let volumes = kept(wish, old);
    carry(&mut body, &volumes);
    lane.before.push(ContainerStep::Create {
        name: new_name.clone(),
        platform: wish.platform.clone(),
        body,
        line: make.line(&new_name),
    });
    if old.runs() {
        lane.before.push(ContainerStep::Stop { name: name.clone() });
    }
    if old.runs() && old.goes_when_it_stops() {
        // The engine is at it already; this waits for it.
        lane.before.push(ContainerStep::Remove { name: name.clone(), volumes: false });
        lane.warnings.push(format!(
            "container {name} was made with `--rm`: the engine removes it as it stops, so it cannot come back should the \
             new one not start"
        ));
        let volumes = volumes.iter().map(|kept| format!("; its {} is in volume {}", kept.target, kept.volume));
        lane.burns = Some(format!("the old {name}, made with --rm, is gone{}", volumes.collect::<String>()));
    } else {
        lane.before.push(rename(name, &old_name));
        lane.after.push(ContainerStep::Remove { name: old_name, volumes: false });
    }
    lane.before.push(rename(&new_name, name));
    if starts {
        lane.before.push(ContainerStep::Start { name: name.clone() });
    }
    lane.gone.push(old.id.clone());
    (lane.fresh, lane.runs, lane.replaces) = (starts, starts, true);
}
