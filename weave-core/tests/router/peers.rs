//! Whom this router wants to be connected to, and whom it is connected to. As the real one: an address is dialled while
//! no connection to it is up, and not at all when its host has dialled us.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use crate::topology::{Link, Topology};

/// Between the end of an attempt and the next one.
const RETRY: Duration = Duration::from_secs(1);

/// Without a datagram for so long, a connection is given up.
const SILENCE: Duration = Duration::from_secs(10);

/// Where an attempt at a target stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Attempting,
    Connected,
    Suspended,
}

/// An address that is or was dialled.
pub(crate) struct Target {
    pub(crate) state: State,
    pub(crate) error: Option<String>,
    /// When it is dialled next, by both clocks; None is never.
    pub(crate) retry: Option<(Instant, SystemTime)>,
}

/// A connection whose handshake is done.
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) nickname: String,
    pub(crate) uid: u64,
    /// Whether it allocates addresses, too.
    pub(crate) allocates: bool,
    pub(crate) address: SocketAddr,
    pub(crate) outbound: bool,
    pub(crate) udp: SocketAddr,
    pub(crate) encrypted: bool,
    pub(crate) mtu: u64,
    /// Whether datagrams of the peer arrive here, and ours there.
    pub(crate) heard: bool,
    pub(crate) told: bool,
    pub(crate) last: Instant,
    pub(crate) stream: TcpStream,
    /// Why this side ended it.
    pub(crate) why: Option<String>,
}

impl Connection {
    /// Frames flow both ways.
    pub(crate) fn established(&self) -> bool {
        self.heard && self.told
    }

    fn end(&mut self, why: String) {
        self.why.get_or_insert(why);
        // The thread that reads from it sees the end, and removes it.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Targets and connections, and what is known of those further away.
#[derive(Default)]
pub(crate) struct Peers {
    /// As they were given; port 0 where none was.
    pub(crate) direct: BTreeMap<String, SocketAddr>,
    pub(crate) targets: BTreeMap<SocketAddr, Target>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) topology: Topology,
    pub(crate) terminations: u64,
}

impl Peers {
    /// Adds targets, or replaces all; those that wait are dialled at once.
    pub(crate) fn want(&mut self, peers: Vec<(String, SocketAddr)>, replace: bool, port: u16) {
        if replace {
            self.direct.clear();
        }
        for (peer, address) in peers {
            if let Some(target) = self.targets.get_mut(&complete(address, port)) {
                target.retry = Some((Instant::now(), SystemTime::now()));
            }
            self.direct.insert(peer, address);
        }
    }

    /// The addresses to dial now; they count as being dialled from here on.
    pub(crate) fn due(&mut self, own: &str, port: u16, discovery: bool) -> Vec<SocketAddr> {
        let (valid, direct) = self.valid(own, port, discovery);
        for address in &valid {
            let fresh =
                || Target { state: State::Waiting, error: None, retry: Some((Instant::now(), SystemTime::now())) };
            self.targets.entry(*address).or_insert_with(fresh);
        }
        let idle = |target: &Target| matches!(target.state, State::Waiting | State::Suspended);
        self.targets.retain(|address, target| !idle(target) || valid.contains(address) || direct.contains(address));
        let mut due = Vec::new();
        for (address, target) in self.targets.iter_mut().filter(|(_, target)| idle(target)) {
            target.state = if valid.contains(address) { State::Waiting } else { State::Suspended };
            if target.state == State::Waiting && target.retry.is_some_and(|(at, _)| at <= Instant::now()) {
                target.state = State::Attempting;
                due.push(*address);
            }
        }
        due
    }

    fn valid(&self, own: &str, port: u16, discovery: bool) -> (BTreeSet<SocketAddr>, BTreeSet<SocketAddr>) {
        let connected: BTreeSet<_> = self.connections.iter().map(|one| one.address).collect();
        let inbound: BTreeSet<IpAddr> =
            self.connections.iter().filter(|one| !one.outbound).map(|one| one.address.ip()).collect();
        let unwanted = |address: &&SocketAddr| address.port() == 0 && inbound.contains(&address.ip());
        let wanted = self.direct.values().filter(|address| !unwanted(address));
        let mut valid: BTreeSet<_> = wanted.map(|address| complete(*address, port)).collect();
        if discovery {
            let reached = |name: &str| name == own || self.connections.iter().any(|one| one.name == name);
            let links = self.topology.others(own).flat_map(|peer| &peer.connections);
            valid.extend(links.filter(|link| !reached(&link.name)).filter_map(|link| dialled(link, port)));
        }
        valid.retain(|address| !connected.contains(address));
        (valid, self.direct.values().map(|address| complete(*address, port)).collect())
    }

    /// An attempt or connection came to nothing.
    pub(crate) fn failed(&mut self, address: SocketAddr, error: String, again: bool) {
        if let Some(target) = self.targets.get_mut(&address) {
            target.state = State::Waiting;
            target.error = Some(error);
            target.retry = again.then(|| (Instant::now() + RETRY, SystemTime::now() + RETRY));
        }
    }

    /// A handshake is done. Of two connections between the same routers one stays, and both choose the same.
    pub(crate) fn add(&mut self, new: Connection, own: &str, collision: &str) -> Result<(), String> {
        let dialler = |one: &Connection| if one.outbound { own.to_owned() } else { one.name.clone() };
        if let Some(old) = self.connections.iter_mut().find(|old| old.name == new.name && old.why.is_none()) {
            if old.uid == new.uid && dialler(old) <= dialler(&new) {
                return Err(collision.to_owned());
            }
            old.end(collision.to_owned());
        }
        if let Some(target) = self.targets.get_mut(&new.address).filter(|_| new.outbound) {
            target.state = State::Connected;
        }
        self.connections.push(new);
        Ok(())
    }

    /// Takes a connection away; why this side ended it, if it did.
    pub(crate) fn remove(&mut self, id: u64) -> Option<String> {
        let at = self.connections.iter().position(|one| one.id == id)?;
        self.connections.remove(at).why
    }

    /// Ends the connections on which no datagram comes.
    pub(crate) fn drop_silent(&mut self) {
        for one in self.connections.iter_mut().filter(|one| one.last.elapsed() > SILENCE) {
            one.end("timed out waiting for UDP heartbeat".to_owned());
        }
    }

    /// The connections as other routers are told of them.
    pub(crate) fn links(&self) -> Vec<Link> {
        let link = |one: &Connection| Link {
            name: one.name.clone(),
            nickname: one.nickname.clone(),
            address: one.address.to_string(),
            outbound: one.outbound,
            established: one.established(),
        };
        self.connections.iter().filter(|one| one.why.is_none()).map(link).collect()
    }

    /// The connection whose datagrams come from an address.
    pub(crate) fn by_udp(&mut self, from: SocketAddr) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|one| one.udp == from && one.why.is_none())
    }
}

/// Where to dial a peer of a peer: where that one dialled it, or its host's usual port.
fn dialled(link: &Link, port: u16) -> Option<SocketAddr> {
    let address: SocketAddr = link.address.parse().ok()?;
    Some(if link.outbound { address } else { SocketAddr::new(address.ip(), port) })
}

fn complete(address: SocketAddr, port: u16) -> SocketAddr {
    if address.port() == 0 { SocketAddr::new(address.ip(), port) } else { address }
}
