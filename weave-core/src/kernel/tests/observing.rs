//! What is observed is what `ip -d` shows.

use std::net::IpAddr;

use super::lab::{Container, Lab, bridge, run, vxlan};
use crate::observed::{BridgeInfo, BridgeMark, Flood, LinkKind, Mark, Scope, VxlanInfo};
use crate::plan::{Place, Step};
use crate::spec::Mac;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn links_are_seen_as_they_are() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    lab.done(&[vxlan("192.0.2.1"), Step::CreateVeth(Box::new(container.veth("vethwe1")))]);
    run("ip link add stp type bridge stp_state 1 mcast_snooping 1");
    run("ip link add v6 type vxlan id 5 dstport 4789 local 2001:db8::1 nolearning");
    run("ip link add p0 group 17 type veth peer name p1");
    run("ip link set p0 address 02:00:00:00:00:05 mtu 1234 up");
    let observed = lab.look(&Scope::default());

    let (weave, info, _) = observed.bridge().expect("the bridge");
    assert_eq!((weave.name.as_str(), weave.mtu, weave.up), ("weave", 1400, false));
    assert_eq!(*info, BridgeInfo { stp: false, multicast_snooping: false });
    let kind = |name: &str| observed.link(name).map(|link| link.kind.clone());
    assert_eq!(kind("stp"), Some(LinkKind::Bridge(BridgeInfo { stp: true, multicast_snooping: true })));
    let v6 = VxlanInfo { vni: 5, port: 4789, local: Some(ip("2001:db8::1")), learning: false };
    assert_eq!(kind("v6"), Some(LinkKind::Vxlan(v6)));
    assert_eq!(kind("lo"), Some(LinkKind::Other(String::new())));
    let (vxlan, info) = observed.vxlan().expect("the tunnel");
    assert_eq!((vxlan.master, info.vni, info.port), (Some(weave.index), 6783, 6783));
    assert_eq!((info.local, info.learning), (Some(ip("192.0.2.1")), true));

    let p0 = observed.link("p0").expect("p0");
    assert_eq!((p0.kind.name(), p0.mtu, p0.up, p0.group), ("veth", 1234, true, 17));
    assert_eq!(p0.mac.map(|mac| mac.to_string()).as_deref(), Some("02:00:00:00:00:05"));
    assert_eq!((p0.peer_index, p0.peer_netnsid), (observed.link("p1").map(|link| link.index), None));
    let (host_end, mark) = observed.attachments().next().expect("the attachment");
    assert_eq!(
        (host_end.name.as_str(), mark.inode, mark.container()),
        ("vethwe1", container.inode(), container.name())
    );
    assert!(host_end.peer_netnsid.is_some());
    assert_eq!(observed.links.len(), 8);
}

#[test]
fn ipv6_settings_are_seen() {
    let lab = Lab::new();
    run("ip link add p0 type veth peer name p1");
    let ipv6 = || lab.look(&Scope::default()).link("p0").map(|link| (link.ipv6_disabled, link.accept_ra));
    assert_eq!(ipv6(), Some((Some(false), Some(1))));
    let set = |key, value| Step::SetIpv6 { place: Place::Host, link: "p0".into(), key, value, before: 0 };
    lab.done(&[set("disable_ipv6", 1), set("accept_ra", 2)]);
    assert_eq!(ipv6(), Some((Some(true), Some(2))));
}

