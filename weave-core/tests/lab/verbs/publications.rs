//! `publish` and `unpublish`: what the packet filter holds then, and what is refused.

use serde_json::json;

use super::kernel::table;
use super::{Site, name, report};

fn rules(site: &Site) -> Vec<String> {
    let table = table(&site.host).unwrap_or_default();
    table.lines().filter(|line| line.contains("weave:publish")).map(|line| line.trim().to_owned()).collect()
}

fn forwards(site: &Site, on: u8) {
    site.host.sh(&format!("sysctl -qw net.ipv4.ip_forward={on} net.ipv6.conf.all.forwarding={on}")).must();
}

/// A router, an address of the host of each family, and a container with two.
fn site() -> Site {
    let site = Site::launched();
    forwards(&site, 1);
    site.host.weave(&["expose", "10.2.1.1/24", "fd00::1/64"]).must();
    site.host.weave(&["attach", "--no-probe", "10.2.1.4/24", "fd00::4/64", &name(&site.web)]).must();
    site
}

#[test]
fn ports_come_and_go() {
    let site = site();
    let web = name(&site.web);
    let before = site.scene().look();
    let done = site.four_runs(&["publish", "8080:80", &web]);
    assert_eq!(
        done["state"]["publish"],
        json!([{"host_port": 8080, "to": "10.2.1.4", "port": 80}, {"host_port": 8080, "to": "fd00::4", "port": 80}])
    );
    site.four_runs(&["publish", "--udp", "--host-ip", "192.0.2.1", "--without-masquerade", "53", "10.2.1.9"]);
    site.four_runs(&["publish", "--sctp", "--host-ip", "2001:db8::1", "7:8", "fd00::9"]);
    let rules = rules(&site);
    for rule in [
        "meta nfproto ipv4 fib daddr type local tcp dport 8080 dnat ip to 10.2.1.4:80",
        "ip6 daddr != ::1 fib daddr type local tcp dport 8080 dnat ip6 to [fd00::4]:80",
        "ip daddr 192.0.2.1 fib daddr type local udp dport 53 dnat ip to 10.2.1.9:53",
        "ip6 daddr 2001:db8::1 fib daddr type local sctp dport 7 dnat ip6 to [fd00::9]:8",
    ] {
        let found = rules.iter().filter(|line| line.starts_with(rule)).count();
        assert_eq!(found, 2, "{rule} for what comes in and what goes out: {rules:#?}");
    }
    // The same port, to somebody else and with another setting.
    site.four_runs(&["publish", "8080:81", "10.2.1.9"]);
    site.four_runs(&["publish", "--without-masquerade", "8080:81", "10.2.1.9"]);
    // Its own state is a document that changes nothing.
    let state = report(&site.host, &["status"], 0)["state"].clone();
    assert_eq!(state["publish"].as_array().map(Vec::len), Some(4), "{state:#}");
    let path = super::write(&site.host, &state.to_string());
    assert_eq!(report(&site.host, &["apply", &path], 0)["changed"], false);
    // The guard of the loopback comes and goes with what needs it.
    let all = table(&site.host).unwrap_or_default();
    assert!(all.contains("iifname \"weave\" ip daddr 127.0.0.0/8 drop"), "{all}");
    site.four_runs(&["unpublish", "8080"]);
    let all = table(&site.host).unwrap_or_default();
    assert!(!all.contains("127.0.0.0/8"), "{all}");
    report(&site.host, &["unpublish", "53"], 0);
    report(&site.host, &["unpublish", "--udp", "--host-ip", "192.0.2.2", "53"], 0);
    site.four_runs(&["unpublish", "--udp", "--host-ip", "192.0.2.1", "53"]);
    site.four_runs(&["unpublish", "--protocol", "sctp", "7"]);
    site.scene().is_still(&before);
}

