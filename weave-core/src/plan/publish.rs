//! Ports of the host that lead to the network: from what is asked for to what the packet filter shall say.

mod hairpin;
mod localnet;
mod taken;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnetwork::IpNetwork;

pub(super) use hairpin::plan as hairpins;
pub(super) use localnet::{before_guard, bridge as localnet, plan as after_guard};

use super::network::{Carrier, Network};
use super::{AttachmentIntent, Intent, Plan, Publications, Publishing, attachment};
use crate::observed::{AttachmentMark, Observed, PublishedPort, Target, TargetProblem, pairs};
use crate::spec::options::Protocol;
use crate::spec::{Cidr, ContainerRef, Destination, Exposure, Publication, Unpublish};
use crate::{Error, ErrorKind, Result};

/// What is published now.
pub(super) fn current(observed: &Observed) -> BTreeSet<PublishedPort> {
    let Some(state) = &observed.firewall else { return BTreeSet::new() };
    state.table.as_ref().map_or_else(|| state.salvaged.clone(), |table| table.publish.clone())
}

/// What shall be published.
///
/// # Errors
/// `NotFound` where there is no bridge, or no address of the host in the target's network; `InvalidSpec` for ports of
/// the router; `Conflict` for a port that is somebody's already; `Unsupported` where the packet filter is left to others.
pub(super) fn resolve(
    (intent, observed): (&Intent, &Observed),
    network: Option<&Network>,
    exposures: &[Exposure],
    plan: &mut Plan,
) -> Result<BTreeSet<PublishedPort>> {
    let current = current(observed);
    let asked = intent.publications.named();
    let Some(network) = network else {
        return if asked.is_empty() {
            Ok(BTreeSet::new())
        } else {
            Err(Error::new(ErrorKind::NotFound, "bridge", "there is no bridge to pass anything on to")
                .hint("run `weave launch` first"))
        };
    };
    if !network.managed() {
        if asked.is_empty() {
            return Ok(BTreeSet::new());
        }
        let message = "published ports need the packet filter, which is left to others on this host";
        return Err(Error::new(ErrorKind::Unsupported, "publish", message)
            .hint("say `firewall: {manage: true}` (`weave launch --firewall`), or redirect the port yourself"));
    }
    let mut wanted = match &intent.publications {
        Publications::Leave | Publications::Add(_) => current.clone(),
        Publications::Remove(gone) => {
            current.iter().filter(|port| !gone.iter().any(|gone| is_meant(gone, port))).cloned().collect()
        }
        Publications::Exact(_) => BTreeSet::new(),
    };
    let context = Context { intent, observed, network, exposures, current: &current };
    for (at, publishing) in asked.iter().enumerate() {
        let field = if context.is_document() { format!("publish[{at}]") } else { String::new() };
        let ports = context.ports(publishing, &field, plan)?;
        // Who publishes one anew takes it over from its former container, in both families.
        wanted.retain(|other| context.is_document() || !takes_over(&publishing.publication, other));
        for port in ports {
            apart(&port, &wanted, &field)?;
            wanted.insert(port);
        }
    }
    wanted.iter().try_for_each(|port| apart_from_router(port, network))?;
    without_exposure(&wanted, exposures, plan);
    // The network of a target may have become another.
    let direct = |port: &PublishedPort| context.exposure(port.to).map(|own| own.ip.network()).or(port.direct);
    Ok(wanted
        .iter()
        .map(|port| PublishedPort { direct: port.direct.and_then(|_| direct(port)), ..port.clone() })
        .collect())
}

/// Whether `gone` names this one. Without an address of the host it names them all.
fn is_meant(gone: &Unpublish, port: &PublishedPort) -> bool {
    gone.host_port == Some(port.host_port)
        && gone.protocol == port.protocol
        && (gone.host_ip.is_none() || gone.host_ip == port.host_ip)
}

/// What the ports are worked out from.
struct Context<'a> {
    intent: &'a Intent,
    observed: &'a Observed,
    network: &'a Network,
    exposures: &'a [Exposure],
    current: &'a BTreeSet<PublishedPort>,
}

