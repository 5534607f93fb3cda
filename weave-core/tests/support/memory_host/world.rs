//! Everything that is on a host made of memory, and a look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weave_core::host::Owed;
use weave_core::observed::{
    ContainerScope, FirewallState, Flood, InterfaceRoute, LinkKind, Listener, NetnsId, Observed, Path, Scope, Target,
    TargetNet, TargetProblem,
};
use weave_core::plan::container::HOLDS;
use weave_core::spec::ContainerRef;

use super::engine::Engine;
use super::errno::EEXIST;
use super::net::{Answer, Net};
use super::router::Router;

/// The number of the host's own namespace among the ends of veth pairs.
pub(crate) const HOST: u64 = 0;

/// A container, or what else a caller may name.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) inode: u64,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) pid: u32,
    /// Whether it is in the namespace that another holds for it.
    pub(crate) held: bool,
}

/// One end of a veth pair: the namespace it is in, and its number there.
pub(crate) type End = (u64, u32);

/// Everything that is on a host, and around it as far as it shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) host: Net,
    pub(crate) nets: BTreeMap<u64, Net>,
    pub(crate) containers: BTreeMap<ContainerRef, Result<Container, TargetProblem>>,
    pub(crate) pairs: Vec<(End, End)>,
    pub(crate) flood: BTreeMap<u32, BTreeSet<Flood>>,
    pub(crate) names: BTreeMap<String, Vec<IpAddr>>,
    /// What path discovery has found out.
    pub(crate) path_mtus: BTreeMap<IpAddr, u32>,
    pub(crate) firewall: FirewallState,
    /// Who listens on ports of the host.
    pub(crate) listeners: Vec<Listener>,
    pub(crate) engine: Engine,
    pub(crate) owed: Owed,
    /// What classic routers know, by where they write it down.
    pub(crate) routers: BTreeMap<String, Router>,
    /// Control ports at which a router runs that does not answer.
    pub(crate) mute: BTreeSet<u16>,
}

impl World {
    pub(crate) fn net(&mut self, inode: u64) -> &mut Net {
        if inode == HOST { &mut self.host } else { self.nets.get_mut(&inode).expect("a namespace of this world") }
    }

    /// The namespace of a container that runs.
    pub(crate) fn inode(&self, container: &ContainerRef) -> Option<u64> {
        self.place(container)?.ok().map(|container| container.inode)
    }

    /// Where a container is: in its own namespace, or in that of the container that it joins. One that holds the
    /// namespace of another goes by the other's name.
    fn place(&self, container: &ContainerRef) -> Option<Result<Container, TargetProblem>> {
        let mut own = self.containers.get(container)?.clone();
        let ContainerRef::Container(name) = container else { return Some(own) };
        let Some(made) = self.engine.containers.get(&**name) else { return Some(own) };
        if let (Ok(found), Some(held)) = (&mut own, made.container.label(HOLDS)) {
            found.name = Some(held.to_owned());
        }
        let Some(Ok(holder)) = self.engine.joined(name) else { return Some(own) };
        let found = self.containers.get(&ContainerRef::Container(holder.container.name.as_str().into()))?.clone();
        let (id, name) = (made.container.id.clone(), made.container.name.clone());
        Some(found.map(|found| Container { id: Some(id), name: Some(name), held: true, ..found }))
    }

    /// A veth pair between two namespaces, both ends down.
    pub(crate) fn add_pair(&mut self, one: (u64, &str), other: (u64, &str), mtu: u32) -> Answer<(u32, u32)> {
        if self.net(other.0).index(other.1).is_ok() {
            return Err(EEXIST);
        }
        let first = self.net(one.0).add_link(one.1, LinkKind::Veth, None, mtu)?;
        let second = self.net(other.0).add_link(other.1, LinkKind::Veth, None, mtu)?;
        for (inode, own, peer, there) in [(one.0, first, second, other.0), (other.0, second, first, one.0)] {
            let link = self.net(inode).link(own);
            link.peer_index = Some(peer);
            link.peer_netnsid = (one.0 != other.0).then_some(i32::try_from(there % 1000).unwrap());
        }
        self.pairs.push(((one.0, first), (other.0, second)));
        Ok((first, second))
    }

    /// A link goes; with an end of a veth pair goes the other, with a VXLAN device its flood list.
    pub(crate) fn remove(&mut self, end: End) {
        let (gone, kept) = self.pairs.drain(..).partition(|(one, other)| *one == end || *other == end);
        self.pairs = kept;
        for (one, other) in Vec::<(End, End)>::from_iter::<Vec<_>>(gone) {
            self.net(one.0).remove(one.1);
            self.net(other.0).remove(other.1);
        }
        self.net(end.0).remove(end.1);
        if end.0 == HOST {
            self.flood.remove(&end.1);
        }
    }

    /// The process of a container ends and the engine starts it again, in another namespace with nothing in it.
    pub(crate) fn start_anew(&mut self, container: &ContainerRef) {
        let old = self.inode(container).expect("a container that runs");
        let links: Vec<u32> = self.nets[&old].links.iter().map(|link| link.index).collect();
        for link in links {
            self.remove((old, link));
        }
        self.nets.remove(&old);
        let inode = old + 5000;
        self.nets.insert(inode, Net::new());
        for found in self.containers.values_mut().flatten().filter(|found| found.inode == old) {
            (found.inode, found.pid) = (inode, u32::try_from(inode).unwrap());
        }
    }

