//! `connect`, `connect --replace`, `forget`: the flood list, the guard, the MTU.

use super::kernel::{flood, guarded_peers, mtu};
use super::{Site, WEAVE, four_runs, name, refused, report};
use crate::lab::{HostOptions, Lab};

const TUNNEL: &str = "vxlan-6783";

#[test]
fn connect_adds_replace_sets_forget_removes() {
    let site = Site::launched();
    let host = &site.host;
    let both = |peers: &[&str]| {
        assert_eq!(flood(host, TUNNEL), peers);
        assert_eq!(guarded_peers(host), peers);
    };
    both(&["192.0.2.2"]);
    site.four_runs(&["connect", "192.0.2.3", "192.0.2.4"]);
    both(&["192.0.2.2", "192.0.2.3", "192.0.2.4"]);
    site.four_runs(&["connect", "--replace", "192.0.2.4", "192.0.2.5"]);
    both(&["192.0.2.4", "192.0.2.5"]);
    site.four_runs(&["forget", "192.0.2.5", "192.0.2.77"]);
    both(&["192.0.2.4"]);
    site.four_runs(&["connect", "--replace"]);
    both(&[]);
    site.four_runs(&["connect", "192.0.2.9"]);
    both(&["192.0.2.9"]);
}

#[test]
fn peers_are_written_as_people_write_them() {
    let site = Site::launched();
    for written in ["192.0.2.3 192.0.2.4", "192.0.2.3,192.0.2.4", "192.0.2.3, 192.0.2.4"] {
        report(&site.host, &["connect", "--replace", written], 2);
        assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.3", "192.0.2.4"], "{written}");
        report(&site.host, &["connect", "--replace", "192.0.2.2"], 2);
    }
    // Twice the same, and the host's own addresses, which every host may have in its list.
    report(&site.host, &["connect", "192.0.2.3", "192.0.2.3", "192.0.2.1", "127.0.0.1"], 2);
    assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.2", "192.0.2.3"]);
    report(&site.host, &["connect", "192.0.2.1"], 0);
}

#[test]
fn a_peer_may_have_a_port_of_its_own() {
    let site = Site::launched();
    site.four_runs(&["connect", "192.0.2.3:7000"]);
    assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.2", "192.0.2.3:7000"]);
    site.four_runs(&["connect", "192.0.2.3:7001"]);
    assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.2", "192.0.2.3:7001"]);
    site.four_runs(&["connect", "192.0.2.3"]);
    assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.2", "192.0.2.3"]);
    report(&site.host, &["connect", "192.0.2.3:6783"], 0);
    site.four_runs(&["forget", "192.0.2.3:7001"]);
    assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.2"]);
}

#[test]
fn a_peer_may_be_a_name() {
    let site = Site::launched();
    let hosts = site.lab.dir().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost\n192.0.2.7 seven.example.com seven\n2001:db8::8 eight\n192.0.2.1 me\n")
        .expect("a file in the lab's directory");
    let script = format!("mount --bind {} /etc/hosts && exec \"$@\"", hosts.display());
    let with_names =
        |args: &[&str]| super::weave_through(&site.host, &["unshare", "--mount", "sh", "-c", &script, "sh"], args);
    with_names(&["connect", "seven.example.com", "me"]).must();
    assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.2", "192.0.2.7"]);
    assert_eq!(with_names(&["--detailed-exitcodes", "connect", "seven"]).code, 0);
    let other_family = super::refusal(&with_names(&["--json", "connect", "seven", "eight"]));
    other_family.says("invalid_spec", "peers[1]", &["`eight` is IPv6", "192.0.2.1", "allowed: IPv4"]);
    with_names(&["forget", "seven"]).must();
    assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.2"]);
    let unknown = super::refusal(&with_names(&["--json", "connect", "192.0.2.3", "nine.invalid"]));
    unknown.says("not_found", "peers[1]", &["`nine.invalid` cannot be resolved", "/etc/hosts"]);
    assert_eq!(flood(&site.host, TUNNEL), ["192.0.2.2"]);
}

