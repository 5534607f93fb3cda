//! A classic router: what it is asked on its control port, and what it knows as long as its container runs.

use std::collections::{BTreeMap, BTreeSet};

use weave_core::observed::Container;
use weave_core::plan::ControlStep;
use weave_core::spec::Cidr;

use super::errno::{ECONNREFUSED, EEXIST, ENOENT};
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
}

impl World {
    /// What the router knows that listens at `control`; `None` where none does.
    pub(crate) fn router(&self, control: u16) -> Option<&Router> {
        self.listener(control).and_then(|_| self.routers.get(&control))
    }

    /// A container started; if it is that of a router, it begins with what was written down.
    pub(crate) fn begin_router(&mut self, name: &str) {
        let Some(container) = self.engine.containers.get(name).map(|made| &made.container) else { return };
        let Some(control) = control_of(container) else { return };
        let mut router = self.routers.remove(&control).unwrap_or_default();
        let mounts = container.mounts.as_array().into_iter().flatten();
        let keeps = mounts.into_iter().any(|mount| mount["Destination"] == "/weavedb");
        let again = !router.ran.insert(container.id.clone());
        if !keeps {
            router.owned.clear();
        }
        if !(keeps && (again || words(container).any(|word| word == "--resume"))) {
            router.peers.clear();
        }
        self.routers.insert(control, router);
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

    pub(crate) fn control(&mut self, step: &ControlStep) -> Answer {
        let container = self.listener(step.control()).ok_or(ECONNREFUSED)?;
        let allocates = words(container).any(|word| word == "--ipalloc-range");
        let router = self.routers.entry(step.control()).or_default();
        match step {
            ControlStep::Ready { .. } => {}
            // A host is asked for these by themselves.
            ControlStep::Allocate { .. } => return Err(EINVAL),
            ControlStep::Connect { peers, .. } => router.peers.extend(peers.iter().cloned()),
            ControlStep::Forget { peers, .. } => router.peers.retain(|peer| !peers.contains(peer)),
            ControlStep::Claim { .. } | ControlStep::Release { .. } if !allocates => return Err(ENOENT),
            ControlStep::Claim { id, address, .. } => {
                let mut others = router.owned.iter().filter(|(other, _)| *other != id);
                if others.any(|(_, owned)| owned.iter().any(|owned| owned.ip() == address.ip())) {
                    return Err(EEXIST);
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

/// The port of `--http-addr 127.0.0.1:6784`.
fn control_of(container: &Container) -> Option<u16> {
    let address = words(container).skip_while(|word| *word != "--http-addr").nth(1)?;
    address.strip_prefix("127.0.0.1:")?.parse().ok()
}
