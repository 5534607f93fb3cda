//! Looks at the packet filter with as few processes as there are answers to get, all of them at the same time.

use std::collections::BTreeSet;
use std::io::ErrorKind as IoKind;

use serde_json::Value;

use super::chains::{self, Base, DOCKER_USER, Rules};
use super::direct::{self, Own, Seen};
use super::reading::{self, Ownership};
use super::run::{Call, Output, together};
use super::{iptables, rules};
use crate::names;
use crate::observed::{ChainTool, Family, FirewallState, ForwardChain, PublishedPort};
use crate::{Error, ErrorKind, Result};

/// A look at the packet filter that has begun, and changes nothing.
///
/// Rules of others are read only in base chains at hook forward and in `DOCKER-USER`.
pub(crate) struct Look {
    seen: Option<Seen>,
    legacy: Vec<Family>,
    bridge_nf: [Option<bool>; 2],
    forwards: [Option<bool>; 2],
}

impl Look {
    /// Asks the kernel, which answers at once.
    ///
    /// # Errors
    /// When what the kernel says of itself in a file cannot be read.
    pub(crate) fn begin() -> Result<Self> {
        Ok(Self {
            seen: direct::look(),
            legacy: legacy_families()?,
            bridge_nf: [setting("bridge/bridge-nf-call-iptables")?, setting("bridge/bridge-nf-call-ip6tables")?],
            forwards: [setting("ipv4/ip_forward")?, setting("ipv6/conf/all/forwarding")?],
        })
    }

    /// Whether that was all, so that no program has to be run.
    pub(crate) fn is_complete(&self) -> bool {
        let known = |seen: &Seen| seen.own != Own::Unclear && chains::bases(&seen.chains).is_empty();
        self.legacy.is_empty() && self.seen.as_ref().is_some_and(known)
    }

    /// Runs the programs that have to tell the rest, at the same time where one does not need another's answer.
    ///
    /// # Errors
    /// `PermissionDenied` without root, `Timeout`, or `Firewall` when a program says what cannot be understood. A
    /// missing nft is no error but [`FirewallState::unavailable`].
    pub(crate) fn finish(self) -> Result<FirewallState> {
        let mut questions = match &self.seen {
            None => vec![Question::Chains, Question::Own],
            Some(Seen { own: Own::Unclear, .. }) => vec![Question::Own],
            Some(_) => Vec::new(),
        };
        questions.extend(self.legacy.into_iter().map(Question::Legacy));
        let mut answers = questions.iter().zip(together(&questions, Question::ask)).collect::<Vec<_>>().into_iter();
        let [bridge_nf_v4, bridge_nf_v6] = self.bridge_nf;
        let [forwards_v4, forwards_v6] = self.forwards;
        let mut state =
            FirewallState { bridge_nf_v4, bridge_nf_v6, forwards_v4, forwards_v6, ..FirewallState::default() };
        match self.seen {
            None => {
                if let (Some((_, listing)), Some((_, own))) = (answers.next(), answers.next()) {
                    look_at_nft(&mut state, listing, own)?;
                }
            }
            Some(seen) => {
                match seen.own {
                    Own::Absent => {}
                    Own::Ours(table) => state.table = Some(table),
                    Own::Unclear => {
                        if let Some((_, own)) = answers.next() {
                            look_at_own(&mut state, &own?)?;
                        }
                    }
                }
                look_at_bases(&mut state, &chains::bases(&seen.chains))?;
            }
        }
        for (question, answer) in answers {
            if let Question::Legacy(family) = question {
                look_at_legacy(&mut state, *family, answer)?;
            }
        }
        Ok(state)
    }
}

/// The ports that are published, by a look at weave's own table alone; `None` where `nft` cannot tell.
pub(crate) fn published() -> Option<BTreeSet<PublishedPort>> {
    let mut state = FirewallState::default();
    look_at_own(&mut state, &Question::Own.ask().ok()?).ok()?;
    Some(state.table.map_or(state.salvaged, |table| table.publish))
}

/// What to ask at first; the answers tell whose rules to read.
#[derive(Debug, Clone, Copy)]
enum Question {
    /// Which chains there are. Rules and sets of others stay unread, and so cost nothing.
    Chains,
    /// Our own table. It is asked for without knowing whether it is there, which saves a round.
    Own,
    /// The legacy filter table.
    Legacy(Family),
}

