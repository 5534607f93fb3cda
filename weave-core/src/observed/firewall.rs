//! The packet filter as it was found.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::Serialize;

/// What matters of the packet filter. Rules of others are never read as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FirewallState {
    /// Our table, when it is there and reads as weave writes it.
    pub table: Option<WeaveTable>,
    /// Why `inet weave` is not ours, when somebody else made it.
    pub foreign: Option<String>,
    /// Our table is there but was changed by hand; it is written anew.
    pub damaged: bool,
    /// Chains of others that see forwarded packets.
    pub forward: Vec<ForwardChain>,
    /// `net.bridge.bridge-nf-call-iptables`; `None` where `br_netfilter` is not loaded.
    pub bridge_nf_v4: Option<bool>,
    /// `net.bridge.bridge-nf-call-ip6tables`.
    pub bridge_nf_v6: Option<bool>,
    /// Why the packet filter cannot be looked at (the program `nft` is missing, say).
    pub unavailable: Option<String>,
    /// Chains of others that could not be read, and why; whether they drop is known of their policy at most.
    pub unread: Vec<String>,
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

/// The place where a chain of others takes our one accept.
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
    /// Bridges of accepts with weave's comment in it, in `chain` or in the base chain, and where they stand.
    pub accepts: Vec<AcceptRule>,
}
