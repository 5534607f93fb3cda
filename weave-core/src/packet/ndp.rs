//! Neighbour discovery for IPv6 (RFC 4861), as duplicate address detection uses it (RFC 4862).

use std::net::Ipv6Addr;

use super::ethernet_header;
use super::socket::EtherType;
use crate::spec::Mac;

const ICMPV6: u8 = 58;
/// Routers lower the hop limit, so 255 proves that the sender is on this link (RFC 4861, section 3.1).
const ON_LINK: u8 = 255;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// The override flag: "forget what you knew" (RFC 4861, section 4.4).
const OVERRIDE: u8 = 0x20;
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ETHERNET: usize = 14;
const IPV6: usize = 40;

/// "Who has `address`?" from nobody to the group of its holders (RFC 4862, section 5.4.2).
pub(super) fn probe(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend(address.octets());
    frame(mac, Ipv6Addr::UNSPECIFIED, solicited_node(address), message)
}

/// "`address` is mine, whatever you knew": an unsolicited advertisement (RFC 4861, section 7.2.6).
pub(super) fn announcement(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0];
    message.extend(address.octets());
    message.extend([TARGET_LINK_LAYER, 1]);
    message.extend(mac.0);
    frame(mac, address, ALL_NODES, message)
}

/// Which address the sender of a frame has or is about to take.
///
/// The target of an advertisement and the source of a solicitation are in use; a solicitation without a source asks for
/// the address that its sender is about to take (RFC 4862, section 5.4.3).
pub(super) fn claim(frame: &[u8]) -> Option<(Ipv6Addr, Mac)> {
    let (source, message) = message(frame)?;
    let sender = Mac(frame.get(6..12)?.try_into().ok()?);
    let target = Ipv6Addr::from(*message.get(8..24)?.first_chunk::<16>()?);
    let options = message.get(24..)?;
    let (address, mac) = match *message.first()? {
        ADVERTISEMENT => (target, link_layer(options, TARGET_LINK_LAYER)?.unwrap_or(sender)),
        SOLICITATION if source.is_unspecified() => (target, sender),
        SOLICITATION => (source, link_layer(options, SOURCE_LINK_LAYER)?.unwrap_or(sender)),
        _ => return None,
    };
    (!address.is_unspecified() && !address.is_multicast()).then_some((address, mac))
}

/// The source address and the ICMPv6 message of a valid neighbour discovery frame (RFC 4861, section 7.1).
fn message(frame: &[u8]) -> Option<(Ipv6Addr, &[u8])> {
    let packet = frame.get(ETHERNET..)?;
    let (header, rest) = packet.split_first_chunk::<IPV6>()?;
    let [first, _, _, _, length_high, length_low, next_header, hop_limit, addresses @ ..] = header;
    if first >> 4 != 6 || *next_header != ICMPV6 || *hop_limit != ON_LINK {
        return None;
    }
    let message = rest.get(..usize::from(u16::from_be_bytes([*length_high, *length_low])))?;
    let source = Ipv6Addr::from(*addresses.first_chunk::<16>()?);
    let destination = Ipv6Addr::from(*addresses.last_chunk::<16>()?);
    (message.get(1) == Some(&0) && checksum(source, destination, message) == 0).then_some((source, message))
}

/// The Ethernet address in the option of type `wanted`; no message at all when an option is broken.
#[allow(clippy::option_option, reason = "broken, absent and present are three things")]
fn link_layer(mut options: &[u8], wanted: u8) -> Option<Option<Mac>> {
    while let [kind, eights, ..] = *options {
        let length = usize::from(eights) * 8;
        let option = options.get(..length).filter(|option| !option.is_empty())?;
        if kind == wanted && eights == 1 {
            return Some(Some(Mac(option.get(2..8)?.try_into().ok()?)));
        }
        options = &options[length..];
    }
    options.is_empty().then_some(None)
}

