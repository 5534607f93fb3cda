//! IS: what a look at the host found. Plain data, no decisions; absent is `None`.

mod classic;
mod container;
mod facts;
mod firewall;
mod input;
mod link;
mod listener;
mod mark;
mod pairs;
mod router_report;
mod target;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::Serialize;

pub use classic::Classic;
pub(crate) use classic::{peer as classic_peer, target as classic_target};
pub use container::{Bond, Container, ContainerScope, Containers, Image, Status};
pub use facts::{Ability, EngineFacts, EngineNetwork, HostFacts};
pub use firewall::{AcceptRule, ChainTool, Family, FirewallState, ForwardChain, Passage, PublishedPort, WeaveTable};
pub use input::{Arrival, Condition, Fate, InputChain, InputRule, Item, What};
pub use link::{BridgeInfo, Flood, InterfaceAddress, InterfaceRoute, Link, LinkKind, VxlanInfo};
pub use listener::{Listener, Protocol};
pub use mark::{AttachmentMark, BridgeMark, Mark, RouterPortMark};
pub use pairs::{AttachedLink, attached, attached_networks};
pub(crate) use pairs::{Pair, is_linked, pairs};
pub use router_report::{
    IpamState, RouterConnection, RouterDns, RouterIpam, RouterPeer, RouterPeerConnection, RouterReport, RouterShare,
};
pub use target::{NetnsId, Target, TargetNet, TargetProblem};
pub use touched::Touched;

use crate::spec::{Cidr, ContainerRef};

/// What to look at. Links and addresses of the host are always dumped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Containers and namespaces to enter.
    pub targets: Vec<ContainerRef>,
    /// Enter the namespaces of all attachments that the host's links show, too.
    pub attachments: bool,
    /// Names of peers to resolve.
    pub names: Vec<String>,
    /// Peer addresses whose paths are wanted, besides those in the flood list.
    pub peers: Vec<IpAddr>,
    /// Look at the flood list.
    pub router: bool,
    /// Look at the paths to the peers, those in the flood list and those named.
    pub paths: bool,
    /// Look at the routes of the host.
    pub routes: bool,
    /// Look at the packet filter.
    pub firewall: bool,
    /// But not where it is left alone and the tunnel runs: nothing of it matters then.
    pub unless_unmanaged: bool,
    /// Look for rules that a router in a container has made with iptables, where there is its port.
    pub router_rules: bool,
    /// Look at what other programs let in, which takes a process or two for each of their tables.
    pub inputs: bool,
    /// Look which ports are published, and at nothing else of the packet filter. It takes no process where none is.
    pub published: bool,
    /// Ask the engine about these, and about the container of a router that there is.
    pub containers: ContainerScope,
    /// Look at checksum offload, which costs a system call for each link: of the pair between the bridge and a classic
    /// router, and of all ends of veth pairs in [`targets`](Self::targets). Where there is such a pair it is looked at in
    /// any case.
    pub offload: bool,
    /// Look who listens on the ports of a router in a container, where there is one.
    pub listeners: bool,
    /// Look who listens on these ports of the host, too.
    pub ports: Vec<u16>,
}

impl Scope {
    /// Whether the packet filter of a host whose links are these is to be looked at.
    pub fn wants_firewall(&self, host: &Observed) -> bool {
        let unmanaged = || host.bridge().is_some_and(|(.., mark)| mark.firewall_unmanaged);
        self.firewall && !(self.unless_unmanaged && host.vxlan().is_some() && unmanaged())
    }
}

