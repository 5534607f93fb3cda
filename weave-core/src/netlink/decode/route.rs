//! Routes: `RTM_NEWROUTE`, of a dump and as the answer to `ip route get`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;

use super::{Attributes, ip, u16_at, u32_at};
use crate::observed::{InterfaceRoute, Path};

/// `struct rtmsg`: family, destination length, source length, tos, table, protocol, scope, type, flags (4).
const HEADER: usize = 12;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const RT_TABLE_MAIN: u32 = 254;
const RTPROT_KERNEL: u8 = 2;
const RTN_UNICAST: u8 = 1;
const RTN_LOCAL: u8 = 2;
/// A cached clone of another route.
const RTM_F_CLONED: u32 = 0x200;

const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
const RTAX_MTU: u16 = 2;

/// `struct rtnexthop`: length (2), flags, hops, index (4).
const NEXTHOP: usize = 8;

#[derive(Default)]
struct Hop {
    ifindex: u32,
    via: Option<IpAddr>,
}

impl Hop {
    fn read(&mut self, kind: u16, value: &[u8]) {
        match kind {
            RTA_OIF => self.ifindex = u32_at(value, 0).unwrap_or_default(),
            RTA_GATEWAY => self.via = ip(value),
            // A next hop of another family: the family in two bytes, the address.
            RTA_VIA => self.via = value.get(2..).and_then(ip),
            _ => {}
        }
    }
}

/// Reads a route of a dump: one for each of its next hops, none if it is not of the main table or not unicast.
pub(crate) fn routes(payload: &[u8], found: &mut Vec<InterfaceRoute>) {
    let _ = read_routes(payload, found);
}

fn read_routes(payload: &[u8], found: &mut Vec<InterfaceRoute>) -> Option<()> {
    let &[family, prefix, _, _, table, protocol, _, kind] = payload.first_chunk()?;
    if kind != RTN_UNICAST || u32_at(payload, 8)? & RTM_F_CLONED != 0 {
        return None;
    }
    let (mut table, mut to, mut source, mut metric) = (u32::from(table), unspecified(family)?, None, 0);
    let mut hops = vec![Hop::default()];
    for (kind, value) in Attributes(payload.get(HEADER..)?) {
        match kind {
            RTA_DST => to = ip(value)?,
            RTA_PRIORITY => metric = u32_at(value, 0)?,
            RTA_PREFSRC => source = ip(value),
            RTA_TABLE => table = u32_at(value, 0)?,
            RTA_MULTIPATH => hops = nexthops(value),
            _ => hops.iter_mut().for_each(|hop| hop.read(kind, value)),
        }
    }
    if table != RT_TABLE_MAIN {
        return None;
    }
    let to = IpNetwork::new(to, prefix).ok()?;
    let by_kernel = protocol == RTPROT_KERNEL;
    found.extend(hops.iter().filter(|hop| hop.ifindex != 0).map(|hop| InterfaceRoute {
        ifindex: hop.ifindex,
        to,
        via: hop.via,
        source,
        by_kernel,
        metric,
    }));
    Some(())
}

fn unspecified(family: u8) -> Option<IpAddr> {
    match family {
        AF_INET => Some(Ipv4Addr::UNSPECIFIED.into()),
        AF_INET6 => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => None,
    }
}

fn nexthops(value: &[u8]) -> Vec<Hop> {
    let mut rest = value;
    let one = || {
        let length = usize::from(u16_at(rest, 0)?);
        let attributes = rest.get(NEXTHOP..length)?;
        let mut hop = Hop { ifindex: u32_at(rest, 4)?, via: None };
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Attributes(attributes).for_each(|(kind, value)| hop.read(kind, value));
        Some(hop)
    };
    std::iter::from_fn(one).collect()
}

