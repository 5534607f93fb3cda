//! Links made anew as they were.

use std::sync::Arc;

use crate::observed::{InterfaceRoute, Link, LinkKind, Mark, Observed, Pair, pairs};
use crate::plan::{NewBridge, NewRouterPair, NewVeth, NewVxlan, Place, Step};
use crate::spec::{ContainerRef, Route};

/// Makes links anew as they were.
pub(super) fn again(links: &[Arc<str>], observed: &Observed) -> Vec<Step> {
    links
        .iter()
        .filter_map(|name| observed.link(name))
        .flat_map(|link| match (&link.kind, link.mark()) {
            (LinkKind::Bridge(_), Some(mark)) => bridge(link, mark, observed),
            (LinkKind::Vxlan(_), _) => tunnel(link, observed),
            (LinkKind::Veth, Some(mark @ Mark::RouterPort(_))) => router_pair(link, mark, observed),
            (LinkKind::Veth, Some(_)) => veth(link, observed),
            _ => Vec::new(),
        })
        .collect()
}

/// The IPv6 settings of a link.
pub(super) fn ipv6_settings(place: &Place, link: &Link) -> Vec<Step> {
    let set = |key: &'static str, value: i32| Step::SetIpv6 {
        place: place.clone(),
        link: link.name.as_str().into(),
        key,
        value,
        before: value,
    };
    let disabled = link.ipv6_disabled.map(|off| set("disable_ipv6", i32::from(off)));
    disabled.into_iter().chain(link.accept_ra.map(|value| set("accept_ra", value))).collect()
}

/// Routes in an order in which each next hop is near when its route is added.
pub(super) fn routes<'a>(observed: impl Iterator<Item = &'a InterfaceRoute>) -> Vec<Route> {
    let mut routes: Vec<Route> = observed.map(|route| Route { to: route.to, via: route.via }).collect();
    routes.sort_by_key(|route| route.via.is_some());
    routes
}

fn set_up(place: &Place, link: &Link) -> Step {
    Step::SetUp { place: place.clone(), link: link.name.as_str().into(), up: link.up }
}

fn bridge(link: &Link, mark: Mark, observed: &Observed) -> Vec<Step> {
    let Some(mac) = link.mac else { return Vec::new() };
    let name: Arc<str> = link.name.as_str().into();
    let mut steps = vec![Step::CreateBridge(Box::new(NewBridge { name: name.clone(), mac, mtu: link.mtu, mark }))];
    steps.extend(ipv6_settings(&Place::Host, link));
    if let LinkKind::Bridge(info) = link.kind
        && (info.stp || info.multicast_snooping)
    {
        let (stp, multicast_snooping) = (info.stp, info.multicast_snooping);
        steps.push(Step::SetBridge { link: name.clone(), stp, multicast_snooping, before: (false, false) });
    }
    if link.route_localnet == Some(true) {
        steps.push(Step::SetLocalnet { link: name.clone(), on: true, before: false });
    }
    steps.extend(link.up.then(|| set_up(&Place::Host, link)));
    let addresses = observed.addresses_of(link.index);
    steps.extend(addresses.map(|address| Step::AddAddress { place: Place::Host, link: name.clone(), address }));
    let own = observed.routes.iter().filter(|route| route.ifindex == link.index && !route.by_kernel);
    steps.extend(routes(own).into_iter().map(|route| Step::AddRoute { place: Place::Host, link: name.clone(), route }));
    // Ports of others were freed with it; weave's own are made anew.
    let ports = observed.links.iter().filter(|port| port.master == Some(link.index) && port.mark().is_none());
    steps.extend(ports.map(|port| Step::SetMaster {
        link: port.name.as_str().into(),
        bridge: Some(name.clone()),
        before: None,
    }));
    steps
}

/// The bridge that `link` is made a port of, and the step that takes it away again where it was none.
fn port_of(link: &Link, observed: &Observed) -> Option<(Arc<str>, Option<Step>)> {
    let master: Option<Arc<str>> =
        link.master.and_then(|index| observed.link_at(index)).map(|bridge| bridge.name.as_str().into());
    let bridge = observed.bridge().map(|(bridge, ..)| bridge.name.as_str().into()).or(master.clone())?;
    let before = Some(bridge.clone());
    let moved = master != before;
    Some((bridge, moved.then(|| Step::SetMaster { link: link.name.as_str().into(), bridge: master, before })))
}

