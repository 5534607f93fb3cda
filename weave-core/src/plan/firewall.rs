//! The packet filter: only peers reach the router's port, exposed networks are masqueraded, and frames between ports
//! of the bridge pass a chain that drops what it does not know.

use std::collections::BTreeSet;

use super::network::{Carrier, Network};
use super::{Change, Flows, Plan, Step, exposure, peers, publish};
use crate::observed::{AcceptRule, Family, FirewallState, ForwardChain, Observed, Passage, PublishedPort, WeaveTable};
use crate::spec::Exposure;
use crate::spec::options::Protocol;
use crate::{Error, ErrorKind, Result, names};

/// What the packet filter has to serve.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) network: Option<&'a Network>,
    pub(super) exposures: &'a [Exposure],
    pub(super) publish: &'a BTreeSet<PublishedPort>,
}

/// Steps and changes for the packet filter. They come first: the port is guarded before it is opened.
pub(super) fn plan(observed: &Observed, wanted: Wanted<'_>, plan: &mut Plan) -> Result<()> {
    let (Some(state), Some(network)) = (&observed.firewall, wanted.network) else { return Ok(()) };
    let was_managed = observed.bridge().is_none_or(|(.., mark)| !mark.firewall_unmanaged);
    if !network.managed() {
        if was_managed {
            let mut removal = Plan::default();
            remove(state, &mut removal)?;
            // Before the bridge is marked as unmanaged: an existing one at the end, a new one when it is made.
            let steps = if observed.bridge().is_some() { &mut plan.last } else { &mut plan.base };
            steps.append(&mut removal.base);
            plan.changes.append(&mut removal.changes);
            plan.warnings.append(&mut removal.warnings);
        }
        if was_managed && observed.bridge().is_some() {
            plan.change(Change::new("firewall", "manage", true, false));
        }
        return Ok(());
    }
    if observed.bridge().is_some() && !was_managed {
        plan.change(Change::new("firewall", "manage", false, true));
    }
    if let Some(reason) = &state.unavailable {
        return Err(Error::new(ErrorKind::NotFound, "firewall", reason.clone()).hint(
            "install nftables (`apt-get install nftables`), or say `firewall: {manage: false}` (`weave launch --no-firewall`) and guard the port yourself",
        ));
    }
    if let Some(reason) = &state.foreign {
        let message = format!("the nftables table `inet {}` is not weave's: {reason}", names::TABLE);
        return Err(Error::new(ErrorKind::Conflict, "firewall", message)
            .hint("rename that table, or say `firewall: {manage: false}` (`weave launch --no-firewall`)"));
    }
    plan.warnings.extend(state.unread.iter().cloned());
    table(observed, state, wanted_table(network, wanted, state.table.as_ref()), plan);
    accepts(state, &network.bridge, wanted.publish, plan);
    plan.warnings.extend(state.closed(!wanted.publish.is_empty()).map(|chain| {
        let (what, todo) = chain.owner_decides(&network.bridge);
        format!("{what}: {todo}")
    }));
    Ok(())
}

fn wanted_table(network: &Network, wanted: Wanted<'_>, before: Option<&WeaveTable>) -> Option<WeaveTable> {
    let masquerade = exposure::masquerade(wanted.exposures);
    let (publish, localnet) = (wanted.publish.clone(), publish::localnet(wanted.publish, network));
    let table = match (&network.carrier, before) {
        (Some(carrier), _) => {
            let (port, control) = match carrier {
                Carrier::Tunnel(tunnel) => (tunnel.port, None),
                Carrier::Classic(router) => (router.mark.port, Some(router.mark.control)),
            };
            let peers = carrier.peers().iter().map(|peer| peer.address).collect();
            WeaveTable { port: Some(port), control, peers, masquerade, publish, localnet }
        }
        // The tunnel was lost in an interrupted run: its guard remembers it for who launches the router again.
        (None, Some(before)) if network.as_it_is => WeaveTable { masquerade, publish, localnet, ..before.clone() },
        (None, _) => WeaveTable { masquerade, publish, localnet, ..WeaveTable::default() },
    };
    (!table.is_empty()).then_some(table)
}

