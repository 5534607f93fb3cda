//! Weave's accepts in a chain of others: bridged frames from port to port of the bridge may pass, and what is redirected
//! into the network.

use super::look::{has_legacy_filter, is_absent, json, nft};
use super::rules::{At, Rule, Verdict};
use super::run::Call;
use super::{chains, iptables, rules};
use crate::observed::{AcceptRule, ChainTool, Passage};
use crate::{Error, ErrorKind, Result};

/// Puts the rule into its chain, if it is not there already. What is for frames between ports of the bridge stands at the
/// head: it has to come before whatever drops. What is for published ports stands behind the rules of others, so that
/// those who limit who reaches ports of the host (`iptables -I DOCKER-USER ! -s … -j DROP`) limit these, too; and before
/// the first rule that stops everything.
///
/// # Errors
/// `NotFound` when the chain is not there any more; `Firewall` with the program's words.
pub(crate) fn add_accept(rule: &AcceptRule) -> Result<()> {
    let subject = subject(rule);
    let Some(place) = Place::find(rule, &subject)? else {
        return Err(Error::new(ErrorKind::NotFound, subject, "the chain is not there any more")
            .hint("somebody changed the packet filter meanwhile; run again"));
    };
    if !place.ours.is_empty() {
        return Ok(());
    }
    let at = match rule.passage {
        Passage::Bridged => At::Head,
        Passage::Published | Passage::Answers => place.behind_others(),
    };
    match iptables::program(rule.tool, rule.family) {
        Some(program) => {
            let number = match at {
                At::Before { number, .. } => number.to_string(),
                At::Head | At::End => String::new(),
            };
            let args = iptables::change(rule, if at == At::End { "-A" } else { "-I" }, &number);
            Call { subject: &subject, program, args: &args, input: "" }.text().map(drop)
        }
        None => commit(&subject, &rules::insertion(rule, at).to_string()),
    }
}

/// Takes the rule from its chain, as often as it stands there; that it is not there is no error.
///
/// # Errors
/// `Firewall` with the program's words.
pub(crate) fn delete_accept(rule: &AcceptRule) -> Result<()> {
    let subject = subject(rule);
    let Some(place) = Place::find(rule, &subject)? else { return Ok(()) };
    if place.ours.is_empty() {
        return Ok(());
    }
    let Some(program) = iptables::program(rule.tool, rule.family) else {
        let handles: Vec<u64> = place.ours.iter().filter_map(|at| place.rules[*at].handle).collect();
        return commit(&subject, &rules::deletion(rule, &handles).to_string());
    };
    let args = iptables::change(rule, "-D", "");
    place.ours.iter().try_for_each(|_| Call { subject: &subject, program, args: &args, input: "" }.text().map(drop))
}

/// The chain of a rule.
struct Place {
    /// All its rules.
    rules: Vec<Rule>,
    /// Where among them the rule stands, as often as it does.
    ours: Vec<usize>,
}

impl Place {
    /// Looks for the rule; `None` when its chain does not exist.
    fn find(rule: &AcceptRule, subject: &str) -> Result<Option<Self>> {
        let is_ours = |found: &Rule| {
            found.ours.as_ref().is_some_and(|(passage, bridge)| (*passage, bridge) == (rule.passage, &rule.bridge))
        };
        let rules = match iptables::program(rule.tool, rule.family) {
            Some(program) => list(rule, subject, program)?.map(|listing| iptables::read(&listing, &rule.chain)),
            None => list_by_nft(rule, subject)?,
        };
        Ok(rules.map(|rules| {
            let ours = rules.iter().enumerate().filter(|(_, rule)| is_ours(rule)).map(|(at, _)| at).collect();
            Self { rules, ours }
        }))
    }

    /// Before the first rule that lets no packet past it, else at the end.
    fn behind_others(&self) -> At {
        let ends =
            |rule: &Rule| rule.every && matches!(rule.verdict, Verdict::Accept | Verdict::Drop | Verdict::Return);
        let end = self.rules.iter().position(ends);
        end.map_or(At::End, |at| At::Before { number: at + 1, handle: self.rules[at].handle })
    }
}

/// The rules of a chain of nft; `None` when it is not there.
fn list_by_nft(rule: &AcceptRule, subject: &str) -> Result<Option<Vec<Rule>>> {
    let args = ["-j", "-a", "list", "chain", rules::word(rule.family), &rule.table, &rule.chain];
    let call = nft(subject, &args);
    let output = call.run()?;
    if is_absent(&output) {
        return Ok(None);
    }
    if !output.ok() {
        return Err(call.refused(&output));
    }
    Ok(Some(rules::read(&json(subject, &output.stdout)?)))
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
