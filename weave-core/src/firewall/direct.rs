//! Asks the kernel itself what chains there are and what weave's own table says: to start `nft` takes milliseconds.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::chains::Chain;
use super::nfnetlink as nf;
use super::publish::PREROUTING;
use super::run;
use super::table::{PEERS4, PEERS6};
use crate::netlink::Socket;
use crate::observed::{Family, WeaveTable};

/// How often it is looked again while others change something.
const TRIES: usize = 3;

/// What the kernel says.
#[derive(Debug)]
pub(super) struct Seen {
    /// All chains of the families that matter.
    pub(super) chains: Vec<Chain>,
    /// Weave's own table.
    pub(super) own: Own,
}

/// Weave's own table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// There is none.
    Absent,
    /// It reads as weave writes it.
    Ours(WeaveTable),
    /// `nft` has to tell what it is.
    Unclear,
}

/// Looks; `None` where it has to be left to `nft`, which finds the words for what is wrong: no kernel for it, no right
/// to ask, or no `nft` at all.
pub(super) fn look() -> Option<Seen> {
    run::find("nft")?;
    let mut socket = Socket::open_for(NETLINK_NETFILTER).ok()?;
    for _ in 0..TRIES {
        let before = generation(&mut socket)?;
        let seen = once(&mut socket)?;
        if generation(&mut socket)? == before {
            return Some(seen);
        }
    }
    None
}

fn generation(socket: &mut Socket) -> Option<u32> {
    all(socket, &nf::get_generation(), nf::generation)?.first().copied()
}

/// Everything of a kind; `None` when something of it cannot be read.
fn all<T>(socket: &mut Socket, question: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
    let answers = socket.dump_bytes(question, usize::MAX, |payload, found| found.push(read(payload)));
    answers.ok()?.into_iter().collect()
}

fn once(socket: &mut Socket) -> Option<Seen> {
    let tables = all(socket, &nf::get_tables(), nf::table)?;
    let table = tables.iter().find(|table| table.is_ours());
    let chains = all(socket, &nf::get_chains(), nf::chain)?;
    let guards: Vec<bool> = chains.iter().filter(|chain| chain.ours).map(|chain| chain.is_guard).collect();
    let own = match table {
        None => Own::Absent,
        // Two sets and the chain, and nothing besides.
        Some(table) if !table.flagged && table.uses == Some(3) && guards == [true] => {
            contents(socket).map_or(Own::Unclear, Own::Ours)
        }
        Some(_) => Own::Unclear,
    };
    let owned = with_owner(&tables);
    let is_owned = |chain: &Chain| owned.iter().any(|(family, name)| (*family, name) == (chain.family, &chain.table));
    let listed = chains.into_iter().filter_map(|chain| chain.listed);
    let listed = listed.map(|chain| Chain { owned: is_owned(&chain), ..chain });
    Some(Seen { chains: listed.collect(), own })
}

/// The tables that have an owner; none where the kernel does not tell.
pub(super) fn owned() -> Vec<(Family, String)> {
    with_owner(&tables())
}

/// Whether there is weave's own table, which needs no `nft`.
pub(super) fn has_own() -> bool {
    tables().iter().any(nf::Table::is_ours)
}

/// Whether weave's own table redirects anything: whether it has a chain that only those have which do.
pub(crate) fn publishes() -> bool {
    let socket = Socket::open_for(NETLINK_NETFILTER).ok();
    let chains = socket.and_then(|mut socket| all(&mut socket, &nf::get_chains(), nf::chain)).unwrap_or_default();
    let own = chains.into_iter().filter(|chain| chain.ours).filter_map(|chain| chain.listed);
    own.into_iter().any(|chain| chain.name == PREROUTING)
}

fn tables() -> Vec<nf::Table> {
    let socket = Socket::open_for(NETLINK_NETFILTER).ok();
    socket.and_then(|mut socket| all(&mut socket, &nf::get_tables(), nf::table)).unwrap_or_default()
}

fn with_owner(tables: &[nf::Table]) -> Vec<(Family, String)> {
    tables.iter().filter(|table| table.owned).filter_map(|table| Some((table.family?, table.name.clone()))).collect()
}

/// What the table says; `None` unless it is exactly the guard of a port.
fn contents(socket: &mut Socket) -> Option<WeaveTable> {
    let mut sets = all(socket, &nf::get_sets(), nf::set)?;
    sets.sort_unstable();
    let rules = all(socket, &nf::get_rules(), nf::guard)?;
    let [(port, PEERS4_NAME), (other, PEERS6_NAME)] = rules[..] else { return None };
    if sets != [PEERS4_NAME, PEERS6_NAME] || port != other {
        return None;
    }
    let mut peers = elements(socket, PEERS4_NAME, IpAddr::is_ipv4)?;
    peers.extend(elements(socket, PEERS6_NAME, IpAddr::is_ipv6)?);
    Some(WeaveTable { port: Some(port), peers, ..WeaveTable::default() })
}

const PEERS4_NAME: &str = PEERS4.0;
const PEERS6_NAME: &str = PEERS6.0;

fn elements(socket: &mut Socket, set: &str, fits: fn(&IpAddr) -> bool) -> Option<BTreeSet<IpAddr>> {
    let found = socket.dump_bytes(&nf::get_elements(set), usize::MAX, nf::elements).ok()?;
    found.into_iter().map(|address| address.filter(fits)).collect()
}