fn table(observed: &Observed, state: &FirewallState, after: Option<WeaveTable>, plan: &mut Plan) {
    if state.table == after && !state.damaged {
        return;
    }
    let before = state.table.clone();
    let (old, new) = (before.clone().unwrap_or_default(), after.clone().unwrap_or_default());
    // What follows from the router's own change is told there; here is told what somebody else did to the table.
    let in_step = WeaveTable {
        port: observed.vxlan().map(|(_, info)| info.port).or(observed.router_port().map(|(_, mark)| mark.port)),
        control: observed.router_port().map(|(_, mark)| mark.control),
        peers: peers::connected(observed).iter().map(|peer| peer.address).collect(),
        ..WeaveTable::default()
    };
    if old.port != new.port && old.port != in_step.port {
        plan.change(Change::new("firewall", "port", old.port, new.port));
    }
    if old.control != new.control && old.control != in_step.control {
        plan.change(Change::new("firewall", "control_port", old.control, new.control));
    }
    if old.peers != new.peers && old.peers != in_step.peers {
        plan.change(Change::new("firewall", "peers", &old.peers, &new.peers));
    }
    if old.masquerade != new.masquerade {
        plan.change(Change::new("firewall", "masquerade", &old.masquerade, &new.masquerade));
    }
    // Of a damaged table is known what was published.
    let published = if state.damaged { &state.salvaged } else { &old.publish };
    if *published != new.publish {
        let (before, after) = (publish::in_words(published), publish::in_words(&new.publish));
        plan.change(Change::new("publish", "publish", before, after));
    }
    let untold = || WeaveTable { publish: old.publish.clone(), localnet: None, ..new.clone() };
    if old == new || state.damaged && *published == new.publish && untold() == old {
        plan.change(Change::new("firewall", "rules", "changed by somebody else", "as weave writes them"));
    }
    // What does not pause would go on where it went; over TCP it may, until it ends.
    let is_udp = |port: &&PublishedPort| port.protocol == Protocol::Udp;
    let gone: Vec<_> = published.difference(&new.publish).filter(is_udp).cloned().collect();
    if !gone.is_empty() {
        plan.last.push(Step::ForgetFlows { of: Flows::Published(gone) });
    }
    plan.base.push(Step::SetTable { after: after.map(Box::new), before: before.map(Box::new) });
}

/// What weave lets pass in each chain that drops, none elsewhere: frames between ports of the bridge, and where a port is
/// published what belongs to it. One that stands rightly stays when the chain stops dropping: it would be missing when
/// the chain drops again.
fn accepts(state: &FirewallState, bridge: &str, published: &BTreeSet<PublishedPort>, plan: &mut Plan) {
    for chain in state.forward.iter().filter(|chain| !chain.owned) {
        let right: Vec<AcceptRule> = passages(chain, published).map(|passage| rule(chain, bridge, passage)).collect();
        let count = |rule: &AcceptRule| chain.accepts.iter().filter(|accept| *accept == rule).count();
        // A rule is deleted as often as it stands there: of several that are right, one is put back.
        let wrong = |accept: &&AcceptRule| !right.contains(accept) || count(accept) > 1;
        let wrong: BTreeSet<_> = chain.accepts.iter().filter(wrong).collect();
        for accept in wrong {
            plan.base.push(Step::DeleteAccept(accept.clone()));
            plan.change(Change::new("firewall", place(accept), word(accept), ()));
        }
        for right in right {
            let there = count(&right);
            if there > 1 || chain.drops && there == 0 {
                plan.change(Change::new("firewall", place(&right), (), word(&right)));
                plan.base.push(Step::AddAccept(right));
            }
        }
    }
}

/// What shall pass a chain, as far as it sees packets of that family.
fn passages(chain: &ForwardChain, published: &BTreeSet<PublishedPort>) -> impl Iterator<Item = Passage> + use<> {
    let sees = |port: &PublishedPort| match chain.family {
        Family::Ip => port.to.is_ipv4(),
        Family::Ip6 => !port.to.is_ipv4(),
        Family::Inet => true,
    };
    let redirected = published.iter().any(sees).then_some([Passage::Published, Passage::Answers]);
    std::iter::once(Passage::Bridged).chain(redirected.into_iter().flatten())
}

fn rule(chain: &ForwardChain, bridge: &str, passage: Passage) -> AcceptRule {
    AcceptRule {
        tool: chain.tool,
        family: chain.family,
        table: chain.table.clone(),
        chain: chain.chain.clone(),
        bridge: bridge.to_owned(),
        passage,
    }
}

fn word(rule: &AcceptRule) -> &'static str {
    match rule.passage {
        Passage::Bridged => "accept",
        Passage::Published => "accept what is published",
        Passage::Answers => "accept its answers",
    }
}

fn place(rule: &AcceptRule) -> String {
    format!("{} {} {}", rule.family, rule.table, rule.chain)
}

/// Steps that remove everything of weave's from the packet filter.
///
/// # Errors
/// `NotFound` where the table is there and no program that could remove it: it would go on redirecting ports.
pub(super) fn remove(state: &FirewallState, plan: &mut Plan) -> Result<()> {
    if let Some(why) = state.unavailable.as_ref().filter(|_| state.stuck) {
        let message = format!("the table inet {} is in the kernel and cannot be removed: {why}", names::TABLE);
        return Err(Error::new(ErrorKind::NotFound, "firewall", message)
            .hint("install nftables (`apt-get install nftables`) and run this again"));
    }
    plan.warnings.extend(state.unread.iter().cloned());
    let chains = state.forward.iter().filter(|chain| !chain.owned);
    let rules: BTreeSet<&AcceptRule> = chains.flat_map(|chain| &chain.accepts).collect();
    for accept in rules {
        plan.base.push(Step::DeleteAccept(accept.clone()));
        plan.change(Change::new("firewall", place(accept), word(accept), ()));
    }
    if state.table.is_some() || state.damaged {
        plan.base.push(Step::SetTable { after: None, before: state.table.clone().map(Box::new) });
        plan.change(Change::new("firewall", "table", &state.table, ()));
    }
    Ok(())
}
