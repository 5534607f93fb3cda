//! Looks at what other programs let in, as a whole. Only `preflight` asks: it takes a program for each table.

mod listing;
mod text;

pub(super) use listing::read as read_listing;
pub(super) use text::read as read_text;

use std::collections::BTreeMap;

use super::chains::{self, Base};
use super::look::{has_legacy_filter, json, nft};
use super::run::{Call, together};
use super::{direct, iptables, rules};
use crate::observed::{ChainTool, Family, InputChain, InputRule};
use crate::{Error, ErrorKind, Result};

/// The base chain of iptables.
const INPUT: &str = "INPUT";

/// Base chains of others at hook input. What cannot be read is left out: then nothing can be said of it.
///
/// # Errors
/// When a file of the kernel cannot be read, or a program does not end.
pub(crate) fn inputs() -> Result<Vec<InputChain>> {
    let chains = match direct::look() {
        Some(seen) => seen.chains,
        None => listed()?,
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
    let mut found = Vec::new();
    for chain in together(&bases, read) {
        found.extend(chain?);
    }
    Ok(found)
}

fn listed() -> Result<Vec<chains::Chain>> {
    let subject = "packet filter";
    let listing = match nft(subject, &["-j", "list", "chains"]).run() {
        Ok(output) if output.ok() => json(subject, &output.stdout)?,
        Ok(_) => return Ok(Vec::new()),
        Err(error) => return missing(error).map(|_: Option<()>| Vec::new()),
    };
    Ok(chains::listed(&listing, &direct::owned()))
}

/// A program that is not there tells nothing.
fn missing<T>(error: Error) -> Result<Option<T>> {
    if error.kind() == ErrorKind::NotFound { Ok(None) } else { Err(error) }
}

/// Reads the table of a base chain with the program that made it, or with nft where that one is missing or refuses.
fn read(base: &Base) -> Result<Option<InputChain>> {
    let chain = |drops: bool, chains: BTreeMap<String, Vec<InputRule>>| InputChain {
        tool: base.tool,
        family: base.family,
        table: base.table.clone(),
        base: base.name.clone(),
        drops,
        owned: base.owned,
        chains,
    };
    let subject = format!("table {} {}", rules::word(base.family), base.table);
    if let Some(program) = iptables::program(base.tool, base.family) {
        let args = iptables::list(&base.table, None);
        let output = match (Call { subject: &subject, program, args: &args, input: "" }).run() {
            Ok(output) => Some(output).filter(super::run::Output::ok),
            Err(error) => missing(error)?,
        };
        if let Some(output) = output {
            let drops = iptables::policy(&output.stdout, &base.name) == Some("DROP");
            return Ok(Some(chain(drops, read_text(&output.stdout))));
        }
    }
    if base.tool == ChainTool::IptablesLegacy {
        return Ok(None);
    }
    let output = nft(&subject, &["-j", "list", "table", rules::word(base.family), &base.table]).run();
    let output = match output {
        Ok(output) => Some(output).filter(super::run::Output::ok),
        Err(error) => missing(error)?,
    };
    let listing = output.and_then(|output| json(&subject, &output.stdout).ok());
    let chains = listing.and_then(|listing| read_listing(&listing));
    Ok(chains.map(|chains| InputChain { tool: ChainTool::Nft, ..chain(base.drops, chains) }))
}
