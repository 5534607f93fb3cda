//! The MTU of the network: what the narrowest path carries, less what the tunnel adds; proven with whole packets.

use std::net::IpAddr;

use super::common::{
    SOON, apply, attached, document, ip, lab, link, link_mtu, peers, peers_v6, reference, report, weave,
};
use crate::lab::{Host, HostOptions, Lab, Netns, Sniffer, wait_until};

/// Two hosts whose underlay carries packets of 1400 bytes.
fn narrow_lab() -> (Lab, Vec<Host>) {
    let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
    let hosts = (0..2).map(|_| lab.add_host(HostOptions { mtu: 1400 })).collect();
    (lab, hosts)
}

/// Packets of `mtu` bytes pass whole and fill the underlay's `outer` bytes; one byte more does not pass.
#[track_caller]
fn exactly(from: &Netns, to: (&Host, &Netns, IpAddr), mtu: u32, outer: u32) {
    let (host, target, address) = to;
    assert!(from.await_ping(address));
    let wire = Sniffer::start(host);
    assert!(wait_until(SOON, || from.ping_sized(address, mtu, true)), "{mtu} bytes do not pass");
    assert!(!from.ping_sized(address, mtu + 1, true), "{} bytes pass", mtu + 1);
    let whole = |frame: &[u8]| is_tunnel(frame) && frame.len() == outer as usize + 14;
    assert!(wire.find_by(SOON, whole).is_some(), "no packet of {outer} bytes on the wire");
    for netns in [from, target] {
        assert_eq!(link_mtu(netns, "ethwe"), u64::from(mtu));
    }
}

/// A whole UDP datagram, not a fragment of one.
fn is_tunnel(frame: &[u8]) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x00]) => frame[23] == 17 && u16::from_be_bytes([frame[20], frame[21]]) & 0x3fff == 0,
        Some([0x86, 0xdd]) => frame[20] == 17,
        _ => false,
    }
}

#[test]
fn an_underlay_of_1400_bytes_leaves_1350_over_ipv4() {
    let (lab, hosts) = narrow_lab();
    super::common::launch(&hosts);
    let one = attached(&lab, &hosts[0], "one", "10.2.1.1/24 fd00:2:1::1/64");
    let two = attached(&lab, &hosts[1], "two", "10.2.1.2/24 fd00:2:1::2/64");
    exactly(&one, (&hosts[1], &two, ip("10.2.1.2")), 1350, 1400);
    exactly(&two, (&hosts[0], &one, ip("fd00:2:1::1")), 1350, 1400);
    for name in ["weave", "vxlan-6783"] {
        assert_eq!(link_mtu(&hosts[0], name), 1350, "{name}");
    }
}

#[test]
fn an_underlay_of_1400_bytes_leaves_1330_over_ipv6() {
    let (lab, hosts) = narrow_lab();
    for host in &hosts {
        weave(host, &format!("launch {}", peers_v6(&hosts)));
    }
    let one = attached(&lab, &hosts[0], "one", "10.2.1.1/24 fd00:2:1::1/64");
    let two = attached(&lab, &hosts[1], "two", "10.2.1.2/24 fd00:2:1::2/64");
    exactly(&one, (&hosts[1], &two, ip("10.2.1.2")), 1330, 1400);
    exactly(&two, (&hosts[0], &one, ip("fd00:2:1::1")), 1330, 1400);
}

#[test]
fn a_route_that_carries_less_than_its_interface_counts() {
    let (lab, hosts) = lab(2);
    hosts[0].route_mtu(&hosts[1].v4().to_string(), 1300);
    hosts[1].route_mtu(&hosts[0].v4().to_string(), 1300);
    super::common::launch(&hosts);
    let one = attached(&lab, &hosts[0], "one", "10.2.1.1/24");
    let two = attached(&lab, &hosts[1], "two", "10.2.1.2/24");
    exactly(&one, (&hosts[1], &two, ip("10.2.1.2")), 1250, 1300);
}

