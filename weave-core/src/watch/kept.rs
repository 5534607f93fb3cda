//! Without a document: what is there is kept as it is, until somebody changes it with weave itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::observed::{Observed, Scope, Target, TargetProblem, pairs};
use crate::plan::{document, interface};
use crate::spec::{Attach, ContainerRef, Ensure, HostDocument};

/// Whose interface it is: the container's id, or how a bare namespace is named, and the interface's name.
type Key = (ContainerRef, Arc<str>);

/// An interface that is kept.
#[derive(Debug, Clone, PartialEq)]
struct Wish {
    attach: Attach,
    /// The namespace in which it was seen last, and a process there: numbers of namespaces are used again at once.
    seen: (u64, u32),
}

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// All but containers; nothing where weave is not on the host.
    host: Option<HostDocument>,
    wishes: BTreeMap<Key, Wish>,
    /// The turn of the lock after which this was what there was; nothing before the first look.
    turn: Option<u64>,
}

impl Kept {
    /// What has to be looked at to know what there is.
    pub(super) fn scope(&self) -> Scope {
        let mut targets: Vec<ContainerRef> = self.wishes.keys().map(|(container, _)| container.clone()).collect();
        targets.dedup();
        Scope { targets, attachments: true, router: true, firewall: true, routes: true, ..Scope::default() }
    }

    /// Whether somebody else may have changed the host since, now that the lock is held for the `turn`th time.
    pub(super) fn is_stale(&self, turn: u64) -> bool {
        self.turn.is_none_or(|seen| seen.wrapping_add(1) != turn)
    }

    /// This is what there was at that turn, and nobody has changed it since.
    pub(super) fn keep_since(&mut self, turn: u64) {
        self.turn = Some(turn);
    }

    /// Takes what is there for what is wanted. A container that has ended, or was started anew a moment ago, keeps what
    /// it had; one that runs on without its interface was detached.
    pub(super) fn read(&mut self, observed: &Observed, scope: &Scope) {
        let mut there = document(observed, scope);
        if there.ensure != Ensure::Present {
            *self = Self { turn: self.turn, ..Self::default() };
            return;
        }
        self.wishes.retain(|(container, _), wish| match observed.targets.get(container) {
            Some(Target::Found(net)) => (net.netns.inode, net.pid) != wish.seen,
            Some(Target::Problem(TargetProblem::Missing)) => false,
            _ => true,
        });
        self.wishes.extend(wishes(observed));
        // The host may lose the address that the tunnel has; as long as it has it, the tunnel keeps it.
        if let Some(router) = &mut there.router {
            router.underlay = None;
        }
        self.host = Some(HostDocument { containers: None, ..there });
    }

    /// Takes note of where interfaces are after they were put right, and forgets containers that are gone.
    pub(super) fn note(&mut self, observed: &Observed) {
        for (key, there) in wishes(observed) {
            if let Some(wish) = self.wishes.get_mut(&key) {
                wish.seen = there.seen;
            }
        }
        let is_gone = |container: &ContainerRef| {
            matches!(observed.targets.get(container), Some(Target::Problem(TargetProblem::Missing)))
        };
        self.wishes.retain(|(container, _), _| !is_gone(container));
    }

    /// Forgets a container that was removed.
    pub(super) fn forget(&mut self, id: &str) {
        self.wishes.retain(|(container, _), _| !is_of(container, id));
    }

    /// What the host shall be, without containers; nothing where weave is not on it.
    pub(super) fn host(&self) -> Option<&HostDocument> {
        self.host.as_ref()
    }

    /// The interfaces that containers shall have.
    pub(super) fn attachments(&self) -> Vec<Attach> {
        self.wishes.values().map(|wish| wish.attach.clone()).collect()
    }

    /// The same, of the containers with these ids.
    pub(super) fn attachments_of(&self, ids: &BTreeSet<String>) -> Vec<Attach> {
        let those = self.wishes.iter().filter(|((container, _), _)| ids.iter().any(|id| is_of(container, id)));
        those.map(|(_, wish)| wish.attach.clone()).collect()
    }

    /// Whether the container with this id has an interface that is kept.
    pub(super) fn has(&self, id: &str) -> bool {
        self.wishes.keys().any(|(container, _)| is_of(container, id))
    }
}

/// Whether it is the container with this full id; of which the marks on links have the beginning.
fn is_of(container: &ContainerRef, id: &str) -> bool {
    matches!(container, ContainerRef::Container(own) if id.starts_with(&**own))
}

/// All interfaces that there are.
fn wishes(observed: &Observed) -> impl Iterator<Item = (Key, Wish)> {
    pairs(observed).filter_map(|(pair, mark, _)| {
        // By its id: another container may have its name tomorrow.
        let container = match &*mark.id {
            id if id.is_empty() || id.starts_with('/') => mark.container(),
            id => ContainerRef::Container(id.into()),
        };
        let attach = interface(&pair, &mark)?.attach(container.clone());
        Some(((container, Arc::clone(&mark.interface)), Wish { attach, seen: (mark.inode, mark.pid) }))
    })
}
