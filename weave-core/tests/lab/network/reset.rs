//! After `reset` a host is as it was before weave came.

use super::common::{apply, attach, attached, changes, lab, link, peers, reference, weave};
use crate::lab::{DockerOptions, HostOptions, Lab, Netns, Snapshot, assert_same};

fn all(namespaces: &[&Netns]) -> Vec<Snapshot> {
    namespaces.iter().map(|netns| Snapshot::of(netns)).collect()
}

/// With an engine and its firewall, a container of its own and a bare namespace.
#[test]
fn everything_is_as_it_was_on_a_host_with_an_engine_and_in_its_containers() {
    let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::default());
    let (web, none) = (host.run_container("web", &[]), host.run_container("none", &["--network=none"]));
    let bare = lab.target("bare");
    let (web_net, none_net) = (web.netns(), none.netns());
    let namespaces = [host.netns(), &web_net, &none_net, &bare];
    let before = all(&namespaces);
    let text = format!(
        "peers: 192.0.2.8 192.0.2.9\nexpose: [10.2.1.101/24, \"fd00:2:1::101/64\"]\ncontainers:\n  \
         web: {{ips: [10.2.1.1/24, \"fd00:2:1::1/64\"]}}\n  none: {{ip: 10.2.1.2/24, gateway: 10.2.1.101}}\n  \
         \"{}\": {{ip: 10.2.1.3/24}}\n",
        reference(&bare)
    );
    assert!(apply(&host, &text));
    assert!(web_net.await_ping(super::common::ip("10.2.1.2")));
    assert!(changes(&host, "reset"));
    for (before, after) in before.iter().zip(all(&namespaces)) {
        assert_same(before, &after);
    }
    assert!(!changes(&host, "reset"), "a second time changes nothing");
    assert!(apply(&host, &text));
    assert!(apply(&host, "ensure: absent\n"), "the same as a document");
    for (before, after) in before.iter().zip(all(&namespaces)) {
        assert_same(before, &after);
    }
}

/// What somebody else made stays, however much it looks like weave's.
#[test]
fn what_others_made_stays() {
    let (lab, hosts) = lab(1);
    let host = &hosts[0];
    let other = lab.target("other");
    host.sh(&format!(
        "ip link add br0 up type bridge && ip link add vxlan-9 up type vxlan id 9 dstport 4789 local {}
         ip link set vxlan-9 master br0 alias 'weaver of the storage network'
         ip link add vethwe0 up type veth peer name eth1 netns {} && ip link set vethwe0 master br0
         ip link set vethwe0 group 6783
         bridge fdb append 00:00:00:00:00:00 dev vxlan-9 dst 192.0.2.77
         iptables-nft -A FORWARD -i br0 -j ACCEPT -m comment --comment 'not weave'
         nft 'table inet weaver {{ set peers {{ type ipv4_addr; elements = {{ 192.0.2.4 }}; }}; }}'",
        host.v4(),
        other.name()
    ))
    .must();
    let before = all(&[host, &other]);
    weave(host, &format!("launch {} 192.0.2.9", peers(&hosts)));
    let targets: Vec<Netns> =
        (1..=3).map(|number| attached(&lab, host, &number.to_string(), &format!("10.2.1.{number}/24"))).collect();
    attach(host, &other, "10.2.1.9/24");
    weave(host, "expose 10.2.1.101/24");
    weave(host, "reset");
    assert!(targets.iter().all(|target| link(target, "ethwe").is_none()));
    for (before, after) in before.iter().zip(all(&[host, &other])) {
        assert_same(before, &after);
    }
}

/// An attachment whose bridge or router somebody deleted by hand is still weave's to remove.
#[test]
fn what_is_left_of_a_network_that_was_broken_by_hand_is_removed() {
    let (lab, hosts) = lab(1);
    let host = &hosts[0];
    let target = lab.target("target");
    let before = all(&[host, &target]);
    for damage in ["ip link delete weave", "ip link delete vxlan-6783", "nft delete table inet weave"] {
        weave(host, "launch 192.0.2.9");
        attach(host, &target, "10.2.1.1/24");
        weave(host, "expose 10.2.1.101/24");
        host.sh(damage).must();
        weave(host, "reset");
        for (before, after) in before.iter().zip(all(&[host, &target])) {
            assert_same(before, &after);
        }
    }
}

/// And `apply` brings it back, whatever was broken.
#[test]
fn what_was_broken_by_hand_is_repaired_by_the_next_apply() {
    let (lab, hosts) = lab(2);
    let (one, two) = (lab.target("one"), lab.target("two"));
    let text = |target: &Netns, number: u8| {
        format!(
            "peers: \"{}\"\nexpose: [10.2.1.10{number}/24]\ncontainers: {{\"{}\": {{ip: 10.2.1.{number}/24, probe: false}}}}\n",
            peers(&hosts),
            reference(target)
        )
    };
    let near = text(&one, 1);
    apply(&hosts[0], &near);
    apply(&hosts[1], &text(&two, 2));
    let there = super::common::ip("10.2.1.2");
    assert!(one.await_ping(there));
    for damage in [
        "ip link delete weave",
        "ip link delete vxlan-6783",
        "ip link set vxlan-6783 nomaster",
        "ip link set weave down",
        "ip link set vxlan-6783 down",
        "bridge fdb delete 00:00:00:00:00:00 dev vxlan-6783 dst 192.0.2.2",
        "nft delete table inet weave",
        "nft flush table inet weave",
        "nft flush set inet weave peers4",
        "ip address flush dev weave",
        "ip link set weave mtu 1000",
        "for end in /sys/class/net; do ip -o link show type veth | sed -n 's/^[0-9]*: \\(vethwe[^@]*\\)@.*/\\1/p' | xargs -n1 ip link delete; done",
    ] {
        hosts[0].sh(damage).must();
        assert!(apply(&hosts[0], &near), "`{damage}` is not seen");
        assert!(one.await_ping(there), "`{damage}` is not repaired");
        assert!(hosts[0].await_ping(there), "`{damage}`: the host is not exposed again");
        assert!(!apply(&hosts[0], &near), "`{damage}`: a second time changes something");
    }
}