impl Context<'_> {
    /// A document concerns the whole host: what stands in the way of one port is told, and stops nothing else. Whoever
    /// asks for one port is refused it.
    fn is_document(&self) -> bool {
        matches!(self.intent.publications, Publications::Exact(_))
    }

    /// One port for each family of addresses in which the container is to be reached.
    fn ports(&self, publishing: &Publishing, field: &str, plan: &mut Plan) -> Result<Vec<PublishedPort>> {
        let publication = &publishing.publication;
        let ports = match (self.targets(publishing), &publication.to) {
            (Ok(ports), _) => ports,
            (Err(error), Destination::Container(container)) if self.is_document() => {
                if self.intent.only_running && is_away(container, self.observed) {
                    let what = format!("{publication}: {}", error.message());
                    plan.warnings.push(format!("{what}; the port leads there once a run finds its addresses"));
                } else {
                    plan.problems.push((container.clone(), at(error, field)));
                }
                return Ok(self.kept(publication, container));
            }
            // It was in reach, and has the way again as soon as the host has an address there.
            (Err(_), Destination::Address(_)) if self.standing(publication).is_some() => {
                self.standing(publication).cloned().into_iter().collect()
            }
            (Err(error), _) => return Err(at(error, field)),
        };
        let mut free = Vec::new();
        for port in ports {
            apart_from_router(&port, self.network)?;
            // Of one that is weave's already, address and masquerading may change under a listener that has lost it.
            let new = !self.current.iter().any(|own| own.is_same_port(&port));
            match taken::by_whom(self.observed, &port) {
                Some(taken) if new && self.is_document() => plan.warnings.push(format!("{taken}; it is not published")),
                Some(taken) if new => {
                    return Err(Error::new(ErrorKind::Conflict, "host_port", format!("{taken}; allowed: a free port"))
                        .hint(
                            "stop that program, publish on another address of the host (`--host-ip`), or another port",
                        ));
                }
                taken => {
                    plan.warnings.extend(taken.map(|taken| format!("{taken}, and is reached from nowhere any more")));
                    self.is_passed_on(&port, new, plan)?;
                    free.push(port);
                }
            }
        }
        if let Some(ip) = publication.host_ip.filter(|ip| !ip.is_loopback() && !self.observed.is_own(*ip)) {
            plan.warnings.push(format!("{publication}: {ip} is no address of this host, yet"));
        }
        Ok(free)
    }

    /// What a container is published as that nobody finds: it is known by its name alone and may come back, so until then
    /// the port stays as it is, unless that would show the world another container.
    fn kept(&self, publication: &Publication, container: &ContainerRef) -> Vec<PublishedPort> {
        let own = |mark: &AttachmentMark| match container {
            ContainerRef::Container(name) => **name == mark.name || !mark.id.is_empty() && name.starts_with(&mark.id),
            _ => mark.container() == *container,
        };
        let others = pairs(self.observed).filter(|(_, mark, other)| *other != container && !own(mark));
        let mut taken: BTreeSet<IpAddr> =
            others.flat_map(|(pair, ..)| pair.net.addresses_of(pair.inner.index)).map(|ip| ip.ip()).collect();
        let wishes = self.intent.attachments.iter().filter(|wish| wish.container() != container);
        taken.extend(wishes.flat_map(attachment_ips).map(|ip| ip.ip()));
        let stays = |port: &&PublishedPort| is_of(publication, port) && !taken.contains(&port.to);
        self.current.iter().filter(stays).cloned().collect()
    }

    /// The same, as it is published now.
    fn standing(&self, publication: &Publication) -> Option<&PublishedPort> {
        self.current.iter().find(|port| Publication::from(*port) == *publication)
    }

    /// Where the packets go: of each family the address that this host has a network in common with.
    fn targets(&self, publishing: &Publishing) -> Result<Vec<PublishedPort>> {
        let publication = &publishing.publication;
        let addresses = self.addresses(publishing)?;
        let family = publication.host_ip.map(|ip| ip.is_ipv4());
        let in_reach = |v4: bool| {
            let of_family = addresses.iter().filter(move |ip| ip.is_ipv4() == v4);
            let mut reached = of_family.filter_map(|ip| Some((*ip, self.exposure(*ip)?)));
            reached.next().filter(|_| family.is_none_or(|family| family == v4))
        };
        let ports: Vec<PublishedPort> = [true, false]
            .into_iter()
            .filter_map(in_reach)
            .map(|(to, exposure)| PublishedPort {
                host_port: publication.host_port,
                protocol: publication.protocol,
                host_ip: publication.host_ip,
                to,
                port: publication.port,
                direct: (!publication.masquerade).then(|| exposure.ip.network()),
            })
            .collect();
        if let Some(port) = ports.iter().find(|port| self.exposures.iter().any(|own| own.ip.ip() == port.to)) {
            let message = format!("{} is this host's own address; allowed: that of a container", port.to);
            return Err(Error::invalid("to", message));
        }
        let nobody = |port: &&PublishedPort| self.exposure(port.to).is_some_and(|own| is_no_host(port.to, own));
        if let Some(port) = ports.iter().find(nobody) {
            let message =
                format!("{} is the network's own or everybody's; allowed: the address of a container", port.to);
            return Err(Error::invalid("to", message));
        }
        if ports.is_empty() {
            return Err(self.out_of_reach(publication, &addresses));
        }
        Ok(ports)
    }

    fn out_of_reach(&self, publication: &Publication, addresses: &[IpAddr]) -> Error {
        let fits = |ip: &&IpAddr| publication.host_ip.is_none_or(|host| host.is_ipv4() == ip.is_ipv4());
        let Some(ip) = addresses.iter().find(fits) else {
            let (to, other) = match publication.host_ip {
                Some(IpAddr::V6(_)) => ("IPv6", "IPv4"),
                _ => ("IPv4", "IPv6"),
            };
            let message = format!("{} has no {to} address; allowed: an {other} address of the host", publication.to);
            return Error::invalid("host_ip", message);
        };
        let message = format!("this host has no address in the network of {ip}, so it cannot pass anything on to it");
        let hint = "give the host one: `weave expose ADDRESS/LENGTH` (`expose:` in a document)";
        Error::new(ErrorKind::NotFound, "to", message).hint(hint)
    }

    /// The addresses of where it leads: as somebody wants them to be, or as they are.
    fn addresses(&self, publishing: &Publishing) -> Result<Vec<IpAddr>> {
        let container = match &publishing.publication.to {
            Destination::Address(ip) => return Ok(vec![*ip]),
            Destination::Container(container) => container,
        };
        let wishes = self.intent.attachments.iter().filter(|wish| wish.container() == container);
        let wished: Vec<IpAddr> = wishes.flat_map(attachment_ips).map(|ip| ip.ip()).collect();
        let known = [wished, publishing.addresses.clone()].into_iter().find(|ips| !ips.is_empty());
        known.map_or_else(|| self.attached(container), Ok)
    }

    fn attached(&self, container: &ContainerRef) -> Result<Vec<IpAddr>> {
        let net = match self.observed.targets.get(container) {
            Some(Target::Found(net)) => net,
            Some(Target::Problem(problem)) => return Err(attachment::trouble(container, problem)),
            None => return Err(attachment::trouble(container, &TargetProblem::Missing)),
        };
        let own = pairs(self.observed).filter(|(pair, ..)| pair.net.netns == net.netns);
        let ips = own.flat_map(|(pair, ..)| pair.net.addresses_of(pair.inner.index)).map(|ip| ip.ip());
        let ips: Vec<IpAddr> = ips.collect();
        if ips.is_empty() {
            let message = format!("{container} has no address on the network");
            return Err(Error::new(ErrorKind::NotFound, "to", message)
                .hint(format!("give it one first: `weave attach ADDRESS/LENGTH {container}`")));
        }
        Ok(ips)
    }

    /// The exposure in whose network `ip` is; the narrowest.
    fn exposure(&self, ip: IpAddr) -> Option<&Exposure> {
        let near = self.exposures.iter().filter(|exposure| exposure.ip.network().contains(ip));
        near.max_by_key(|exposure| exposure.ip.prefix())
    }

    /// The host has to pass packets on for what comes from elsewhere. Whether it does is not weave's to decide: it
    /// concerns every link of the host, and with IPv6 it takes router advertisements from it.
    fn is_passed_on(&self, port: &PublishedPort, new: bool, plan: &mut Plan) -> Result<()> {
        let Some(state) = &self.observed.firewall else { return Ok(()) };
        let (on, key) = match port.to {
            IpAddr::V4(_) => (state.forwards_v4, "net.ipv4.ip_forward"),
            IpAddr::V6(_) => (state.forwards_v6, "net.ipv6.conf.all.forwarding"),
        };
        if on != Some(false) || port.host_ip.is_some_and(|ip| ip.is_loopback()) {
            return Ok(());
        }
        let message = format!("{key} is 0, so a published port is reached from this host alone");
        if new && !self.is_document() {
            return Err(Error::new(ErrorKind::Unsupported, "publish", message).hint(format!("`sysctl -w {key}=1`")));
        }
        let warning = format!("{message}: `sysctl -w {key}=1`");
        if !plan.warnings.contains(&warning) {
            plan.warnings.push(warning);
        }
        Ok(())
    }
}