#[test]
fn addresses_and_routes_are_seen() {
    let lab = Lab::new();
    for command in [
        "ip link add p0 type veth peer name p1",
        "ip link set p0 up",
        "ip link set p1 up",
        "ip address add 10.2.1.4/24 dev p0",
        "ip address add 10.3.0.1 peer 10.3.0.2/32 dev p0",
        "ip address add fd00::4/64 dev p0 nodad",
        "ip route add 10.9.0.0/16 via 10.2.1.1 metric 50 src 10.2.1.4",
        "ip route add default via 10.2.1.1",
        "ip route add 10.8.0.0/16 nexthop via 10.2.1.2 nexthop via 10.2.1.3",
        "ip -6 route add fd01::/64 via fd00::1",
        "ip route add 10.7.0.0/16 dev p0 table 7",
        "ip route add blackhole 10.6.0.0/16",
    ] {
        run(command);
    }
    let observed = lab.look(&Scope { routes: true, ..Scope::default() });
    let p0 = observed.link("p0").expect("p0").index;
    let mut addresses: Vec<String> = observed.addresses_of(p0).map(|address| address.to_string()).collect();
    addresses.sort();
    // No link-local one, although the link has it.
    assert_eq!(addresses, ["10.2.1.4/24", "10.3.0.1/32", "fd00::4/64"]);
    let routes = |to: &str| -> Vec<_> { observed.routes.iter().filter(|route| route.to.to_string() == to).collect() };
    let [route] = routes("10.9.0.0/16")[..] else { panic!("one route") };
    assert_eq!((route.ifindex, route.via, route.source), (p0, Some(ip("10.2.1.1")), Some(ip("10.2.1.4"))));
    assert_eq!((route.metric, route.by_kernel), (50, false));
    assert!(routes("10.2.1.0/24").first().is_some_and(|route| route.by_kernel && route.via.is_none()));
    assert_eq!(routes("0.0.0.0/0").len(), 1);
    assert_eq!(routes("10.8.0.0/16").len(), 2);
    assert_eq!(routes("fd01::/64").first().map(|route| (route.via, route.metric)), Some((Some(ip("fd00::1")), 1024)));
    assert_eq!((routes("10.7.0.0/16").len(), routes("10.6.0.0/16").len()), (0, 0));
    assert_eq!(lab.look(&Scope::default()).routes, []);
}

#[test]
fn the_flood_list_and_the_ways_to_peers_are_seen() {
    let lab = Lab::new();
    for command in [
        "ip link set lo up",
        "ip link add u0 type veth peer name u1",
        "ip address add 192.0.2.1/24 dev u0",
        "ip address add 2001:db8::1/64 dev u0 nodad",
        "ip link set u0 up",
        "ip link set u1 up",
        "ip route add 198.51.100.0/24 via 192.0.2.9 mtu 1300",
        "ip route add prohibit 203.0.113.7",
    ] {
        run(command);
    }
    let peers = [("192.0.2.2", None), ("198.51.100.2", Some(7000)), ("203.0.113.1", None)];
    let peers = peers.map(|(address, port)| Flood { address: ip(address), port });
    lab.done(&[bridge(), vxlan("192.0.2.1"), Step::AddFlood { link: "vxlan-6783".into(), peers: peers.to_vec() }]);
    run("bridge fdb append 02:00:00:00:00:09 dev vxlan-6783 dst 192.0.2.2");

    let more = ["192.0.2.1", "2001:db8::2", "203.0.113.7"].map(ip).to_vec();
    let observed = lab.look(&Scope { router: true, paths: true, peers: more, ..Scope::default() });
    assert_eq!(observed.flood, peers);
    let u0 = observed.link("u0").map_or(0, |link| link.index);
    let path = |to: &str| observed.paths.get(&ip(to)).copied();
    let direct = path("192.0.2.2").expect("a way");
    assert_eq!((direct.ifindex, direct.source, direct.mtu, direct.local), (u0, Some(ip("192.0.2.1")), None, false));
    assert_eq!(path("198.51.100.2").map(|path| path.mtu), Some(Some(1300)));
    assert!(path("192.0.2.1").is_some_and(|path| path.local));
    assert_eq!(path("2001:db8::2").and_then(|path| path.source), Some(ip("2001:db8::1")));
    assert_eq!((path("203.0.113.1"), path("203.0.113.7")), (None, None));
    assert_eq!(lab.look(&Scope::default()).flood, []);
}

#[test]
fn ten_thousand_peers_are_asked_for() {
    let lab = Lab::new();
    for command in ["ip link add u0 type veth peer name u1", "ip address add 10.0.0.1/8 dev u0", "ip link set u0 up"] {
        run(command);
    }
    let peers: Vec<IpAddr> = (2..10_002u32).map(|n| std::net::Ipv4Addr::from(0x0a00_0000 + n).into()).collect();
    let observed = lab.look(&Scope { peers, paths: true, ..Scope::default() });
    assert_eq!(observed.paths.len(), 10_000);
}

