//! The packet filter: only peers reach the router's port, exposed networks are masqueraded, and frames between ports
//! of the bridge pass a chain that drops what it does not know.

use std::collections::BTreeSet;

use super::network::{Carrier, Network};
use super::{Change, Plan, Step, exposure, peers};
use crate::observed::{AcceptRule, FirewallState, ForwardChain, Observed, WeaveTable};
use crate::spec::Exposure;
use crate::{Error, ErrorKind, Result, names};

/// What the packet filter has to serve.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) network: Option<&'a Network>,
    pub(super) exposures: &'a [Exposure],
}

/// Steps and changes for the packet filter. They come first: the port is guarded before it is opened.
pub(super) fn plan(observed: &Observed, wanted: Wanted<'_>, plan: &mut Plan) -> Result<()> {
    let (Some(state), Some(network)) = (&observed.firewall, wanted.network) else { return Ok(()) };
    let was_managed = observed.bridge().is_none_or(|(.., mark)| !mark.firewall_unmanaged);
    if !network.managed() {
        if was_managed {
            let mut removal = Plan::default();
            remove(state, &mut removal);
            // Before the bridge is marked as unmanaged: an existing one at the end, a new one when it is made.
            let steps = if observed.bridge().is_some() { &mut plan.last } else { &mut plan.base };
            steps.append(&mut removal.base);
            plan.changes.append(&mut removal.changes);
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
    table(observed, state, wanted_table(network, wanted.exposures, state.table.as_ref()), plan);
    accepts(state, &network.bridge, plan);
    Ok(())
}

fn wanted_table(network: &Network, exposures: &[Exposure], before: Option<&WeaveTable>) -> Option<WeaveTable> {
    let masquerade = exposure::masquerade(exposures);
    let table = match (&network.carrier, before) {
        (Some(carrier), _) => {
            let (port, control) = match carrier {
                Carrier::Tunnel(tunnel) => (tunnel.port, None),
                Carrier::Classic(router) => (router.mark.port, Some(router.mark.control)),
            };
            let peers = carrier.peers().iter().map(|peer| peer.address).collect();
            WeaveTable { port: Some(port), control, peers, masquerade }
        }
        // The tunnel was lost in an interrupted run: its guard remembers it for who launches the router again.
        (None, Some(before)) if network.as_it_is => WeaveTable { masquerade, ..before.clone() },
        (None, _) => WeaveTable { masquerade, ..WeaveTable::default() },
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
    if old == new {
        plan.change(Change::new("firewall", "rules", "changed by somebody else", "as weave writes them"));
    }
    plan.base.push(Step::SetTable { after: after.map(Box::new), before: before.map(Box::new) });
}

/// One accept in each chain that drops, none elsewhere. One that stands rightly stays when the chain stops dropping:
/// it would be missing when the chain drops again.
fn accepts(state: &FirewallState, bridge: &str, plan: &mut Plan) {
    for chain in &state.forward {
        let right = rule(chain, bridge);
        let there = chain.accepts.iter().filter(|accept| **accept == right).count();
        // A rule is deleted as often as it stands there: of several that are right, one is put back.
        let wrong: BTreeSet<_> = chain.accepts.iter().filter(|accept| **accept != right || there > 1).collect();
        for accept in wrong {
            plan.base.push(Step::DeleteAccept(accept.clone()));
            plan.change(Change::new("firewall", place(accept), "accept", ()));
        }
        if there > 1 || chain.drops && there == 0 {
            plan.change(Change::new("firewall", place(&right), (), "accept"));
            plan.base.push(Step::AddAccept(right));
        }
    }
}

fn rule(chain: &ForwardChain, bridge: &str) -> AcceptRule {
    AcceptRule {
        tool: chain.tool,
        family: chain.family,
        table: chain.table.clone(),
        chain: chain.chain.clone(),
        bridge: bridge.to_owned(),
    }
}

fn place(rule: &AcceptRule) -> String {
    format!("{} {} {}", rule.family, rule.table, rule.chain)
}

/// Steps that remove everything of weave's from the packet filter.
pub(super) fn remove(state: &FirewallState, plan: &mut Plan) {
    let rules: BTreeSet<&AcceptRule> = state.forward.iter().flat_map(|chain| &chain.accepts).collect();
    for accept in rules {
        plan.base.push(Step::DeleteAccept(accept.clone()));
        plan.change(Change::new("firewall", place(accept), "accept", ()));
    }
    if state.table.is_some() || state.damaged {
        plan.base.push(Step::SetTable { after: None, before: state.table.clone().map(Box::new) });
        plan.change(Change::new("firewall", "table", &state.table, ()));
    }
}
