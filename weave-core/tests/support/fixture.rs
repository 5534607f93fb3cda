//! A Docker host as one meets it: two uplinks, the engine's bridge, containers, and somebody's packet filter.

use std::str::FromStr;

use weave_core::observed::{
    BridgeInfo, ChainTool, Family, ForwardChain, InterfaceRoute, LinkKind, Mark, TargetProblem,
};
use weave_core::spec::{Cidr, ContainerRef};

use super::memory_host::{Container, HOST, Net, World};

/// Reads what a test writes.
pub(crate) fn parse<T: FromStr<Err = E>, E: std::fmt::Debug>(text: &str) -> T {
    text.parse().unwrap()
}

/// Adds a link that is up, with addresses.
pub(crate) fn add_link(net: &mut Net, name: &str, kind: LinkKind, mtu: u32, addresses: &[&str]) -> u32 {
    let index = net.add_link(name, kind, None, mtu).unwrap();
    net.set_up(index, true).unwrap();
    for address in addresses {
        net.add_address(index, parse(address)).unwrap();
    }
    index
}

/// Adds a default route, which somebody else made.
pub(crate) fn add_default(net: &mut Net, index: u32, via: &str) {
    let via = parse(via);
    let (to, metric) = match via {
        std::net::IpAddr::V4(_) => ("0.0.0.0/0", 0),
        std::net::IpAddr::V6(_) => ("::/0", 1024),
    };
    let to = parse(to);
    net.routes.push(InterfaceRoute { ifindex: index, to, via: Some(via), source: None, by_kernel: false, metric });
}

/// A foreign bridge.
pub(crate) const BRIDGE: LinkKind = LinkKind::Bridge(BridgeInfo { stp: false, multicast_snooping: true });

/// A physical device.
pub(crate) fn device() -> LinkKind {
    LinkKind::Other(String::new())
}

/// A chain of others that drops what it does not know.
pub(crate) fn chain(tool: ChainTool, family: Family, base: &str, chain: &str) -> ForwardChain {
    ForwardChain {
        tool,
        family,
        table: "filter".to_owned(),
        base: base.to_owned(),
        chain: chain.to_owned(),
        drops: true,
        owned: false,
        accepts: Vec::new(),
    }
}

/// A host without any container and with one uplink, 192.0.2.1/24.
pub(crate) fn bare() -> World {
    let mut world = World { host: Net::new(), ..World::default() };
    let eth0 = add_link(&mut world.host, "eth0", device(), 1500, &["192.0.2.1/24", "2001:db8::1/64"]);
    add_default(&mut world.host, eth0, "192.0.2.254");
    for (name, addresses) in [
        ("host2", &["192.0.2.2"][..]),
        ("both", &["192.0.2.3", "2001:db8::3"]),
        ("self", &["192.0.2.1"]),
        ("sixth", &["2001:db8::6"]),
    ] {
        world.names.insert(name.to_owned(), addresses.iter().map(|ip| parse(ip)).collect());
    }
    world
}

/// The host as it is met: with a second uplink, the engine's bridge, containers of all sorts, chains that drop.
pub(crate) fn docker() -> World {
    let mut world = bare();
    add_link(&mut world.host, "eth1", device(), 9000, &["198.51.100.1/24"]);
    add_link(&mut world.host, "docker0", BRIDGE, 1500, &["172.17.0.1/16"]);
    let dummy = LinkKind::Other("dummy".to_owned());
    add_link(&mut world.host, "dummy0", dummy, 1500, &["203.0.113.1/32"]);
    add_container(&mut world, 1001, Some("web"));
    add_container(&mut world, 1002, Some("db"));
    add_container(&mut world, 1003, Some("app"));
    for (inode, name) in [(1001, "web"), (1003, "app")] {
        join_docker(&mut world, inode, &format!("veth{name}"));
    }
    let alias: ContainerRef = parse("000000001001");
    let web = world.containers[&parse::<ContainerRef, _>("web")].clone();
    world.containers.insert(alias, web);
    add_namespace(&mut world, 1004, "netns:/run/netns/bare", 0);
    add_namespace(&mut world, 1005, "pid:77", 77);
    for (name, problem) in [
        ("old", TargetProblem::NotRunning("exited".to_owned())),
        ("hostnet", TargetProblem::HostNetwork),
        ("netns:/etc/passwd", TargetProblem::NotNetns),
    ] {
        world.containers.insert(parse(name), Err(problem));
    }
    world.firewall.forward = vec![
        chain(ChainTool::IptablesNft, Family::Ip, "FORWARD", "DOCKER-USER"),
        ForwardChain { drops: false, ..chain(ChainTool::IptablesNft, Family::Ip6, "FORWARD", "FORWARD") },
        chain(ChainTool::Nft, Family::Inet, "forward", "forward"),
    ];
    world
}

