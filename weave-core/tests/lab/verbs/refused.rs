//! Targets and hosts that cannot be served, each with an error that says what to do, and nothing touched.

use super::{Site, name, problem, refusal, refused, report, weave_through, write};

#[test]
fn targets_that_are_no_containers() {
    let site = Site::launched();
    let own = name(site.host.netns());
    let file = site.lab.dir().join("file");
    std::fs::write(&file, "").expect("a file in the lab's directory");
    let file = format!("netns:{}", file.display());
    let cases = [
        ("netns:nosuch", "not_found", "netns:/run/netns/nosuch", "ip netns list"),
        ("pid:4194303", "not_found", "pid:4194303", "has ended"),
        (file.as_str(), "invalid_spec", file.as_str(), "is no network namespace"),
        (own.as_str(), "conflict", own.as_str(), "weave expose"),
    ];
    for (target, kind, subject, word) in cases {
        for verb in ["attach", "detach"] {
            site.refused(&[verb, "10.2.1.4/24", target]).says(kind, subject, &[word]);
        }
        let document = write(&site.host, &format!("containers: {{'{target}': {{ips: [10.2.1.4/24]}}}}\n"));
        let done = site.scene().untouched(|| report(&site.host, &["apply", &document], 1));
        problem(&done).says(kind, subject, &[word]);
        assert_eq!(done["changed"], false);
    }
}

#[test]
fn no_bridge_no_attachment() {
    let site = Site::new();
    let error = site.refused(&["attach", "10.2.1.4/24", &name(&site.web)]);
    error.says("not_found", "bridge", &["there is no bridge", "weave launch"]);
    report(&site.host, &["detach", &name(&site.web)], 0);
    report(&site.host, &["detach", "10.2.1.4/24", &name(&site.web)], 0);
}

#[test]
fn without_an_engine_namespaces_still_work() {
    let site = Site::launched();
    for verb in ["attach", "detach"] {
        let error = site.refused(&[verb, "10.2.1.4/24", "web"]);
        error.says("docker", "web", &["docker.sock", "DOCKER_HOST"]);
    }
    let document =
        format!("containers:\n  web: {{ips: [10.2.1.3/24]}}\n  {}: {{ips: [10.2.1.4/24]}}\n", name(&site.web));
    let done = report(&site.host, &["apply", &write(&site.host, &document)], 1);
    problem(&done).says("docker", "web", &["docker.sock"]);
    assert_eq!(super::kernel::addresses(&site.web, "ethwe"), ["10.2.1.4/24"]);
    site.four_runs(&["detach", &name(&site.web)]);
}

#[test]
fn which_of_several_addresses_the_tunnel_takes_has_to_be_said() {
    let site = Site::new();
    let host = &site.host;
    host.add_underlay("eth1", 1500, &["198.51.100.1/24"]);
    let error = site.refused(&["launch"]);
    error.says("invalid_spec", "underlay", &["several addresses", "192.0.2.1", "198.51.100.1", "name a peer"]);
    let cases = [
        ("eth9", "no interface `eth9`"),
        ("203.0.113.1", "no address 203.0.113.1"),
        ("203.0.113.0/24", "no address 203.0.113.0/24"),
    ];
    for (underlay, word) in cases {
        let error = site.refused(&["launch", "--underlay", underlay]);
        error.says("invalid_spec", "underlay", &[word, "allowed: "]);
    }
    site.refused(&["launch", "--underlay", "eth9"]).says("invalid_spec", "underlay", &["did you mean `eth"]);
    host.sh("ip link add d0 type bridge").must();
    site.refused(&["launch", "--underlay", "d0"]).says("invalid_spec", "underlay", &["`d0` has no address"]);
    // A default route decides, and so does a peer.
    host.exec(&["ip", "route", "add", "default", "via", "198.51.100.254"]).must();
    report(host, &["launch"], 2);
    assert_eq!(super::kernel::link(host, "vxlan-6783")["linkinfo"]["info_data"]["local"], "198.51.100.1");
    host.weave(&["reset"]).must();
    report(host, &["launch", "192.0.2.2"], 2);
    assert_eq!(super::kernel::link(host, "vxlan-6783")["linkinfo"]["info_data"]["local"], "192.0.2.1");
}

