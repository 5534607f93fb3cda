//! Nf_tables over netlink, as far as it takes to recognise weave's own table and to list chains. Pure.
//!
//! This is no second `nft`: what does not read exactly as this nft and this kernel write weave's table is left to `nft`
//! itself, whose listing says the same in its own words.

use std::net::IpAddr;

use super::chains::Chain;
use super::table::{INPUT, MARK, PEERS4, PEERS6, RAW};
use crate::names;
use crate::netlink::decode::{Attributes, ip, string};
use crate::observed::Family;

const SUBSYSTEM: u16 = 10 << 8;
const GET_TABLE: u16 = SUBSYSTEM | 1;
const GET_CHAIN: u16 = SUBSYSTEM | 4;
const GET_RULE: u16 = SUBSYSTEM | 7;
const GET_SET: u16 = SUBSYSTEM | 10;
const GET_ELEMENTS: u16 = SUBSYSTEM | 13;
const GET_GENERATION: u16 = SUBSYSTEM | 16;

/// `struct nfgenmsg`: family, version, a number.
pub(super) const HEADER: usize = 4;

const INET: u8 = 1;
const IPV4: u8 = 2;
const IPV6: u8 = 10;

/// `NF_INET_LOCAL_IN`, `NF_INET_FORWARD`.
const HOOKS: (u32, u32) = (1, 2);
/// `NFT_TABLE_F_OWNER`, since Linux 5.12.
const OWNED: u32 = 2;

/// `NF_DROP`, `NF_ACCEPT`: verdicts, and policies of chains.
const VERDICTS: (u32, u32) = (0, 1);

/// A question for everything of a kind, or with a table for everything in it.
fn question(kind: u16, table: Option<&str>, set: Option<&str>) -> Vec<u8> {
    use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};
    let flags = NLM_F_REQUEST | if kind == GET_GENERATION { NLM_F_ACK } else { NLM_F_DUMP };
    let mut message = vec![0; 4];
    message.extend([kind.to_ne_bytes(), flags.to_ne_bytes()].concat());
    message.extend([0; 8]);
    message.extend([if table.is_some() { INET } else { 0 }, 0, 0, 0]);
    for (kind, name) in [(1, table), (2, set)] {
        message.extend(name.map(|name| attribute(kind, &[name.as_bytes(), &[0]].concat())).unwrap_or_default());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    message[..4].copy_from_slice(&length.to_ne_bytes());
    message
}

/// Asks which state of everything this is: each transaction of anybody counts it up.
pub(super) fn get_generation() -> Vec<u8> {
    question(GET_GENERATION, None, None)
}

/// Asks for all tables.
pub(super) fn get_tables() -> Vec<u8> {
    question(GET_TABLE, None, None)
}

/// Asks for all chains.
pub(super) fn get_chains() -> Vec<u8> {
    question(GET_CHAIN, None, None)
}

/// Asks for the sets of weave's table.
pub(super) fn get_sets() -> Vec<u8> {
    question(GET_SET, Some(names::TABLE), None)
}

/// Asks for the elements of one of them.
pub(super) fn get_elements(set: &str) -> Vec<u8> {
    question(GET_ELEMENTS, Some(names::TABLE), Some(set))
}

/// Asks for the rules of weave's table.
pub(super) fn get_rules() -> Vec<u8> {
    question(GET_RULE, Some(names::TABLE), None)
}

/// Attributes of an answer, with the family it is of.
fn attributes(payload: &[u8]) -> Option<(u8, Attributes<'_>)> {
    Some((*payload.first()?, Attributes(payload.get(HEADER..)?)))
}

/// A number, which is in network order here.
fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

/// The number of the state.
pub(super) fn generation(payload: &[u8]) -> Option<u32> {
    let (_, mut attributes) = attributes(payload)?;
    attributes.find(|(kind, _)| *kind == 1).and_then(|(_, value)| number(value))
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Its family, where that is one that is looked at.
    pub(super) family: Option<Family>,
    /// Its name.
    pub(super) name: String,
    /// Whether it belongs to the program that made it, and the kernel lets nobody else change it.
    pub(super) owned: bool,
    /// Whether it has flags, such as that it sleeps, or an owner.
    pub(super) flagged: bool,
    /// How many chains, sets and other things are in it.
    pub(super) uses: Option<u32>,
}

