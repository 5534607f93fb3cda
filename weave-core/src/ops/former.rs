//! The interfaces that containers had before they were worked on. With its process a container loses them, and the
//! document may not name them: what was attached by hand comes back, too. Should weave be killed in between, the next
//! run finds it written down.

use std::collections::BTreeSet;

use crate::apply::containers::LaneDone;
use crate::apply::{Expected, Mode, converge_locked, look};
use crate::host::{Host, Owed};
use crate::observed::Scope;
use crate::plan::container::ContainerLane;
use crate::plan::{AttachmentIntent, Intent, interfaces};
use crate::spec::{Attach, ContainerRef, Detach, IfName};
use crate::{Error, Result};

/// The interfaces of containers that will be stopped, or started once they have them, as they were.
#[derive(Debug, Clone, Default)]
pub(super) struct Former {
    /// What they have.
    seen: Vec<Attach>,
    /// The containers that were looked into, with or without any.
    looked: BTreeSet<ContainerRef>,
    /// What they may not have, or only half of it, because a run was killed before it gave it back.
    owed: Vec<Attach>,
    /// All that was owed before this run.
    before: Owed,
    /// All that is written down now.
    written: Owed,
}

impl Former {
    /// Looks into the containers of `lanes` that will be stopped, or started once they have their interfaces, and what
    /// is written down about the others.
    pub(super) async fn look<H: Host>(host: &H, lanes: &[ContainerLane]) -> Result<Self> {
        if lanes.is_empty() {
            return Ok(Self::default());
        }
        let before = host.owed().await?;
        let named = |lane: &ContainerLane| {
            let container = lane.container();
            let own: Vec<&Attach> = lane.ids.iter().filter_map(|id| before.get(id)).flatten().collect();
            own.into_iter().map(|attach| Attach { container: container.clone(), ..attach.clone() }).collect::<Vec<_>>()
        };
        let mut owed: Vec<Attach> = lanes.iter().flat_map(named).collect();
        let is_owed = |lane: &ContainerLane| owed.iter().any(|attach| attach.container == lane.container());
        let targets: Vec<ContainerRef> = lanes
            .iter()
            .filter(|lane| lane.stops() || !lane.start.is_empty() || is_owed(lane))
            .map(ContainerLane::container)
            .collect();
        if targets.is_empty() {
            return Ok(Self { before: before.clone(), written: before, ..Self::default() });
        }
        let names: BTreeSet<ContainerRef> = targets.iter().cloned().collect();
        let observed = look(host, &Scope { targets, ..Scope::default() }).await?;
        let own = interfaces(&observed).filter(|(container, _)| names.contains(container));
        // Nobody else had the address so far.
        let seen: Vec<Attach> =
            own.map(|(container, attached)| Attach { probe: false, ..attached.attach(container) }).collect();
        // Somebody may have given an address by hand meanwhile.
        for owed in &mut owed {
            let more = seen.iter().filter(|seen| is_same(seen, owed)).flat_map(|seen| seen.ips.iter().copied());
            let more: Vec<_> = more.filter(|ip| !owed.ips.contains(ip)).collect();
            owed.ips.addresses.0.extend(more);
        }
        Ok(Self { seen, looked: names, owed, before: before.clone(), written: before })
    }

    /// Writes down what the containers of `lanes` have that are made anew, before they are stopped.
    pub(super) async fn write_down<H: Host>(&mut self, host: &H, lanes: &[ContainerLane]) -> Result<()> {
        let mut owed = self.before.clone();
        for lane in lanes.iter().filter(|lane| lane.stops() && lane.has_net() && lane.replaces) {
            let container = lane.container();
            let owed_to = self.owed_to(&container);
            let rest = self.seen_of(&container).filter(|seen| !self.owed.iter().any(|owed| is_same(owed, seen)));
            let own: Vec<Attach> = owed_to.chain(rest).cloned().collect();
            if !own.is_empty() {
                owed.extend(lane.ids.iter().map(|id| (id.clone(), own.clone())));
            }
        }
        self.write(host, owed).await
    }

