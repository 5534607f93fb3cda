//! Links, addresses, routes and forwarding entries as the kernel shows them.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::Serialize;

use super::{AttachmentMark, Mark, RouterPortMark};
use crate::spec::{Cidr, Mac};

/// A network interface (`ip -d link`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: LinkKind,
    /// Its Ethernet address, where it has one.
    pub mac: Option<Mac>,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// Whether it is set up (`IFF_UP`).
    pub up: bool,
    /// The number of the bridge it is a port of.
    pub master: Option<u32>,
    /// Its alias, which weave marks its own links with.
    pub alias: Option<String>,
    /// Its group.
    pub group: u32,
    /// The number of the link it is tied to; for a veth, of its other end.
    pub peer_index: Option<u32>,
    /// The namespace of that link, as this namespace numbers it; `None` when it is in this one.
    pub peer_netnsid: Option<i32>,
    /// `net.ipv6.conf.<name>.disable_ipv6`; `None` where the kernel has no IPv6 for it.
    pub ipv6_disabled: Option<bool>,
    /// `net.ipv6.conf.<name>.accept_ra`.
    pub accept_ra: Option<i32>,
    /// `net.ipv4.conf.<name>.route_localnet`; `None` where the kernel does not say.
    pub route_localnet: Option<bool>,
    /// Whether, as a port of a bridge, it sends frames back where they came from; `None` where it is no port.
    pub hairpin: Option<bool>,
    /// Whether checksums of what it sends are left to others (`ethtool -k`: `tx-checksumming`); `None` where nobody
    /// asked for it ([`Scope::offload`](super::Scope::offload)), or the kernel does not say.
    pub tx_checksum: Option<bool>,
}

impl Link {
    /// What weave wrote on it, when weave made it.
    pub fn mark(&self) -> Option<Mark> {
        self.alias.as_deref().and_then(Mark::parse)
    }

    /// The same, of the host end of an attachment.
    pub fn attachment(&self) -> Option<AttachmentMark> {
        match self.veth_mark(Mark::ATTACHMENT)? {
            Mark::Attachment(mark) => Some(mark),
            _ => None,
        }
    }

    /// The same, of the port of the bridge that leads to a classic router.
    pub fn router_port(&self) -> Option<RouterPortMark> {
        match self.veth_mark(Mark::ROUTER)? {
            Mark::RouterPort(mark) => Some(mark),
            _ => None,
        }
    }

    /// The mark that begins with `what`. Whoever asks a thousand links waits for those that are read.
    fn veth_mark(&self, what: &str) -> Option<Mark> {
        let alias = self.alias.as_deref().filter(|_| self.kind == LinkKind::Veth)?;
        alias.starts_with(what).then(|| Mark::parse(alias))?
    }
}

/// What a link is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    /// A bridge.
    Bridge(BridgeInfo),
    /// A VXLAN device.
    Vxlan(VxlanInfo),
    /// One end of a veth pair.
    Veth,
    /// Something else, as the kernel names it; empty for a physical device.
    Other(String),
}

impl LinkKind {
    /// The kernel's word for it.
    pub fn name(&self) -> &str {
        match self {
            Self::Bridge(_) => "bridge",
            Self::Vxlan(_) => "vxlan",
            Self::Veth => "veth",
            Self::Other(name) if name.is_empty() => "a device",
            Self::Other(name) => name,
        }
    }
}

/// A bridge's settings that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BridgeInfo {
    /// Whether the spanning tree protocol runs.
    pub stp: bool,
    /// Whether it learns who listens to which group; if not, multicast is flooded.
    pub multicast_snooping: bool,
}

/// A VXLAN device's settings that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct VxlanInfo {
    /// Network identifier.
    pub vni: u32,
    /// UDP destination port.
    pub port: u16,
    /// Source address of the tunnel.
    pub local: Option<IpAddr>,
    /// Whether it learns which peer a hardware address is behind.
    pub learning: bool,
}

/// One destination of flooded frames (`bridge fdb`: `00:00:00:00:00:00 dst …`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Flood {
    /// The peer.
    pub address: IpAddr,
    /// Its port, where it differs from the device's.
    pub port: Option<u16>,
}

/// An address on a link (`ip address`). Link-local IPv6 addresses that the kernel made are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InterfaceAddress {
    /// The link.
    pub ifindex: u32,
    /// The address and its prefix.
    pub address: Cidr,
}

/// A route of the main table (`ip route`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InterfaceRoute {
    /// The outgoing link.
    pub ifindex: u32,
    /// The destination; prefix 0 for the default route.
    pub to: IpNetwork,
    /// The next hop.
    pub via: Option<IpAddr>,
    /// The preferred source address.
    pub source: Option<IpAddr>,
    /// Whether the kernel made it for an address (`proto kernel`).
    pub by_kernel: bool,
    /// Its metric; the kernel takes 0 for IPv4 and 1024 for IPv6 where none is given.
    pub metric: u32,
}
