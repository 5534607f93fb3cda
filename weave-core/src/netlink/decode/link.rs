//! Links: `RTM_NEWLINK`.

use std::net::IpAddr;

use super::{Attributes, i32_at, ip, string, u16_be, u32_at};
use crate::observed::{BridgeInfo, Link, LinkKind, VxlanInfo};
use crate::spec::Mac;

/// `struct ifinfomsg`: family, padding, type (2), index (4), flags (4), change (4).
const HEADER: usize = 16;

const IFF_UP: u32 = 1;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_IFALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_GROUP: u16 = 27;
const IFLA_LINK_NETNSID: u16 = 37;

const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;

const IFLA_BRPORT_MODE: u16 = 4;

const IFLA_BR_STP_STATE: u16 = 5;
const IFLA_BR_MCAST_SNOOPING: u16 = 23;

const IFLA_VXLAN_ID: u16 = 1;
const IFLA_VXLAN_LOCAL: u16 = 4;
const IFLA_VXLAN_LEARNING: u16 = 7;
const IFLA_VXLAN_PORT: u16 = 15;
const IFLA_VXLAN_LOCAL6: u16 = 17;

const AF_INET: u16 = 2;
const IFLA_INET_CONF: u16 = 1;
/// Place in the array of `net.ipv4.conf`, which counts from 1 (`include/uapi/linux/ip.h`).
const IPV4_DEVCONF_ROUTE_LOCALNET: usize = 26;

const AF_INET6: u16 = 10;
const IFLA_INET6_CONF: u16 = 2;
/// Places in the array of `net.ipv6.conf` (`include/uapi/linux/ipv6.h`).
const DEVCONF_ACCEPT_RA: usize = 3;
const DEVCONF_DISABLE_IPV6: usize = 26;

