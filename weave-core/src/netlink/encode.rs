//! Messages to the kernel. Pure: numbers of links and files are given, nothing is looked up.

mod veth;
mod ways;

use std::net::IpAddr;

use netlink_packet_core::{
    DefaultNla, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
    NetlinkMessage,
};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{
    BridgeStpState, InfoBridge, InfoData, InfoKind, InfoVxlan, LinkAttribute, LinkExtentMask, LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol};
use netlink_packet_route::route::{RouteScope, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Inner};
use rtnetlink::{LinkBridge, LinkBridgePort, LinkMessageBuilder, LinkUnspec, LinkVxlan};

pub(crate) use veth::{create_router_pair, create_veth};
pub(crate) use ways::{dump_all_routes, dump_route_exceptions, dump_rules, route_to};

use super::Message;
use crate::names;
use crate::observed::{Flood, Mark};
use crate::plan::{NewBridge, NewVxlan};
use crate::spec::{Cidr, Mac, Route};

const CHANGE: u16 = NLM_F_REQUEST | NLM_F_ACK;
const CREATE: u16 = CHANGE | NLM_F_CREATE | NLM_F_EXCL;
const DUMP: u16 = NLM_F_REQUEST | NLM_F_DUMP;

const IFLA_IFALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_INET_CONF: u16 = 1;
const IPV4_DEVCONF_ARP_NOTIFY: u16 = 22;
const NLA_F_NESTED: u16 = 1 << 15;

/// Permanent, and never asked for by ARP (`NUD_PERMANENT | NUD_NOARP`), as `bridge fdb append` has it.
const STATIC_ENTRY: u16 = 0x80 | 0x40;

fn message(inner: Inner, flags: u16) -> Message {
    let mut message = NetlinkMessage::from(inner);
    message.header.flags = flags;
    message
}

/// `ip link add … type bridge stp_state 0 mcast_snooping 0`, and its alias.
///
/// The kernel takes no alias with a new link, so the alias follows in the same `sendmsg`: no kill comes between. The
/// caller chooses the number of the link, so that the second message cannot meet a link of others when the first is
/// refused.
///
/// A bridge takes the smallest MTU of its ports, unless its own was once changed (`BROPT_MTU_SET_BY_USER`); what it is
/// made with does not count, nor does a change to what it is. So it is made with another one, which is then changed.
pub(crate) fn create_bridge(new: &NewBridge, index: u32) -> Vec<Message> {
    let other = if new.mtu > names::MTU_MIN { new.mtu - 1 } else { new.mtu + 1 };
    let link = LinkMessageBuilder::<LinkBridge>::new(&new.name)
        .index(index)
        .address(new.mac.0.to_vec())
        .mtu(other)
        .stp_state(BridgeStpState::Disabled)
        .mcast_snooping(false)
        .build();
    let mut messages = created(link, index, &new.mark);
    messages.push(set(LinkUnspec::new_with_index(index).mtu(new.mtu)));
    messages
}

/// `ip link add … master BRIDGE type vxlan id … dstport … local … learning`, and its alias; as [`create_bridge`].
pub(crate) fn create_vxlan(new: &NewVxlan, index: u32, bridge: u32) -> Vec<Message> {
    let link = LinkMessageBuilder::<LinkVxlan>::new(&new.name)
        .index(index)
        .mtu(new.mtu)
        .controller(bridge)
        .id(new.vni)
        .append_info_data(local(new.local))
        .append_info_data(InfoVxlan::Learning(new.learning))
        .append_info_data(InfoVxlan::Port(new.port))
        .build();
    created(link, index, &Mark::Router)
}

/// `ip link set dev … type vxlan local … learning`
pub(crate) fn set_tunnel(name: &str, source: IpAddr, learning: bool) -> Message {
    let link = LinkMessageBuilder::<LinkVxlan>::new_with_info_kind(InfoKind::Vxlan)
        .name(name)
        .set_info_data(InfoData::Vxlan(vec![local(source), InfoVxlan::Learning(learning)]))
        .build();
    // As for a bridge.
    message(Inner::NewLink(link), CHANGE)
}

fn local(source: IpAddr) -> InfoVxlan {
    match source {
        IpAddr::V4(v4) => InfoVxlan::Local(v4),
        IpAddr::V6(v6) => InfoVxlan::Local6(v6),
    }
}

fn created(link: LinkMessage, index: u32, mark: &Mark) -> Vec<Message> {
    vec![message(Inner::NewLink(link), CREATE), set_alias(index, &mark.to_string())]
}

/// `ip link set dev … alias …`
pub(crate) fn set_alias(index: u32, alias: &str) -> Message {
    // Without the terminating zero, which the kernel would count.
    let alias = LinkAttribute::Other(DefaultNla::new(IFLA_IFALIAS, alias.as_bytes().to_vec()));
    set(LinkUnspec::new_with_index(index).append_extra_attribute(alias))
}