/// Reads a table.
pub(super) fn table(payload: &[u8]) -> Option<Table> {
    let (family, attributes) = attributes(payload)?;
    let family = self::family(family);
    let mut table = Table { family, name: String::new(), owned: false, flagged: false, uses: None };
    for (kind, value) in attributes {
        match kind {
            1 => table.name = string(value),
            2 => {
                table.flagged |= number(value) != Some(0);
                table.owned = number(value).is_some_and(|flags| flags & OWNED != 0);
            }
            3 => table.uses = number(value),
            // Its own number, and padding.
            4 | 5 => {}
            _ => table.flagged = true,
        }
    }
    Some(table)
}

impl Table {
    /// Whether it has weave's name and family.
    pub(super) fn is_ours(&self) -> bool {
        (self.family, self.name.as_str()) == (Some(Family::Inet), names::TABLE)
    }
}

fn family(number: u8) -> Option<Family> {
    match number {
        INET => Some(Family::Inet),
        IPV4 => Some(Family::Ip),
        IPV6 => Some(Family::Ip6),
        _ => None,
    }
}

/// A chain, and whether it is exactly the one that guards the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundChain {
    /// As it is listed; `None` of a family that is not looked at.
    pub(super) listed: Option<Chain>,
    /// Whether it is in weave's table.
    pub(super) ours: bool,
    /// Whether it is written as weave writes [`INPUT`].
    pub(super) is_guard: bool,
}

/// Reads a chain.
pub(super) fn chain(payload: &[u8]) -> Option<FoundChain> {
    let (family, attributes) = attributes(payload)?;
    let (mut table, mut name, mut kind_of, mut hook, mut policy) =
        (String::new(), String::new(), String::new(), (None, None), None);
    let mut strange = false;
    for (kind, value) in attributes {
        match kind {
            1 => table = string(value),
            3 => name = string(value),
            4 => {
                let of =
                    |wanted| Attributes(value).find(|(kind, _)| *kind == wanted).and_then(|(_, value)| number(value));
                hook = (of(1), of(2));
            }
            5 => policy = Some(number(value)?),
            7 => kind_of = string(value),
            // That it is at a hook.
            10 => strange |= number(value) != Some(1),
            // Its own number, the count of its rules, padding.
            2 | 6 | 9 => {}
            _ => strange = true,
        }
    }
    let ours = family == INET && table == names::TABLE;
    let is_guard = ours
        && !strange
        && (name.as_str(), kind_of.as_str()) == (INPUT, "filter")
        && hook == (Some(HOOKS.0), Some(RAW.cast_unsigned()))
        && policy == Some(VERDICTS.1);
    let family = self::family(family);
    let (input, forward) = (hook.0 == Some(HOOKS.0), hook.0 == Some(HOOKS.1));
    let drops = policy == Some(VERDICTS.0);
    let listed = family.map(|family| Chain { family, table, name, forward, input, drops, owned: false });
    Some(FoundChain { listed, ours, is_guard })
}

/// Reads a set of weave's table: its name, where it is written as weave writes one.
pub(super) fn set(payload: &[u8]) -> Option<&'static str> {
    let (mut name, mut key) = (String::new(), None);
    for (kind, value) in attributes(payload)?.1 {
        match kind {
            2 => name = string(value),
            3 if number(value) == Some(0) => {}
            4 => key = number(value),
            // Its table, the length of a key, how it is kept, what nft wrote down for itself, its number, padding; since
            // 6.16 the kernel's name for how it is kept, and how many elements it has.
            1 | 5 | 8 | 9 | 13 | 14 | 16 | 19 | 20 => {}
            _ => return None,
        }
    }
    // As nft counts types.
    match (name, key) {
        (name, Some(7)) if name == PEERS4.0 => Some(PEERS4.0),
        (name, Some(8)) if name == PEERS6.0 => Some(PEERS6.0),
        _ => None,
    }
}

/// Reads elements of a set; `None` for those that are more than an address.
pub(super) fn elements(payload: &[u8], found: &mut Vec<Option<IpAddr>>) {
    let Some((_, attributes)) = attributes(payload) else { return found.push(None) };
    for (_, list) in attributes.filter(|(kind, _)| *kind == 3) {
        found.extend(Attributes(list).map(|(_, element)| address(element)));
    }
}

fn address(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for (kind, value) in Attributes(element) {
        match kind {
            1 => found = Attributes(value).find(|(kind, _)| *kind == 1).and_then(|(_, address)| ip(address)),
            // That there is nothing special about it.
            3 if number(value) == Some(0) => {}
            _ => return None,
        }
    }
    found
}

