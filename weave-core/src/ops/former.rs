//! The interfaces that containers had before they were worked on. With its process a container loses them, and the
//! document may not name them: what was attached by hand comes back, too.

use std::collections::BTreeSet;

use crate::apply::containers::LaneDone;
use crate::apply::{Mode, converge_locked, look};
use crate::host::Host;
use crate::observed::Scope;
use crate::plan::container::ContainerLane;
use crate::plan::{AttachmentIntent, Intent, interfaces};
use crate::spec::{Attach, ContainerRef};
use crate::{Error, Result};

/// The interfaces of containers that will be stopped, as they were.
#[derive(Debug, Clone, Default)]
pub(super) struct Former(Vec<Attach>);

impl Former {
    /// Looks into the containers of `lanes` that will be stopped.
    pub(super) async fn look<H: Host>(host: &H, lanes: &[ContainerLane]) -> Result<Self> {
        let targets: Vec<ContainerRef> =
            lanes.iter().filter(|lane| lane.stops()).map(ContainerLane::container).collect();
        if targets.is_empty() {
            return Ok(Self::default());
        }
        let names: BTreeSet<ContainerRef> = targets.iter().cloned().collect();
        let observed = look(host, &Scope { targets, ..Scope::default() }).await?;
        let own = interfaces(&observed).into_iter().filter(|(container, _)| names.contains(container));
        // Nobody else had the address so far.
        Ok(Self(own.map(|(container, attached)| Attach { probe: false, ..attached.attach(container) }).collect()))
    }

    /// Puts into `intent` what the containers of `lanes` shall have: one that failed has what it had; one that was made
    /// anew keeps what the document does not name; one that does not run has nothing.
    pub(super) fn enter(&self, lanes: &[LaneDone], intent: &mut Intent) {
        for lane in lanes {
            let container = lane.lane.container();
            if lane.error.is_some() || !lane.lane.has_net() {
                intent.attachments.retain(|wish| *wish.container() != container);
            }
            if lane.error.is_none() && !(lane.lane.has_net() && lane.lane.replaces) {
                continue;
            }
            for attach in self.of(&container) {
                let is_named = |wish: &AttachmentIntent| {
                    *wish.container() == container && wish.interface() == attach.interface.as_str()
                };
                if !intent.attachments.iter().any(is_named) {
                    intent.attachments.push(AttachmentIntent::Exact(attach.clone()));
                }
            }
        }
    }

    fn of<'a>(&'a self, container: &'a ContainerRef) -> impl Iterator<Item = &'a Attach> {
        self.0.iter().filter(move |attach| attach.container == *container)
    }

    /// Gives the containers of `lanes` that failed their interfaces back; those that were `served` have them.
    pub(super) async fn give_back<H: Host>(&self, host: &H, lanes: &mut [LaneDone], served: &BTreeSet<ContainerRef>) {
        let mut intent = Intent { each_by_itself: true, ..Intent::default() };
        let late = |lane: &&mut LaneDone| lane.is_undone() && !served.contains(&lane.lane.container());
        for lane in lanes.iter_mut().filter(late) {
            let own = self.0.iter().filter(|attach| attach.container == lane.lane.container()).cloned();
            intent.attachments.extend(own.map(AttachmentIntent::Exact));
        }
        if intent.attachments.is_empty() {
            return;
        }
        let problems = match converge_locked(host, &intent, Mode::Apply, &[]).await {
            Ok(done) => done.plan.problems,
            Err(error) => intent.attachments.iter().map(|wish| (wish.container().clone(), error.clone())).collect(),
        };
        for (container, why) in problems {
            for lane in lanes.iter_mut().filter(|lane| lane.lane.container() == container) {
                lane.error = lane.error.take().map(|error| not_attached(error, &container, &why));
            }
        }
    }
}

fn not_attached(error: Error, container: &ContainerRef, why: &Error) -> Error {
    let mut left = error.what_is_left().to_vec();
    left.push(format!("weave attach {container} ({why})"));
    error.left(left)
}
