//! Addresses of the host itself on the bridge.

use std::collections::BTreeSet;

use ipnetwork::IpNetwork;

use super::attachment::{self, Books};
use super::network::{Network, room_for_ipv6};
use super::router::keep_setting;
use super::{Change, Intent, Members, Place, Plan, Step};
use crate::observed::{Observed, Target, pairs};
use crate::spec::{Cidr, Exposure};
use crate::{Error, ErrorKind, Result, names};

/// The exposures that shall be there.
pub(super) fn resolve(intent: &Intent, observed: &Observed, network: Option<&Network>) -> Result<Vec<Exposure>> {
    let Some(network) = network else {
        return match &intent.exposures {
            Members::Add(_) => {
                Err(Error::new(ErrorKind::NotFound, "bridge", "there is no bridge to give an address to")
                    .hint("run `weave launch` first"))
            }
            _ => Ok(Vec::new()),
        };
    };
    let current = current(observed);
    let wanted = match &intent.exposures {
        Members::Leave => current,
        Members::Exact(exposures) => exposures.clone(),
        Members::Add(added) => {
            let mut all: Vec<_> = current.into_iter().filter(|old| !added.iter().any(|new| new.ip == old.ip)).collect();
            all.extend(added);
            all
        }
        Members::Remove(gone) => {
            if let Some((other, asked)) = gone.iter().find_map(|gone| {
                current.iter().find(|old| old.ip.ip() == gone.ip.ip() && old.ip != gone.ip).map(|old| (old, gone))
            }) {
                let message = format!("{} is not exposed; allowed: {}, as it is", asked.ip, other.ip);
                return Err(Error::invalid("ips", message));
            }
            current.into_iter().filter(|old| !gone.iter().any(|gone| gone.ip == old.ip)).collect()
        }
    };
    for exposure in intent.exposed() {
        check(exposure, observed, network)?;
        apart_from_containers(exposure, intent, observed)?;
    }
    if let Some(exposure) = wanted.iter().find(|exposure| !exposure.ip.is_ipv4()) {
        room_for_ipv6(network.mtu, &format!("the exposure {}", exposure.ip))?;
    }
    Ok(wanted)
}

/// An exposure makes a route on the host: it must not catch the packets of the tunnel itself.
fn check(exposure: &Exposure, observed: &Observed, network: &Network) -> Result<()> {
    let subnet = exposure.ip.network();
    if let Some(carrier) = &network.carrier {
        let peers = carrier.peers().iter().map(|peer| peer.address);
        let caught = carrier.local().into_iter().chain(peers).find(|address| subnet.contains(*address));
        if let Some(address) = caught {
            let message =
                format!("{} takes in {address} of the underlay; allowed: a network apart from it", exposure.ip);
            return Err(Error::invalid("expose", message).hint("the host would send the tunnel into itself"));
        }
    }
    let bridge = observed.link(&network.bridge).map(|link| link.index);
    let elsewhere = observed
        .addresses
        .iter()
        .find(|address| address.address.ip() == exposure.ip.ip() && Some(address.ifindex) != bridge);
    if let Some(address) = elsewhere {
        let link = observed.link_at(address.ifindex).map_or("another link", |link| link.name.as_str());
        let message = format!("{} is this host's address on {link} already", exposure.ip);
        return Err(Error::new(ErrorKind::Conflict, "expose", message));
    }
    Ok(())
}

/// Refuses a new exposure of an address that a container of this host has, and keeps.
fn apart_from_containers(exposure: &Exposure, intent: &Intent, observed: &Observed) -> Result<()> {
    let ip = exposure.ip.ip();
    if current(observed).iter().any(|old| old.ip.ip() == ip) {
        return Ok(());
    }
    // What a document says of a container has been compared with its exposures already.
    let named: Vec<_> = intent
        .attachments
        .iter()
        .filter_map(|wish| match observed.targets.get(wish.container()) {
            Some(Target::Found(net)) => Some((net.netns, wish.interface())),
            _ => None,
        })
        .collect();
    let owner = pairs(observed).find(|(pair, mark, _)| {
        let has_it = pair.net.addresses_of(pair.inner.index).any(|other| other.ip() == ip);
        has_it && !named.contains(&(pair.net.netns, &*mark.interface))
    });
    let Some((_, _, container)) = owner else { return Ok(()) };
    let message = format!("{} is the address of container {container} on this host; allowed: another", exposure.ip);
    Err(Error::new(ErrorKind::Conflict, "expose", message))
}

