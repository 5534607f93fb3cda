//! Whether what was started stays up: a container with a wrong command ends at once, and nobody would be told.

use std::collections::BTreeSet;
use std::time::Duration;

use super::LaneDone;
use crate::host::Host;
use crate::observed::{Container, ContainerScope, Containers, Status};
use crate::plan::container::ContainerStep;
use crate::spec::ContainerRef;
use crate::{Error, ErrorKind};

/// How long a container has to stay up before it is believed, and before one that it replaces is let go.
const PROOF: Duration = Duration::from_secs(1);

/// Finds what was started in the place of something else and does not stay up.
pub(super) async fn prove_replacing<H: Host>(host: &H, lanes: &mut [LaneDone]) {
    prove(host, lanes, |lane| lane.lane.replaces, &BTreeSet::new()).await;
}

/// Finds what else was started and does not stay up; those `unattached` did not get their addresses.
pub(crate) async fn prove_started<H: Host>(host: &H, lanes: &mut [LaneDone], unattached: &BTreeSet<ContainerRef>) {
    prove(host, lanes, |lane| !lane.lane.replaces, unattached).await;
}

/// Finds which of `names`, that were started once they had their interfaces, do not stay up.
pub(super) async fn prove_late<H: Host>(host: &H, lanes: &mut [LaneDone], names: &BTreeSet<String>) {
    prove(host, lanes, |lane| names.contains(&lane.lane.name), &BTreeSet::new()).await;
}

async fn prove<H: Host>(
    host: &H,
    lanes: &mut [LaneDone],
    which: impl Fn(&LaneDone) -> bool,
    unattached: &BTreeSet<ContainerRef>,
) {
    let on_proof = |lane: &&mut LaneDone| lane.error.is_none() && lane.started.is_some() && which(lane);
    let mut lanes: Vec<&mut LaneDone> = lanes.iter_mut().filter(on_proof).collect();
    let Some(last) = lanes.iter().filter_map(|lane| lane.started).max() else { return };
    tokio::time::sleep_until(last + PROOF).await;
    let names: Vec<String> = lanes.iter().map(|lane| lane.lane.name.clone()).collect();
    let looked = match host.observe_containers(&ContainerScope { names, ..ContainerScope::default() }).await {
        Ok(looked) => looked,
        Err(error) => return lanes.iter_mut().for_each(|lane| lane.fail(error.clone())),
    };
    let found = |lane: &LaneDone| looked.containers.get(&lane.lane.name);
    let stays_up = |container: &Container| container.status == Status::Running && container.restarts == 0;
    lanes.retain(|lane| !found(lane).is_some_and(stays_up));
    let logs = last_words(host, &lanes).await;
    for lane in lanes {
        let container = found(lane);
        let words = words(&lane.lane.name, &logs);
        let is_unattached = unattached.contains(&lane.lane.container());
        judge(lane, container, &words, is_unattached);
    }
}

/// What containers said last; that nobody tells is no reason to fail.
async fn last_words<H: Host>(host: &H, lanes: &[&mut LaneDone]) -> Containers {
    let logs: Vec<String> = lanes.iter().map(|lane| lane.lane.name.clone()).collect();
    if logs.is_empty() {
        return Containers::default();
    }
    host.observe_containers(&ContainerScope { logs, ..ContainerScope::default() }).await.unwrap_or_default()
}

fn words(name: &str, logs: &Containers) -> String {
    match logs.logs.get(name).map(Vec::as_slice) {
        None | Some([]) => String::new(),
        Some(lines) => format!("; its log ends with: {}", lines.join(" / ")),
    }
}

fn judge(lane: &mut LaneDone, container: Option<&Container>, words: &str, is_unattached: bool) {
    let name = lane.lane.name.clone();
    match container {
        Some(container) if container.status == Status::Restarting || container.restarts > 0 => {
            lane.lane.warnings.push(format!(
                "container {name} ends and is started again, {} times so far, as its restart policy says{words}",
                container.restarts
            ));
        }
        Some(container) if container.runs() => {}
        // It did what it was for; but a service that is replaced by something that ends is lost.
        Some(container) if container.exit_code == 0 && !lane.stopped() && !is_unattached => {
            lane.ended = true;
            lane.lane.warnings.push(format!(
                "container {name} has ended already, with exit code 0; it should be running, so the next run starts it \
                 again (`state: created` leaves it alone){words}"
            ));
        }
        container => lane.fail(ended(lane, container, words)),
    }
}

fn ended(lane: &LaneDone, container: Option<&Container>, words: &str) -> Error {
    let name = &lane.lane.name;
    let how = container
        .map_or_else(|| "is gone".to_owned(), |container| format!("ended with exit code {}", container.exit_code));
    let made = lane.done.iter().any(|step| matches!(step, ContainerStep::Create { .. }));
    let (which, then) = match (lane.lane.replaces, made) {
        (true, _) if lane.lane.burns.is_some() => ("new ", ""),
        (true, _) => ("new ", "; the old one is back"),
        (false, true) => ("new ", "; it is removed again"),
        (false, false) => ("", ""),
    };
    let message = format!("the {which}container {how} within {} s{then}{words}", PROOF.as_secs());
    let hint = match container {
        Some(_) => format!("try the settings by hand under another name and look at `docker logs`: {name}"),
        None => "with `--rm` the engine removes a container as it ends, and its log: try it without".to_owned(),
    };
    Error::new(ErrorKind::ContainerNotRunning, name, message).hint(hint)
}
