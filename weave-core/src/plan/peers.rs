//! Which peers frames are flooded to.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;

use super::intent::within;
use super::{Intent, Members, Plan};
use crate::observed::{Flood, Observed, attached_networks};
use crate::spec::{Peer, PeerHost};
use crate::{Error, ErrorKind, Result};

/// A peer as far as it is known before the tunnel's own address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    /// Its place in the field `peers`, and how it was written there; `None` for one that is connected already.
    pub(super) asked: Option<(usize, &'a Peer)>,
    /// Its addresses: one, or what its name resolved to.
    pub(super) addresses: Addresses,
    /// Its port, where it differs from ours.
    pub(super) port: Option<u16>,
}

/// As it was written; by its address, where it is connected already.
impl fmt::Display for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.asked, self.addresses.first()) {
            (Some((_, written)), _) => written.fmt(f),
            (None, Some(address)) => address.fmt(f),
            (None, None) => Ok(()),
        }
    }
}

/// A list that is nearly always of one, which then takes no memory of its own: peers may be ten thousand.
#[derive(Debug, Clone)]
pub(super) enum Addresses {
    One([IpAddr; 1]),
    Several(Vec<IpAddr>),
}

impl Deref for Addresses {
    type Target = [IpAddr];

    fn deref(&self) -> &[IpAddr] {
        match self {
            Self::One(one) => one,
            Self::Several(all) => all,
        }
    }
}

impl PartialEq for Addresses {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Addresses {}

impl PartialOrd for Addresses {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Addresses {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // Ten thousand of them are sorted and searched.
            (Self::One([one]), Self::One([other])) => one.cmp(other),
            _ => (**self).cmp(&**other),
        }
    }
}

/// Peers cannot be connected while no router runs.
pub(super) fn refuse_without_router(intent: &Intent) -> Result<()> {
    match &intent.peers {
        Members::Add(_) | Members::Exact(_) => {
            Err(Error::new(ErrorKind::NotFound, "router", "is not running, so it has no peers")
                .hint("run `weave launch` first, or apply a document with `router:`"))
        }
        Members::Leave | Members::Remove(_) => Ok(()),
    }
}

/// The peers that shall be there, own addresses left out.
pub(super) fn wanted<'a>(intent: &'a Intent, observed: &Observed, port: u16) -> Result<Vec<Candidate<'a>>> {
    let kept = connected(observed).into_iter().map(|flood| Candidate {
        asked: None,
        addresses: Addresses::One([flood.address]),
        port: flood.port.filter(|other| *other != port),
    });
    let overlay = overlay_networks(intent, observed);
    match &intent.peers {
        Members::Leave => Ok(kept.collect()),
        Members::Exact(peers) => candidates(peers, observed, port, &overlay),
        Members::Add(peers) => {
            let added = candidates(peers, observed, port, &overlay)?;
            let mut all: Vec<_> = kept.collect();
            // Both are in their order then, and are gone through once.
            all.sort_unstable_by(|a, b| a.addresses.cmp(&b.addresses));
            let mut news = added.iter().peekable();
            // A port given anew replaces the one it had.
            all.retain(|old| {
                while news.next_if(|new| new.addresses < old.addresses).is_some() {}
                news.peek().is_none_or(|new| new.addresses != old.addresses)
            });
            all.extend(added);
            Ok(all)
        }
        Members::Remove(peers) => {
            let gone = candidates(peers, observed, port, &[])?;
            let gone: BTreeSet<&IpAddr> = gone.iter().flat_map(|peer| peer.addresses.iter()).collect();
            Ok(kept.filter(|peer| !gone.contains(&peer.addresses[0])).collect())
        }
    }
}

/// Says which peers are where their names were found last.
pub(super) fn tell_recalled(observed: &Observed, plan: &mut Plan) {
    for name in &observed.recalled {
        let addresses: Vec<String> = observed.names.get(name).into_iter().flatten().map(ToString::to_string).collect();
        let last = addresses.join(", ");
        plan.warnings.push(format!("peer {name} does not resolve on this host for now: it stays at {last}"));
    }
}

/// Peers of a tunnel that was lost: a run was interrupted before it had given them to the device, or somebody deleted
/// it. They are still in the guard of its port. The paths to them have to be looked at.
pub fn lost_peers(observed: &Observed) -> Vec<IpAddr> {
    let unfinished = match (observed.router_port(), &observed.classic) {
        // One that was made anew, or does not answer.
        (Some(_), Some(classic)) => classic.report.as_ref().map_or(true, |report| report.targets.is_empty()),
        (Some(_), None) => false,
        (None, _) => observed.vxlan().is_none_or(|(link, _)| !link.up && observed.flood.is_empty()),
    };
    observed.table().filter(|_| unfinished).iter().flat_map(|table| &table.peers).copied().collect()
}

/// A peer as a document has it.
pub(super) fn as_written(flood: &Flood) -> Peer {
    Peer { host: PeerHost::Address(flood.address), port: flood.port }
}

/// The peers there are.
pub(super) fn connected(observed: &Observed) -> Vec<Flood> {
    let lost = lost_peers(observed).into_iter().map(|address| Flood { address, port: None });
    let told = observed.router_port().zip(observed.classic.as_ref());
    let told = told.map(|((_, mark), classic)| classic.peers(mark.port));
    observed.flood.iter().copied().chain(told.into_iter().flatten()).chain(lost).collect()
}

