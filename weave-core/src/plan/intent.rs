//! What an operation is after, in one shape for all of them.

use std::net::IpAddr;

use super::ClassicIntent;
use crate::names;
use crate::observed::{ContainerScope, Scope};
use crate::spec::run::Pull;
use crate::spec::{
    Attach, Cidr, Connect, ContainerRef, Destination, Detach, Ensure, Expose, Exposure, Forget, Hide, HostDocument,
    Launch, Peer, PeerHost, Publication, Router, RouterKind, Unpublish,
};

/// What shall become of the router.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RouterIntent {
    /// It stays as it is, running or not.
    #[default]
    Leave,
    /// The bridge must be there; where it is not, a router with every default is launched.
    Needed,
    /// It runs, with these settings.
    Present(Box<Router>),
    /// It carries nothing between hosts; bridge and attachments stay.
    Stopped,
    /// Everything that weave made goes.
    Absent,
}

/// What shall become of a set: of the peers, of the exposures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Members<T> {
    /// It stays as it is.
    #[default]
    Leave,
    /// These are in it.
    Add(Vec<T>),
    /// These are not in it.
    Remove(Vec<T>),
    /// These and no others are in it.
    Exact(Vec<T>),
}

impl<T> Members<T> {
    /// The members named.
    pub fn named(&self) -> &[T] {
        match self {
            Self::Leave => &[],
            Self::Add(items) | Self::Remove(items) | Self::Exact(items) => items,
        }
    }
}

/// What shall become of a container's interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentIntent {
    /// It has these addresses, besides others.
    Add(Attach),
    /// It has these addresses and no others.
    Exact(Attach),
    /// It does not have these addresses; none at all where none is given.
    Remove(Detach),
}

impl AttachmentIntent {
    /// The container.
    pub fn container(&self) -> &ContainerRef {
        match self {
            Self::Add(attach) | Self::Exact(attach) => &attach.container,
            Self::Remove(detach) => &detach.container,
        }
    }

    /// The interface in it.
    pub fn interface(&self) -> &str {
        match self {
            Self::Add(attach) | Self::Exact(attach) => attach.interface.as_str(),
            Self::Remove(detach) => detach.interface.as_str(),
        }
    }
}

/// A port to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publishing {
    /// As it is asked for.
    pub publication: Publication,
    /// The addresses of its container as the document gives them, which need no look at it.
    pub addresses: Vec<IpAddr>,
}

/// What shall become of the published ports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Publications {
    /// They stay as they are.
    #[default]
    Leave,
    /// These are published.
    Add(Vec<Publishing>),
    /// These are not.
    Remove(Vec<Unpublish>),
    /// These and no others are.
    Exact(Vec<Publishing>),
}

impl Publishing {
    /// The container whose addresses nothing but a look tells.
    fn to_look_into(&self) -> Option<&ContainerRef> {
        match &self.publication.to {
            Destination::Container(container) if self.addresses.is_empty() => Some(container),
            _ => None,
        }
    }
}

impl Publications {
    /// Those that shall be published.
    pub(super) fn named(&self) -> &[Publishing] {
        match self {
            Self::Add(items) | Self::Exact(items) => items,
            Self::Leave | Self::Remove(_) => &[],
        }
    }
}

/// What an operation is after.
#[derive(Debug, Clone, Default)]
pub struct Intent {
    /// The router.
    pub router: RouterIntent,
    /// The router's container, where one is asked for.
    pub classic: Option<Box<ClassicIntent>>,
    /// The peers.
    pub peers: Members<Peer>,
    /// Addresses of the host on the network.
    pub exposures: Members<Exposure>,
    /// Ports of the host that lead to the network.
    pub publications: Publications,
    /// Whether weave keeps the packet filter; `None` leaves it as it is.
    pub manage_firewall: Option<bool>,
    /// Containers.
    pub attachments: Vec<AttachmentIntent>,
    /// A container that cannot be served is an error of its own and the others are served (documents), rather than
    /// the error of the whole operation.
    pub each_by_itself: bool,
    /// Containers that do not run, or of which nobody knows because the engine cannot be asked, are left out: they get
    /// their interfaces once they start.
    pub only_running: bool,
}

impl From<&Launch> for Intent {
    fn from(spec: &Launch) -> Self {
        Self {
            router: RouterIntent::Present(Box::new(spec.router())),
            peers: spec.peers.clone().map_or(Members::Leave, |peers| Members::Add(peers.0)),
            manage_firewall: spec.firewall.map(|firewall| firewall.manage),
            ..Self::default()
        }
    }
}

