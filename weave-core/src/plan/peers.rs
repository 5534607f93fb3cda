//! Which peers frames are flooded to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::intent::within;
use super::{Intent, Members, Plan};
use crate::observed::{Flood, Observed, attached_networks};
use crate::spec::{Peer, PeerHost};
use crate::{Error, ErrorKind, Result};

/// A peer as far as it is known before the tunnel's own address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The field that names it; `None` for one that is connected already.
    pub(super) field: Option<String>,
    /// As it was written.
    pub(super) written: String,
    /// Its addresses: one, or what its name resolved to.
    pub(super) addresses: Vec<IpAddr>,
    /// Its port, where it differs from ours.
    pub(super) port: Option<u16>,
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
pub(super) fn wanted(intent: &Intent, observed: &Observed, port: u16) -> Result<Vec<Candidate>> {
    let kept = connected(observed).into_iter().map(|flood| Candidate {
        field: None,
        written: flood.address.to_string(),
        addresses: vec![flood.address],
        port: flood.port.filter(|other| *other != port),
    });
    let overlay = overlay_networks(intent, observed);
    match &intent.peers {
        Members::Leave => Ok(kept.collect()),
        Members::Exact(peers) => candidates(peers, observed, port, &overlay),
        Members::Add(peers) => {
            let added = candidates(peers, observed, port, &overlay)?;
            // A port given anew replaces the one it had.
            let renewed: BTreeSet<&[IpAddr]> = added.iter().map(|new| new.addresses.as_slice()).collect();
            let mut all: Vec<_> = kept.filter(|old| !renewed.contains(old.addresses.as_slice())).collect();
            all.extend(added);
            Ok(all)
        }
        Members::Remove(peers) => {
            let gone: BTreeSet<IpAddr> =
                candidates(peers, observed, port, &[])?.into_iter().flat_map(|peer| peer.addresses).collect();
            Ok(kept.filter(|peer| !gone.contains(&peer.addresses[0])).collect())
        }
    }
}

/// Peers of a tunnel that was lost: a run was interrupted before it had given them to the device, or somebody deleted
/// it. They are still in the guard of its port. The paths to them have to be looked at.
pub fn lost_peers(observed: &Observed) -> Vec<IpAddr> {
    let unfinished = observed.vxlan().is_none_or(|(link, _)| !link.up && observed.flood.is_empty());
    observed.table().filter(|_| unfinished).iter().flat_map(|table| &table.peers).copied().collect()
}

/// The peers there are.
pub(super) fn connected(observed: &Observed) -> Vec<Flood> {
    let lost = lost_peers(observed).into_iter().map(|address| Flood { address, port: None });
    observed.flood.iter().copied().chain(lost).collect()
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

fn candidates(
    peers: &[Peer],
    observed: &Observed,
    port: u16,
    overlay: &[ipnetwork::IpNetwork],
) -> Result<Vec<Candidate>> {
    let mut found: BTreeMap<Vec<IpAddr>, Candidate> = BTreeMap::new();
    for (index, peer) in peers.iter().enumerate() {
        let field = format!("peers[{index}]");
        let addresses = match &peer.host {
            PeerHost::Address(ip) => vec![*ip],
            PeerHost::Name(name) => observed.names.get(name).cloned().unwrap_or_default(),
        };
        if addresses.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, field, format!("`{peer}` cannot be resolved on this host"))
                .hint("give the peer's address, or a name that /etc/hosts or DNS knows here"));
        }
        let own = |ip: &IpAddr| observed.is_own(*ip) || observed.paths.get(ip).is_some_and(|path| path.local);
        if addresses.iter().any(own) {
            continue;
        }
        if let Some((ip, network)) = addresses.iter().find_map(|ip| within(overlay, *ip).map(|network| (ip, network))) {
            let message = format!("{ip} is in {network}, a network of the containers; allowed: an underlay address");
            return Err(Error::invalid(field, message)
                .hint("a tunnel through itself carries nothing: name the peer by its address on the underlay"));
        }
        let port = peer.port.filter(|other| *other != port);
        found.entry(addresses.clone()).or_insert(Candidate {
            field: Some(field),
            written: peer.to_string(),
            addresses,
            port,
        });
    }
    Ok(found.into_values().collect())
}

/// The flood list of a tunnel from `local`: one address of each peer, of the tunnel's family.
pub(super) fn settle(wanted: &[Candidate], local: IpAddr, plan: &mut Plan) -> Result<Vec<Flood>> {
    let mut flood = Vec::with_capacity(wanted.len());
    for peer in wanted {
        // The same choice at every run: a second copy of each frame would reach a peer that is listed twice.
        let address = peer.addresses.iter().filter(|ip| ip.is_ipv4() == local.is_ipv4()).min();
        match (address, &peer.field) {
            (Some(address), _) => flood.push(Flood { address: *address, port: peer.port }),
            (None, Some(field)) => {
                let (theirs, ours) = if local.is_ipv4() { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
                let message = format!(
                    "`{}` is {theirs}, and this host's tunnel is {ours} ({local}); allowed: {ours}",
                    peer.written
                );
                return Err(Error::invalid(field.clone(), message)
                    .hint("use one family for the whole underlay; `underlay` says which of this host's addresses"));
            }
            // The tunnel was moved to the other family: peers of the old one cannot follow.
            (None, None) => {
                plan.warnings.push(format!("peer {} is dropped: it is not of the family of {local}", peer.written));
            }
        }
    }
    flood.sort_unstable();
    flood.dedup_by_key(|peer| peer.address);
    Ok(flood)
}
