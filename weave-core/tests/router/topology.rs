//! What routers tell each other of themselves, as far as connections reach.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One end of a connection.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) nickname: String,
    pub(crate) address: String,
    pub(crate) outbound: bool,
    pub(crate) established: bool,
}

/// A router as it describes itself.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) nickname: String,
    pub(crate) uid: u64,
    /// When it started: a restarted router counts its versions anew.
    pub(crate) epoch: u64,
    pub(crate) version: u64,
    pub(crate) connections: Vec<Link>,
}

/// All routers within reach, this one among them.
#[derive(Default)]
pub(crate) struct Topology(BTreeMap<String, Peer>);

impl Topology {
    /// Says what this router is now.
    pub(crate) fn describe(&mut self, own: Peer) {
        self.0.insert(own.name.clone(), own);
    }

    /// Takes in what another router tells, and forgets who is out of reach; whether anything was new.
    pub(crate) fn merge(&mut self, told: Vec<Peer>, own: &str) -> bool {
        let mut news = false;
        for peer in told.into_iter().filter(|peer| peer.name != own) {
            let known = self.0.get(&peer.name);
            if known.is_none_or(|known| (known.epoch, known.version) < (peer.epoch, peer.version)) {
                self.0.insert(peer.name.clone(), peer);
                news = true;
            }
        }
        self.prune(own);
        news
    }

    /// Forgets who is out of reach.
    pub(crate) fn prune(&mut self, own: &str) {
        let mut reached = BTreeSet::new();
        let mut next = vec![own.to_owned()];
        while let Some(name) = next.pop() {
            if reached.insert(name.clone()) {
                let links = self.0.get(&name).map(|peer| peer.connections.as_slice()).unwrap_or_default();
                next.extend(links.iter().map(|link| link.name.clone()));
            }
        }
        self.0.retain(|name, _| reached.contains(name));
    }

    /// All of them by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Peer> {
        self.0.values()
    }

    /// All but this router.
    pub(crate) fn others(&self, own: &str) -> impl Iterator<Item = &Peer> {
        self.0.values().filter(move |peer| peer.name != own)
    }
}