#[test]
fn a_narrower_peer_lowers_everything_in_place_and_its_going_raises_it_again() {
    let (lab, hosts) = lab(3);
    let [host, near, far] = &hosts[..] else { panic!("three hosts") };
    for (here, there) in [(host, far), (far, host)] {
        here.route_mtu(&there.v4().to_string(), 1300);
    }
    super::common::launch(&hosts[..2]);
    weave(far, &format!("launch {}", host.v4()));
    let one = attached(&lab, host, "one", "10.2.1.1/24");
    let fixed = attached(&lab, host, "fixed", "--mtu 1000 10.2.1.2/24");
    let two = attached(&lab, near, "two", "10.2.1.3/24");
    let three = attached(&lab, far, "three", "10.2.1.4/24");
    let number = |netns: &Netns| link(netns, "ethwe").expect("attached")["ifindex"].clone();
    let before = number(&one);
    exactly(&one, (near, &two, ip("10.2.1.3")), 1450, 1500);
    weave(host, &format!("connect {}", far.v4()));
    for name in ["weave", "vxlan-6783", host_end(host, &one).as_str()] {
        assert_eq!(link_mtu(host, name), 1250, "{name}");
    }
    exactly(&one, (far, &three, ip("10.2.1.4")), 1250, 1300);
    assert_eq!(number(&one), before, "changed in place");
    assert_eq!(link_mtu(&fixed, "ethwe"), 1000, "an MTU of its own stays");
    weave(host, &format!("forget {}", far.v4()));
    exactly(&one, (near, &two, ip("10.2.1.3")), 1450, 1500);
    assert_eq!(number(&one), before);
    assert_eq!(link_mtu(&fixed, "ethwe"), 1000);
}

/// The host end of a container's interface.
fn host_end(host: &Host, target: &Netns) -> String {
    let attachments = report(host, "status")["result"]["attachments"].clone();
    let all = attachments.as_array().expect("attachments").clone();
    let found = all.iter().find(|one| one["container"].as_str().is_some_and(|name| name.ends_with(target.name())));
    found.unwrap_or_else(|| panic!("{attachments}"))["host_end"].as_str().expect("a name").to_owned()
}

#[test]
fn an_mtu_that_was_given_stays_until_another_is() {
    let (lab, hosts) = lab(2);
    for host in &hosts {
        weave(host, &format!("launch --mtu 1200 {}", peers(&hosts)));
    }
    let one = attached(&lab, &hosts[0], "one", "10.2.1.1/24");
    let two = attached(&lab, &hosts[1], "two", "10.2.1.2/24");
    exactly(&one, (&hosts[1], &two, ip("10.2.1.2")), 1200, 1250);
    weave(&hosts[0], &format!("connect {}", hosts[1].v4()));
    assert_eq!(link_mtu(&one, "ethwe"), 1200, "connecting keeps what was given");
    for host in &hosts {
        weave(host, "launch --mtu auto");
    }
    exactly(&one, (&hosts[1], &two, ip("10.2.1.2")), 1450, 1500);
}

#[test]
fn a_document_gives_the_network_and_a_container_an_mtu() {
    let (lab, hosts) = lab(1);
    let (one, two) = (lab.target("one"), lab.target("two"));
    let text = format!(
        "router: {{mtu: 1300}}\npeers: []\ncontainers:\n  \"{}\": {{ip: 10.2.1.1/24, probe: false}}\n  \"{}\": {{ip: 10.2.1.2/24, mtu: 900, probe: false}}\n",
        reference(&one),
        reference(&two)
    );
    apply(&hosts[0], &text);
    assert_eq!((link_mtu(&one, "ethwe"), link_mtu(&two, "ethwe")), (1300, 900));
    let auto = text.replace("mtu: 1300", "mtu: auto");
    weave(&hosts[0], &format!("apply {}", document(&hosts[0], &auto)));
    assert_eq!((link_mtu(&one, "ethwe"), link_mtu(&two, "ethwe")), (1450, 900));
    assert!(!apply(&hosts[0], &auto));
}

/// An overlay that could not carry IPv6, or nothing at all, is refused before anything is touched.
#[test]
fn an_underlay_that_is_too_narrow_is_refused() {
    let (_lab, hosts) = lab(2);
    hosts[0].route_mtu(&hosts[1].v4().to_string(), 100);
    let error = super::common::error(&hosts[0], &format!("launch {}", hosts[1].v4()));
    assert_eq!(super::common::text(&error, "kind"), "unsupported");
    assert_eq!(super::common::text(&error, "subject"), "mtu");
    assert!(link(&hosts[0], "weave").is_none());
}
