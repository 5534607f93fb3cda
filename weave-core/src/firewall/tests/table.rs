//! Encoding and decoding of weave's own table, without a kernel.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::firewall::reading::{Ownership, read};
use crate::firewall::table::{objects, transaction};
use crate::observed::{PublishedPort, WeaveTable};
use crate::spec::{Destination, Publication};

pub(super) fn table(port: Option<u16>, peers: &[&str], masquerade: &[&str]) -> WeaveTable {
    WeaveTable {
        port,
        control: None,
        peers: peers.iter().map(|peer| peer.parse().expect("address")).collect(),
        masquerade: masquerade.iter().map(|network| network.parse().expect("network")).collect(),
        ..WeaveTable::default()
    }
}

/// Ports in their short form, the network of whose targets is 10.2.0.0/16 or fd00::/64 where `direct`.
pub(super) fn published(ports: &[&str], direct: bool) -> WeaveTable {
    let port = |text: &&str| {
        let publication: Publication = text.parse().expect("a publication");
        let Destination::Address(to) = publication.to else { panic!("{text}") };
        let network = if to.is_ipv4() { "10.2.0.0/16" } else { "fd00::/64" };
        let Publication { host_port, protocol, host_ip, port, .. } = publication;
        let direct = direct.then(|| network.parse().expect("a network"));
        PublishedPort { host_port, protocol, host_ip, to, port, direct }
    };
    let publish: BTreeSet<_> = ports.iter().map(port).collect();
    let localnet = publish.iter().any(PublishedPort::is_local).then(|| "weave".to_owned());
    WeaveTable { publish, localnet, ..full() }
}

pub(super) const PORTS: [&str; 6] = [
    "8080:10.2.1.4:80",
    "192.0.2.1:53:10.2.1.4:53/udp",
    "127.0.0.1:7:10.2.1.5:7/sctp",
    "8080:[fd00::4]:80",
    "[2001:db8::1]:8080:[fd00::4]:81/udp",
    "8081:10.2.1.4:80",
];

fn full() -> WeaveTable {
    table(Some(6783), &["192.0.2.1", "192.0.2.2", "2001:db8::1"], &["10.2.0.0/16", "10.9.9.9/32", "fd00::/64"])
}

