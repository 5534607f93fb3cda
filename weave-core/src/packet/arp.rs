//! ARP for IPv4 over Ethernet (RFC 826), as address conflict detection uses it (RFC 5227).

use std::net::Ipv4Addr;

use super::ethernet_header;
use super::socket::EtherType;
use crate::spec::Mac;

/// Ethernet, IPv4, six and four bytes of address.
const KIND: [u8; 6] = [0, 1, 0x08, 0, 6, 4];
const REQUEST: u16 = 1;
const REPLY: u16 = 2;
const HEADER: usize = 14;

/// "Who has `address`?" without an own address, so that nobody's cache is touched (RFC 5227, section 2.1.1).
pub(super) fn probe(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    request(mac, Ipv4Addr::UNSPECIFIED, address)
}

/// "`address` is mine": a request with the address as sender and target (RFC 5227, section 2.3).
pub(super) fn announcement(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    request(mac, address, address)
}

fn request(mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = ethernet_header([0xff; 6], mac, EtherType::Arp);
    frame.extend(KIND);
    frame.extend(REQUEST.to_be_bytes());
    frame.extend(mac.0);
    frame.extend(sender.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

/// Which address the sender of a frame has or is about to take.
///
/// The sender address of any request or reply is in use; a probe, which has none, asks for the address that its sender
/// is about to take (RFC 5227, section 2.1.1: both are conflicts).
pub(super) fn claim(frame: &[u8]) -> Option<(Ipv4Addr, Mac)> {
    let packet = frame.get(HEADER..HEADER + 28)?;
    let (kind, packet) = packet.split_first_chunk::<6>()?;
    let (operation, packet) = packet.split_first_chunk::<2>()?;
    let (hardware, packet) = packet.split_first_chunk::<6>()?;
    let (sender, packet) = packet.split_first_chunk::<4>()?;
    let target = packet.last_chunk::<4>()?;
    let operation = u16::from_be_bytes(*operation);
    if *kind != KIND || !matches!(operation, REQUEST | REPLY) {
        return None;
    }
    let address = match Ipv4Addr::from(*sender) {
        Ipv4Addr::UNSPECIFIED if operation == REQUEST => Ipv4Addr::from(*target),
        sender => sender,
    };
    (!address.is_unspecified()).then_some((address, Mac(*hardware)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x0a, 0x57, 10, 2, 1, 4]);
    const OTHER: Mac = Mac([0x0e, 1, 2, 3, 4, 5]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 2, 1, 4);

    #[test]
    fn a_probe_is_laid_out_as_in_rfc_5227() {
        #[rustfmt::skip]
        let wanted = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // to everybody
            0x0a, 0x57, 10, 2, 1, 4,            // from us
            0x08, 0x06,                         // ARP
            0x00, 0x01,                         // hardware: Ethernet
            0x08, 0x00,                         // protocol: IPv4
            6, 4,                               // lengths of their addresses
            0x00, 0x01,                         // request
            0x0a, 0x57, 10, 2, 1, 4,            // sender hardware address
            0, 0, 0, 0,                         // sender IP address: none
            0, 0, 0, 0, 0, 0,                   // target hardware address: to be found
            10, 2, 1, 4,                        // target IP address
        ];
        assert_eq!(probe(MAC, ADDRESS), wanted);
    }

    #[test]
    fn an_announcement_has_the_address_as_sender_and_target() {
        let mut wanted = probe(MAC, ADDRESS);
        wanted[28..32].copy_from_slice(&ADDRESS.octets());
        assert_eq!(announcement(MAC, ADDRESS), wanted);
    }

    #[test]
    fn replies_requests_and_probes_are_claims() {
        assert_eq!(claim(&announcement(OTHER, ADDRESS)), Some((ADDRESS, OTHER)));
        assert_eq!(claim(&probe(OTHER, ADDRESS)), Some((ADDRESS, OTHER)));
        let mut reply = announcement(OTHER, ADDRESS);
        reply[21] = 2;
        reply[32..38].copy_from_slice(&MAC.0);
        reply[38..42].fill(0);
        assert_eq!(claim(&reply), Some((ADDRESS, OTHER)), "an answer to a probe");
        reply.extend([0; 18]);
        assert_eq!(claim(&reply), Some((ADDRESS, OTHER)), "padded to the shortest Ethernet frame");
        let question = request(OTHER, Ipv4Addr::new(10, 2, 1, 9), ADDRESS);
        assert_eq!(claim(&question), Some((Ipv4Addr::new(10, 2, 1, 9), OTHER)), "the asked address is not claimed");
    }

    #[test]
    fn everything_else_is_no_claim() {
        let good = announcement(OTHER, ADDRESS);
        for length in 0..good.len() {
            assert_eq!(claim(&good[..length]), None, "cut to {length}");
        }
        // Hardware kind, protocol, lengths and operation.
        for at in 14..22 {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            assert_eq!(claim(&bad), None, "byte {at}");
        }
        assert_eq!(claim(&request(OTHER, Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED)), None);
    }
}
