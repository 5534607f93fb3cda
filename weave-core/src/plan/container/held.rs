//! A container that is attached before its start: a second one holds its network namespace, and both are one lane.
//!
//! ```text
//! before   the holder runs, and publishes the ports; the container is made, and joins the holder's namespace
//! network  the interface comes into that namespace
//! start    the container
//! after    what was replaced is removed
//! ```

use std::collections::BTreeSet;

use super::label::{HOLDS, RUNS};
use super::{Change, ContainerLane, ContainerStep, Make, is_ours, leftover, single};
use crate::observed::{Container, Containers, Status};
use crate::spec::Options;
use crate::spec::run::{OnChange, RunState};
use crate::{Error, names};

pub(super) fn run(
    make: &Make,
    holder: &Make,
    renewed: &BTreeSet<String>,
    observed: &Containers,
    lane: &mut ContainerLane,
) -> Result<(), Error> {
    let (name, holder_name) = (&make.wish.name, &holder.wish.name);
    let present = leftover::stands(name, observed);
    lane.was_held = present.is_some_and(|container| holder_of(container, observed).is_some());
    let stays = make.settings.on_change != OnChange::Recreate || present.is_some_and(|container| !is_ours(container));
    if present.is_some() && !lane.was_held && stays {
        return single(make, renewed, observed, lane);
    }
    let mut net = ContainerLane { name: holder_name.clone(), ..ContainerLane::default() };
    single(holder, renewed, observed, &mut net)?;
    let is_made = net.before.iter().any(|step| matches!(step, ContainerStep::Create { .. }));
    let stands = leftover::stands(holder_name, observed).filter(|_| !is_made);
    let joined = present.filter(|container| stands.is_some_and(|holder| joins(container, holder)));
    let mut renewed = renewed.clone();
    if joined.is_none() {
        renewed.insert(holder_name.clone());
    }
    lane.resumes = resumes(present, holder_name, observed);
    let starts = net.before.iter().any(|step| matches!(step, ContainerStep::Start { .. }));
    let older = |container: &Container| stands.is_some_and(|holder| is_older(container, holder));
    let stale = joined.filter(|container| container.runs() && (starts || older(container)));
    if let Some(container) = stale.filter(|_| make.settings.state != RunState::Stopped) {
        // It runs in the namespace of the holder's last run, which is nobody's any more.
        let mut ended = observed.clone();
        let stopped = Container { status: Status::Exited, ..container.clone() };
        ended.containers.insert(container.name.clone(), stopped);
        lane.before.push(ContainerStep::Stop { name: name.clone() });
        lane.resumes = true;
        single(make, &renewed, &ended, lane)?;
    } else {
        single(make, &renewed, observed, lane)?;
    }
    if make.settings.state == RunState::Created && (lane.resumes || present.is_some_and(Container::runs)) {
        mark_running(&mut net);
    }
    join(net, lane);
    if present.is_some() && !lane.was_held {
        moved(&holder.settings.options, ("after_start", "before_start"), lane);
    }
    Ok(())
}

/// Options that go from one container to the other are no changes: what changes is how the container is attached.
fn moved(options: &Options, (before, after): (&str, &str), lane: &mut ContainerLane) {
    let net = serde_json::to_value(options.clone().apart().0).unwrap_or_default();
    lane.changes.retain(|change| change.field != "network" && net.get(&*change.field).is_none());
    lane.change("attach", before, after);
}

/// Takes the holder of a container away that is attached after its start by now.
pub(super) fn release(make: &Make, observed: &Containers, lane: &mut ContainerLane) {
    let name = &make.wish.name;
    let holder = leftover::stands(name, observed).and_then(|container| holder_of(container, observed));
    lane.was_held = holder.is_some();
    let is_made = lane.before.iter().any(|step| matches!(step, ContainerStep::Create { .. }));
    if let Some(holder) = holder.filter(|_| !is_made) {
        // It stays as it was made, and so does its holder.
        let mut net = ContainerLane { name: holder.name.clone(), ..ContainerLane::default() };
        net.runs = make.settings.state != RunState::Stopped;
        if net.runs && !holder.runs() {
            net.fresh = true;
            net.before.push(ContainerStep::Start { name: holder.name.clone() });
        } else if !net.runs && holder.runs() {
            net.before.push(ContainerStep::Stop { name: holder.name.clone() });
        }
        join(net, lane);
        return;
    }
    let mut net = ContainerLane::default();
    if !remove(name, observed, &mut net) {
        return;
    }
    // The new one publishes the same ports.
    let after_stop =
        lane.before.iter().position(|step| matches!(step, ContainerStep::Stop { .. })).map_or(0, |at| at + 1);
    lane.before.splice(after_stop..after_stop, net.before);
    lane.after.append(&mut net.after);
    moved(&make.settings.options, ("before_start", "after_start"), lane);
}