/// What `nft -j list table inet weave` prints for it.
fn listing(table: &WeaveTable) -> Value {
    let mut listed = vec![
        json!({"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}),
        json!({"table": {"family": "inet", "name": "weave", "handle": 7}}),
    ];
    listed.extend(objects(table).into_iter().enumerate().map(|(handle, mut object)| {
        for value in object.as_object_mut().expect("object").values_mut() {
            value["handle"] = json!(handle + 1);
        }
        object
    }));
    json!({"nftables": listed})
}

#[test]
fn what_is_written_reads_the_same() {
    for table in [
        table(Some(6783), &[], &[]),
        table(Some(1), &["192.0.2.1"], &[]),
        table(Some(65535), &["2001:db8::1"], &[]),
        table(None, &[], &["10.2.0.0/16"]),
        table(None, &["192.0.2.1"], &[]),
        full(),
        WeaveTable { control: Some(6784), ..table(Some(6783), &[], &[]) },
        WeaveTable { control: Some(7000), ..full() },
        published(&PORTS, false),
        published(&PORTS, true),
        published(&PORTS[1..2], true),
        WeaveTable { masquerade: BTreeSet::new(), ..published(&PORTS[..1], true) },
    ] {
        assert_eq!(read(&listing(&table)), Ownership::Ours(table));
    }
}

#[test]
fn what_releases_of_nft_differ_in_changes_nothing() {
    let mut listing = listing(&full());
    for object in listing["nftables"].as_array_mut().expect("array") {
        if let Some(rule) = object.get_mut("rule") {
            let family = if rule.to_string().contains("\"ip6\"") { "ipv6" } else { "ipv4" };
            let is_input = rule["chain"] == "input";
            let expr = rule["expr"].as_array_mut().expect("array");
            let meta =
                |key: &str, value: &str| json!({"match": {"op": "==", "left": {"meta": {"key": key}}, "right": value}});
            expr.insert(0, meta("nfproto", family));
            if is_input {
                expr.insert(0, meta("l4proto", "udp"));
            }
            expr[1]["match"]["op"] = json!("in");
        }
        if let Some(elements) = object.pointer_mut("/set/elem") {
            elements.as_array_mut().expect("array").reverse();
        }
        if let Some(set) = object.get_mut("set") {
            set["size"] = json!(65535);
            set["flags"] = json!([]);
        }
    }
    assert_eq!(read(&listing), Ownership::Ours(full()));
}

#[test]
fn what_was_changed_by_hand_is_damaged() {
    let rule =
        |chain: &str| json!({"rule": {"family": "inet", "table": "weave", "chain": chain, "expr": [{"accept": null}]}});
    let first_rule = |listing: &Value| {
        let listed = listing["nftables"].as_array().expect("array");
        listed.iter().position(|object| object.get("rule").is_some()).expect("rule")
    };
    type Change = fn(&mut Vec<Value>, usize);
    let changes: [(&str, Change); 9] = [
        ("a rule is gone", |listed, first| drop(listed.remove(first))),
        ("all rules are gone", |listed, first| listed.truncate(first)),
        ("rules changed places", |listed, first| listed.swap(first, first + 1)),
        ("another set", |listed, first| listed[first]["rule"]["expr"][1]["match"]["right"] = json!("@peers6")),
        ("a counter", |listed, first| {
            listed[first]["rule"]["expr"].as_array_mut().expect("array").insert(0, json!({"counter": null}));
        }),
        ("no drop", |listed, first| listed[first]["rule"]["expr"][2] = json!({"accept": null})),
        ("the wrong family", |listed, first| {
            let other = json!({"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv6"}});
            listed[first]["rule"]["expr"].as_array_mut().expect("array").insert(0, other);
        }),
        ("dormant", |listed, _| listed[1]["table"]["flags"] = json!("dormant")),
        ("an element with a timeout", |listed, _| {
            listed[2]["set"]["elem"][0] = json!({"elem": {"val": "192.0.2.1", "timeout": 60}});
        }),
    ];
    for (name, change) in changes {
        let mut listing = listing(&full());
        let first = first_rule(&listing);
        change(listing["nftables"].as_array_mut().expect("array"), first);
        assert_eq!(read(&listing), Ownership::Damaged(BTreeSet::new()), "{name}");
    }
    for added in [
        rule("input"),
        json!({"chain": {"family": "inet", "table": "weave", "name": "mine", "handle": 90}}),
        json!({"counter": {"family": "inet", "table": "weave", "name": "mine", "handle": 90}}),
        json!({"set": {"family": "inet", "table": "weave", "name": "mine", "type": "mark", "handle": 90}}),
    ] {
        let mut listing = listing(&full());
        listing["nftables"].as_array_mut().expect("array").push(added.clone());
        assert_eq!(read(&listing), Ownership::Damaged(BTreeSet::new()), "{added}");
    }
}

#[test]
fn what_was_published_is_read_even_in_a_damaged_table() {
    for direct in [false, true] {
        let table = published(&PORTS, direct);
        let whole = listing(&table);
        let rules = whole["nftables"].as_array().expect("array").len();
        // Every other rule of a port is enough, as long as one of those stays that redirect to it.
        for gone in 0..rules {
            let mut listing = whole.clone();
            let removed = listing["nftables"].as_array_mut().expect("array").remove(gone);
            let is_rule = removed["rule"]["comment"] == "weave:publish";
            let Ownership::Damaged(salvaged) = read(&listing) else { continue };
            let without_source = direct && removed["rule"]["chain"] == "postrouting";
            assert!(!is_rule || without_source || salvaged == table.publish, "{removed}: {salvaged:?}");
        }
    }
    let tampered = |from: &str, to: &str| {
        let text = listing(&published(&PORTS, true)).to_string();
        assert!(text.contains(from), "{text}");
        read(&serde_json::from_str(&text.replacen(from, to, 1)).expect("JSON"))
    };
    for (from, to) in [
        ("\"addr\":\"10.2.1.4\",\"port\":80}", "\"addr\":\"10.2.1.9\",\"port\":80}"),
        ("\"op\":\"in\"", "\"op\":\"==\""),
        ("\"right\":\"local\"", "\"right\":\"unicast\""),
    ] {
        assert!(matches!(tampered(from, to), Ownership::Damaged(_)), "{from}");
    }
}

#[test]
fn what_bears_no_mark_is_foreign_and_the_reason_names_it() {
    let table = json!({"table": {"family": "inet", "name": "weave", "handle": 1}});
    let chain = json!({"chain": {"family": "inet", "table": "weave", "name": "mine"}});
    let set = json!({"set": {"family": "inet", "table": "weave", "name": "peers4", "type": "mark"}});
    let counter = json!({"counter": {"family": "inet", "table": "weave", "name": "hits"}});
    for (listed, reason) in [
        (json!([table]), "nothing that weave wrote"),
        (json!([table, chain]), "chain `mine`"),
        (json!([table, set]), "set `peers4`"),
        (json!([table, counter]), "counter `hits`"),
    ] {
        let Ownership::Foreign(why) = read(&json!({"nftables": listed})) else { panic!("{listed}") };
        assert!(why.contains(reason), "{why}");
    }
}

#[test]
fn a_transaction_deletes_only_what_it_has_made_sure_of() {
    let commands = transaction(None);
    let kinds: Vec<_> = commands["nftables"]
        .as_array()
        .expect("array")
        .iter()
        .filter_map(|command| command.as_object()?.keys().next())
        .collect();
    assert_eq!(kinds, ["add", "delete"]);
    assert_eq!(transaction(Some(&full()))["nftables"][2]["add"]["table"]["name"], "weave");
}

#[test]
fn ten_thousand_peers_are_quick() {
    let start = Instant::now();
    let mut big = table(Some(6783), &[], &[]);
    big.peers = (0..10_000u32).map(|number| std::net::Ipv4Addr::from(0x0a00_0000 + number).into()).collect();
    let text = listing(&big).to_string();
    assert_eq!(read(&serde_json::from_str(&text).expect("JSON")), Ownership::Ours(big));
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