/// Reads the answer to a question for the way to one address; `None` where packets to it are not sent.
pub(crate) fn path(payload: &[u8]) -> Option<Path> {
    let kind = *payload.get(7)?;
    if !matches!(kind, RTN_UNICAST | RTN_LOCAL) {
        return None;
    }
    let mut path = Path { source: None, ifindex: 0, mtu: None, local: kind == RTN_LOCAL };
    for (kind, value) in Attributes(payload.get(HEADER..)?) {
        match kind {
            RTA_OIF => path.ifindex = u32_at(value, 0)?,
            RTA_PREFSRC => path.source = ip(value),
            RTA_METRICS => {
                let mtu = Attributes(value).find(|(metric, _)| *metric == RTAX_MTU);
                path.mtu = mtu.and_then(|(_, mtu)| u32_at(mtu, 0)).filter(|mtu| *mtu != 0);
            }
            _ => {}
        }
    }
    (path.ifindex != 0).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const GATEWAY: [u8; 52] = [
        2, 16, 0, 0,             // AF_INET, /16, source length, tos
        254, 4, 0, 1,            // main table, static, universe, unicast
        0, 0, 0, 0,              // flags
        8, 0, 15, 0, 254, 0, 0, 0, // RTA_TABLE
        8, 0, 1, 0, 10, 9, 0, 0, // RTA_DST
        8, 0, 6, 0, 100, 0, 0, 0, // RTA_PRIORITY
        8, 0, 5, 0, 10, 2, 1, 1, // RTA_GATEWAY
        8, 0, 4, 0, 7, 0, 0, 0,  // RTA_OIF
    ];

    fn read(payload: &[u8]) -> Vec<InterfaceRoute> {
        let mut found = Vec::new();
        routes(payload, &mut found);
        found
    }

    #[test]
    fn a_route_is_read() {
        let expected = InterfaceRoute {
            ifindex: 7,
            to: "10.9.0.0/16".parse().expect("network"),
            via: Some("10.2.1.1".parse().expect("address")),
            source: None,
            by_kernel: false,
            metric: 100,
        };
        assert_eq!(read(&GATEWAY), [expected]);
        for end in 0..GATEWAY.len() {
            let _ = (read(&GATEWAY[..end]), path(&GATEWAY[..end]));
        }
    }

    #[test]
    fn routes_of_other_tables_and_kinds_are_left_out() {
        let with = |at: usize, byte: u8| {
            let mut bytes = GATEWAY;
            bytes[at] = byte;
            read(&bytes).len()
        };
        assert_eq!(with(16, 255), 0, "RTA_TABLE says local");
        assert_eq!(with(7, 6), 0, "blackhole");
        assert_eq!(with(9, 2), 0, "cloned");
    }

    #[test]
    fn a_route_over_several_links_is_one_for_each() {
        let mut bytes = GATEWAY[..28].to_vec();
        #[rustfmt::skip]
        bytes.extend([
            36, 0, 9, 0,                                             // RTA_MULTIPATH
            16, 0, 0, 0, 7, 0, 0, 0, 8, 0, 5, 0, 10, 2, 1, 1,        // over 7, RTA_GATEWAY
            16, 0, 0, 0, 8, 0, 0, 0, 8, 0, 5, 0, 10, 2, 2, 1,        // over 8, RTA_GATEWAY
        ]);
        let found: Vec<(u32, Option<String>)> =
            read(&bytes).iter().map(|route| (route.ifindex, route.via.map(|via| via.to_string()))).collect();
        assert_eq!(found, [(7, Some("10.2.1.1".into())), (8, Some("10.2.2.1".into()))]);
    }

    #[test]
    fn a_path_has_source_link_and_mtu() {
        #[rustfmt::skip]
        let bytes = [
            2, 32, 0, 0, 254, 0, 0, 1, 0, 2, 0, 0, // AF_INET, /32, main, unspecified, universe, unicast, cloned
            8, 0, 4, 0, 2, 0, 0, 0,  // RTA_OIF
            8, 0, 7, 0, 192, 0, 2, 1, // RTA_PREFSRC
            12, 0, 8, 0, 8, 0, 2, 0, 0x78, 5, 0, 0, // RTA_METRICS: RTAX_MTU 1400
        ];
        let source = Some("192.0.2.1".parse().expect("address"));
        assert_eq!(path(&bytes), Some(Path { source, ifindex: 2, mtu: Some(1400), local: false }));
    }
}
