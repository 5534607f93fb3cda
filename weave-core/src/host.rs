//! The seam: a host is what can be looked at and acted on. Nothing above it knows netlink, the engine or nft.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use crate::observed::{ContainerScope, Containers, HostFacts, Observed, Scope, Touched};
use crate::plan::Step;
use crate::plan::container::ContainerStep;
use crate::progress::Progress;
use crate::spec::{Attach, Cidr, IpRequest, Mac};
use crate::units::{UnitStep, Units};
use crate::{Error, Result};

/// What to do when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Do no further step (going forward).
    Stop,
    /// Go on with the next (undoing).
    Continue,
}

/// What became of a step.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Done.
    Done,
    /// Refused; nothing of it was done.
    Failed(Error),
    /// Not tried, because one before it failed.
    Skipped,
}

/// An address that somebody on the network has already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// The address.
    pub address: IpAddr,
    /// The hardware address that answered.
    pub mac: Mac,
    /// The peer it is behind; `None` when it is on this host or not known.
    pub peer: Option<IpAddr>,
    /// The host's link it is behind, when it is on this host.
    pub link: Option<String>,
}

/// Interfaces that weave owes to containers, by the id of the container that had them: written down before one is
/// stopped, and struck out once whatever takes its place has them.
pub type Owed = BTreeMap<String, Vec<Attach>>;

/// A host.
pub trait Host: Sync {
    /// Holds the one place in which changes are made, as long as it lives.
    type Guard: Send;

    /// Waits for every other weave on this host to finish.
    fn lock(&self, operation: &str) -> impl Future<Output = Result<Self::Guard>> + Send;

    /// Looks, one dump for each kind of thing, and changes nothing.
    fn observe(&self, scope: &Scope) -> impl Future<Output = Result<Observed>> + Send;

    /// Looks again where only the containers in `scope` and what was `touched` can have changed since `before`. Whoever
    /// cannot do less looks at everything.
    fn observe_again(
        &self,
        scope: &Scope,
        _before: &Observed,
        _touched: &Touched,
    ) -> impl Future<Output = Result<Observed>> + Send {
        self.observe(scope)
    }

    /// Does `steps` in their order; one outcome for each. Containers are those of the last look.
    fn execute(&self, steps: Arc<Vec<Step>>, on_error: OnError) -> impl Future<Output = Vec<Outcome>> + Send;

    /// Asks the network behind the bridge who has any of `addresses`, all together, for a tenth of a second.
    fn probe(&self, bridge: &str, addresses: &[IpAddr]) -> impl Future<Output = Result<Vec<Owner>>> + Send;

    /// Has the router that takes orders at `control` give the holder `id` an address, the same for as long as it holds
    /// one.
    fn allocate(&self, control: u16, id: &str, request: IpRequest) -> impl Future<Output = Result<Cidr>> + Send;

    /// Asks the engine about containers and images, and changes nothing.
    fn observe_containers(&self, scope: &ContainerScope) -> impl Future<Output = Result<Containers>> + Send;

    /// Has the engine do one thing with a container; what the engine warns of.
    fn execute_container(&self, step: &ContainerStep) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// The interfaces that a run which was killed still owes.
    fn owed(&self) -> impl Future<Output = Result<Owed>> + Send;

    /// Writes down what is owed, instead of all that was. A reboot may forget it: it takes all interfaces with it.
    fn owe(&self, owed: &Owed) -> impl Future<Output = Result<()>> + Send;

    /// Tells whoever wants to know how far the work is; nobody does by default.
    fn tell(&self, _progress: &Progress) {}

    /// What there is of the units that weave writes for the boot; `None` where there is no boot to speak of, as in a
    /// network namespace that somebody made. There is none by default.
    fn units(&self) -> impl Future<Output = Result<Option<Units>>> + Send {
        async { Ok(None) }
    }

    /// Does one thing with units.
    fn execute_unit(&self, _step: &UnitStep) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Holds the place in which units are changed. Another than [`lock`](Self::lock): a unit that is started takes that.
    fn lock_units(&self, _operation: &str) -> impl Future<Output = Result<Option<Self::Guard>>> + Send {
        async { Ok(None) }
    }

    /// What this host is able to do, found out by trying where that leaves no trace.
    fn facts(&self) -> impl Future<Output = HostFacts> + Send;
}
