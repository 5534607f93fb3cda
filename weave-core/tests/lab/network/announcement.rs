//! A new place of an address is told to those who remember the old one.

use super::common::{apply, attach, attached, ip, lab, launch, reference, weave};
use crate::lab::{Host, Netns};

/// An address moves from the second to the third host; the watcher on the first reaches it at once.
fn moves(hosts: &[Host], watcher: &Netns, before: &Netns, after: &Netns, address: &str) {
    let (plain, _) = address.split_once('/').expect("a prefix length");
    assert!(watcher.await_ping(ip(plain)));
    weave(&hosts[1], &format!("detach {}", reference(before)));
    attach(&hosts[2], after, &format!("--mac 02:00:00:00:00:33 {address}"));
    assert!(watcher.reaches_at_once(ip(plain)), "the new place of {address} is not known");
}

#[test]
fn an_ipv4_address_with_another_hardware_address_is_reached_at_once() {
    let (lab, hosts) = lab(3);
    launch(&hosts);
    let watcher = attached(&lab, &hosts[0], "watcher", "10.2.1.1/24");
    let before = attached(&lab, &hosts[1], "before", "10.2.1.2/24");
    moves(&hosts, &watcher, &before, &lab.target("after"), "10.2.1.2/24");
}

#[test]
fn an_ipv6_address_with_another_hardware_address_is_reached_at_once() {
    let (lab, hosts) = lab(3);
    launch(&hosts);
    let watcher = attached(&lab, &hosts[0], "watcher", "fd00:2:1::1/64");
    let before = attached(&lab, &hosts[1], "before", "fd00:2:1::2/64");
    moves(&hosts, &watcher, &before, &lab.target("after"), "fd00:2:1::2/64");
}

/// The exposed address of a host that took over from another.
#[test]
fn an_exposed_address_that_moves_is_reached_at_once() {
    let (lab, hosts) = lab(3);
    launch(&hosts);
    let watcher = attached(&lab, &hosts[0], "watcher", "10.2.1.1/24");
    weave(&hosts[1], "expose 10.2.1.101/24");
    assert!(watcher.await_ping(ip("10.2.1.101")));
    weave(&hosts[1], "hide");
    weave(&hosts[2], "expose 10.2.1.101/24");
    assert!(watcher.reaches_at_once(ip("10.2.1.101")), "the new host of the address is not known");
}

/// A second address of an interface that is up already.
#[test]
fn an_address_that_joins_another_is_announced_too() {
    let (lab, hosts) = lab(3);
    launch(&hosts);
    let watcher = attached(&lab, &hosts[0], "watcher", "10.2.1.1/24");
    let before = attached(&lab, &hosts[1], "before", "10.2.1.2/24 10.2.1.3/24");
    let after = attached(&lab, &hosts[2], "after", "10.2.1.4/24");
    assert!(watcher.await_ping(ip("10.2.1.3")));
    weave(&hosts[1], &format!("detach 10.2.1.3/24 {}", reference(&before)));
    attach(&hosts[2], &after, "10.2.1.3/24");
    assert!(watcher.reaches_at_once(ip("10.2.1.3")));
}

/// Many at once are told to those who were there before, on this host and behind the tunnel.
#[test]
fn an_address_that_moves_among_many_others_is_reached_at_once() {
    let (lab, hosts) = lab(3);
    launch(&hosts);
    let far = attached(&lab, &hosts[0], "far", "10.2.1.1/24");
    let near = attached(&lab, &hosts[2], "near", "10.2.1.3/24");
    let before = attached(&lab, &hosts[1], "before", "--mac 02:00:00:00:00:33 10.2.1.110/24");
    for watcher in [&far, &near] {
        assert!(watcher.await_ping(ip("10.2.1.110")));
    }
    weave(&hosts[1], &format!("detach {}", reference(&before)));
    let many: Vec<_> = (100..130).map(|last| (last, lab.target(&format!("many{last}")))).collect();
    let mut text = format!("containers:\n  {}: {{ips: [10.2.1.3/24], probe: false}}\n", reference(&near));
    for (last, target) in &many {
        text += &format!("  {}: {{ips: [10.2.1.{last}/24], probe: false}}\n", reference(target));
    }
    assert!(apply(&hosts[2], &text));
    for watcher in [&far, &near] {
        assert!(watcher.reaches_at_once(ip("10.2.1.110")), "the new place is not known");
    }
}
