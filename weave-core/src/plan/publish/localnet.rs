//! What 127.0.0.1 needs to be redirected into the network: `route_localnet` of the bridge.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::observed::{Observed, PublishedPort};
use crate::plan::network::Network;
use crate::plan::{Change, Plan, Step};

/// The bridge that has to take 127.0.0.1 for an address like others.
pub(in crate::plan) fn bridge(wanted: &BTreeSet<PublishedPort>, network: &Network) -> Option<String> {
    wanted.iter().any(PublishedPort::is_local).then(|| network.bridge.to_string())
}

/// Before the guard of the loopback goes: that it is needed no longer.
///
/// A table that was lost may have had it; one that is there says so. Else it is somebody else's affair.
pub(in crate::plan) fn before_guard(
    observed: &Observed,
    (wanted, network): (&BTreeSet<PublishedPort>, Option<&Network>),
    plan: &mut Plan,
) {
    let Some((link, ..)) = observed.bridge() else { return };
    let was_ours = match (&observed.firewall, network) {
        (Some(state), Some(network)) => {
            state.table.as_ref().map_or(network.managed(), |table| table.localnet.is_some())
        }
        _ => false,
    };
    if was_ours && link.route_localnet == Some(true) && !wanted.iter().any(PublishedPort::is_local) {
        set_localnet(link.name.as_str().into(), false, plan);
    }
}

/// After the guard of the loopback is there, and the bridge.
pub(in crate::plan) fn plan(observed: &Observed, wanted: &BTreeSet<PublishedPort>, network: &Network, plan: &mut Plan) {
    let is_on = observed.bridge().is_some_and(|(link, ..)| link.route_localnet != Some(false));
    if observed.firewall.is_some() && !is_on && bridge(wanted, network).is_some() {
        set_localnet(network.bridge.clone(), true, plan);
    }
}

fn set_localnet(link: Arc<str>, on: bool, plan: &mut Plan) {
    plan.base.push(Step::SetLocalnet { link, on, before: !on });
    plan.change(Change::new("publish", Ipv4Addr::LOCALHOST.to_string(), !on, on));
}
