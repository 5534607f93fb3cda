//! Looks at what other programs let in, as a whole. Only `preflight` asks: it takes a program or two for each table.

mod listing;
mod text;

use std::collections::BTreeMap;

use serde_json::Value;

pub(super) use listing::read as read_listing;
pub(super) use text::read as read_text;

use listing::asks_sets;

use super::chains::{self, Base};
use super::look::{has_legacy_filter, json, nft};
use super::run::{Call, together};
use super::{direct, iptables, rules};
use crate::Result;
use crate::observed::{ChainTool, Family, InputChain, InputRule};

/// The base chain of iptables.
const INPUT: &str = "INPUT";

/// Base chains of others at hook input. What cannot be read is left out: then nothing can be said of it.
///
/// # Errors
/// When a file of the kernel cannot be read.
pub(crate) fn inputs() -> Result<Vec<InputChain>> {
    let chains = match direct::look() {
        Some(seen) => seen.chains,
        None => listed(),
    };
    let mut bases = chains::inputs(&chains);
    for family in [Family::Ip, Family::Ip6] {
        if has_legacy_filter(family)? {
            bases.push(Base {
                tool: ChainTool::IptablesLegacy,
                family,
                table: "filter".to_owned(),
                name: INPUT.to_owned(),
                drops: false,
                has_user: false,
                owned: false,
            });
        }
    }
    Ok(together(&bases, read).into_iter().flatten().collect())
}

/// All chains, by nft.
fn listed() -> Vec<chains::Chain> {
    let listing = json_of("packet filter", &["-j", "list", "chains"]);
    listing.map(|listing| chains::listed(&listing, &direct::owned())).unwrap_or_default()
}

/// Reads the table of a base chain with the program that made it, or with nft where that one is missing or refuses.
fn read(base: &Base) -> Option<InputChain> {
    let (tool, drops, chains) = read_table(base)?;
    Some(InputChain {
        tool,
        family: base.family,
        table: base.table.clone(),
        base: base.name.clone(),
        drops,
        owned: base.owned,
        chains,
    })
}

type Chains = BTreeMap<String, Vec<InputRule>>;

/// With what, whether its policy is to drop, and what is in it.
fn read_table(base: &Base) -> Option<(ChainTool, bool, Chains)> {
    let text = iptables::program(base.tool, base.family).and_then(|program| text_of(base, program));
    if base.tool == ChainTool::IptablesLegacy {
        let drops = |text: &str| iptables::policy(text, &base.name) == Some("DROP");
        return text.map(|text| (base.tool, drops(&text), read_text(&text)));
    }
    let subject = subject(base);
    let listing = json_of(&subject, &["-j", "list", "table", rules::word(base.family), &base.table]);
    match text {
        // iptables-nft leaves out, without a word, the sets that a rule of nft asks, and shows a drop for some as one for
        // all. Of the matches of iptables nft names no more than the names, so it is heard only then.
        Some(text) if !listing.as_ref().is_some_and(asks_sets) => Some((base.tool, base.drops, read_text(&text))),
        Some(_) => listing.and_then(|listing| Some((base.tool, base.drops, read_listing(&listing)?))),
        None => listing.and_then(|listing| Some((ChainTool::Nft, base.drops, read_listing(&listing)?))),
    }
}

fn subject(base: &Base) -> String {
    format!("table {} {}", rules::word(base.family), base.table)
}

fn text_of(base: &Base, program: &str) -> Option<String> {
    let (subject, args) = (subject(base), iptables::list(&base.table, None));
    said(&(Call { subject: &subject, program, args: &args, input: "" }))
}

fn json_of(subject: &str, args: &[&str]) -> Option<Value> {
    json(subject, &said(&nft(subject, args))?).ok()
}

/// What a program prints; nothing where it is missing, refuses, or takes too long.
fn said(call: &Call) -> Option<String> {
    call.text().inspect_err(|error| tracing::debug!(%error, "not read")).ok()
}
