//! One host's document out of the fleet's.

use super::{Fleet, FleetHost};
use crate::names;
use crate::spec::{Ensure, Exposure, HostDocument, List, Named, Peer, PeerHost, Router, Underlay};
use crate::{Error, ErrorKind, Result};

impl Fleet {
    /// The document of the host `name`, long or short.
    ///
    /// # Errors
    /// `NotFound` for a host that the fleet does not have; `InvalidSpec` for options that cannot be added up.
    pub fn cut(&self, name: &str) -> Result<HostDocument> {
        let name = self.by_name(name)?;
        let host = self.hosts.get(name).ok_or_else(|| Error::new(ErrorKind::NotFound, "host", name))?;
        let mut containers = Named::default();
        for (container, own) in &self.containers.0 {
            let on = own.host.as_ref().or(self.defaults.host.as_ref());
            if on.is_some_and(|on| self.host_named(on) == [name]) {
                let attached =
                    self.settle(container, own).map_err(|error| error.within(&format!("containers.{container}")))?;
                containers.0.insert(container.clone(), attached);
            }
        }
        let masquerade = host.masquerade.or_else(|| self.expose.and_then(|expose| expose.masquerade)).unwrap_or(true);
        let exposure = |ip: &_| Exposure { ip: *ip, masquerade };
        let router = self.router_of(host);
        Ok(HostDocument {
            ensure: self.ensure_of(host),
            peers: Some(self.peers_for(&router)),
            expose: host.weave_ip.as_ref().map(|ips| ips.iter().map(exposure).collect()),
            publish: self.publications_of(name, host)?,
            firewall: host.firewall.or(self.firewall),
            containers: Some(containers),
            purge_containers: self.purge_containers,
            moves: self.moves(name),
            router: Some(router),
        })
    }

    /// Whether weave should be on `host`.
    pub(super) fn ensure_of(&self, host: &FleetHost) -> Ensure {
        host.ensure.unwrap_or(self.ensure)
    }

    /// The router of `host`, bound to its address.
    pub(super) fn router_of(&self, host: &FleetHost) -> Router {
        let own = host.router.clone().unwrap_or_default();
        let mut router = match &self.router {
            Some(all) => own.over(all),
            None => own,
        };
        if let (None, Some(Peer { host: PeerHost::Address(ip), .. })) = (&router.underlay, &host.address) {
            router.underlay = Some(Underlay::Address(*ip));
        }
        router
    }

    /// All hosts that have weave, with the port where it is not that of `router`, and the peers from outside.
    fn peers_for(&self, router: &Router) -> List<Peer> {
        let port = |router: &Router| router.port.unwrap_or(names::PORT);
        let hosts = self.hosts.values().filter(|host| self.ensure_of(host) == Ensure::Present);
        let mut peers: Vec<Peer> = Vec::new();
        for host in hosts {
            let Some(address) = &host.address else { continue };
            let its_port = port(&self.router_of(host));
            peers.push(Peer { host: address.host.clone(), port: (its_port != port(router)).then_some(its_port) });
        }
        for peer in &self.peers {
            if !peers.iter().any(|known| known.host == peer.host) {
                peers.push(peer.clone());
            }
        }
        List(peers)
    }
}
