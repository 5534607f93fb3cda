//! A connection from its first byte to its last.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::forward;
use crate::handshake::{self, Failure, Met, Wire};
use crate::ipam::{Holder, Ring, Want};
use crate::peers::Connection;
use crate::router::Router;
use crate::topology::Peer;

/// A peer that takes no more bytes holds up everything else for so long at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// A line between peers, after the handshake.
#[derive(Serialize, Deserialize)]
pub(crate) enum Message {
    /// Who is within reach.
    Topology(Vec<Peer>),
    /// A datagram has arrived.
    Heard,
    /// Who has which addresses.
    Ring(Ring),
    /// A request for an address, by number.
    Want(u64, Want),
    /// The answer to it.
    Gave(u64, Option<Ipv4Addr>),
}

/// Dials an address, and lives with the connection until it ends.
pub(crate) fn dial(router: &Arc<Router>, address: SocketAddr) {
    match TcpStream::connect(address) {
        Ok(stream) => serve(router, stream, Some(address)),
        Err(why) => {
            let why = format!("dial tcp :0->{address}: connect: {}", handshake::reason(&why));
            router.peers().failed(address, why, true);
        }
    }
}

/// Lives with a connection until it ends; `dialled` is the address that was, if we did.
pub(crate) fn serve(router: &Arc<Router>, stream: TcpStream, dialled: Option<SocketAddr>) {
    let failure = match Wire::new(stream) {
        Ok(mut wire) => match handshake::shake(router, &mut wire, dialled.is_some()) {
            Ok(met) => converse(router, wire, met, dialled),
            Err(failure) => failure,
        },
        Err(why) => Failure::from(why),
    };
    let mut peers = router.peers();
    peers.terminations += u64::from(failure.again);
    if let Some(address) = dialled {
        peers.failed(address, failure.text, failure.again);
    }
}

fn converse(router: &Arc<Router>, mut wire: Wire, met: Met, dialled: Option<SocketAddr>) -> Failure {
    let Met { hello, encrypted } = met;
    let address = dialled.unwrap_or(wire.remote);
    let shared = wire.stream.set_write_timeout(Some(PATIENCE)).and_then(|()| wire.stream.try_clone());
    let stream = match shared {
        Ok(stream) => stream,
        Err(why) => return Failure::from(handshake::reason(&why)),
    };
    let udp = SocketAddr::new(address.ip(), hello.port);
    let peer = Holder { name: hello.name, nickname: hello.nickname };
    let id = router.number();
    let connection = Connection {
        id,
        name: peer.name.clone(),
        nickname: peer.nickname.clone(),
        uid: hello.uid,
        allocates: hello.range.is_some(),
        address,
        outbound: dialled.is_some(),
        udp,
        encrypted,
        mtu: forward::mtu(udp, encrypted),
        heard: false,
        told: false,
        last: Instant::now(),
        stream,
        why: None,
    };
    let (name, own) = (format!("{}({})", peer.name, peer.nickname), format!("{}({})", router.name, router.nickname));
    let collision = format!("Multiple connections to {name} added to {own}");
    let added = router.peers().add(connection, &router.name, &collision);
    if let Err(why) = added {
        return Failure::from(why);
    }
    router.publish();
    router.publish_ring();
    let why = listen(router, id, &peer, &mut wire);
    let ours = router.peers().remove(id);
    router.forward.forget(&peer.name);
    router.publish();
    Failure::from(ours.unwrap_or(why))
}

/// Does what the peer's lines ask for, until there are no more.
fn listen(router: &Router, id: u64, peer: &Holder, wire: &mut Wire) -> String {
    loop {
        match wire.read() {
            Ok(Message::Topology(told)) => router.learn(told),
            Ok(Message::Heard) => router.told(id),
            Ok(Message::Ring(ring)) => router.take_ring(ring),
            Ok(Message::Want(number, want)) => router.give(id, number, &want, peer.clone()),
            Ok(Message::Gave(number, address)) => router.answered(number, address),
            Err(why) => return why,
        }
    }
}
