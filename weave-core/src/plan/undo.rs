//! The way back: what puts a step's subject as it was before.

use super::attachment::{Pair, pairs};
use super::lane::delete_links;
use super::router::ipv6;
use super::{NewBridge, NewVeth, NewVxlan, Place, Step};
use crate::observed::{Link, LinkKind, Mark, Observed};
use crate::spec::{ContainerRef, Route};

/// Steps that undo `done`, last first. `before` is what was seen before the first of them.
pub fn undo(done: &[Step], before: &Observed) -> Vec<Step> {
    let mut back = Vec::new();
    let mut veths = Vec::new();
    for step in done.iter().rev() {
        // Interfaces made in this run go together at the end: one by one each would cost the kernel 20 ms, and what
        // was done inside them goes with them.
        if let Step::CreateVeth(new) = step {
            veths.push(new.name.clone());
            continue;
        }
        back.extend(one(step, before));
    }
    let made: Vec<Step> = done.iter().filter(|step| matches!(step, Step::CreateVeth(_))).cloned().collect();
    back.retain(|step| !made.iter().any(|new| is_inside(step, new)));
    // A bridge that was made in this run can only go after its ports.
    let at = back
        .iter()
        .position(|step| matches!(step, Step::DeleteLink { link } if before.link(link).is_none()))
        .unwrap_or(back.len());
    for (offset, step) in delete_links(veths, before).into_iter().enumerate() {
        back.insert(at + offset, step);
    }
    back
}

/// Whether `step` acts on the container's end of the pair that `made` makes.
fn is_inside(step: &Step, made: &Step) -> bool {
    let Step::CreateVeth(new) = made else { return false };
    match step {
        Step::SetIpv6 { place: Place::Target(target), link, .. }
        | Step::SetUp { place: Place::Target(target), link, .. }
        | Step::SetMtu { place: Place::Target(target), link, .. }
        | Step::SetMac { place: Place::Target(target), link, .. }
        | Step::AddAddress { place: Place::Target(target), link, .. }
        | Step::DeleteAddress { place: Place::Target(target), link, .. }
        | Step::AddRoute { place: Place::Target(target), link, .. }
        | Step::DeleteRoute { place: Place::Target(target), link, .. } => {
            *target == new.target && *link == new.interface
        }
        _ => false,
    }
}

fn one(step: &Step, observed: &Observed) -> Vec<Step> {
    let step = step.clone();
    match step {
        Step::CreateBridge(new) => vec![Step::DeleteLink { link: new.name }],
        Step::CreateVxlan(new) => vec![Step::DeleteLink { link: new.name }],
        Step::CreateVeth(new) => vec![Step::DeleteLink { link: new.name }],
        Step::DeleteLink { link } => again(&[link], observed),
        Step::DeleteLinks { links, .. } => again(&links, observed),
        Step::SetMark { link, mark, before } => match before.as_deref().and_then(Mark::parse) {
            Some(old) => vec![Step::SetMark { link, mark: old, before: Some(mark.to_string()) }],
            None => Vec::new(),
        },
        Step::SetBridge { link, stp, multicast_snooping, before } => vec![Step::SetBridge {
            link,
            stp: before.0,
            multicast_snooping: before.1,
            before: (stp, multicast_snooping),
        }],
        Step::SetMaster { link, bridge, before } => vec![Step::SetMaster { link, bridge: before, before: bridge }],
        Step::SetMtu { place, link, mtu, before } => vec![Step::SetMtu { place, link, mtu: before, before: mtu }],
        Step::SetMac { place, link, mac, before } => vec![Step::SetMac { place, link, mac: before, before: mac }],
        Step::SetUp { place, link, up } => vec![Step::SetUp { place, link, up: !up }],
        Step::SetIpv6 { place, link, key, value, before } if value != before => {
            vec![Step::SetIpv6 { place, link, key, value: before, before: value }]
        }
        Step::AddAddress { place, link, address } => vec![Step::DeleteAddress { place, link, address }],
        Step::DeleteAddress { place, link, address } => {
            let mut steps = vec![Step::AddAddress { place: place.clone(), link: link.clone(), address }];
            steps.extend(lost_routes(&place, &link, address, observed));
            steps
        }
        Step::AddRoute { place, link, route } => vec![Step::DeleteRoute { place, link, route }],
        Step::DeleteRoute { place, link, route } => vec![Step::AddRoute { place, link, route }],
        Step::AddFlood { link, peers } => vec![Step::DeleteFlood { link, peers }],
        Step::DeleteFlood { link, peers } => vec![Step::AddFlood { link, peers }],
        Step::SetTable { after, before } => vec![Step::SetTable { after: before, before: after }],
        Step::AddAccept(rule) => vec![Step::DeleteAccept(rule)],
        Step::DeleteAccept(rule) => vec![Step::AddAccept(rule)],
        // A packet cannot be called back; setting a value to what it was needs no undoing.
        Step::Announce { .. } | Step::SetIpv6 { .. } => Vec::new(),
    }
}

