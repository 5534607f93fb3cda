//! The packet filter as it was found.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::Serialize;

use super::InputChain;
use crate::names;
use crate::spec::options::Protocol;
use crate::spec::{Destination, Publication};

/// What matters of the packet filter. Rules of others are never read as a whole, but for [`inputs`](Self::inputs).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FirewallState {
    /// Our table, when it is there and reads as weave writes it.
    pub table: Option<WeaveTable>,
    /// Why `inet weave` is not ours, when somebody else made it.
    pub foreign: Option<String>,
    /// Our table is there but was changed by hand; it is written anew.
    pub damaged: bool,
    /// Published ports that can still be read in a damaged table, for nothing else tells of them.
    pub salvaged: BTreeSet<PublishedPort>,
    /// Chains of others that see forwarded packets.
    pub forward: Vec<ForwardChain>,
    /// `net.bridge.bridge-nf-call-iptables`; `None` where `br_netfilter` is not loaded.
    pub bridge_nf_v4: Option<bool>,
    /// `net.bridge.bridge-nf-call-ip6tables`.
    pub bridge_nf_v6: Option<bool>,
    /// `net.ipv4.ip_forward`; `None` where nobody looked.
    pub forwards_v4: Option<bool>,
    /// `net.ipv6.conf.all.forwarding`; `None` without IPv6.
    pub forwards_v6: Option<bool>,
    /// Why the packet filter cannot be looked at (the program `nft` is missing, say).
    pub unavailable: Option<String>,
    /// Whether weave's table is in the kernel all the same, so that it cannot be taken away.
    pub stuck: bool,
    /// Chains of others that could not be read, and why; whether they drop is known of their policy at most.
    pub unread: Vec<String>,
    /// By what a router in a container has left rules of its own; empty where nobody looked.
    pub router_rules: Vec<ChainTool>,
    /// Base chains of others that see what the host itself takes in; empty where nobody looked.
    pub inputs: Vec<InputChain>,
}

impl FirewallState {
    /// Whether frames between ports of a bridge pass `chain` now (`br_netfilter`).
    pub(crate) fn sees_bridged(&self, chain: &ForwardChain) -> bool {
        let (v4, v6) = (self.bridge_nf_v4 == Some(true), self.bridge_nf_v6 == Some(true));
        match chain.family {
            Family::Ip => v4,
            Family::Ip6 => v6,
            Family::Inet => v4 || v6,
        }
    }

    /// Chains that stop what is of the network, and that nobody but their owner can open.
    pub(crate) fn closed(&self, published: bool) -> impl Iterator<Item = &ForwardChain> {
        let concerns = move |chain: &&ForwardChain| published || self.sees_bridged(chain);
        self.forward.iter().filter(|chain| chain.owned && chain.drops).filter(concerns)
    }
}

impl ForwardChain {
    /// Of a chain with an owner: what that means for the network, and what opens it.
    pub(crate) fn owner_decides(&self, bridge: &str) -> (String, String) {
        let place = format!("{} {} {}", self.family, self.table, self.base);
        let message = format!(
            "{place} drops forwarded packets and belongs to another program alone, so weave puts no accept there"
        );
        let hint = if self.table == "firewalld" {
            format!(
                "containers reach each other once `firewall-cmd --permanent --zone=trusted --add-interface={bridge}` and \
                 `firewall-cmd --reload` let {bridge} pass (or `NftablesTableOwner=no` in firewalld.conf)"
            )
        } else {
            format!("have that program let pass what goes from {bridge} to {bridge}, and what is published")
        };
        (message, hint)
    }
}

/// What weave's own table says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WeaveTable {
    /// UDP port that only peers may send to; `None` while no router runs.
    pub port: Option<u16>,
    /// With a router in a container, the TCP port on 127.0.0.1 that takes orders, which nobody else reaches: then only
    /// peers may send to TCP `port` and to the UDP port behind it, too.
    pub control: Option<u16>,
    /// The peers.
    pub peers: BTreeSet<IpAddr>,
    /// Networks whose packets to and from elsewhere take the host's address.
    pub masquerade: BTreeSet<IpNetwork>,
    /// Ports of the host that lead to the network.
    pub publish: BTreeSet<PublishedPort>,
    /// The bridge that has `route_localnet` for ports published on 127.0.0.1, and through which nobody else may have
    /// anything to do with the host's loopback (CVE-2020-8558).
    pub localnet: Option<String>,
}

