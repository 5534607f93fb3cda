//! Reads a listing of `inet weave`: is it ours, and what does it say?
//!
//! The listing is decoded as far as it goes, what was decoded is encoded again, and both are compared in a form that
//! leaves out what nft adds by itself (handles, the order of elements, matches that others imply). So nothing that a
//! stranger put into the table can pass for what weave wrote, and no second description of the table can drift.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde_json::{Value, json};

use super::publish::{self, LOCALNET, PUBLISH};
use super::table::{CONTROL, INPUT, MARK, MASQUERADE, PEERS4, PEERS6, objects};
use crate::observed::{PublishedPort, WeaveTable};

/// Whose the table `inet weave` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ownership {
    /// Weave's, as weave writes it.
    Ours(WeaveTable),
    /// Weave's, but changed by hand; the published ports that can still be read in it.
    Damaged(BTreeSet<PublishedPort>),
    /// Somebody else's, and why it is taken to be so.
    Foreign(String),
}

/// Judges the output of `nft -j list table inet weave`.
pub(super) fn read(listing: &Value) -> Ownership {
    let listed = Shape::of(listing["nftables"].as_array().map(Vec::as_slice).unwrap_or_default());
    let table = listed.decode();
    let written = Shape::of(&objects(&table));
    if written == listed {
        return Ownership::Ours(table);
    }
    match listed.is_marked() {
        true => Ownership::Damaged(table.publish),
        false => Ownership::Foreign(listed.stranger(&written)),
    }
}

/// A table without what differs from one listing to the next.
#[derive(Debug, Default, PartialEq)]
struct Shape {
    /// Sets by name: their type, and their elements.
    sets: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Chains by name: type, hook, priority and policy.
    chains: BTreeMap<String, [String; 4]>,
    /// Rules in their order: chain, comment, statements.
    rules: Vec<(String, String, Vec<Value>)>,
    /// Everything that weave never writes.
    strange: Vec<String>,
}

impl Shape {
    fn of(listed: &[Value]) -> Self {
        let mut shape = Self::default();
        for (kind, object) in listed.iter().filter_map(Value::as_object).flatten() {
            match kind.as_str() {
                "metainfo" => {}
                // A dormant table filters nothing; one with an owner vanishes with it.
                "table" if is_said(&object["flags"]) => shape.strange.push("flags of the table".to_owned()),
                "table" => {}
                "set" => shape.set(object),
                "chain" => {
                    let words = ["type", "hook", "prio", "policy"].map(|key| word(&object[key]));
                    shape.chains.insert(word(&object["name"]), words);
                }
                "rule" => shape.rule(object),
                _ => shape.strange.push(format!("{kind} `{}`", word(&object["name"]))),
            }
        }
        shape
    }

