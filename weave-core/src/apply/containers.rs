//! DO, for containers: lanes at the same time, each with a journal of its own, so that one that fails is undone and
//! the others go on.

mod inert;
mod prove;

use std::collections::BTreeSet;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

pub(crate) use inert::came_to_nothing;
pub(crate) use prove::prove_started;

use super::lanes::{AT_ONCE, Count, Lanes};
use crate::host::Host;
use crate::plan::container::{ContainerLane, ContainerStep};
use crate::{Error, ErrorKind, Result};

/// A lane, and how far it came.
#[derive(Debug, Clone)]
pub(crate) struct LaneDone {
    /// What was planned.
    pub(crate) lane: ContainerLane,
    /// What was done of it.
    pub(crate) done: Vec<ContainerStep>,
    /// Why it came no further.
    pub(crate) error: Option<Error>,
    /// Whether it was started and has done already what it was for.
    pub(crate) ended: bool,
    /// When it was started.
    started: Option<Instant>,
    /// Whether what was done stays, in spite of an error.
    stays: bool,
    /// What was undone but for its start, which waits for its interface.
    late: Vec<ContainerStep>,
    /// Whether there was anything to do.
    works: bool,
}

impl LaneDone {
    /// A lane that was not begun.
    pub(crate) fn planned(mut lane: ContainerLane) -> Self {
        let (error, works) = (lane.problem.take(), !lane.is_empty());
        Self { lane, done: Vec::new(), error, ended: false, started: None, stays: false, late: Vec::new(), works }
    }

    /// Whether there was something to do, and nothing of it is left or will be done.
    pub(super) fn is_worked_off(&self) -> bool {
        self.works && (self.error.is_some() || self.lane.start.is_empty() && self.lane.after.is_empty())
    }

    /// Notes why it is to be undone; the first reason counts.
    pub(crate) fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    /// Whether it failed and is as it was before.
    pub(crate) fn is_undone(&self) -> bool {
        self.error.is_some() && !self.stays
    }

