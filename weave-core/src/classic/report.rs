//! From the router's JSON to our own data.
//!
//! What is not there has its default, since routers of other versions say less; Go writes lists without items as null.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::observed::{
    IpamState, RouterConnection, RouterDns, RouterIpam, RouterPeer, RouterPeerConnection, RouterReport, RouterShare,
};

/// Reads a report. Only its part `Router` has to be there, by which it is known to be one.
pub(crate) fn parse(body: &[u8]) -> serde_json::Result<RouterReport> {
    serde_json::from_slice::<Report>(body).map(RouterReport::from)
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    ready: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    version: String,
    router: Router,
    #[serde(rename = "IPAM")]
    ipam: Option<Ipam>,
    #[serde(rename = "DNS")]
    dns: Option<Dns>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Router {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    nick_name: String,
    #[serde(default, deserialize_with = "or_default")]
    port: u16,
    #[serde(default, deserialize_with = "or_default")]
    encryption: bool,
    #[serde(default, deserialize_with = "or_default")]
    peer_discovery: bool,
    #[serde(default, deserialize_with = "or_default")]
    protocol_min_version: u32,
    #[serde(default, deserialize_with = "or_default")]
    protocol_max_version: u32,
    #[serde(default, deserialize_with = "or_default")]
    interface: String,
    #[serde(default, deserialize_with = "or_default")]
    targets: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    trusted_subnets: Vec<IpNetwork>,
    #[serde(default, deserialize_with = "or_default")]
    connections: Vec<Connection>,
    #[serde(default, deserialize_with = "or_default")]
    peers: Vec<Peer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Connection {
    #[serde(default, deserialize_with = "or_default")]
    address: String,
    #[serde(default, deserialize_with = "or_default")]
    outbound: bool,
    #[serde(default, deserialize_with = "or_default")]
    state: String,
    #[serde(default, deserialize_with = "or_default")]
    info: String,
    #[serde(default, deserialize_with = "or_default")]
    attrs: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Peer {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    nick_name: String,
    #[serde(default, deserialize_with = "or_default")]
    connections: Vec<PeerConnection>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PeerConnection {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    nick_name: String,
    #[serde(default, deserialize_with = "or_default")]
    address: String,
    #[serde(default, deserialize_with = "or_default")]
    outbound: bool,
    #[serde(default, deserialize_with = "or_default")]
    established: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ipam {
    range: IpNetwork,
    default_subnet: Option<IpNetwork>,
    paxos: Option<Paxos>,
    #[serde(default, rename = "ActiveIPs", deserialize_with = "or_default")]
    active: u64,
    #[serde(default, deserialize_with = "or_default")]
    entries: Vec<Share>,
    #[serde(default, deserialize_with = "or_default")]
    pending_allocates: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Paxos {
    #[serde(default, deserialize_with = "or_default")]
    elector: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Share {
    token: IpAddr,
    #[serde(default, deserialize_with = "or_default")]
    size: u64,
    #[serde(default, deserialize_with = "or_default")]
    peer: String,
    #[serde(default, deserialize_with = "or_default")]
    nickname: String,
    #[serde(default, deserialize_with = "or_default")]
    is_known_peer: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dns {
    #[serde(default, deserialize_with = "or_default")]
    domain: String,
    #[serde(default, deserialize_with = "or_default")]
    address: String,
    #[serde(default, deserialize_with = "or_default")]
    upstream: Vec<String>,
    #[serde(default, rename = "TTL", deserialize_with = "or_default")]
    ttl: u32,
    #[serde(default, deserialize_with = "or_default")]
    entries: Vec<DnsEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DnsEntry {
    /// When the name was taken away; 0 while it stands.
    #[serde(default, deserialize_with = "or_default")]
    tombstone: i64,
}

impl From<Report> for RouterReport {
    fn from(report: Report) -> Self {
        let router = report.router;
        let mut new = Self {
            version: report.version,
            ready: report.ready.unwrap_or(true),
            name: router.name,
            nickname: router.nick_name,
            port: router.port,
            encryption: router.encryption,
            discovery: router.peer_discovery,
            protocol_min: router.protocol_min_version,
            protocol_max: router.protocol_max_version,
            interface: router.interface,
            targets: router.targets,
            trusted_subnets: router.trusted_subnets,
            connections: router.connections.into_iter().map(RouterConnection::from).collect(),
            peers: router.peers.into_iter().map(RouterPeer::from).collect(),
            ipam: report.ipam.map(RouterIpam::from),
            dns: report.dns.map(RouterDns::from),
        };
        // The router's own order is another one each time.
        new.targets.sort();
        new.connections.sort_by(|a, b| (a.ip(), &a.address).cmp(&(b.ip(), &b.address)));
        new.peers.sort_by(|a, b| a.name.cmp(&b.name));
        new
    }
}

impl From<Connection> for RouterConnection {
    fn from(connection: Connection) -> Self {
        let Connection { address, outbound, state, info, attrs } = connection;
        let to = matches!(state.as_str(), "established" | "pending").then(|| other_end(&info)).flatten();
        Self {
            name: to.map(|(name, _)| name.to_owned()),
            nickname: to.map(|(_, nickname)| nickname.to_owned()),
            overlay: attrs.get("name").and_then(Value::as_str).map(str::to_owned),
            encrypted: attrs.get("encrypted").and_then(Value::as_bool).unwrap_or(info.starts_with("encrypted ")),
            mtu: attrs.get("mtu").and_then(Value::as_u64).and_then(|mtu| mtu.try_into().ok()),
            address,
            outbound,
            state,
            info,
        }
    }
}

/// Name and nickname in `[encrypted |unencrypted ]OVERLAY NAME(NICKNAME)`.
fn other_end(info: &str) -> Option<(&str, &str)> {
    let first = |text: &'static str| move |rest: &str| rest == text;
    let (word, rest) = info.trim().split_once(char::is_whitespace)?;
    let to = if first("encrypted")(word) || first("unencrypted")(word) {
        rest.trim_start().split_once(char::is_whitespace)?.1
    } else {
        rest
    };
    to.trim().strip_suffix(')')?.split_once('(')
}

impl From<Peer> for RouterPeer {
    fn from(peer: Peer) -> Self {
        let mut connections: Vec<_> = peer
            .connections
            .into_iter()
            .map(|connection| RouterPeerConnection {
                name: connection.name,
                nickname: connection.nick_name,
                address: connection.address,
                outbound: connection.outbound,
                established: connection.established,
            })
            .collect();
        connections.sort_by(|a, b| a.name.cmp(&b.name));
        Self { name: peer.name, nickname: peer.nick_name, connections }
    }
}

impl From<Ipam> for RouterIpam {
    fn from(ipam: Ipam) -> Self {
        let state = match &ipam.paxos {
            _ if ipam.entries.iter().any(|share| share.size > 0 && share.is_known_peer) => {
                if ipam.pending_allocates.is_empty() { IpamState::Ready } else { IpamState::Waiting }
            }
            _ if !ipam.entries.is_empty() => IpamState::Unreachable,
            Some(Paxos { elector: true }) => IpamState::AwaitingConsensus,
            Some(_) => IpamState::Priming,
            None => IpamState::Idle,
        };
        let entries = ipam.entries.into_iter().map(|share| RouterShare {
            first: share.token,
            size: share.size,
            peer: share.peer,
            nickname: share.nickname,
            known: share.is_known_peer,
        });
        Self {
            range: ipam.range,
            default_subnet: ipam.default_subnet.unwrap_or(ipam.range),
            state,
            active: ipam.active,
            entries: entries.collect(),
        }
    }
}

impl From<Dns> for RouterDns {
    fn from(dns: Dns) -> Self {
        Self {
            domain: dns.domain,
            address: dns.address,
            upstream: dns.upstream,
            ttl: dns.ttl,
            entries: dns.entries.iter().filter(|entry| entry.tombstone == 0).count(),
        }
    }
}
