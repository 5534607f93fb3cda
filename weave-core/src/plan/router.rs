//! The bridge and the tunnel, made and kept.

use std::net::IpAddr;

use super::network::{Network, Tunnel};
use super::peers::as_written;
use super::{Change, NewBridge, NewVxlan, Place, Plan, Step};
use crate::names;
use crate::observed::{Flood, Link, Mark, Observed, VxlanInfo};

/// Steps and changes from what is to `network`. IPv6 of a bridge that is there is the exposures' affair; a new one
/// must not go up with IPv6 that nobody asked for.
pub(super) fn plan(observed: &Observed, network: &Network, ipv6: bool, plan: &mut Plan) {
    bridge(observed, network, ipv6, plan);
    if let Some(tunnel) = network.tunnel() {
        keep_tunnel(observed, network, tunnel, plan);
    }
    match observed.bridge() {
        Some((link, ..)) => up(link, plan),
        // Up after the tunnel is there: a bridge that is down without one tells that a run was interrupted.
        None => plan.base.push(Step::SetUp { place: Place::Host, link: network.bridge.clone(), up: true }),
    }
}

/// What has to be done before the guard of the tunnel's port changes: a tunnel that goes carries nothing from then on.
pub(super) fn before_guard(observed: &Observed, network: &Network, plan: &mut Plan) {
    let Some((link, info)) = observed.vxlan() else { return };
    match network.tunnel() {
        None => {
            plan.base.extend(observed.vxlans().map(|(link, _)| Step::DeleteLink { link: link.name.as_str().into() }));
            if network.carrier.is_none() {
                plan.change(Change::new("router", "state", "running", "stopped"));
            }
        }
        Some(tunnel) if tunnel.port != info.port && link.up => {
            plan.base.push(Step::SetUp { place: Place::Host, link: link.name.as_str().into(), up: false });
        }
        Some(_) => {}
    }
}

fn bridge(observed: &Observed, network: &Network, with_ipv6: bool, plan: &mut Plan) {
    let name = &network.bridge;
    let mark = Mark::Bridge(network.mark.clone());
    let Some((link, info, before)) = observed.bridge() else {
        plan.base.push(Step::CreateBridge(Box::new(NewBridge {
            name: name.clone(),
            mac: network.mac,
            mtu: network.mtu,
            mark,
        })));
        if network.mtu >= names::MTU_MIN_V6 {
            let off = i32::from(!with_ipv6);
            plan.base.push(ipv6(name, "accept_ra", 0, 0));
            plan.base.push(ipv6(name, "disable_ipv6", off, off));
        }
        plan.change(Change::new("router", "bridge", (), name));
        plan.change(Change::new("router", "mtu", (), network.mtu));
        return;
    };
    if Mark::Bridge(before.clone()).to_string() != mark.to_string() {
        let steps = if network.managed() || before.firewall_unmanaged { &mut plan.base } else { &mut plan.last };
        steps.push(Step::SetMark { link: name.clone(), mark: Box::new(mark), before: link.alias.clone() });
        if before.mtu != network.mark.mtu && link.mtu == network.mtu {
            let word = |mtu: Option<u32>| mtu.map_or_else(|| serde_json::json!("auto"), |mtu| serde_json::json!(mtu));
            plan.change(Change::new("router", "mtu", word(before.mtu), word(network.mark.mtu)));
        }
        // Else the packet filter tells it.
        if before.firewall_unmanaged && !network.managed() && before.direct != network.mark.direct {
            plan.change(Change::new("expose", "unmasqueraded", &before.direct, &network.mark.direct));
        }
    }
    if info.stp || info.multicast_snooping {
        plan.base.push(Step::SetBridge {
            link: name.clone(),
            stp: false,
            multicast_snooping: false,
            before: (info.stp, info.multicast_snooping),
        });
        plan.change(Change::new("router", "multicast_snooping", info.multicast_snooping, false));
    }
    if link.mtu != network.mtu {
        plan.base.push(mtu(name, network.mtu, link.mtu));
        plan.change(Change::new("router", "mtu", link.mtu, network.mtu));
    }
    keep_setting(link, network.mtu, ("accept_ra", 0), plan);
}

