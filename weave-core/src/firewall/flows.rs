//! What the kernel remembers of connections (`NETLINK_NETFILTER`, conntrack), as far as it takes to forget those of an
//! address or of a published port. Reading and writing is pure; [`forget`] alone asks the kernel.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::libc;

use super::nfnetlink::{HEADER, attribute};
use crate::netlink::decode::{Attributes, ip};
use crate::netlink::{Refusal, Socket};
use crate::plan::Flows;
use crate::spec::options::Protocol;
use crate::{Error, Result};

/// `NFNL_SUBSYS_CTNETLINK`, and its `IPCTNL_MSG_CT_GET` and `IPCTNL_MSG_CT_DELETE`.
const SUBSYSTEM: u16 = 1 << 8;
const GET: u16 = SUBSYSTEM | 1;
const DELETE: u16 = SUBSYSTEM | 2;

/// `CTA_TUPLE_ORIG`, `CTA_TUPLE_REPLY`: how packets of each direction look.
const TUPLES: [u16; 2] = [1, 2];
const ORIGINAL: u16 = 1;
/// `CTA_ID` and `CTA_ZONE`: with them only the very entry that was seen is deleted.
const SAME: [u16; 2] = [12, 18];
/// `CTA_PROTOINFO`, in it `CTA_PROTOINFO_TCP`, in it `CTA_PROTOINFO_TCP_STATE`.
const TCP_STATE: [u16; 3] = [4, 1, 1];
/// `TCP_CONNTRACK_ESTABLISHED` to `TCP_CONNTRACK_CLOSE_WAIT`: at least one side may still send.
const LIVE: std::ops::RangeInclusive<u8> = 3..=5;
/// `CTA_TUPLE_IP`, in it source and destination of both families: `CTA_IP_V4_SRC` and `_DST`, `CTA_IP_V6_SRC` and `_DST`.
const TUPLE_IP: u16 = 1;
const SOURCES: [u16; 2] = [1, 3];
const DESTINATIONS: [u16; 2] = [2, 4];
/// `CTA_TUPLE_PROTO`, in it `CTA_PROTO_NUM`, `CTA_PROTO_SRC_PORT`, `CTA_PROTO_DST_PORT`.
const TUPLE_PROTO: u16 = 2;
const NUMBER: u16 = 1;
const PORTS: [u16; 2] = [2, 3];

const NESTED: u16 = 1 << 15;

fn message(kind: u16, flags: u16, family: u8, attributes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + HEADER + attributes.len()).unwrap_or(u32::MAX);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend([kind.to_ne_bytes(), (NLM_F_REQUEST | flags).to_ne_bytes()].concat());
    message.extend([0; 8]);
    message.extend([family, 0, 0, 0]);
    message.extend(attributes);
    message
}

/// Asks for all entries.
fn get_all() -> Vec<u8> {
    message(GET, NLM_F_DUMP, 0, &[])
}

/// What is in `bytes` at the end of a way of attributes.
fn inside<'a>(bytes: &'a [u8], way: &[u16]) -> Option<&'a [u8]> {
    way.iter()
        .try_fold(bytes, |bytes, wanted| Attributes(bytes).find(|(kind, _)| kind == wanted).map(|(_, value)| value))
}

fn port(tuple: &[u8], which: u16) -> Option<u16> {
    inside(tuple, &[TUPLE_PROTO, which])?.try_into().ok().map(u16::from_be_bytes)
}

fn address(tuple: &[u8], which: [u16; 2]) -> Option<IpAddr> {
    which.into_iter().find_map(|kind| ip(inside(tuple, &[TUPLE_IP, kind])?))
}

/// Whether the entry with these attributes is one of `flows`.
fn is_meant(entry: &[u8], flows: &Flows) -> bool {
    let tuples = TUPLES.map(|kind| inside(entry, &[kind]).unwrap_or_default());
    let is_of = |of: &[IpAddr]| {
        let ends = tuples.iter().flat_map(|tuple| [address(tuple, SOURCES), address(tuple, DESTINATIONS)]);
        ends.flatten().any(|end| of.contains(&end))
    };
    match flows {
        Flows::All(of) => is_of(of),
        // Who has really moved ends it himself: where it came to, nobody knows it.
        Flows::Idle(of) => {
            is_of(of) && !inside(entry, &TCP_STATE).is_some_and(|state| state.iter().any(|it| LIVE.contains(it)))
        }
        Flows::Published(ports) => {
            let [there, back] = tuples;
            let number = inside(there, &[TUPLE_PROTO, NUMBER]).and_then(<[u8]>::first).copied();
            ports.iter().any(|published| {
                number == Some(number_of(published.protocol))
                    && port(there, PORTS[1]) == Some(published.host_port)
                    && published.host_ip.is_none_or(|ip| address(there, DESTINATIONS) == Some(ip))
                    && address(back, SOURCES) == Some(published.to)
                    && port(back, PORTS[0]) == Some(published.port)
            })
        }
    }
}

