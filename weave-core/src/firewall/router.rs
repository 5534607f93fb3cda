//! What a classic router makes with the iptables of its image, and leaves when it ends: three chains of its own, the
//! jumps to them, and some accepts for its bridge. Its image has iptables of either kind, whatever the host uses.
//!
//! The chains are nobody else's, since the router empties them whenever it starts. The rules in chains of others are
//! looked for as the router writes them, and only where its chain `WEAVE-EXPOSE` is.

use super::look::{has_legacy, json, nft};
use super::run::Call;
use super::{chains, iptables};
use crate::Result;
use crate::observed::{ChainTool, Family};

/// The router's chains by table.
const CHAINS: [(&str, &[&str]); 3] =
    [("filter", &["WEAVE-EXPOSE", "WEAVE-CANARY"]), ("nat", &["WEAVE", "WEAVE-CANARY"]), ("mangle", &["WEAVE-CANARY"])];

/// The chain that only a router makes, in the table `filter`.
const MARK: &str = "WEAVE-EXPOSE";

/// How the rule that guards its control port is marked.
const CONTROL: &str = "Block non-local access to Weave Net control port";

/// The iptables with which a router has made rules.
///
/// # Errors
/// `Firewall` with the words of a program.
pub(crate) fn router_rules() -> Result<Vec<ChainTool>> {
    let mut tools = Vec::new();
    for tool in [ChainTool::IptablesNft, ChainTool::IptablesLegacy] {
        let Some(listing) = list(tool, "filter")? else { continue };
        tools.extend(iptables::has_chain(&listing, MARK).then_some(tool));
    }
    Ok(tools)
}

/// Takes away what a router has made with one of them around `bridge`. What is gone already is no error.
///
/// # Errors
/// `Firewall` with the program's words.
pub(crate) fn drop_router_rules(tool: ChainTool, bridge: &str) -> Result<()> {
    // The mark goes last, for the run after one that is killed.
    for (table, chains) in CHAINS.into_iter().rev() {
        let Some(listing) = list(tool, table)? else { continue };
        for line in listing.lines().filter_map(|line| line.strip_prefix("-A ")) {
            let words = iptables::words(line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if is_routers(&words, bridge) {
                change(tool, table, &[&["-D"], &words[..]].concat())?;
            }
        }
        for chain in chains.iter().rev().filter(|chain| iptables::has_chain(&listing, chain)) {
            change(tool, table, &["-F", chain])?;
            change(tool, table, &["-X", chain])?;
        }
    }
    Ok(())
}

/// Whether the router writes a rule so, in a chain that is not its own.
fn is_routers(words: &[&str], bridge: &str) -> bool {
    match *words {
        ["POSTROUTING", "-j", "WEAVE"] => true,
        ["INPUT", .., "--comment", CONTROL, "-j", "DROP"] => true,
        ["FORWARD", "-o", to, "-j", MARK] => to == bridge,
        ["FORWARD", "-i", from, "-o", to, "-j", "ACCEPT"] => from == bridge && to == bridge,
        ["FORWARD", "-i", from, "!", "-o", to, "-j", "ACCEPT"] => from == bridge && to == bridge,
        ["FORWARD", "-o", to, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"] => to == bridge,
        _ => false,
    }
}

/// The rules of a table as `iptables -S` prints them; `None` where there is no such table, or nothing that could read it.
/// To ask about one that is not there would make it.
fn list(tool: ChainTool, table: &str) -> Result<Option<String>> {
    let there = match tool {
        ChainTool::IptablesLegacy => has_legacy(Family::Ip, table)?,
        _ => {
            let chains = nft("packet filter", &["-j", "list", "chains"]);
            let output = chains.run()?;
            output.ok() && chains::has_table(&json("packet filter", &output.stdout)?, Family::Ip, table)
        }
    };
    if !there {
        return Ok(None);
    }
    let (subject, args) = (subject(table), iptables::list(table, None));
    let program = iptables::program(tool, Family::Ip).unwrap_or_default();
    let call = Call { subject: &subject, program, args: &args, input: "" };
    match call.run() {
        // Tables of others may hold what iptables does not understand; then no router has made them with it.
        Ok(output) => Ok(output.ok().then_some(output.stdout)),
        Err(error) if error.kind() == crate::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn change(tool: ChainTool, table: &str, words: &[&str]) -> Result<()> {
    let (subject, args) = (subject(table), [&iptables::list(table, None)[..4], words].concat());
    let program = iptables::program(tool, Family::Ip).unwrap_or_default();
    Call { subject: &subject, program, args: &args, input: "" }.text().map(drop)
}

fn subject(table: &str) -> String {
    format!("table ip {table}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_router_wrote_is_known_by_its_words() {
        // As a real one left them, between rules of others.
        let listing = r#"-A INPUT -d 127.0.0.1/32 -p tcp -m tcp --dport 6784 -m addrtype ! --src-type LOCAL -m conntrack ! --ctstate RELATED,ESTABLISHED -m comment --comment "Block non-local access to Weave Net control port" -j DROP
-A FORWARD -i weave -o weave -j ACCEPT
-A FORWARD -o weave -j WEAVE-EXPOSE
-A FORWARD -i weave ! -o weave -j ACCEPT
-A FORWARD -o weave -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A POSTROUTING -j WEAVE
-A INPUT -p tcp -m tcp --dport 6784 -j DROP
-A FORWARD -i other -o other -j ACCEPT
-A FORWARD -i weave -o weave -m comment --comment weave:bridge -j ACCEPT
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -j DOCKER-USER
-A POSTROUTING -s 10.2.1.0/24 -j MASQUERADE"#;
        let is = |line: &str| {
            let words = iptables::words(line.strip_prefix("-A ").expect("a rule"));
            is_routers(&words.iter().map(String::as_str).collect::<Vec<_>>(), "weave")
        };
        let told: Vec<bool> = listing.lines().map(is).collect();
        assert_eq!(told, [[true; 6], [false; 6]].concat());
    }
}
