//! Chains of others that see forwarded packets: which there are, whether they drop, and where an accept belongs; and
//! which see what the host itself takes in.
//!
//! A table of weave's own could not help: an accept ends only the chain it stands in, and a drop in any chain at the
//! same hook is final. So weave's rules have to stand in the chain that drops, before whatever drops there.

use serde_json::Value;

use super::rules::{Rule, Verdict};
use crate::names;
use crate::observed::{AcceptRule, ChainTool, Family, ForwardChain, Passage};

/// The chain that Docker leaves to the administrator and goes to first.
pub(super) const DOCKER_USER: &str = "DOCKER-USER";

/// A base chain at hook forward or input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// The program that made it, by its name.
    pub tool: ChainTool,
    /// The family.
    pub family: Family,
    /// The table.
    pub table: String,
    /// The chain.
    pub name: String,
    /// Whether its policy is to drop.
    pub drops: bool,
    /// Whether its table has a chain `DOCKER-USER`.
    pub has_user: bool,
    /// Whether nobody but another program can change it.
    pub owned: bool,
}

/// The rules of a base chain, and those of `DOCKER-USER` in the same table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// Of the base chain.
    pub base: Vec<Rule>,
    /// Of `DOCKER-USER`; `None` where there is none.
    pub user: Option<Vec<Rule>>,
}

/// A chain in a list of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// The family.
    pub family: Family,
    /// The table.
    pub table: String,
    /// The name.
    pub name: String,
    /// Whether it is a base chain at hook forward.
    pub forward: bool,
    /// Whether it is one at hook input.
    pub input: bool,
    /// Whether its policy is to drop.
    pub drops: bool,
    /// Whether its table has an owner: the kernel lets no other program change it.
    pub owned: bool,
}

/// The chains in the output of `nft -j list chains`, of the families that matter. Of which tables have an owner, nft
/// 1.0.6 says nothing that could be read, so the kernel does.
pub(super) fn listed(listing: &Value, owned: &[(Family, String)]) -> Vec<Chain> {
    let read = |object: &Value| {
        let chain = &object["chain"];
        let family = match chain["family"].as_str()? {
            "ip" => Family::Ip,
            "ip6" => Family::Ip6,
            "inet" => Family::Inet,
            _ => return None,
        };
        let table = chain["table"].as_str()?.to_owned();
        Some(Chain {
            owned: owned.iter().any(|(of, name)| (*of, name) == (family, &table)),
            family,
            table,
            name: chain["name"].as_str()?.to_owned(),
            forward: chain["hook"] == "forward",
            input: chain["hook"] == "input",
            drops: chain["policy"] == "drop",
        })
    };
    objects(listing).iter().filter_map(read).collect()
}

fn objects(listing: &Value) -> &[Value] {
    listing["nftables"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Finds the base chains of others.
pub(super) fn bases(chains: &[Chain]) -> Vec<Base> {
    let has_user = |base: &Chain| {
        chains
            .iter()
            .any(|chain| chain.name == DOCKER_USER && (chain.family, &chain.table) == (base.family, &base.table))
    };
    let found = chains.iter().filter(|chain| chain.forward && chain.is_others());
    found.map(|chain| base(chain, chain.table == "filter" && chain.name == "FORWARD", has_user(chain))).collect()
}

/// Finds the base chains of others that see what the host itself takes in.
pub(super) fn inputs(chains: &[Chain]) -> Vec<Base> {
    let tables = ["filter", "mangle", "security"];
    let found = chains.iter().filter(|chain| chain.input && chain.is_others());
    found.map(|chain| base(chain, tables.contains(&&*chain.table) && chain.name == "INPUT", false)).collect()
}

impl Chain {
    fn is_others(&self) -> bool {
        (self.family, self.table.as_str()) != (Family::Inet, names::TABLE)
    }
}

/// `iptables`: whether table and chain bear names that iptables gives.
fn base(chain: &Chain, iptables: bool, has_user: bool) -> Base {
    Base {
        tool: if iptables && chain.family != Family::Inet { ChainTool::IptablesNft } else { ChainTool::Nft },
        family: chain.family,
        table: chain.table.clone(),
        name: chain.name.clone(),
        drops: chain.drops,
        has_user,
        owned: chain.owned,
    }
}

/// Whether `nft -j list chains` shows the chain that a rule is for.
pub(super) fn exists(listing: &Value, rule: &AcceptRule) -> bool {
    objects(listing).iter().map(|object| &object["chain"]).any(|chain| {
        chain["family"] == super::rules::word(rule.family)
            && chain["table"] == rule.table
            && chain["name"] == rule.chain
    })
}

/// Whether the output of `nft -j list chains` has any chain of a table.
pub(super) fn has_table(listing: &Value, family: Family, table: &str) -> bool {
    let chains = objects(listing);
    chains
        .iter()
        .map(|object| &object["chain"])
        .any(|chain| chain["family"] == super::rules::word(family) && chain["table"] == table)
}

/// Judges a base chain by its rules.
pub(super) fn judge(base: &Base, rules: &Rules) -> ForwardChain {
    let mut drops = base.drops;
    let mut to_user = false;
    for rule in rules.base.iter().filter(|rule| rule.every) {
        match (&rule.verdict, &rules.user) {
            (Verdict::Jump(chain), Some(user)) if chain == DOCKER_USER => {
                to_user = true;
                match end(user) {
                    Some(verdict) => drops = verdict == Verdict::Drop,
                    None => continue,
                }
            }
            (Verdict::Drop, _) => drops = true,
            (Verdict::Accept, _) => drops = false,
            (Verdict::Return, _) => {}
            (Verdict::Jump(_) | Verdict::Next, _) => continue,
        }
        break;
    }
    let chain = if to_user { DOCKER_USER } else { &base.name };
    let mut accepts = accepts(base, &base.name, &rules.base);
    accepts.extend(rules.user.iter().flat_map(|user| self::accepts(base, DOCKER_USER, user)));
    accepts.sort();
    accepts.dedup();
    ForwardChain {
        tool: base.tool,
        family: base.family,
        table: base.table.clone(),
        base: base.name.clone(),
        chain: chain.to_owned(),
        drops,
        owned: base.owned,
        accepts,
    }
}

/// What a chain does with every packet that gets to its end; `None` when they go back to where they came from.
fn end(rules: &[Rule]) -> Option<Verdict> {
    let verdict = rules.iter().filter(|rule| rule.every).find_map(|rule| match rule.verdict {
        Verdict::Accept | Verdict::Drop | Verdict::Return => Some(rule.verdict.clone()),
        Verdict::Jump(_) | Verdict::Next => None,
    });
    verdict.filter(|verdict| *verdict != Verdict::Return)
}

fn accepts(base: &Base, chain: &str, rules: &[Rule]) -> Vec<AcceptRule> {
    let accept = |(passage, bridge): &(Passage, String)| AcceptRule {
        tool: base.tool,
        family: base.family,
        table: base.table.clone(),
        chain: chain.to_owned(),
        bridge: bridge.clone(),
        passage: *passage,
    };
    rules.iter().filter_map(|rule| rule.ours.as_ref()).map(accept).collect()
}
