//! Frames get from bridge to bridge between routers that know each other, and from nobody else.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, sendto, socket};

use super::exchange::{ask, await_established, await_page, get, lab, with, with_env};
use crate::lab::{BROADCAST, ETHERTYPE_TEST, Host, Lab, Netns, PATIENCE, Sniffer, ethernet, send_udp, wait_until};
use crate::network::common::{NEVER, PORT, SOON};

const RANGE: &str = "--ipalloc-range 10.32.0.0/12";

/// A namespace that plays a container on a host's bridge.
fn attached(lab: &Lab, host: &Host, number: u8) -> Netns {
    let target = lab.target(&format!("c{number}"));
    host.sh(&format!(
        "ip link add c{number} type veth peer name ethwe netns {} && ip link set c{number} master weave up",
        target.name()
    ))
    .must();
    target.sh(&format!("ip address add 10.2.1.{number}/24 dev ethwe && ip link set ethwe up")).must();
    target
}

fn at(number: u8) -> IpAddr {
    IpAddr::from([10, 2, 1, number])
}

/// A datagram whose source is the given one, whoever sends it.
fn forge(from: &Netns, source: (Ipv4Addr, u16), to: (Ipv4Addr, u16), payload: &[u8]) {
    let length = u16::try_from(8 + payload.len()).expect("a datagram");
    let udp = [source.1, to.1, length, 0].map(u16::to_be_bytes).concat();
    // Length, identification and checksum are the kernel's work.
    let head = [&[0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0][..], &source.0.octets(), &to.0.octets()].concat();
    let packet = [&head[..], &udp, payload].concat();
    let opened =
        from.in_netns(|| socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw));
    let socket = opened.unwrap_or_else(|e| panic!("open a raw socket: {e}"));
    let address = SockaddrIn::from(std::net::SocketAddrV4::new(to.0, 0));
    let sent = sendto(socket.as_raw_fd(), &packet, &address, MsgFlags::empty());
    sent.unwrap_or_else(|e| panic!("send from {}: {e}", source.0));
}

#[test]
fn containers_of_two_hosts_reach_each_other_and_a_stranger_reaches_nobody() {
    let (lab, hosts) = lab(3);
    let (one, two) = (attached(&lab, &hosts[0], 1), attached(&lab, &hosts[1], 2));
    assert!(!one.ping(at(2)), "without routers nothing joins them");
    let _routers = [hosts[0].start_router(&with("")), hosts[1].start_router(&with(&hosts[0].v4().to_string()))];
    hosts[..2].iter().for_each(|host| await_established(host, 1));
    assert!(one.await_ping(at(2)) && two.await_ping(at(1)));
    assert!(one.ping_sized(at(2), 1400, true));

    let frame = |marker: &[u8]| [&[1], &*ethernet(BROADCAST, [2, 0, 0, 0, 0, 0x77], ETHERTYPE_TEST, marker)].concat();
    let sniffer = Sniffer::start(&one);
    send_udp(&hosts[2], None, (hosts[0].v4(), PORT).into(), &frame(b"from a stranger"));
    // The peer's host is not the peer either.
    send_udp(&hosts[1], None, (hosts[0].v4(), PORT).into(), &frame(b"from another port"));
    // What would be heard of the peer itself comes last, so that the others have had their time.
    forge(&hosts[1], (hosts[1].v4(), PORT), (hosts[0].v4(), PORT), &frame(b"from the peer"));
    let first = sniffer.find(b"from ", SOON).expect("the datagrams to be what a router takes for frames");
    assert!(first.frame.windows(13).any(|window| window == b"from the peer"), "{first:?}");
    assert!(sniffer.find(b"from ", NEVER).is_none());
}

#[test]
fn a_known_address_is_sent_to_its_peer_only() {
    let (lab, hosts) = lab(3);
    let (one, two) = (attached(&lab, &hosts[0], 1), attached(&lab, &hosts[1], 2));
    let dial = with(&hosts[0].v4().to_string());
    let _routers = [hosts[0].start_router(&with("")), hosts[1].start_router(&dial), hosts[2].start_router(&dial)];
    // The third learns of the second from the first, and dials it.
    hosts.iter().for_each(|host| await_established(host, 2));
    assert!(one.await_ping(at(2)));
    let third = attached(&lab, &hosts[2], 3);
    assert!(third.await_ping(at(1)));
    let echo = |frame: &[u8]| frame.len() == 333 + 14;
    // A bridge does not pass on what it knows to be elsewhere, so it is its port that tells.
    let sniffers = [&hosts[0], &hosts[2]].map(|host| Sniffer::start(host));
    assert!(wait_until(SOON, || two.ping_sized(at(1), 333, true)));
    let arrived = sniffers[0].find_by(SOON, echo).map(|frame| frame.interface);
    assert!(arrived.is_some_and(|interface| interface == "vethwe-bridge" || interface == "c1"));
    assert!(sniffers[1].find_by(NEVER, echo).is_none());
    assert!(get(&hosts[0], "/status/peers").matches(" established\n").count() == 6);
}