/// The peers of the router in a container as it was told of them; where it does not answer, those in the guard.
pub(super) fn targets(observed: &Observed) -> Vec<String> {
    match observed.classic.as_ref().map(|classic| &classic.report) {
        Some(Ok(report)) => report.targets.clone(),
        _ => lost_peers(observed).iter().map(ToString::to_string).collect(),
    }
}

/// Networks that are known to be on the overlay.
fn overlay_networks(intent: &Intent, observed: &Observed) -> Vec<ipnetwork::IpNetwork> {
    let mut networks = intent.overlay_networks();
    if let Some((bridge, ..)) = observed.bridge() {
        networks.extend(observed.addresses_of(bridge.index).map(|address| address.network()));
    }
    networks.extend(attached_networks(observed));
    networks.sort_unstable();
    networks.dedup();
    networks
}

/// Each once, by its addresses and in their order; of several, the first as it was written.
fn candidates<'a>(
    peers: &'a [Peer],
    observed: &Observed,
    port: u16,
    overlay: &[ipnetwork::IpNetwork],
) -> Result<Vec<Candidate<'a>>> {
    let mut found: Vec<Candidate<'_>> = Vec::with_capacity(peers.len());
    let locals = locals(observed);
    let own = |ip: &IpAddr| locals.binary_search(ip).is_ok();
    for (place, peer) in peers.iter().enumerate() {
        let addresses = match &peer.host {
            PeerHost::Address(ip) => Addresses::One([*ip]),
            PeerHost::Name(name) => Addresses::Several(observed.names.get(name).cloned().unwrap_or_default()),
        };
        if addresses.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                field(place),
                format!("`{peer}` cannot be resolved on this host"),
            )
            .hint("give the peer's address, or a name that /etc/hosts or DNS knows here"));
        }
        if let Some((ip, network)) = addresses.iter().find_map(|ip| within(overlay, *ip).map(|network| (ip, network))) {
            if addresses.iter().any(own) {
                continue;
            }
            let message = format!("{ip} is in {network}, a network of the containers; allowed: an underlay address");
            return Err(Error::invalid(field(place), message)
                .hint("a tunnel through itself carries nothing: name the peer by its address on the underlay"));
        }
        let port = peer.port.filter(|other| *other != port);
        found.push(Candidate { asked: Some((place, peer)), addresses, port });
    }
    found.retain(|peer| !peer.addresses.iter().any(own));
    found.sort_by(|a, b| a.addresses.cmp(&b.addresses));
    found.dedup_by(|a, b| a.addresses == b.addresses);
    Ok(found)
}

/// Addresses that are the host's own, by its routes or as it has them, in their order. They are few, while there may be
/// ten thousand peers.
fn locals(observed: &Observed) -> Vec<IpAddr> {
    let by_routes = observed.paths.iter().filter(|(_, path)| path.local).map(|(address, _)| *address);
    let mut all: Vec<_> = by_routes.chain(observed.addresses.iter().map(|own| own.address.ip())).collect();
    all.sort_unstable();
    all
}

/// The field of a peer.
fn field(place: usize) -> String {
    format!("peers[{place}]")
}

/// The flood list of a tunnel from `local`: one address of each peer, of the tunnel's family.
pub(super) fn settle(wanted: &[Candidate<'_>], local: IpAddr, plan: &mut Plan) -> Result<Vec<Flood>> {
    let mut flood = Vec::with_capacity(wanted.len());
    for peer in wanted {
        // The same choice at every run: a second copy of each frame would reach a peer that is listed twice.
        let address = peer.addresses.iter().filter(|ip| ip.is_ipv4() == local.is_ipv4()).min();
        match (address, peer.asked) {
            (Some(address), _) => flood.push(Flood { address: *address, port: peer.port }),
            (None, Some((place, _))) => {
                let (theirs, ours) = if local.is_ipv4() { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
                let message =
                    format!("`{peer}` is {theirs}, and this host's tunnel is {ours} ({local}); allowed: {ours}");
                return Err(Error::invalid(field(place), message)
                    .hint("use one family for the whole underlay; `underlay` says which of this host's addresses"));
            }
            // The tunnel was moved to the other family: peers of the old one cannot follow.
            (None, None) => {
                plan.warnings.push(format!("peer {peer} is dropped: it is not of the family of {local}"));
            }
        }
    }
    Ok(in_order(flood))
}

/// The peers of a router in a container, one address of each. It carries frames over IPv4 alone (`router/sleeve.go`).
pub(super) fn settle_ipv4(wanted: &[Candidate<'_>], plan: &mut Plan) -> Result<Vec<Flood>> {
    let mut peers = Vec::with_capacity(wanted.len());
    for peer in wanted {
        match (peer.addresses.iter().filter(|ip| ip.is_ipv4()).min(), peer.asked) {
            (Some(address), _) => peers.push(Flood { address: *address, port: peer.port }),
            (None, Some((place, _))) => {
                let message = format!("`{peer}` is IPv6, and a router of kind image carries IPv4 only; allowed: IPv4");
                return Err(Error::invalid(field(place), message)
                    .hint("name the peer by its IPv4 address, or use `kind: vxlan`"));
            }
            (None, None) => {
                plan.warnings.push(format!("peer {peer} is dropped: kind image carries IPv4 only"));
            }
        }
    }
    Ok(in_order(peers))
}

fn in_order(mut flood: Vec<Flood>) -> Vec<Flood> {
    flood.sort_unstable();
    flood.dedup_by_key(|peer| peer.address);
    flood
}
