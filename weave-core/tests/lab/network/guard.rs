//! Who is no peer gets no frame in.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::common::{NEVER, PORT, SOON, apply, attached, ip, lab, launch, peers, peers_v6, reference, section, weave};
use crate::lab::{BROADCAST, ETHERTYPE_TEST, Host, Netns, Sniffer, ethernet, send_udp, send_vxlan, vxlan};

/// Whether a forged frame from `from` arrives at the container that `sniffer` watches.
fn injects(from: &Netns, to: IpAddr, sniffer: &Sniffer, marker: &str, limit: Duration) -> bool {
    let tries = if limit == NEVER { 1 } else { 10 };
    (0..tries).any(|_| {
        send_vxlan(from, (to, PORT).into(), PORT.into(), &forged(marker));
        sniffer.find(marker.as_bytes(), limit / tries).is_some()
    })
}

fn forged(marker: &str) -> Vec<u8> {
    ethernet(BROADCAST, [0x0a, 0x57, 10, 2, 1, 66], ETHERTYPE_TEST, marker.as_bytes())
}

fn refuses_strangers(hosts: &[Host], target: &Netns, addresses: impl Fn(&Host) -> IpAddr) {
    let [one, two, stranger] = hosts else { panic!("three hosts") };
    let sniffer = Sniffer::start(target);
    assert!(injects(two, addresses(one), &sniffer, "a frame of a peer", SOON), "a peer's frame passes");
    assert!(!injects(stranger, addresses(one), &sniffer, "a frame of a stranger", NEVER), "a stranger's frame passes");
    weave(one, &format!("forget {}", addresses(two)));
    assert!(
        !injects(two, addresses(one), &sniffer, "a frame of a forgotten peer", NEVER),
        "once a peer, always a peer"
    );
    weave(one, &format!("connect {}", addresses(two)));
    assert!(injects(two, addresses(one), &sniffer, "a frame of a peer again", SOON), "a peer's frame passes again");
}

#[test]
fn only_frames_of_peers_pass_over_ipv4() {
    let (lab, hosts) = lab(3);
    launch(&hosts[..2]);
    let target = attached(&lab, &hosts[0], "target", "10.2.1.1/24");
    refuses_strangers(&hosts, &target, |host| host.v4().into());
}

#[test]
fn only_frames_of_peers_pass_over_ipv6() {
    let (lab, hosts) = lab(3);
    for host in &hosts[..2] {
        weave(host, &format!("launch {}", peers_v6(&hosts[..2])));
    }
    let target = attached(&lab, &hosts[0], "target", "10.2.1.1/24");
    refuses_strangers(&hosts, &target, |host| host.v6().into());
}

/// With an IPv4 tunnel, a datagram to the port over IPv6 must not find another way in.
#[test]
fn the_other_family_is_no_way_in() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    let target = attached(&lab, &hosts[0], "target", "10.2.1.1/24");
    let sniffer = Sniffer::start(&target);
    assert!(!injects(&hosts[1], hosts[0].v6().into(), &sniffer, "around the corner", NEVER));
}

#[test]
fn a_host_that_is_not_listed_neither_reaches_nor_is_reached() {
    let (lab, hosts) = lab(3);
    launch(&hosts[..2]);
    // The stranger lists the others, but nobody lists it.
    weave(&hosts[2], &format!("launch {}", peers(&hosts)));
    let one = attached(&lab, &hosts[0], "one", "10.2.1.1/24");
    attached(&lab, &hosts[1], "two", "10.2.1.2/24");
    let spy = attached(&lab, &hosts[2], "spy", "10.2.1.66/24");
    assert!(one.await_ping(ip("10.2.1.2")), "the members reach each other");
    assert!(!spy.ping(ip("10.2.1.1")), "a stranger reaches a member");
    assert!(!one.ping(ip("10.2.1.66")), "a member reaches a stranger");
    weave(&hosts[0], &format!("connect {}", hosts[2].v4()));
    assert!(spy.await_ping(ip("10.2.1.1")), "once it is listed, it belongs to them");
}

