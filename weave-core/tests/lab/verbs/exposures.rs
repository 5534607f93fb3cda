//! `expose` and `hide`: addresses of the host on the network, and masquerading.

use std::net::IpAddr;

use super::kernel::{addresses, ipv6, masqueraded};
use super::{Site, name, report};

#[test]
fn expose_adds_and_hide_removes() {
    let site = Site::launched();
    let host = &site.host;
    // The bridge announces its addresses from the first one on.
    host.weave(&["expose", "10.2.1.9/24"]).must();
    host.weave(&["hide"]).must();
    let before = site.scene().look();
    site.four_runs(&["expose", "10.2.1.1/24", "10.3.0.1/16"]);
    assert_eq!(addresses(host, "weave"), ["10.2.1.1/24", "10.3.0.1/16"]);
    assert_eq!(masqueraded(host), ["10.2.1.0/24", "10.3.0.0/16"]);
    assert_eq!(ipv6(host, "weave", "disable_ipv6"), "1");
    site.four_runs(&["expose", "ip:10.2.1.2/24"]);
    assert_eq!(addresses(host, "weave"), ["10.2.1.1/24", "10.2.1.2/24", "10.3.0.1/16"]);
    report(host, &["expose", "10.2.1.1/24"], 0);
    site.four_runs(&["hide", "10.2.1.1/24"]);
    assert_eq!(addresses(host, "weave"), ["10.2.1.2/24", "10.3.0.1/16"]);
    assert_eq!(masqueraded(host), ["10.2.1.0/24", "10.3.0.0/16"]);
    site.four_runs(&["hide", "10.2.1.2/24"]);
    assert_eq!(masqueraded(host), ["10.3.0.0/16"]);
    report(host, &["hide", "10.2.1.2/24"], 0);
    site.four_runs(&["hide"]);
    site.scene().is_still(&before);
    report(host, &["hide"], 0);
}

#[test]
fn ipv6_can_be_exposed() {
    let site = Site::launched();
    let host = &site.host;
    host.weave(&["expose", "10.2.1.9/24"]).must();
    host.weave(&["hide"]).must();
    let before = site.scene().look();
    site.four_runs(&["expose", "fd00::1/64"]);
    assert_eq!(addresses(host, "weave"), ["fd00::1/64"]);
    assert_eq!(masqueraded(host), ["fd00::/64"]);
    assert_eq!((ipv6(host, "weave", "disable_ipv6"), ipv6(host, "weave", "accept_ra")), ("0".into(), "0".into()));
    site.four_runs(&["expose", "10.2.1.1/24"]);
    site.four_runs(&["hide", "fd00::1/64"]);
    assert_eq!(
        (addresses(host, "weave"), ipv6(host, "weave", "disable_ipv6")),
        (vec!["10.2.1.1/24".into()], "1".into())
    );
    host.weave(&["hide"]).must();
    site.scene().is_still(&before);
}

#[test]
fn masquerading_can_be_left_out_and_changed() {
    let site = Site::launched();
    let host = &site.host;
    site.four_runs(&["expose", "--without-masquerade", "10.2.1.1/24"]);
    assert_eq!((addresses(host, "weave"), masqueraded(host)), (vec!["10.2.1.1/24".into()], Vec::<String>::new()));
    site.four_runs(&["expose", "10.2.1.1/24"]);
    assert_eq!(masqueraded(host), ["10.2.1.0/24"]);
    site.four_runs(&["expose", "--without-masquerade", "10.2.1.1/24"]);
    assert_eq!(masqueraded(host), Vec::<String>::new());
}