/// A port of the host that leads to an address of the network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PublishedPort {
    /// The port of the host.
    pub host_port: u16,
    /// What runs over it.
    pub protocol: Protocol,
    /// The address of the host; `None` is all of them.
    pub host_ip: Option<IpAddr>,
    /// Whose it becomes.
    pub to: IpAddr,
    /// The port there.
    pub port: u16,
    /// `None` where every client takes the host's address. Else clients keep theirs, except those in this network, the
    /// target's own: it would answer them without the host in between.
    pub direct: Option<IpNetwork>,
}

impl PublishedPort {
    /// Whether the same comes in at both, and so only one of them can be.
    pub fn is_same_port(&self, other: &Self) -> bool {
        let key = |port: &Self| (port.host_port, port.protocol, port.host_ip, port.to.is_ipv4());
        key(self) == key(other)
    }

    /// Whether it is to be reached at 127.0.0.1.
    pub fn is_local(&self) -> bool {
        self.to.is_ipv4() && self.host_ip.is_none_or(|ip| ip.is_loopback())
    }
}

impl From<&PublishedPort> for Publication {
    fn from(port: &PublishedPort) -> Self {
        Self {
            host_port: port.host_port,
            to: Destination::Address(port.to),
            port: port.port,
            protocol: port.protocol,
            host_ip: port.host_ip,
            masquerade: port.direct.is_none(),
        }
    }
}

impl WeaveTable {
    /// Whether there is nothing to say, so that no table is needed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which protocol family a chain is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4 (`ip`).
    Ip,
    /// IPv6 (`ip6`).
    Ip6,
    /// Both (`inet`); plain nft only.
    Inet,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Inet => "inet",
        })
    }
}

/// Whose chain it is, and so which program changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainTool {
    /// `iptables-nft` / `ip6tables-nft`.
    IptablesNft,
    /// `iptables-legacy` / `ip6tables-legacy`.
    IptablesLegacy,
    /// `nft`.
    Nft,
}

/// What one of our accepts lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Passage {
    /// Frames from port to port of the bridge.
    Bridged,
    /// Into the network: connections that were redirected to it, by a published port.
    Published,
    /// Out of the network: what answers them.
    Answers,
}

impl Passage {
    /// The comment of the accepts for it.
    pub(crate) fn comment(self) -> &'static str {
        match self {
            Self::Bridged => names::RULE_COMMENT,
            Self::Published | Self::Answers => names::PUBLISH_COMMENT,
        }
    }
}

impl AcceptRule {
    /// What it says, in the words of iptables. Of connections that were redirected, the first half of each goes into the
    /// network and the other comes out.
    pub(crate) fn words(&self) -> Vec<&str> {
        let bridge = self.bridge.as_str();
        let redirected = |direction| ["-m", "conntrack", "--ctstate", "DNAT", "--ctdir", direction];
        let mut words = match self.passage {
            Passage::Bridged => vec!["-i", bridge, "-o", bridge],
            Passage::Published => [&["-o", bridge][..], &redirected("ORIGINAL")].concat(),
            Passage::Answers => [&["-i", bridge][..], &redirected("REPLY")].concat(),
        };
        words.extend(["-m", "comment", "--comment", self.passage.comment(), "-j", "ACCEPT"]);
        words
    }
}

/// The place where a chain of others takes an accept of ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AcceptRule {
    /// The program that made the chain.
    pub tool: ChainTool,
    /// The family.
    pub family: Family,
    /// The table (`filter`).
    pub table: String,
    /// The chain (`DOCKER-USER`, `FORWARD`, …).
    pub chain: String,
    /// The bridge between whose ports frames pass.
    pub bridge: String,
    /// What passes.
    pub passage: Passage,
}

/// A base chain of others that sees forwarded packets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwardChain {
    /// The program that made it.
    pub tool: ChainTool,
    /// The family.
    pub family: Family,
    /// The table.
    pub table: String,
    /// The base chain itself (`FORWARD`).
    pub base: String,
    /// Where an accept belongs: `DOCKER-USER` where the base chain goes there first, else the base chain.
    pub chain: String,
    /// Whether what no rule accepts is dropped: by its policy, or by a last rule that drops or rejects everything.
    pub drops: bool,
    /// Whether its table has an owner (`flags owner`): the kernel lets no other program change it. Since 2024 firewalld
    /// makes its table so (`NftablesTableOwner=yes`).
    pub owned: bool,
    /// Bridges of accepts with weave's comment in it, in `chain` or in the base chain, and where they stand.
    pub accepts: Vec<AcceptRule>,
}