/// Routes over a next hop that the kernel drops with the last address of its network.
fn lost_routes(place: &Place, link: &str, address: crate::spec::Cidr, observed: &Observed) -> Vec<Step> {
    let Place::Target(container) = place else { return Vec::new() };
    let Some(crate::observed::Target::Found(net)) = observed.targets.get(container) else { return Vec::new() };
    let Some(index) = net.link(link).map(|link| link.index) else { return Vec::new() };
    net.routes
        .iter()
        .filter(|route| route.ifindex == index && !route.by_kernel)
        .filter(|route| route.via.is_some_and(|via| address.network().contains(via)))
        .map(|route| Step::AddRoute {
            place: place.clone(),
            link: link.to_owned(),
            route: Route { to: route.to, via: route.via },
        })
        .collect()
}

/// Makes links anew as they were.
fn again(links: &[String], observed: &Observed) -> Vec<Step> {
    links
        .iter()
        .filter_map(|name| observed.link(name))
        .flat_map(|link| match (&link.kind, link.mark()) {
            (LinkKind::Bridge(_), Some(mark)) => bridge(link, mark, observed),
            (LinkKind::Vxlan(_), _) => tunnel(link, observed),
            (LinkKind::Veth, Some(_)) => veth(link, observed),
            _ => Vec::new(),
        })
        .collect()
}

fn bridge(link: &Link, mark: Mark, observed: &Observed) -> Vec<Step> {
    let Some(mac) = link.mac else { return Vec::new() };
    let name = link.name.clone();
    let mut steps = vec![Step::CreateBridge(NewBridge { name: name.clone(), mac, mtu: link.mtu, mark })];
    steps.extend(link.accept_ra.map(|value| ipv6(&name, "accept_ra", value, value)));
    steps.extend(link.ipv6_disabled.map(|off| ipv6(&name, "disable_ipv6", i32::from(off), i32::from(off))));
    if link.up {
        steps.push(Step::SetUp { place: Place::Host, link: name.clone(), up: true });
    }
    let addresses = observed.addresses_of(link.index);
    steps.extend(addresses.map(|address| Step::AddAddress { place: Place::Host, link: name.clone(), address }));
    if let LinkKind::Bridge(info) = link.kind
        && (info.stp || info.multicast_snooping)
    {
        let (stp, multicast_snooping) = (info.stp, info.multicast_snooping);
        steps.push(Step::SetBridge { link: name, stp, multicast_snooping, before: (false, false) });
    }
    steps
}

fn tunnel(link: &Link, observed: &Observed) -> Vec<Step> {
    let LinkKind::Vxlan(info) = &link.kind else { return Vec::new() };
    let bridge = link.master.and_then(|index| observed.link_at(index)).map(|bridge| bridge.name.clone());
    let (Some(local), Some(bridge)) = (info.local, bridge) else { return Vec::new() };
    let name = link.name.clone();
    let mut steps = vec![Step::CreateVxlan(NewVxlan {
        name: name.clone(),
        vni: info.vni,
        port: info.port,
        local,
        mtu: link.mtu,
        bridge,
    })];
    steps.extend(link.accept_ra.map(|value| ipv6(&name, "accept_ra", value, value)));
    steps.extend(link.ipv6_disabled.map(|off| ipv6(&name, "disable_ipv6", i32::from(off), i32::from(off))));
    if !observed.flood.is_empty() {
        steps.push(Step::AddFlood { link: name.clone(), peers: observed.flood.clone() });
    }
    if link.up {
        steps.push(Step::SetUp { place: Place::Host, link: name, up: true });
    }
    steps
}

fn veth(link: &Link, observed: &Observed) -> Vec<Step> {
    let Some((pair, _, container)) = pairs(observed).find(|(pair, ..)| pair.host.index == link.index) else {
        return Vec::new();
    };
    let bridge = link.master.and_then(|index| observed.link_at(index)).map(|bridge| bridge.name.clone());
    let (Some(mac), Some(mark), Some(bridge)) = (pair.inner.mac, link.mark(), bridge) else { return Vec::new() };
    let mut steps = vec![Step::CreateVeth(NewVeth {
        name: link.name.clone(),
        target: container.clone(),
        interface: pair.inner.name.clone(),
        mac,
        mtu: pair.inner.mtu,
        bridge,
        mark,
    })];
    steps.extend(inside(&pair, container));
    steps
}

fn inside(pair: &Pair<'_>, container: &ContainerRef) -> Vec<Step> {
    let place = Place::Target(container.clone());
    let name = pair.inner.name.clone();
    let set = |key: &str, value: i32| Step::SetIpv6 {
        place: place.clone(),
        link: name.clone(),
        key: key.to_owned(),
        value,
        before: value,
    };
    let mut steps: Vec<Step> = Vec::new();
    steps.extend(pair.inner.ipv6_disabled.map(|off| set("disable_ipv6", i32::from(off))));
    steps.extend(pair.inner.accept_ra.map(|value| set("accept_ra", value)));
    let addresses = pair.net.addresses_of(pair.inner.index);
    steps.extend(addresses.map(|address| Step::AddAddress { place: place.clone(), link: name.clone(), address }));
    if pair.inner.up {
        steps.push(Step::SetUp { place: place.clone(), link: name.clone(), up: true });
    }
    let routes = pair.net.routes.iter().filter(|route| route.ifindex == pair.inner.index && !route.by_kernel);
    steps.extend(routes.map(|route| Step::AddRoute {
        place: place.clone(),
        link: name.clone(),
        route: Route { to: route.to, via: route.via },
    }));
    steps
}