/// `ip link set dev … type bridge stp_state … mcast_snooping …`
pub(crate) fn set_bridge(name: &str, stp: bool, multicast_snooping: bool) -> Message {
    let stp = if stp { BridgeStpState::KernelStp } else { BridgeStpState::Disabled };
    let info = vec![InfoBridge::StpState(stp), InfoBridge::MulticastSnooping(multicast_snooping)];
    let link = LinkMessageBuilder::<LinkBridge>::new_with_info_kind(InfoKind::Bridge)
        .name(name)
        .set_info_data(InfoData::Bridge(info))
        .build();
    // Of the two messages that change a link, only this one reads what belongs to a kind.
    message(Inner::NewLink(link), CHANGE)
}

/// `ip link set dev … master …`, or `nomaster` for number 0.
pub(crate) fn set_master(name: &str, bridge: u32) -> Message {
    set(LinkUnspec::new_with_name(name).controller(bridge))
}

/// `ip link set dev … type bridge_slave hairpin …`
pub(crate) fn set_hairpin(index: u32, on: bool) -> Message {
    message(Inner::NewLink(LinkBridgePort::new(index).hairpin(on).build()), CHANGE)
}

/// `ip link set dev … group …`
pub(crate) fn set_group(index: u32, group: u32) -> Message {
    set(LinkUnspec::new_with_index(index).link_group(group))
}

/// `ip link set dev … mtu …`
pub(crate) fn set_mtu(name: &str, mtu: u32) -> Message {
    set(LinkUnspec::new_with_name(name).mtu(mtu))
}

/// `ip link set dev … address …`
pub(crate) fn set_mac(name: &str, mac: Mac) -> Message {
    set(LinkUnspec::new_with_name(name).address(mac.0.to_vec()))
}

/// `sysctl net.ipv4.conf.….arp_notify=1`, without a look for its file.
pub(crate) fn set_arp_notify(index: u32) -> Message {
    let attribute = |kind: u16, value: &[u8]| -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
    };
    // Not by the crate: it writes these settings as the kernel shows them, which is not as the kernel takes them.
    let settings = attribute(IFLA_INET_CONF | NLA_F_NESTED, &attribute(IPV4_DEVCONF_ARP_NOTIFY, &1_u32.to_ne_bytes()));
    let inet = attribute(u16::from(u8::from(AddressFamily::Inet)) | NLA_F_NESTED, &settings);
    let mut link = LinkUnspec::new_with_index(index).build();
    link.attributes.push(LinkAttribute::Other(DefaultNla::new(IFLA_AF_SPEC | NLA_F_NESTED, inet)));
    message(Inner::SetLink(link), CHANGE)
}

/// `ip link set dev … address …`, by its number.
pub(crate) fn set_mac_at(index: u32, mac: Mac) -> Message {
    set(LinkUnspec::new_with_index(index).address(mac.0.to_vec()))
}

/// `ip link set dev … up`, or `down`.
pub(crate) fn set_up(name: &str, up: bool) -> Message {
    let link = LinkUnspec::new_with_name(name);
    set(if up { link.up() } else { link.down() })
}

fn set(link: LinkMessageBuilder<LinkUnspec>) -> Message {
    message(Inner::SetLink(link.build()), CHANGE)
}

/// `ip link delete dev …`
pub(crate) fn delete_link(name: &str) -> Message {
    message(Inner::DelLink(LinkUnspec::new_with_name(name).build()), CHANGE)
}

/// The same by number.
pub(crate) fn delete_link_at(index: u32) -> Message {
    message(Inner::DelLink(LinkUnspec::new_with_index(index).build()), CHANGE)
}

/// `ip link delete group …`: any number of links in one message, and one RCU grace period for all of them.
pub(crate) fn delete_group(group: u32) -> Message {
    message(Inner::DelLink(LinkMessageBuilder::<LinkUnspec>::new().link_group(group).build()), CHANGE)
}

/// `ip address add … dev …`; an IPv6 address without duplicate detection, because weave asks the network itself.
pub(crate) fn add_address(index: u32, address: Cidr) -> Message {
    message(Inner::NewAddress(address_message(index, address)), CREATE)
}

/// `ip address del … dev …`
pub(crate) fn delete_address(index: u32, address: Cidr) -> Message {
    message(Inner::DelAddress(address_message(index, address)), CHANGE)
}

fn address_message(index: u32, address: Cidr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.ip());
    message.header.prefix_len = address.prefix();
    message.header.index = index;
    message.attributes = vec![AddressAttribute::Local(address.ip()), AddressAttribute::Address(address.ip())];
    if !address.is_ipv4() {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    message
}

/// `ip route add … dev …`
pub(crate) fn add_route(index: u32, route: &Route) -> Message {
    let mut inner = route_message(index, route);
    inner.header.protocol = RouteProtocol::Static;
    inner.header.kind = RouteType::Unicast;
    // What is reached without a next hop is on the link; IPv6 knows no scopes of routes.
    let on_link = route.via.is_none() && route.to.is_ipv4();
    inner.header.scope = if on_link { RouteScope::Link } else { RouteScope::Universe };
    message(Inner::NewRoute(inner), CREATE)
}