    /// What was done, and what is still planned unless it failed.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &ContainerStep> {
        let ContainerLane { before, start, after, .. } = &self.lane;
        let planned = before.iter().chain(start).chain(after).filter(|_| self.error.is_none());
        self.done.iter().chain(planned)
    }

    /// Whether a container that ran does not run any more, or another one runs in its place.
    fn displaces(&self) -> bool {
        self.lane.replaces || self.stopped()
    }

    /// Whether a container that ran was stopped.
    fn stopped(&self) -> bool {
        self.done.iter().any(|step| matches!(step, ContainerStep::Stop { .. }))
    }

    /// Whether something was done with it, or will be once it has its interface.
    pub(crate) fn is_begun(&self) -> bool {
        !self.done.is_empty() || !self.lane.start.is_empty()
    }

    fn is_waiting(&self) -> bool {
        self.error.is_none() && !self.lane.start.is_empty()
    }

    fn is_to_undo(&self) -> bool {
        self.error.is_some() && !self.stays && !self.done.is_empty()
    }

    /// Undoes what was done, last first.
    async fn undo<H: Host>(&mut self, host: &H) {
        let mut left: Vec<String> = Vec::new();
        if let Some(gone) = self.lane.burns.clone().filter(|_| self.stopped()) {
            // The new one may hold the volumes, and the next run goes on with it.
            self.stays = true;
            left.push(gone);
            self.error = self.error.take().map(|error| error.left(left));
            return;
        }
        for step in &self.done {
            let name = &self.lane.name;
            left.extend(step.lasting().iter().map(|setting| format!("docker update: {setting} of {name} stays")));
        }
        let is_late = |step: &ContainerStep| {
            self.lane.was_held && matches!(step, ContainerStep::Start { name } if *name == self.lane.name)
        };
        let back = self.done.drain(..).rev().filter_map(|step| step.undo());
        let (late, now): (Vec<_>, Vec<_>) = back.partition(is_late);
        self.late = late;
        for step in now {
            tracing::debug!(%step, "undone");
            match host.execute_container(&step).await {
                // It went by itself.
                Err(why) if why.kind() == ErrorKind::NotFound && matches!(step, ContainerStep::Stop { .. }) => {}
                Err(why) => left.push(format!("{step} ({why})")),
                Ok(_) => {}
            }
        }
        self.error = self.error.take().map(|error| error.left(left));
    }

    async fn begin<H: Host>(mut self, lanes: &Lanes<'_, H>) -> Self {
        let mut turn = None;
        for step in std::mem::take(&mut self.lane.before) {
            let done = if let Some(image) = step.fetches() {
                lanes.fetch(image, &step).await
            } else {
                if turn.is_none() {
                    turn = lanes.turn().await;
                }
                lanes.host.execute_container(&step).await
            };
            if !self.note(step, done) {
                break;
            }
        }
        lanes.ended(&self);
        self
    }

    async fn start<H: Host>(&mut self, host: &H) {
        for step in std::mem::take(&mut self.lane.start) {
            let done = host.execute_container(&step).await;
            if !self.note(step, done) {
                break;
            }
        }
    }

    /// Starts what came back, now that it has its interface again.
    async fn resume<H: Host>(&mut self, host: &H) {
        for step in std::mem::take(&mut self.late) {
            if let Err(why) = host.execute_container(&step).await {
                let left = vec![format!("{step} ({why})")];
                let both = |error: Error| {
                    let all = [error.what_is_left(), &left].concat();
                    error.left(all)
                };
                self.error = self.error.take().map(both);
            }
        }
    }

    /// Whether the next step may be done.
    fn note(&mut self, step: ContainerStep, done: Result<Vec<String>>) -> bool {
        match done {
            Ok(warnings) => {
                tracing::debug!(%step, "done");
                if matches!(&step, ContainerStep::Start { name } if *name == self.lane.name) {
                    self.started = Some(Instant::now());
                }
                self.done.push(step);
                self.lane.warnings.extend(warnings);
                true
            }
            Err(error) => {
                self.fail(error);
                false
            }
        }
    }

    /// Does what cannot be undone.
    async fn finish<H: Host>(&mut self, host: &H) {
        for step in std::mem::take(&mut self.lane.after) {
            match host.execute_container(&step).await {
                Ok(_) => self.done.push(step),
                Err(error) if step.is_litter() => self.lane.warnings.push(format!("it stays: {error}")),
                Err(error) => {
                    // What was replaced is in nobody's way; a container that was to go stays as it was.
                    self.stays = !matches!(&step, ContainerStep::Remove { name, .. } if *name == self.lane.name);
                    self.fail(if self.stays { error.left(vec![step.to_string()]) } else { error });
                    break;
                }
            }
        }
    }
}

/// The lanes in the order in which they are done: those that another one needs are done before it.
pub(crate) fn in_order(lanes: Vec<ContainerLane>) -> Vec<Vec<ContainerLane>> {
    ordered(lanes, |lane| lane)
}

fn ordered<T>(lanes: Vec<T>, lane: impl Fn(&T) -> &ContainerLane) -> Vec<Vec<T>> {
    let mut levels = Vec::new();
    let mut waiting = lanes;
    waiting.sort_by(|a, b| lane(a).name.cmp(&lane(b).name));
    while !waiting.is_empty() {
        let names: BTreeSet<String> = waiting.iter().map(|one| lane(one).name.clone()).collect();
        let is_free = |one: &T| {
            let lane = lane(one);
            !lane.needs.iter().any(|need| *need != lane.name && names.contains(need))
        };
        let (mut ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_free);
        waiting = rest;
        if ready.is_empty() {
            // They need each other: the engine will say what it makes of that.
            ready.append(&mut waiting);
        }
        levels.push(ready);
    }
    levels
}