fn keep_tunnel(observed: &Observed, network: &Network, tunnel: &Tunnel, plan: &mut Plan) {
    let (mut before, after) = (observed.flood.clone(), tunnel.flood.as_slice());
    before.sort_unstable();
    before.dedup();
    let existing = observed.vxlan();
    for (link, _) in observed.vxlans().filter(|(link, _)| existing.is_some_and(|(kept, _)| kept.index != link.index)) {
        plan.base.push(Step::DeleteLink { link: link.name.as_str().into() });
        plan.change(Change::new("router", "device", &link.name, ()));
    }
    if let Some((_, info)) = existing {
        differences(info, tunnel, plan);
    }
    let local = existing.and_then(|(_, info)| changeable(info, tunnel));
    match (existing, local) {
        (Some((link, info)), Some(local)) => {
            let forget = link.up && info.learning && !tunnel.learning;
            if forget {
                plan.base.push(Step::SetUp { place: Place::Host, link: link.name.as_str().into(), up: false });
            }
            change(link, (local, info.learning), (tunnel.local, tunnel.learning), plan);
            adjust(observed, network, link, plan);
            peers(&tunnel.name, &before, after, plan);
            if forget {
                plan.base.push(Step::SetUp { place: Place::Host, link: link.name.as_str().into(), up: true });
            }
            up(link, plan);
        }
        (Some((link, info)), None) => replace(observed, network, tunnel, (link, info), plan),
        (None, _) => {
            create(network, tunnel, plan);
            plan.base.push(Step::SetUp { place: Place::Host, link: tunnel.name.as_str().into(), up: true });
            plan.change(Change::new("router", "state", (), "running"));
            plan.change(Change::new("router", "port", (), tunnel.port));
            plan.change(Change::new("router", "vni", (), tunnel.vni));
            plan.change(Change::new("router", "underlay", (), tunnel.local));
        }
    }
    if before != after {
        let list = |peers: &[Flood]| peers.iter().map(as_written).collect::<Vec<_>>();
        plan.change(Change::new("peers", "peers", list(&before), list(after)));
    }
}

/// The address of the device that becomes `tunnel` in place; `None` where it has to be made anew.
///
/// The kernel changes neither VNI nor port nor the family of the address. It does change an IPv6 address, but goes on
/// sending from the old one to peers that it sent to before, until a route to them changes; of IPv4 it looks up all
/// routes again.
fn changeable(info: &VxlanInfo, tunnel: &Tunnel) -> Option<IpAddr> {
    let moves = |local: &IpAddr| *local == tunnel.local || local.is_ipv4() && tunnel.local.is_ipv4();
    info.local.filter(moves).filter(|_| (info.vni, info.port) == (tunnel.vni, tunnel.port))
}

/// Where learning ends, the caller sets the device down, which forgets what was learned: that leads to a port that may
/// be the wrong one, for as long as somebody sends there.
fn change(link: &Link, before: (IpAddr, bool), (local, learning): (IpAddr, bool), plan: &mut Plan) {
    if before != (local, learning) {
        plan.base.push(Step::SetTunnel { link: link.name.as_str().into(), local, learning, before });
    }
}

/// The kernel changes neither VNI nor port in place. The new device is made before the old one goes, so that an
/// interruption does not lose the peers; only where the kernel refuses a second one, the old one goes first: with one
/// VNI and port and another family, or without a free port of the bridge.
fn replace(observed: &Observed, network: &Network, tunnel: &Tunnel, old: (&Link, &VxlanInfo), plan: &mut Plan) {
    let (link, info) = old;
    let ports = observed.links.iter().filter(|port| port.master.is_some() && port.master == link.master).count();
    let twin = (info.vni, info.port) == (tunnel.vni, tunnel.port) || ports >= names::BRIDGE_PORTS_MAX;
    let delete = Step::DeleteLink { link: link.name.as_str().into() };
    if twin {
        plan.base.push(delete.clone());
    }
    create(network, tunnel, plan);
    if !twin {
        plan.base.push(delete);
    }
    plan.base.push(Step::SetUp { place: Place::Host, link: tunnel.name.as_str().into(), up: true });
}

fn differences(info: &VxlanInfo, tunnel: &Tunnel, plan: &mut Plan) {
    for (field, old, new) in [
        ("vni", info.vni.to_string(), tunnel.vni.to_string()),
        ("port", info.port.to_string(), tunnel.port.to_string()),
        ("underlay", info.local.map_or_else(String::new, |ip| ip.to_string()), tunnel.local.to_string()),
        ("learning", info.learning.to_string(), tunnel.learning.to_string()),
    ] {
        if old != new {
            plan.change(Change::new("router", field, old, new));
        }
    }
}

