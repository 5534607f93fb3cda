//! Steps in words: the command line that does the same.

use std::fmt;
use std::net::IpAddr;

use super::{Flows, Place, Step};
use crate::names;
use crate::observed::{AcceptRule, ChainTool, Family, Flood, Passage, PublishedPort, WeaveTable};
use crate::spec::Publication;

/// Of both ends of a pair.
const QUEUES: &str = "numtxqueues 1 numrxqueues 1";

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
                "ip link add {} mtu {} {QUEUES} master {} group {} up type veth peer name {} address {} mtu {} {QUEUES} netns {}",
                new.name,
                new.mtu,
                new.bridge,
                names::GROUP,
                new.interface,
                new.mac,
                new.mtu,
                new.target
            ),
            Self::CreateRouterPair(new) => write!(
                f,
                "ip link add {} mtu {} master {} type veth peer name {} mtu {}",
                new.bridge_end, new.mtu, new.bridge, new.router_end, new.mtu
            ),
            Self::DeleteLink { link } => write!(f, "ip link delete {link}"),
            Self::DeleteLinks { links, group } => {
                write!(f, "ip link delete group {group}  # {} links", links.len())
            }
            Self::ClearMark { link, .. } => write!(f, "ip link set {link} alias ''"),
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
            Self::SetOffload { place, link, on, .. } => {
                write!(f, "{place}ethtool -K {link} tx {}", if *on { "on" } else { "off" })
            }
            Self::SetIpv6 { place, link, key, value, .. } => {
                write!(f, "{place}sysctl net.ipv6.conf.{link}.{key}={value}")
            }
            Self::SetLocalnet { link, on, .. } => {
                write!(f, "sysctl net.ipv4.conf.{link}.route_localnet={}", i32::from(*on))
            }
            Self::SetHairpin { link, on, .. } => {
                write!(f, "ip link set {link} type bridge_slave hairpin {}", if *on { "on" } else { "off" })
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
            Self::DropRouterRules { tool, .. } => {
                let program = if *tool == ChainTool::IptablesLegacy { "iptables-legacy" } else { "iptables-nft" };
                write!(f, "{program} -F WEAVE-EXPOSE; {program} -t nat -F WEAVE; … (what the router made)")
            }
            Self::Announce { place, link, addresses } => {
                write!(f, "{place}arping -A -I {link}")?;
                for address in addresses {
                    write!(f, " {address}")?;
                }
                Ok(())
            }
            Self::ForgetFlows { of } => flows(f, of),
            Self::Engine(step) => step.fmt(f),
            Self::Control(step) => step.fmt(f),
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
    table.masquerade.iter().try_for_each(|network| write!(f, ", masquerade {network}"))?;
    table.publish.iter().try_for_each(|port| write!(f, ", publish {}", Publication::from(port)))
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

fn flows(f: &mut fmt::Formatter<'_>, flows: &Flows) -> fmt::Result {
    // One address at a time, and one end of one direction.
    let ends = |ip: &IpAddr| ["-s", "-d", "-r", "-q"].map(|end| format!("conntrack -D {end} {ip}")).join("; ");
    let all = |ips: &[IpAddr]| ips.iter().map(ends).collect::<Vec<_>>().join("; ");
    match flows {
        Flows::All(ips) => f.write_str(&all(ips)),
        Flows::Idle(ips) => write!(f, "{} (but no live TCP connection)", all(ips)),
        Flows::Published(ports) => {
            let one = |port: &PublishedPort| {
                let PublishedPort { protocol, host_port, to, .. } = port;
                format!("conntrack -D -p {} --orig-port-dst {host_port} -r {to}", protocol.name())
            };
            f.write_str(&ports.iter().map(one).collect::<Vec<_>>().join("; "))
        }
    }
}

fn accept(f: &mut fmt::Formatter<'_>, rule: &AcceptRule, add: bool) -> fmt::Result {
    let AcceptRule { tool, family, table, chain, bridge, passage } = rule;
    let program = match (tool, family) {
        (ChainTool::Nft, _) => {
            let verb = match (add, passage) {
                (false, _) => "delete",
                (true, Passage::Bridged) => "insert",
                (true, _) => "add",
            };
            let which = match passage {
                Passage::Bridged => format!("iifname {bridge} oifname {bridge}"),
                Passage::Published => format!("oifname {bridge} ct direction original ct status dnat"),
                Passage::Answers => format!("iifname {bridge} ct direction reply ct status dnat"),
            };
            let comment = passage.comment();
            return write!(f, "nft {verb} rule {family} {table} {chain} {which} accept comment {comment}");
        }
        (ChainTool::IptablesNft, Family::Ip6) => "ip6tables-nft",
        (ChainTool::IptablesNft, _) => "iptables-nft",
        (ChainTool::IptablesLegacy, Family::Ip6) => "ip6tables-legacy",
        (ChainTool::IptablesLegacy, _) => "iptables-legacy",
    };
    let verb = match (add, passage) {
        (false, _) => "D",
        (true, Passage::Bridged) => "I",
        (true, _) => "A",
    };
    write!(f, "{program} -t {table} -{verb} {chain} {}", rule.words().join(" "))
}
