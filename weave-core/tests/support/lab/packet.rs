//! Making packets that nobody honest would send.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use super::netns::Netns;

/// The Ethernet address of everyone.
pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];

/// A protocol that no kernel answers (IEEE 802, local experimental).
pub(crate) const ETHERTYPE_TEST: u16 = 0x88b5;

/// An Ethernet frame, filled up to the smallest size.
pub(crate) fn ethernet(to: [u8; 6], from: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&to[..], &from, &ethertype.to_be_bytes(), payload].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// A frame with a VXLAN header (RFC 7348, section 5): the flag that says the identifier is valid, and the identifier.
pub(crate) fn vxlan(vni: u32, frame: &[u8]) -> Vec<u8> {
    [&[0x08, 0, 0, 0], (vni << 8).to_be_bytes().as_slice(), frame].concat()
}

/// Sends a datagram out of a namespace; `source` may be an address that is not its first.
pub(crate) fn send_udp(netns: &Netns, source: Option<IpAddr>, to: SocketAddr, payload: &[u8]) {
    let any = if to.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
    let from = SocketAddr::new(source.unwrap_or(any), 0);
    let sent = netns.in_netns(|| UdpSocket::bind(from)?.send_to(payload, to));
    sent.unwrap_or_else(|e| panic!("send {} bytes from {from} to {to}: {e}", payload.len()));
}

/// Sends a frame to a router, as a peer would, from whatever namespace.
pub(crate) fn send_vxlan(netns: &Netns, to: SocketAddr, vni: u32, frame: &[u8]) {
    send_udp(netns, None, to, &vxlan(vni, frame));
}