fn tunnel(link: &Link, observed: &Observed) -> Vec<Step> {
    let LinkKind::Vxlan(info) = &link.kind else { return Vec::new() };
    let (Some(local), Some((bridge, moved))) = (info.local, port_of(link, observed)) else { return Vec::new() };
    let name: Arc<str> = link.name.as_str().into();
    let (vni, port, mtu, learning) = (info.vni, info.port, link.mtu, info.learning);
    let mut steps = vec![Step::CreateVxlan(NewVxlan { name: name.clone(), vni, port, local, mtu, bridge, learning })];
    steps.extend(moved);
    steps.extend(ipv6_settings(&Place::Host, link));
    let listed = observed.vxlan().is_some_and(|(main, _)| main.index == link.index);
    if listed && !observed.flood.is_empty() {
        steps.push(Step::AddFlood { link: name, peers: observed.flood.clone() });
    }
    steps.extend(link.up.then(|| set_up(&Place::Host, link)));
    steps
}

fn router_pair(link: &Link, mark: Mark, observed: &Observed) -> Vec<Step> {
    let (Some(other), Some((bridge, moved))) = (observed.other_end(link), port_of(link, observed)) else {
        return Vec::new();
    };
    let (bridge_end, router_end): (Arc<str>, Arc<str>) = (link.name.as_str().into(), other.name.as_str().into());
    let new = NewRouterPair { bridge_end, router_end: router_end.clone(), bridge, mtu: link.mtu, mark };
    let mut steps = vec![Step::CreateRouterPair(Box::new(new))];
    steps.extend(moved);
    if other.mtu != link.mtu {
        steps.push(Step::SetMtu { place: Place::Host, link: router_end, mtu: other.mtu, before: link.mtu });
    }
    // Where nobody looked, the router's frames still need checksums.
    let seen = Link { tx_checksum: link.tx_checksum.or(Some(false)), ..link.clone() };
    for end in [&seen, other] {
        steps.extend(offload(&Place::Host, end));
        steps.extend(ipv6_settings(&Place::Host, end));
        steps.extend(end.up.then(|| set_up(&Place::Host, end)));
    }
    steps
}

/// A link is born with it on.
fn offload(place: &Place, link: &Link) -> Option<Step> {
    let (place, name) = (place.clone(), link.name.as_str().into());
    (link.tx_checksum == Some(false)).then_some(Step::SetOffload { place, link: name, on: false, before: true })
}

fn veth(link: &Link, observed: &Observed) -> Vec<Step> {
    let found = pairs(observed).find(|(pair, ..)| pair.host.index == link.index);
    let (Some((pair, _, container)), Some((bridge, moved))) = (found, port_of(link, observed)) else {
        return Vec::new();
    };
    let (Some(mac), Some(mark)) = (pair.inner.mac, link.mark()) else { return Vec::new() };
    let (name, mtu): (Arc<str>, u32) = (link.name.as_str().into(), pair.inner.mtu);
    let mut steps = vec![Step::CreateVeth(Box::new(NewVeth {
        name: name.clone(),
        target: container.clone(),
        interface: pair.inner.name.as_str().into(),
        mac,
        mtu,
        bridge,
        mark,
    }))];
    steps.extend(moved);
    if link.mtu != mtu {
        steps.push(Step::SetMtu { place: Place::Host, link: name, mtu: link.mtu, before: mtu });
    }
    if link.hairpin == Some(true) {
        steps.push(Step::SetHairpin { link: link.name.as_str().into(), on: true, before: false });
    }
    steps.extend((!link.up).then(|| set_up(&Place::Host, link)));
    steps.extend(inside(&pair, container));
    steps
}

fn inside(pair: &Pair<'_>, container: &ContainerRef) -> Vec<Step> {
    let place = Place::Target(container.clone());
    let name: Arc<str> = pair.inner.name.as_str().into();
    let mut steps = ipv6_settings(&place, pair.inner);
    steps.extend(offload(&place, pair.inner));
    let addresses = pair.net.addresses_of(pair.inner.index);
    steps.extend(addresses.map(|address| Step::AddAddress { place: place.clone(), link: name.clone(), address }));
    steps.extend(pair.inner.up.then(|| set_up(&place, pair.inner)));
    let own = pair.net.routes.iter().filter(|route| route.ifindex == pair.inner.index && !route.by_kernel);
    let add = |route| Step::AddRoute { place: place.clone(), link: name.clone(), route };
    steps.extend(routes(own).into_iter().map(add));
    steps
}
