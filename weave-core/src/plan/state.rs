//! What is, in the words of a document: what `status` prints, `apply` accepts.

use std::collections::BTreeMap;

use super::attachment::{Routes, sort_routes};
use super::{exposure, peers, publish};
use crate::names;
use crate::observed::{AttachmentMark, Observed, Pair, Scope, Target, TargetNet, pairs};
use crate::spec::{
    Attached, ContainerRef, Ensure, Firewall, HostDocument, IfName, List, Mtu, Named, Peer, Publication, Router,
    RouterKind, Underlay,
};

/// The document that describes `observed`, silent about what `scope` did not look at.
pub fn document(observed: &Observed, scope: &Scope) -> HostDocument {
    let Some((bridge, _, mark)) = observed.bridge() else {
        return HostDocument { ensure: Ensure::Absent, ..HostDocument::default() };
    };
    let tunnel = observed.vxlan();
    let router = tunnel.map(|(_, info)| Router {
        kind: Some(RouterKind::Vxlan),
        port: Some(info.port),
        vni: Some(info.vni),
        mtu: Some(mark.mtu.map_or(Mtu::Auto, Mtu::Bytes)),
        underlay: info.local.map(Underlay::Address),
        bridge: bridge.name.parse().ok(),
        ..Router::default()
    });
    // Without its image: so it accepts the container as it is.
    let classic = observed.router_port().map(|(_, port)| Router {
        kind: Some(RouterKind::Image),
        port: Some(port.port),
        mtu: Some(mark.mtu.map_or(Mtu::Auto, Mtu::Bytes)),
        bridge: bridge.name.parse().ok(),
        name: Some(port.container),
        control_port: Some(port.control),
        ..Router::default()
    });
    let router = router.or(classic);
    let is_known = observed.router_port().is_none() || observed.classic.as_ref().is_some_and(|it| it.report.is_ok());
    let connected = || {
        let mut connected: Vec<Peer> = peers::connected(observed).iter().map(peers::as_written).collect();
        connected.retain(Peer::is_allowed);
        List(connected)
    };
    let peers = router.as_ref().filter(|_| scope.router && is_known).map(|_| connected());
    HostDocument {
        ensure: Ensure::Present,
        router,
        peers,
        // Only the packet filter knows which exposures are masqueraded.
        expose: scope.firewall.then(|| List(exposure::current(observed))),
        publish: (scope.firewall && !mark.firewall_unmanaged).then(|| List(published(observed))),
        firewall: Some(Firewall { manage: !mark.firewall_unmanaged }),
        containers: Some(Named(containers(observed))),
        ..HostDocument::default()
    }
}

/// The ports of this host that lead to the network, by the addresses that they lead to.
pub(crate) fn published(observed: &Observed) -> Vec<Publication> {
    publish::current(observed).iter().map(Publication::from).collect()
}

fn containers(observed: &Observed) -> BTreeMap<ContainerRef, Attached> {
    let mut containers = BTreeMap::new();
    for (name, attached) in interfaces(observed) {
        containers.entry(name).or_insert(attached);
    }
    containers
}

/// The routes through an interface that the kernel did not make by itself.
pub(crate) fn own_routes(net: &TargetNet, index: u32) -> Routes {
    sort_routes(net.routes.iter().filter(|route| route.ifindex == index && !route.by_kernel))
}

/// Every interface that weave made in a container; there may be several in one.
pub(crate) fn interfaces(observed: &Observed) -> impl Iterator<Item = (ContainerRef, Attached)> {
    pairs(observed).filter_map(move |(pair, mark, container)| {
        let name = match observed.targets.get(container) {
            Some(Target::Found(net)) => net.name.as_deref(),
            _ => None,
        };
        let name = name.map_or_else(|| container.clone(), |name| ContainerRef::Container(name.into()));
        Some((name, interface(&pair, &mark)?))
    })
}

/// An interface that weave made, as a document has it.
pub(crate) fn interface(pair: &Pair<'_>, mark: &AttachmentMark) -> Option<Attached> {
    let ips: List<_> = pair.net.addresses_of(pair.inner.index).collect();
    let derived = ips.iter().any(|ip| Some(names::interface_mac(ip.ip())) == pair.inner.mac);
    let routes = own_routes(pair.net, pair.inner.index);
    Some(Attached {
        multicast: routes.multicast || !ips.iter().any(crate::spec::Cidr::is_ipv4),
        ips: Some(ips.into()),
        interface: mark.interface.parse::<IfName>().ok()?,
        mtu: mark.mtu.map(Mtu::Bytes),
        mac: pair.inner.mac.filter(|_| !derived),
        gateway: routes.gateway,
        routes: (!routes.others.is_empty()).then_some(List(routes.others)),
        ..Attached::default()
    })
}