/// Reads a rule: the port, and the set of those who may send to it, where it is written as weave writes one.
pub(super) fn guard(payload: &[u8]) -> Option<(u16, &'static str)> {
    let (mut chain, mut expressions, mut comment) = (String::new(), None, None);
    for (kind, value) in attributes(payload)?.1 {
        match kind {
            2 => chain = string(value),
            4 => expressions = Some(value),
            7 => comment = Some(value),
            // Its table, its number, the number of the one before, padding.
            1 | 3 | 6 | 8 => {}
            _ => return None,
        }
    }
    let expressions = expressions.filter(|_| chain == INPUT)?;
    let port = port(expressions)?;
    [PEERS4.0, PEERS6.0]
        .into_iter()
        .find(|set| comment == Some(&self::comment(set)) && expressions == strangers(port, set))
        .map(|set| (port, set))
}

/// The port in a rule: the fourth expression compares with it.
fn port(expressions: &[u8]) -> Option<u16> {
    let inside = |bytes, wanted| Attributes(bytes).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    let (_, comparison) = Attributes(expressions).nth(3)?;
    let port = inside(inside(inside(comparison, 2)?, 3)?, 1)?;
    port.try_into().ok().map(u16::from_be_bytes)
}

/// A comment as nft keeps it: its kind, its length, and it.
fn comment(set: &str) -> Vec<u8> {
    let text = format!("{MARK}{set}\0");
    [&[0, u8::try_from(text.len()).unwrap_or(0)], text.as_bytes()].concat()
}

/// `udp dport PORT ip saddr != @peers4 drop`, in the kernel's expressions.
fn strangers(port: u16, set: &str) -> Vec<u8> {
    let (family, offset, length) = if set == PEERS4.0 { (IPV4, 12, 4) } else { (IPV6, 8, 16) };
    let name = [set.as_bytes(), &[0]].concat();
    // Which protocol (16) and which family (15) it is, and what is where in which header: 1 network, 2 transport.
    [
        expression("meta", &[numeric(2, 16), numeric(1, 1)]),
        compared(&[17]),
        expression("payload", &[numeric(1, 1), numeric(2, 2), numeric(3, 2), numeric(4, 2)]),
        compared(&port.to_be_bytes()),
        expression("meta", &[numeric(2, 15), numeric(1, 1)]),
        compared(&[family]),
        expression("payload", &[numeric(1, 1), numeric(2, 1), numeric(3, offset), numeric(4, length)]),
        // Not in the set.
        expression("lookup", &[attribute(1, &name), numeric(2, 1), numeric(5, 1)]),
        expression("immediate", &[numeric(1, 0), attribute(2, &attribute(2, &numeric(1, VERDICTS.0)))]),
    ]
    .concat()
}

/// Register 1 is equal to `value`.
fn compared(value: &[u8]) -> Vec<u8> {
    expression("cmp", &[numeric(1, 1), numeric(2, 0), attribute(3, &attribute(1, value))])
}

fn expression(name: &str, fields: &[Vec<u8>]) -> Vec<u8> {
    let name = attribute(1, &[name.as_bytes(), &[0]].concat());
    attribute(1, &[name, attribute(2, &fields.concat())].concat())
}

fn numeric(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_be_bytes())
}

pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (generation(&bytes), table(&bytes), chain(&bytes), set(&bytes), guard(&bytes));
            elements(&bytes, &mut Vec::new());
        }
    }

    #[test]
    fn a_rule_of_another_port_set_or_comment_is_told_apart() {
        let rule = |expressions: &[u8], comment: &[u8]| {
            let chain = attribute(2, b"input\0");
            guard(&[&[INET, 0, 0, 0], &chain[..], &attribute(4, expressions), &attribute(7, comment)].concat())
        };
        let (peers4, peers6) = (strangers(6783, PEERS4.0), strangers(6784, PEERS6.0));
        assert_eq!(rule(&peers4, &comment(PEERS4.0)), Some((6783, PEERS4.0)));
        assert_eq!(rule(&peers6, &comment(PEERS6.0)), Some((6784, PEERS6.0)));
        assert_eq!(rule(&peers4, &comment(PEERS6.0)), None);
        assert_eq!(rule(&peers4, b"\0\x06other\0"), None);
        for at in 0..peers4.len() {
            let mut other = peers4.clone();
            other[at] ^= 1;
            let read = rule(&other, &comment(PEERS4.0));
            assert!(read.is_none_or(|(port, _)| port != 6783), "byte {at}");
        }
    }
}
