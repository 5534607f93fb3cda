//! Weave's accepts in a chain of others: bridged frames from port to port of the bridge may pass, and what is redirected
//! into the network.

use super::look::{has_legacy_filter, is_absent, json, nft};
use super::run::Call;
use super::{chains, iptables, rules};
use crate::observed::{AcceptRule, ChainTool};
use crate::{Error, ErrorKind, Result};

/// Puts the rule at the head of its chain, if it is not in the chain already.
///
/// # Errors
/// `NotFound` when the chain is not there any more; `Firewall` with the program's words.
pub(crate) fn add_accept(rule: &AcceptRule) -> Result<()> {
    let subject = subject(rule);
    let Some(place) = Place::find(rule, &subject)? else {
        return Err(Error::new(ErrorKind::NotFound, subject, "the chain is not there any more")
            .hint("somebody changed the packet filter meanwhile; run again"));
    };
    if place.count() > 0 {
        return Ok(());
    }
    match iptables::program(rule.tool, rule.family) {
        Some(program) => {
            let args = iptables::change(rule, "-I");
            Call { subject: &subject, program, args: &args, input: "" }.text().map(drop)
        }
        None => commit(&subject, &rules::insertion(rule).to_string()),
    }
}

/// Takes the rule from its chain, as often as it stands there; that it is not there is no error.
///
/// # Errors
/// `Firewall` with the program's words.
pub(crate) fn delete_accept(rule: &AcceptRule) -> Result<()> {
    let subject = subject(rule);
    let Some(place) = Place::find(rule, &subject)? else { return Ok(()) };
    match (iptables::program(rule.tool, rule.family), &place) {
        (Some(program), _) => {
            let args = iptables::change(rule, "-D");
            (0..place.count())
                .try_for_each(|_| Call { subject: &subject, program, args: &args, input: "" }.text().map(drop))
        }
        (None, Place::Nft(handles)) if !handles.is_empty() => {
            commit(&subject, &rules::deletion(rule, handles).to_string())
        }
        (None, _) => Ok(()),
    }
}

/// Where the rule stands in its chain.
enum Place {
    /// So many times.
    Iptables(usize),
    /// Under these numbers.
    Nft(Vec<u64>),
}

impl Place {
    /// Looks for the rule; `None` when its chain does not exist.
    fn find(rule: &AcceptRule, subject: &str) -> Result<Option<Self>> {
        let ours = |found: &rules::Rule| {
            found.ours.as_ref().is_some_and(|(passage, bridge)| (*passage, bridge) == (rule.passage, &rule.bridge))
        };
        let Some(program) = iptables::program(rule.tool, rule.family) else {
            let args = ["-j", "-a", "list", "chain", rules::word(rule.family), &rule.table, &rule.chain];
            let call = nft(subject, &args);
            let output = call.run()?;
            if is_absent(&output) {
                return Ok(None);
            }
            if !output.ok() {
                return Err(call.refused(&output));
            }
            let listed = rules::read(&json(subject, &output.stdout)?);
            return Ok(Some(Self::Nft(
                listed.iter().filter(|rule| ours(rule)).filter_map(|rule| rule.handle).collect(),
            )));
        };
        let Some(listing) = list(rule, subject, program)? else { return Ok(None) };
        Ok(Some(Self::Iptables(iptables::read(&listing, &rule.chain).iter().filter(|rule| ours(rule)).count())))
    }

    fn count(&self) -> usize {
        match self {
            Self::Iptables(count) => *count,
            Self::Nft(handles) => handles.len(),
        }
    }
}

/// What iptables says of the chain; `None` when it is not there, which is found out in a way that makes no table:
/// the iptables programs make the tables that they are asked about.
fn list(rule: &AcceptRule, subject: &str, program: &str) -> Result<Option<String>> {
    let ask = |chain| {
        let args = iptables::list(&rule.table, chain);
        Call { subject, program, args: &args, input: "" }.text()
    };
    if rule.tool == ChainTool::IptablesLegacy {
        if !has_legacy_filter(rule.family)? {
            return Ok(None);
        }
        let listing = ask(None)?;
        let is_base = iptables::policy(&listing, &rule.chain).is_some();
        return Ok((is_base || iptables::has_chain(&listing, &rule.chain)).then_some(listing));
    }
    let chains = nft(subject, &["-j", "list", "chains"]).text()?;
    if !chains::exists(&json(subject, &chains)?, rule) {
        return Ok(None);
    }
    ask(Some(&rule.chain)).map(Some)
}

fn commit(subject: &str, input: &str) -> Result<()> {
    Call { subject, program: "nft", args: &["-j", "-f", "-"], input }.text().map(drop)
}

fn subject(rule: &AcceptRule) -> String {
    format!("chain {} {} {}", rules::word(rule.family), rule.table, rule.chain)
}
