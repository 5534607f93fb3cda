//! The addresses of a fleet: each once, and in networks that fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::check::Problem;
use super::{Fleet, FleetContainer};
use crate::spec::{Cidr, ContainerRef, Ensure, IpRequest, PeerHost, Subnet};

/// An address of the overlay and who has it.
struct Claim<'a> {
    ip: Cidr,
    /// The key of its owner, such as `containers.web`.
    owner: String,
    /// The key of the address, such as `containers.web.ips[0]`.
    path: String,
    container: Option<(&'a ContainerRef, &'a FleetContainer)>,
}

/// What is wrong with the addresses of `fleet`.
pub(super) fn problems(fleet: &Fleet) -> Vec<Problem> {
    let claims = claims(fleet);
    let mut problems = Vec::new();
    subnets(fleet, &mut problems);
    let mut taken: BTreeMap<IpAddr, &Claim> = BTreeMap::new();
    let broadcasts = broadcasts(&claims);
    for claim in &claims {
        let ip = claim.ip;
        match taken.get(&ip.ip()) {
            // What a container has twice is said of the container.
            Some(other) if other.owner == claim.owner && claim.container.is_some() => {}
            Some(other) => problems.push(Problem::error(
                &claim.path,
                format!("{ip} is given to {} too; allowed: each address once", other.owner),
            )),
            None => {
                taken.insert(ip.ip(), claim);
            }
        }
        if let Some(other) = broadcasts.get(&ip.ip()) {
            let message = format!("{ip} is the broadcast address of {} of {}", other.ip.network(), other.owner);
            problems.push(Problem::error(&claim.path, format!("{message}; allowed: another address")));
        }
        if ip.is_network_address() {
            let message = format!("{ip} is the address of its network itself");
            let advice = "Linux carries it, other systems may take it for the broadcast; better: one behind it";
            problems.push(Problem::warning(&claim.path, format!("{message}: {advice}")));
        }
        if !fleet.subnets.is_empty() && !fleet.subnets.iter().any(|subnet| subnet.takes_in(Subnet(ip.network()))) {
            let subnets: Vec<_> = fleet.subnets.iter().map(ToString::to_string).collect();
            let message = format!("{ip} is outside of the subnets; allowed: addresses in {}", subnets.join(", "));
            problems.push(Problem::error(&claim.path, message));
        }
    }
    requests(fleet, &mut problems);
    one_way(&claims, &mut problems);
    underlay(fleet, &claims, &mut problems);
    problems
}

/// Every address that somebody shall have, hosts before containers.
fn claims(fleet: &Fleet) -> Vec<Claim<'_>> {
    let mut claims = Vec::new();
    for (name, host) in &fleet.hosts {
        if fleet.ensure_of(host) != Ensure::Present {
            continue;
        }
        let owner = format!("hosts.{name}");
        for (index, ip) in host.weave_ips().iter().enumerate() {
            let path = format!("{owner}.weave_ip[{index}]");
            claims.push(Claim { ip: *ip, owner: owner.clone(), path, container: None });
        }
    }
    for (container, own) in &fleet.containers.0 {
        if !own.ensure.or(fleet.defaults.ensure).unwrap_or_default().is_there() {
            continue;
        }
        let owner = format!("containers.{container}");
        for (index, ip) in own.ips.iter().flatten().enumerate() {
            let path = format!("{owner}.ips[{index}]");
            claims.push(Claim { ip: *ip, owner: owner.clone(), path, container: Some((container, own)) });
        }
    }
    claims
}

/// Networks that addresses are asked from, and that are none of the fleet's.
fn requests(fleet: &Fleet, problems: &mut Vec<Problem>) {
    if fleet.subnets.is_empty() {
        return;
    }
    for (container, own) in &fleet.containers.0 {
        let Some(ips) = &own.ips else { continue };
        for (index, request) in ips.requests.iter().enumerate() {
            let IpRequest::Within(network) = request else { continue };
            if !fleet.subnets.iter().any(|subnet| subnet.takes_in(Subnet(*network))) {
                let subnets: Vec<_> = fleet.subnets.iter().map(ToString::to_string).collect();
                let path = format!("containers.{container}.ips[{}]", ips.addresses.len() + index);
                let message =
                    format!("{request} is outside of the subnets; allowed: networks in {}", subnets.join(", "));
                problems.push(Problem::error(path, message));
            }
        }
    }
}

