//! The rules of a table as `nft -j list table …` prints them, as far as they decide about what comes in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde_json::{Value, json};

use crate::observed::{Condition, Fate, InputRule, Item, What};

/// Sets and maps of the table, by name.
type Sets<'a> = BTreeMap<&'a str, &'a [Value]>;

/// The chains of a table; `None` where it sleeps (`flags dormant`) and decides nothing.
pub(in super::super) fn read(listing: &Value) -> Option<BTreeMap<String, Vec<InputRule>>> {
    let objects = array(&listing["nftables"]);
    if objects.iter().any(|object| has(&object["table"]["flags"], "dormant")) {
        return None;
    }
    let named = |object: &'_ Value| {
        let set = object.as_object()?.iter().find(|(kind, _)| matches!(kind.as_str(), "set" | "map"))?.1;
        Some((set["name"].as_str()?.to_owned(), set["elem"].clone()))
    };
    let owned: BTreeMap<String, Value> = objects.iter().filter_map(named).collect();
    let sets: Sets = owned.iter().map(|(name, elements)| (name.as_str(), array(elements))).collect();
    let mut chains = BTreeMap::new();
    for object in objects {
        if let Some(name) = object["chain"]["name"].as_str() {
            chains.entry(name.to_owned()).or_insert_with(Vec::new);
        }
        if let Some(name) = object["rule"]["chain"].as_str() {
            chains.entry(name.to_owned()).or_insert_with(Vec::new).extend(rules(&object["rule"]["expr"], &sets));
        }
    }
    Some(chains)
}