fn create(network: &Network, tunnel: &Tunnel, plan: &mut Plan) {
    plan.base.push(Step::CreateVxlan(NewVxlan {
        name: tunnel.name.as_str().into(),
        vni: tunnel.vni,
        port: tunnel.port,
        local: tunnel.local,
        mtu: network.mtu,
        bridge: network.bridge.clone(),
        learning: tunnel.learning,
    }));
    if network.mtu >= names::MTU_MIN_V6 {
        plan.base.push(ipv6(&tunnel.name, "accept_ra", 0, 0));
        plan.base.push(ipv6(&tunnel.name, "disable_ipv6", 1, 1));
    }
    if !tunnel.flood.is_empty() {
        plan.base.push(Step::AddFlood { link: tunnel.name.as_str().into(), peers: tunnel.flood.clone() });
    }
}

fn adjust(observed: &Observed, network: &Network, link: &Link, plan: &mut Plan) {
    let master = link.master.and_then(|index| observed.link_at(index)).map(|link| link.name.clone());
    if master.as_deref() != Some(&network.bridge) {
        plan.change(Change::new("router", "port_of", &master, &network.bridge));
        plan.base.push(Step::SetMaster {
            link: link.name.as_str().into(),
            bridge: Some(network.bridge.clone()),
            before: master.map(Into::into),
        });
    }
    if link.mtu != network.mtu {
        plan.base.push(mtu(&link.name, network.mtu, link.mtu));
        plan.change(Change::new("router", format!("{} mtu", link.name), link.mtu, network.mtu));
    }
    keep_setting(link, network.mtu, ("accept_ra", 0), plan);
    keep_setting(link, network.mtu, ("disable_ipv6", 1), plan);
}

/// Both lists in their order.
fn peers(link: &str, before: &[Flood], after: &[Flood], plan: &mut Plan) {
    if before == after {
        return;
    }
    let without = |all: &[Flood], others: &[Flood]| -> Vec<Flood> {
        all.iter().filter(|peer| others.binary_search(peer).is_err()).copied().collect()
    };
    let (gone, new) = (without(before, after), without(after, before));
    if !gone.is_empty() {
        plan.base.push(Step::DeleteFlood { link: link.into(), peers: gone });
    }
    if !new.is_empty() {
        plan.base.push(Step::AddFlood { link: link.into(), peers: new });
    }
}

/// An IPv6 setting of the host's link, and what it changes.
pub(super) fn keep_setting(link: &Link, mtu: u32, setting: (&'static str, i32), plan: &mut Plan) {
    let Some(step) = keep_ipv6(&Place::Host, link, mtu, setting) else { return };
    if let Step::SetIpv6 { value, before, .. } = &step
        && before != value
    {
        plan.change(Change::new("router", format!("{} {}", link.name, setting.0), *before, *value));
    }
    plan.base.push(step);
}

/// The step that an IPv6 setting of `link` needs, once its MTU is `mtu`.
///
/// Below 1280 bytes the kernel takes IPv6 from a link, with its settings; above, the link starts with the defaults.
pub(super) fn keep_ipv6(place: &Place, link: &Link, mtu: u32, (key, value): (&'static str, i32)) -> Option<Step> {
    let now = if key == "disable_ipv6" { link.ipv6_disabled.map(i32::from) } else { link.accept_ra };
    let before = match now {
        _ if mtu < names::MTU_MIN_V6 => return None,
        _ if link.mtu < names::MTU_MIN_V6 => value,
        None => return None,
        Some(now) if now == value => return None,
        Some(now) => now,
    };
    Some(Step::SetIpv6 { place: place.clone(), link: link.name.as_str().into(), key, value, before })
}

fn up(link: &Link, plan: &mut Plan) {
    if !link.up {
        plan.base.push(Step::SetUp { place: Place::Host, link: link.name.as_str().into(), up: true });
        plan.change(Change::new("router", link.name.clone(), "down", "up"));
    }
}

fn mtu(link: &str, mtu: u32, before: u32) -> Step {
    Step::SetMtu { place: Place::Host, link: link.into(), mtu, before }
}

/// For a link that is just made, what it had before does not matter: it goes again with the link.
pub(super) fn ipv6(link: &str, key: &'static str, value: i32, before: i32) -> Step {
    Step::SetIpv6 { place: Place::Host, link: link.into(), key, value, before }
}