fn frame(mac: Mac, source: Ipv6Addr, destination: Ipv6Addr, mut message: Vec<u8>) -> Vec<u8> {
    let sum = checksum(source, destination, &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut frame = ethernet_header(multicast_mac(destination), mac, EtherType::Ipv6);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend((message.len() as u16).to_be_bytes());
    frame.extend([ICMPV6, ON_LINK]);
    frame.extend(source.octets());
    frame.extend(destination.octets());
    frame.extend(message);
    frame
}

/// `ff02::1:ff` and the last three bytes of the address (RFC 4291, section 2.7.1).
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// `33:33` and the last four bytes of the group (RFC 2464, section 7).
fn multicast_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// The Internet checksum over pseudo header and message (RFC 8200, section 8.1); 0 over a message that holds its own.
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let words = |bytes: &[u8]| -> u64 {
        bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low))).sum()
    };
    let mut sum = words(&source.octets()) + words(&destination.octets()) + words(message);
    sum += message.len() as u64 + u64::from(ICMPV6);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x0e, 0x57, 1, 2, 3, 4]);
    const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0xab, 0xcdef);

    #[test]
    fn a_probe_is_laid_out_as_in_rfc_4861() {
        #[rustfmt::skip]
        let wanted = [
            0x33, 0x33, 0xff, 0xab, 0xcd, 0xef,                         // to the group of its holders
            0x0e, 0x57, 1, 2, 3, 4,                                     // from us
            0x86, 0xdd,                                                 // IPv6
            0x60, 0, 0, 0,                                              // version 6
            0, 24,                                                      // bytes that follow the header
            58, 255,                                                    // ICMPv6, hop limit
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,             // source: none
            0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xab, 0xcd, 0xef,
            135, 0, 0xe0, 0x71,                                       // neighbour solicitation, checksum
            0, 0, 0, 0,
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd, 0xef, // target
        ];
        assert_eq!(probe(MAC, ADDRESS), wanted);
    }

    #[test]
    fn an_announcement_is_laid_out_as_in_rfc_4861() {
        #[rustfmt::skip]
        let wanted = [
            0x33, 0x33, 0, 0, 0, 1,                                     // to all nodes
            0x0e, 0x57, 1, 2, 3, 4,                                     // from us
            0x86, 0xdd,                                                 // IPv6
            0x60, 0, 0, 0,                                              // version 6
            0, 32,                                                      // bytes that follow the header
            58, 255,                                                    // ICMPv6, hop limit
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd, 0xef, // source: the address itself
            0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            136, 0, 0xad, 0x0b,                                       // neighbour advertisement, checksum
            0x20, 0, 0, 0,                                              // override; neither router nor solicited
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd, 0xef, // target
            2, 1, 0x0e, 0x57, 1, 2, 3, 4,                               // option: target link-layer address
        ];
        assert_eq!(announcement(MAC, ADDRESS), wanted);
    }

    #[test]
    fn advertisements_and_probes_are_claims() {
        assert_eq!(claim(&announcement(MAC, ADDRESS)), Some((ADDRESS, MAC)));
        assert_eq!(claim(&probe(MAC, ADDRESS)), Some((ADDRESS, MAC)));
        let mut padded = probe(MAC, ADDRESS);
        padded.extend([7; 5]);
        assert_eq!(claim(&padded), Some((ADDRESS, MAC)));
    }

    #[test]
    fn the_source_of_a_question_is_in_use_and_the_asked_address_is_not() {
        let asker = "fd00::9".parse().expect("an address");
        let mut question = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
        question.extend(ADDRESS.octets());
        assert_eq!(claim(&frame(MAC, asker, solicited_node(ADDRESS), question.clone())), Some((asker, MAC)));
        // A nonce (RFC 3971) before the link-layer address of somebody on whose behalf this was sent.
        question.extend([14, 1, 0, 0, 0, 0, 0, 0, SOURCE_LINK_LAYER, 1, 2, 2, 2, 2, 2, 2]);
        assert_eq!(claim(&frame(MAC, asker, solicited_node(ADDRESS), question)), Some((asker, Mac([2; 6]))));
    }

    #[test]
    fn an_advertisement_without_a_link_layer_address_is_from_its_sender() {
        let mut message = vec![ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0];
        message.extend(ADDRESS.octets());
        assert_eq!(claim(&frame(MAC, ADDRESS, ALL_NODES, message)), Some((ADDRESS, MAC)));
    }

    #[test]
    fn everything_else_is_no_claim() {
        let good = announcement(MAC, ADDRESS);
        for length in 0..good.len() {
            assert_eq!(claim(&good[..length]), None, "cut to {length}");
        }
        for at in [14, 19, 20, 21, 30, 54, 55, 56, 60, 80, 85] {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(claim(&bad), None, "byte {at}: version, length, header, hops, or anything under the checksum");
        }
        let mut empty_option = good[54..].to_vec();
        empty_option[25] = 0;
        empty_option[2..4].fill(0);
        assert_eq!(claim(&frame(MAC, ADDRESS, ALL_NODES, empty_option)), None, "an option without length");
    }
}
