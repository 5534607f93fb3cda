//! The text of `iptables -S`, and the arguments of the iptables programs.
//!
//! The text is read rather than nft's JSON because only iptables itself can say what comment a rule of its own bears.

use super::rules::{Rule, Verdict};
use crate::observed::{AcceptRule, ChainTool, Family, Passage};

/// Seconds to wait for another program that holds the xtables lock.
const WAIT: &str = "5";

/// The program for a chain; `None` for one of nft.
pub(super) fn program(tool: ChainTool, family: Family) -> Option<&'static str> {
    match (tool, family) {
        (ChainTool::IptablesNft, Family::Ip6) => Some("ip6tables-nft"),
        (ChainTool::IptablesNft, _) => Some("iptables-nft"),
        (ChainTool::IptablesLegacy, Family::Ip6) => Some("ip6tables-legacy"),
        (ChainTool::IptablesLegacy, _) => Some("iptables-legacy"),
        (ChainTool::Nft, _) => None,
    }
}

/// Arguments that list a whole table, or one chain of it.
pub(super) fn list<'a>(table: &'a str, chain: Option<&'a str>) -> Vec<&'a str> {
    let mut args = vec!["-w", WAIT, "-t", table, "-S"];
    args.extend(chain);
    args
}

/// Arguments that put an accept of weave's into its chain, at the head (`-I`), before the rule with a number (`-I`) or
/// at the end (`-A`), or that take it away (`-D`).
pub(super) fn change<'a>(rule: &'a AcceptRule, verb: &'a str, number: &'a str) -> Vec<&'a str> {
    let place = ["-w", WAIT, "-t", &rule.table, verb, &rule.chain];
    let number = Some(number).filter(|number| !number.is_empty());
    place.into_iter().chain(number).chain(rule.words()).collect()
}

/// The policy of `chain`, when it is a base chain.
pub(super) fn policy<'a>(listing: &'a str, chain: &str) -> Option<&'a str> {
    let mut lines = listing.lines().filter_map(|line| line.strip_prefix("-P "));
    lines.find_map(|line| line.strip_prefix(chain)?.strip_prefix(' ')).map(str::trim)
}

/// Whether there is a chain of that name that users made.
pub(super) fn has_chain(listing: &str, chain: &str) -> bool {
    listing.lines().any(|line| line.strip_prefix("-N ").is_some_and(|name| name.trim() == chain))
}

/// The rules of `chain`.
pub(super) fn read(listing: &str, chain: &str) -> Vec<Rule> {
    let lines = listing.lines().filter_map(|line| line.strip_prefix("-A "));
    lines.filter_map(|line| line.strip_prefix(chain)?.strip_prefix(' ')).map(|line| read_one(&words(line))).collect()
}

fn read_one(words: &[String]) -> Rule {
    let mut rule = Rule { verdict: Verdict::Next, every: true, ours: None, handle: None };
    let (mut from, mut to, mut comment, mut plain) = (None, None, None, true);
    let (mut state, mut direction) = (None, None);
    let mut rest = words.iter().map(String::as_str);
    while let Some(option) = rest.next() {
        match option {
            "-j" | "-g" => rule.verdict = verdict(rest.next().unwrap_or_default()),
            "--comment" => comment = rest.next(),
            // What a target adds to itself.
            "--reject-with" => drop(rest.next()),
            "-m" if matches!(rest.clone().next(), Some("comment" | "conntrack")) => drop(rest.next()),
            "--ctstate" if state.is_none() => state = rest.next(),
            "--ctdir" if direction.is_none() => direction = rest.next(),
            "-i" if from.is_none() => from = rest.next(),
            "-o" if to.is_none() => to = rest.next(),
            // Anything else chooses among packets, or belongs to a target that lets them go on.
            _ => plain = false,
        }
    }
    rule.every = plain && [from, to, state, direction].iter().all(Option::is_none);
    let passage = match (from, to, state, direction) {
        (Some(from), Some(to), None, None) if from == to => Some((Passage::Bridged, from)),
        (None, Some(to), Some("DNAT"), Some("ORIGINAL")) => Some((Passage::Published, to)),
        (Some(from), None, Some("DNAT"), Some("REPLY")) => Some((Passage::Answers, from)),
        _ => None,
    };
    let ours = passage.filter(|(passage, _)| comment == Some(passage.comment()) && plain);
    rule.ours = ours.filter(|_| rule.verdict == Verdict::Accept).map(|(passage, bridge)| (passage, bridge.to_owned()));
    // iptables-nft leaves out, without a word, what it does not understand of a rule that nft made. A drop that only
    // looks unconditional costs an accept too many; an accept that only looks so would cost the network.
    if rule.every && rule.verdict == Verdict::Accept {
        rule.every = false;
    }
    rule
}

fn verdict(target: &str) -> Verdict {
    match target {
        "ACCEPT" => Verdict::Accept,
        "DROP" | "REJECT" => Verdict::Drop,
        "RETURN" => Verdict::Return,
        "LOG" | "NFLOG" | "MARK" | "CONNMARK" | "TRACE" | "CT" | "TCPMSS" | "CLASSIFY" | "QUEUE" => Verdict::Next,
        chain => Verdict::Jump(chain.to_owned()),
    }
}

/// Splits a line as `iptables-save` quotes it: double quotes around what needs them, a backslash before a quote.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut started) = (String::new(), false, false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                quoted = !quoted;
                started = true;
            }
            '\\' => word.extend(letters.next()),
            ' ' if !quoted => {
                if started || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            }
            letter => word.push(letter),
        }
    }
    if started || !word.is_empty() {
        words.push(word);
    }
    words
}
