//! Who has which part of the range.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnetwork::Ipv4Network;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A router that has addresses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) nickname: String,
}

/// The lowest free address between two, themselves included.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Want {
    pub(crate) low: Ipv4Addr,
    pub(crate) high: Ipv4Addr,
}

/// What came of asking a peer.
pub(crate) enum Answer {
    Gave,
    Refused,
    NobodyThere,
}

/// The whole range: all of it is its owner's, but for what was given away.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Ring {
    pub(crate) owner: Holder,
    given: BTreeMap<Ipv4Addr, Holder>,
    version: u32,
}

impl Ring {
    pub(super) fn of(owner: Holder) -> Self {
        Self { owner, given: BTreeMap::new(), version: 1 }
    }

    pub(super) fn holder(&self, ip: Ipv4Addr) -> &Holder {
        self.given.get(&ip).unwrap_or(&self.owner)
    }

    pub(super) fn give(&mut self, ip: Ipv4Addr, to: Holder) {
        self.given.insert(ip, to);
        self.version += 1;
    }

    /// Whether this is a later state of the same ring, or the first that is heard of one.
    pub(crate) fn follows(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| self.owner.name == before.owner.name && self.version > before.version)
    }

    /// The parts in order of their addresses, as the report has them.
    pub(super) fn entries(&self, universe: Ipv4Network, known: &[String]) -> Vec<Value> {
        let (first, end) = (u64::from(u32::from(universe.network())), u64::from(u32::from(universe.broadcast())) + 1);
        let mut parts: Vec<(u64, &Holder)> = vec![(first, &self.owner)];
        for (ip, holder) in &self.given {
            let at = u64::from(u32::from(*ip));
            parts.retain(|(start, _)| *start != at);
            parts.extend([(at, holder), (at + 1, &self.owner)]);
        }
        parts.retain(|(start, _)| *start < end);
        let ends = parts.iter().skip(1).map(|(start, _)| *start).chain([end]).collect::<Vec<_>>();
        parts.iter().zip(ends).map(|((start, holder), end)| self.entry(*start, end - start, holder, known)).collect()
    }

    fn entry(&self, start: u64, size: u64, holder: &Holder, known: &[String]) -> Value {
        json!({
            "Token": Ipv4Addr::from(u32::try_from(start).unwrap_or_default()).to_string(),
            "Size": size,
            "Peer": holder.name,
            "Nickname": holder.nickname,
            "IsKnownPeer": known.contains(&holder.name),
            "Version": self.version,
        })
    }
}
