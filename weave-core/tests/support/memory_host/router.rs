//! A classic router: what it is asked on its control port, and what it knows as long as its container runs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use weave_core::observed::{Classic, Container, IpamState, Link, LinkKind, RouterIpam, RouterReport};
use weave_core::plan::ControlStep;
use weave_core::spec::{Cidr, IpRequest};
use weave_core::{Error, ErrorKind, Result};

use super::errno::{ECONNREFUSED, EEXIST, EINVAL, ENOENT, ETIMEDOUT};
use super::net::Answer;
use super::world::World;

/// What one knows, and writes down where it has a volume for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Router {
    /// Ids of containers that it ran in. In one that starts again it takes up its peers, in a new one only when told.
    ran: BTreeSet<String>,
    pub(crate) peers: BTreeSet<String>,
    /// Addresses by whose they are.
    pub(crate) owned: BTreeMap<String, BTreeSet<Cidr>>,
    /// Where it allocated addresses from: with another range it begins anew.
    range: Option<IpNetwork>,
    /// Whether it allocates any now.
    allocating: bool,
    /// The number of the link that it takes frames from; one that goes and comes again is another.
    pub(crate) captures: Option<u32>,
}

impl Router {
    pub(crate) fn allocates(&self) -> bool {
        self.allocating
    }
}

impl World {
    /// What the router knows that listens at `control`; `None` where none does.
    pub(crate) fn router(&self, control: u16) -> Option<&Router> {
        self.listener(control).and_then(|container| self.routers.get(&store(container)))
    }

    /// A container started; if it is that of a router, it begins with what was written down.
    pub(crate) fn begin_router(&mut self, name: &str) {
        let Some(container) = self.engine.containers.get(name).map(|made| &made.container) else { return };
        if control_of(container).is_none() {
            return;
        }
        let store = store(container);
        let mut router = self.routers.remove(&store).unwrap_or_default();
        let keeps = volume(container).is_some();
        let again = !router.ran.insert(container.id.clone());
        router.captures = self.host.index("vethwe-pcap").ok();
        let range = range(container);
        if !keeps || range.is_some() && router.range.is_some() && router.range != range {
            router.owned.clear();
        }
        (router.range, router.allocating) = (range.or(router.range), range.is_some());
        if !(keeps && (again || words(container).any(|word| word == "--resume"))) {
            router.peers.clear();
        }
        self.routers.insert(store, router);
    }

    /// Ports where routers listen.
    pub(crate) fn controls(&self) -> impl Iterator<Item = u16> {
        let running = self.engine.containers.values().filter(|made| made.container.runs());
        running.filter_map(|made| control_of(&made.container))
    }

    fn listener(&self, control: u16) -> Option<&Container> {
        let mut running = self.engine.containers.values().map(|made| &made.container).filter(|made| made.runs());
        running.find(|container| control_of(container) == Some(control))
    }

    /// Whether another listens where `container` would.
    fn clashes(&self, container: &Container) -> bool {
        let port = said(container, "--port");
        let running = self.engine.containers.values().map(|made| &made.container).filter(|made| made.runs());
        let mut others = running.filter(|other| other.id != container.id);
        let tunnel = |link: &Link| match &link.kind {
            LinkKind::Vxlan(info) => link.up && port == Some(info.port.to_string().as_str()),
            _ => false,
        };
        let same = |other: &Container| {
            control_of(other).is_some() && (control_of(other) == control_of(container) || said(other, "--port") == port)
        };
        others.any(same) || self.host.links.iter().any(tunnel)
    }

    /// What the router at `control` says of itself.
    pub(crate) fn ask(&self, control: u16) -> Classic {
        let silent = |why: &str| Classic { report: Err(why.to_owned()), owned: None };
        let (Some(container), Some(router)) = (self.listener(control), self.router(control)) else {
            return silent("nobody listens");
        };
        if self.mute.contains(&control) {
            return silent("no answer in time");
        }
        let ipam = range(container).map(|range| RouterIpam {
            range,
            default_subnet: network(container, "--ipalloc-default-subnet").unwrap_or(range),
            state: IpamState::Ready,
            active: router.owned.len() as u64,
            entries: Vec::new(),
        });
        let owned = ipam.as_ref().map(|_| {
            let owned = router.owned.iter().map(|(id, ips)| (id.clone(), ips.iter().copied().collect()));
            owned.collect()
        });
        let text = |flag: &str| said(container, flag).unwrap_or_default().to_owned();
        let mut variables = container.config["Env"].as_array().into_iter().flatten().filter_map(|word| word.as_str());
        let report = RouterReport {
            name: text("--name"),
            nickname: text("--nickname"),
            port: said(container, "--port").and_then(|port| port.parse().ok()).unwrap_or_default(),
            encryption: variables.any(|variable| variable.starts_with("WEAVE_PASSWORD=")),
            targets: router.peers.iter().cloned().collect(),
            ipam,
            ..RouterReport::default()
        };
        Classic { report: Ok(report), owned }
    }

