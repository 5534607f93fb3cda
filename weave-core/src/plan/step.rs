//! One thing to do, as data: it can be printed, compared, undone.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::names;
use crate::observed::{AcceptRule, AttachmentMark, ChainTool, Family, Flood, Mark, WeaveTable};
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
    pub name: String,
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
    pub name: String,
    /// Network identifier.
    pub vni: u32,
    /// UDP port.
    pub port: u16,
    /// Source address.
    pub local: IpAddr,
    /// MTU.
    pub mtu: u32,
    /// The bridge.
    pub bridge: String,
    /// Whether it learns behind which peer an address is: at its own port, so it must not where a peer has another.
    pub learning: bool,
}

/// A veth pair to make: the host end a port of the bridge and up, its peer born in the container under its final
/// name, down. The host end carries the mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewVeth {
    /// Name of the host end.
    pub name: String,
    /// The container.
    pub target: ContainerRef,
    /// Name in the container.
    pub interface: String,
    /// Ethernet address in the container.
    pub mac: Mac,
    /// MTU of both ends.
    pub mtu: u32,
    /// The bridge.
    pub bridge: String,
    /// Alias of the host end.
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
/// A thousand containers need thousands of these: what is large and rare in them is boxed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Make a bridge without spanning tree and without multicast snooping, down.
    CreateBridge(Box<NewBridge>),
    /// Make a VXLAN device, down.
    CreateVxlan(NewVxlan),
    /// Make a veth pair.
    CreateVeth(Box<NewVeth>),
    /// Remove one link of the host.
    DeleteLink {
        /// Its name.
        link: String,
    },
    /// Remove many links of the host in one message, by a group that nobody uses.
    DeleteLinks {
        /// Their names.
        links: Vec<String>,
        /// The group.
        group: u32,
    },
    /// Write another alias on a link of the host.
    SetMark {
        /// Its name.
        link: String,
        /// The new alias.
        #[serde(serialize_with = "as_text")]
        mark: Box<Mark>,
        /// The alias so far.
        before: Option<String>,
    },
    /// Switch spanning tree and multicast snooping of a bridge.
    SetBridge {
        /// Its name.
        link: String,
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
        link: String,
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
        link: String,
        /// The bridge.
        bridge: Option<String>,
        /// The bridge so far.
        before: Option<String>,
    },
    /// Change an MTU in place.
    SetMtu {
        /// Where.
        place: Place,
        /// The link.
        link: String,
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
        link: String,
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
        link: String,
        /// Up or down.
        up: bool,
    },
    /// Write `net.ipv6.conf.<link>.<key>`.
    SetIpv6 {
        /// Where.
        place: Place,
        /// The link.
        link: String,
        /// `accept_ra` or `disable_ipv6`.
        key: String,
        /// The new value.
        value: i32,
        /// The value so far.
        before: i32,
    },
    /// Add an address to a link.
    AddAddress {
        /// Where.
        place: Place,
        /// The link.
        link: String,
        /// The address.
        address: Cidr,
    },
    /// Remove an address from a link.
    DeleteAddress {
        /// Where.
        place: Place,
        /// The link.
        link: String,
        /// The address.
        address: Cidr,
    },
    /// Add a route through a container's interface.
    AddRoute {
        /// Where.
        place: Place,
        /// The link.
        link: String,
        /// The route.
        route: Route,
    },
    /// Remove a route through a container's interface.
    DeleteRoute {
        /// Where.
        place: Place,
        /// The link.
        link: String,
        /// The route.
        route: Route,
    },
    /// Add destinations to the flood list. All of them, or none.
    AddFlood {
        /// The VXLAN device.
        link: String,
        /// The peers.
        peers: Vec<Flood>,
    },
    /// Remove destinations from the flood list. All of them, or none.
    DeleteFlood {
        /// The VXLAN device.
        link: String,
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
    /// Put weave's one accept at the head of a chain of others.
    AddAccept(AcceptRule),
    /// Take weave's accept from a chain of others.
    DeleteAccept(AcceptRule),
    /// Tell the network where the addresses of a container are, by gratuitous ARP and unsolicited neighbour
    /// advertisement.
    Announce {
        /// Where.
        place: Place,
        /// The link.
        link: String,
        /// The addresses.
        addresses: Vec<IpAddr>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => Ok(()),
            Self::Target(target) => write!(f, "[{target}] "),
        }
    }
}

