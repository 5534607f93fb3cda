//! Operations and states at random of a host on which a router may run in a container.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use weave_core::apply::Mode;
use weave_core::plan::container::ContainerStep;
use weave_core::spec::{
    Attach, Attached, Connect, ContainerRef, Detach, Expose, Forget, Hide, HostDocument, Ips, Launch, Named, Router,
    RouterKind,
};

use crate::laws::generate::{EXPOSED, attach, attached, exposures, firewall, peers, some};
use crate::laws::op::Op;
use crate::support::classic::{IMAGES, PASSWORD, foreign_container, foreign_link, host, password_file};
use crate::support::fixture::{Tamper, parse};
use crate::support::memory_host::{MemoryHost, World};

/// Two files, so that a password can change.
static PASSWORDS: LazyLock<[String; 2]> =
    LazyLock::new(|| [password_file("laws-one", PASSWORD), password_file("laws-two", "another one")]);

const REQUESTS: [&str; 4] = ["net:default", "net:10.32.1.0/24", "net:10.40.0.0/16", "net:10.99.0.0/24"];

/// A router of kind image: mostly with its image, since only then it has settings.
fn image() -> impl Strategy<Value = Router> {
    let names = (
        option::weighted(0.2, select(vec!["router", "weave"])),
        option::weighted(0.3, select(vec!["alpha", "beta"])),
        option::weighted(0.1, Just("02:00:00:00:00:0a")),
        option::weighted(0.3, 0_usize..2),
    );
    let ports = (
        option::weighted(0.3, select(vec![6783_u16, 7000])),
        option::weighted(0.2, select(vec![6784_u16, 7100])),
        option::weighted(0.5, select(vec!["10.32.0.0/12", "10.40.0.0/16"])),
        option::weighted(0.2, any::<bool>()),
        option::weighted(0.2, select(vec!["auto", "1300"])),
    );
    (names, ports, option::weighted(0.85, select(&IMAGES[..])), prop::bool::weighted(0.9)).prop_map(
        |((name, nickname, peer_name, password), (port, control_port, range, discovery, mtu), image, kind)| {
            let all = Router {
                kind: (kind || image.is_none()).then_some(RouterKind::Image),
                name: name.map(str::to_owned),
                port,
                mtu: mtu.map(parse),
                ..Router::default()
            };
            match image {
                None => all,
                Some(image) => Router {
                    image: Some(image.to_owned()),
                    nickname: nickname.map(str::to_owned),
                    peer_name: peer_name.map(parse),
                    password_file: password.map(|which| PASSWORDS[which].clone()),
                    control_port,
                    ipalloc_range: range.map(parse),
                    discovery,
                    ..all
                },
            }
        },
    )
}

/// Of either kind, or whichever there is.
fn router() -> impl Strategy<Value = Router> {
    let vxlan = (option::weighted(0.3, select(vec![6783_u16, 7000])), prop::bool::weighted(0.8));
    let vxlan =
        vxlan.prop_map(|(port, kind)| Router { kind: kind.then_some(RouterKind::Vxlan), port, ..Router::default() });
    prop_oneof![3 => image().boxed(), 1 => vxlan.boxed()]
}

fn launch() -> impl Strategy<Value = Launch> {
    (router(), option::of(peers()), firewall()).prop_map(|(router, peers, firewall)| launch_of(router, peers, firewall))
}

fn launch_of(
    router: Router,
    peers: Option<weave_core::spec::List<weave_core::spec::Peer>>,
    firewall: Option<weave_core::spec::Firewall>,
) -> Launch {
    Launch {
        kind: router.kind,
        port: router.port,
        mtu: router.mtu,
        image: router.image,
        name: router.name,
        nickname: router.nickname,
        peer_name: router.peer_name,
        password_file: router.password_file,
        control_port: router.control_port,
        ipalloc_range: router.ipalloc_range,
        discovery: router.discovery,
        peers,
        firewall,
        ..Launch::default()
    }
}

/// With addresses, or with requests for them.
fn asking() -> impl Strategy<Value = Attach> {
    (attach(), option::weighted(0.4, select(&REQUESTS[..])), any::<bool>()).prop_map(|(mut attach, request, alone)| {
        if let Some(request) = request {
            attach.ips.requests.push(parse(request));
            if alone {
                attach.ips.addresses = weave_core::spec::List::default();
                attach.routes = None;
                attach.gateway = None;
            }
        }
        attach
    })
}

