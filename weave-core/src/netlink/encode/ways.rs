//! Questions for the ways to other hosts.

use std::net::IpAddr;

use netlink_packet_core::NLM_F_REQUEST;
use netlink_packet_route::route::{RouteAttribute, RouteFlags, RouteMessage};
use netlink_packet_route::rule::RuleMessage;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Inner};

use super::{DUMP, family, message, route_address};
use crate::netlink::Message;

/// `ip route show table all`, of IPv4.
pub(crate) fn dump_all_routes() -> Message {
    message(Inner::GetRoute(all_routes()), DUMP)
}

/// `ip route show cache`, of IPv4: what was learned of the ways to single addresses (Linux 5.3).
pub(crate) fn dump_route_exceptions() -> Message {
    let mut routes = all_routes();
    routes.header.flags = RouteFlags::Cloned;
    message(Inner::GetRoute(routes), DUMP)
}

fn all_routes() -> RouteMessage {
    let mut routes = RouteMessage::default();
    routes.header.address_family = AddressFamily::Inet;
    routes
}

/// `ip rule`, of IPv4.
pub(crate) fn dump_rules() -> Message {
    let mut rules = RuleMessage::default();
    rules.header.family = AddressFamily::Inet;
    message(Inner::GetRule(rules), DUMP)
}

/// `ip route get …`
pub(crate) fn route_to(address: IpAddr) -> Message {
    let mut route = RouteMessage::default();
    route.header.address_family = family(address);
    route.header.destination_prefix_length = if address.is_ipv4() { 32 } else { 128 };
    route.attributes = vec![RouteAttribute::Destination(route_address(address))];
    message(Inner::GetRoute(route), NLM_F_REQUEST)
}
