//! What other programs let in, by listings as they print them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::firewall::input::{read_listing, read_text};
use crate::observed::{Arrival, ChainTool, Family, InputChain, InputRule, Protocol};

fn peer() -> Arrival {
    Arrival {
        v4: true,
        protocol: Protocol::Udp,
        port: 6783,
        from: "192.0.2.2".parse().ok(),
        to: "192.0.2.1".parse().ok(),
        interface: Some("eth0".to_owned()),
    }
}

fn chain(base: &str, drops: bool, chains: BTreeMap<String, Vec<InputRule>>) -> InputChain {
    let table = "filter".to_owned();
    InputChain { tool: ChainTool::Nft, family: Family::Inet, table, base: base.to_owned(), drops, owned: false, chains }
}

/// Of `iptables -S`.
fn by_text(listing: &str) -> InputChain {
    chain("INPUT", listing.contains("-P INPUT DROP"), read_text(listing))
}

/// Of `nft -j`: rules of the base chain, and of a chain `more`.
fn by_json(drops: bool, base: &[Value], more: &[Value]) -> InputChain {
    let rule = |chain: &str, expr: &Value| json!({"rule": {"chain": chain, "expr": expr}});
    let mut objects = vec![
        json!({"set": {"name": "open", "elem": [80, {"range": [6783, 6784]}]}}),
        json!({"set": {"name": "peers", "elem": ["192.0.2.2", {"elem": {"val": "192.0.2.3", "timeout": 60}}]}}),
        json!({"map": {"name": "ways", "elem": [["eth0", {"jump": {"target": "more"}}]]}}),
        json!({"chain": {"name": "input", "hook": "input"}}),
        json!({"chain": {"name": "more"}}),
    ];
    objects.extend(base.iter().map(|expr| rule("input", expr)));
    objects.extend(more.iter().map(|expr| rule("more", expr)));
    chain("input", drops, read_listing(&json!({"nftables": objects})).expect("a table that does not sleep"))
}

