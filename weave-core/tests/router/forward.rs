//! Frames between the bridge and the peers, over UDP. A datagram is one byte that says what it is, and the rest.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use nix::sys::socket::{getsockopt, sockopt::IpMtu};
use serde_json::{Value, json};

use crate::capture::{self, Capture};
use crate::clock;
use crate::router::Router;

/// A datagram that says only that datagrams arrive.
const HEARTBEAT: u8 = 0;

/// A datagram that holds a frame.
const FRAME: u8 = 1;

/// Larger than any frame.
const BUFFER: usize = 1 << 16;

/// What the bridge itself is meant to hear, and nobody behind it (spanning tree).
const BRIDGES: [u8; 6] = [0x01, 0x80, 0xc2, 0, 0, 0];

type Mac = [u8; 6];

struct Seen {
    peer: String,
    nickname: String,
    last: SystemTime,
}

/// The socket of the peers, and where which Ethernet address was seen.
pub(crate) struct Forward {
    udp: UdpSocket,
    macs: Mutex<BTreeMap<Mac, Seen>>,
    captured: AtomicU64,
    dropped: AtomicU64,
}

impl Forward {
    pub(crate) fn new(udp: UdpSocket) -> Self {
        Self { udp, macs: Mutex::default(), captured: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    /// Tells a peer that datagrams arrive, once it hears this.
    pub(crate) fn beat(&self, peer: SocketAddr) {
        self.send(HEARTBEAT, &[], peer);
    }

    /// Forgets what was behind a peer that is gone.
    pub(crate) fn forget(&self, peer: &str) {
        self.macs().retain(|_, seen| seen.peer != peer);
    }

    /// How many frames came from the bridge, as the report has it.
    pub(crate) fn stats(&self) -> Value {
        let (received, dropped) = (self.captured.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed));
        json!({"PacketsDropped": dropped, "PacketsIfDropped": 0, "PacketsReceived": received})
    }

    /// All learned addresses, as the report has them: null when there are none.
    pub(crate) fn report(&self) -> Value {
        let row = |(mac, seen): (&Mac, &Seen)| json!({"Mac": capture::text(mac), "Name": seen.peer, "NickName": seen.nickname, "LastSeen": clock::rfc3339(seen.last)});
        let rows: Vec<_> = self.macs().iter().map(row).collect();
        if rows.is_empty() { Value::Null } else { Value::from(rows) }
    }

    fn macs(&self) -> MutexGuard<'_, BTreeMap<Mac, Seen>> {
        self.macs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, mac: Mac, peer: &str, nickname: &str) {
        let seen = Seen { peer: peer.to_owned(), nickname: nickname.to_owned(), last: SystemTime::now() };
        self.macs().insert(mac, seen);
    }

    fn behind(&self, mac: Mac) -> Option<String> {
        self.macs().get(&mac).map(|seen| seen.peer.clone())
    }

    fn send(&self, kind: u8, payload: &[u8], to: SocketAddr) {
        let ours = self.udp.local_addr().is_ok_and(|address| address.is_ipv6());
        let to = match to.ip() {
            IpAddr::V4(ip) if ours => SocketAddr::new(ip.to_ipv6_mapped().into(), to.port()),
            _ => to,
        };
        // A datagram may be lost anywhere; what does not fit into one is lost here.
        if self.udp.send_to(&[&[kind], payload].concat(), to).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Sends what the bridge sends, to whom it may concern.
pub(crate) fn from_bridge(router: &Router, capture: &Capture) -> Result<(), String> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let frame = capture.read(&mut buffer)?;
        let Some((to, from)) = ends(frame) else { continue };
        let forward = &router.forward;
        forward.captured.fetch_add(1, Ordering::Relaxed);
        if to == BRIDGES {
            continue;
        }
        // A frame that was injected never comes back this way, so its sender is behind this bridge.
        forward.learn(from, &router.name, &router.nickname);
        let behind = forward.behind(to);
        if behind.as_deref() == Some(router.name.as_str()) {
            continue;
        }
        for peer in router.established(behind.as_deref()) {
            forward.send(FRAME, frame, peer);
        }
    }
}

/// Injects what established peers send; nobody else is heard.
pub(crate) fn from_peers(router: &Router, capture: &Capture) -> Result<(), String> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (size, from) = match router.forward.udp.recv_from(&mut buffer) {
            Ok(received) => received,
            // A peer that does not listen is reported on the next call.
            Err(why) if why.raw_os_error().is_some() => continue,
            Err(why) => return Err(format!("read from peers: {why}")),
        };
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        match buffer[..size].split_first() {
            Some((&HEARTBEAT, [])) => router.heard(from),
            Some((&FRAME, frame)) => {
                let (Some((name, nickname)), Some((_, source))) = (router.sender(from), ends(frame)) else { continue };
                router.forward.learn(source, &name, &nickname);
                if !capture.inject(frame) {
                    router.forward.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            _ => {}
        }
    }
}

/// The largest frame's payload that fits into a datagram to a peer: the real router takes 62 bytes of the path's MTU
/// for itself, and 24 more where it encrypts. IPv6 has a longer header.
pub(crate) fn mtu(peer: SocketAddr, encrypted: bool) -> u64 {
    let any = if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let path = UdpSocket::bind(any).and_then(|socket| socket.connect(peer).map(|()| socket));
    let path = path.ok().and_then(|socket| getsockopt(&socket, IpMtu).ok()).and_then(|mtu| u64::try_from(mtu).ok());
    let overhead = 62 + if encrypted { 24 } else { 0 } + if peer.is_ipv6() { 20 } else { 0 };
    path.unwrap_or(1500).saturating_sub(overhead)
}

/// Destination and source of a frame.
fn ends(frame: &[u8]) -> Option<(Mac, Mac)> {
    Some((frame.get(..6)?.try_into().ok()?, frame.get(6..12)?.try_into().ok()?))
}
