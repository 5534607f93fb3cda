//! Whether the host passes packets on, which exposed networks and published ports need.

use super::{Finding, Level};
use crate::observed::{Observed, PublishedPort};
use crate::spec::Cidr;

/// Tells where something is there that needs it, and it is off.
pub(super) fn on(observed: &Observed, findings: &mut Vec<Finding>) {
    let (Some(state), Some((bridge, ..))) = (&observed.firewall, observed.bridge()) else { return };
    let exposed: Vec<Cidr> = observed.addresses_of(bridge.index).collect();
    let published = state.table.as_ref().map_or(&state.salvaged, |table| &table.publish);
    for (v4, on, key) in
        [(true, state.forwards_v4, "net.ipv4.ip_forward"), (false, state.forwards_v6, "net.ipv6.conf.all.forwarding")]
    {
        let exposes = exposed.iter().any(|ip| ip.ip().is_ipv4() == v4 && !is_link_local(ip));
        let comes_in =
            |port: &PublishedPort| port.to.is_ipv4() == v4 && port.host_ip.is_none_or(|ip| !ip.is_loopback());
        let publishes = published.iter().any(comes_in);
        let what = match (publishes, exposes) {
            (true, _) => "published ports are reached from this host alone",
            (_, true) => "containers reach nothing beyond this host through its exposed address",
            _ => continue,
        };
        if on == Some(false) {
            let hint =
                format!("`sysctl -w {key}=1`, which concerns all interfaces of the host, and a file in /etc/sysctl.d");
            findings.push(Finding::new("forwarding", Level::Warn, format!("{key} is 0: {what}"), hint));
        }
    }
}

fn is_link_local(ip: &Cidr) -> bool {
    matches!(ip.ip(), std::net::IpAddr::V6(v6) if v6.is_unicast_link_local())
}
