//! The rules of a table as `iptables -S` prints them, as far as they decide about what comes in.

use std::collections::BTreeMap;

use super::super::iptables::words;
use crate::observed::{Condition, Fate, InputRule, Item, What};

/// Matches that ask for nothing by themselves, or for nothing beyond their options.
const PLAIN: [&str; 9] = ["tcp", "udp", "icmp", "icmp6", "conntrack", "state", "multiport", "addrtype", "pkttype"];

/// The chains of a table.
pub(in super::super) fn read(listing: &str) -> BTreeMap<String, Vec<InputRule>> {
    let mut chains = BTreeMap::<String, Vec<InputRule>>::new();
    for line in listing.lines() {
        let words = words(line);
        let mut words = words.iter().map(String::as_str);
        match (words.next(), words.next()) {
            (Some("-P" | "-N"), Some(chain)) => drop(chains.entry(chain.to_owned()).or_default()),
            (Some("-A"), Some(chain)) => chains.entry(chain.to_owned()).or_default().extend(rule(words)),
            _ => {}
        }
    }
    chains
}

/// A rule that decides something. Matches come first; what follows the target belongs to it.
fn rule<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Option<InputRule> {
    let mut conditions = Vec::new();
    let mut not = false;
    let mut rest = words;
    while let Some(option) = rest.next() {
        match option {
            "-j" | "-g" => {
                let fate = fate(rest.next()?, option == "-g")?;
                return Some(InputRule { conditions, fate });
            }
            "!" => {
                not = true;
                continue;
            }
            "--comment" => drop(rest.next()),
            "-m" => match rest.next() {
                Some("comment") => {}
                Some(name) if PLAIN.contains(&name) => {}
                _ => conditions.push(Condition::unknown()),
            },
            // The value of an option that is not known.
            word if !word.starts_with('-') => {}
            _ => {
                let known = what(option).and_then(|what| condition(what, not, rest.next()?));
                conditions.push(known.unwrap_or_else(Condition::unknown));
            }
        }
        not = false;
    }
    None
}

fn what(option: &str) -> Option<What> {
    match option {
        "-p" => Some(What::Protocol),
        "-s" => Some(What::From),
        "-d" => Some(What::To),
        "-i" => Some(What::Interface),
        "--dport" | "--dports" => Some(What::Port),
        "--sport" | "--sports" => Some(What::SourcePort),
        "--ctstate" | "--state" => Some(What::State),
        "--ctdir" => Some(What::Direction),
        "--dst-type" | "--pkt-type" => Some(What::Delivery),
        _ => None,
    }
}

fn condition(what: What, not: bool, value: &str) -> Option<Condition> {
    let any = value.split(',').map(|one| item(what, one)).collect::<Option<_>>()?;
    Some(Condition { what, not, any })
}

fn item(what: What, value: &str) -> Option<Item> {
    match what {
        What::Port | What::SourcePort => {
            let (first, last) = value.split_once(':').unwrap_or((value, value));
            Some(Item::Ports(first.parse().ok()?, last.parse().ok()?))
        }
        What::From | What::To => value.parse().ok().map(Item::Network),
        What::Interface => Some(Item::Word(match value.strip_suffix('+') {
            Some(head) => format!("{head}*"),
            None => value.to_owned(),
        })),
        What::Delivery if value == "unicast" => Some(Item::Word("host".to_owned())),
        // Another word for what is on the way to elsewhere.
        What::Delivery if value == "UNICAST" => None,
        _ => Some(Item::Word(value.to_ascii_lowercase())),
    }
}

fn fate(target: &str, is_goto: bool) -> Option<Fate> {
    match target {
        "ACCEPT" => Some(Fate::Accept),
        "DROP" | "REJECT" => Some(Fate::Drop),
        "RETURN" => Some(Fate::Return),
        "LOG" | "NFLOG" | "ULOG" | "MARK" | "CONNMARK" | "TRACE" | "CT" | "TCPMSS" | "CLASSIFY" | "SET" | "AUDIT"
        | "SECMARK" | "CONNSECMARK" | "RATEEST" | "HL" | "TTL" | "DSCP" | "TOS" => None,
        chain if is_goto => Some(Fate::Goto(chain.to_owned())),
        chain => Some(Fate::Jump(chain.to_owned())),
    }
}