impl From<&Connect> for Intent {
    fn from(spec: &Connect) -> Self {
        let peers = spec.peers.0.clone();
        Self { peers: if spec.replace { Members::Exact(peers) } else { Members::Add(peers) }, ..Self::default() }
    }
}

impl From<&Forget> for Intent {
    fn from(spec: &Forget) -> Self {
        Self { peers: Members::Remove(spec.peers.0.clone()), ..Self::default() }
    }
}

impl From<&Expose> for Intent {
    fn from(spec: &Expose) -> Self {
        let exposure = |ip: &_| Exposure { ip: *ip, masquerade: spec.masquerade };
        Self { exposures: Members::Add(spec.ips.iter().map(exposure).collect()), ..Self::default() }
    }
}

impl From<&Hide> for Intent {
    fn from(spec: &Hide) -> Self {
        let exposure = |ip: &_| Exposure { ip: *ip, masquerade: true };
        let exposures = if spec.ips.is_empty() {
            Members::Exact(Vec::new())
        } else {
            Members::Remove(spec.ips.iter().map(exposure).collect())
        };
        Self { exposures, ..Self::default() }
    }
}

impl From<&Publication> for Intent {
    fn from(spec: &Publication) -> Self {
        let publishing = Publishing { publication: spec.clone(), addresses: Vec::new() };
        Self { publications: Publications::Add(vec![publishing]), ..Self::default() }
    }
}

impl From<&Unpublish> for Intent {
    fn from(spec: &Unpublish) -> Self {
        Self { publications: Publications::Remove(vec![spec.clone()]), ..Self::default() }
    }
}

impl From<&Attach> for Intent {
    fn from(spec: &Attach) -> Self {
        Self { attachments: vec![AttachmentIntent::Add(spec.clone())], ..Self::default() }
    }
}

impl From<&Detach> for Intent {
    fn from(spec: &Detach) -> Self {
        Self { attachments: vec![AttachmentIntent::Remove(spec.clone())], ..Self::default() }
    }
}

impl From<&HostDocument> for Intent {
    fn from(document: &HostDocument) -> Self {
        if document.ensure != Ensure::Present {
            return Self { router: RouterIntent::Absent, ..Self::default() };
        }
        let attachments: Vec<_> = document
            .containers
            .iter()
            .flat_map(|named| &named.0)
            .filter(|(_, attached)| attached.ensure.is_there())
            .filter_map(|(container, attached)| {
                Some(if attached.ips.as_ref()?.is_empty() {
                    let detach = Detach { interface: attached.interface.clone(), ..Detach::new(container.clone()) };
                    AttachmentIntent::Remove(detach)
                } else {
                    AttachmentIntent::Exact(attached.attach(container.clone()))
                })
            })
            .collect();
        let attaches = attachments.iter().any(|intent| matches!(intent, AttachmentIntent::Exact(_)));
        let exposes = document.expose.as_ref().is_some_and(|expose| !expose.is_empty());
        let router = match (&document.router, &document.peers) {
            (Some(router), _) => RouterIntent::Present(Box::new(router.clone())),
            (None, Some(_)) => RouterIntent::Present(Box::default()),
            (None, None) if attaches || exposes => RouterIntent::Needed,
            (None, None) => RouterIntent::Leave,
        };
        Self {
            router,
            classic: None,
            peers: document.peers.clone().map_or(Members::Leave, |peers| Members::Exact(peers.0)),
            exposures: document.expose.clone().map_or(Members::Leave, |expose| Members::Exact(expose.0)),
            publications: publications(document),
            manage_firewall: document.firewall.map(|firewall| firewall.manage),
            attachments,
            each_by_itself: true,
            only_running: false,
        }
    }
}

fn publications(document: &HostDocument) -> Publications {
    let Some(publish) = &document.publish else { return Publications::Leave };
    let addresses = |publication: &Publication| match &publication.to {
        Destination::Container(container) => document
            .containers
            .iter()
            .filter_map(|named| named.0.get(container))
            .flat_map(|attached| attached.addresses().iter().map(Cidr::ip))
            .collect(),
        Destination::Address(_) => Vec::new(),
    };
    let publishing =
        |publication: &Publication| Publishing { publication: publication.clone(), addresses: addresses(publication) };
    Publications::Exact(publish.iter().map(publishing).collect())
}

