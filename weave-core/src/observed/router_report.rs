//! What a weave router container says of itself and of its peers (`GET /report` on its control port).

use std::net::{IpAddr, SocketAddr};

use ipnetwork::IpNetwork;
use serde::Serialize;

/// A router container's report; `weave status` of the classic script prints the same in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouterReport {
    /// The router's version, such as `2.8.1`.
    pub version: String,
    /// Whether all parts of the router have come up; true where an older router does not say.
    pub ready: bool,
    /// The name by which its peers know it: a hardware address (`--name`).
    pub name: String,
    /// What people call it: the host's name (`--nickname`).
    pub nickname: String,
    /// TCP port for control and UDP port for data, to which peers connect (`--port`); 0 where it is not told.
    pub port: u16,
    /// Whether it has a password, so that it encrypts what goes to peers outside of the trusted subnets.
    pub encryption: bool,
    /// Whether it connects to peers of its peers (off: `--no-discovery`).
    pub discovery: bool,
    /// The oldest protocol that it speaks.
    pub protocol_min: u32,
    /// The newest protocol that it speaks.
    pub protocol_max: u32,
    /// What it captures frames from, such as `vethwe-pcap (via pcap)`.
    pub interface: String,
    /// Peers that it was told to connect to, as they were written then, sorted.
    pub targets: Vec<String>,
    /// Subnets with which it does not encrypt (`--trusted-subnets`).
    pub trusted_subnets: Vec<IpNetwork>,
    /// Its own connections, those that it still tries included, by address.
    pub connections: Vec<RouterConnection>,
    /// All peers that are known in the network, itself included, by name.
    pub peers: Vec<RouterPeer>,
    /// The allocation of addresses; `None` when it is off (no `--ipalloc-range`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipam: Option<RouterIpam>,
    /// Its name server; `None` when it is off (`--no-dns`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<RouterDns>,
}

/// A connection of the router, or its attempts to get one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouterConnection {
    /// Address and TCP port of the other end.
    pub address: String,
    /// Whether this router connected to the other one.
    pub outbound: bool,
    /// `established`; `pending` (the handshake is under way), `connecting`, `retrying`, `failed` or `waiting`.
    pub state: String,
    /// The router's own words: of a connection what it runs over and to whom, else why there is none.
    pub info: String,
    /// The other router's name, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The other router's nickname, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// What carries the frames: `sleeve` (user space) or `fastdp` (Open vSwitch's module in the kernel).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
    /// Whether frames are encrypted on the way.
    pub encrypted: bool,
    /// The largest frame's payload that goes through in one piece, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

/// A router of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouterPeer {
    /// Its name: a hardware address.
    pub name: String,
    /// What people call it.
    pub nickname: String,
    /// Its connections as it told them, by name.
    pub connections: Vec<RouterPeerConnection>,
}

/// A connection as one of its ends told it to all others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouterPeerConnection {
    /// The other end's name.
    pub name: String,
    /// The other end's nickname.
    pub nickname: String,
    /// The other end's address and TCP port.
    pub address: String,
    /// Whether the teller connected to the other end.
    pub outbound: bool,
    /// Whether frames can go over it.
    pub established: bool,
}

/// How the router allocates addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterIpam {
    /// Where addresses come from (`--ipalloc-range`).
    pub range: IpNetwork,
    /// Where they come from when the asker names no subnet (`--ipalloc-default-subnet`).
    pub default_subnet: IpNetwork,
    /// Whether it can give addresses now.
    pub state: IpamState,
    /// How many addresses of the range containers of this host hold.
    pub active: u64,
    /// Who may give which part of the range; empty until the peers have agreed.
    pub entries: Vec<RouterShare>,
}