/// The command line that does the same, as a reader would type it; `[web]` in front means in web's namespace.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBridge(new) => write!(
                f,
                "ip link add {} address {} mtu {} type bridge stp_state 0 mcast_snooping 0",
                new.name, new.mac, new.mtu
            ),
            Self::CreateVxlan(new) => write!(
                f,
                "ip link add {} mtu {} master {} type vxlan id {} dstport {} local {} {}",
                new.name,
                new.mtu,
                new.bridge,
                new.vni,
                new.port,
                new.local,
                if new.learning { "learning" } else { "nolearning" }
            ),
            Self::CreateVeth(new) => write!(
                f,
                "ip link add {} mtu {} master {} group {} up type veth peer name {} address {} mtu {} netns {}",
                new.name,
                new.mtu,
                new.bridge,
                names::GROUP,
                new.interface,
                new.mac,
                new.mtu,
                new.target
            ),
            Self::DeleteLink { link } => write!(f, "ip link delete {link}"),
            Self::DeleteLinks { links, group } => {
                write!(f, "ip link delete group {group}  # {} links", links.len())
            }
            Self::SetMark { link, mark, .. } => write!(f, "ip link set {link} alias '{mark}'"),
            Self::SetBridge { link, stp, multicast_snooping, .. } => write!(
                f,
                "ip link set {link} type bridge stp_state {} mcast_snooping {}",
                i32::from(*stp),
                i32::from(*multicast_snooping)
            ),
            Self::SetTunnel { link, local, learning, .. } => {
                let word = if *learning { "learning" } else { "nolearning" };
                write!(f, "ip link set {link} type vxlan local {local} {word}")
            }
            Self::SetMaster { link, bridge: Some(bridge), .. } => write!(f, "ip link set {link} master {bridge}"),
            Self::SetMaster { link, bridge: None, .. } => write!(f, "ip link set {link} nomaster"),
            Self::SetMtu { place, link, mtu, .. } => write!(f, "{place}ip link set {link} mtu {mtu}"),
            Self::SetMac { place, link, mac, .. } => write!(f, "{place}ip link set {link} address {mac}"),
            Self::SetUp { place, link, up } => {
                write!(f, "{place}ip link set {link} {}", if *up { "up" } else { "down" })
            }
            Self::SetIpv6 { place, link, key, value, .. } => {
                write!(f, "{place}sysctl net.ipv6.conf.{link}.{key}={value}")
            }
            Self::AddAddress { place, link, address } => write!(f, "{place}ip address add {address} dev {link}"),
            Self::DeleteAddress { place, link, address } => write!(f, "{place}ip address del {address} dev {link}"),
            Self::AddRoute { place, link, route } => write!(f, "{place}ip route add {route} dev {link}"),
            Self::DeleteRoute { place, link, route } => write!(f, "{place}ip route del {route} dev {link}"),
            Self::AddFlood { link, peers } => flood(f, "append", link, peers),
            Self::DeleteFlood { link, peers } => flood(f, "delete", link, peers),
            Self::SetTable { after, .. } => table(f, after.as_deref()),
            Self::AddAccept(rule) => accept(f, rule, true),
            Self::DeleteAccept(rule) => accept(f, rule, false),
            Self::Announce { place, link, addresses } => {
                write!(f, "{place}arping -A -I {link}")?;
                for address in addresses {
                    write!(f, " {address}")?;
                }
                Ok(())
            }
        }
    }
}

fn table(f: &mut fmt::Formatter<'_>, table: Option<&WeaveTable>) -> fmt::Result {
    let Some(table) = table else { return write!(f, "nft delete table inet {}", names::TABLE) };
    write!(f, "nft table inet {}: ", names::TABLE)?;
    match table.port {
        Some(port) => write!(f, "udp port {port} from {} peers only", table.peers.len())?,
        None => f.write_str("no router")?,
    }
    table.masquerade.iter().try_for_each(|network| write!(f, ", masquerade {network}"))
}

fn flood(f: &mut fmt::Formatter<'_>, verb: &str, link: &str, peers: &[Flood]) -> fmt::Result {
    write!(f, "bridge fdb {verb} 00:00:00:00:00:00 dev {link} dst")?;
    for peer in peers.iter().take(3) {
        write!(f, " {}", peer.address)?;
        if let Some(port) = peer.port {
            write!(f, " port {port}")?;
        }
    }
    if peers.len() > 3 { write!(f, " … ({} peers)", peers.len()) } else { Ok(()) }
}

fn accept(f: &mut fmt::Formatter<'_>, rule: &AcceptRule, add: bool) -> fmt::Result {
    let AcceptRule { tool, family, table, chain, bridge } = rule;
    let program = match (tool, family) {
        (ChainTool::Nft, _) => {
            let verb = if add { "insert" } else { "delete" };
            return write!(
                f,
                "nft {verb} rule {family} {table} {chain} iifname {bridge} oifname {bridge} accept comment {}",
                names::RULE_COMMENT
            );
        }
        (ChainTool::IptablesNft, Family::Ip6) => "ip6tables-nft",
        (ChainTool::IptablesNft, _) => "iptables-nft",
        (ChainTool::IptablesLegacy, Family::Ip6) => "ip6tables-legacy",
        (ChainTool::IptablesLegacy, _) => "iptables-legacy",
    };
    write!(
        f,
        "{program} -t {table} -{} {chain} -i {bridge} -o {bridge} -m comment --comment {} -j ACCEPT",
        if add { "I" } else { "D" },
        names::RULE_COMMENT
    )
}