impl Question {
    fn ask(&self) -> Result<Output> {
        match *self {
            Self::Chains => nft("packet filter", &["-j", "list", "chains"]).run(),
            Self::Own => nft("table inet weave", &["-j", "list", "table", "inet", names::TABLE]).run(),
            Self::Legacy(family) => {
                let program = iptables::program(ChainTool::IptablesLegacy, family).unwrap_or_default();
                let args = iptables::list("filter", None);
                Call { subject: "table filter", program, args: &args, input: "" }.run()
            }
        }
    }
}

/// A call of nft that reads no input.
pub(super) fn nft<'a>(subject: &'a str, args: &'a [&'a str]) -> Call<'a> {
    Call { subject, program: "nft", args, input: "" }
}

/// Reads what `nft -j` printed.
pub(super) fn json(subject: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|source| {
        Error::new(ErrorKind::Firewall, subject, format!("nft answered what is no JSON: {source}"))
            .hint("this nft may lack JSON; `nft -V` shows whether it has it")
            .source(source)
    })
}

/// Whether nft says that what was asked for is not there.
pub(super) fn is_absent(output: &Output) -> bool {
    !output.ok() && output.stderr.contains("No such file or directory")
}

fn look_at_nft(state: &mut FirewallState, listing: Result<Output>, own: Result<Output>) -> Result<()> {
    let subject = "packet filter";
    let listing = match listing {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let hint = error.next_step().unwrap_or_default();
            state.unavailable = Some(format!("{}: {hint}", error.message()));
            state.stuck = direct::has_own();
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if !listing.ok() {
        let error = nft(subject, &["-j", "list", "chains"]).refused(&listing);
        // A kernel without nf_tables, or an nft without JSON: there is nothing to look at, and no fault of the caller.
        if listing.stderr.contains("not supported") || listing.stderr.contains("compiled-in") {
            state.unavailable = Some(error.message().to_owned());
            state.stuck = direct::has_own();
            return Ok(());
        }
        return Err(error);
    }
    look_at_own(state, &own?)?;
    look_at_bases(state, &chains::bases(&chains::listed(&json(subject, &listing.stdout)?, &direct::owned())))
}

fn look_at_own(state: &mut FirewallState, own: &Output) -> Result<()> {
    if own.ok() {
        match reading::read(&json("table inet weave", &own.stdout)?) {
            Ownership::Ours(table) => state.table = Some(table),
            Ownership::Damaged(salvaged) => {
                state.damaged = true;
                state.salvaged = salvaged;
            }
            Ownership::Foreign(why) => state.foreign = Some(why),
        }
    } else if !is_absent(own) {
        return Err(nft("table inet weave", &["-j", "list", "table", "inet", names::TABLE]).refused(own));
    }
    Ok(())
}

fn look_at_bases(state: &mut FirewallState, bases: &[Base]) -> Result<()> {
    for (base, found) in bases.iter().zip(together(bases, read_base)) {
        match found? {
            Found::Chain(chain) => state.forward.push(chain),
            Found::Gone => {}
            Found::Unread(why) => {
                state.unread.push(why);
                state.forward.push(chains::judge(base, &Rules::default()));
            }
        }
    }
    Ok(())
}

/// What became of reading a base chain.
enum Found {
    /// It was read.
    Chain(ForwardChain),
    /// It went away since it was listed.
    Gone,
    /// It is there, and cannot be read; why.
    Unread(String),
}

/// Reads a base chain with the program that made it. Where that one is missing or refuses the table ("incompatible,
/// use 'nft' tool"), nft changes it as well, only without seeing whom a comment of iptables belongs to.
fn read_base(base: &Base) -> Result<Found> {
    if let Some(program) = iptables::program(base.tool, base.family)
        && let Some(rules) = read_by_iptables(base, program)?
    {
        return Ok(Found::Chain(chains::judge(base, &rules)));
    }
    let base = Base { tool: ChainTool::Nft, ..base.clone() };
    let rules = match read_by_nft(&base, &base.name)? {
        Ok(rules) => rules,
        Err(found) => return Ok(found),
    };
    let user = match base.has_user.then(|| read_by_nft(&base, DOCKER_USER)).transpose()? {
        None | Some(Err(Found::Gone)) => None,
        Some(Ok(user)) => Some(user),
        Some(Err(found)) => return Ok(found),
    };
    Ok(Found::Chain(chains::judge(&base, &Rules { base: rules, user })))
}

fn read_by_iptables(base: &Base, program: &str) -> Result<Option<Rules>> {
    let list = |chain: &str| {
        let subject = subject(base, chain);
        let args = iptables::list(&base.table, Some(chain));
        match (Call { subject: &subject, program, args: &args, input: "" }).run() {
            Ok(output) => Ok(output.ok().then(|| iptables::read(&output.stdout, chain))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    };
    let Some(rules) = list(&base.name)? else { return Ok(None) };
    if !base.has_user {
        return Ok(Some(Rules { base: rules, user: None }));
    }
    Ok(list(DOCKER_USER)?.map(|user| Rules { base: rules, user: Some(user) }))
}

fn read_by_nft(base: &Base, chain: &str) -> Result<Result<Vec<rules::Rule>, Found>> {
    let subject = subject(base, chain);
    let args = ["-j", "-a", "list", "chain", rules::word(base.family), &base.table, chain];
    let call = nft(&subject, &args);
    let output = call.run()?;
    if is_absent(&output) {
        return Ok(Err(Found::Gone));
    }
    if !output.ok() {
        return Ok(Err(Found::Unread(call.refused(&output).to_string())));
    }
    Ok(json(&subject, &output.stdout)
        .map(|listing| rules::read(&listing))
        .map_err(|error| Found::Unread(error.to_string())))
}

fn subject(base: &Base, chain: &str) -> String {
    format!("chain {} {} {chain}", rules::word(base.family), base.table)
}

fn look_at_legacy(state: &mut FirewallState, family: Family, answer: Result<Output>) -> Result<()> {
    let program = iptables::program(ChainTool::IptablesLegacy, family).unwrap_or_default();
    let output = match answer {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            state.unread.push(format!("legacy table {} filter is in use: {}", rules::word(family), error.message()));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if !output.ok() {
        let args = iptables::list("filter", None);
        return Err(Call { subject: "table filter", program, args: &args, input: "" }.refused(&output));
    }
    let has_user = iptables::has_chain(&output.stdout, DOCKER_USER);
    let base = Base {
        tool: ChainTool::IptablesLegacy,
        family,
        table: "filter".to_owned(),
        name: "FORWARD".to_owned(),
        drops: iptables::policy(&output.stdout, "FORWARD") == Some("DROP"),
        has_user,
        owned: false,
    };
    let rules = Rules {
        base: iptables::read(&output.stdout, &base.name),
        user: has_user.then(|| iptables::read(&output.stdout, DOCKER_USER)),
    };
    state.forward.push(chains::judge(&base, &rules));
    Ok(())
}

/// Families that have a legacy filter table. The kernel says so itself; to ask iptables-legacy would make one.
fn legacy_families() -> Result<Vec<Family>> {
    let mut families = Vec::new();
    for family in [Family::Ip, Family::Ip6] {
        if has_legacy_filter(family)? {
            families.push(family);
        }
    }
    Ok(families)
}

/// Whether the calling thread's namespace has a legacy filter table.
pub(super) fn has_legacy_filter(family: Family) -> Result<bool> {
    has_legacy(family, "filter")
}

/// Whether it has that legacy table.
pub(super) fn has_legacy(family: Family, table: &str) -> Result<bool> {
    let path = match family {
        Family::Ip6 => "/proc/thread-self/net/ip6_tables_names",
        _ => "/proc/thread-self/net/ip_tables_names",
    };
    Ok(contents(path)?.is_some_and(|names| names.lines().any(|name| name == table)))
}

/// Whether a setting below `net` is on, in the namespace of the calling thread.
fn setting(key: &str) -> Result<Option<bool>> {
    Ok(contents(&format!("/proc/sys/net/{key}"))?.map(|value| value.trim() != "0"))
}

/// The text of a file of the kernel; `None` where the kernel has none.
fn contents(path: &str) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(source) if source.kind() == IoKind::NotFound => Ok(None),
        Err(source) => Err(Error::os(path, "read", source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, stderr: &str) -> Result<Output> {
        Ok(Output { code: Some(code), stdout: String::new(), stderr: stderr.to_owned() })
    }

    #[test]
    fn a_host_without_a_usable_nft_is_seen_as_one_and_a_refusal_is_an_error() {
        let missing = || nft("packet filter", &[]).missing();
        for (answer, expected) in [
            (Err(missing()), "the program `nft` is missing: apt-get install nftables"),
            (said(1, "Error: JSON support not compiled-in.\n"), "compiled-in"),
            (said(1, "Unable to initialize Netlink socket: Protocol not supported\n"), "not supported"),
        ] {
            let mut state = FirewallState::default();
            look_at_nft(&mut state, answer, Err(missing())).expect("no error");
            assert!(state.unavailable.is_some_and(|why| why.contains(expected)), "{expected}");
        }
        let refused = said(1, "Operation not permitted (you must be root)\n");
        let error = look_at_nft(&mut FirewallState::default(), refused, Err(missing())).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
}
