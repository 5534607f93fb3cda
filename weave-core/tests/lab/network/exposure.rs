//! The host itself on the network.

use super::common::{attached, changes, error, ip, lab, launch, link, section, tcp, text, transfer, weave};
use crate::lab::{Snapshot, assert_same};

#[test]
fn a_host_that_is_exposed_reaches_the_containers_of_all_hosts_and_they_reach_it() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    let near = attached(&lab, &hosts[0], "near", "10.2.1.1/24 fd00:2:1::1/64");
    let far = attached(&lab, &hosts[1], "far", "10.2.1.2/24 fd00:2:1::2/64");
    assert!(!hosts[0].ping(ip("10.2.1.1")), "a host is no member by itself");
    weave(&hosts[0], "expose 10.2.1.101/24 fd00:2:1::101/64");
    weave(&hosts[1], "expose 10.2.1.102/24");
    for address in ["10.2.1.1", "10.2.1.2", "10.2.1.102", "fd00:2:1::1", "fd00:2:1::2"] {
        assert!(hosts[0].await_ping(ip(address)), "{address} does not answer the host");
    }
    for target in [&near, &far] {
        assert!(target.await_ping(ip("10.2.1.101")) && target.await_ping(ip("fd00:2:1::101")));
        assert!(transfer(&hosts[0], target, ip(if target.name() == near.name() { "10.2.1.1" } else { "10.2.1.2" })));
    }
    assert_eq!(tcp(&far, &hosts[0], ip("10.2.1.101")), Some(ip("10.2.1.2")), "within the network nobody is masked");
}

#[test]
fn hide_takes_away_what_is_named_and_then_the_rest() {
    let (lab, hosts) = lab(1);
    let host = &hosts[0];
    launch(&hosts);
    let target = attached(&lab, host, "target", "10.2.1.1/24 10.3.1.1/24");
    // The bridge was exposed once: it keeps what announces its addresses and lets the others of a network stay.
    weave(host, "expose 10.2.1.101/24 fd00:2:1::101/64");
    weave(host, "hide");
    let before = Snapshot::of(host);
    assert!(changes(host, "expose 10.2.1.101/24 10.3.1.101/24 fd00:2:1::101/64"));
    assert!(!changes(host, "expose 10.2.1.101/24"), "a second time changes nothing");
    assert!(target.await_ping(ip("10.2.1.101")) && target.await_ping(ip("10.3.1.101")));
    assert!(changes(host, "hide 10.2.1.101/24"));
    assert!(!target.ping(ip("10.2.1.101")), "what is hidden does not answer");
    assert!(target.await_ping(ip("10.3.1.101")));
    assert!(!section(host, "nft").iter().any(|line| line.contains("10.2.1.0")), "its masquerade goes with it");
    assert!(!changes(host, "hide 10.2.1.101/24"));
    assert!(changes(host, "hide"));
    assert_same(&before, &Snapshot::of(host));
    assert!(!changes(host, "hide"));
}

#[test]
fn an_exposure_that_would_catch_the_tunnel_or_has_no_bridge_is_refused() {
    let (_lab, hosts) = lab(2);
    let refused = error(&hosts[0], "expose 10.2.1.101/24");
    assert_eq!(text(&refused, "kind"), "not_found");
    assert!(text(&refused, "hint").contains("weave launch"), "{refused}");
    launch(&hosts);
    let refused = error(&hosts[0], "expose 192.0.2.200/24");
    assert_eq!(text(&refused, "kind"), "invalid_spec");
    assert!(text(&refused, "message").contains(&hosts[0].v4().to_string()), "{refused}");
    hosts[0].exec(&["ip", "address", "add", "10.2.1.101/24", "dev", "lo"]).must();
    let refused = error(&hosts[0], "expose 10.2.1.101/24");
    assert_eq!(text(&refused, "kind"), "conflict");
    assert!(text(&refused, "message").contains("lo"), "{refused}");
    assert!(link(&hosts[0], "weave").is_some());
}