/// The error with the place in the document, where there is one.
fn at(error: Error, field: &str) -> Error {
    if field.is_empty() { error } else { error.within(field) }
}

/// Whether it is a port that `publication` speaks of.
fn is_of(publication: &Publication, port: &PublishedPort) -> bool {
    (publication.host_port, publication.protocol, publication.host_ip) == (port.host_port, port.protocol, port.host_ip)
}

/// Whether `publication` has the port from now on, whoever had it: a container's name stands for both families.
fn takes_over(publication: &Publication, port: &PublishedPort) -> bool {
    let family = match publication.to {
        Destination::Address(ip) => ip.is_ipv4() == port.to.is_ipv4(),
        Destination::Container(_) => true,
    };
    is_of(publication, port) && family
}

/// Whether `ip` is the network address or the broadcast address of an exposed network.
fn is_no_host(ip: IpAddr, exposure: &Exposure) -> bool {
    match (ip, exposure.ip.network()) {
        (IpAddr::V4(ip), IpNetwork::V4(network)) => {
            network.prefix() < 31 && (ip == network.network() || ip == network.broadcast())
        }
        // The first address of an IPv6 network is anycast to its routers (RFC 4291).
        (IpAddr::V6(ip), IpNetwork::V6(network)) => network.prefix() < 127 && ip == network.network(),
        _ => false,
    }
}

