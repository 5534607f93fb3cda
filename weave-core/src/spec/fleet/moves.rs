//! Which containers of a fleet move by themselves when their host changes.

use std::collections::{BTreeMap, BTreeSet};

use super::Fleet;
use super::check::Problem;
use crate::spec::{ContainerRef, Ensure, HostDocument};

/// What a host's document knows of containers that move. It is cut out of a fleet, and written nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moves {
    /// Containers of this host, and the engines of the other hosts where each may still be.
    pub fetched: BTreeMap<String, Vec<String>>,
    /// Containers of other hosts, which come and get them: they are left alone here.
    pub left: BTreeSet<String>,
}

impl HostDocument {
    /// Takes a container out of the document, and out of what is purged.
    pub(crate) fn leave_out(&mut self, name: &str) {
        if let Some(containers) = &mut self.containers {
            containers
                .0
                .retain(|container, _| !matches!(container, ContainerRef::Container(other) if **other == *name));
        }
        self.moves.left.insert(name.to_owned());
    }
}

impl Fleet {
    /// What the host called `name` has to know of containers that move.
    pub(super) fn moves(&self, name: &str) -> Moves {
        let others =
            self.hosts.iter().filter(|(other, host)| *other != name && self.ensure_of(host) == Ensure::Present);
        let engines: Vec<String> = others.filter_map(|(_, host)| host.engine.clone()).collect();
        let mut moves = Moves::default();
        for (container, own) in &self.containers.0 {
            let ContainerRef::Container(called) = container else { continue };
            if !own.migrate.or(self.defaults.migrate).unwrap_or(self.migrate) {
                continue;
            }
            let on = own.host.as_ref().or(self.defaults.host.as_ref());
            match on.map(|on| self.host_named(on)).as_deref() {
                Some([on]) if *on == name => {
                    moves.fetched.insert(called.to_string(), engines.clone());
                }
                _ => {
                    moves.left.insert(called.to_string());
                }
            }
        }
        moves
    }

    /// Containers that nobody could fetch, because no host says where its engine is.
    pub(super) fn check_moves(&self, problems: &mut Vec<Problem>) {
        let any = |field: &dyn Fn(&super::FleetContainer) -> Option<bool>| {
            self.migrate || self.containers.0.values().chain([&self.defaults]).any(|own| field(own) == Some(true))
        };
        if any(&|own| own.migrate) && self.hosts.values().all(|host| host.engine.is_none()) {
            let message = "containers are to move, and no host says where the others reach its engine; allowed: `engine:` \
                           in `hosts`, such as ssh://root@192.0.2.1";
            problems.push(Problem::error("migrate", message));
        }
    }
}