/// Stops and removes the holder of a container, and what a killed run left of it. Whether there was any.
pub(super) fn remove(name: &str, observed: &Containers, lane: &mut ContainerLane) -> bool {
    let holder = names::holder_of(name);
    let of = |holder: &str| observed.containers.get(holder).filter(|container| holds(container) == Some(name));
    let rests: Vec<String> =
        [names::new_of(&holder), names::old_of(&holder)].into_iter().filter(|rest| of(rest).is_some()).collect();
    let any = !rests.is_empty();
    lane.before.extend(rests.into_iter().map(|name| ContainerStep::Remove { name, volumes: true }));
    let Some(container) = of(&holder) else { return any };
    if container.runs() {
        lane.before.push(ContainerStep::Stop { name: holder.clone() });
    }
    lane.after.push(ContainerStep::Remove { name: holder, volumes: false });
    true
}

/// Removes the image of holders, where it is there and nothing was made from it.
pub(crate) fn forget(observed: &Containers) -> Option<ContainerLane> {
    let is_there = observed.images.contains_key(names::HOLDER_IMAGE);
    if !is_there || observed.containers.values().any(|container| holds(container).is_some()) {
        return None;
    }
    let image = names::HOLDER_IMAGE.to_owned();
    let change = Change::new(format!("images.{image}"), "ensure", "present", "absent");
    let after = vec![ContainerStep::Unload { image: image.clone() }];
    Some(ContainerLane { name: image, after, changes: vec![change], ..ContainerLane::default() })
}

/// The container whose namespace one holds.
pub(super) fn holds(container: &Container) -> Option<&str> {
    container.label(HOLDS).filter(|_| is_ours(container))
}

/// Whether one is in the namespace of another.
fn joins(container: &Container, holder: &Container) -> bool {
    let mode = container.host_config["NetworkMode"].as_str();
    mode.and_then(|mode| mode.strip_prefix("container:")) == Some(holder.id.as_str())
}

/// The container that holds the namespace of one.
pub(super) fn holder_of<'a>(container: &Container, observed: &'a Containers) -> Option<&'a Container> {
    observed.containers.values().find(|other| holds(other).is_some() && joins(container, other))
}

/// Whether weave stopped it to give it another holder, and was killed before it ran again.
fn resumes(present: Option<&Container>, holder: &str, observed: &Containers) -> bool {
    let Some(container) = present.filter(|container| !container.runs()) else { return false };
    let holders = [holder.to_owned(), names::new_of(holder)];
    let mut holders = holders.iter().filter_map(|name| observed.containers.get(name));
    holders.any(|holder| holder.label(RUNS).is_some() && !joins(container, holder))
}

/// Whether one was started before the other. The engine cuts zeros at the end of a second's fraction.
fn is_older(one: &Container, other: &Container) -> bool {
    let seconds = |container: &Container| {
        let text = container.started_at.trim_end_matches('Z');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        (whole.to_owned(), format!("{fraction:0<9}"))
    };
    seconds(one) < seconds(other)
}

fn mark_running(net: &mut ContainerLane) {
    for step in &mut net.before {
        if let ContainerStep::Create { body, .. } = step {
            body["Labels"][RUNS] = "1".into();
        }
    }
}

/// Puts the steps of the holder among those of its container: it has to run before the other is made, and the other
/// has to be stopped before its network goes.
fn join(mut net: ContainerLane, lane: &mut ContainerLane) {
    let is_work = |step: &ContainerStep| {
        !matches!(step, ContainerStep::Remove { .. } | ContainerStep::Rename { .. } | ContainerStep::Pull { .. })
    };
    let is_stop = |step: &ContainerStep| matches!(step, ContainerStep::Stop { .. });
    let is_start = |step: &ContainerStep| matches!(step, ContainerStep::Start { .. });
    let mut work = split_at(&mut lane.before, is_work);
    let turn = split_at(&mut net.before, |step| is_stop(step) || is_start(step));
    let touched = !turn.is_empty();
    lane.before.append(&mut net.before);
    if touched {
        let (stop, rest) = work.into_iter().partition(is_stop);
        lane.before.extend::<Vec<_>>(stop);
        work = rest;
    }
    lane.before.extend(turn.into_iter().chain(work));
    let name = lane.name.clone();
    lane.start =
        split_at(&mut lane.before, |step| matches!(step, ContainerStep::Start { name: other } if *other == name));
    lane.after.append(&mut net.after);
    lane.needs.append(&mut net.needs);
    lane.needs.remove(&net.name);
    lane.warnings.append(&mut net.warnings);
    // That there is a holder, and what it does, is no more than how the container is attached.
    let is_told = |change: &Change| !["image", "state"].contains(&&*change.field);
    let told = net.changes.into_iter().filter(is_told);
    let told: Vec<Change> = told.map(|change| Change { subject: format!("containers.{name}"), ..change }).collect();
    lane.changes.splice(0..0, told);
    if lane.changes.is_empty() && touched {
        let word = |runs: bool| if runs { "running" } else { "stopped" };
        lane.change("network", word(!net.runs), word(net.runs));
    }
    lane.fresh = net.fresh;
    lane.replaces |= net.replaces;
    lane.net = Some(net.runs);
}

fn split_at(steps: &mut Vec<ContainerStep>, at: impl Fn(&ContainerStep) -> bool) -> Vec<ContainerStep> {
    let at = steps.iter().position(at).unwrap_or(steps.len());
    steps.split_off(at)
}