/// Reads a link; `None` when it has no number or name.
pub(crate) fn link(payload: &[u8]) -> Option<Link> {
    let mut link = Link {
        index: u32_at(payload, 4).filter(|index| *index != 0)?,
        name: String::new(),
        kind: LinkKind::Other(String::new()),
        mac: None,
        mtu: 0,
        up: u32_at(payload, 8)? & IFF_UP != 0,
        master: None,
        alias: None,
        group: 0,
        peer_index: None,
        peer_netnsid: None,
        ipv6_disabled: None,
        accept_ra: None,
        route_localnet: None,
        hairpin: None,
        tx_checksum: None,
    };
    for (kind, value) in Attributes(payload.get(HEADER..)?) {
        match kind {
            IFLA_ADDRESS => link.mac = value.try_into().ok().map(Mac),
            IFLA_IFNAME => link.name = string(value),
            IFLA_MTU => link.mtu = u32_at(value, 0).unwrap_or_default(),
            IFLA_LINK => link.peer_index = u32_at(value, 0).filter(|index| *index != 0),
            IFLA_MASTER => link.master = u32_at(value, 0).filter(|index| *index != 0),
            IFLA_LINKINFO => (link.kind, link.hairpin) = (link_kind(value), hairpin(value)),
            IFLA_IFALIAS => link.alias = Some(string(value)),
            IFLA_AF_SPEC => {
                (link.accept_ra, link.ipv6_disabled) = ipv6(value);
                link.route_localnet = route_localnet(value);
            }
            IFLA_GROUP => link.group = u32_at(value, 0).unwrap_or_default(),
            IFLA_LINK_NETNSID => link.peer_netnsid = i32_at(value, 0),
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

fn link_kind(value: &[u8]) -> LinkKind {
    let mut name = String::new();
    let mut data: &[u8] = &[];
    for (kind, value) in Attributes(value) {
        match kind {
            IFLA_INFO_KIND => name = string(value),
            IFLA_INFO_DATA => data = value,
            _ => {}
        }
    }
    match name.as_str() {
        "bridge" => LinkKind::Bridge(bridge(data)),
        "vxlan" => LinkKind::Vxlan(vxlan(data)),
        "veth" => LinkKind::Veth,
        _ => LinkKind::Other(name),
    }
}

/// What is said of it as a port of a bridge.
fn hairpin(info: &[u8]) -> Option<bool> {
    let of = |wanted| Attributes(info).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    let (kind, data) = (of(IFLA_INFO_SLAVE_KIND)?, of(IFLA_INFO_SLAVE_DATA)?);
    let mut fields = Attributes(data).filter(|_| string(kind) == "bridge");
    fields.find(|(kind, _)| *kind == IFLA_BRPORT_MODE).map(|(_, value)| flag(value))
}

fn bridge(data: &[u8]) -> BridgeInfo {
    let mut info = BridgeInfo { stp: false, multicast_snooping: false };
    for (kind, value) in Attributes(data) {
        match kind {
            IFLA_BR_STP_STATE => info.stp = u32_at(value, 0).is_some_and(|state| state != 0),
            IFLA_BR_MCAST_SNOOPING => info.multicast_snooping = flag(value),
            _ => {}
        }
    }
    info
}

fn vxlan(data: &[u8]) -> VxlanInfo {
    let mut info = VxlanInfo { vni: 0, port: 0, local: None, learning: false };
    for (kind, value) in Attributes(data) {
        match kind {
            IFLA_VXLAN_ID => info.vni = u32_at(value, 0).unwrap_or_default(),
            IFLA_VXLAN_PORT => info.port = u16_be(value).unwrap_or_default(),
            // The kernel shows an unset address as absent or all zero.
            IFLA_VXLAN_LOCAL | IFLA_VXLAN_LOCAL6 => info.local = ip(value).filter(|ip| !IpAddr::is_unspecified(ip)),
            IFLA_VXLAN_LEARNING => info.learning = flag(value),
            _ => {}
        }
    }
    info
}

fn flag(value: &[u8]) -> bool {
    value.first().is_some_and(|byte| *byte != 0)
}

/// `route_localnet`, from an array of numbers that newer kernels make longer.
fn route_localnet(af_spec: &[u8]) -> Option<bool> {
    let (_, inet) = Attributes(af_spec).find(|(family, _)| *family == AF_INET)?;
    let (_, conf) = Attributes(inet).find(|(kind, _)| *kind == IFLA_INET_CONF)?;
    i32_at(conf, (IPV4_DEVCONF_ROUTE_LOCALNET - 1) * 4).map(|on| on != 0)
}

/// `accept_ra` and `disable_ipv6`, from an array of numbers that newer kernels make longer.
fn ipv6(af_spec: &[u8]) -> (Option<i32>, Option<bool>) {
    let conf = Attributes(af_spec)
        .find(|(family, _)| *family == AF_INET6)
        .and_then(|(_, inet6)| Attributes(inet6).find(|(kind, _)| *kind == IFLA_INET6_CONF));
    let at = |place: usize| conf.and_then(|(_, conf)| i32_at(conf, place * 4));
    (at(DEVCONF_ACCEPT_RA), at(DEVCONF_DISABLE_IPV6).map(|disabled| disabled != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const VXLAN: [u8; 148] = [
        0, 0, 1, 0,              // family, padding, ARPHRD_ETHER
        4, 0, 0, 0,              // index 4
        0x43, 0x10, 1, 0,        // flags: up, broadcast, multicast …
        0, 0, 0, 0,              // change
        15, 0, 3, 0, b'v', b'x', b'l', b'a', b'n', b'-', b'6', b'7', b'8', b'3', 0, 0, // IFLA_IFNAME
        8, 0, 4, 0, 0xaa, 5, 0, 0, // IFLA_MTU 1450
        8, 0, 10, 0, 3, 0, 0, 0, // IFLA_MASTER 3
        10, 0, 1, 0, 2, 0, 0, 0, 0, 9, 0, 0, // IFLA_ADDRESS
        16, 0, 20, 0, b'w', b'e', b'a', b'v', b'e', b':', b'r', b'o', b'u', b't', b'e', b'r', // IFLA_IFALIAS
        56, 0, 18, 128,          // IFLA_LINKINFO, nested
        10, 0, 1, 0, b'v', b'x', b'l', b'a', b'n', 0, 0, 0, // IFLA_INFO_KIND
        40, 0, 2, 128,           // IFLA_INFO_DATA, nested
        8, 0, 1, 0, 0x7f, 0x1a, 0, 0, // IFLA_VXLAN_ID 6783
        8, 0, 4, 0, 192, 0, 2, 1, // IFLA_VXLAN_LOCAL
        5, 0, 7, 0, 1, 0, 0, 0,  // IFLA_VXLAN_LEARNING
        6, 0, 15, 0, 0x1a, 0x7f, 0, 0, // IFLA_VXLAN_PORT 6783, network order
        4, 0, 40, 0,             // IFLA_VXLAN_…: unknown, empty
        8, 0, 27, 0, 5, 0, 0, 0, // IFLA_GROUP 5
        8, 0, 63, 0, 1, 2, 3, 4, // unknown
    ];

    #[test]
    fn a_vxlan_device_is_read() {
        let link = link(&VXLAN).expect("a link");
        assert_eq!((link.index, link.name.as_str(), link.mtu, link.up), (4, "vxlan-6783", 1450, true));
        assert_eq!((link.master, link.group, link.peer_index), (Some(3), 5, None));
        assert_eq!(link.mac, Some(Mac([2, 0, 0, 0, 0, 9])));
        assert_eq!(link.alias.as_deref(), Some("weave:router"));
        let local = Some("192.0.2.1".parse().expect("address"));
        assert_eq!(link.kind, LinkKind::Vxlan(VxlanInfo { vni: 6783, port: 6783, local, learning: true }));
        assert_eq!(link.ipv6_disabled, None);
    }

    #[test]
    fn every_beginning_of_a_link_is_survived() {
        for end in 0..VXLAN.len() {
            let _ = link(&VXLAN[..end]);
        }
    }

    #[test]
    fn ipv6_settings_stand_in_an_array() {
        let mut conf: Vec<u8> = (0..27i32).flat_map(i32::to_ne_bytes).collect();
        let mut attribute = |kind: u16| {
            let length = u16::try_from(conf.len() + 4).expect("short");
            conf = [&length.to_ne_bytes(), &kind.to_ne_bytes(), conf.as_slice()].concat();
        };
        attribute(IFLA_INET6_CONF);
        attribute(AF_INET6);
        assert_eq!(ipv6(&conf), (Some(3), Some(true)));
        assert_eq!(route_localnet(&conf), None);
    }

    #[test]
    fn so_does_route_localnet() {
        let at = |set: usize| {
            let conf: Vec<u8> = (1..34).flat_map(|place| i32::from(place == set).to_ne_bytes()).collect();
            let wrap = |kind: u16, inside: &[u8]| {
                let length = u16::try_from(inside.len() + 4).expect("short");
                [&length.to_ne_bytes(), &kind.to_ne_bytes(), inside].concat()
            };
            route_localnet(&wrap(AF_INET, &wrap(IFLA_INET_CONF, &conf)))
        };
        assert_eq!((at(26), at(25), at(27)), (Some(true), Some(false), Some(false)));
        assert_eq!(route_localnet(&[]), None);
    }
}