/// A container without a route to elsewhere is reached from there, and a stranger sees only the host: both ways.
#[test]
fn the_host_lends_its_address_both_ways() {
    let site = Site::launched();
    let (host, web) = (&site.host, &site.web);
    let outside: IpAddr = "198.51.100.9".parse().expect("address");
    let stranger = site.lab.target("outside");
    host.sh(&format!(
        "ip link add out0 type veth peer name eth0 netns {} && ip address add 198.51.100.1/24 dev out0 && \
         ip link set out0 up && echo 1 >/proc/sys/net/ipv4/ip_forward",
        stranger.name()
    ))
    .must();
    stranger
        .sh("ip address add 198.51.100.9/24 dev eth0 && ip link set eth0 up && \
             ip route add 10.2.1.0/24 via 198.51.100.1")
        .must();
    host.weave(&["attach", "10.2.1.4/24", &name(web)]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    let container: IpAddr = "10.2.1.4".parse().expect("address");
    assert!(host.await_ping(container), "the host itself");
    assert!(stranger.await_ping(container), "web has no route back but to the exposed address");
    // The other way: the stranger has no route to the network now.
    stranger.exec(&["ip", "route", "delete", "10.2.1.0/24"]).must();
    web.exec(&["ip", "route", "add", "default", "via", "10.2.1.1"]).must();
    assert!(web.await_ping(outside), "web goes out in the host's name");
    host.weave(&["expose", "--without-masquerade", "10.2.1.1/24"]).must();
    assert!(!web.ping(outside), "without masquerading nobody knows the way back");
}

#[test]
fn an_exposure_needs_a_bridge_and_a_network_of_its_own() {
    let site = Site::new();
    let host = &site.host;
    site.refused(&["expose", "10.2.1.1/24"]).says("not_found", "bridge", &["there is no bridge", "weave launch"]);
    report(host, &["hide"], 0);
    report(host, &["hide", "10.2.1.1/24"], 0);
    host.exec(&["ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.254"]).must();
    host.weave(&["launch", "198.51.100.7", "192.0.2.2"]).must();
    for (exposure, caught) in [("192.0.2.200/24", "192.0.2."), ("198.51.100.1/28", "198.51.100.7")] {
        let error = site.refused(&["expose", exposure]);
        error.says("invalid_spec", "expose", &[exposure, caught, "of the underlay", "tunnel into itself"]);
    }
    let error = site.refused(&["expose", "192.0.2.1/32"]);
    error.says("invalid_spec", "expose", &["192.0.2.1"]);
    host.sh("ip link add d0 type bridge && ip address add 10.9.0.1/24 dev d0").must();
    site.refused(&["expose", "10.9.0.1/24"]).says("conflict", "expose", &["10.9.0.1/24", "d0"]);
    host.weave(&["expose", "10.2.1.1/24"]).must();
    site.refused(&["hide", "10.2.1.1/16"]).says("invalid_spec", "ips", &["10.2.1.1/16", "allowed: 10.2.1.1/24"]);
}

#[test]
fn an_overlap_is_told_and_does_not_stop_anybody() {
    let site = Site::launched();
    site.host.sh("ip link add d0 type bridge && ip address add 10.9.0.1/24 dev d0 && ip link set d0 up").must();
    let done = report(&site.host, &["expose", "10.9.1.1/16"], 2);
    let warnings = done["warnings"].to_string();
    assert!(warnings.contains("10.9.1.1/16 overlaps the route to 10.9.0.0/24 through d0"), "{warnings}");
}

/// An address can be used by one only: neither the host takes a container's, nor a container the host's.
#[test]
fn the_host_and_a_container_do_not_share_an_address() {
    let site = Site::launched();
    site.host.weave(&["attach", "10.2.1.4/24", &name(&site.web)]).must();
    site.host.weave(&["expose", "10.2.1.1/24"]).must();
    let error = site.refused(&["attach", "10.2.1.1/24", &name(&site.db)]);
    assert_eq!(error.kind, "conflict", "{error:?}");
    assert!(error.message.contains("10.2.1.1"), "{error:?}");
    let error = site.refused(&["expose", "10.2.1.4/24"]);
    assert_eq!(error.kind, "conflict", "{error:?}");
    assert!(error.message.contains("10.2.1.4"), "{error:?}");
}
