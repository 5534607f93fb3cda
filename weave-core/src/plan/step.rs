//! One thing to do, as data: it can be printed, compared, undone.

mod touched;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::ControlStep;
use super::container::ContainerStep;
use crate::observed::{AcceptRule, AttachmentMark, ChainTool, Flood, Mark, PublishedPort, WeaveTable};
use crate::spec::{Cidr, ContainerRef, Mac, Route};

/// Where a step acts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the host's namespace.
    Host,
    /// In the namespace of a container.
    Target(ContainerRef),
}

/// A bridge to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewBridge {
    /// Name.
    pub name: Arc<str>,
    /// Ethernet address; given when it is made, because a bridge takes its ports' otherwise and changes with them.
    pub mac: Mac,
    /// MTU.
    pub mtu: u32,
    /// Alias.
    #[serde(serialize_with = "as_text")]
    pub mark: Mark,
}

/// A VXLAN device to make, as a port of the bridge. It is made down and set up by a later step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewVxlan {
    /// Name.
    pub name: Arc<str>,
    /// Network identifier.
    pub vni: u32,
    /// UDP port.
    pub port: u16,
    /// Source address.
    pub local: IpAddr,
    /// MTU.
    pub mtu: u32,
    /// The bridge.
    pub bridge: Arc<str>,
    /// Whether it learns behind which peer an address is: at its own port, so it must not where a peer has another.
    pub learning: bool,
}

/// A veth pair to make: the host end a port of the bridge and up, its peer born in the container under its final
/// name, down. The host end carries the mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewVeth {
    /// Name of the host end.
    pub name: Arc<str>,
    /// The container.
    pub target: ContainerRef,
    /// Name in the container.
    pub interface: Arc<str>,
    /// Ethernet address in the container.
    pub mac: Mac,
    /// MTU of both ends.
    pub mtu: u32,
    /// The bridge.
    pub bridge: Arc<str>,
    /// Alias of the host end.
    #[serde(serialize_with = "as_text")]
    pub mark: Mark,
}

/// A veth pair to make between the bridge and a classic router, both ends in the host's namespace and down. The end at
/// the bridge carries the mark; the router captures and injects frames at the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRouterPair {
    /// Name of the end that is a port of the bridge: `vethwe-bridge`.
    pub bridge_end: Arc<str>,
    /// Name of the router's end: `vethwe-pcap`.
    pub router_end: Arc<str>,
    /// The bridge.
    pub bridge: Arc<str>,
    /// MTU of both ends.
    pub mtu: u32,
    /// Alias of the end at the bridge.
    #[serde(serialize_with = "as_text")]
    pub mark: Mark,
}

fn as_text<S: serde::Serializer>(mark: &Mark, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(mark)
}

impl NewVeth {
    /// What the mark says.
    pub fn attachment(&self) -> Option<&AttachmentMark> {
        match &self.mark {
            Mark::Attachment(mark) => Some(mark),
            _ => None,
        }
    }
}

