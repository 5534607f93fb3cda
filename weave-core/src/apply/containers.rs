//! DO, for containers: lanes at the same time, each with a journal of its own, so that one that fails is undone and
//! the others go on.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};

use super::lanes::{AT_ONCE, Count, Lanes};
use crate::host::Host;
use crate::observed::{ContainerScope, Containers};
use crate::plan::container::{ContainerLane, ContainerStep};
use crate::{Error, ErrorKind};

/// How long a container that takes the place of another has to stay up before the other one is let go.
const PROOF: Duration = Duration::from_secs(1);

/// A lane, and how far it came.
#[derive(Debug, Clone)]
pub(crate) struct LaneDone {
    /// What was planned.
    pub(crate) lane: ContainerLane,
    /// What was done of it.
    pub(crate) done: Vec<ContainerStep>,
    /// Why it came no further.
    pub(crate) error: Option<Error>,
    /// Whether what was done stays, in spite of an error.
    stays: bool,
    /// Whether there was anything to do.
    works: bool,
}

impl LaneDone {
    /// A lane that was not begun.
    pub(crate) fn planned(mut lane: ContainerLane) -> Self {
        let (error, works) = (lane.problem.take(), !lane.is_empty());
        Self { lane, done: Vec::new(), error, stays: false, works }
    }

    /// Whether there was something to do, and nothing of it is left or will be done.
    pub(super) fn is_worked_off(&self) -> bool {
        self.works && (self.error.is_some() || self.lane.after.is_empty())
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
        let planned = self.lane.before.iter().chain(&self.lane.after).filter(|_| self.error.is_none());
        self.done.iter().chain(planned)
    }

    /// Whether a container that ran does not run any more, or another one runs in its place.
    fn displaces(&self) -> bool {
        self.lane.replaces || self.done.iter().any(|step| matches!(step, ContainerStep::Stop { .. }))
    }

    fn is_to_undo(&self) -> bool {
        self.error.is_some() && !self.stays && !self.done.is_empty()
    }

    /// Undoes what was done, last first.
    async fn undo<H: Host>(&mut self, host: &H) {
        let mut left: Vec<String> = Vec::new();
        for step in &self.done {
            let name = &self.lane.name;
            left.extend(step.lasting().iter().map(|setting| format!("docker update: {setting} of {name} stays")));
        }
        for step in self.done.drain(..).rev().filter_map(|step| step.undo()) {
            tracing::debug!(%step, "undone");
            if let Err(why) = host.execute_container(&step).await {
                left.push(format!("{step} ({why})"));
            }
        }
        self.error = self.error.take().map(|error| error.left(left));
    }

    async fn run<H: Host>(mut self, lanes: &Lanes<'_, H>) -> Self {
        let mut turn = None;
        for step in std::mem::take(&mut self.lane.before) {
            let done = if let ContainerStep::Pull { image, platform } = &step {
                lanes.pull(image, platform.as_deref(), &step).await
            } else {
                if turn.is_none() {
                    turn = lanes.turn().await;
                }
                lanes.host.execute_container(&step).await
            };
            match done {
                Ok(warnings) => {
                    tracing::debug!(%step, "done");
                    self.done.push(step);
                    self.lane.warnings.extend(warnings);
                }
                Err(error) => {
                    self.fail(error);
                    break;
                }
            }
        }
        lanes.ended(&self);
        self
    }

    /// Does what cannot be undone.
    async fn finish<H: Host>(&mut self, host: &H) {
        for step in std::mem::take(&mut self.lane.after) {
            match host.execute_container(&step).await {
                Ok(_) => self.done.push(step),
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
    let mut levels = Vec::new();
    let mut waiting = lanes;
    waiting.sort_by(|a, b| a.name.cmp(&b.name));
    while !waiting.is_empty() {
        let names: BTreeSet<String> = waiting.iter().map(|lane| lane.name.clone()).collect();
        let is_free = |lane: &ContainerLane| !lane.needs.iter().any(|need| *need != lane.name && names.contains(need));
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
        done.extend(join_all(level.into_iter().map(|lane| LaneDone::planned(lane).run(&shared))).await);
    }
    prove(host, &mut done).await;
    undo(host, &mut done).await;
    done
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

/// Finds what was started in the place of something else and does not stay up.
async fn prove<H: Host>(host: &H, lanes: &mut [LaneDone]) {
    let on_proof = |lane: &LaneDone| lane.error.is_none() && lane.lane.replaces && lane.lane.runs;
    let names: Vec<String> = lanes.iter().filter(|lane| on_proof(lane)).map(|lane| lane.lane.name.clone()).collect();
    if names.is_empty() {
        return;
    }
    tokio::time::sleep(PROOF).await;
    let looked = host.observe_containers(&ContainerScope { names, ..ContainerScope::default() }).await;
    for lane in lanes.iter_mut().filter(|lane| on_proof(lane)) {
        let failed = match &looked {
            Ok(containers) => ended(&lane.lane.name, containers),
            Err(error) => Some(error.clone()),
        };
        if let Some(error) = failed {
            lane.fail(error);
        }
    }
}

fn ended(name: &str, containers: &Containers) -> Option<Error> {
    let container = containers.containers.get(name);
    if container.is_some_and(|container| container.runs()) {
        return None;
    }
    let how = container
        .map_or_else(|| "is gone".to_owned(), |container| format!("ended with exit code {}", container.exit_code));
    let message = format!("the new container {how} within {} s; the old one is back", PROOF.as_secs());
    let hint = format!("try the settings by hand under another name and look at `docker logs`: {name}");
    Some(Error::new(ErrorKind::ContainerNotRunning, name, message).hint(hint))
}

/// Does the steps that cannot be undone, once everything else has succeeded.
pub(crate) async fn finish<H: Host>(host: &H, lanes: &mut [LaneDone]) {
    let done = lanes.iter().filter(|lane| lane.is_worked_off()).count();
    let count = Count::new(host, done, lanes.iter().filter(|lane| lane.works).count());
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
