//! Operations and states at random, from a small world so that they meet.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use weave_core::apply::Mode;
use weave_core::spec::options::Protocol;
use weave_core::spec::{
    Attach, Attached, Connect, Detach, Expose, Exposure, Firewall, Forget, Hide, HostDocument, Ips, Launch, List,
    Named, Peer, Publication, Router, Unpublish,
};

use super::op::Op;
use crate::support::fixture::{Tamper, docker, parse};
use crate::support::memory_host::{MemoryHost, World};

const PEERS: [&str; 9] =
    ["192.0.2.2", "192.0.2.3:6799", "198.51.100.7", "host2", "self", "192.0.2.1", "both", "2001:db8::2", "203.0.113.9"];
pub(super) const CONTAINERS: [&str; 13] = [
    "web",
    "web",
    "web",
    "db",
    "db",
    "db",
    "app",
    "000000001001",
    "netns:/run/netns/bare",
    "pid:77",
    "old",
    "missing",
    "hostnet",
];
const IPS: [&str; 10] = [
    "10.2.1.4/24",
    "10.2.1.5/24",
    "10.2.1.5/16",
    "10.2.2.4/24",
    "10.2.2.5/32",
    "10.3.0.6/31",
    "fd00:1::4/64",
    "fd00:1::5/64",
    "fd00:1::5/48",
    "fd00:2::4/128",
];
pub(super) const EXPOSED: [&str; 5] = ["10.2.1.1/24", "10.2.2.1/24", "10.0.0.1/8", "fd00:1::1/64", "10.2.1.1/16"];

pub(super) fn some<T, E>(
    from: &'static [&'static str],
    count: std::ops::RangeInclusive<usize>,
) -> impl Strategy<Value = List<T>>
where
    T: std::str::FromStr<Err = E> + Clone + std::fmt::Debug,
    E: std::fmt::Debug,
{
    subsequence(from, count).prop_shuffle().prop_map(|texts| texts.into_iter().map(parse).collect())
}

pub(super) fn peers() -> impl Strategy<Value = List<Peer>> {
    // Both families together are an error; mostly they are not.
    prop_oneof![9 => some(&PEERS[..7], 0..=4), 1 => some(&PEERS, 0..=4)]
}

pub(super) fn router() -> impl Strategy<Value = Router> {
    let mtu = option::weighted(0.3, select(vec!["auto", "1400", "1200", "1280", "9000"]));
    let underlay = option::weighted(0.3, select(vec!["auto", "192.0.2.1", "eth0", "198.51.100.0/24", "2001:db8::1"]));
    let port = option::weighted(0.3, select(vec![6783_u16, 6784, 4789]));
    let vni = option::weighted(0.2, select(vec![1_u32, 6783]));
    (port, vni, mtu, underlay, option::weighted(0.05, Just("net0"))).prop_map(|(port, vni, mtu, underlay, bridge)| {
        let (mtu, underlay, bridge) = (mtu.map(parse), underlay.map(parse), bridge.map(parse));
        Router { port, vni, mtu, underlay, bridge, ..Router::default() }
    })
}

pub(super) fn firewall() -> impl Strategy<Value = Option<Firewall>> {
    option::weighted(0.2, any::<bool>().prop_map(|manage| Firewall { manage }))
}

fn launch() -> impl Strategy<Value = Launch> {
    (router(), option::of(peers()), firewall()).prop_map(|(router, peers, firewall)| Launch {
        kind: router.kind,
        peers,
        port: router.port,
        vni: router.vni,
        mtu: router.mtu,
        underlay: router.underlay,
        bridge: router.bridge,
        firewall,
        ..Launch::default()
    })
}

pub(super) fn attach() -> impl Strategy<Value = Attach> {
    let more = (
        option::weighted(0.1, select(vec!["1300", "1400", "auto", "1279"])),
        option::weighted(0.1, Just("02:00:00:00:00:55")),
        option::weighted(0.15, select(vec!["10.2.1.1", "10.2.1.2", "fd00:1::1"])),
        option::weighted(
            0.3,
            some(
                &[
                    "10.9.0.0/16 via 10.2.1.9",
                    "10.9.0.0/16 via 10.2.1.8",
                    "10.8.0.0/16",
                    "10.7.0.0/16 via 10.2.2.9",
                    "fd00:9::/64 via fd00:1::9",
                    "fd00:8::/64",
                ],
                0..=3,
            ),
        ),
        any::<bool>(),
        any::<bool>(),
        prop_oneof![9 => Just("ethwe"), 1 => Just("net1")],
    );
    (select(&CONTAINERS[..]), some(&IPS, 1..=3), more).prop_map(|(container, ips, more)| {
        let (mtu, mac, gateway, routes, multicast, probe, interface) = more;
        Attach {
            mtu: mtu.map(parse),
            mac: mac.map(parse),
            gateway: gateway.map(parse),
            routes,
            multicast,
            probe,
            interface: parse(interface),
            ..Attach::new(parse(container), ips)
        }
    })
}