/// A running container with nothing but its loopback.
pub(crate) fn add_container(world: &mut World, inode: u64, name: Option<&str>) {
    let id = format!("{inode:012}{}", "0".repeat(52));
    let container = Container {
        inode,
        id: Some(id.clone()),
        name: name.map(str::to_owned),
        pid: u32::try_from(inode).unwrap(),
        held: false,
    };
    world.nets.insert(inode, Net::new());
    world.containers.insert(ContainerRef::Container(name.unwrap_or(&id).into()), Ok(container));
}

fn add_namespace(world: &mut World, inode: u64, written: &str, pid: u32) {
    world.nets.insert(inode, Net::new());
    world.containers.insert(parse(written), Ok(Container { inode, id: None, name: None, pid, held: false }));
}

/// Joins a container to the engine's bridge, with the default route through it.
fn join_docker(world: &mut World, inode: u64, name: &str) {
    let (host, inner) = world.add_pair((HOST, name), (inode, "eth0"), 1500).unwrap();
    let docker0 = world.host.index("docker0").unwrap();
    world.host.link(host).master = Some(docker0);
    world.host.set_up(host, true).unwrap();
    let net = world.net(inode);
    net.set_up(inner, true).unwrap();
    net.add_address(inner, parse(&format!("172.17.0.{}/16", inode % 1000 + 1))).unwrap();
    add_default(net, inner, "172.17.0.1");
}

/// Somebody tampers with what weave made. `pick` chooses among what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tamper {
    LinkDown,
    InnerDown,
    Mtu,
    InnerMtu,
    Stp,
    Unplug,
    DropAddress,
    DropRoute,
    DropLink,
    DropFlood,
    DamageTable,
    DropTable,
    DropAccept,
    DoubleAccept,
    Mac,
    Ipv6,
}

impl Tamper {
    pub(crate) const ALL: [Self; 16] = [
        Self::LinkDown,
        Self::InnerDown,
        Self::Mtu,
        Self::InnerMtu,
        Self::Stp,
        Self::Unplug,
        Self::DropAddress,
        Self::DropRoute,
        Self::DropLink,
        Self::DropFlood,
        Self::DamageTable,
        Self::DropTable,
        Self::DropAccept,
        Self::DoubleAccept,
        Self::Mac,
        Self::Ipv6,
    ];

    pub(crate) fn act(self, world: &mut World, pick: usize) {
        let marked: Vec<u32> =
            world.host.links.iter().filter(|link| link.mark().is_some()).map(|link| link.index).collect();
        let Some(index) = marked.get(pick % marked.len().max(1)).copied() else { return };
        let inner = world.pairs.iter().find(|((net, host), _)| *net == HOST && *host == index).map(|(_, inner)| *inner);
        let (inode, link) = inner.unwrap_or((HOST, index));
        match self {
            Self::LinkDown => world.host.set_up(index, false).unwrap(),
            Self::InnerDown => world.net(inode).set_up(link, false).unwrap(),
            Self::Mtu => world.host.set_mtu(index, 1000 + u32::try_from(pick).unwrap()).unwrap(),
            Self::InnerMtu => world.net(inode).set_mtu(link, 1300).unwrap(),
            Self::Stp => {
                for link in world.host.links.iter_mut().filter(|link| matches!(link.mark(), Some(Mark::Bridge(_)))) {
                    link.kind = LinkKind::Bridge(BridgeInfo { stp: true, multicast_snooping: pick.is_multiple_of(2) });
                }
            }
            Self::Unplug => world.host.link(index).master = None,
            Self::DropAddress => {
                let address = world.net(inode).addresses_of(link).next();
                address.into_iter().for_each(|address: Cidr| world.net(inode).delete_address(link, address));
            }
            Self::DropRoute => {
                world.net(inode).routes.retain(|route| route.ifindex != link || route.by_kernel);
            }
            Self::DropLink => world.remove((HOST, index)),
            Self::DropFlood => world.flood.values_mut().for_each(|peers| {
                peers.pop_first();
            }),
            Self::DamageTable => {
                if let Some(table) = world.firewall.table.take() {
                    world.firewall.damaged = true;
                    world.firewall.salvaged = table.publish;
                }
            }
            Self::DropTable => world.firewall.table = None,
            Self::DropAccept => world.firewall.forward.iter_mut().for_each(|chain| chain.accepts.clear()),
            Self::DoubleAccept => world.firewall.forward.iter_mut().for_each(|chain| {
                chain.accepts.extend(chain.accepts.clone());
            }),
            Self::Mac => world.net(inode).link(link).mac = Some(parse("02:aa:00:00:00:01")),
            Self::Ipv6 => {
                let conf = world.net(inode).link(link).ipv6_disabled;
                if let Some(off) = conf {
                    world.net(inode).set_ipv6(link, "disable_ipv6", i32::from(!off)).unwrap();
                    world.net(inode).set_ipv6(link, "accept_ra", 2).unwrap();
                }
            }
        }
    }
}
