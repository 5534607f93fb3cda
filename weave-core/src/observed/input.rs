//! What other programs let in: base chains of others at hook input, read as a whole, and what becomes of a packet there.
//!
//! Whether rules of others let a packet in can be said for certain only of some of them: of a mark, a rate or a list kept
//! elsewhere nobody knows beforehand. So every condition holds, does not, or is not known, and a chain refuses a packet
//! only where no way leads to an accept, whatever is not known.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::Serialize;

use super::{ChainTool, Family, Protocol};

/// A base chain of others that sees what this host itself takes in, with all chains of its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputChain {
    /// The program that made it.
    pub tool: ChainTool,
    /// The family.
    pub family: Family,
    /// The table.
    pub table: String,
    /// The base chain (`INPUT`).
    pub base: String,
    /// Whether its policy is to drop.
    pub drops: bool,
    /// Whether its table has an owner (`flags owner`): the kernel lets no other program change it.
    pub owned: bool,
    /// The chains of the table, by name.
    pub chains: BTreeMap<String, Vec<InputRule>>,
}

/// A rule that decides something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputRule {
    /// All have to hold.
    pub conditions: Vec<Condition>,
    /// What becomes of a packet then.
    pub fate: Fate,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It passes this base chain.
    Accept,
    /// It goes no further.
    Drop,
    /// It goes back to where it came from.
    Return,
    /// Another chain decides, and it comes back from there.
    Jump(String),
    /// Another chain decides, and it does not come back here.
    Goto(String),
}

/// What a rule asks of a packet: that one of these fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Of what.
    pub what: What,
    /// Whether none may fit instead.
    pub not: bool,
    /// What may fit.
    pub any: Vec<Item>,
}

/// What is looked at of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// `ip` or `ip6`.
    Family,
    /// What runs over IP.
    Protocol,
    /// The port it goes to.
    Port,
    /// The port it comes from.
    SourcePort,
    /// The address it comes from.
    From,
    /// The address it goes to.
    To,
    /// The interface it comes in through.
    Interface,
    /// The state of its connection.
    State,
    /// What was done to its connection.
    Status,
    /// Which way of its connection it goes.
    Direction,
    /// To whom it is delivered: `host`, `local`, or many.
    Delivery,
    /// Something else.
    Other,
}

/// One of the things that may fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Item {
    /// A word, in small letters but for names of interfaces, where `*` at the end stands for anything.
    Word(String),
    /// Ports, from the first to the last.
    Ports(u16, u16),
    /// A network.
    Network(IpNetwork),
    /// Addresses, from the first to the last.
    Addresses(IpAddr, IpAddr),
}

/// The first packet of a peer to this host: what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Whether it is of IPv4.
    pub v4: bool,
    /// What runs over IP.
    pub protocol: Protocol,
    /// The port it goes to.
    pub port: u16,
    /// Whom it comes from.
    pub from: Option<IpAddr>,
    /// The address it goes to.
    pub to: Option<IpAddr>,
    /// The interface it comes in through.
    pub interface: Option<String>,
}

impl Condition {
    /// A condition that nothing is known about.
    pub(crate) fn unknown() -> Self {
        Self { what: What::Other, not: false, any: Vec::new() }
    }

    /// Whether it holds; `None` where that is not known.
    fn holds(&self, packet: &Arrival) -> Option<bool> {
        if self.what == What::Other {
            return None;
        }
        let mut found = Some(false);
        for item in &self.any {
            match self.what.fits(item, packet) {
                Some(true) => return Some(!self.not),
                Some(false) => {}
                None => found = None,
            }
        }
        found.map(|fits| fits != self.not)
    }
}

impl What {
    fn fits(self, item: &Item, packet: &Arrival) -> Option<bool> {
        match (self, item) {
            (Self::Port, Item::Ports(first, last)) => Some((*first..=*last).contains(&packet.port)),
            // A tunnel's packets come from any port, and a classic router's from its own. A rule for some few others is
            // for the answers of a service.
            (Self::SourcePort, Item::Ports(first, last)) => {
                let few = last.saturating_sub(*first) < 1024 && !(*first..=*last).contains(&packet.port);
                few.then_some(false)
            }
            (Self::From, item) => within(item, packet.from?),
            (Self::To, item) => within(item, packet.to?),
            (_, Item::Word(word)) => self.is(word, packet),
            _ => None,
        }
    }

