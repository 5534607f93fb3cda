//! Which of the host's addresses the tunnel is bound to.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Plan;
use super::peers::Candidate;
use crate::observed::{LinkKind, Observed};
use crate::spec::Underlay;
use crate::{Error, ErrorKind, Result};

/// Chooses it. What was chosen once stays, as long as the host has the address and the peers can be reached from it. An
/// address may be away for a moment, as when what gave it to the host starts anew: it is taken again when it is back.
pub(super) fn choose(
    underlay: Option<&Underlay>,
    peers: &[Candidate<'_>],
    observed: &Observed,
    plan: &mut Plan,
) -> Result<IpAddr> {
    match underlay.unwrap_or(&Underlay::Auto) {
        Underlay::Auto => automatic(peers, observed, plan),
        Underlay::Address(ip) if observed.is_own(*ip) => Ok(*ip),
        Underlay::Address(ip) => Err(not_here(&ip.to_string(), observed)),
        Underlay::Interface(name) => {
            let link = observed.link(name.as_str()).ok_or_else(|| {
                let known: Vec<&str> = observed.links.iter().map(|link| link.name.as_str()).collect();
                let error = Error::invalid(
                    "underlay",
                    format!("no interface `{name}` is on this host; allowed: {}", known.join(", ")),
                );
                match crate::spec::nearest(name.as_str(), &known) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                }
            })?;
            best(observed.addresses_of(link.index).map(|address| address.ip()).collect(), peers)
                .ok_or_else(|| Error::invalid("underlay", format!("interface `{name}` has no address")))
        }
        Underlay::Network(network) => {
            let here = observed.addresses.iter().map(|address| address.address.ip());
            best(here.filter(|ip| network.contains(*ip)).collect(), peers)
                .ok_or_else(|| not_here(&network.to_string(), observed))
        }
    }
}

fn not_here(wanted: &str, observed: &Observed) -> Error {
    let own: Vec<String> = candidates(observed).iter().map(ToString::to_string).collect();
    Error::invalid("underlay", format!("this host has no address {wanted}; allowed: {}", own.join(", ")))
}

/// What the bridge is to remember beside a tunnel from `local`: the address that it would have, had the host not lost it.
/// Others know this host by that one, and let nothing in that comes from another.
pub(super) fn left(underlay: Option<&Underlay>, local: IpAddr, observed: &Observed) -> Option<IpAddr> {
    if !matches!(underlay, None | Some(Underlay::Auto)) {
        return None;
    }
    let gone = current(observed).filter(|current| !observed.is_own(*current));
    lost(observed).or(gone).filter(|left| *left != local)
}

/// The address that the tunnel has.
fn current(observed: &Observed) -> Option<IpAddr> {
    observed.vxlan().and_then(|(_, info)| info.local)
}

/// The one that it had before the host lost that.
fn lost(observed: &Observed) -> Option<IpAddr> {
    observed.bridge().and_then(|(.., mark)| mark.left)
}

/// Of several, the first of the family of the peers.
fn best(mut addresses: Vec<IpAddr>, peers: &[Candidate<'_>]) -> Option<IpAddr> {
    let fits = |local: &IpAddr| !peers.iter().any(|peer| !reaches(*local, peer));
    addresses.sort_unstable();
    addresses.iter().find(|ip| fits(ip)).or_else(|| addresses.first()).copied()
}

fn reaches(local: IpAddr, peer: &Candidate<'_>) -> bool {
    peer.addresses.iter().any(|ip| ip.is_ipv4() == local.is_ipv4())
}

fn automatic(peers: &[Candidate<'_>], observed: &Observed, plan: &mut Plan) -> Result<IpAddr> {
    for local in lost(observed).into_iter().chain(current(observed)).filter(|local| observed.is_own(*local)) {
        // A new peer of the other family is wrong here; it does not move the tunnel away from the peers it has.
        let connected = peers.iter().any(|peer| peer.asked.is_none() && reaches(local, peer));
        if connected || peers.iter().all(|peer| reaches(local, peer)) {
            return Ok(local);
        }
    }
    let mut votes: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for peer in peers {
        for source in peer.addresses.iter().filter_map(|ip| observed.paths.get(ip)?.source) {
            *votes.entry(source).or_default() += 1;
        }
    }
    // A dual-stack peer votes for both families: only those that reach everybody count, if there are any.
    if votes.keys().any(|local| peers.iter().all(|peer| reaches(*local, peer))) {
        votes.retain(|local, _| peers.iter().all(|peer| reaches(*local, peer)));
    }
    if let Some((chosen, _)) = votes.iter().max_by_key(|(local, count)| (**count, std::cmp::Reverse(**local))) {
        // That peers could be reached over the other family, too, leaves no doubt about the way.
        let others = votes.keys().filter(|local| *local != chosen && local.is_ipv4() == chosen.is_ipv4());
        let others: Vec<String> = others.map(ToString::to_string).collect();
        if !others.is_empty() {
            plan.warnings.push(format!(
                "the tunnel uses {chosen}; routes to some peers would also suggest {}: say `underlay` to choose",
                others.join(", ")
            ));
        }
        return Ok(*chosen);
    }
    without_peers(observed)
}

/// The address that the default route leaves from, or the only one there is.
fn without_peers(observed: &Observed) -> Result<IpAddr> {
    let mut defaults: Vec<_> = observed.routes.iter().filter(|route| route.to.prefix() == 0).collect();
    defaults.sort_by_key(|route| (!route.to.is_ipv4(), route.metric));
    for route in defaults {
        let own = observed.addresses_of(route.ifindex).map(|address| address.ip());
        let source = route.source.or_else(|| own.filter(|ip| ip.is_ipv4() == route.to.is_ipv4()).min());
        if let Some(source) = source {
            return Ok(source);
        }
    }
    let candidates = candidates(observed);
    let ipv4: Vec<_> = candidates.iter().filter(|ip| ip.is_ipv4()).collect();
    match (ipv4.as_slice(), candidates.as_slice()) {
        ([only], _) => Ok(**only),
        ([], [only]) => Ok(*only),
        (_, []) => Err(Error::new(ErrorKind::NotFound, "underlay", "this host has no address for a tunnel")
            .hint("give the host an address, or say which with `underlay`")),
        (_, several) => {
            let list: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Error::invalid("underlay", format!("several addresses would do; allowed: one of {}", list.join(", ")))
                .hint("name a peer, or say `underlay`: an address, an interface, or a network"))
        }
    }
}

/// Addresses of the host that a tunnel could be bound to: not of loopback, bridges, or container ends.
fn candidates(observed: &Observed) -> Vec<IpAddr> {
    let usable = |index: u32| {
        observed
            .link_at(index)
            .is_some_and(|link| link.name != "lo" && link.mark().is_none() && !matches!(link.kind, LinkKind::Bridge(_)))
    };
    let mut own: Vec<IpAddr> = observed
        .addresses
        .iter()
        .filter(|address| usable(address.ifindex))
        .map(|address| address.address.ip())
        .collect();
    own.sort_unstable();
    own
}
