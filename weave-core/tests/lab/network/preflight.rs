//! What `preflight` finds on hosts that are fit and on those that are not.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::common::{attached, ip, lab, peers, report, text, weave};
use crate::lab::{DockerOptions, Host, HostOptions, Lab};

fn findings(host: &Host) -> Vec<Value> {
    let report = report(host, "preflight");
    let findings = report["result"].as_array().or_else(|| report["result"]["findings"].as_array());
    findings.unwrap_or_else(|| panic!("no findings in {report:#}")).clone()
}

/// The finding about a subject with all these words.
#[track_caller]
fn find<'a>(findings: &'a [Value], subject: &str, words: &[&str]) -> &'a Value {
    let found = findings.iter().find(|finding| {
        finding["subject"] == subject && words.iter().all(|word| text(finding, "message").contains(word))
    });
    found.unwrap_or_else(|| panic!("nothing about {subject} with {words:?} in {findings:#?}"))
}

#[track_caller]
fn expect(host: &Host, level: &str, subject: &str, words: &[&str]) -> Value {
    let all = findings(host);
    let found = find(&all, subject, words);
    assert_eq!(found["level"], level, "{found:#}");
    // Whoever is told of a fault is told what to do.
    assert_eq!(level == "ok", found.get("hint").is_none(), "{found:#}");
    found.clone()
}

#[test]
fn a_host_that_is_fit_has_no_fault() {
    let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let before = findings(&host);
    let faults =
        |findings: &[Value]| findings.iter().filter(|finding| finding["level"] != "ok").cloned().collect::<Vec<_>>();
    assert_eq!(faults(&before), [] as [Value; 0]);
    for ability in ["bridge", "vxlan", "veth", "netns", "nft"] {
        find(&before, &format!("kernel {ability}"), &[]);
    }
    find(&before, "engine", &["Docker", "API"]);
    find(&before, "privileges", &[]);
    weave(&host, "launch 192.0.2.9");
    let after = findings(&host);
    assert_eq!(faults(&after), [] as [Value; 0]);
    find(&after, "router", &["only peers reach UDP port 6783"]);
    find(&after, "mtu", &["1450 bytes"]);
    find(&after, "ports", &["1 of 1023"]);
    overlap(&host);
}

/// A network of the engine that takes in the containers' addresses.
fn overlap(host: &Host) {
    host.docker(&["network", "create", "--subnet", "10.2.0.0/16", "backend"]).must();
    weave(host, "expose 10.2.1.101/24");
    let found = expect(host, "warn", "networks", &["10.2.1.0/24", "10.2.0.0/16", "Docker network backend"]);
    assert!(text(&found, "hint").contains("another network"), "{found}");
    weave(host, "reset");
}

#[test]
fn an_engine_that_does_not_answer_is_a_warning_because_namespaces_need_none() {
    let (_lab, hosts) = lab(1);
    let found = expect(&hosts[0], "warn", "engine", &[]);
    assert!(text(&found, "hint").contains("DOCKER_HOST"), "{found}");
}

#[test]
fn a_filter_that_drops_bridged_frames_is_found_and_what_to_open_is_said() {
    let (lab, hosts) = lab(1);
    let host = &hosts[0];
    host.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=1; iptables-nft -P FORWARD DROP").must();
    let found = expect(host, "warn", "forwarding", &["ip filter FORWARD", "drops"]);
    assert!(text(&found, "hint").contains("weave launch"), "{found}");
    weave(host, "launch --no-firewall 192.0.2.9");
    let found = expect(host, "fail", "forwarding", &["not managed"]);
    let hint = text(&found, "hint").to_owned();
    // What it says is what helps.
    let command = hint.split('`').nth(1).unwrap_or_else(|| panic!("no command in {hint}"));
    let one = attached(&lab, host, "one", "10.2.1.1/24");
    attached(&lab, host, "two", "10.2.1.2/24");
    assert!(!one.ping(ip("10.2.1.2")));
    host.sh(command).must();
    assert!(one.await_ping(ip("10.2.1.2")), "`{command}` does not help");
    weave(host, "reset");
    weave(host, "launch 192.0.2.9");
    expect(host, "ok", "forwarding", &["lets weave's bridge pass"]);
    host.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=0; iptables-nft -F FORWARD").must();
    expect(host, "ok", "forwarding", &["br_netfilter"]);
}

