//! The router in a container: its port on the bridge, its container, its peers.
//!
//! The bridge stays the same for either kind, and so do the containers on it: what changes is who carries frames from
//! one of its ports to other hosts.

mod adopt;
mod container;
mod pair;

use std::net::IpAddr;

use super::network::Network;
use super::{Change, ControlStep, Intent, Members, Plan, RouterIntent, Step, peers, underlay};
use crate::observed::{ChainTool, Flood, Observed, RouterPortMark, classic_peer, classic_target};
use crate::spec::Router;
use crate::{Error, Result, names};

pub(crate) use adopt::{adopted, adoption, adoption_told};
pub use container::ClassicIntent;
pub(super) use container::{Turn, prepare};

/// What the router in a container shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClassicRouter {
    pub(in crate::plan) mark: RouterPortMark,
    /// In their order, each once.
    pub(super) peers: Vec<Flood>,
    /// The host's address towards the peers, where it is known.
    pub(super) local: Option<IpAddr>,
    encrypted: bool,
    /// Whether all that is said of peers is said: others go.
    exact: bool,
}

impl ClassicRouter {
    /// What the router takes of a packet: over 1500 bytes the recorded ones carry 1438, and 1414 with a password.
    pub(super) fn overhead(&self) -> u32 {
        if self.encrypted { names::OVERHEAD_CLASSIC_ENCRYPTED } else { names::OVERHEAD_CLASSIC }
    }
}

/// The router's name and ports: as they are said, else as they are, else as a run had them that was interrupted.
pub(crate) fn known_by(router: &Router, observed: &Observed) -> RouterPortMark {
    let there = observed.router_port().map(|(_, mark)| mark);
    let tunnel = observed.vxlan().map(|(_, info)| info.port);
    let guard = observed.table().filter(|_| there.is_none() && tunnel.is_none());
    let port = there.as_ref().map(|mark| mark.port).or(tunnel).or(guard.and_then(|guard| guard.port));
    let control = there.as_ref().map(|mark| mark.control).or(guard.and_then(|guard| guard.control));
    let name = router.name.clone().or(there.map(|mark| mark.container));
    RouterPortMark {
        container: name.unwrap_or_else(|| names::ROUTER.to_owned()),
        control: router.control_port.or(control).unwrap_or(names::CONTROL_PORT),
        port: router.port.or(port).unwrap_or(names::PORT),
    }
}

/// A container that is kept as it is listens where it was told to when it was made.
fn as_made(router: &Router, observed: &Observed, mark: &mut RouterPortMark) -> Result<()> {
    let Some(container) = observed.containers.containers.get(&mark.container) else { return Ok(()) };
    let said = container::ports(container);
    for (field, asked, said, port) in [
        ("port", router.port, said.port, &mut mark.port),
        ("control_port", router.control_port, said.control, &mut mark.control),
    ] {
        let Some(said) = said else { continue };
        if let Some(asked) = asked.filter(|asked| *asked != said) {
            let message = format!("{asked} is asked for, and container {} was made with {said}", mark.container);
            return Err(Error::invalid(field, format!("{message}; allowed: {said}, or with `image`")).hint(
                "a router's settings are given as a whole, with its image; without it the router stays as it is",
            ));
        }
        *port = said;
    }
    Ok(())
}

/// Works it out.
pub(super) fn resolve(intent: &Intent, router: &Router, observed: &Observed, plan: &mut Plan) -> Result<ClassicRouter> {
    let mut mark = known_by(router, observed);
    if intent.classic.is_none() {
        as_made(router, observed, &mut mark)?;
    }
    let wanted = peers::wanted(intent, observed, mark.port)?;
    peers::tell_recalled(observed, plan);
    let local = match &router.underlay {
        Some(underlay) => Some(underlay::choose(Some(underlay), &wanted, observed, plan)?),
        // Nobody has to choose: the router sends from wherever the routes say.
        None => underlay::choose(None, &wanted, observed, &mut Plan::default()).ok(),
    };
    let report = observed.classic.as_ref().and_then(|classic| classic.report.as_ref().ok());
    let made = observed.containers.containers.get(&mark.container);
    let told = report.map_or_else(|| made.is_some_and(container::has_password), |report| report.encryption);
    Ok(ClassicRouter {
        mark,
        peers: peers::settle_ipv4(&wanted, plan)?,
        local,
        encrypted: intent.classic.as_ref().map_or(told, |classic| classic.encrypted),
        exact: matches!(intent.peers, Members::Exact(_)),
    })
}