impl Intent {
    /// Whether a router in a container that is there would end.
    fn ends_classic(&self) -> bool {
        match &self.router {
            RouterIntent::Absent | RouterIntent::Stopped => true,
            RouterIntent::Present(router) => router.kind == Some(RouterKind::Vxlan),
            _ => false,
        }
    }

    /// What has to be looked at to decide about it.
    pub fn scope(&self) -> Scope {
        let router = self.router != RouterIntent::Leave || self.peers != Members::Leave;
        let exposures = self.exposures != Members::Leave;
        let publishes = self.publications != Publications::Leave;
        let mut scope = Scope {
            targets: self.attachments.iter().map(|intent| intent.container().clone()).collect(),
            // The MTU may change, and every attachment follows; a new exposure may be the address of one.
            attachments: router || publishes || !self.exposed().is_empty(),
            router: router || exposures || publishes || self.manage_firewall.is_some(),
            paths: router,
            routes: router || exposures,
            firewall: router || exposures || publishes || self.manage_firewall.is_some(),
            // Peers come and go in the guard of the tunnel's port, if there is one.
            unless_unmanaged: self.router == RouterIntent::Leave
                && !(exposures || publishes || self.manage_firewall.is_some()),
            router_rules: self.ends_classic(),
            // The host end of one that a port leads to is told so.
            published: self.attachments.iter().any(|wish| !matches!(wish, AttachmentIntent::Remove(_))),
            containers: self.router_container(),
            offload: self.is_of_image(),
            ports: self.publications.named().iter().map(|wish| wish.publication.host_port).collect(),
            ..Scope::default()
        };
        for container in self.publications.named().iter().filter_map(Publishing::to_look_into) {
            if !scope.targets.contains(container) {
                scope.targets.push(container.clone());
            }
        }
        for peer in self.peers.named() {
            match &peer.host {
                PeerHost::Address(ip) => scope.peers.push(*ip),
                PeerHost::Name(name) => scope.names.push(name.clone()),
            }
        }
        scope.peers.sort_unstable();
        scope.peers.dedup();
        scope.names.sort_unstable();
        scope.names.dedup();
        scope
    }

    /// Whether a router in a container is asked for.
    fn is_of_image(&self) -> bool {
        self.classic.is_some()
            || matches!(&self.router, RouterIntent::Present(router) if router.kind == Some(RouterKind::Image))
    }

    /// Whether a router that allocates addresses will be there.
    pub(crate) fn will_allocate(&self) -> bool {
        matches!(&self.router, RouterIntent::Present(router) if router.ipalloc_range.is_some())
    }

    /// The router's container, as far as the intent names it.
    fn router_container(&self) -> ContainerScope {
        let mut scope = ContainerScope::default();
        if let RouterIntent::Present(router) = &self.router
            && self.is_of_image()
        {
            // Another one may be in its place, of which nothing else tells.
            scope.routers = true;
            let own = self.classic.as_ref().map(|classic| classic.make.settings.name.clone());
            scope.names.push(own.or(router.name.clone()).unwrap_or_else(|| names::ROUTER.to_owned()));
        }
        if let Some(classic) = &self.classic {
            let settings = &classic.make.settings;
            scope.images.push(settings.image.clone());
            scope.latest.extend((settings.pull == Pull::Always).then(|| settings.image.clone()));
        }
        scope
    }

    /// Exposures that shall be there.
    pub(super) fn exposed(&self) -> &[Exposure] {
        match &self.exposures {
            Members::Add(items) | Members::Exact(items) => items,
            Members::Leave | Members::Remove(_) => &[],
        }
    }

    /// Networks that the intent itself puts on the overlay, with the field that names them.
    pub(super) fn overlay_networks(&self) -> Vec<ipnetwork::IpNetwork> {
        let exposed = self.exposed();
        let attached = self.attachments.iter().flat_map(|intent| match intent {
            AttachmentIntent::Add(attach) | AttachmentIntent::Exact(attach) => attach.ips.as_slice(),
            AttachmentIntent::Remove(_) => &[],
        });
        let mut networks: Vec<_> =
            exposed.iter().map(|exposure| exposure.ip.network()).chain(attached.map(|ip| ip.network())).collect();
        networks.sort_unstable();
        networks.dedup();
        networks
    }
}

/// Whether `ip` is in one of `networks`.
pub(super) fn within(networks: &[ipnetwork::IpNetwork], ip: IpAddr) -> Option<ipnetwork::IpNetwork> {
    networks.iter().find(|network| network.contains(ip)).copied()
}
