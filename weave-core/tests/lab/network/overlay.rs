//! Containers of two hosts reach each other: either family within, over either family without.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use super::common::{SOON, attached, ip, lab, link, peers_v6, transfer, weave};
use crate::lab::{Host, Lab, Netns, Sniffer};

const ONE_V4: &str = "10.2.1.1";
const TWO_V4: &str = "10.2.1.2";
const ONE_V6: &str = "fd00:2:1::1";
const TWO_V6: &str = "fd00:2:1::2";

#[test]
fn both_families_over_an_ipv4_underlay() {
    let (lab, hosts) = lab(2);
    super::common::launch(&hosts);
    both_families(&lab, &hosts, 0x0800);
}

#[test]
fn both_families_over_an_ipv6_underlay() {
    let (lab, hosts) = lab(2);
    for host in &hosts {
        weave(host, &format!("launch {}", peers_v6(&hosts)));
    }
    both_families(&lab, &hosts, 0x86dd);
}

fn both_families(lab: &Lab, hosts: &[Host], outer: u16) {
    let one = attached(lab, &hosts[0], "one", &format!("{ONE_V4}/24 {ONE_V6}/64"));
    let two = attached(lab, &hosts[1], "two", &format!("{TWO_V4}/24 {TWO_V6}/64"));
    let wire = Sniffer::start(hosts[1].netns());
    for (here, there) in [(ONE_V4, TWO_V4), (ONE_V6, TWO_V6)] {
        assert!(one.await_ping(ip(there)), "{there} does not answer");
        assert!(two.await_ping(ip(here)), "{here} does not answer");
        assert!(transfer(&one, &two, ip(there)), "no TCP to {there}");
        assert!(transfer(&two, &one, ip(here)), "no TCP to {here}");
    }
    let tunnelled = |frame: &[u8]| frame.get(12..14) == Some(&outer.to_be_bytes()[..]) && frame.len() > 1000;
    let seen = wire.find_by(SOON, tunnelled).expect("frames of the tunnel on the wire");
    assert_eq!(seen.interface, "eth0");
}

/// IPv6 that nobody asked for would be a way around the addresses that were given.
#[test]
fn a_container_has_no_address_that_was_not_asked_for() {
    let (lab, hosts) = lab(1);
    weave(&hosts[0], "launch");
    let plain = attached(&lab, &hosts[0], "plain", "10.2.1.1/24");
    let six = attached(&lab, &hosts[0], "six", "fd00:2:1::1/64");
    let shown = plain.exec(&["ip", "-6", "address", "show", "dev", "ethwe"]).must();
    assert_eq!(shown.trim(), "", "IPv6 on an interface with IPv4 alone");
    let shown = six.exec(&["ip", "-o", "address", "show", "dev", "ethwe", "scope", "global"]).must();
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert!(shown.contains("fd00:2:1::1/64"), "{shown}");
    let bridge = hosts[0].exec(&["ip", "-6", "address", "show", "dev", "weave"]).must();
    assert_eq!(bridge.trim(), "", "IPv6 on the bridge of a host that is not exposed");
}

#[test]
fn multicast_reaches_every_member_and_nobody_is_asked_for_a_route() {
    let (lab, hosts) = lab(2);
    super::common::launch(&hosts);
    let sender = attached(&lab, &hosts[0], "sender", "10.2.1.1/24");
    let near = attached(&lab, &hosts[0], "near", "10.2.1.2/24");
    let far = attached(&lab, &hosts[1], "far", "10.2.1.3/24");
    let group = Ipv4Addr::new(239, 1, 2, 3);
    let sockets: Vec<_> = [&near, &far].into_iter().map(|netns| member(netns, group, 5000)).collect();
    sender.in_netns(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        socket.send_to(b"to all of you", (group, 5000)).expect("a route for multicast");
    });
    for (socket, name) in sockets.iter().zip(["near", "far"]) {
        let mut buffer = [0; 64];
        let received = socket.recv_from(&mut buffer);
        let (size, from) = received.unwrap_or_else(|error| panic!("nothing reached {name}: {error}"));
        assert_eq!((&buffer[..size], from.ip()), (&b"to all of you"[..], ip("10.2.1.1")), "at {name}");
    }
}

/// A socket that has joined `group`, by the route that the namespace has for it.
fn member(netns: &Netns, group: Ipv4Addr, port: u16) -> UdpSocket {
    let socket = netns.bind(|| UdpSocket::bind(("0.0.0.0", port)));
    netns.in_netns(|| {
        socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED).expect("a route for multicast");
        socket.set_read_timeout(Some(SOON)).expect("a timeout");
    });
    socket
}

/// The address of the interface is made from its first address, so it is the same after a move.
#[test]
fn a_container_that_moves_to_another_host_is_reached_there() {
    let (lab, hosts) = lab(3);
    super::common::launch(&hosts);
    let watcher = attached(&lab, &hosts[0], "watcher", "10.2.1.1/24");
    let before = attached(&lab, &hosts[1], "before", "10.2.1.2/24");
    assert!(watcher.await_ping(ip("10.2.1.2")));
    let mac = super::common::mac(&before);
    weave(&hosts[1], &format!("detach {}", super::common::reference(&before)));
    assert!(link(&before, "ethwe").is_none(), "the interface goes with the last address");
    let after = attached(&lab, &hosts[2], "after", "10.2.1.2/24");
    assert_eq!(super::common::mac(&after), mac);
    assert!(watcher.reaches_at_once(IpAddr::from([10, 2, 1, 2])), "the new place is not known at once");
}
