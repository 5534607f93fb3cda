//! The namespaces of the last look, for the steps that follow it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::netns::{NetNs, Process};
use crate::observed::NetnsId;
use crate::spec::ContainerRef;
use crate::{Error, ErrorKind, Result};

/// How many namespaces are kept open. A process may often have 1024 files, and a host more containers than that.
const OPEN_MAX: usize = 128;

/// Where a namespace was found.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// At a path.
    Path(Arc<Path>),
    /// In a process, of which number and start are known: no other will ever have both.
    Process {
        /// Its number.
        pid: u32,
        /// Its start.
        started: u64,
    },
}

impl Origin {
    fn open(&self) -> io::Result<NetNs> {
        match self {
            Self::Path(path) => NetNs::open(path),
            Self::Process { pid, started } => {
                let process = Process::open(*pid)?;
                if process.started() == *started { process.netns() } else { Err(io::ErrorKind::NotFound.into()) }
            }
        }
    }
}

struct Namespace {
    id: NetnsId,
    origin: Origin,
    open: Option<Arc<NetNs>>,
}

/// Namespaces by what the caller calls them.
#[derive(Default)]
pub(super) struct Held {
    // A plain list: there may be thousands, and those of two looks are there at once.
    namespaces: Vec<(ContainerRef, Namespace)>,
}

impl Held {
    /// Makes room for `count` namespaces.
    pub(super) fn with_room(count: usize) -> Self {
        Self { namespaces: Vec::with_capacity(count) }
    }

    /// Keeps a namespace; open if there is room, else to be opened again where it was found.
    pub(super) fn keep(&mut self, name: ContainerRef, origin: Origin, netns: NetNs) {
        let id = netns.id();
        let open = (self.namespaces.len() < OPEN_MAX).then(|| Arc::new(netns));
        self.namespaces.push((name, Namespace { id, origin, open }));
    }

    /// Keeps what was kept elsewhere, too, as far as there is room.
    pub(super) fn absorb(&mut self, others: Self) {
        self.namespaces.extend(others.namespaces);
        for (_, namespace) in self.namespaces.iter_mut().skip(OPEN_MAX) {
            namespace.open = None;
        }
    }

    /// All that were kept, ready to be searched; of two by the same name, the one that was kept later.
    pub(super) fn in_order(mut self) -> Self {
        self.namespaces.reverse();
        self.namespaces.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.namespaces.dedup_by(|(a, _), (b, _)| a == b);
        self
    }

    /// The namespace of `name`, the very one that was looked at.
    pub(super) fn open(&self, name: &ContainerRef) -> Result<Arc<NetNs>> {
        let gone = |why: &str| {
            Error::new(ErrorKind::NotFound, name.to_string(), format!("open its network namespace: {why}"))
                .hint("the container stopped or started anew meanwhile: run again")
        };
        let found = self.namespaces.binary_search_by(|(other, _)| other.cmp(name)).ok();
        let Some((_, namespace)) = found.and_then(|at| self.namespaces.get(at)) else {
            return Err(gone("it was not looked at"));
        };
        if let Some(netns) = &namespace.open {
            return Ok(Arc::clone(netns));
        }
        match namespace.origin.open() {
            Ok(netns) if netns.id() == namespace.id => Ok(Arc::new(netns)),
            Ok(_) => Err(gone("another one is there now")),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(Error::os(name.to_string(), "open its network namespace", error))
            }
            Err(error) => Err(gone(&error.to_string())),
        }
    }
}