#[test]
fn other_ports_of_the_host_stay_open_to_everybody() {
    let (_lab, hosts) = lab(2);
    launch(&hosts[..1]);
    for address in [IpAddr::from(hosts[0].v4()), IpAddr::from(hosts[0].v6())] {
        let open = hosts[0].bind(|| UdpSocket::bind((address, PORT + 1)));
        open.set_read_timeout(Some(SOON)).expect("a timeout");
        let port = open.local_addr().expect("an address").port();
        send_udp(&hosts[1], None, SocketAddr::new(address, port), b"to another port");
        let mut buffer = [0; 64];
        let (size, from) = open.recv_from(&mut buffer).expect("the datagram arrives");
        assert_eq!(&buffer[..size], b"to another port");
        assert_eq!(from.is_ipv4(), address.is_ipv4());
    }
    assert!(hosts[1].await_ping(hosts[0].v4().into()));
}

/// The guard stands before the device is there and until it is gone: no gap while a router is launched or stopped.
#[test]
fn the_port_is_guarded_from_the_first_moment_to_the_last() {
    let (lab, hosts) = lab(3);
    let [one, two, stranger] = &hosts[..] else { panic!("three hosts") };
    launch(&hosts[..2]);
    let target = attached(&lab, one, "target", "10.2.1.1/24");
    let sniffer = Sniffer::start(&target);
    let (ended, marker) = (AtomicBool::new(false), "through the gap");
    std::thread::scope(|scope| {
        scope.spawn(|| flood(stranger, one.v4().into(), marker, &ended));
        for _ in 0..5 {
            weave(one, "stop");
            weave(one, &format!("launch {}", two.v4()));
        }
        weave(one, &format!("launch --port 7000 {}", two.v4()));
        weave(one, &format!("launch --port {PORT} {}", two.v4()));
        weave(one, "reset");
        ended.store(true, Ordering::Relaxed);
    });
    let through = sniffer.find(marker.as_bytes(), NEVER);
    assert!(through.is_none(), "a stranger's frame came through while the router was launched or stopped");
}

fn flood(from: &Netns, to: IpAddr, marker: &str, ended: &AtomicBool) {
    let socket = from.in_netns(|| UdpSocket::bind("0.0.0.0:0")).expect("a socket");
    let datagram = vxlan(PORT.into(), &forged(marker));
    while !ended.load(Ordering::Relaxed) {
        // More would fill the queue that all namespaces of a processor share, and take packets from other tests.
        for _ in 0..2 {
            // Where nobody listens, the answer is an ICMP error that the next call reports.
            let _ = socket.send_to(&datagram, (to, PORT));
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

#[test]
fn a_firewall_that_is_not_managed_is_not_touched() {
    let (lab, hosts) = lab(2);
    let host = &hosts[0];
    host.sh(
        "iptables-nft -P FORWARD DROP && ip6tables-nft -P FORWARD DROP && iptables-legacy -P FORWARD DROP
         nft 'table inet own { chain input { type filter hook input priority 0; policy accept; udp dport 9 drop; }; }'",
    )
    .must();
    let tables = ["nft", "iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy"];
    let filters = || tables.map(|name| section(host, name));
    let before = filters();
    weave(host, &format!("launch --no-firewall {}", peers(&hosts)));
    let target = attached(&lab, host, "target", "10.2.1.1/24");
    weave(host, "expose 10.2.1.101/24");
    assert_eq!(before, filters(), "launch and expose");
    apply(
        host,
        &format!(
            "peers: {}\nfirewall: {{manage: false}}\ncontainers: {{\"{}\": {{ip: [10.2.1.1/24, 10.2.1.3/24]}}}}\n",
            hosts[1].v4(),
            reference(&target)
        ),
    );
    assert_eq!(before, filters(), "apply");
    weave(host, "hide");
    weave(host, "stop");
    weave(host, "reset");
    assert_eq!(before, filters(), "hide, stop and reset");
}
