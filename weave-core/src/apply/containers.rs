//! DO, for containers: lanes at the same time, each with a journal of its own, so that one that fails is undone and
//! the others go on.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use crate::host::Host;
use crate::observed::{ContainerScope, Containers};
use crate::plan::container::{ContainerLane, ContainerStep};
use crate::{Error, ErrorKind, Result};

/// How many containers the engine works on at once: its own work on one is mostly waiting for the kernel.
const AT_ONCE: usize = 8;

/// How long a container that takes the place of another has to stay up before the other one is let go.
const PROOF: Duration = Duration::from_secs(1);

/// A lane, and how far it came.
#[derive(Debug, Clone)]
pub(crate) struct LaneDone {
    /// What was planned.
    pub(crate) lane: ContainerLane,
    /// What was done of it.
    pub(crate) done: Vec<ContainerStep>,
    /// Why it came no further; then everything is undone.
    pub(crate) error: Option<Error>,
}

impl LaneDone {
    /// A lane that was not begun.
    pub(crate) fn planned(mut lane: ContainerLane) -> Self {
        let error = lane.problem.take();
        Self { lane, done: Vec::new(), error }
    }

    /// Whether it was begun and is as before: then the container that was there is there again.
    pub(crate) fn brought_back(&self) -> bool {
        self.error.is_some() && self.lane.replaces
    }

    /// Undoes what was done, last first, because of `error`.
    pub(crate) async fn undo<H: Host>(&mut self, host: &H, error: Error) {
        let mut left = Vec::new();
        for step in self.done.drain(..).rev().filter_map(|step| step.undo()) {
            tracing::debug!(%step, "undone");
            if let Err(why) = host.execute_container(&step).await {
                left.push(format!("{step} ({why})"));
            }
        }
        self.error = Some(error.left(left));
    }

    async fn run<H: Host>(mut self, host: &H) -> Self {
        for step in std::mem::take(&mut self.lane.before) {
            match host.execute_container(&step).await {
                Ok(warnings) => {
                    tracing::debug!(%step, "done");
                    self.done.push(step);
                    self.lane.warnings.extend(warnings);
                }
                Err(error) => {
                    self.undo(host, error).await;
                    break;
                }
            }
        }
        self
    }
}

/// Does the steps of all lanes that come before their interfaces; those that another lane needs are done first.
pub(crate) async fn begin<H: Host>(host: &H, lanes: Vec<ContainerLane>) -> Vec<LaneDone> {
    let mut waiting: Vec<LaneDone> = lanes.into_iter().map(LaneDone::planned).collect();
    let mut done: Vec<LaneDone> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: BTreeSet<String> = waiting.iter().map(|lane| lane.lane.name.clone()).collect();
        let is_free =
            |lane: &LaneDone| !lane.lane.needs.iter().any(|need| *need != lane.lane.name && names.contains(need));
        let (mut ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_free);
        waiting = rest;
        if ready.is_empty() {
            // They need each other: the engine will say what it makes of that.
            ready.append(&mut waiting);
        }
        let mut running = stream::iter(ready).map(|lane| lane.run(host)).buffer_unordered(AT_ONCE);
        while let Some(lane) = running.next().await {
            done.push(lane);
        }
    }
    done.sort_by(|a, b| a.lane.name.cmp(&b.lane.name));
    prove(host, &mut done).await;
    done
}

/// Brings back what was replaced by something that does not stay up.
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
            lane.undo(host, error).await;
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
pub(crate) async fn finish<H: Host>(host: &H, lanes: &mut [LaneDone]) -> Result<()> {
    let mut failed = None;
    for lane in lanes.iter_mut().filter(|lane| lane.error.is_none()) {
        for step in std::mem::take(&mut lane.lane.after) {
            match host.execute_container(&step).await {
                Ok(_) => lane.done.push(step),
                Err(error) => {
                    failed.get_or_insert(error.left(vec![step.to_string()]));
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}
