//! What a link has carried: `IFLA_STATS64`.

use super::{Attributes, array};

/// `struct ifinfomsg`.
const HEADER: usize = 16;

const IFLA_STATS64: u16 = 23;

/// Counters of a link since it was made, as the host sees it: packets and bytes received and transmitted, and packets
/// dropped in each direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LinkCounters {
    pub(crate) packets: [u64; 2],
    pub(crate) bytes: [u64; 2],
    pub(crate) dropped: [u64; 2],
}

/// Reads the counters of a link; `None` where it has none.
pub(crate) fn counters(payload: &[u8]) -> Option<LinkCounters> {
    let (_, stats) = Attributes(payload.get(HEADER..)?).find(|(kind, _)| *kind == IFLA_STATS64)?;
    // `struct rtnl_link_stats64`: packets, bytes, errors, dropped; received and transmitted each.
    let two = |place: usize| {
        let at = |place: usize| array(stats, place * 8).map(u64::from_ne_bytes);
        Some([at(place)?, at(place + 1)?])
    };
    Some(LinkCounters { packets: two(0)?, bytes: two(2)?, dropped: two(6)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stand_in_an_array() {
        let numbers: Vec<u8> = (1..=25u64).flat_map(u64::to_ne_bytes).collect();
        let length = u16::try_from(numbers.len() + 4).expect("short");
        let bytes = [&[0; 16][..], &length.to_ne_bytes(), &IFLA_STATS64.to_ne_bytes(), &numbers].concat();
        let wanted = LinkCounters { packets: [1, 2], bytes: [3, 4], dropped: [7, 8] };
        assert_eq!(counters(&bytes), Some(wanted));
        for end in 0..bytes.len() {
            assert_eq!(counters(&bytes[..end]), None);
        }
        assert_eq!(counters(&bytes[..16]), None);
    }
}
