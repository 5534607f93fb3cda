//! Ports that hosts of a fleet publish. A host knows the addresses of its own containers only, so those of others are
//! put in here.

use std::net::IpAddr;

use super::check::Problem;
use super::{Fleet, FleetHost};
use crate::spec::publication::problems;
use crate::spec::{ContainerRef, Destination, Ensure, List, Publication};
use crate::{Error, Result};

impl Fleet {
    /// What `host` publishes: its own, and those of all hosts whose port it does not want for something else.
    ///
    /// # Errors
    /// `InvalidSpec` for a container of another host that has no address in the fleet.
    pub(super) fn publications_of(&self, name: &str, host: &FleetHost) -> Result<Option<List<Publication>>> {
        if host.publish.is_none() && self.publish.is_none() {
            return Ok(None);
        }
        let mut all = Vec::new();
        for (at, publication) in host.publish.iter().flatten().enumerate() {
            let found = self.resolve(name, host, publication);
            all.extend(found.map_err(|error| error.within(&format!("hosts.{name}.publish[{at}]")))?);
        }
        for (at, publication) in self.publish.iter().flatten().enumerate() {
            let found =
                self.resolve(name, host, publication).map_err(|error| error.within(&format!("publish[{at}]")))?;
            all.extend(found.into_iter().filter(|one| !host.publish.iter().flatten().any(|other| other.clashes(one))));
        }
        Ok(Some(List(all)))
    }

    /// The same for the host itself: by the name of a container of its own, by addresses of another's.
    fn resolve(&self, name: &str, host: &FleetHost, publication: &Publication) -> Result<Vec<Publication>> {
        let Destination::Container(container) = &publication.to else { return Ok(vec![publication.clone()]) };
        let Some(own) = self.containers.0.get(container) else { return Ok(vec![publication.clone()]) };
        if self.host_of(own) == Some(name) {
            return Ok(vec![publication.clone()]);
        }
        let addresses = self.chosen(host, container);
        let to = |ip| Publication { to: Destination::Address(ip), ..publication.clone() };
        let family = |ip: &IpAddr| publication.host_ip.is_none_or(|host| host.is_ipv4() == ip.is_ipv4());
        let found: Vec<_> = addresses.into_iter().filter(family).map(to).collect();
        if found.is_empty() {
            let message = format!("{container} is on another host and has no address there that could be told");
            return Err(Error::invalid("to", format!("{message}; allowed: a container with `ips`, or an address")));
        }
        Ok(found)
    }

    /// Of each family one address of a container: the first in a network of `host`, or else the first. One in no network
    /// of the host is left out where there is another.
    fn chosen(&self, host: &FleetHost, container: &ContainerRef) -> Vec<IpAddr> {
        let own = self.containers.0.get(container).filter(|own| {
            let ensure = own.ensure.or(self.defaults.ensure);
            ensure.unwrap_or_default().is_there()
        });
        let ips: Vec<IpAddr> = own.iter().flat_map(|own| own.ips.iter().flatten()).map(|ip| ip.ip()).collect();
        let near = |ip: &IpAddr| host.weave_ips().iter().any(|own| own.network().contains(*ip));
        let first =
            |v4: bool, near: &dyn Fn(&IpAddr) -> bool| ips.iter().find(|ip| ip.is_ipv4() == v4 && near(ip)).copied();
        let reached: Vec<IpAddr> = [true, false].into_iter().filter_map(|v4| first(v4, &near)).collect();
        if !reached.is_empty() {
            return reached;
        }
        [true, false].into_iter().filter_map(|v4| first(v4, &|_| true)).collect()
    }

    /// What is wrong with the published ports of all hosts.
    pub(super) fn publish_problems(&self) -> Vec<Problem> {
        let of = |publish: &Option<List<Publication>>, prefix: &str| {
            let own = publish.iter().flatten().cloned().collect::<Vec<_>>();
            let errors = problems(&own).into_iter();
            let place = |error: Error| if prefix.is_empty() { error } else { error.within(prefix) };
            errors.map(move |error| Problem::of(place(error))).collect::<Vec<_>>()
        };
        let mut found = of(&self.publish, "");
        for (name, host) in self.hosts.iter().filter(|(_, host)| self.ensure_of(host) == Ensure::Present) {
            found.extend(of(&host.publish, &format!("hosts.{name}")));
            let error = self.publications_of(name, host).err();
            let known = |error: &Error| found.iter().any(|other| other.error.subject() == error.subject());
            found.extend(error.filter(|error| !known(error)).map(Problem::of));
            let managed = host.firewall.or(self.firewall).is_none_or(|firewall| firewall.manage);
            if !managed && host.publish.as_ref().is_some_and(|publish| !publish.is_empty()) {
                let message = "needs the packet filter, which is left to others there; allowed: with `manage: true`";
                found.push(Problem::error(format!("hosts.{name}.publish"), message));
            }
        }
        found
    }
}