    fn set(&mut self, object: &Value) {
        let name = word(&object["name"]);
        for key in ["flags", "timeout", "gc-interval", "stmt", "map"] {
            if is_said(&object[key]) {
                self.strange.push(format!("{key} of set `{name}`"));
            }
        }
        let elements = object["elem"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.sets.insert(name, (word(&object["type"]), elements.iter().map(word).collect()));
    }

    fn rule(&mut self, object: &Value) {
        let statements = object["expr"].as_array().map(Vec::as_slice).unwrap_or_default();
        let statements = statements.iter().filter(|statement| !is_implied(statement, statements)).map(plain).collect();
        self.rules.push((word(&object["chain"]), word(&object["comment"]), statements));
    }

    /// What the table says, as far as it says what weave writes.
    fn decode(&self) -> WeaveTable {
        let comment = format!("{MARK}{PUBLISH}");
        let published = |(_, other, _): &&(String, String, Vec<Value>)| *other == comment;
        let rules = |chain| self.rules.iter().filter(move |(place, ..)| place == chain).map(|(.., expr)| expr);
        let elements = [PEERS4.0, PEERS6.0].into_iter().filter_map(|set| self.sets.get(set)).flat_map(|set| &set.1);
        WeaveTable {
            port: rules(INPUT).find_map(|expr| port(expr)),
            control: self.commented(CONTROL).find_map(|expr| port(expr)),
            peers: elements.filter_map(|element| element.parse::<IpAddr>().ok()).collect(),
            masquerade: self.commented(MASQUERADE).filter_map(|expr| masqueraded(expr)).collect(),
            publish: publish::read(self.rules.iter().filter(published).map(|(chain, _, expr)| (&**chain, &**expr))),
            localnet: self.commented(LOCALNET).find_map(|expr| publish::bridge(expr)),
        }
    }

    fn commented(&self, what: &str) -> impl Iterator<Item = &Vec<Value>> {
        let comment = format!("{MARK}{what}");
        self.rules.iter().filter(move |(_, other, _)| *other == comment).map(|(.., expr)| expr)
    }

    fn is_marked(&self) -> bool {
        let set = |(name, kind): (&str, &str)| self.sets.get(name).is_some_and(|(found, _)| found == kind);
        self.rules.iter().any(|(_, comment, _)| comment.starts_with(MARK)) || (set(PEERS4) && set(PEERS6))
    }

    /// Why the table is somebody else's, naming the first thing in it that weave did not write.
    fn stranger(&self, written: &Self) -> String {
        let chain = self.chains.keys().find(|name| written.chains.get(*name) != self.chains.get(*name));
        let set = self.sets.keys().find(|name| written.sets.get(*name) != self.sets.get(*name));
        let what = match (chain, set, self.strange.first()) {
            (Some(chain), ..) => format!("holds chain `{chain}`, which weave did not write"),
            (_, Some(set), _) => format!("holds set `{set}`, which weave did not write"),
            (.., Some(strange)) => format!("has {strange}, which weave did not write"),
            _ => "holds nothing that weave wrote".to_owned(),
        };
        format!("table inet weave {what}")
    }
}

/// Whether a listing says something here; a release of nft that lists an empty array of flags says nothing.
fn is_said(value: &Value) -> bool {
    !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty())
}

/// A string without its quotes, nothing as nothing, everything else as JSON.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Whether another statement of the rule implies this one, as `ip saddr` does `meta nfproto ipv4` and `udp dport` does
/// `meta l4proto udp`. Releases of nft differ in whether they list these.
fn is_implied(statement: &Value, statements: &[Value]) -> bool {
    let found = &statement["match"];
    let implying = match (found["left"]["meta"]["key"].as_str(), found["right"].as_str()) {
        (Some("nfproto"), Some("ipv4")) => "ip",
        (Some("nfproto"), Some("ipv6")) => "ip6",
        (Some("l4proto"), Some("udp")) => "udp",
        (Some("l4proto"), Some("tcp")) => "tcp",
        (Some("l4proto"), Some("sctp")) => "sctp",
        _ => return false,
    };
    found["op"] != "!=" && statements.iter().any(|other| other["match"]["left"]["payload"]["protocol"] == implying)
}

/// A statement in the one spelling of [`objects`]: `in` is how some releases write `==`, which is the same except for
/// bits such as those of `ct status`.
fn plain(statement: &Value) -> Value {
    let mut statement = statement.clone();
    if statement["match"]["op"] == "in" && statement["match"]["left"]["ct"].is_null() {
        statement["match"]["op"] = json!("==");
    }
    statement
}

fn port(expr: &[Value]) -> Option<u16> {
    let right = expr.iter().find_map(|statement| matched(statement, "==", "dport"))?;
    u16::try_from(right.as_u64()?).ok()
}

/// The network of a rule that masquerades what leaves it.
fn masqueraded(expr: &[Value]) -> Option<IpNetwork> {
    network(expr, "saddr")
}

/// The network of a rule for packets with such an address.
pub(super) fn network(expr: &[Value], which: &str) -> Option<IpNetwork> {
    let right = expr.iter().find_map(|statement| matched(statement, "==", which))?;
    let prefix = &right["prefix"];
    match (right.as_str(), prefix["addr"].as_str(), prefix["len"].as_u64()) {
        (Some(address), ..) => address.parse::<IpAddr>().ok().map(IpNetwork::from),
        (_, Some(address), Some(length)) => IpNetwork::new(address.parse().ok()?, u8::try_from(length).ok()?).ok(),
        _ => None,
    }
}

pub(super) fn matched<'a>(statement: &'a Value, op: &str, field: &str) -> Option<&'a Value> {
    let found = &statement["match"];
    (found["op"] == op && found["left"]["payload"]["field"] == field).then_some(&found["right"])
}