/// One thing to do. Each is done wholly or not at all.
///
/// A thousand containers need thousands of these: what is large and rare in them is boxed, names are shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Make a bridge without spanning tree and without multicast snooping, down.
    CreateBridge(Box<NewBridge>),
    /// Make a VXLAN device, down.
    CreateVxlan(NewVxlan),
    /// Make a veth pair.
    CreateVeth(Box<NewVeth>),
    /// Make the pair between the bridge and a classic router, down. [`DeleteLink`](Self::DeleteLink) of one end takes
    /// both.
    CreateRouterPair(Box<NewRouterPair>),
    /// Remove one link of the host.
    DeleteLink {
        /// Its name.
        link: Arc<str>,
    },
    /// Remove many links of the host in one message, by a group that nobody uses.
    DeleteLinks {
        /// Their names.
        links: Vec<Arc<str>>,
        /// The group.
        group: u32,
    },
    /// Write another alias on a link of the host.
    SetMark {
        /// Its name.
        link: Arc<str>,
        /// The new alias.
        #[serde(serialize_with = "as_text")]
        mark: Box<Mark>,
        /// The alias so far.
        before: Option<String>,
    },
    /// Take weave's alias from a link of the host that had none.
    ClearMark {
        /// Its name.
        link: Arc<str>,
        /// The alias so far.
        #[serde(serialize_with = "as_text")]
        mark: Box<Mark>,
    },
    /// Switch spanning tree and multicast snooping of a bridge.
    SetBridge {
        /// Its name.
        link: Arc<str>,
        /// Whether the spanning tree protocol runs.
        stp: bool,
        /// Whether multicast snooping is on.
        multicast_snooping: bool,
        /// Both so far.
        before: (bool, bool),
    },
    /// Change the source address, within its family, and the learning of a VXLAN device in place.
    SetTunnel {
        /// Its name.
        link: Arc<str>,
        /// Source address.
        local: IpAddr,
        /// Whether it learns behind which peer an address is.
        learning: bool,
        /// Both so far.
        before: (IpAddr, bool),
    },
    /// Make a link of the host a port of a bridge, or of none.
    SetMaster {
        /// Its name.
        link: Arc<str>,
        /// The bridge.
        bridge: Option<Arc<str>>,
        /// The bridge so far.
        before: Option<Arc<str>>,
    },
    /// Change an MTU in place.
    SetMtu {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// Bytes.
        mtu: u32,
        /// Bytes so far.
        before: u32,
    },
    /// Change an Ethernet address in place.
    SetMac {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// The new address.
        mac: Mac,
        /// The address so far.
        before: Mac,
    },
    /// Set a link up or down.
    SetUp {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// Up or down.
        up: bool,
    },
    /// Switch checksum offload of what a link sends, and with it TSO: while it is on, packets between links of one
    /// host have no checksum, which a router in user space would pass on as they are.
    SetOffload {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// On or off.
        on: bool,
        /// On or off so far.
        before: bool,
    },
    /// Write `net.ipv6.conf.<link>.<key>`.
    SetIpv6 {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// `accept_ra` or `disable_ipv6`.
        key: &'static str,
        /// The new value.
        value: i32,
        /// The value so far.
        before: i32,
    },
    /// Write `net.ipv4.conf.<link>.route_localnet` of a link of the host: whether 127.0.0.0/8 is an address like others.
    SetLocalnet {
        /// The link.
        link: Arc<str>,
        /// On or off.
        on: bool,
        /// On or off so far.
        before: bool,
    },
    /// Have a port of the bridge send frames back where they came from, or not.
    SetHairpin {
        /// The link.
        link: Arc<str>,
        /// On or off.
        on: bool,
        /// On or off so far.
        before: bool,
    },
    /// Add an address to a link.
    AddAddress {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// The address.
        address: Cidr,
    },
    /// Remove an address from a link.
    DeleteAddress {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// The address.
        address: Cidr,
    },
    /// Add a route through a container's interface.
    AddRoute {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// The route.
        route: Route,
    },
    /// Remove a route through a container's interface.
    DeleteRoute {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// The route.
        route: Route,
    },
    /// Add destinations to the flood list. All of them, or none.
    AddFlood {
        /// The VXLAN device.
        link: Arc<str>,
        /// The peers.
        peers: Vec<Flood>,
    },
    /// Remove destinations from the flood list. All of them, or none.
    DeleteFlood {
        /// The VXLAN device.
        link: Arc<str>,
        /// The peers.
        peers: Vec<Flood>,
    },
    /// Write weave's own table anew, or remove it, in one transaction.
    SetTable {
        /// What it shall say; `None` removes it.
        after: Option<Box<WeaveTable>>,
        /// What it said; `None` where there was none.
        before: Option<Box<WeaveTable>>,
    },
    /// Put an accept of weave's into a chain of others: at its head, those for published ports behind the rules of others.
    AddAccept(AcceptRule),
    /// Take an accept of weave's from a chain of others.
    DeleteAccept(AcceptRule),
    /// Take away what a classic router, which does not run any more, has made with iptables.
    DropRouterRules {
        /// By which iptables.
        tool: ChainTool,
        /// The bridge that they are about.
        bridge: Arc<str>,
    },
    /// Tell the network where the addresses of a container are, by gratuitous ARP and unsolicited neighbour
    /// advertisement.
    Announce {
        /// Where.
        place: Place,
        /// The link.
        link: Arc<str>,
        /// The addresses.
        addresses: Vec<IpAddr>,
    },
    /// Forget connections that the host's kernel remembers.
    ForgetFlows {
        /// Which.
        of: Flows,
    },
    /// Have the engine do one thing, in its turn among the others: the container of a classic router comes and goes.
    Engine(Box<ContainerStep>),
    /// Ask one thing of a classic router.
    Control(Box<ControlStep>),
}

/// Connections that the kernel remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flows {
    /// All that one of these addresses is an end of: they have gone to another place.
    All(Vec<IpAddr>),
    /// The same, without TCP connections over which something may still come: the addresses are on this host.
    Idle(Vec<IpAddr>),
    /// Those that came over these ports, which lead there no more.
    Published(Vec<PublishedPort>),
}

impl Step {
    /// Whether nothing depends on it.
    pub(crate) fn is_litter(&self) -> bool {
        matches!(self, Self::Engine(step) if step.is_litter())
    }

    /// Whether it may come to nothing, and be planned again.
    pub(crate) fn may_fail(&self) -> bool {
        matches!(self, Self::Control(step) if step.may_fail())
    }

    /// Whether nothing brings back what it takes away.
    pub(crate) fn is_final(&self) -> bool {
        use ContainerStep::{DropVolume, Remove};
        matches!(self, Self::Engine(step) if matches!(**step, Remove { .. } | DropVolume { .. }))
    }
}