    pub(crate) fn observe(&self, scope: &Scope) -> Observed {
        let mut observed = Observed {
            links: self.host.links.clone(),
            addresses: self.host.addresses.clone(),
            host_id: "0123456789abcdef".to_owned(),
            ..Observed::default()
        };
        if scope.routes {
            observed.routes.clone_from(&self.host.routes);
        }
        if scope.wants_firewall(&observed) {
            observed.firewall = Some(self.firewall.clone());
        }
        if scope.published && !scope.firewall {
            let firewall = self.firewall.clone();
            observed.published = Some(firewall.table.map_or(firewall.salvaged, |table| table.publish));
        }
        let asked = |listener: &&Listener| scope.ports.contains(&listener.address.port());
        observed.listeners = self.listeners.iter().filter(asked).cloned().collect();
        let device = observed.vxlan().map(|(link, _)| link.index);
        if let Some(device) = device.filter(|_| scope.router) {
            observed.flood = self.flood.get(&device).into_iter().flatten().copied().collect();
        }
        for name in &scope.names {
            observed.names.insert(name.clone(), self.names.get(name).cloned().unwrap_or_default());
        }
        self.enter_classic(scope, &mut observed);
        let told = observed.classic.iter().flat_map(|classic| classic.peers(0)).map(|peer| peer.address);
        let peers = scope.peers.iter().chain(observed.names.values().flatten()).copied().chain(told);
        let peers: BTreeSet<IpAddr> = peers.chain(observed.flood.iter().map(|flood| flood.address)).collect();
        if scope.paths {
            observed.paths = peers.into_iter().filter_map(|ip| Some((ip, self.path(ip)?))).collect();
        }
        for container in &scope.targets {
            observed.targets.insert(container.clone(), self.target(container));
        }
        if scope.attachments {
            self.enter_attachments(&mut observed);
        }
        hide_offload(&mut observed, scope.offload);
        observed
    }

    /// The router in a container, and its container, as the kernel's own look asks for them.
    fn enter_classic(&self, scope: &Scope, observed: &mut Observed) {
        let mark = observed.router_port().map(|(_, mark)| mark);
        let mut wanted = scope.containers.clone();
        wanted.names.extend(mark.iter().filter(|_| scope.router).map(|mark| mark.container.clone()));
        if wanted != ContainerScope::default() {
            observed.containers = self.observe_containers(&wanted);
        }
        let mark = mark.filter(|_| scope.router || !scope.targets.is_empty());
        observed.classic = mark.map(|mark| self.ask(mark.control));
    }

    fn target(&self, container: &ContainerRef) -> Target {
        match self.place(container) {
            None => Target::Problem(TargetProblem::Missing),
            Some(Err(problem)) => Target::Problem(problem),
            Some(Ok(found)) => Target::Found(Box::new(self.look_into(&found))),
        }
    }

    fn look_into(&self, container: &Container) -> TargetNet {
        let net = &self.nets[&container.inode];
        TargetNet {
            id: container.id.clone(),
            name: container.name.clone(),
            held: container.held,
            pid: container.pid,
            netns: NetnsId { device: 4, inode: container.inode },
            links: net.links.clone(),
            addresses: net.addresses.clone(),
            routes: net.routes.clone(),
        }
    }

    /// Namespaces that the marks on the host's links name, unless they were entered already.
    fn enter_attachments(&self, observed: &mut Observed) {
        let marks: Vec<_> = observed.attachments().map(|(_, mark)| mark).collect();
        for mark in marks {
            let entered = observed.targets.values().any(|target| match target {
                Target::Found(net) => net.netns.inode == mark.inode,
                Target::Problem(_) => false,
            });
            let mut places = self.containers.keys().filter_map(|name| self.place(name)?.ok());
            let found = places.find(|container| container.inode == mark.inode);
            if let Some(container) = found.filter(|_| !entered) {
                observed.targets.insert(mark.container(), Target::Found(Box::new(self.look_into(&container))));
            }
        }
    }

    /// `ip route get`: the host's own addresses, else the longest prefix.
    pub(crate) fn path(&self, ip: IpAddr) -> Option<Path> {
        if self.host.addresses.iter().any(|address| address.address.ip() == ip) {
            return Some(Path { source: Some(ip), ifindex: 1, mtu: None, local: true });
        }
        let fits = |route: &&InterfaceRoute| route.to.contains(ip);
        let order = |route: &&InterfaceRoute| (route.to.prefix(), std::cmp::Reverse(route.metric));
        let route = self.host.routes.iter().filter(fits).max_by_key(order)?;
        let own = self.host.addresses_of(route.ifindex).find(|own| own.is_ipv4() == ip.is_ipv4());
        let source = route.source.or(own.map(|own| own.ip()));
        Some(Path { source, ifindex: route.ifindex, mtu: self.path_mtus.get(&ip).copied(), local: false })
    }
}

/// Of offload is told, in the host's namespace, of the pair to a classic router only; in others, where there is such a
/// router, or it was asked for.
fn hide_offload(observed: &mut Observed, asked: bool) {
    let port = observed.router_port().map(|(port, _)| port);
    let asked = asked || port.is_some();
    let ends = port.map(|port| (port.index, observed.other_end(port).map(|end| end.index)));
    let seen = |index| ends.is_some_and(|(port, other)| port == index || other == Some(index));
    observed.links.iter_mut().filter(|link| !seen(link.index)).for_each(|link| link.tx_checksum = None);
    let inside = observed.targets.values_mut().flat_map(|target| match target {
        Target::Found(net) => net.links.as_mut_slice(),
        Target::Problem(_) => &mut [],
    });
    inside.filter(|_| !asked).for_each(|link| link.tx_checksum = None);
}