#[test]
fn only_the_same_password_connects() {
    let (lab, hosts) = lab(2);
    let (one, _two) = (attached(&lab, &hosts[0], 1), attached(&lab, &hosts[1], 2));
    let _one = hosts[0].start_router(&with_env("", "WEAVE_PASSWORD", "right"));
    for (password, why) in [
        ("wrong", "connection reset by peer, retry: "),
        ("", "no password specificed, but peer requested an encrypted connection, retry: "),
    ] {
        let two = hosts[1].start_router(&with_env(&hosts[0].v4().to_string(), "WEAVE_PASSWORD", password));
        await_page(&hosts[1], "/status/connections", |page| page.contains(why));
        assert_eq!(get(&hosts[0], "/status/connections"), "");
        assert!(!one.ping(at(2)));
        assert_eq!(two.terminate(), Some(0));
    }
    let _two = hosts[1].start_router(&with_env(&hosts[0].v4().to_string(), "WEAVE_PASSWORD", "right"));
    await_established(&hosts[0], 1);
    assert!(get(&hosts[0], "/status/connections").contains(" encrypted   sleeve "));
    assert!(one.await_ping(at(2)));
}

#[test]
fn peers_may_have_ipv6_addresses() {
    let (lab, hosts) = lab(2);
    let (one, _two) = (attached(&lab, &hosts[0], 1), attached(&lab, &hosts[1], 2));
    let _routers = [hosts[0].start_router(&with("")), hosts[1].start_router(&with(&format!("[{}]", hosts[0].v6())))];
    await_established(&hosts[1], 1);
    assert!(get(&hosts[1], "/status/connections").starts_with(&format!("-> [{}]:6783", hosts[0].v6())));
    assert!(one.await_ping(at(2)));
    // As the real router has it: only in brackets, and without a port.
    let bare = ask(&hosts[1], "POST", "/connect", None, &["peer=2001:db8::9".to_owned()]).expect("an answer");
    assert_eq!(
        (bare.status.as_str(), bare.body.as_str()),
        ("400 Bad Request", "address 2001:db8::9:0: too many colons in address\n")
    );
}

#[test]
fn both_dial_each_other_and_one_connection_is_left() {
    let (_lab, hosts) = lab(2);
    let _routers = [0, 1].map(|at| hosts[at].start_router(&with(&hosts[1 - at].v4().to_string())));
    for host in &hosts {
        let settled = || {
            let page = get(host, "/status/connections");
            page.lines().count() == 1 && page.contains(" established ")
        };
        assert!(wait_until(PATIENCE, settled), "{}", get(host, "/status/connections"));
    }
}

#[test]
fn no_address_is_allocated_twice() {
    let (_lab, hosts) = lab(2);
    let _routers =
        [hosts[0].start_router(&with(RANGE)), hosts[1].start_router(&with(&format!("{RANGE} {}", hosts[0].v4())))];
    hosts.iter().for_each(|host| await_established(host, 1));
    let take = |host: &Host, id: &str| ask(host, "POST", &format!("/ip/{id}"), None, &[]).expect("an answer").body;
    assert_eq!(take(&hosts[1], "two"), "10.32.0.1/12");
    assert_eq!(take(&hosts[0], "one"), "10.32.0.2/12");
    assert_eq!(take(&hosts[1], "three"), "10.32.0.3/12");
    assert_eq!(take(&hosts[1], "two"), "10.32.0.1/12", "the same again");
    let claimed = ask(&hosts[1], "PUT", "/ip/four/10.32.0.2/12", None, &[]).expect("an answer");
    let owner = format!("{} (hostA)", hosts[0].router_name());
    assert_eq!(claimed.body, format!("Unable to claim: address 10.32.0.2/12 is owned by other peer {owner}\n"));
    let claimed = ask(&hosts[1], "PUT", "/ip/four/10.32.0.9/12", None, &[]).expect("an answer");
    assert_eq!(claimed.status, "204 No Content");
}