#[test]
fn the_mtu_follows_the_peers() {
    let site = Site::launched();
    let host = &site.host;
    host.weave(&["attach", "--no-probe", "10.2.1.4/24", &name(&site.web)]).must();
    host.weave(&["attach", "--no-probe", "--mtu", "1200", "10.2.1.5/24", &name(&site.db)]).must();
    host.route_mtu("192.0.2.9/32", 1400);
    let all = |bytes: u64| {
        let found = [mtu(host, "weave"), mtu(host, TUNNEL), mtu(&site.web, "ethwe"), mtu(&site.db, "ethwe")];
        assert_eq!(found, [bytes, bytes, bytes, 1200]);
    };
    all(1450);
    site.four_runs(&["connect", "192.0.2.9"]);
    all(1350);
    site.four_runs(&["forget", "192.0.2.9"]);
    all(1450);
}

#[test]
fn a_peer_among_the_containers_is_refused() {
    let site = Site::launched();
    let host = &site.host;
    host.weave(&["attach", "--no-probe", "198.51.100.4/24", &name(&site.web)]).must();
    host.weave(&["expose", "203.0.113.1/24"]).must();
    for (peer, network) in [("198.51.100.9", "198.51.100.0/24"), ("203.0.113.9", "203.0.113.0/24")] {
        let error = site.refused(&["connect", "192.0.2.3", peer]);
        error.says("invalid_spec", "peers[1]", &[peer, network, "allowed: an underlay address"]);
    }
    let document = "peers: [10.9.0.2]\nexpose: [10.9.0.1/24]\n";
    site.refused_document(document).says("invalid_spec", "peers[0]", &["10.9.0.2 is in 10.9.0.0/24"]);
}

#[test]
fn one_tunnel_is_of_one_family() {
    let site = Site::launched();
    let error = site.refused(&["connect", "192.0.2.3", "2001:db8::3"]);
    error.says("invalid_spec", "peers[1]", &["2001:db8::3", "is IPv6", "192.0.2.1", "allowed: IPv4"]);
    site.host.weave(&["reset"]).must();
    let error = site.refused(&["launch", "2001:db8::3", "192.0.2.3", "2001:db8::4"]);
    error.says("invalid_spec", "peers[1]", &["192.0.2.3", "is IPv4", "allowed: IPv6"]);
}

#[test]
fn nobody_connects_without_a_router() {
    let site = Site::new();
    for args in [&["connect", "192.0.2.2"][..], &["connect", "--replace", "192.0.2.2"], &["connect", "--replace"]] {
        site.refused(args).says("not_found", "router", &["is not running", "weave launch"]);
    }
    report(&site.host, &["forget", "192.0.2.2"], 0);
    for verb in ["connect", "forget"] {
        refused(&site.host, &[verb]).says("invalid_spec", "peers", &["no peer is given"]);
    }
}

#[test]
fn frames_pass_between_hosts_and_not_after_forget() {
    let lab = Lab::new().with_weave(WEAVE);
    let (one, two) = (lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default()));
    let (web, db) = (lab.target("web"), lab.target("db"));
    one.weave(&["launch", "192.0.2.2"]).must();
    two.weave(&["launch"]).must();
    one.weave(&["attach", "10.2.1.4/24", &name(&web)]).must();
    two.weave(&["attach", "10.2.1.5/24", &name(&db)]).must();
    let db_address = "10.2.1.5".parse().expect("address");
    assert!(!web.ping(db_address), "a host that does not know the peer took its frames");
    let scene = super::Scene(vec![two.netns(), &db]);
    four_runs(&two, &scene, &["connect", "192.0.2.1"]);
    assert!(web.await_ping(db_address));
    two.weave(&["forget", "192.0.2.1"]).must();
    assert!(!web.ping(db_address), "a forgotten peer still gets through");
}