/// Whether a rule of the table asks a set, which no rule of iptables does.
pub(super) fn asks_sets(listing: &Value) -> bool {
    let asks = |statement: &Value| {
        let right = &statement["match"]["right"];
        let named = right.as_str().is_some_and(|name| name.starts_with('@'));
        named || right["set"].is_array() || !statement["vmap"].is_null()
    };
    array(&listing["nftables"]).iter().any(|object| array(&object["rule"]["expr"]).iter().any(asks))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn has(value: &Value, word: &str) -> bool {
    value == word || array(value).iter().any(|one| one == word)
}

/// What a rule decides: one thing at its end, and in a map one for each key.
fn rules(statements: &Value, sets: &Sets) -> Vec<InputRule> {
    let mut found = Vec::new();
    let mut conditions = Vec::new();
    for statement in array(statements) {
        let Some((kind, value)) = pair(statement) else {
            conditions.push(Condition::unknown());
            continue;
        };
        if let Some(fate) = fate(kind, value) {
            found.push(InputRule { conditions: conditions.clone(), fate });
            continue;
        }
        match kind {
            "match" => conditions.extend(matches(value, sets)),
            "vmap" => found.extend(mapped(&conditions, value, sets)),
            // The program that takes it may accept it.
            "queue" => {
                conditions.push(Condition::unknown());
                found.push(InputRule { conditions: conditions.clone(), fate: Fate::Accept });
            }
            "counter" | "log" | "last" | "mangle" | "notrack" | "flow" | "set" | "ct helper" | "ct timeout" => {}
            "xt" if value["type"] == "target" || value["name"] == "comment" => {}
            _ => conditions.push(Condition::unknown()),
        }
    }
    found
}

fn pair(statement: &Value) -> Option<(&str, &Value)> {
    match statement {
        // nft 0.9 writes statements without arguments as bare words.
        Value::String(word) => Some((word, &Value::Null)),
        other => other.as_object()?.iter().next().map(|(kind, value)| (kind.as_str(), value)),
    }
}

fn fate(kind: &str, value: &Value) -> Option<Fate> {
    let target = || value["target"].as_str().unwrap_or_default().to_owned();
    match kind {
        "accept" => Some(Fate::Accept),
        "drop" | "reject" => Some(Fate::Drop),
        "return" => Some(Fate::Return),
        "jump" => Some(Fate::Jump(target())),
        "goto" => Some(Fate::Goto(target())),
        "xt" if value["type"] == "target" && value["name"] == "REJECT" => Some(Fate::Drop),
        _ => None,
    }
}

/// `udp dport vmap { 6783 : accept, … }`
fn mapped(conditions: &[Condition], map: &Value, sets: &Sets) -> Vec<InputRule> {
    let entries = match map["data"].as_str().and_then(|name| name.strip_prefix('@')) {
        Some(name) => sets.get(name).copied().unwrap_or_default(),
        None => array(&map["data"]["set"]),
    };
    let rule = |entry: &Value| {
        let (kind, value) = pair(&entry[1])?;
        let fate = fate(kind, value)?;
        let key = matches(&json!({"op": "==", "left": map["key"], "right": plain(&entry[0])}), sets);
        Some(InputRule { conditions: [conditions, &key].concat(), fate })
    };
    entries.iter().filter_map(rule).collect()
}

/// An element without what may be said besides of it: a comment, when it ends, how often it was met.
fn plain(element: &Value) -> &Value {
    if element["elem"]["val"].is_null() { element } else { &element["elem"]["val"] }
}

/// What a match asks for, and what it implies.
fn matches(found: &Value, sets: &Sets) -> Vec<Condition> {
    let left = &found["left"];
    let (payload, field) = (&left["payload"]["protocol"], left["payload"]["field"].as_str());
    let mut conditions = Vec::new();
    // Below a mask, too: what has no such header does not fit.
    for protocol in [payload, &left["&"][0]["payload"]["protocol"]].into_iter().filter_map(Value::as_str) {
        conditions.extend(implied(protocol));
    }
    let what = match (payload.as_str(), field) {
        (Some("tcp" | "udp" | "th"), Some("dport")) => What::Port,
        (Some("tcp" | "udp" | "th"), Some("sport")) => What::SourcePort,
        (Some("ip" | "ip6"), Some("saddr")) => What::From,
        (Some("ip" | "ip6"), Some("daddr")) => What::To,
        (Some("ip"), Some("protocol")) | (Some("ip6"), Some("nexthdr")) => What::Protocol,
        _ => match (left["meta"]["key"].as_str(), left["ct"]["key"].as_str(), left["fib"]["result"].as_str()) {
            (Some("l4proto"), ..) => What::Protocol,
            (Some("iif" | "iifname"), ..) => What::Interface,
            (Some("nfproto" | "protocol"), ..) => What::Family,
            (Some("pkttype"), ..) => What::Delivery,
            (_, Some("state"), _) => What::State,
            (_, Some("status"), _) => What::Status,
            (_, Some("direction"), _) => What::Direction,
            (.., Some("type")) if left["fib"]["flags"] == json!(["daddr"]) => What::Delivery,
            _ => What::Other,
        },
    };
    conditions.push(condition(what, found, sets).unwrap_or_else(Condition::unknown));
    conditions
}

/// A header is there only in packets of its protocol.
fn implied(protocol: &str) -> Option<Condition> {
    let what = match protocol {
        "ip" | "ip6" => What::Family,
        "th" | "ether" | "vlan" | "arp" => return None,
        _ => What::Protocol,
    };
    Some(Condition { what, not: false, any: vec![Item::Word(protocol.to_owned())] })
}

fn condition(what: What, found: &Value, sets: &Sets) -> Option<Condition> {
    let right = &found["right"];
    let elements = match right.as_str().and_then(|name| name.strip_prefix('@')) {
        Some(name) => sets.get(name).copied()?,
        None if right["set"].is_array() => array(&right["set"]),
        None if right.is_array() => array(right),
        None => std::slice::from_ref(right),
    };
    let not = match found["op"].as_str()? {
        "==" | "in" => false,
        "!=" => true,
        op => return compared(what, op, right),
    };
    let any = elements.iter().map(|element| item(what, plain(element))).collect::<Option<_>>()?;
    (what != What::Other).then_some(Condition { what, not, any })
}

fn compared(what: What, op: &str, right: &Value) -> Option<Condition> {
    let port = port(right).filter(|_| matches!(what, What::Port | What::SourcePort))?;
    let (first, last) = match op {
        "<" => (0, port.checked_sub(1)?),
        "<=" => (0, port),
        ">" => (port.checked_add(1)?, u16::MAX),
        ">=" => (port, u16::MAX),
        _ => return None,
    };
    Some(Condition { what, not: false, any: vec![Item::Ports(first, last)] })
}

fn port(value: &Value) -> Option<u16> {
    u16::try_from(value.as_u64()?).ok()
}

fn item(what: What, value: &Value) -> Option<Item> {
    let range = &value["range"];
    match what {
        What::Port | What::SourcePort if range.is_array() => Some(Item::Ports(port(&range[0])?, port(&range[1])?)),
        What::Port | What::SourcePort => port(value).map(|port| Item::Ports(port, port)),
        What::From | What::To if range.is_array() => Some(Item::Addresses(address(&range[0])?, address(&range[1])?)),
        What::From | What::To => network(value).map(Item::Network),
        // Another word for what is on the way to elsewhere.
        What::Delivery if value == "unicast" => None,
        _ => match value {
            Value::String(word) => Some(Item::Word(word.clone())),
            Value::Number(number) => Some(Item::Word(number.to_string())),
            _ => None,
        },
    }
}

fn address(value: &Value) -> Option<IpAddr> {
    value.as_str()?.parse().ok()
}

fn network(value: &Value) -> Option<IpNetwork> {
    let prefix = &value["prefix"];
    match address(value) {
        Some(address) => Some(address.into()),
        None => IpNetwork::new(address(&prefix["addr"])?, u8::try_from(prefix["len"].as_u64()?).ok()?).ok(),
    }
}
