//! A rule in a chain of others, as far as weave has to understand it: whom does it stop, and is it ours?
//!
//! Everything is read tolerantly. A statement that is not known makes the rule one that concerns only some packets,
//! which is what nearly all rules are; nothing makes the reading fail.

use serde_json::{Value, json};

use crate::observed::{AcceptRule, Family, Passage};

/// What a rule does with the packets it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They pass.
    Accept,
    /// They do not.
    Drop,
    /// The chain ends for them.
    Return,
    /// Another chain decides.
    Jump(String),
    /// They go on to the next rule, or nothing is known.
    Next,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// What it does.
    pub verdict: Verdict,
    /// Whether it concerns every packet.
    pub every: bool,
    /// What passes and at which bridge, when it is an accept of weave's.
    pub ours: Option<(Passage, String)>,
    /// Its number, by which nft deletes it.
    pub handle: Option<u64>,
}

/// How nft writes a family.
pub(super) fn word(family: Family) -> &'static str {
    match family {
        Family::Ip => "ip",
        Family::Ip6 => "ip6",
        Family::Inet => "inet",
    }
}

/// Reads the rules in the output of `nft -j list chain …`.
pub(super) fn read(listing: &Value) -> Vec<Rule> {
    let objects = listing["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
    objects.iter().map(|object| &object["rule"]).filter(|rule| rule.is_object()).map(read_one).collect()
}

fn read_one(rule: &Value) -> Rule {
    let statements = rule["expr"].as_array().map(Vec::as_slice).unwrap_or_default();
    let verdict = statements.iter().rev().map(verdict).find(|verdict| *verdict != Verdict::Next);
    let verdict = verdict.unwrap_or(Verdict::Next);
    let every = statements.iter().all(concerns_every_packet);
    let ours =
        passage(statements).filter(|(passage, _)| rule["comment"] == passage.comment() && verdict == Verdict::Accept);
    Rule { verdict, every, ours, handle: rule["handle"].as_u64() }
}

fn verdict(statement: &Value) -> Verdict {
    let Some((kind, value)) = statement.as_object().and_then(|object| object.iter().next()) else {
        // nft 0.9 writes statements without arguments as bare words.
        return statement.as_str().map_or(Verdict::Next, |word| verdict(&json!({ word: null })));
    };
    match kind.as_str() {
        "accept" => Verdict::Accept,
        "drop" | "reject" => Verdict::Drop,
        "return" => Verdict::Return,
        "jump" | "goto" => Verdict::Jump(value["target"].as_str().unwrap_or_default().to_owned()),
        // What iptables-nft puts into a chain and nft cannot express.
        "xt" if value["type"] == "target" && value["name"] == "REJECT" => Verdict::Drop,
        _ => Verdict::Next,
    }
}

fn concerns_every_packet(statement: &Value) -> bool {
    let Some((kind, value)) = statement.as_object().and_then(|object| object.iter().next()) else {
        return statement.is_string();
    };
    match kind.as_str() {
        "counter" | "log" | "last" | "mangle" | "notrack" | "meter" | "flow" | "ct helper" | "ct timeout" => true,
        "xt" => value["type"] == "target" || value["name"] == "comment",
        _ => verdict(statement) != Verdict::Next,
    }
}

/// What a rule says that says exactly what [`conditions`] writes.
fn passage(statements: &[Value]) -> Option<(Passage, String)> {
    let said: Vec<&Value> = statements.iter().filter(|statement| !statement["match"].is_null()).collect();
    let rest = statements.iter().filter(|statement| statement["match"].is_null());
    if !rest.clone().all(concerns_every_packet) {
        return None;
    }
    let names = said.iter().filter(|found| !found["match"]["left"]["meta"]["key"].is_null());
    let bridge = names.filter_map(|found| found["match"]["right"].as_str()).next()?;
    let is_it = |passage: &Passage| {
        let written = conditions(*passage, bridge);
        written.len() == said.len() && written.iter().all(|one| said.contains(&one))
    };
    let all = [Passage::Bridged, Passage::Published, Passage::Answers];
    all.into_iter().find(is_it).map(|passage| (passage, bridge.to_owned()))
}

/// Which packets an accept is for. Of connections that were redirected, the first half of each goes into the network and
/// the other comes out: nothing that a container begins, and nothing that is redirected to elsewhere.
fn conditions(passage: Passage, bridge: &str) -> Vec<Value> {
    let interface = |key: &str| json!({"match": {"op": "==", "left": {"meta": {"key": key}}, "right": bridge}});
    let redirected = |direction: &str| {
        [
            json!({"match": {"op": "==", "left": {"ct": {"key": "direction"}}, "right": direction}}),
            json!({"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}}),
        ]
    };
    match passage {
        Passage::Bridged => vec![interface("iifname"), interface("oifname")],
        Passage::Published => [vec![interface("oifname")], redirected("original").into()].concat(),
        Passage::Answers => [vec![interface("iifname")], redirected("reply").into()].concat(),
    }
}

/// Where an accept of weave's comes in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Before all others.
    Head,
    /// Before this one.
    Before {
        /// As iptables counts them, from 1.
        number: usize,
        /// As nft knows it.
        handle: Option<u64>,
    },
    /// After all others.
    End,
}

/// The transaction that puts an accept of weave's into a chain of nft.
pub(super) fn insertion(rule: &AcceptRule, at: At) -> Value {
    let mut expr = conditions(rule.passage, &rule.bridge);
    expr.push(json!({"accept": null}));
    let mut new = json!({
        "family": word(rule.family), "table": rule.table, "chain": rule.chain, "comment": rule.passage.comment(),
        "expr": expr,
    });
    if let At::Before { handle: Some(handle), .. } = at {
        new["handle"] = json!(handle);
    }
    let verb = if at == At::End { "add" } else { "insert" };
    json!({"nftables": [{ verb: { "rule": new } }]})
}

/// The transaction that takes rules from a chain of nft, by their numbers.
pub(super) fn deletion(rule: &AcceptRule, handles: &[u64]) -> Value {
    let delete = |handle: &u64| {
        json!({"delete": {"rule": {
            "family": word(rule.family), "table": rule.table, "chain": rule.chain, "handle": handle,
        }}})
    };
    json!({"nftables": handles.iter().map(delete).collect::<Vec<_>>()})
}
