//! Which IPv4 addresses a route or a rule is about: `RTM_NEWROUTE` and `RTM_NEWRULE` of a dump.

use super::Attributes;

/// `struct rtmsg` and `struct fib_rule_hdr` alike: family, destination length, eight bytes of other things, flags (4).
const HEADER: usize = 12;

const AF_INET: u8 = 2;
const RTA_OIF: u16 = 4;
const RTA_MULTIPATH: u16 = 9;
const RTA_NH_ID: u16 = 30;
/// `RTA_DST`, `FRA_DST`.
const DESTINATION: u16 = 1;

/// The addresses of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first of them, as a number.
    pub(crate) first: u32,
    /// The last.
    pub(crate) last: u32,
}

impl Span {
    /// The addresses whose first `length` bits are those of `address`.
    pub(crate) fn new(address: u32, length: u8) -> Option<Self> {
        let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
        (length <= 32).then_some(Self { first: address & !host, last: address | host })
    }
}

/// The destinations of a route; `None` where they do not all go one way, or where it cannot be read.
pub(crate) fn route_span(payload: &[u8]) -> Option<Span> {
    let (mut out, mut named) = (false, false);
    for (kind, _) in Attributes(payload.get(HEADER..)?) {
        match kind {
            RTA_MULTIPATH => return None,
            RTA_OIF => out = true,
            RTA_NH_ID => named = true,
            _ => {}
        }
    }
    // A next hop by its number alone may be a group of them.
    if named && !out { None } else { rule_span(payload) }
}

/// The destinations of a rule; `None` where it cannot be read.
pub(crate) fn rule_span(payload: &[u8]) -> Option<Span> {
    let &[family, length] = payload.first_chunk()?;
    let destination = Attributes(payload.get(HEADER..)?).find(|(kind, _)| *kind == DESTINATION);
    let address = match destination {
        Some((_, value)) => u32::from_be_bytes(value.try_into().ok()?),
        None if length == 0 => 0,
        None => return None,
    };
    Span::new(address, length).filter(|_| family == AF_INET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const GATEWAY: [u8; 36] = [
        2, 16, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0, // AF_INET, /16, source, tos; main, static, universe, unicast; flags
        8, 0, 1, 0, 10, 9, 0, 0, // RTA_DST
        8, 0, 5, 0, 10, 2, 1, 1, // RTA_GATEWAY
        8, 0, 4, 0, 7, 0, 0, 0,  // RTA_OIF
    ];

    #[test]
    fn a_prefix_has_a_first_and_a_last_address() {
        let span = |address, length| Span::new(address, length).map(|span| (span.first, span.last));
        assert_eq!(span(0x0a09_0102, 16), Some((0x0a09_0000, 0x0a09_ffff)));
        assert_eq!(span(0x0a09_0102, 32), Some((0x0a09_0102, 0x0a09_0102)));
        assert_eq!(span(0, 0), Some((0, u32::MAX)));
        assert_eq!(span(0, 33), None);
    }

    #[test]
    fn a_route_is_read_where_all_of_it_goes_one_way() {
        assert_eq!(route_span(&GATEWAY), Span::new(0x0a09_0000, 16));
        let with = |more: &[u8]| route_span(&[&GATEWAY[..28], more].concat());
        assert_eq!(with(&[8, 0, 30, 0, 3, 0, 0, 0]), None, "a numbered next hop that may be a group");
        assert_eq!(with(&[4, 0, 9, 0]), None, "several next hops");
        assert_eq!(with(&[8, 0, 30, 0, 3, 0, 0, 0, 8, 0, 4, 0, 7, 0, 0, 0]), Span::new(0x0a09_0000, 16));
        let mut ipv6 = GATEWAY;
        ipv6[0] = 10;
        assert_eq!(route_span(&ipv6), None);
        for end in 0..12 {
            assert_eq!(route_span(&GATEWAY[..end]), None);
        }
        assert_eq!(route_span(&GATEWAY[..12]), None, "a length without an address");
    }

    #[test]
    fn a_rule_without_a_destination_is_about_all() {
        let rule = [2, 0, 0, 0, 255, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(rule_span(&rule), Span::new(0, 0));
    }
}