/// What is exposed now. Where weave has no packet filter to tell what is masqueraded, the bridge does.
pub(super) fn current(observed: &Observed) -> Vec<Exposure> {
    let Some((bridge, _, mark)) = observed.bridge() else { return Vec::new() };
    let masqueraded = |network: IpNetwork| match observed.table().filter(|_| !mark.firewall_unmanaged) {
        Some(table) => table.masquerade.contains(&network),
        None => !mark.direct.contains(&network),
    };
    let exposed = observed.addresses_of(bridge.index);
    exposed.map(|ip| Exposure { ip, masquerade: masqueraded(ip.network()) }).collect()
}

/// Writes on the bridge what shall not be masqueraded: for a packet filter that is given away, or lost.
pub(super) fn remember(intent: &Intent, observed: &Observed, exposures: &[Exposure], network: &mut Network) {
    let was_managed = observed.bridge().is_some_and(|(.., mark)| !mark.firewall_unmanaged);
    if intent.exposures == Members::Leave && (!was_managed || network.managed()) {
        return;
    }
    let masqueraded = masquerade(exposures);
    let networks = exposures.iter().map(|exposure| exposure.ip.network());
    network.mark.direct = networks.filter(|network| !masqueraded.contains(network)).collect();
}

/// Networks that shall be masqueraded.
pub(super) fn masquerade(exposures: &[Exposure]) -> BTreeSet<IpNetwork> {
    exposures.iter().filter(|exposure| exposure.masquerade).map(|exposure| exposure.ip.network()).collect()
}

/// Without an IPv6 exposure the host's end of the network has no IPv6 at all, not even a link-local address.
pub(super) fn needs_ipv6(exposures: &[Exposure]) -> bool {
    exposures.iter().any(|exposure| !exposure.ip.is_ipv4())
}

/// Steps and changes for the bridge's addresses.
///
/// # Errors
/// `Conflict` where the router's books say that a container has one of them.
pub(super) fn plan(
    (intent, observed): (&Intent, &Observed),
    network: &Network,
    wanted: &[Exposure],
    plan: &mut Plan,
) -> Result<()> {
    let before: BTreeSet<Cidr> = current(observed).iter().map(|exposure| exposure.ip).collect();
    let after: BTreeSet<Cidr> = wanted.iter().map(|exposure| exposure.ip).collect();
    let link = &network.bridge;
    let existing = observed.bridge().map(|(link, ..)| link);
    let place = Place::Host;
    let books = network.classic().and_then(|router| Books::to_come(intent, &router.mark, observed));
    // Whoever speaks of neither router nor exposures leaves them alone.
    let books = books.filter(|_| !network.as_it_is || intent.exposures != Members::Leave);
    let attachment::Told { claims, releases, warning } = match books {
        Some(books) => {
            // All that are not wanted, for a run may have been interrupted before it gave them back.
            let gone =
                books.held(names::EXPOSE).into_iter().filter(|ip| !after.iter().any(|other| other.ip() == ip.ip()));
            let gone = gone.collect();
            attachment::tell(books, (names::EXPOSE, observed), &after, &gone)?
        }
        None => attachment::Told::default(),
    };
    plan.warnings.extend(warning);
    if before == after && !(claims.is_empty() && releases.is_empty()) {
        let held = books.map(|books| books.held(names::EXPOSE));
        plan.change(Change::new("expose", "claimed", held, &after));
    }
    plan.base.extend(claims);
    for address in before.difference(&after) {
        plan.base.push(Step::DeleteAddress { place: place.clone(), link: link.clone(), address: *address });
    }
    if let Some(link) = existing {
        let disabled = i32::from(!needs_ipv6(wanted));
        keep_setting(link, network.mtu, ("disable_ipv6", disabled), plan);
    }
    let new: Vec<Cidr> = after.difference(&before).copied().collect();
    for address in &new {
        plan.base.push(Step::AddAddress { place: place.clone(), link: link.clone(), address: *address });
    }
    if !new.is_empty() {
        let addresses = new.iter().map(Cidr::ip).collect();
        plan.base.push(Step::Announce { place, link: link.clone(), addresses });
    }
    plan.base.extend(releases);
    if before != after {
        plan.change(Change::new("expose", "expose", &before, &after));
    }
    for address in new {
        for route in observed.overlapping(address.network(), existing.map(|link| link.index)) {
            let through = observed.link_at(route.ifindex).map_or("another link", |link| link.name.as_str());
            plan.warnings.push(format!("{address} overlaps the route to {} through {through}", route.to));
        }
    }
    Ok(())
}
