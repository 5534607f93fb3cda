//! Another address of the underlay: the tunnel moves, and stays what it is.

use std::net::IpAddr;

use super::common::{NEVER, SOON, attached, ip, lab, link, peers, weave};
use crate::lab::Sniffer;

/// Another address of the first host in the network of its first one.
const OTHER: &str = "192.0.2.201";
const TWO: &str = "10.2.1.2";

/// Whether a frame has an outer header of UDP over IPv4 from `source`.
fn is_from(frame: &[u8], source: IpAddr) -> bool {
    let IpAddr::V4(source) = source else { return false };
    frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&17) && frame.get(26..30) == Some(&source.octets())
}

#[test]
fn the_tunnel_moves_to_another_address_with_everything_it_knows() {
    let (lab, hosts) = lab(2);
    hosts[0].add_address("eth0", &format!("{OTHER}/24"));
    weave(&hosts[0], &format!("launch --vni 77 --no-firewall {} 192.0.2.77:7000", peers(&hosts[1..])));
    weave(&hosts[1], &format!("launch --vni 77 {} {OTHER}", peers(&hosts[..1])));
    let one = attached(&lab, &hosts[0], "one", "10.2.1.1/24");
    let two = attached(&lab, &hosts[1], "two", &format!("{TWO}/24"));
    assert!(one.await_ping(ip(TWO)), "no way before");
    let before = link(&hosts[0], "vxlan-6783").expect("the tunnel");
    let flood = || hosts[0].exec(&["bridge", "fdb", "show", "dev", "vxlan-6783"]).must();
    let flooded: Vec<String> = flood().lines().filter(|line| line.starts_with("00:00")).map(str::to_owned).collect();
    assert_eq!(flooded.len(), 2, "{flooded:?}");

    weave(&hosts[0], &format!("launch --underlay {OTHER}"));
    let after = link(&hosts[0], "vxlan-6783").expect("the tunnel");
    assert_eq!((&after["ifindex"], &after["linkinfo"]["info_data"]["id"]), (&before["ifindex"], &77.into()));
    assert_eq!(after["linkinfo"]["info_data"]["local"], OTHER);
    for entry in flooded {
        assert!(flood().contains(&entry), "{entry} is gone: {}", flood());
    }
    // At once, and to a peer that was sent to before.
    let wire = Sniffer::start(hosts[1].netns());
    assert!(one.await_ping(ip(TWO)) && two.await_ping(ip("10.2.1.1")), "no way after");
    assert!(wire.find_by(SOON, |frame| is_from(frame, ip(OTHER))).is_some(), "nothing from {OTHER}");
    let wire = Sniffer::start(hosts[1].netns());
    assert!(one.await_ping(ip(TWO)));
    let old = IpAddr::V4(hosts[0].v4());
    assert!(wire.find_by(NEVER, |frame| is_from(frame, old)).is_none(), "still from {old}");
}