    fn is(self, word: &str, packet: &Arrival) -> Option<bool> {
        match self {
            Self::Family => match word {
                "ip" | "ipv4" => Some(packet.v4),
                "ip6" | "ipv6" => Some(!packet.v4),
                _ => Some(false),
            },
            Self::Protocol => Some(match packet.protocol {
                Protocol::Tcp => matches!(word, "tcp" | "6"),
                Protocol::Udp => matches!(word, "udp" | "17"),
            }),
            Self::Interface => match (&packet.interface, word.strip_suffix('*')) {
                (_, None) if word == "lo" => Some(false),
                (Some(name), Some(head)) => Some(name.starts_with(head)),
                (Some(name), None) => Some(name == word),
                (None, _) => None,
            },
            // Both hosts of a tunnel begin: what one sends is no answer to what the other did.
            Self::State => Some(word == "new"),
            Self::Status => matches!(word, "dnat" | "snat").then_some(false),
            Self::Direction => Some(word == "original"),
            Self::Delivery => Some(matches!(word, "host" | "local")),
            Self::Port | Self::SourcePort | Self::From | Self::To | Self::Other => None,
        }
    }
}

fn within(item: &Item, address: IpAddr) -> Option<bool> {
    match item {
        Item::Network(network) => Some(network.contains(address)),
        Item::Addresses(first, last) => {
            Some(first.is_ipv4() == address.is_ipv4() && (first..=last).contains(&&address))
        }
        Item::Word(_) | Item::Ports(..) => None,
    }
}

impl InputRule {
    /// Whether it is for this packet; `None` where that is not known.
    fn concerns(&self, packet: &Arrival) -> Option<bool> {
        let mut all = Some(true);
        for condition in &self.conditions {
            match condition.holds(packet) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => all = None,
            }
        }
        all
    }
}

/// What can become of a packet in a chain.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    /// It can be accepted.
    accepted: bool,
    /// It can come to the end, or be sent back.
    back: bool,
}

impl InputChain {
    /// Whether such a packet is dropped or rejected here, whatever is not known of it.
    pub fn refuses(&self, packet: &Arrival) -> bool {
        let sees = match self.family {
            Family::Ip => packet.v4,
            Family::Ip6 => !packet.v4,
            Family::Inet => true,
        };
        let ends = if sees { self.walk(&self.base, packet, &mut BTreeMap::new()) } else { return false };
        !ends.accepted && (self.drops || !ends.back)
    }

    /// Each chain is gone through once: what becomes of a packet there does not depend on who sent it there.
    fn walk<'a>(&'a self, name: &'a str, packet: &Arrival, known: &mut BTreeMap<&'a str, Ends>) -> Ends {
        if let Some(ends) = known.get(name) {
            return *ends;
        }
        // A chain that is not listed may do anything, as may one that leads to itself, which no kernel takes.
        let anything = Ends { accepted: true, back: true };
        let Some(rules) = self.chains.get(name) else { return anything };
        known.insert(name, anything);
        let mut ends = Ends::default();
        let mut goes_on = true;
        for rule in rules {
            let concerns = rule.concerns(packet);
            if concerns == Some(false) {
                continue;
            }
            let comes_back = match &rule.fate {
                Fate::Accept => {
                    ends.accepted = true;
                    false
                }
                Fate::Drop => false,
                Fate::Return => {
                    ends.back = true;
                    false
                }
                Fate::Jump(to) | Fate::Goto(to) => {
                    let there = self.walk(to, packet, known);
                    let is_goto = matches!(rule.fate, Fate::Goto(_));
                    ends.accepted |= there.accepted;
                    ends.back |= there.back && is_goto;
                    there.back && !is_goto
                }
            };
            if concerns == Some(true) && !comes_back {
                goes_on = false;
                break;
            }
        }
        ends.back |= goes_on;
        known.insert(name, ends);
        ends
    }
}