    /// The lowest address that is free, or the one that `id` has there.
    pub(crate) fn allocate(&mut self, control: u16, id: &str, request: IpRequest) -> Result<Cidr> {
        let refused = |why: &str| Error::new(ErrorKind::Router, format!("127.0.0.1:{control}"), why);
        let container = self.listener(control).filter(|_| !self.mute.contains(&control));
        let container = container.ok_or_else(|| refused("nobody listens"))?;
        let range = range(container).ok_or_else(|| refused("404 page not found"))?;
        let subnet = match request {
            IpRequest::Default => network(container, "--ipalloc-default-subnet").unwrap_or(range),
            IpRequest::Within(subnet) => subnet,
        };
        if !range.contains(subnet.network()) || subnet.prefix() < range.prefix() {
            return Err(refused("out of bounds"));
        }
        let router = self.routers.entry(store(container)).or_default();
        let fits = |ip: &&Cidr| subnet.contains(ip.ip()) && ip.prefix() == subnet.prefix();
        if let Some(own) = router.owned.get(id).and_then(|ips| ips.iter().find(fits)) {
            return Ok(*own);
        }
        let taken: BTreeSet<IpAddr> = router.owned.values().flatten().map(Cidr::ip).collect();
        let mut hosts = subnet.iter().skip(1).filter(|ip| *ip != subnet.broadcast());
        let free = hosts.find(|ip| !taken.contains(ip)).ok_or_else(|| refused("no address is free"))?;
        let address: Cidr = format!("{free}/{}", subnet.prefix()).parse()?;
        router.owned.entry(id.to_owned()).or_default().insert(address);
        Ok(address)
    }

    pub(crate) fn control(&mut self, step: &ControlStep) -> Answer {
        let container = self.listener(step.control()).ok_or(ECONNREFUSED)?;
        if self.mute.contains(&step.control()) {
            return Err(ETIMEDOUT);
        }
        let allocates = range(container).is_some();
        let clashes = self.clashes(container);
        let router = self.routers.entry(store(container)).or_default();
        match step {
            ControlStep::Ready { .. } if clashes => return Err(ECONNREFUSED),
            ControlStep::Ready { .. } => {}
            // A host is asked for these by themselves.
            ControlStep::Allocate { .. } => return Err(EINVAL),
            ControlStep::Connect { peers, .. } => router.peers.extend(peers.iter().cloned()),
            ControlStep::Forget { peers, .. } => router.peers.retain(|peer| !peers.contains(peer)),
            ControlStep::Claim { .. } | ControlStep::Release { .. } if !allocates => return Err(ENOENT),
            ControlStep::Claim { id, address, insist, .. } => {
                let mut others = router.owned.iter().filter(|(other, _)| *other != id);
                if others.any(|(_, owned)| owned.iter().any(|owned| owned.ip() == address.ip())) {
                    return if *insist { Err(EEXIST) } else { Ok(()) };
                }
                router.owned.entry(id.clone()).or_default().insert(*address);
            }
            ControlStep::Release { id, address, .. } => {
                router.owned.get_mut(id).ok_or(ENOENT)?.retain(|owned| owned.ip() != address.ip());
                router.owned.retain(|_, owned| !owned.is_empty());
            }
        }
        Ok(())
    }
}

/// The words of a container's command.
fn words(container: &Container) -> impl Iterator<Item = &str> {
    container.config["Cmd"].as_array().into_iter().flatten().filter_map(|word| word.as_str())
}

/// The volume that it writes into.
fn volume(container: &Container) -> Option<&str> {
    let mut mounts = container.mounts.as_array().into_iter().flatten();
    mounts.find(|mount| mount["Destination"] == "/weavedb")?["Name"].as_str()
}

/// Where what a router knows is kept: without a volume, as long as its container is there.
fn store(container: &Container) -> String {
    volume(container).unwrap_or(&container.id).to_owned()
}

/// The word behind `flag`.
fn said<'a>(container: &'a Container, flag: &str) -> Option<&'a str> {
    words(container).skip_while(|word| *word != flag).nth(1)
}

fn network(container: &Container, flag: &str) -> Option<IpNetwork> {
    said(container, flag)?.parse().ok()
}

/// Where it allocates addresses from.
fn range(container: &Container) -> Option<IpNetwork> {
    network(container, "--ipalloc-range")
}

/// The port of `--http-addr 127.0.0.1:6784`.
fn control_of(container: &Container) -> Option<u16> {
    said(container, "--http-addr")?.strip_prefix("127.0.0.1:")?.parse().ok()
}