#[test]
fn a_host_that_passes_nothing_on_is_told_so_where_it_should() {
    let (_lab, hosts) = super::common::lab(1);
    let host = &hosts[0];
    let sysctl = |v4: u8, v6: u8| {
        host.sh(&format!("sysctl -qw net.ipv4.ip_forward={v4} net.ipv6.conf.all.forwarding={v6}")).must();
    };
    let told = || findings(host).iter().filter(|one| one.to_string().contains(" is 0: ")).count();
    sysctl(0, 0);
    weave(host, "launch");
    assert_eq!(told(), 0);
    weave(host, "expose 10.2.1.1/24");
    expect(host, "warn", "forwarding", &["net.ipv4.ip_forward is 0", "exposed address"]);
    assert_eq!(told(), 1);
    sysctl(1, 0);
    assert_eq!(told(), 0);
    weave(host, "publish 8080:80 10.2.1.4");
    sysctl(0, 0);
    let found = expect(host, "warn", "forwarding", &["net.ipv4.ip_forward is 0", "published ports"]);
    assert!(found["hint"].as_str().is_some_and(|hint| hint.contains("sysctl -w net.ipv4.ip_forward=1")), "{found:#}");
}

#[test]
fn whoever_may_not_look_is_told_so_and_what_can_be_seen_without() {
    let (lab, hosts) = lab(1);
    let host = &hosts[0];
    weave(host, "launch 192.0.2.9");
    attached(&lab, host, "one", "10.2.1.1/24");
    // The directory of the build may be closed to others.
    let place = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a directory");
    let program = place.path().join("weave");
    crate::lab::exec(&["cp", env!("CARGO_BIN_EXE_weave"), program.to_str().expect("a path in UTF-8")]).must();
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let output = host.sh(&format!("{nobody} {} preflight --json", program.display()));
    assert_eq!(output.code, 1, "{output:?}");
    let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let all = report["result"]["findings"].as_array().unwrap_or_else(|| panic!("no findings in {report:#}"));
    let missing = find(all, "privileges", &["CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_NET_RAW"]);
    assert_eq!((text(missing, "level"), missing.get("hint").is_some()), ("fail", true), "{missing}");
    assert_eq!(find(all, "privileges", &["were not looked at"])["level"], "fail");
    let ability = find(all, "kernel vxlan", &[]);
    assert!(text(ability, "hint").contains("root"), "{ability}");
    find(all, "ports", &["2 of 1023"]);
}

#[test]
fn a_port_that_is_not_guarded_any_more_is_a_fault() {
    let (_lab, hosts) = lab(1);
    let host = &hosts[0];
    weave(host, "launch 192.0.2.9");
    expect(host, "ok", "router", &["only peers"]);
    for damage in ["nft delete table inet weave", "nft flush table inet weave"] {
        host.sh(damage).must();
        let found = expect(host, "fail", "router", &["6783"]);
        assert!(text(&found, "hint").contains("weave launch"), "{found}");
        weave(host, "launch");
        expect(host, "ok", "router", &["only peers"]);
    }
    weave(host, "reset");
    weave(host, "launch --no-firewall 192.0.2.9");
    let found = expect(host, "warn", "router", &["not managed"]);
    assert!(text(&found, "hint").contains("192.0.2.9"), "{found}");
}

#[test]
fn a_peer_without_a_route_and_a_path_that_became_narrow_are_found() {
    let (_lab, hosts) = lab(2);
    let host = &hosts[0];
    weave(host, &format!("launch {} 192.0.2.77", peers(&hosts)));
    host.route_mtu(&hosts[1].v4().to_string(), 1300);
    let found = expect(host, "warn", "mtu", &["1450", &hosts[1].v4().to_string(), "1300"]);
    assert!(text(&found, "hint").contains("weave apply"), "{found}");
    weave(host, "launch");
    expect(host, "ok", "mtu", &["1250 bytes"]);
    host.sh("ip route add unreachable 192.0.2.77").must();
    let found = expect(host, "warn", "peers", &["no route", "192.0.2.77"]);
    assert!(text(&found, "hint").contains("forget"), "{found}");
}
