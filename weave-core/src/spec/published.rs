//! Ports of a host that containers publish: each can be had by one of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::options::{PortRange, Publish};
use super::run::RunState;
use super::{Attached, ContainerRef, Publication};
use crate::Error;

/// A port of the host, and who wants it.
struct Claim<'a> {
    container: &'a ContainerRef,
    publish: &'a Publish,
    ports: PortRange,
}

/// An error for each container of one host that publishes what one before it publishes already.
///
/// Containers that shall not run need no port yet. `published` are those that lead to the network, which nobody else has.
pub(super) fn taken_twice<'a>(
    containers: impl Iterator<Item = (&'a ContainerRef, &'a Attached)>,
    published: &[Publication],
) -> Vec<Error> {
    let mut claims: Vec<Claim<'a>> = Vec::new();
    let mut errors = Vec::new();
    for (container, attached) in containers {
        let own = claims_of(container, attached);
        for claim in &own {
            let other = claims.iter().find(|other| claim.clashes(other));
            errors.extend(other.map(|other| claim.refused(other)));
            let other = published.iter().position(|other| claim.is_of(other));
            errors.extend(other.map(|at| claim.refused_for(at, &published[at])));
        }
        claims.extend(own);
    }
    errors
}

/// What a container needs when it starts. A port that the engine chooses is not known before.
fn claims_of<'a>(container: &'a ContainerRef, attached: &'a Attached) -> Vec<Claim<'a>> {
    let runs = attached.image.is_some() && attached.ensure.is_there();
    let Some(options) = attached.options.as_ref().filter(|_| runs && attached.state != Some(RunState::Stopped)) else {
        return Vec::new();
    };
    // There the engine passes nothing on.
    if options.network.first().is_some_and(|network| matches!(network.name.as_str(), "host" | "none")) {
        return Vec::new();
    }
    let claim = |publish: &'a Publish| {
        let ports = publish.host.filter(|host| host.first > 0 && host.more() == publish.container.more())?;
        Some(Claim { container, publish, ports })
    };
    options.publish.iter().filter_map(claim).collect()
}

impl Claim<'_> {
    fn clashes(&self, other: &Self) -> bool {
        self.publish.protocol == other.publish.protocol
            && self.ports.first <= other.ports.last
            && other.ports.first <= self.ports.last
            && overlap(self.publish.host_ip, other.publish.host_ip)
    }

    /// Whether the engine would have to pass on what weave does.
    fn is_of(&self, other: &Publication) -> bool {
        self.publish.protocol == other.protocol
            && (self.ports.first..=self.ports.last).contains(&other.host_port)
            && overlap(self.publish.host_ip, other.host_ip)
    }

    fn refused_for(&self, at: usize, other: &Publication) -> Error {
        let message = format!("port {} of the host is that of publish[{at}] ({other}) too", other.host_side());
        let allowed = "allowed: one of both, or each on another address of the host";
        Error::invalid(format!("containers.{}.options", self.container), format!("{message}; {allowed}"))
    }

    fn refused(&self, other: &Self) -> Error {
        let (first, last) = (self.ports.first.max(other.ports.first), self.ports.last.min(other.ports.last));
        let ports = if first == last { first.to_string() } else { format!("{first}-{last}") };
        let protocol = self.publish.protocol.name();
        let message = format!("port {ports}/{protocol} of the host is published by containers.{} too", other.container);
        let allowed = "allowed: each port once, or each on another address (`-p 192.0.2.1:80:80`)";
        Error::invalid(format!("containers.{}.options", self.container), format!("{message}; {allowed}"))
    }
}

/// Whether two addresses of the host cannot both have the same port; no address is all of them.
fn overlap(one: Option<IpAddr>, other: Option<IpAddr>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let every = |ip: IpAddr| ip == Ipv4Addr::UNSPECIFIED || ip == Ipv6Addr::UNSPECIFIED;
    one == other || one.is_ipv4() == other.is_ipv4() && (every(one) || every(other))
}