/// The broadcast addresses of all networks, each with one who is in the network.
fn broadcasts<'a, 'b>(claims: &'a [Claim<'b>]) -> BTreeMap<IpAddr, &'a Claim<'b>> {
    let with_broadcast = claims.iter().filter(|claim| claim.ip.is_ipv4() && claim.ip.prefix() < 31);
    with_broadcast.map(|claim| (claim.ip.network().broadcast(), claim)).collect()
}

/// Subnets that say nothing new.
fn subnets(fleet: &Fleet, problems: &mut Vec<Problem>) {
    for (index, subnet) in fleet.subnets.iter().enumerate() {
        let other = fleet
            .subnets
            .iter()
            .enumerate()
            .find(|(at, other)| *at != index && other.takes_in(*subnet) && (other != &subnet || *at < index));
        if let Some((_, other)) = other {
            let message = format!("{subnet} lies inside {other}, which is named too: one of them says nothing");
            problems.push(Problem::warning(format!("subnets[{index}]"), message));
        }
    }
}

/// Containers in a wide network who take those of a narrow one inside it for neighbours, and get no answer from them.
///
/// The wide networks of hosts are left alone: that a host's `/16` takes in the `/24`s of its containers has been the
/// usual plan since 2014, and its containers answer it through their engine's own network.
fn one_way(claims: &[Claim], problems: &mut Vec<Problem>) {
    let mut networks: BTreeMap<IpNetwork, Vec<&Claim>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.container.is_some()) {
        networks.entry(claim.ip.network()).or_default().push(claim);
    }
    let members: BTreeSet<(&str, IpNetwork)> =
        claims.iter().map(|claim| (claim.owner.as_str(), claim.ip.network())).collect();
    for (narrow, inner) in &networks {
        for prefix in 1..narrow.prefix() {
            let wider = IpNetwork::new(narrow.ip(), prefix).map(crate::spec::network_of);
            let Some((wide, outer)) = wider.ok().and_then(|wider| networks.get_key_value(&wider)) else { continue };
            let strangers = || {
                let outside = outer.iter().filter(|claim| !narrow.contains(claim.ip.ip()));
                outside.filter(|claim| !members.contains(&(claim.owner.as_str(), *narrow)))
            };
            let mut pairs = inner
                .iter()
                .filter(|claim| !members.contains(&(claim.owner.as_str(), *wide)))
                .filter_map(|claim| Some((claim, strangers().find(|other| !claim.has_way_to(other.ip.ip()))?)));
            if let Some((claim, other)) = pairs.next() {
                let message = format!(
                    "{} has no way back to {} of {}, which takes it for a neighbour in {wide}",
                    claim.ip, other.ip, other.owner
                );
                let better = "better: one prefix length for both, or a `gateway` or route";
                problems.push(Problem::warning(&claim.path, format!("{message}; {better}")));
            }
        }
    }
}

impl Claim<'_> {
    /// Whether the container is told a way to `ip` besides its networks.
    fn has_way_to(&self, ip: IpAddr) -> bool {
        let Some((_, own)) = self.container else { return true };
        own.gateway.is_some_and(|gateway| gateway.is_ipv4() == ip.is_ipv4())
            || own.routes.iter().flatten().any(|route| route.to.contains(ip))
    }
}

/// Peers whose frames would have to go through the tunnel that they make up.
fn underlay(fleet: &Fleet, claims: &[Claim], problems: &mut Vec<Problem>) {
    let mut networks: BTreeMap<IpNetwork, String> = BTreeMap::new();
    for claim in claims {
        networks.entry(claim.ip.network()).or_insert_with(|| format!("of {}", claim.owner));
    }
    for subnet in &fleet.subnets {
        networks.entry(subnet.0).or_insert_with(|| "of the subnets".to_owned());
    }
    let hosts =
        fleet.hosts.iter().filter_map(|(name, host)| Some((format!("hosts.{name}.address"), host.address.as_ref()?)));
    let others = fleet.peers.iter().enumerate().map(|(index, peer)| (format!("peers[{index}]"), peer));
    for (path, peer) in hosts.chain(others) {
        let PeerHost::Address(ip) = peer.host else { continue };
        if let Some((network, whose)) = networks.iter().find(|(network, _)| network.contains(ip)) {
            let message = format!("{ip} is in the overlay's own network {network} {whose}");
            problems.push(Problem::error(path, format!("{message}; allowed: an address that needs no tunnel")));
        }
    }
}