/// What firewalld 1.3 has in its default zone, as nft 1.0.6 lists it, less what is of no concern.
fn firewalld(allowed: &[Value]) -> InputChain {
    let state = |right: Value| json!({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": right}});
    let service = |protocol: &str, port: u16| {
        let left = json!({"payload": {"protocol": protocol, "field": "dport"}});
        json!([{"match": {"op": "==", "left": left, "right": port}}, {"accept": null}])
    };
    let rules = [
        ("filter_INPUT", json!([state(json!({"set": ["established", "related"]})), {"accept": null}])),
        (
            "filter_INPUT",
            json!([{"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}}, {"accept": null}]),
        ),
        (
            "filter_INPUT",
            json!([{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "lo"}}, {"accept": null}]),
        ),
        ("filter_INPUT", json!([state(json!("invalid")), {"drop": null}])),
        ("filter_INPUT", json!([{"jump": {"target": "filter_INPUT_ZONES"}}])),
        ("filter_INPUT", json!([{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}])),
        (
            "filter_INPUT_ZONES",
            json!([
                {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "docker0"}},
                {"goto": {"target": "filter_IN_docker"}}
            ]),
        ),
        ("filter_INPUT_ZONES", json!([{"goto": {"target": "filter_IN_public"}}])),
        ("filter_IN_docker", json!([{"accept": null}])),
        ("filter_IN_public", json!([{"jump": {"target": "filter_IN_public_allow"}}])),
        (
            "filter_IN_public",
            json!([
                {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": {"set": ["icmp", "ipv6-icmp"]}}},
                {"accept": null}
            ]),
        ),
        ("filter_IN_public_allow", service("tcp", 22)),
        ("filter_IN_public_allow", service("tcp", 6783)),
    ];
    let rule = |(chain, expr): &(&str, Value)| json!({"rule": {"chain": chain, "expr": expr}});
    let mut objects: Vec<Value> = rules.iter().map(rule).collect();
    objects.extend(allowed.iter().map(|expr| rule(&("filter_IN_public_allow", expr.clone()))));
    chain("filter_INPUT", false, read_listing(&json!({"nftables": objects})).expect("it does not sleep"))
}

#[test]
fn firewalld_refuses_in_its_default_zone_until_the_port_is_added() {
    assert!(firewalld(&[]).refuses(&peer()));
    assert!(!firewalld(&[]).refuses(&Arrival { protocol: Protocol::Tcp, ..peer() }));
    assert!(!firewalld(&[]).refuses(&Arrival { interface: Some("docker0".to_owned()), ..peer() }));
    let added = json!([
        {"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": 6783}},
        {"accept": null}
    ]);
    assert!(!firewalld(&[added]).refuses(&peer()));
}

/// What ufw makes, less its logging and IPv6.
const UFW: &str = r#"-P INPUT DROP
-P FORWARD DROP
-P OUTPUT ACCEPT
-N ufw-after-input
-N ufw-before-input
-N ufw-logging-deny
-N ufw-not-local
-N ufw-skip-to-policy-input
-N ufw-user-input
-N ufw-user-limit
-N ufw-user-limit-accept
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A ufw-after-input -p udp -m udp --dport 137 -j ufw-skip-to-policy-input
-A ufw-after-input -m addrtype --dst-type BROADCAST -j ufw-skip-to-policy-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
-A ufw-skip-to-policy-input -j DROP
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
-A ufw-user-limit -j REJECT --reject-with icmp-port-unreachable
-A ufw-user-limit-accept -j ACCEPT
"#;

#[test]
fn ufw_refuses_until_the_port_is_allowed() {
    assert!(by_text(UFW).refuses(&peer()));
    for allowed in [
        "-p udp -m udp --dport 6783 -j ACCEPT",
        "-s 192.0.2.2/32 -p udp -m udp --dport 6783 -j ACCEPT",
        "-i eth0 -j ACCEPT",
        "-p udp -m multiport --dports 53,6783:6784 -j ACCEPT",
        "-p udp -m udp --dport 6783 -m conntrack --ctstate NEW -m recent --set -j ufw-user-limit-accept",
    ] {
        assert!(!by_text(&format!("{UFW}-A ufw-user-input {allowed}\n")).refuses(&peer()), "{allowed}");
    }
    for other in [
        "-p udp -m udp --dport 6784 -j ACCEPT",
        "-p tcp -m tcp --dport 6783 -j ACCEPT",
        "-s 192.0.2.3/32 -p udp -m udp --dport 6783 -j ACCEPT",
        "-i eth1 -j ACCEPT",
    ] {
        assert!(by_text(&format!("{UFW}-A ufw-user-input {other}\n")).refuses(&peer()), "{other}");
    }
}

#[test]
fn what_iptables_lists_is_walked() {
    for (rules, refuses) in [
        ("-P INPUT ACCEPT", false),
        ("-P INPUT DROP", true),
        ("-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited", true),
        // As iptables-services of RHEL begins.
        (
            "-P INPUT ACCEPT\n-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p icmp -j ACCEPT\n\
             -A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT\n\
             -A INPUT -j REJECT --reject-with icmp-host-prohibited",
            true,
        ),
        ("-P INPUT ACCEPT\n-A INPUT -p udp -m udp --dport 6783 -j DROP", true),
        ("-P INPUT ACCEPT\n-A INPUT -p udp -m udp --dport 6783 -j LOG --log-prefix \"a -j DROP\"", false),
        ("-P INPUT DROP\n-A INPUT ! -i lo -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT ! -s 192.0.2.0/24 -j ACCEPT", true),
        ("-P INPUT DROP\n-A INPUT -i eth+ -p udp -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT -p udp -m udp --sport 53 -j ACCEPT", true),
        ("-P INPUT DROP\n-A INPUT -p udp -m udp --sport 1024:65535 --dport 6783 -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT -m pkttype --pkt-type multicast -j ACCEPT", true),
        // What cannot be known may let it in.
        ("-P INPUT DROP\n-A INPUT -m set --match-set peers src -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT -m mark --mark 0x1 -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT -p udp -m set ! --match-set bad src -m udp --dport 6783 -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT -j NFQUEUE --queue-num 1", false),
        ("-P INPUT DROP\n-A INPUT -p tcp -m mark --mark 0x1 -j ACCEPT", true),
        ("-P INPUT ACCEPT\n-A INPUT -m set --match-set bad src -j DROP", false),
        // Chains: back by their end or RETURN, and not back from a goto.
        ("-P INPUT DROP\n-N a\n-A INPUT -j a\n-A INPUT -j ACCEPT\n-A a -p udp -j RETURN\n-A a -j DROP", false),
        ("-P INPUT DROP\n-N a\n-A INPUT -g a\n-A INPUT -j ACCEPT\n-A a -p tcp -j DROP", true),
        ("-P INPUT ACCEPT\n-N a\n-A INPUT -g a\n-A INPUT -j DROP\n-A a -p tcp -j DROP", false),
        (
            "-P INPUT DROP\n-N a\n-N b\n-A INPUT -j a\n-A INPUT -j ACCEPT\n-A a -g b\n-A a -j DROP\n-A b -i lo -j DROP",
            false,
        ),
        ("-P INPUT DROP\n-N unused\n-A unused -j ACCEPT", true),
        // No kernel takes it.
        ("-P INPUT DROP\n-N a\n-A INPUT -j a\n-A a -j a", false),
    ] {
        assert_eq!(by_text(rules).refuses(&peer()), refuses, "{rules}");
    }
}

#[test]
fn what_nft_lists_is_walked() {
    let is = |left: Value, op: &str, right: Value| json!({"match": {"op": op, "left": left, "right": right}});
    let field = |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
    let meta = |key: &str| json!({"meta": {"key": key}});
    let ct = |key: &str| json!({"ct": {"key": key}});
    let net = |addr: &str, len: u8| json!({"prefix": {"addr": addr, "len": len}});
    let dport = || field("udp", "dport");
    let addresses = json!({"set": [{"range": ["192.0.2.1", "192.0.2.9"]}]});
    for (accepted, refuses) in [
        (is(dport(), "==", json!(6783)), false),
        (is(dport(), "==", json!(6784)), true),
        (is(dport(), "==", json!({"set": [53, {"range": [6780, 6790]}]})), false),
        (is(dport(), "==", json!("@open")), false),
        (is(dport(), "==", json!("@unheard")), false),
        (is(dport(), "!=", json!({"range": [1, 1023]})), false),
        (is(dport(), "<", json!(1024)), true),
        (is(dport(), ">=", json!(1024)), false),
        (is(field("tcp", "dport"), "==", json!(6783)), true),
        (is(field("th", "dport"), "==", json!(6783)), false),
        (is(field("udp", "sport"), "==", json!(53)), true),
        (is(field("icmp", "type"), "==", json!("echo-request")), true),
        (is(json!({"&": [field("tcp", "flags"), ["syn", "ack"]]}), "==", json!("syn")), true),
        (is(json!({"&": [field("udp", "dport"), 1]}), "==", json!(1)), false),
        (is(field("ip", "saddr"), "==", net("192.0.2.0", 24)), false),
        (is(field("ip", "saddr"), "==", json!("@peers")), false),
        (is(field("ip", "saddr"), "==", json!({"set": ["192.0.2.3", net("10.0.0.0", 8)]})), true),
        (is(field("ip", "saddr"), "==", addresses), false),
        (is(field("ip6", "saddr"), "!=", json!("fd00::1")), true),
        (is(field("ip", "daddr"), "==", json!("192.0.2.1")), false),
        (is(field("ip", "daddr"), "==", net("224.0.0.0", 4)), true),
        (is(meta("iifname"), "==", json!("eth*")), false),
        (is(meta("iif"), "==", json!({"set": ["lo", "eth1"]})), true),
        (is(meta("l4proto"), "==", json!({"set": ["tcp", "udp"]})), false),
        (is(meta("nfproto"), "==", json!("ipv6")), true),
        (is(meta("mark"), "==", json!(1)), false),
        (is(ct("state"), "in", json!(["established", "related"])), true),
        (is(ct("state"), "==", json!({"set": ["new", "untracked"]})), false),
        (is(ct("status"), "in", json!("dnat")), true),
        (is(json!({"fib": {"result": "type", "flags": ["daddr"]}}), "==", json!("local")), false),
        (is(json!({"fib": {"result": "type", "flags": ["daddr"]}}), "==", json!("multicast")), true),
        (json!({"limit": {"rate": 1, "per": "second"}}), false),
        (json!({"xt": {"type": "match", "name": "statistic"}}), false),
        (json!({"counter": {"packets": 1, "bytes": 1}}), false),
    ] {
        let found = by_json(true, &[json!([accepted, {"accept": null}])], &[]);
        assert_eq!(found.refuses(&peer()), refuses, "{accepted}");
    }
}

#[test]
fn maps_of_verdicts_are_followed() {
    let accept = json!([{"accept": null}]);
    let on = |key: Value, data: Value| json!([{"vmap": {"key": key, "data": data}}]);
    let state = on(
        json!({"ct": {"key": "state"}}),
        json!({"set": [["established", {"accept": null}], ["related", {"accept": null}], ["invalid", {"drop": null}]]}),
    );
    let ways = on(json!({"meta": {"key": "iifname"}}), json!("@ways"));
    assert!(by_json(true, &[state.clone(), ways.clone()], &[]).refuses(&peer()));
    assert!(!by_json(true, &[state, ways.clone()], std::slice::from_ref(&accept)).refuses(&peer()));
    let elsewhere = Arrival { interface: Some("eth1".to_owned()), ..peer() };
    assert!(by_json(true, &[ways], &[accept]).refuses(&elsewhere));
}

#[test]
fn of_a_peer_that_is_not_known_no_more_is_said_than_is_known() {
    let nobody = Arrival { from: None, to: None, interface: None, ..peer() };
    for (rules, refuses) in [
        ("-P INPUT DROP\n-A INPUT -s 192.0.2.9/32 -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT -d 192.0.2.9/32 -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT -i eth1 -j ACCEPT", false),
        ("-P INPUT DROP\n-A INPUT -i lo -j ACCEPT", true),
        ("-P INPUT DROP\n-A INPUT -s 192.0.2.9/32 -p tcp -j ACCEPT", true),
    ] {
        assert_eq!(by_text(rules).refuses(&nobody), refuses, "{rules}");
    }
}

#[test]
fn a_chain_of_one_family_says_nothing_of_the_other() {
    let v6 = Arrival { v4: false, from: "fd00::2".parse().ok(), to: None, ..peer() };
    for (family, v4_refused, v6_refused) in
        [(Family::Ip, true, false), (Family::Ip6, false, true), (Family::Inet, true, true)]
    {
        let found = InputChain { family, ..by_text("-P INPUT DROP") };
        assert_eq!((found.refuses(&peer()), found.refuses(&v6)), (v4_refused, v6_refused), "{family}");
    }
}

#[test]
fn a_table_that_sleeps_refuses_nothing_and_what_is_odd_is_survived() {
    let table = json!({"table": {"family": "inet", "name": "x", "flags": ["dormant"]}});
    assert_eq!(read_listing(&json!({ "nftables": [table] })), None);
    for listing in [
        json!(null),
        json!({"nftables": [5, {"rule": 5}, {"rule": {"chain": "input"}}]}),
        json!({"nftables": [{"rule": {"chain": "input", "expr": [5, "accept", {}, {"vmap": 1}, {"match": "x"}]}}]}),
    ] {
        assert!(read_listing(&listing).is_some(), "{listing}");
    }
    assert_eq!(read_text("\n-A\n-A INPUT -j\n-A INPUT -p\n-P\n! x").get("INPUT"), Some(&Vec::new()));
}