#[test]
fn a_host_without_any_address() {
    let site = Site::new();
    site.host.exec(&["ip", "address", "flush", "dev", "eth0"]).must();
    site.refused(&["launch"]).says("not_found", "underlay", &["no address for a tunnel"]);
    let error = site.refused(&["launch", "192.0.2.2"]);
    error.says("not_found", "underlay", &["no address for a tunnel"]);
}

#[test]
fn an_underlay_that_is_too_narrow() {
    let site = Site::new();
    site.host.route_mtu("192.0.2.2/32", 100);
    site.refused(&["launch", "192.0.2.2"]).says("unsupported", "mtu", &["100 bytes", "leaves 50"]);
    site.host.route_mtu("192.0.2.2/32", 1300);
    site.host.weave(&["launch", "192.0.2.2"]).must();
    // IPv6 needs 1280 bytes (RFC 8200).
    let error = site.refused(&["attach", "fd00::4/64", &name(&site.web)]);
    error.says("unsupported", "mtu", &["1250 is too small for IPv6", "1280"]);
}

#[test]
fn a_bridge_that_is_full() {
    let site = Site::launched();
    let host = &site.host;
    // The tunnel has one port, web gets the last one.
    let pair = |n| format!("link add a{n} master weave type veth peer name b{n} master weave\n");
    let batch: String =
        (0..510).map(pair).chain(["link add a510 master weave type veth peer name b510\n".into()]).collect();
    let file = site.lab.dir().join("batch");
    std::fs::write(&file, batch).expect("a file in the lab's directory");
    host.exec(&["ip", "-batch", file.to_str().expect("a path in UTF-8")]).must();
    let links = || host.exec(&["ip", "-o", "link"]).must();
    let before = links();
    let document = format!(
        "containers:\n  {}: {{ips: [10.2.1.4/24]}}\n  {}: {{ips: [10.2.1.5/24]}}\n",
        name(&site.web),
        name(&site.db)
    );
    let error = refused(host, &["apply", &write(host, &document)]);
    error.says("unsupported", "weave", &["2 more do not fit", "1023 ports", "1022 are taken"]);
    assert_eq!(links(), before);
    report(host, &["attach", "10.2.1.4/24", &name(&site.web)], 2);
    let before = links();
    let error = refused(host, &["attach", "10.2.1.5/24", &name(&site.db)]);
    error.says("unsupported", "weave", &["1 more do not fit", "1023 are taken"]);
    assert_eq!(links(), before);
    // What needs no port still goes.
    report(host, &["attach", "10.2.1.6/24", &name(&site.web)], 2);
    report(host, &["detach", &name(&site.web)], 2);
    report(host, &["attach", "10.2.1.5/24", &name(&site.db)], 2);
}

#[test]
fn the_packet_filter_needs_its_program() {
    let site = Site::new();
    // A file that is none hides the program, in a mount namespace that only this weave is in.
    let hide = "for one in /usr/sbin/nft /usr/local/sbin/nft /usr/bin/nft; do \
                [ ! -e $one ] || mount --bind /dev/null $one || exit; done; exec \"$@\"";
    let without = |args: &[&str]| weave_through(&site.host, &["unshare", "--mount", "sh", "-c", hide, "sh"], args);
    site.scene().untouched(|| {
        let error = refusal(&without(&["--json", "launch", "192.0.2.2"]));
        error.says("not_found", "firewall", &["`nft` is missing", "apt-get install nftables", "manage: false"]);
    });
    without(&["launch", "--no-firewall", "192.0.2.2"]).must();
    without(&["attach", "10.2.1.4/24", &name(&site.web)]).must();
    without(&["reset"]).must();
}
