//! Forwarding entries of bridges and VXLAN devices: `RTM_NEWNEIGH` of the bridge family.

use std::net::IpAddr;

use super::{Attributes, ip, u16_be, u32_at};
use crate::spec::Mac;

/// `struct ndmsg`: family, padding (3), index (4), state (2), flags, type.
const HEADER: usize = 12;

/// The entry is the device's own, not one of the bridge that it is a port of.
const NTF_SELF: u8 = 2;

const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_PORT: u16 = 6;

/// Behind which port, and behind which peer, a hardware address is (`bridge fdb`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FdbEntry {
    /// The port of the bridge, or the VXLAN device.
    pub(crate) ifindex: u32,
    /// Whether it is the device's own entry.
    pub(crate) own: bool,
    /// The hardware address; all zero for the flood list.
    pub(crate) mac: Mac,
    /// The peer.
    pub(crate) to: Option<IpAddr>,
    /// The peer's port, where it differs from the device's.
    pub(crate) port: Option<u16>,
}

/// Reads a forwarding entry; `None` when it has no hardware address.
pub(crate) fn fdb_entry(payload: &[u8]) -> Option<FdbEntry> {
    let (ifindex, flags) = (u32_at(payload, 4)?, *payload.get(10)?);
    let (mut mac, mut to, mut port) = (None, None, None);
    for (kind, value) in Attributes(payload.get(HEADER..)?) {
        match kind {
            NDA_DST => to = ip(value),
            NDA_LLADDR => mac = value.try_into().ok().map(Mac),
            NDA_PORT => port = u16_be(value),
            _ => {}
        }
    }
    Some(FdbEntry { ifindex, own: flags & NTF_SELF != 0, mac: mac?, to, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const FLOOD: [u8; 40] = [
        7, 0, 0, 0,              // AF_BRIDGE, padding
        4, 0, 0, 0,              // index
        0xc0, 0, 2, 0,           // permanent, noarp; self; type
        10, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, // NDA_LLADDR
        8, 0, 1, 0, 192, 0, 2, 2, // NDA_DST
        6, 0, 6, 0, 0x1a, 0x80, 0, 0, // NDA_PORT 6784, network order
    ];

    #[test]
    fn a_flood_entry_is_read() {
        let to = Some("192.0.2.2".parse().expect("address"));
        let expected = FdbEntry { ifindex: 4, own: true, mac: Mac([0; 6]), to, port: Some(6784) };
        assert_eq!(fdb_entry(&FLOOD), Some(expected));
        for end in 0..FLOOD.len() {
            let _ = fdb_entry(&FLOOD[..end]);
        }
    }
}