fn number_of(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

/// The message that deletes the entry in `payload`, if it is one of `flows`.
fn delete(payload: &[u8], flows: &Flows) -> Option<Vec<u8>> {
    let (family, entry) = (*payload.first()?, payload.get(HEADER..)?);
    if !is_meant(entry, flows) {
        return None;
    }
    let all = Attributes(entry);
    let mut same = Vec::new();
    for (kind, value) in all {
        match kind {
            ORIGINAL => same.extend(attribute(kind | NESTED, value)),
            _ if SAME.contains(&kind) => same.extend(attribute(kind, value)),
            _ => {}
        }
    }
    // Without any, the kernel would take it for a wish to forget everything.
    (!same.is_empty()).then(|| message(DELETE, NLM_F_ACK, family, &same))
}

/// Forgets connections, in the calling thread's namespace; how many they were. A kernel that cannot tell what it
/// remembers is left alone.
///
/// # Errors
/// `PermissionDenied` or `Kernel`.
pub(crate) fn forget(flows: &Flows) -> Result<usize> {
    let refused = |refusal: Refusal| refusal.error("host", "forget connections");
    let Ok(mut socket) = Socket::open_for(NETLINK_NETFILTER) else { return Ok(0) };
    let found = socket.dump_bytes(&get_all(), usize::MAX, |payload, found| found.extend(delete(payload, flows)));
    let deletions = match found {
        // No conntrack, or one that nobody can ask.
        Err(refusal) if matches!(refusal.errno, libc::EINVAL | libc::EOPNOTSUPP) => return Ok(0),
        found => found.map_err(refused)?,
    };
    let mut count = 0;
    for message in deletions {
        match socket.dump_bytes(&message, usize::MAX, |_, _: &mut Vec<()>| ()) {
            Ok(_) => count += 1,
            // It ended by itself meanwhile.
            Err(refusal) if refusal.is_gone() => {}
            Err(refusal) => return Err::<usize, Error>(refused(refusal)),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observed::PublishedPort;

    /// An entry as the kernel tells it: a flow of a protocol from `from` to `to`, which was sent on to `target`.
    fn entry(number: u8, from: [u8; 4], to: ([u8; 4], u16), target: ([u8; 4], u16), state: Option<u8>) -> Vec<u8> {
        let tuple = |kind, source: ([u8; 4], u16), destination: ([u8; 4], u16)| {
            let ends = [attribute(1, &source.0), attribute(2, &destination.0)].concat();
            let ports = [source.1, destination.1].map(u16::to_be_bytes);
            let proto = [attribute(1, &[number]), attribute(2, &ports[0]), attribute(3, &ports[1])].concat();
            attribute(kind | NESTED, &[attribute(1 | NESTED, &ends), attribute(2 | NESTED, &proto)].concat())
        };
        let state = state.map(|state| attribute(4 | NESTED, &attribute(1 | NESTED, &attribute(1, &[state]))));
        let more = [attribute(3, &[0; 4]), state.unwrap_or_default(), attribute(12, &[1, 2, 3, 4])].concat();
        [vec![2, 0, 0, 0], tuple(1, (from, 4000), to), tuple(2, target, (from, 4000)), more].concat()
    }

    const CLIENT: [u8; 4] = [10, 2, 1, 1];
    const HOST: [u8; 4] = [192, 0, 2, 1];
    const WEB: [u8; 4] = [10, 2, 1, 4];

    fn all(of: [u8; 4]) -> Flows {
        Flows::All(vec![of.into()])
    }

    #[test]
    fn an_entry_is_of_both_ends_in_both_directions_and_of_nobody_else() {
        let entry = entry(6, CLIENT, (HOST, 8080), (WEB, 80), None);
        for (address, is_of) in [(CLIENT, true), (HOST, true), (WEB, true), ([10, 2, 1, 5], false)] {
            assert_eq!(delete(&entry, &all(address)).is_some(), is_of, "{address:?}");
        }
    }

    #[test]
    fn a_live_connection_of_an_address_that_is_here_is_kept() {
        let idle = Flows::Idle(vec![WEB.into()]);
        for (number, state, forgotten) in
            [(6, Some(3), false), (6, Some(5), false), (6, Some(1), true), (6, Some(7), true), (17, None, true)]
        {
            let entry = entry(number, CLIENT, (HOST, 8080), (WEB, 80), state);
            assert_eq!(delete(&entry, &idle).is_some(), forgotten, "{number} {state:?}");
            assert!(delete(&entry, &all(WEB)).is_some());
        }
    }

    #[test]
    fn what_went_over_a_published_port_is_known_by_both_its_sides() {
        let port = PublishedPort {
            host_port: 53,
            protocol: Protocol::Udp,
            host_ip: None,
            to: WEB.into(),
            port: 5353,
            direct: None,
        };
        let own = entry(17, CLIENT, (HOST, 53), (WEB, 5353), None);
        let is = |entry: &[u8], port: PublishedPort| delete(entry, &Flows::Published(vec![port])).is_some();
        assert!(is(&own, port.clone()));
        assert!(is(&own, PublishedPort { host_ip: Some(HOST.into()), ..port.clone() }));
        for other in [
            PublishedPort { host_port: 54, ..port.clone() },
            PublishedPort { protocol: Protocol::Tcp, ..port.clone() },
            PublishedPort { host_ip: Some([192, 0, 2, 9].into()), ..port.clone() },
            PublishedPort { to: [10, 2, 1, 5].into(), ..port.clone() },
            PublishedPort { port: 53, ..port.clone() },
        ] {
            assert!(!is(&own, other.clone()), "{other:?}");
        }
        // Somebody asks the container itself.
        assert!(!is(&entry(17, CLIENT, (WEB, 5353), (WEB, 5353), None), port));
    }

    #[test]
    fn what_is_deleted_is_that_entry_by_its_original_direction_and_number() {
        let entry = entry(6, CLIENT, (HOST, 8080), (WEB, 80), Some(3));
        let deletion = delete(&entry, &all(WEB)).expect("a message");
        let kinds: Vec<u16> = Attributes(&deletion[16 + HEADER..]).map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [1, 12]);
        assert_eq!(u32::from_ne_bytes(deletion[..4].try_into().expect("length")) as usize, deletion.len());
        assert_eq!(u16::from_ne_bytes([deletion[4], deletion[5]]), DELETE);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_never_delete_everything(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let deletion = delete(&bytes, &all(WEB));
            prop_assert!(deletion.is_none_or(|deletion| deletion.len() > 16 + HEADER));
        }
    }
}