#[test]
fn names_have_addresses_and_the_host_an_id() {
    let lab = Lab::new();
    run("ip link set lo up");
    let observed =
        lab.look(&Scope { names: vec!["localhost".into()], paths: true, firewall: true, ..Scope::default() });
    assert!(observed.names["localhost"].contains(&ip("127.0.0.1")), "{:?}", observed.names);
    assert!(observed.paths.get(&ip("127.0.0.1")).is_some_and(|path| path.local));
    assert!(observed.firewall.is_some());
    assert!(!observed.host_id.is_empty());
    assert_eq!(observed.host_id, lab.look(&Scope::default()).host_id);
}

#[test]
fn a_packet_filter_that_is_left_alone_is_not_looked_at_for_peers() {
    let lab = Lab::with_bridge(&[]);
    let looked =
        |unless_unmanaged| lab.look(&Scope { firewall: true, unless_unmanaged, ..Scope::default() }).firewall.is_some();
    let mark = |firewall_unmanaged| {
        let mark = Mark::Bridge(BridgeMark { firewall_unmanaged, ..BridgeMark::default() });
        lab.done(&[Step::SetMark { link: "weave".into(), mark: Box::new(mark), before: None }]);
    };
    mark(true);
    // A run may have been interrupted: the guard of the port knows the peers.
    assert_eq!([looked(true), looked(false)], [true, true]);
    lab.done(&[vxlan("192.0.2.1")]);
    assert_eq!([looked(true), looked(false)], [false, true]);
    mark(false);
    assert_eq!([looked(true), looked(false)], [true, true]);
}

#[test]
fn a_look_from_elsewhere_is_a_look_at_the_same_host() {
    let lab = Lab::new();
    run("ip link add here type bridge");
    let elsewhere = Container::new();
    let observed = elsewhere.inside(|| lab.look(&Scope::default()));
    assert!(observed.link("here").is_some());
}

#[test]
fn a_changing_host_is_looked_at_without_an_error() {
    let lab = Lab::new();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // The thread is on the same host: a new one is where its maker is.
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                run("ip link add d0 type bridge");
                run("ip link delete d0");
            }
        });
        for _ in 0..200 {
            assert!(lab.look(&Scope { routes: true, ..Scope::default() }).link("lo").is_some());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn marks_are_read_back() {
    let lab = Lab::with_bridge(&[]);
    assert!(lab.look(&Scope::default()).link("weave").is_some_and(|link| matches!(link.mark(), Some(Mark::Bridge(_)))));
}

#[test]
fn who_answered_is_behind_a_peer_or_a_port() {
    let lab = Lab::new();
    lab.done(&[bridge(), vxlan("192.0.2.1")]);
    for command in [
        "ip link add p0 master weave type veth peer name p1",
        "ip link add other type bridge",
        "ip link add o0 master other type veth peer name o1",
        "bridge fdb add 02:00:00:00:00:08 dev p0 master static",
        "bridge fdb add 02:00:00:00:00:09 dev vxlan-6783 master static",
        "bridge fdb add 02:00:00:00:00:09 dev vxlan-6783 self dst 192.0.2.7",
        "bridge fdb add 02:00:00:00:00:0a dev o0 master static",
    ] {
        run(command);
    }
    let socket = &mut crate::kernel::look::socket("host").expect("a socket");
    let index = lab.look(&Scope::default()).link("weave").map_or(0, |link| link.index);
    let address = ip("10.2.1.9");
    let own = lab.look(&Scope::default()).link("p0").and_then(|link| link.mac).expect("a MAC");
    let answers = [8, 9, 10].map(|last| (address, Mac([2, 0, 0, 0, 0, last])));
    let answers = [answers.as_slice(), &[(address, own)]].concat();
    let owners = crate::kernel::probe::owners(socket, index, &answers).expect("owners");
    let found: Vec<_> = owners.iter().map(|owner| (owner.peer, owner.link.as_deref())).collect();
    assert_eq!(found, [(None, Some("p0")), (Some(ip("192.0.2.7")), None), (None, None), (None, Some("p0"))]);
}