/// Does the steps of all lanes that come before their interfaces.
pub(crate) async fn begin<H: Host>(host: &H, lanes: Vec<ContainerLane>) -> Vec<LaneDone> {
    let mut done: Vec<LaneDone> = Vec::with_capacity(lanes.len());
    let shared = Lanes::new(host, lanes.iter().filter(|lane| !lane.is_empty()).count());
    for level in in_order(lanes) {
        // All are begun, so that none waits for an image that only others need; how many work, the gate says.
        done.extend(join_all(level.into_iter().map(|lane| LaneDone::planned(lane).begin(&shared))).await);
    }
    prove::prove_replacing(host, &mut done).await;
    undo(host, &mut done).await;
    done
}

/// Starts the containers that have their interfaces by now.
pub(crate) async fn start<H: Host>(host: &H, lanes: &mut [LaneDone]) {
    let (done, total) = worked_off(lanes);
    let waiting: Vec<&mut LaneDone> = lanes.iter_mut().filter(|lane| lane.is_waiting()).collect();
    let names: BTreeSet<String> = waiting.iter().map(|lane| lane.lane.name.clone()).collect();
    if names.is_empty() {
        return;
    }
    let count = Count::new(host, done, total);
    let start = async |lane: &mut LaneDone| {
        lane.start(host).await;
        if lane.is_worked_off() {
            count.one_more();
        }
    };
    for level in ordered(waiting, |lane| &lane.lane) {
        stream::iter(level).for_each_concurrent(AT_ONCE, start).await;
    }
    prove::prove_late(host, lanes, &names).await;
    undo(host, lanes).await;
}

/// Starts containers that came back and have their interfaces again.
pub(crate) async fn resume<H: Host>(host: &H, lanes: &mut [LaneDone]) {
    // What others need comes first.
    for lane in lanes {
        lane.resume(host).await;
    }
}

/// Undoes the lanes that failed, and with them those that cannot be without them.
pub(crate) async fn undo<H: Host>(host: &H, lanes: &mut [LaneDone]) {
    while let Some((at, error)) = companion(lanes) {
        if let Some(lane) = lanes.get_mut(at) {
            lane.fail(error);
        }
    }
    // What others need comes first here, too: a container does not start while one that it is linked to does not run.
    for lane in lanes.iter_mut().filter(|lane| lane.is_to_undo()) {
        lane.undo(host).await;
    }
}

/// A lane that did not fail and stopped or replaced a container, and is bound to such a one that did.
fn companion(lanes: &[LaneDone]) -> Option<(usize, Error)> {
    let failed = || lanes.iter().filter(|lane| lane.displaces() && lane.is_to_undo());
    let bound = |one: &LaneDone, other: &LaneDone| {
        one.lane.needs.contains(&other.lane.name) || other.lane.needs.contains(&one.lane.name)
    };
    lanes.iter().enumerate().filter(|(_, lane)| lane.displaces() && lane.error.is_none()).find_map(|(at, lane)| {
        let other = failed().find(|other| bound(lane, other))?;
        let message = format!("{} could not be changed, and both are bound to each other", other.lane.name);
        Some((at, Error::new(ErrorKind::Conflict, &lane.lane.name, message)))
    })
}

/// How many lanes with something to do are worked off, and how many there are.
fn worked_off(lanes: &[LaneDone]) -> (usize, usize) {
    let count = |which: fn(&&LaneDone) -> bool| lanes.iter().filter(which).count();
    (count(|lane| lane.is_worked_off()), count(|lane| lane.works))
}

/// Does the steps that cannot be undone, once everything else has succeeded.
pub(crate) async fn finish<H: Host>(host: &H, lanes: &mut [LaneDone]) {
    let (done, total) = worked_off(lanes);
    let count = Count::new(host, done, total);
    let left = lanes.iter_mut().filter(|lane| lane.error.is_none() && !lane.lane.after.is_empty());
    let finish = async |lane: &mut LaneDone| {
        lane.finish(host).await;
        count.one_more();
    };
    stream::iter(left).for_each_concurrent(AT_ONCE, finish).await;
    // Each by itself: what the others replaced is gone.
    for lane in lanes.iter_mut().filter(|lane| lane.is_to_undo()) {
        lane.undo(host).await;
    }
}