    /// Strikes out what the containers of `lanes` have again; one that failed is owed what it was owed before.
    pub(super) async fn strike_out<H: Host>(&mut self, host: &H, lanes: &[LaneDone]) -> Result<()> {
        let mut owed = self.before.clone();
        for lane in lanes.iter().filter(|lane| lane.error.is_none()) {
            let container = lane.lane.container();
            // By its name too: of one that is gone by now, nobody knows the id.
            let is_its = |attaches: &[Attach]| attaches.iter().any(|attach| attach.container == container);
            owed.retain(|id, attaches| !lane.lane.ids.contains(id) && !is_its(attaches));
        }
        self.write(host, owed).await
    }

    async fn write<H: Host>(&mut self, host: &H, owed: Owed) -> Result<()> {
        if owed != self.written {
            host.owe(&owed).await?;
            self.written = owed;
        }
        Ok(())
    }

    /// Puts into `intent` what the containers of `lanes` shall have: one that failed has what it had; one that was made
    /// anew keeps what the document does not name; one that does not run has nothing.
    pub(super) fn enter(&self, lanes: &[LaneDone], intent: &mut Intent) {
        for lane in lanes {
            let container = lane.lane.container();
            if lane.error.is_some() || !lane.lane.has_net() {
                intent.attachments.retain(|wish| *wish.container() != container);
            }
            let keeps = lane.error.is_some() || lane.lane.has_net() && lane.lane.replaces;
            let gains = lane.error.is_none() && lane.lane.has_net();
            let (seen, owed) = (self.seen_of(&container), self.owed_to(&container));
            for attach in owed.filter(|_| gains).chain(seen.filter(|_| keeps)) {
                let is_named = |wish: &AttachmentIntent| {
                    *wish.container() == container && wish.interface() == attach.interface.as_str()
                };
                if intent.attachments.iter().any(is_named) {
                    continue;
                }
                // There is one route for it, and the document comes first.
                let is_routed = intent.attachments.iter().any(|wish| {
                    matches!(wish, AttachmentIntent::Add(other) | AttachmentIntent::Exact(other)
                        if other.container == container && other.multicast)
                });
                let multicast = attach.multicast && !is_routed;
                intent.attachments.push(AttachmentIntent::Exact(Attach { multicast, ..attach.clone() }));
            }
        }
    }

    fn seen_of<'a>(&'a self, container: &'a ContainerRef) -> impl Iterator<Item = &'a Attach> {
        self.seen.iter().filter(move |attach| attach.container == *container)
    }

    fn owed_to<'a>(&'a self, container: &'a ContainerRef) -> impl Iterator<Item = &'a Attach> {
        self.owed.iter().filter(move |attach| attach.container == *container)
    }

    /// Gives the containers of `lanes` that failed their interfaces back; those that were `served` have them. In a
    /// namespace that stays, they may have got some that they did not have.
    pub(super) async fn give_back<H: Host>(&self, host: &H, lanes: &mut [LaneDone], served: &BTreeSet<ContainerRef>) {
        let mut intent = Intent { each_by_itself: true, ..Intent::default() };
        let late = |lane: &&mut LaneDone| lane.is_undone() && !served.contains(&lane.lane.container());
        let mut held = Vec::new();
        for lane in lanes.iter_mut().filter(late) {
            let container = lane.lane.container();
            intent.attachments.extend(self.seen_of(&container).cloned().map(AttachmentIntent::Exact));
            held.extend(Some(container).filter(|name| lane.lane.was_held && self.looked.contains(name)));
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
        let now = interfaces(&observed).filter(|(container, _)| containers.contains(container));
        let had = |container: &ContainerRef, interface: &IfName| {
            self.seen_of(container).any(|attach| attach.interface == *interface)
        };
        let new = now.filter(|(container, attached)| !had(container, &attached.interface));
        new.map(|(container, attached)| Detach { interface: attached.interface, ..Detach::new(container) }).collect()
    }
}

fn is_same(one: &Attach, other: &Attach) -> bool {
    one.container == other.container && one.interface == other.interface
}

/// Forgets what is owed: nothing of weave is left on the host.
pub(super) async fn forget<H: Host>(host: &H) -> Result<()> {
    if host.owed().await?.is_empty() { Ok(()) } else { host.owe(&Owed::default()).await }
}

fn not_attached(error: Error, container: &ContainerRef, why: &Error) -> Error {
    let mut left = error.what_is_left().to_vec();
    left.push(format!("weave attach {container} ({why})"));
    error.left(left)
}
