//! The pair between the bridge and the router: one end is a port of the bridge, at the other the router takes frames
//! in and hands them out.

use super::ClassicRouter;
use crate::observed::{Link, Mark, Observed, RouterPortMark};
use crate::plan::network::Network;
use crate::plan::router::{ipv6, keep_setting};
use crate::plan::{Change, NewRouterPair, Place, Plan, Step};
use crate::{Error, ErrorKind, Result, names};

/// Steps that make it, or put right what was changed of it.
///
/// # Errors
/// `Conflict` where somebody else has a link of one of its names.
pub(super) fn keep(observed: &Observed, network: &Network, router: &ClassicRouter, plan: &mut Plan) -> Result<()> {
    let Some((link, mark)) = observed.router_port() else {
        free(observed)?;
        make(network, router, plan);
        // Its container may have said so already.
        if !plan.changes.iter().any(|change| change.subject == "router" && change.field == "state") {
            plan.change(Change::new("router", "state", (), "running"));
        }
        plan.change(Change::new("router", "port", (), router.mark.port));
        return Ok(());
    };
    remark(link, &mark, router, plan);
    let master = link.master.and_then(|index| observed.link_at(index)).map(|link| link.name.clone());
    if master.as_deref() != Some(&network.bridge) {
        plan.change(Change::new("router", "port_of", &master, &network.bridge));
        plan.base.push(Step::SetMaster {
            link: link.name.as_str().into(),
            bridge: Some(network.bridge.clone()),
            before: master.map(Into::into),
        });
    }
    for end in observed.other_end(link).into_iter().chain([link]) {
        adjust(end, network, plan);
    }
    if link.tx_checksum == Some(true) {
        plan.base.push(without_offload(&link.name));
        plan.change(Change::new("router", format!("{} tx_checksum", link.name), true, false));
    }
    Ok(())
}

fn free(observed: &Observed) -> Result<()> {
    let Some(link) = [names::BRIDGE_END, names::ROUTER_END].into_iter().find_map(|name| observed.link(name)) else {
        return Ok(());
    };
    let message = format!("{} of that name exists that weave did not make", link.kind.name());
    Err(Error::new(ErrorKind::Conflict, link.name.clone(), message).hint(format!(
        "the classic script may have left it: run its `weave reset`, or `ip link delete {}` if nobody needs it",
        link.name
    )))
}

fn make(network: &Network, router: &ClassicRouter, plan: &mut Plan) {
    let ends = [names::ROUTER_END, names::BRIDGE_END];
    plan.base.push(Step::CreateRouterPair(Box::new(NewRouterPair {
        bridge_end: names::BRIDGE_END.into(),
        router_end: names::ROUTER_END.into(),
        bridge: network.bridge.clone(),
        mtu: network.mtu,
        mark: Mark::RouterPort(router.mark.clone()),
    })));
    if network.mtu >= names::MTU_MIN_V6 {
        // The host has no address there, and says nothing on the network by itself.
        plan.base.extend(ends.map(|link| ipv6(link, "disable_ipv6", 1, 1)));
    }
    plan.base.push(without_offload(names::BRIDGE_END));
    plan.base.extend(ends.map(|link| Step::SetUp { place: Place::Host, link: link.into(), up: true }));
}

/// The bridge's packets get their checksums, and their size, on the way to the router, which takes them as they are.
fn without_offload(link: &str) -> Step {
    Step::SetOffload { place: Place::Host, link: link.into(), on: false, before: true }
}

fn remark(link: &Link, before: &RouterPortMark, router: &ClassicRouter, plan: &mut Plan) {
    let after = &router.mark;
    if before == after {
        return;
    }
    let mark = Box::new(Mark::RouterPort(after.clone()));
    plan.base.push(Step::SetMark { link: link.name.as_str().into(), mark, before: link.alias.clone() });
    for (field, old, new) in [
        ("name", before.container.clone(), after.container.clone()),
        ("control_port", before.control.to_string(), after.control.to_string()),
        ("port", before.port.to_string(), after.port.to_string()),
    ] {
        if old != new {
            plan.change(Change::new("router", field, old, new));
        }
    }
}

fn adjust(end: &Link, network: &Network, plan: &mut Plan) {
    if end.mtu != network.mtu {
        plan.base.push(Step::SetMtu {
            place: Place::Host,
            link: end.name.as_str().into(),
            mtu: network.mtu,
            before: end.mtu,
        });
        plan.change(Change::new("router", format!("{} mtu", end.name), end.mtu, network.mtu));
    }
    keep_setting(end, network.mtu, ("disable_ipv6", 1), plan);
    if !end.up {
        plan.base.push(Step::SetUp { place: Place::Host, link: end.name.as_str().into(), up: true });
        plan.change(Change::new("router", end.name.clone(), "down", "up"));
    }
}
