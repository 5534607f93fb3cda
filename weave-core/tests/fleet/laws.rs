//! Laws of documents: whatever is written, reading it ends and finds a place for what is wrong; and the parts that a
//! fleet is cut into are the whole.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};
use weave_core::spec::fleet::{Document, Fleet, read_document, read_fleet, read_hierarchy, read_host, read_value};
use weave_core::spec::{ContainerRef, Finding};

/// Words that mean something, so that arbitrary values get past the first key.
const WORDS: &[&str] = &[
    "hosts",
    "containers",
    "images",
    "defaults",
    "subnets",
    "router",
    "firewall",
    "expose",
    "peers",
    "ensure",
    "host",
    "ip",
    "ips",
    "image",
    "options",
    "command",
    "state",
    "address",
    "weave_ip",
    "mtu",
    "gateway",
    "routes",
    "ports",
    "docker_run_opts",
    "attach_volumes",
    "one",
    "two",
    "web",
    "pid:1",
    "10.0.0.1/16",
    "10.0.1.0/24",
    "10.0.1.255/24",
    "fd00::1/64",
    "192.0.2.1",
    "absent",
    "auto",
    "DOMAIN",
    "weave::ensure",
    "weave::docker_cluster_peers",
    "weave::docker_host_weave_ip",
    "dockerhosts_dhcp",
    "docker_hosts_weave_dhcp",
    "hostname",
    "<<",
    "",
    "-d",
    "a.b",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![6 => prop::sample::select(WORDS).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(word(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every finding of a text names its file, and says what is wrong.
fn placed(findings: &[Finding]) -> Result<(), TestCaseError> {
    for finding in findings {
        prop_assert!(!finding.message.is_empty());
        prop_assert!(finding.line != Some(0) && finding.column != Some(0));
    }
    Ok(())
}

fn read_all(text: &str) -> Result<(), TestCaseError> {
    placed(&read_fleet("a", text).findings)?;
    placed(&read_host("a", text).findings)?;
    placed(&read_document("a", text, Some("one")).findings)?;
    placed(&read_document("a", text, None).findings)?;
    placed(&read_hierarchy(&[("a", text), ("b", text)], Some("one")).findings)
}

/// Hosts and containers that may or may not fit together.
fn fleet() -> impl Strategy<Value = Value> {
    let host = prop::sample::select(&["one", "two.example.com", "two", "three", "two.example.net"][..]);
    let hosts = btree_map(host.clone(), (0..8u8, any::<bool>()), 0..4).prop_map(|hosts| {
        let host = |(name, (number, gone)): (&str, (u8, bool))| {
            let ensure = if gone { "absent" } else { "present" };
            let host = json!({"address": format!("192.0.2.{number}"), "weave_ip": format!("10.0.0.{number}/16"),
                "ensure": ensure});
            (name.to_owned(), host)
        };
        hosts.into_iter().map(host).collect::<serde_json::Map<_, _>>()
    });
    let container = (prop::option::of(host), 0..12u8, prop::option::of(prop::sample::select(&["x", "y"][..])));
    let containers = btree_map("[a-d]{1,2}", container, 0..8).prop_map(|containers| {
        let container = |(name, (host, number, image)): (String, (Option<&str>, u8, Option<&str>))| {
            let mut container = json!({"ip": format!("10.0.1.{number}/24")});
            for (key, value) in [("host", host), ("image", image)] {
                if let Some(value) = value {
                    container[key] = json!(value);
                }
            }
            (name, container)
        };
        containers.into_iter().map(container).collect::<serde_json::Map<_, _>>()
    });
    (hosts, containers, prop::option::of(Just("one"))).prop_map(|(hosts, containers, default)| {
        let mut fleet = json!({"hosts": hosts, "containers": containers, "images": {"x": {"options": "-h DOMAIN"}}});
        if let Some(host) = default {
            fleet["defaults"] = json!({"host": host});
        }
        fleet
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_to_its_end(text in "\\PC{0,200}|[a-c:&*<{}\\[\\], \n'\"!|>#-]{0,80}") {
        read_all(&text)?;
    }

    #[test]
    fn any_words_are_read_to_their_end(words in vec((word(), 0..6usize), 0..30)) {
        let line = |(word, depth): &(String, usize)| format!("{}{word}:\n", "  ".repeat(*depth));
        read_all(&words.iter().map(line).collect::<String>())?;
    }

    #[test]
    fn any_value_is_read_to_its_end(value in value()) {
        placed(&read_value(value.clone(), Some("one")).findings)?;
        placed(&read_value(value.clone(), None).findings)?;
        read_all(&value.to_string())?;
    }

    #[test]
    fn the_parts_hold_every_container_once(value in fleet()) {
        let reading = read_value(value.clone(), None);
        let Some(Document::Fleet(fleet)) = reading.document.clone() else { return Ok(()) };
        let mut found: BTreeMap<ContainerRef, &str> = BTreeMap::new();
        for host in fleet.hosts.keys() {
            let document = fleet.cut(host).unwrap();
            for container in document.containers.iter().flat_map(|containers| containers.0.keys()) {
                let before = found.insert(container.clone(), host);
                prop_assert!(before.is_none(), "{container} is on {host} and on {before:?}");
            }
            if reading.clone().accept().is_ok() {
                prop_assert!(document.validate().is_ok());
            }
        }
        if reading.accept().is_ok() {
            prop_assert_eq!(found.keys().collect::<Vec<_>>(), fleet.containers.0.keys().collect::<Vec<_>>());
        }
        let written: Fleet = serde_json::from_value(serde_json::to_value(&fleet).unwrap()).unwrap();
        prop_assert_eq!(written, *fleet);
    }
}

#[test]
fn what_swells_when_it_is_read_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    for text in [text, "[".repeat(100_000), "a: {".repeat(100_000), "- ".repeat(100_000), "- a: ".repeat(100_000)] {
        // A thread of a small stack, as some callers have.
        let read = move || read_fleet("a", &text).findings;
        let small = std::thread::Builder::new().stack_size(1 << 20).spawn(read).unwrap();
        let findings = small.join().unwrap();
        assert!(findings.len() == 1 && findings[0].message.starts_with("is no YAML"), "{findings:?}");
    }
}