/// `ip route del … dev …`
pub(crate) fn delete_route(index: u32, route: &Route) -> Message {
    let mut inner = route_message(index, route);
    // Whatever its scope is.
    inner.header.scope = RouteScope::NoWhere;
    message(Inner::DelRoute(inner), CHANGE)
}

fn route_message(index: u32, route: &Route) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(route.to.ip());
    message.header.destination_prefix_length = route.to.prefix();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.attributes = vec![RouteAttribute::Destination(route_address(route.to.ip())), RouteAttribute::Oif(index)];
    if let Some(via) = route.via {
        message.attributes.push(RouteAttribute::Gateway(route_address(via)));
    }
    message
}

/// `bridge fdb append 00:00:00:00:00:00 dev … dst …`: one more destination, never instead of another.
pub(crate) fn add_flood(index: u32, peer: Flood) -> Message {
    message(Inner::NewNeighbour(flood_message(index, peer)), CHANGE | NLM_F_CREATE | NLM_F_APPEND)
}

/// `bridge fdb delete 00:00:00:00:00:00 dev … dst …`
pub(crate) fn delete_flood(index: u32, peer: Flood) -> Message {
    message(Inner::DelNeighbour(flood_message(index, peer)), CHANGE)
}

/// `bridge fdb replace … dev … master dynamic`: what the bridge learns from a frame that comes from there.
pub(crate) fn learn(port: u32, mac: Mac) -> Message {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = port;
    message.header.state = NeighbourState::Reachable;
    message.header.flags = NeighbourFlags::Controller;
    message.attributes = vec![NeighbourAttribute::LinkLayerAddress(mac.0.to_vec())];
    self::message(Inner::NewNeighbour(message), CHANGE | NLM_F_CREATE | NLM_F_REPLACE)
}

fn flood_message(index: u32, peer: Flood) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = index;
    message.header.state = NeighbourState::Other(STATIC_ENTRY);
    message.header.flags = NeighbourFlags::Own;
    message.attributes = vec![
        NeighbourAttribute::LinkLayerAddress(vec![0; 6]),
        NeighbourAttribute::Destination(NeighbourAddress::from(peer.address)),
    ];
    message.attributes.extend(peer.port.map(NeighbourAttribute::Port));
    message
}

/// `ip -d link`, without statistics.
pub(crate) fn dump_links() -> Message {
    message(
        Inner::GetLink(LinkMessageBuilder::<LinkUnspec>::new().append_extra_attribute(no_statistics()).build()),
        DUMP,
    )
}

/// `ip -d -s link`
pub(crate) fn dump_links_with_counters() -> Message {
    message(Inner::GetLink(LinkMessageBuilder::<LinkUnspec>::new().build()), DUMP)
}

/// `ip -d link show dev …`
pub(crate) fn link_by_name(name: &str) -> Message {
    let link = LinkUnspec::new_with_name(name).append_extra_attribute(no_statistics()).build();
    message(Inner::GetLink(link), NLM_F_REQUEST)
}

/// `ip link show` of the link with number `index`
pub(crate) fn link_at(index: u32) -> Message {
    let link = LinkUnspec::new_with_index(index).append_extra_attribute(no_statistics()).build();
    message(Inner::GetLink(link), NLM_F_REQUEST)
}

fn no_statistics() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}

/// `ip address`
pub(crate) fn dump_addresses() -> Message {
    message(Inner::GetAddress(AddressMessage::default()), DUMP)
}

/// `ip route` and `ip -6 route`: the main table.
pub(crate) fn dump_routes() -> Message {
    let mut routes = RouteMessage::default();
    routes.header.table = RouteHeader::RT_TABLE_MAIN;
    routes.header.kind = RouteType::Unicast;
    message(Inner::GetRoute(routes), DUMP)
}

/// `ip neighbour`
pub(crate) fn dump_neighbours() -> Message {
    message(Inner::GetNeighbour(NeighbourMessage::default()), DUMP)
}

/// `bridge fdb show dev …`
pub(crate) fn dump_fdb_of(index: u32) -> Message {
    let mut entries = NeighbourMessage::default();
    entries.header.family = AddressFamily::Bridge;
    entries.header.ifindex = index;
    message(Inner::GetNeighbour(entries), DUMP)
}

/// `bridge fdb show br …`
pub(crate) fn dump_fdb_of_bridge(bridge: u32) -> Message {
    let mut entries = NeighbourMessage::default();
    entries.header.family = AddressFamily::Bridge;
    entries.attributes = vec![NeighbourAttribute::Controller(bridge)];
    message(Inner::GetNeighbour(entries), DUMP)
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn route_address(ip: IpAddr) -> RouteAddress {
    match ip {
        IpAddr::V4(v4) => RouteAddress::Inet(v4),
        IpAddr::V6(v6) => RouteAddress::Inet6(v6),
    }
}