/// What a look at the host found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Observed {
    /// Links of the host's namespace.
    pub links: Vec<Link>,
    /// Addresses on them.
    pub addresses: Vec<InterfaceAddress>,
    /// Routes of the host's main table; empty when they were not asked for.
    pub routes: Vec<InterfaceRoute>,
    /// The flood list of weave's VXLAN device.
    pub flood: Vec<Flood>,
    /// How many hardware addresses the VXLAN device has learned behind each peer.
    pub learned: BTreeMap<IpAddr, usize>,
    /// What the names of peers resolved to; an empty list where nothing was found.
    pub names: BTreeMap<String, Vec<IpAddr>>,
    /// Those of them that do not resolve at this moment: `names` has what they resolved to before, as a watch remembers it.
    pub recalled: BTreeSet<String>,
    /// How the host reaches each peer address; absent where there is no route.
    pub paths: BTreeMap<IpAddr, Path>,
    /// The packet filter; `None` when it was not asked for.
    pub firewall: Option<FirewallState>,
    /// The ports that are published, where they were asked for without the packet filter.
    pub published: Option<BTreeSet<PublishedPort>>,
    /// Containers and namespaces, by what the caller called them; for attachments found by themselves, by their mark.
    pub targets: BTreeMap<ContainerRef, Target>,
    /// The router in a container, where there is one and it was asked for.
    pub classic: Option<Classic>,
    /// Who listens on its ports, and on those that were asked for; empty where nothing was.
    pub listeners: Vec<Listener>,
    /// Containers and images that a step of the plan may concern: the router's.
    pub containers: Containers,
    /// Something unique to this host for a stable hardware address when it has no underlay address yet; empty where
    /// there is a bridge, which has one.
    pub host_id: String,
}

/// How the host reaches an address of the underlay (`ip route get`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Path {
    /// The source address that the kernel would choose.
    pub source: Option<IpAddr>,
    /// The interface it goes out of.
    pub ifindex: u32,
    /// The route's own MTU, where it has one.
    pub mtu: Option<u32>,
    /// Whether the address is the host's own.
    pub local: bool,
}

impl Observed {
    /// The link called `name`.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The link with number `index`.
    pub fn link_at(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// The bridge that weave made, with what is marked on it.
    pub fn bridge(&self) -> Option<(&Link, &BridgeInfo, BridgeMark)> {
        self.links.iter().find_map(|link| match &link.kind {
            LinkKind::Bridge(info) => match link.mark() {
                Some(Mark::Bridge(mark)) => Some((link, info, mark)),
                _ => None,
            },
            _ => None,
        })
    }

    /// The VXLAN device that weave made; of two, the one that is up, else the older one.
    pub fn vxlan(&self) -> Option<(&Link, &VxlanInfo)> {
        self.vxlans().min_by_key(|(link, _)| (!link.up, link.index))
    }

    /// All VXLAN devices that weave made: two when a change of the router was interrupted.
    pub fn vxlans(&self) -> impl Iterator<Item = (&Link, &VxlanInfo)> {
        self.links.iter().filter_map(|link| match &link.kind {
            LinkKind::Vxlan(info) => (link.mark() == Some(Mark::Router)).then_some((link, info)),
            _ => None,
        })
    }

    /// The port of the bridge that leads to a classic router, with what is marked on it. Whoever looks for the host's
    /// router of kind `image` asks here.
    pub fn router_port(&self) -> Option<(&Link, RouterPortMark)> {
        self.links.iter().find_map(|link| Some((link, link.router_port()?)))
    }

    /// The other end of a veth pair of which both are in the host's namespace.
    pub fn other_end(&self, link: &Link) -> Option<&Link> {
        let here = link.kind == LinkKind::Veth && link.peer_netnsid.is_none();
        self.link_at(link.peer_index.filter(|_| here)?).filter(|other| other.kind == LinkKind::Veth)
    }

    /// What weave's own table of the packet filter says.
    pub fn table(&self) -> Option<&WeaveTable> {
        self.firewall.as_ref().and_then(|firewall| firewall.table.as_ref())
    }

    /// The host ends of all attachments.
    pub fn attachments(&self) -> impl Iterator<Item = (&Link, AttachmentMark)> {
        self.links.iter().filter_map(|link| Some((link, link.attachment()?)))
    }

    /// Addresses of the host's link `index`.
    pub fn addresses_of(&self, index: u32) -> impl Iterator<Item = Cidr> {
        self.addresses.iter().filter(move |address| address.ifindex == index).map(|address| address.address)
    }

    /// Whether the host itself has `ip`.
    pub fn is_own(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|address| address.address.ip() == ip)
    }

    /// Routes of the host whose destination overlaps `network`, other than through `except`.
    pub fn overlapping(&self, network: IpNetwork, except: Option<u32>) -> impl Iterator<Item = &InterfaceRoute> {
        self.routes
            .iter()
            .filter(move |route| route.to.prefix() > 0 && Some(route.ifindex) != except && overlap(route.to, network))
    }
}

/// Whether two networks have an address in common.
pub fn overlap(a: IpNetwork, b: IpNetwork) -> bool {
    a.contains(b.network()) || b.contains(a.network())
}
