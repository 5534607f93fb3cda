//! The interfaces that containers had before they were worked on. With its process a container loses them, and the
//! document may not name them: what was attached by hand comes back, too.

use std::collections::BTreeSet;

use crate::apply::containers::LaneDone;
use crate::apply::{Expected, Mode, converge_locked, look};
use crate::host::Host;
use crate::observed::Scope;
use crate::plan::container::ContainerLane;
use crate::plan::{AttachmentIntent, Intent, interfaces};
use crate::spec::{Attach, ContainerRef, Detach, IfName};
use crate::{Error, Result};

/// The interfaces of containers that will be stopped, or started once they have them, as they were.
#[derive(Debug, Clone, Default)]
pub(super) struct Former {
    /// The interfaces.
    had: Vec<Attach>,
    /// The containers that were looked into, with or without any.
    seen: BTreeSet<ContainerRef>,
}

impl Former {
    /// Looks into the containers of `lanes` that will be stopped, or started once they have their interfaces.
    pub(super) async fn look<H: Host>(host: &H, lanes: &[ContainerLane]) -> Result<Self> {
        let targets: Vec<ContainerRef> =
            lanes.iter().filter(|lane| lane.stops() || !lane.start.is_empty()).map(ContainerLane::container).collect();
        if targets.is_empty() {
            return Ok(Self::default());
        }
        let names: BTreeSet<ContainerRef> = targets.iter().cloned().collect();
        let observed = look(host, &Scope { targets, ..Scope::default() }).await?;
        let own = interfaces(&observed).into_iter().filter(|(container, _)| names.contains(container));
        // Nobody else had the address so far.
        let had = own.map(|(container, attached)| Attach { probe: false, ..attached.attach(container) }).collect();
        Ok(Self { had, seen: names })
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
        self.had.iter().filter(move |attach| attach.container == *container)
    }

    /// Gives the containers of `lanes` that failed their interfaces back; those that were `served` have them. In a
    /// namespace that stays, they may have got some that they did not have.
    pub(super) async fn give_back<H: Host>(&self, host: &H, lanes: &mut [LaneDone], served: &BTreeSet<ContainerRef>) {
        let mut intent = Intent { each_by_itself: true, ..Intent::default() };
        let late = |lane: &&mut LaneDone| lane.is_undone() && !served.contains(&lane.lane.container());
        let mut held = Vec::new();
        for lane in lanes.iter_mut().filter(late) {
            let container = lane.lane.container();
            intent.attachments.extend(self.of(&container).cloned().map(AttachmentIntent::Exact));
            held.extend(Some(container).filter(|name| lane.lane.was_held && self.seen.contains(name)));
        }
        intent.attachments.extend(self.more(host, held).await.into_iter().map(AttachmentIntent::Remove));
        if intent.attachments.is_empty() {
            return;
        }
        let problems = match converge_locked(host, &intent, Mode::Apply, &Expected::default()).await {
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

impl Former {
    /// The interfaces of containers that they did not have.
    async fn more<H: Host>(&self, host: &H, containers: Vec<ContainerRef>) -> Vec<Detach> {
        if containers.is_empty() {
            return Vec::new();
        }
        // Where nothing can be seen, what is done next says so.
        let scope = Scope { targets: containers.clone(), ..Scope::default() };
        let observed = look(host, &scope).await.unwrap_or_default();
        let now = interfaces(&observed).into_iter().filter(|(container, _)| containers.contains(container));
        let had = |container: &ContainerRef, interface: &IfName| {
            self.of(container).any(|attach| attach.interface == *interface)
        };
        let new = now.filter(|(container, attached)| !had(container, &attached.interface));
        new.map(|(container, attached)| Detach { interface: attached.interface, ..Detach::new(container) }).collect()
    }
}

fn not_attached(error: Error, container: &ContainerRef, why: &Error) -> Error {
    let mut left = error.what_is_left().to_vec();
    left.push(format!("weave attach {container} ({why})"));
    error.left(left)
}
