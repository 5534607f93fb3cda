//! What somebody else changed is put right by the next run, and nothing more than that.

use super::kernel::{flood, guarded_peers, guards, host_end, index, ipv6, link, routes};
use super::{Site, name};

/// A running router with two attachments and an exposure, and the document that says so.
fn settled() -> (Site, String) {
    let site = Site::new();
    let document = format!(
        "router: {{port: 6783}}\npeers: [192.0.2.2, 192.0.2.3]\nexpose: [10.2.1.1/24]\ncontainers:\n  {}: {{ips: \
         [10.2.1.4/24, 'fd00::4/64'], gateway: 10.2.1.1}}\n  {}: {{ips: [10.2.1.5/24]}}\n",
        name(&site.web),
        name(&site.db)
    );
    site.apply(&document);
    (site, document)
}

#[test]
fn what_was_changed_by_hand_is_put_right_in_place() {
    let (site, document) = settled();
    let (host, web, db) = (&site.host, &site.web, &site.db);
    let before = site.scene().look();
    let numbers = || [index(host, "weave"), index(host, "vxlan-6783"), index(web, "ethwe"), index(db, "ethwe")];
    let made = numbers();
    let end = host_end(host, web, "ethwe");
    let end = end["ifname"].as_str().expect("a name");
    for damage in [
        "ip link set weave down",
        "ip link set weave mtu 1400",
        "ip link set weave type bridge mcast_snooping 1 stp_state 1",
        "sysctl -qw net.ipv6.conf.weave.accept_ra=1",
        "ip link set vxlan-6783 down",
        "ip link set vxlan-6783 nomaster",
        "ip link set vxlan-6783 mtu 1400",
        "sysctl -qw net.ipv6.conf.vxlan-6783.disable_ipv6=0",
        "bridge fdb delete 00:00:00:00:00:00 dev vxlan-6783 dst 192.0.2.2",
        "bridge fdb append 00:00:00:00:00:00 dev vxlan-6783 dst 192.0.2.66",
        "ip address delete 10.2.1.1/24 dev weave",
        "ip address add 10.2.1.99/24 dev weave",
        "nft delete table inet weave",
        "nft flush chain inet weave input",
        "nft add rule inet weave input udp dport 6783 accept",
        &format!("ip link set {end} down"),
        &format!("ip link set {end} nomaster"),
        &format!("ip link set {end} mtu 1400"),
    ] {
        host.sh(damage).must();
        site.apply(&document);
        site.scene().is_still(&before);
        assert_eq!(numbers(), made, "a link was made anew after `{damage}`");
    }
}

#[test]
fn what_was_changed_in_a_container_is_put_right() {
    let (site, document) = settled();
    let before = site.scene().look();
    for damage in [
        "ip link set ethwe mtu 1400",
        "ip link set ethwe address 02:00:00:00:00:01",
        "ip address delete 10.2.1.4/24 dev ethwe",
        "ip address add 10.2.1.99/24 dev ethwe",
        "ip address delete fd00::4/64 dev ethwe",
        "ip link set ethwe down",
        "ip route delete 224.0.0.0/4 dev ethwe",
        "ip route delete default",
        "sysctl -qw net.ipv6.conf.ethwe.disable_ipv6=1",
        "sysctl -qw net.ipv6.conf.ethwe.accept_ra=1",
    ] {
        site.web.sh(damage).must();
        site.apply(&document);
        site.scene().is_still(&before);
    }
    site.db.sh("sysctl -qw net.ipv6.conf.ethwe.disable_ipv6=0").must();
    site.apply(&document);
    site.scene().is_still(&before);
}

#[test]
fn what_was_deleted_is_made_again() {
    let (site, document) = settled();
    let (host, web) = (&site.host, &site.web);
    let mac = (link(host, "weave")["address"].clone(), link(web, "ethwe")["address"].clone());
    for damage in ["ip link delete weave", "ip link delete vxlan-6783"] {
        host.sh(damage).must();
        site.apply_four(&document);
        assert_eq!((link(host, "weave")["address"].clone(), link(web, "ethwe")["address"].clone()), mac);
        assert_eq!(flood(host, "vxlan-6783"), ["192.0.2.2", "192.0.2.3"]);
        assert_eq!(host_end(host, web, "ethwe")["master"], "weave");
        assert!(guards(host, 6783) && guarded_peers(host) == ["192.0.2.2", "192.0.2.3"]);
        assert_eq!(ipv6(host, "weave", "disable_ipv6"), "1");
    }
    web.sh("ip link delete ethwe").must();
    site.apply_four(&document);
    assert_eq!(link(web, "ethwe")["address"], mac.1);
    assert_eq!(routes(web, "ethwe"), ["224.0.0.0/4", "default via 10.2.1.1"]);
}

/// The verbs repair what they rest on, and keep what a document would take away.
#[test]
fn launch_repairs_the_router_and_keeps_the_rest() {
    let (site, _) = settled();
    let host = &site.host;
    host.sh("ip link set weave down; ip link set vxlan-6783 nomaster; nft delete table inet weave").must();
    site.web.sh("ip address add 10.2.1.99/24 dev ethwe").must();
    site.four_runs(&["launch"]);
    assert!(super::kernel::is_up(&link(host, "weave")) && guards(host, 6783));
    assert_eq!(super::kernel::addresses(&site.web, "ethwe"), ["10.2.1.4/24", "10.2.1.99/24", "fd00::4/64"]);
}
