//! Containers and bare network namespaces as they were found.

use std::fmt;

use serde::Serialize;

use super::{InterfaceAddress, InterfaceRoute, Link};
use crate::spec::{Cidr, ContainerRef};

/// What tells two network namespaces apart: device and number of the namespace's file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NetnsId {
    /// Device (`st_dev`).
    pub device: u64,
    /// Number (`st_ino`).
    pub inode: u64,
}

/// A container or namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// It has a namespace of its own, and this is in it.
    Found(Box<TargetNet>),
    /// It cannot be attached.
    Problem(TargetProblem),
}

impl Target {
    /// A container that is not started yet, as it will be found. `number` tells it apart from others like it: no
    /// namespace has so small a one.
    pub(crate) fn fresh(number: u64, name: &ContainerRef) -> Self {
        let netns = NetnsId { device: 0, inode: number };
        Self::Found(Box::new(TargetNet { name: Some(name.to_string()), netns, ..TargetNet::default() }))
    }
}

/// Why a container or namespace cannot be attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetProblem {
    /// No container, file or process of that name.
    Missing,
    /// The container exists and does not run; the engine's word for its state.
    NotRunning(String),
    /// It has no network namespace of its own: it is the host's.
    HostNetwork,
    /// The path is no network namespace.
    NotNetns,
    /// The engine cannot be asked; its error.
    Engine(String),
}

impl fmt::Display for TargetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::NotRunning(state) => write!(f, "is not running ({state})"),
            Self::HostNetwork => f.write_str("shares the network of the host"),
            Self::NotNetns => f.write_str("is no network namespace"),
            Self::Engine(error) => f.write_str(error),
        }
    }
}

/// The inside of a network namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TargetNet {
    /// Full id of the container; `None` for a bare namespace.
    pub id: Option<String>,
    /// Name of the container.
    pub name: Option<String>,
    /// Whether another container holds the namespace, so that it stays when the container is made anew.
    pub held: bool,
    /// A process in it; 0 for a namespace by path.
    pub pid: u32,
    /// What tells it apart.
    pub netns: NetnsId,
    /// Links, all but the loopback.
    pub links: Vec<Link>,
    /// Addresses on them.
    pub addresses: Vec<InterfaceAddress>,
    /// Routes of the main table.
    pub routes: Vec<InterfaceRoute>,
}

impl TargetNet {
    /// The link called `name`.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// Addresses of link `index`.
    pub fn addresses_of(&self, index: u32) -> impl Iterator<Item = Cidr> {
        self.addresses.iter().filter(move |address| address.ifindex == index).map(|address| address.address)
    }
}
