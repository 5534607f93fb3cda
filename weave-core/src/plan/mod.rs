//! WILL: what has to be done, decided from what is wanted and what is. Pure.
//!
//! ```text
//! (Intent, Observed) -> Network (what the router and its bridge shall be)
//!                    -> steps and changes of router, exposures, firewall
//!                    -> a lane of steps for each container
//! ```

mod announcement;
mod attachment;
mod change;
mod classic;
pub mod container;
mod control;
mod exposure;
mod firewall;
mod intent;
mod lane;
pub mod migration;
mod network;
mod peers;
mod publish;
mod router;
mod state;
mod step;
mod teardown;
mod underlay;
mod undo;

use std::net::IpAddr;

pub use announcement::Announced;
pub(crate) use announcement::announced;
pub(crate) use attachment::{Books, holder, target};
pub use change::Change;
pub use classic::ClassicIntent;
pub(crate) use classic::known_by;
pub(crate) use classic::{adopted, adoption, adoption_told};
pub use control::ControlStep;
pub use intent::{AttachmentIntent, Intent, Members, Publications, Publishing, RouterIntent};
pub use peers::lost_peers;
pub use state::document;
pub(crate) use state::{interface, interfaces, own_routes, published};
pub use step::{Flows, NewBridge, NewRouterPair, NewVeth, NewVxlan, Place, Step};
pub use undo::undo;

use crate::observed::Observed;
use crate::spec::{ContainerRef, Underlay};
use crate::{Error, Result};

/// What will be done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Steps for the host as a whole, in their order.
    pub base: Vec<Step>,
    /// Steps for each container.
    pub lanes: Vec<Lane>,
    /// Steps after those: interfaces to remove, all together.
    pub last: Vec<Step>,
    /// All steps in the words of a document.
    pub changes: Vec<Change>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// Containers that cannot be served, and why; the others are.
    pub problems: Vec<(ContainerRef, Error)>,
    /// The bridge to ask for owners of addresses.
    pub bridge: String,
}

/// What will be done for one container.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The container.
    pub container: ContainerRef,
    /// Steps in their order.
    pub steps: Vec<Step>,
    /// Addresses that nobody else on the network may have.
    pub probe: Vec<IpAddr>,
}

impl Plan {
    /// Whether everything is as wanted.
    pub fn is_empty(&self) -> bool {
        self.base.is_empty() && self.last.is_empty() && self.lanes.iter().all(|lane| lane.steps.is_empty())
    }

    /// All steps in the order in which they are done.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.base.iter().chain(self.lanes.iter().flat_map(|lane| &lane.steps)).chain(&self.last)
    }

    /// Marks come before everything else.
    pub(crate) fn begin_with(&mut self, marks: Vec<Step>) {
        self.changes.splice(0..0, adoption_told(&marks));
        self.base.splice(0..0, marks);
    }

    /// Goes on with another, of which all steps come after these.
    pub(crate) fn join(&mut self, mut later: Self) {
        self.base.append(&mut later.base);
        self.lanes.append(&mut later.lanes);
        self.last.append(&mut later.last);
        self.changes.append(&mut later.changes);
        self.warnings
            .extend(later.warnings.into_iter().filter(|warning| !self.warnings.contains(warning)).collect::<Vec<_>>());
        self.problems = later.problems;
    }

    /// Takes over from a later plan what it says is put off.
    pub(crate) fn put_off(&mut self, later: Vec<String>) {
        let new = |warning: &String| attachment::is_put_off(warning) && !self.warnings.contains(warning);
        let new: Vec<String> = later.into_iter().filter(new).collect();
        self.warnings.extend(new);
    }

    /// Takes a container out, because it cannot be served after all.
    pub fn drop_lane(&mut self, container: &ContainerRef, error: Error) {
        let subject = attachment::subject(container);
        self.lanes.retain(|lane| lane.container != *container);
        self.changes.retain(|change| change.subject != subject);
        self.problems.push((container.clone(), error));
    }

    fn change(&mut self, change: Change) {
        self.changes.push(change);
    }
}

/// The host's address that an underlay means.
///
/// # Errors
/// `InvalidSpec` where the host has none such.
pub(crate) fn own_address(underlay: &Underlay, observed: &Observed) -> Result<IpAddr> {
    underlay::choose(Some(underlay), &[], observed, &mut Plan::default())
}

/// Decides what has to be done.
///
/// # Errors
/// What is wanted is impossible on this host: `Conflict` where something foreign stands in the way, `InvalidSpec`
/// where a value does not fit the host, `NotFound` where something needed is not there.
pub fn plan(intent: &Intent, observed: &Observed) -> Result<Plan> {
    if intent.router == RouterIntent::Absent {
        return teardown::plan(observed);
    }
    let mut plan = Plan::default();
    let mut network = network::resolve(intent, observed, &mut plan)?;
    let exposures = exposure::resolve(intent, observed, network.as_ref())?;
    let mut turn = classic::Turn::default();
    if let Some(network) = &mut network {
        exposure::remember(intent, observed, &exposures, network);
        if let Some(router) = network.classic().filter(|_| !network.as_it_is) {
            turn = classic::prepare(intent, observed, router, &mut plan)?;
            plan.base.append(&mut turn.before);
        }
        router::before_guard(observed, network, &mut plan);
        classic::before_guard(intent, observed, network, &mut plan);
    }
    let publish = publish::resolve((intent, observed), network.as_ref(), &exposures, &mut plan)?;
    publish::before_guard(observed, (&publish, network.as_ref()), &mut plan);
    let wanted = firewall::Wanted { network: network.as_ref(), exposures: &exposures, publish: &publish };
    firewall::plan(observed, wanted, &mut plan)?;
    if let Some(network) = &network {
        plan.bridge = network.bridge.to_string();
        router::plan(observed, network, exposure::needs_ipv6(&exposures), &mut plan);
        classic::plan(observed, network, turn, &mut plan)?;
        exposure::plan((intent, observed), network, &exposures, &mut plan)?;
        publish::after_guard(observed, &publish, network, &mut plan);
    }
    attachment::plan(
        intent,
        observed,
        attachment::Around { network: network.as_ref(), exposures: &exposures },
        &mut plan,
    )?;
    publish::hairpins(observed, &publish, &mut plan);
    // What cannot be undone comes last.
    plan.last.sort_by_key(Step::is_final);
    if let (Some(network), Some((.., before))) = (&network, observed.bridge())
        && plan.changes.is_empty()
        && before.direct != network.mark.direct
    {
        // Mostly the packet filter tells it; not where it has nothing to say, before and after.
        plan.change(Change::new("expose", "unmasqueraded", &before.direct, &network.mark.direct));
    }
    Ok(plan)
}
