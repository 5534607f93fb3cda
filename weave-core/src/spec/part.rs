//! Part of a document: what can be done before there is an engine, and without it.

use serde::{Deserialize, Serialize};

use super::{Attached, ContainerRef, HostDocument, Named, Presence, RouterKind};

/// Which part of a document is brought about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Part {
    /// All of it.
    #[default]
    All,
    /// The network alone: no container is run, removed or purged, and those that do not run get their interfaces when
    /// they start. It needs no engine.
    Network,
}

impl Part {
    /// Whether it is the whole document, which is what is meant where nothing is said.
    // serde hands `skip_serializing_if` a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(crate) fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl HostDocument {
    /// The same document, in which no container is run, removed or purged: of containers only what concerns their
    /// interfaces is left. A router in a container is none that can run without an engine, so it and its peers are left
    /// out, too.
    #[must_use]
    pub fn network_only(&self) -> Self {
        let in_container = self.router_in_container();
        let containers = self.containers.as_ref().map(|named| {
            let there = named.0.iter().filter(|(_, attached)| attached.ensure.is_there());
            Named(there.map(|(name, attached)| (name.clone(), attached.network_only())).collect())
        });
        Self {
            router: self.router.clone().filter(|_| !in_container),
            peers: self.peers.clone().filter(|_| !in_container),
            containers,
            purge_containers: false,
            ..self.clone()
        }
    }

    /// The same where the engine is there: a router in a container and its peers stay.
    pub(crate) fn network_with_router(&self) -> Self {
        Self { router: self.router.clone(), peers: self.peers.clone(), ..self.network_only() }
    }

    /// Whether the document asks for a router in a container.
    pub(crate) fn router_in_container(&self) -> bool {
        self.router.as_ref().is_some_and(|router| match router.kind {
            Some(kind) => kind == RouterKind::Image,
            None => router.image.is_some(),
        })
    }

    /// The addresses that the document gives to the container called `name`.
    pub(crate) fn attached(&self, name: &ContainerRef) -> Option<&Attached> {
        self.containers.as_ref()?.0.get(name)
    }
}

impl Attached {
    /// The same without what says how the container is run.
    fn network_only(&self) -> Self {
        Self {
            ensure: Presence::Present,
            image: None,
            command: None,
            options: None,
            state: None,
            on_change: None,
            pull: None,
            attach: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::from_yaml;

    fn part(text: &str) -> HostDocument {
        from_yaml::<HostDocument>(text).expect("a document").network_only()
    }

    #[test]
    fn what_is_run_is_left_out_and_what_is_attached_stays() {
        let done = part(
            "
            router: {mtu: 1400}
            peers: [192.0.2.1]
            expose: [10.2.1.1/24]
            purge_containers: true
            containers:
              web: {ip: 10.2.1.4/24, image: web, options: '-p 80:80', state: running, gateway: 10.2.1.1, attach: before_start}
              db: {ips: [10.2.1.5/24], ensure: latest, image: db}
              old: {ensure: absent}
              plain: {image: plain}
            ",
        );
        let wanted = "
            router: {mtu: 1400}
            peers: [192.0.2.1]
            expose: [10.2.1.1/24]
            containers:
              web: {ip: 10.2.1.4/24, gateway: 10.2.1.1}
              db: {ip: 10.2.1.5/24}
              plain: {}
            ";
        assert_eq!(done, from_yaml::<HostDocument>(wanted).expect("a document"));
        assert_eq!(done.network_only(), done);
    }

    #[test]
    fn a_router_in_a_container_waits_for_the_engine() {
        for router in ["{kind: image, image: 'router:1'}", "{kind: image}", "{image: 'router:1'}"] {
            let done = part(&format!("router: {router}\npeers: [192.0.2.1]\nexpose: [10.2.1.1/24]\n"));
            assert_eq!((&done.router, &done.peers), (&None, &None), "{router}");
            assert!(done.expose.is_some(), "{router}");
        }
        assert!(part("router: {kind: vxlan}\npeers: [192.0.2.1]\n").router.is_some());
    }
}
