//! Reading the kernel's answers. Pure, and total: whatever the bytes are, nothing panics, and what cannot be read is
//! left out.
//!
//! The packet crate's own parser is not used for dumps: it reads every attribute of every link, several times slower,
//! and gives up a whole dump for one attribute that it does not know.

mod address;
mod counters;
mod link;
mod neighbour;
mod route;
mod span;

use std::net::IpAddr;

use nix::libc;

pub(crate) use address::address;
pub(crate) use counters::{LinkCounters, counters};
pub(crate) use link::link;
pub(crate) use neighbour::{FdbEntry, fdb_entry};
pub(crate) use route::{path, routes};
pub(crate) use span::{Span, route_span, rule_span};

use super::Refusal;

/// An answer of the kernel.
pub(crate) struct Reply<'a> {
    /// The number of the message that it answers.
    pub(crate) sequence: u32,
    /// What it says.
    pub(crate) kind: ReplyKind<'a>,
    flags: u16,
}

impl Reply<'_> {
    /// Whether what is dumped changed since the dump began, so that something may be missing in it.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.flags & netlink_packet_core::NLM_F_DUMP_INTR != 0
    }
}

/// What an answer says.
pub(crate) enum ReplyKind<'a> {
    /// Something that was asked for, behind the netlink header.
    Data(&'a [u8]),
    /// Done: the end of a dump, or the acknowledgement of a message.
    Done,
    /// No.
    Refused(Refusal),
}

/// `struct nlmsghdr`: length, type, flags, sequence number, port.
const HEADER: usize = 16;

/// The announcements in what one `recv` returned, each with its kind.
pub(crate) fn messages(datagram: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = u32_at(rest, 0)? as usize;
        let message = rest.get(..length).filter(|_| length >= HEADER)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16_at(message, 4)?, message.get(HEADER..)?))
    })
}

/// The answers in what one `recv` returned.
pub(crate) fn replies(datagram: &[u8]) -> impl Iterator<Item = Reply<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = u32_at(rest, 0)? as usize;
        let message = rest.get(..length).filter(|_| length >= HEADER)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        let (kind, flags) = (u16_at(message, 4)?, u16_at(message, 6)?);
        let payload = message.get(HEADER..)?;
        let kind = match i32::from(kind) {
            libc::NLMSG_ERROR => ended(payload, error_words(payload, flags)),
            libc::NLMSG_DONE => ended(payload, words(payload.get(4..).unwrap_or_default())),
            _ => ReplyKind::Data(payload),
        };
        Some(Reply { sequence: u32_at(message, 8)?, kind, flags })
    })
}

fn ended(payload: &[u8], text: Option<String>) -> ReplyKind<'static> {
    match i32_at(payload, 0) {
        // The kernel gives error numbers negated.
        Some(code) if code < 0 => ReplyKind::Refused(Refusal { errno: code.saturating_neg(), text }),
        _ => ReplyKind::Done,
    }
}

/// The explanation behind `struct nlmsgerr`: the error, the header of the message (all of it unless capped),
/// attributes.
fn error_words(payload: &[u8], flags: u16) -> Option<String> {
    if flags & netlink_packet_core::NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let capped = flags & netlink_packet_core::NLM_F_CAPPED != 0;
    let message = if capped { HEADER } else { u32_at(payload, 4)? as usize };
    words(payload.get(4 + message.checked_next_multiple_of(4)?..)?)
}

fn words(attributes: &[u8]) -> Option<String> {
    // NLMSGERR_ATTR_MSG
    Attributes(attributes).find(|(kind, _)| *kind == 1).map(|(_, text)| string(text))
}

/// Attributes (`struct nlattr`): length with header, type, value, padded to four bytes.
#[derive(Clone)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16_at(self.0, 0)?);
        // The two topmost bits say "nested" and "network byte order".
        let kind = u16_at(self.0, 2)? & 0x3fff;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_ne_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_ne_bytes)
}

pub(super) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    array(bytes, at).map(i32::from_ne_bytes)
}

/// A number in network byte order, as ports are.
pub(super) fn u16_be(bytes: &[u8]) -> Option<u16> {
    array(bytes, 0).map(u16::from_be_bytes)
}

/// Text, with or without its terminating zero.
pub(crate) fn string(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// An address, told by its length.
pub(crate) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => array::<4>(bytes, 0).map(IpAddr::from),
        16 => array::<16>(bytes, 0).map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rustfmt::skip]
    const REFUSED: [u8; 56] = [
        56, 0, 0, 0,             // length
        2, 0,                    // NLMSG_ERROR
        0, 3,                    // NLM_F_CAPPED | NLM_F_ACK_TLVS
        7, 0, 0, 0,              // sequence number
        1, 0, 0, 0,              // port
        239, 255, 255, 255,      // -17, EEXIST
        40, 0, 0, 0, 16, 0, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, // header of the message
        18, 0, 1, 0,             // NLMSGERR_ATTR_MSG, 14 bytes of text
        b'n', b'o', b' ', b's', b'u', b'c', b'h', b' ', b't', b'h', b'i', b'n', b'g', 0,
        0, 0,                    // padding
    ];

    #[test]
    fn a_refusal_has_number_and_words() {
        let reply = replies(&REFUSED).next().expect("one reply");
        assert_eq!(reply.sequence, 7);
        let ReplyKind::Refused(refusal) = reply.kind else { panic!("refused") };
        assert_eq!(refusal, Refusal { errno: 17, text: Some("no such thing".into()) });
    }

    #[test]
    fn every_beginning_of_an_answer_is_survived() {
        for end in 0..REFUSED.len() {
            assert_eq!(replies(&REFUSED[..end]).count(), 0);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (replies(&bytes).count(), messages(&bytes).count());
            let _ = Attributes(&bytes).count();
            let _ = (link(&bytes), counters(&bytes));
            let _ = address(&bytes);
            let _ = fdb_entry(&bytes);
            let _ = path(&bytes);
            let _ = string(&bytes);
            routes(&bytes, &mut Vec::new());
            let _ = (route_span(&bytes), rule_span(&bytes));
        }
    }
}