#[test]
fn what_cannot_be_published_is_refused() {
    let site = Site::new();
    let host = &site.host;
    let web = name(&site.web);
    site.refused(&["publish", "8080:80", "10.2.1.4"]).says(
        "not_found",
        "bridge",
        &["there is no bridge", "weave launch"],
    );
    report(host, &["unpublish", "8080"], 0);
    host.weave(&["launch", "192.0.2.2"]).must();
    forwards(&site, 0);
    site.refused(&["publish", "8080", "10.2.1.4"]).says(
        "not_found",
        "to",
        &["in the network of 10.2.1.4", "weave expose"],
    );
    site.refused(&["publish", "8080", &web]).says(
        "not_found",
        "to",
        &["has no address on the network", "weave attach"],
    );
    host.weave(&["expose", "10.2.1.1/24"]).must();
    let error = site.refused(&["publish", "8080", "10.2.1.4"]);
    error.says("unsupported", "publish", &["net.ipv4.ip_forward is 0", "sysctl -w net.ipv4.ip_forward=1"]);
    // On the loopback nothing has to be passed on.
    site.four_runs(&["publish", "--host-ip", "127.0.0.1", "8079", "10.2.1.4"]);
    forwards(&site, 1);
    site.refused(&["publish", "--udp", "6783", "10.2.1.4"]).says(
        "invalid_spec",
        "host_port",
        &["the router's own port"],
    );
    site.refused(&["publish", "8080", "10.2.1.1"]).says("invalid_spec", "to", &["this host's own address"]);
    site.refused(&["publish", "--host-ip", "::1", "8080", "fd00::4"]).says("invalid_spec", "host_ip", &["127.0.0.1"]);
    site.refused(&["publish", "--host-ip", "2001:db8::1", "8080", "10.2.1.4"]).says(
        "invalid_spec",
        "to",
        &["both IPv4"],
    );
    site.refused(&["publish", "0", "10.2.1.4"]).says("invalid_spec", "host_port", &["1 to 65535"]);
    site.refused(&["publish", "8080", "no such"]).says("invalid_spec", "to", &["neither an address nor a container"]);
    site.refused(&["call", "unpublish"]).says(
        "invalid_spec",
        "host_port",
        &["no port is given", "weave unpublish 8080"],
    );
    host.weave(&["publish", "--host-ip", "192.0.2.1", "8080", "10.2.1.4"]).must();
    let error = site.refused(&["publish", "8080", "10.2.1.5"]);
    error.says("conflict", "host_port", &["8080/tcp", "published already", "weave unpublish 8080"]);
    // A router does not come to a port that is redirected.
    host.weave(&["publish", "--udp", "7000", "10.2.1.4"]).must();
    site.refused(&["launch", "--port", "7000"]).says(
        "invalid_spec",
        "host_port",
        &["7000/udp", "the router's own port"],
    );
}

#[test]
fn a_packet_filter_of_others_takes_no_published_ports() {
    let site = Site::new();
    forwards(&site, 1);
    site.host.weave(&["launch", "--no-firewall", "192.0.2.2"]).must();
    site.host.weave(&["expose", "10.2.1.1/24"]).must();
    let error = site.refused(&["publish", "8080", "10.2.1.4"]);
    error.says("unsupported", "publish", &["left to others", "weave launch --firewall"]);
    site.refused_document("firewall: {manage: false}\npublish: ['8080:10.2.1.4:80']\n").says(
        "invalid_spec",
        "publish",
        &["leaves it to others"],
    );
    site.host.weave(&["launch", "--firewall"]).must();
    site.host.weave(&["publish", "8080", "10.2.1.4"]).must();
    let switch = || site.host.exec(&["cat", "/proc/sys/net/ipv4/conf/weave/route_localnet"]).must();
    assert_eq!(switch().trim(), "1");
    site.four_runs(&["launch", "--no-firewall"]);
    assert_eq!((table(&site.host), switch().trim()), (None, "0"));
}

/// What others did to the table is put right, and what was published in it is known all the same.
#[test]
fn drift_is_put_right() {
    let site = site();
    let host = &site.host;
    host.weave(&["publish", "8080:80", "10.2.1.4"]).must();
    let before = table(host);
    for damage in [
        "nft flush chain inet weave output",
        "nft flush chain inet weave postrouting",
        "nft add rule inet weave prerouting tcp dport 8081 drop",
        "nft delete chain inet weave localnet; nft flush chain inet weave localnet; nft delete chain inet weave localnet",
        "sysctl -qw net.ipv4.conf.weave.route_localnet=0",
    ] {
        host.sh(damage);
        let done = report(host, &["publish", "8080:80", "10.2.1.4"], 2);
        assert_eq!(table(host), before, "{damage}: {done:#}");
        report(host, &["publish", "8080:80", "10.2.1.4"], 0);
        assert_eq!(host.exec(&["cat", "/proc/sys/net/ipv4/conf/weave/route_localnet"]).must().trim(), "1", "{damage}");
    }
    // Nothing is left to tell of it; and the host's loopback is not left open.
    host.sh("nft delete table inet weave").must();
    report(host, &["launch"], 2);
    assert_eq!(rules(&site), Vec::<String>::new());
    assert_eq!(host.exec(&["cat", "/proc/sys/net/ipv4/conf/weave/route_localnet"]).must().trim(), "0");
}

/// Without its address in the network the host cannot pass anything on; nothing is lost, and it is told.
#[test]
fn a_hidden_host_is_told_what_leads_nowhere() {
    let site = site();
    site.host.weave(&["publish", "8080:80", "10.2.1.4"]).must();
    let done = report(&site.host, &["hide", "10.2.1.1/24"], 2);
    let warnings = done["warnings"].to_string();
    assert!(warnings.contains("8080:10.2.1.4:80 is published, and this host has no address"), "{warnings}");
    let path = super::write(&site.host, &done["state"].to_string());
    assert_eq!(report(&site.host, &["apply", &path], 0)["changed"], false, "its state changes nothing");
    site.host.weave(&["expose", "10.2.1.2/16"]).must();
    assert!(rules(&site).iter().any(|rule| rule.contains("dnat ip to 10.2.1.4:80")));
}