/// Takes the router's port from the bridge where another kind, or none, is wanted: the port on the underlay is free for
/// others from then on.
pub(super) fn before_guard(intent: &Intent, observed: &Observed, network: &Network, plan: &mut Plan) {
    let Some((link, mark)) = observed.router_port().filter(|_| network.classic().is_none()) else {
        if network.classic().is_some() && observed.vxlan().is_some() {
            plan.change(Change::new("router", "kind", "vxlan", "image"));
        }
        return;
    };
    let container = observed.containers.containers.get(&mark.container);
    if container.is_some_and(|container| container.runs()) {
        plan.base.push(container::stop(&mark.container));
    }
    drop_rules(observed, plan);
    plan.base.push(Step::DeleteLink { link: link.name.as_str().into() });
    if network.tunnel().is_some() {
        plan.change(Change::new("router", "kind", "image", "vxlan"));
        if let Some(container) = container {
            container::leave(container, &mut plan.last, &mut plan.warnings);
        }
    } else if intent.router == RouterIntent::Stopped {
        plan.change(Change::new("router", "state", "running", "stopped"));
    }
}

/// What a router of weave's has made with iptables goes with it, as long as its port still tells whose it is. One that was
/// taken over is the operator's, and so are its rules.
pub(super) fn drop_rules(observed: &Observed, plan: &mut Plan) {
    let (Some((_, mark)), Some(state), Some((bridge, ..))) =
        (observed.router_port(), &observed.firewall, observed.bridge())
    else {
        return;
    };
    let container = observed.containers.containers.get(&mark.container);
    if state.router_rules.is_empty() || container.is_some_and(|container| !container::is_own(container)) {
        return;
    }
    let step = |tool: &ChainTool| Step::DropRouterRules { tool: *tool, bridge: bridge.name.as_str().into() };
    plan.base.extend(state.router_rules.iter().map(step));
    plan.change(Change::new("firewall", "rules of the router", &state.router_rules, ()));
}

/// The router's port, then the router itself, then its peers. Nothing where nobody spoke of router or peers.
pub(super) fn plan(observed: &Observed, network: &Network, turn: Turn, plan: &mut Plan) -> Result<()> {
    let Some(router) = network.classic() else { return Ok(()) };
    if network.as_it_is {
        return Ok(());
    }
    pair::keep(observed, network, router, plan)?;
    let control = router.mark.control;
    let (starts, anew) = (turn.starts, turn.anew);
    plan.base.extend(turn.start);
    plan.last.extend(turn.after);
    if starts {
        plan.base.push(control_step(ControlStep::Ready { control }));
    }
    connect(observed, router, (starts, anew), plan);
    Ok(())
}

fn control_step(step: ControlStep) -> Step {
    Step::Control(Box::new(step))
}

fn connect(observed: &Observed, router: &ClassicRouter, (starts, anew): (bool, bool), plan: &mut Plan) {
    let (control, port) = (router.mark.control, router.mark.port);
    let told = observed.classic.as_ref().and_then(|classic| classic.report.as_ref().ok()).filter(|_| !starts);
    let told: Vec<&String> = told.iter().flat_map(|report| &report.targets).collect();
    let is = |target: &str, peer: &Flood| classic_peer(target, port).as_ref() == Some(peer);
    let new = router.peers.iter().filter(|peer| !told.iter().any(|target| is(target, peer)));
    let new: Vec<String> = new.map(classic_target).collect();
    // A name is nobody's but the router's own: it goes where all that is wanted is said.
    let gone = told.iter().filter(|target| match classic_peer(target, port) {
        Some(peer) => router.peers.binary_search(&peer).is_err(),
        None => router.exact,
    });
    let mut gone: Vec<String> = gone.map(|target| (*target).clone()).collect();
    if starts && !anew {
        // In the container that it was in, it takes up the peers that it had.
        let had = peers::connected(observed).into_iter().filter(|peer| router.peers.binary_search(peer).is_err());
        gone = had.map(|peer| classic_target(&peer)).collect();
        gone.sort_unstable();
        gone.dedup();
    }
    if !gone.is_empty() {
        plan.base.push(control_step(ControlStep::Forget { control, peers: gone.clone() }));
    }
    if !new.is_empty() {
        plan.base.push(control_step(ControlStep::Connect { control, peers: new.clone() }));
    }
    let sorted = |mut peers: Vec<String>| {
        peers.sort_unstable();
        peers.dedup();
        peers
    };
    let after = sorted(router.peers.iter().map(classic_target).collect());
    let has = told.iter().filter_map(|target| Some(classic_target(&classic_peer(target, port)?)));
    let (has, known) = (sorted(has.collect()), sorted(peers::connected(observed).iter().map(classic_target).collect()));
    // Somebody may have taken from a router what its guard still has.
    let answers = observed.classic.as_ref().is_some_and(|classic| classic.report.is_ok()) && !starts;
    let mut before = if answers && has != after { has } else { known };
    if before != after || !gone.is_empty() {
        before.extend(gone.into_iter().filter(|target| classic_peer(target, port).is_none()));
        plan.change(Change::new("peers", "peers", before, after));
    }
}