/// The addresses that somebody wants a container to have.
fn attachment_ips(wish: &AttachmentIntent) -> &[Cidr] {
    match wish {
        AttachmentIntent::Add(attach) | AttachmentIntent::Exact(attach) => attach.ips.as_slice(),
        AttachmentIntent::Remove(_) => &[],
    }
}

/// Whether a container has no addresses now because it does not run, or nobody can be asked whether it does.
fn is_away(container: &ContainerRef, observed: &Observed) -> bool {
    use TargetProblem::{Engine, Missing, NotRunning};
    matches!(observed.targets.get(container), None | Some(Target::Problem(Missing | NotRunning(_) | Engine(_))))
}

/// Refuses what comes in where something else does.
fn apart(port: &PublishedPort, others: &BTreeSet<PublishedPort>, field: &str) -> Result<()> {
    let own = Publication::from(port);
    let Some(other) = others.iter().map(Publication::from).find(|other| *other != own && other.clashes(&own)) else {
        return Ok(());
    };
    let message = format!("port {} of the host is published already ({other}); allowed: a free one", own.host_side());
    let hint = format!("take it back first: `weave unpublish {}`", other.host_port);
    Err(at(Error::new(ErrorKind::Conflict, "host_port", message).hint(hint), field))
}

/// The router's own ports are never redirected: no peer would be heard any more.
fn apart_from_router(port: &PublishedPort, network: &Network) -> Result<()> {
    let ports = match &network.carrier {
        None => Vec::new(),
        Some(Carrier::Tunnel(tunnel)) => vec![(Protocol::Udp, tunnel.port)],
        Some(Carrier::Classic(router)) => {
            let (port, control) = (router.mark.port, router.mark.control);
            vec![
                (Protocol::Tcp, port),
                (Protocol::Udp, port),
                (Protocol::Udp, port.saturating_add(1)),
                (Protocol::Tcp, control),
            ]
        }
    };
    if !ports.contains(&(port.protocol, port.host_port)) {
        return Ok(());
    }
    let message = format!("{} is the router's own port; allowed: another", Publication::from(port).host_side());
    Err(Error::invalid("host_port", message))
}

/// Tells of published ports that lead nowhere, since the host has lost its address in the network.
fn without_exposure(wanted: &BTreeSet<PublishedPort>, exposures: &[Exposure], plan: &mut Plan) {
    let lost = wanted.iter().filter(|port| !exposures.iter().any(|own| own.ip.network().contains(port.to)));
    plan.warnings.extend(lost.map(|port| {
        let publication = Publication::from(port);
        format!("{publication} is published, and this host has no address in the network of {}", port.to)
    }));
}

/// As it is told: each in its short form.
pub(super) fn in_words(ports: &BTreeSet<PublishedPort>) -> Vec<String> {
    ports.iter().map(|port| Publication::from(port).to_string()).collect()
}