pub(super) fn attached(attach: Attach) -> Attached {
    Attached {
        ips: Some(attach.ips),
        interface: attach.interface,
        mtu: attach.mtu,
        mac: attach.mac,
        gateway: attach.gateway,
        routes: attach.routes,
        multicast: attach.multicast,
        probe: attach.probe,
        ..Attached::default()
    }
}

fn containers() -> impl Strategy<Value = Named<Attached>> {
    vec((attach(), prop::bool::weighted(0.15)), 0..=3).prop_map(|list| {
        let entry = |(attach, empty): (Attach, bool)| {
            let container = attach.container.clone();
            let mut attached = attached(attach);
            if empty {
                attached.ips = Some(Ips::default());
            }
            (container, attached)
        };
        Named(list.into_iter().map(entry).collect())
    })
}

pub(super) fn exposures() -> impl Strategy<Value = List<Exposure>> {
    (some(&EXPOSED, 0..=2), any::<bool>())
        .prop_map(|(ips, masquerade)| ips.into_iter().map(|ip| Exposure { ip, masquerade }).collect())
}

/// Of four ports, so that they meet; mostly to where the host can be.
pub(super) fn publication() -> impl Strategy<Value = Publication> {
    let to =
        select(vec!["10.2.1.4", "10.2.1.5", "10.2.2.4", "10.9.9.9", "fd00:1::4", "web", "web", "db", "pid:77", "old"]);
    let host_ip = option::weighted(0.25, select(vec!["192.0.2.1", "127.0.0.1", "2001:db8::1", "203.0.113.77"]));
    let protocol = select(vec![Protocol::Tcp, Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    let ports = (select(vec![80_u16, 8080, 6783]), select(vec![80_u16, 81]));
    (ports, protocol, to, host_ip, prop::bool::weighted(0.8)).prop_map(
        |((host_port, port), protocol, to, ip, masquerade)| Publication {
            host_port,
            port,
            protocol,
            to: parse(to),
            host_ip: ip.map(parse),
            masquerade,
        },
    )
}

fn publications() -> impl Strategy<Value = List<Publication>> {
    vec(publication(), 0..=3).prop_map(List)
}

pub(super) fn document() -> impl Strategy<Value = HostDocument> {
    let parts = (
        option::of(router()),
        option::of(peers()),
        option::of(exposures()),
        option::weighted(0.3, publications()),
        firewall(),
        option::of(containers()),
    );
    parts.prop_map(|(router, peers, expose, publish, firewall, containers)| HostDocument {
        router,
        peers,
        expose,
        publish,
        firewall,
        containers,
        ..HostDocument::default()
    })
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => document().prop_map(|document| Op::Apply(Box::new(document))),
        3 => launch().prop_map(|launch| Op::Launch(Box::new(launch))),
        1 => Just(Op::Stop),
        1 => Just(Op::Reset),
        2 => (peers(), any::<bool>()).prop_map(|(peers, replace)| Op::Connect(Connect { peers, replace })),
        1 => peers().prop_map(|peers| Op::Forget(Forget { peers })),
        4 => attach().prop_map(Op::Attach),
        2 => (select(&CONTAINERS[..]), some(&IPS, 0..=2))
            .prop_map(|(container, ips)| Op::Detach(Detach { ips, ..Detach::new(parse(container)) })),
        2 => (some(&EXPOSED, 1..=2), any::<bool>())
            .prop_map(|(ips, masquerade)| Op::Expose(Expose { ips, masquerade })),
        1 => some(&EXPOSED, 0..=2).prop_map(|ips| Op::Hide(Hide { ips })),
        3 => publication().prop_map(Op::Publish),
        1 => publication().prop_map(|one| Op::Unpublish(Unpublish {
            host_port: Some(one.host_port), protocol: one.protocol, host_ip: one.host_ip, to: None, port: None,
            masquerade: None,
        })),
    ]
}

/// How a state came about.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Op(Op),
    Tamper(Tamper, usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => op().prop_map(Event::Op),
        1 => (select(&Tamper::ALL[..]), 0_usize..8).prop_map(|(tamper, pick)| Event::Tamper(tamper, pick)),
    ]
}

/// The way to a state: mostly a router that runs, then what comes.
pub(super) fn history() -> impl Strategy<Value = Vec<Event>> {
    let first = prop_oneof![
        1 => Just(None),
        4 => peers().prop_map(|peers| {
            Some(Event::Op(Op::Launch(Box::new(Launch { peers: Some(peers), ..Launch::default() }))))
        }),
    ];
    (first, vec(event(), 0..=5)).prop_map(|(first, rest)| first.into_iter().chain(rest).collect())
}

/// The state at the end of `history`; operations that are refused change nothing.
pub(super) fn reached(history: &[Event]) -> World {
    let mut world = docker();
    for event in history {
        match event {
            Event::Op(op) => {
                let host = MemoryHost::new(world);
                let _ = op.run(&host, Mode::Apply).map(|report| report.changed);
                world = host.world().clone();
            }
            Event::Tamper(tamper, pick) => tamper.act(&mut world, *pick),
        }
    }
    world
}
