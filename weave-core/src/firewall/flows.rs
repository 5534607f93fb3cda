//! What the kernel remembers of connections (`NETLINK_NETFILTER`, conntrack), as far as it takes to forget those of an
//! address. Reading and writing is pure; [`forget`] alone asks the kernel.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::libc;

use super::nfnetlink::{HEADER, attribute};
use crate::netlink::decode::{Attributes, ip};
use crate::netlink::{Refusal, Socket};
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
/// `CTA_TUPLE_IP`, and in it source and destination of both families.
const TUPLE_IP: u16 = 1;

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

/// The addresses of one direction.
fn addresses(tuple: &[u8]) -> impl Iterator<Item = IpAddr> {
    let inner = Attributes(tuple).find(|(kind, _)| *kind == TUPLE_IP).map_or(&[][..], |(_, inner)| inner);
    Attributes(inner).filter_map(|(_, value)| ip(value))
}

/// The message that deletes the entry in `payload`, if one of `of` is an end of it in either direction.
fn delete(payload: &[u8], of: &[IpAddr]) -> Option<Vec<u8>> {
    let (family, all) = (*payload.first()?, Attributes(payload.get(HEADER..)?));
    let mut tuples = all.clone().filter(|(kind, _)| TUPLES.contains(kind));
    if !tuples.any(|(_, tuple)| addresses(tuple).any(|address| of.contains(&address))) {
        return None;
    }
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

/// Forgets all connections that one of `of` is an end of, in the calling thread's namespace; how many they were. A
/// kernel that cannot tell what it remembers is left alone.
///
/// # Errors
/// `PermissionDenied` or `Kernel`.
pub(crate) fn forget(of: &[IpAddr]) -> Result<usize> {
    let refused = |refusal: Refusal| refusal.error("host", "forget the connections of an address");
    let Ok(mut socket) = Socket::open_for(NETLINK_NETFILTER) else { return Ok(0) };
    let found = socket.dump_bytes(&get_all(), usize::MAX, |payload, found| found.extend(delete(payload, of)));
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

    /// An entry as the kernel tells it: a flow from `from` to `to`, which was sent on to `target`.
    fn entry(from: [u8; 4], to: [u8; 4], target: [u8; 4]) -> Vec<u8> {
        let tuple = |kind, source: [u8; 4], destination: [u8; 4]| {
            let ends = [attribute(1, &source), attribute(2, &destination)].concat();
            let proto = attribute(2 | NESTED, &attribute(1, &[6]));
            attribute(kind | NESTED, &[attribute(TUPLE_IP | NESTED, &ends), proto].concat())
        };
        let more = [attribute(3, &[0; 4]), attribute(12, &[1, 2, 3, 4])].concat();
        [vec![2, 0, 0, 0], tuple(1, from, to), tuple(2, target, from), more].concat()
    }

    #[test]
    fn an_entry_is_of_both_ends_in_both_directions_and_of_nobody_else() {
        let entry = entry([10, 2, 1, 1], [192, 0, 2, 1], [10, 2, 1, 4]);
        for (address, is_of) in
            [([10, 2, 1, 1], true), ([192, 0, 2, 1], true), ([10, 2, 1, 4], true), ([10, 2, 1, 5], false)]
        {
            assert_eq!(delete(&entry, &[address.into()]).is_some(), is_of, "{address:?}");
        }
    }

    #[test]
    fn what_is_deleted_is_that_entry_by_its_original_direction_and_number() {
        let entry = entry([10, 2, 1, 1], [192, 0, 2, 1], [10, 2, 1, 4]);
        let deletion = delete(&entry, &[[10, 2, 1, 4].into()]).expect("a message");
        let kinds: Vec<u16> = Attributes(&deletion[16 + HEADER..]).map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [1, 12]);
        assert_eq!(u32::from_ne_bytes(deletion[..4].try_into().expect("length")) as usize, deletion.len());
        assert_eq!(u16::from_ne_bytes([deletion[4], deletion[5]]), DELETE);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_never_delete_everything(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let deletion = delete(&bytes, &[[10, 2, 1, 4].into()]);
            prop_assert!(deletion.is_none_or(|deletion| deletion.len() > 16 + HEADER));
        }
    }
}
