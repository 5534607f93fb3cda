//! The peers, and for a router in a container its connections to them.

use std::net::IpAddr;

use serde::Serialize;

use crate::classic::plain;
use crate::observed::{Flood, Observed, RouterConnection, RouterReport, classic_peer};
use crate::spec::{Peer, PeerHost};

/// What is known of a peer. VXLAN has no sessions: nothing says that it is alive but what was learned from its frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// Its address; its name where a router in a container was told a name.
    pub address: String,
    /// Its port, where it differs from ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The interface towards it; nothing where there is no route.
    pub interface: Option<String>,
    /// MTU of the path to it, as far as the host knows.
    pub mtu: Option<u32>,
    /// Hardware addresses learned behind it in the last five minutes; null for a router in a container, which does not
    /// tell.
    pub learned: Option<usize>,
    /// The connection of a router in a container to it; absent where there is none, and for a VXLAN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionStatus>,
}

/// A connection of a router in a container, or its attempts to get one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionStatus {
    /// Address and TCP port of the other end.
    pub address: String,
    /// `established`; `pending` (the handshake is under way), `connecting`, `retrying`, `failed` or `waiting`.
    pub state: String,
    /// Why it is not established, in the router's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether this router connected to the other one.
    pub outbound: bool,
    /// The other router's name, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_name: Option<String>,
    /// The other router's nickname, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// What carries the frames: `sleeve` (user space) or `fastdp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
    /// Whether frames are encrypted on the way.
    pub encrypted: bool,
    /// The largest frame's payload that goes through in one piece, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

impl From<&RouterConnection> for ConnectionStatus {
    /// What comes from other hosts may stand on a terminal: control characters are escaped.
    fn from(connection: &RouterConnection) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(plain);
        Self {
            address: plain(&connection.address),
            state: plain(&connection.state),
            why: connection.why_not().as_deref().map(plain),
            outbound: connection.outbound,
            peer_name: text(&connection.name),
            nickname: text(&connection.nickname),
            overlay: text(&connection.overlay),
            encrypted: connection.encrypted,
            mtu: connection.mtu,
        }
    }
}

/// All peers, by their addresses.
pub(super) fn peers(observed: &Observed) -> Vec<PeerStatus> {
    let Some((_, mark)) = observed.router_port().filter(|_| observed.vxlan().is_none()) else {
        return observed.flood.iter().map(|flood| of_flood(observed, flood)).collect();
    };
    let Some(Ok(report)) = observed.classic.as_ref().map(|classic| &classic.report) else { return Vec::new() };
    let mut targets: Vec<Target> = report.targets.iter().map(|text| Target::read(text, mark.port)).collect();
    targets.sort_by(|a, b| (a.flood.is_none(), a.order(), &a.name).cmp(&(b.flood.is_none(), b.order(), &b.name)));
    targets
        .into_iter()
        .map(|target| {
            let connection = target.connection(report, mark.port).map(ConnectionStatus::from);
            let known = match &target.flood {
                Some(flood) => of_flood(observed, flood),
                None => of_name(target.name, mark.port),
            };
            PeerStatus { learned: None, connection, ..known }
        })
        .collect()
}

fn of_flood(observed: &Observed, flood: &Flood) -> PeerStatus {
    let path = observed.paths.get(&flood.address);
    let link = path.and_then(|path| observed.link_at(path.ifindex));
    PeerStatus {
        address: flood.address.to_string(),
        port: flood.port,
        interface: link.map(|link| link.name.clone()),
        mtu: path.and_then(|path| path.mtu).or(link.map(|link| link.mtu)),
        learned: Some(observed.learned.get(&flood.address).copied().unwrap_or(0)),
        connection: None,
    }
}

fn of_name(name: String, own: u16) -> PeerStatus {
    let (address, port) = match name.parse::<Peer>() {
        Ok(Peer { host: PeerHost::Name(name), port }) => (name, port.filter(|port| *port != own)),
        _ => (name, None),
    };
    PeerStatus { address, port, interface: None, mtu: None, learned: None, connection: None }
}

/// Connections that no peer has.
pub(super) fn others(report: &RouterReport, port: u16) -> Vec<ConnectionStatus> {
    let targets: Vec<Target> = report.targets.iter().map(|text| Target::read(text, port)).collect();
    let of_none = |connection: &&RouterConnection| targets.iter().all(|target| target.rank(connection, port).is_none());
    report.connections.iter().filter(of_none).map(ConnectionStatus::from).collect()
}

/// Whom the router was told to connect to.
struct Target {
    name: String,
    /// Its address; nothing for a name, which only the router resolves.
    flood: Option<Flood>,
}

impl Target {
    fn read(text: &str, port: u16) -> Self {
        Self { name: plain(text), flood: classic_peer(text, port) }
    }

    fn order(&self) -> Option<(IpAddr, Option<u16>)> {
        self.flood.map(|flood| (flood.address, flood.port))
    }

    /// Of several the best.
    fn connection<'a>(&self, report: &'a RouterReport, port: u16) -> Option<&'a RouterConnection> {
        let ranked =
            report.connections.iter().filter_map(|connection| Some((self.rank(connection, port)?, connection)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, connection)| connection)
    }

    /// Whether `connection` leads to it: to its port, or from its address, where the other end connected first. The
    /// lower the better.
    fn rank(&self, connection: &RouterConnection, port: u16) -> Option<u8> {
        let flood = self.flood?;
        let to_port = format!(":{}", flood.port.unwrap_or(port));
        if connection.ip() != Some(flood.address) {
            return None;
        }
        match (connection.address.ends_with(&to_port), connection.outbound, connection.is_established()) {
            (true, _, true) => Some(0),
            (false, false, true) => Some(1),
            (true, _, false) => Some(2),
            (false, false, false) => Some(3),
            (false, true, _) => None,
        }
    }
}