/// Whether a router can give addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IpamState {
    /// Nobody asked for an address yet, so the peers have not divided the range.
    Idle,
    /// It waits until the peers have divided the range, and takes no part in that.
    Priming,
    /// The peers are about to divide the range, and too few have answered.
    AwaitingConsensus,
    /// It gives addresses.
    Ready,
    /// All that it may give is given, and requests wait.
    Waiting,
    /// The whole range belongs to peers that nobody can reach.
    Unreachable,
}

impl IpamState {
    /// Whether the routers have divided the range among themselves: until then none of it can be claimed or given.
    pub fn is_divided(self) -> bool {
        matches!(self, Self::Ready | Self::Waiting | Self::Unreachable)
    }
}

/// A part of the range that one peer gives addresses from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterShare {
    /// The first address of the part.
    pub first: IpAddr,
    /// How many addresses it has.
    pub size: u64,
    /// The peer's name.
    pub peer: String,
    /// The peer's nickname.
    pub nickname: String,
    /// Whether the peer can be reached.
    pub known: bool,
}

/// The router's name server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouterDns {
    /// The domain it answers for, such as `weave.local.`.
    pub domain: String,
    /// Address and port where it listens.
    pub address: String,
    /// Servers that it asks for all other names.
    pub upstream: Vec<String>,
    /// How long answers may be kept, in seconds.
    pub ttl: u32,
    /// How many names of containers it knows, those of all peers together.
    pub entries: usize,
}

impl RouterConnection {
    /// Whether frames can go over it.
    pub fn is_established(&self) -> bool {
        self.state == "established"
    }

    /// The address of the other end without its port.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.parse::<SocketAddr>().ok().map(|address| address.ip())
    }

    /// Why there is no connection, as the router tells it; `None` when there is one.
    pub fn why_not(&self) -> Option<String> {
        let info = self.info.trim();
        // When it tries again is said in a form that only its own clock can read.
        let (why, again) = info.rsplit_once(", retry: ").unwrap_or((info, ""));
        Some(match (self.state.as_str(), why) {
            ("established", _) => return None,
            ("pending", _) => "the two routers are still shaking hands".to_owned(),
            ("connecting", "") => "no answer yet".to_owned(),
            (state, "") => state.to_owned(),
            ("failed", why) if again == "never" => format!("{why}; it is not tried again"),
            (_, why) => why.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_there_is_no_connection() {
        let table = [
            ("established", "sleeve 02:00:00:00:00:0b(hostB)", None),
            ("pending", "sleeve 02:00:00:00:00:0b(hostB)", Some("the two routers are still shaking hands")),
            ("connecting", "", Some("no answer yet")),
            (
                "retrying",
                "dial tcp4 :0->192.0.2.9:6783: i/o timeout",
                Some("dial tcp4 :0->192.0.2.9:6783: i/o timeout"),
            ),
            ("failed", "no, retry: yes, retry: 2026-11-22 14:38:50 +0000 UTC m=+10.7", Some("no, retry: yes")),
            (
                "failed",
                "cannot connect to ourself, retry: never",
                Some("cannot connect to ourself; it is not tried again"),
            ),
            ("failed", "", Some("failed")),
            ("waiting", "until: never", Some("until: never")),
            ("some day", "", Some("some day")),
        ];
        for (state, info, expected) in table {
            let connection =
                RouterConnection { state: state.to_owned(), info: info.to_owned(), ..RouterConnection::default() };
            assert_eq!(connection.why_not().as_deref(), expected, "{state} {info}");
            assert_eq!(connection.is_established(), expected.is_none(), "{state}");
        }
    }

    #[test]
    fn the_address_without_its_port() {
        let ip = |address: &str| RouterConnection { address: address.to_owned(), ..RouterConnection::default() }.ip();
        assert_eq!(ip("192.0.2.9:6783"), Some(IpAddr::from([192, 0, 2, 9])));
        assert_eq!(ip("[2001:db8::9]:6783"), "2001:db8::9".parse().ok());
        assert_eq!(ip("host9:6783"), None);
    }
}
