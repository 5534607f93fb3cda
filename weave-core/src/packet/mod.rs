//! Packets that weave sends itself: address probes and announcements.
//!
//! Frames are made and read by pure functions ([`arp`], [`ndp`]); [`socket`] talks to the kernel.
//! All of it works in the network namespace of the calling thread, on an interface that needs neither an address nor
//! IPv6: packet sockets lie below both.

mod arp;
mod ndp;
#[cfg(test)]
mod rooms;
mod search;
mod socket;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::Result;
use crate::spec::Mac;
use search::Search;
use socket::{EtherType, PacketSocket};

/// How long an announcement may wait for the interface to take it.
const SEND_PATIENCE: Duration = Duration::from_millis(100);

/// Somebody's claim to an address, as a frame shows it.
type Claim = (IpAddr, Mac);

/// Tells all neighbours of interface `ifindex` that `addresses`, which are on it, are at its hardware address `mac`:
/// `arping -U`, `ndsend`.
///
/// A neighbour that knew another hardware address forgets it at once instead of after a minute, and bridges on the way
/// learn the port. Neighbours that never asked for the address do not care.
///
/// The frames are lost if the link has just come up and the bridge port at its other end is not yet enabled, which the
/// kernel does a moment later. Asking for that other end by netlink, alone and not in a dump, makes it be done at once
/// (Linux 6.8 and newer).
pub(crate) fn announce(ifindex: u32, mac: Mac, addresses: &[IpAddr]) -> Result<()> {
    let wire = Wire::open(ifindex, mac, addresses)?;
    let until = Instant::now() + SEND_PATIENCE;
    addresses.iter().try_for_each(|address| wire.announce(*address, until))
}

/// Asks the neighbours of interface `ifindex` who has any of `addresses`, and gives up after `wait`.
///
/// Every hardware address that claims one of them is in the answer, in the order of the addresses. That includes
/// another host that probes or announces the same address at the same moment; of two that do so, at least one hears of
/// the other. `mac` is the interface's own: answers are sent to it, and frames from it are not held against it. Returns
/// early when somebody has answered for each address. The questions are put three times, since a bridge port or tunnel
/// that has just come up may lose the first.
pub(crate) fn probe(ifindex: u32, mac: Mac, addresses: &[IpAddr], wait: Duration) -> Result<Vec<(IpAddr, Mac)>> {
    Search::new(Wire::open(ifindex, mac, addresses)?, addresses).run(wait)
}

/// Opens the sockets that probes and announcements need, and sends nothing.
pub(crate) fn rehearse(ifindex: u32) -> Result<()> {
    PacketSocket::open(ifindex, EtherType::Arp)?;
    PacketSocket::open(ifindex, EtherType::Ipv6).map(drop)
}

/// Announces out of any interface of the namespace where it was opened, in the name of others.
pub(crate) struct Crier(PacketSocket);

impl Crier {
    pub(crate) fn open() -> Result<Self> {
        PacketSocket::open_to_send().map(Self)
    }

    /// Tells what is behind each interface of `ifindexes` that `addresses` are at `mac`. One that is down or gone is
    /// passed over.
    pub(crate) fn announce(&self, ifindexes: &[u32], mac: Mac, addresses: &[IpAddr]) -> Result<()> {
        for address in addresses {
            let (frame, ethertype) = match address {
                IpAddr::V4(v4) => (arp::announcement(mac, *v4), EtherType::Arp),
                IpAddr::V6(v6) => (ndp::announcement(mac, *v6), EtherType::Ipv6),
            };
            ifindexes.iter().try_for_each(|ifindex| self.0.send_out_of(*ifindex, ethertype, &frame))?;
        }
        Ok(())
    }
}

/// An interface with a socket for each kind of address that is asked or told about.
struct Wire {
    mac: Mac,
    arp: Option<PacketSocket>,
    ndp: Option<PacketSocket>,
}

impl Wire {
    fn open(ifindex: u32, mac: Mac, addresses: &[IpAddr]) -> Result<Self> {
        let open = |wanted: bool, ethertype| wanted.then(|| PacketSocket::open(ifindex, ethertype)).transpose();
        Ok(Self {
            mac,
            arp: open(addresses.iter().any(IpAddr::is_ipv4), EtherType::Arp)?,
            ndp: open(addresses.iter().any(IpAddr::is_ipv6), EtherType::Ipv6)?,
        })
    }

    fn probe(&self, address: IpAddr, until: Instant) -> Result<()> {
        match address {
            IpAddr::V4(v4) => send(self.arp.as_ref(), &arp::probe(self.mac, v4), until),
            IpAddr::V6(v6) => send(self.ndp.as_ref(), &ndp::probe(self.mac, v6), until),
        }
    }

    fn announce(&self, address: IpAddr, until: Instant) -> Result<()> {
        match address {
            IpAddr::V4(v4) => send(self.arp.as_ref(), &arp::announcement(self.mac, v4), until),
            IpAddr::V6(v6) => send(self.ndp.as_ref(), &ndp::announcement(self.mac, v6), until),
        }
    }

    fn sockets(&self) -> impl Iterator<Item = &PacketSocket> {
        self.arp.iter().chain(&self.ndp)
    }
}

/// There is no socket only for a family of which no address was given when the wire was opened.
fn send(socket: Option<&PacketSocket>, frame: &[u8], until: Instant) -> Result<()> {
    socket.map_or(Ok(()), |socket| socket.send(frame, until))
}

/// The claim that a frame of either kind makes, unless it is our own voice.
fn foreign_claim(own: Mac, frame: &[u8]) -> Option<Claim> {
    let sender: [u8; 6] = frame.get(6..12)?.try_into().ok()?;
    let (address, mac) = match frame.get(12..14)? {
        [0x08, 0x06] => arp::claim(frame).map(|(v4, mac)| (IpAddr::V4(v4), mac))?,
        [0x86, 0xdd] => ndp::claim(frame).map(|(v6, mac)| (IpAddr::V6(v6), mac))?,
        _ => return None,
    };
    (sender != own.0 && mac != own).then_some((address, mac))
}

/// Ethernet: destination, source, type (IEEE 802.3).
fn ethernet_header(destination: [u8; 6], source: Mac, ethertype: EtherType) -> Vec<u8> {
    let mut frame = Vec::with_capacity(96);
    frame.extend(destination);
    frame.extend(source.0);
    frame.extend(ethertype.number().to_be_bytes());
    frame
}