fn document() -> impl Strategy<Value = HostDocument> {
    let containers = vec((asking(), prop::bool::weighted(0.15)), 0..=3).prop_map(|list| {
        let entry = |(attach, empty): (Attach, bool)| {
            let ips = if empty { Ips::default() } else { attach.ips.clone() };
            (attach.container.clone(), Attached { ips: Some(ips), ..attached(attach) })
        };
        Named(list.into_iter().map(entry).collect::<std::collections::BTreeMap<ContainerRef, Attached>>())
    });
    let parts = (
        option::of(router().boxed()),
        option::of(peers()),
        option::of(exposures()),
        firewall(),
        option::of(containers.boxed()),
    );
    parts.prop_map(|(router, peers, expose, firewall, containers)| HostDocument {
        router,
        peers,
        expose,
        firewall,
        containers,
        ..HostDocument::default()
    })
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => document().prop_map(|document| Op::Apply(Box::new(document))).boxed(),
        5 => launch().prop_map(|launch| Op::Launch(Box::new(launch))).boxed(),
        1 => Just(Op::Stop),
        1 => Just(Op::Reset),
        2 => (peers(), any::<bool>()).prop_map(|(peers, replace)| Op::Connect(Connect { peers, replace })),
        1 => peers().prop_map(|peers| Op::Forget(Forget { peers })),
        3 => asking().prop_map(Op::Attach).boxed(),
        2 => (attach(), any::<bool>()).prop_map(|(attach, all)| {
            let ips = if all { weave_core::spec::List::default() } else { attach.ips.addresses };
            Op::Detach(Detach { ips, ..Detach::new(attach.container) })
        }),
        1 => (some(&EXPOSED, 1..=2), any::<bool>())
            .prop_map(|(ips, masquerade)| Op::Expose(Expose { ips, masquerade })),
        1 => some(&EXPOSED, 0..=2).prop_map(|ips| Op::Hide(Hide { ips })),
    ]
}

/// What somebody else does to the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    Stop,
    Remove,
    ForgetPeers,
    Offload,
    Restart,
}

impl Blow {
    fn strike(self, world: &mut World) {
        let label = |made: &crate::support::memory_host::Made| made.container.label("weave.routes").is_some();
        let names = world.engine.containers.iter().filter(|(_, made)| label(made)).map(|(name, _)| name.clone());
        for name in names.collect::<Vec<_>>() {
            let steps = match self {
                Self::Stop => vec![ContainerStep::Stop { name }],
                Self::Remove => vec![ContainerStep::Remove { name, volumes: false }],
                Self::Restart => vec![ContainerStep::Stop { name: name.clone() }, ContainerStep::Start { name }],
                Self::ForgetPeers | Self::Offload => Vec::new(),
            };
            for step in steps {
                world.execute_container(&step).unwrap();
            }
        }
        match self {
            Self::ForgetPeers => world.routers.values_mut().for_each(|router| router.peers.clear()),
            Self::Offload => {
                if let Ok(index) = world.host.index("vethwe-bridge") {
                    // Only the pair of a router has it.
                    let _ = world.host.set_offload(index, true);
                }
            }
            Self::Stop | Self::Remove | Self::Restart => {}
        }
    }
}

/// How a state came about.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Op(Op),
    Tamper(Tamper, usize),
    Blow(Blow),
    ForeignContainer,
    ForeignLink(&'static str),
}

fn event() -> impl Strategy<Value = Event> {
    let blows = vec![Blow::Stop, Blow::Remove, Blow::ForgetPeers, Blow::Offload, Blow::Restart];
    prop_oneof![
        12 => op().prop_map(Event::Op).boxed(),
        2 => (select(&Tamper::ALL[..]), 0_usize..8).prop_map(|(tamper, pick)| Event::Tamper(tamper, pick)),
        3 => select(blows).prop_map(Event::Blow),
    ]
}

/// The way to a state: mostly a router that runs in a container, then what comes.
pub(super) fn history() -> impl Strategy<Value = Vec<Event>> {
    let foreign = prop_oneof![
        18 => Just(None),
        1 => Just(Some(Event::ForeignContainer)),
        1 => select(vec!["vethwe-bridge", "vethwe-pcap"]).prop_map(|name| Some(Event::ForeignLink(name))),
    ];
    let first = prop_oneof![
        1 => Just(None),
        4 => (image(), peers()).prop_map(|(mut router, peers)| {
            router.image = router.image.or_else(|| Some(IMAGES[0].to_owned()));
            Some(Event::Op(Op::Launch(Box::new(launch_of(router, Some(peers), None)))))
        }),
    ];
    (foreign, first, vec(event(), 0..=4))
        .prop_map(|(foreign, first, rest)| foreign.into_iter().chain(first).chain(rest).collect())
}

/// The state at the end of `history`; operations that are refused change nothing.
pub(super) fn reached(history: &[Event]) -> World {
    let mut world = host();
    for event in history {
        match event {
            Event::Op(op) => {
                let host = MemoryHost::new(world);
                let _ = op.run(&host, Mode::Apply).map(|report| report.changed);
                world = host.world().clone();
            }
            Event::Tamper(tamper, pick) => tamper.act(&mut world, *pick),
            Event::Blow(blow) => blow.strike(&mut world),
            Event::ForeignContainer => foreign_container(&mut world, "weave"),
            Event::ForeignLink(name) => foreign_link(&mut world, name),
        }
    }
    world
}
