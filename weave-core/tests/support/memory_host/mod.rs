//! A host made of memory: it does what the kernel would, and can be told to refuse.

mod engine;
mod net;
mod portrait;
mod router;
mod step;
mod world;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use weave_core::host::{Host, OnError, Outcome, Owed, Owner};
use weave_core::observed::{ContainerScope, Containers, HostFacts, Observed, Scope};
use weave_core::plan::Step;
use weave_core::plan::container::ContainerStep;
use weave_core::spec::{Cidr, ContainerRef, IpRequest};
use weave_core::{Error, ErrorKind, Progress, Result};

pub(crate) use engine::{Engine, Made};
pub(crate) use net::Net;
pub(crate) use portrait::Portrait;
pub(crate) use world::{Container, HOST, World};

/// Error numbers of the kernel.
pub(crate) mod errno {
    pub(crate) const EPERM: i32 = 1;
    pub(crate) const ENOENT: i32 = 2;
    pub(crate) const EIO: i32 = 5;
    pub(crate) const EACCES: i32 = 13;
    pub(crate) const EEXIST: i32 = 17;
    pub(crate) const ENODEV: i32 = 19;
    pub(crate) const EINVAL: i32 = 22;
    pub(crate) const EXFULL: i32 = 54;
    pub(crate) const EOPNOTSUPP: i32 = 95;
    pub(crate) const ENETDOWN: i32 = 100;
    pub(crate) const ENETUNREACH: i32 = 101;
    pub(crate) const ETIMEDOUT: i32 = 110;
    pub(crate) const ECONNREFUSED: i32 = 111;
}

/// What was asked of the host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) locks: usize,
    pub(crate) probes: Vec<IpAddr>,
    /// Steps that were tried going forward, failed ones too.
    pub(crate) forward: Vec<Step>,
    /// Steps that were tried on the way back.
    pub(crate) back: Vec<Step>,
    /// Steps of containers that were tried, failed ones and those on the way back too.
    pub(crate) containers: Vec<ContainerStep>,
    /// Addresses that the router was asked for.
    pub(crate) allocated: Vec<IpRequest>,
    /// What was told of how far the work is.
    pub(crate) told: Vec<Progress>,
    /// How often the host was looked at.
    pub(crate) looks: usize,
}

impl Asked {
    /// How many steps of all kinds were tried.
    pub(crate) fn steps(&self) -> usize {
        self.forward.len() + self.back.len() + self.containers.len()
    }
}

/// What shall go wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// The number, from 0, of the step that is refused; only those going forward count.
    pub(crate) at: Option<usize>,
    /// The number, from 0, of the step of a container that is refused, on the way back too.
    pub(crate) container: Option<usize>,
    /// How many steps of all kinds are done until weave is killed: then nothing comes back to it.
    pub(crate) killed: Option<usize>,
    /// Who answers a probe.
    pub(crate) owners: Vec<Owner>,
    /// A container that starts anew right before the look of that number, from 0.
    pub(crate) starts_anew: Option<(usize, ContainerRef)>,
}

/// A host made of memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryHost {
    world: Mutex<World>,
    asked: Mutex<Asked>,
    faults: Faults,
}

impl MemoryHost {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Mutex::new(world), ..Self::default() }
    }

    pub(crate) fn faulty(world: World, faults: Faults) -> Self {
        Self { faults, ..Self::new(world) }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn asked(&self) -> Asked {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn portrait(&self) -> Portrait {
        self.world().portrait()
    }

    /// Never comes back from the step at which weave is killed.
    async fn live(&self) {
        if self.faults.killed.is_some_and(|steps| self.asked().steps() >= steps) {
            std::future::pending::<()>().await;
        }
    }

    fn try_one(&self, step: &Step, on_error: OnError) -> Outcome {
        let mut asked = self.asked.lock().unwrap();
        let tried = if on_error == OnError::Stop { &mut asked.forward } else { &mut asked.back };
        tried.push(step.clone());
        if on_error == OnError::Stop && self.faults.at == Some(asked.forward.len() - 1) {
            return Outcome::Failed(Error::new(ErrorKind::Kernel, "memory", format!("refused: {step}")).errno(5));
        }
        let mut world = self.world();
        if let Step::Engine(step) = step {
            return world.execute_container(step).map_or_else(Outcome::Failed, |()| Outcome::Done);
        }
        match world.execute(step) {
            Ok(()) => Outcome::Done,
            Err(errno) => Outcome::Failed(Error::os("memory", step, std::io::Error::from_raw_os_error(errno))),
        }
    }
}

impl Host for MemoryHost {
    type Guard = ();

    async fn lock(&self, _operation: &str) -> Result<()> {
        self.asked.lock().unwrap().locks += 1;
        Ok(())
    }

    async fn observe(&self, scope: &Scope) -> Result<Observed> {
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.looks += 1;
            asked.looks - 1
        };
        if let Some((_, container)) = self.faults.starts_anew.as_ref().filter(|(at, _)| *at == number) {
            self.world().start_anew(container);
        }
        Ok(self.world().observe(scope))
    }

    async fn execute(&self, steps: Arc<Vec<Step>>, on_error: OnError) -> Vec<Outcome> {
        let mut failed = false;
        let mut outcomes = Vec::with_capacity(steps.len());
        for step in steps.iter() {
            self.live().await;
            let outcome =
                if failed && on_error == OnError::Stop { Outcome::Skipped } else { self.try_one(step, on_error) };
            failed |= matches!(outcome, Outcome::Failed(_));
            outcomes.push(outcome);
        }
        outcomes
    }

    async fn observe_containers(&self, scope: &ContainerScope) -> Result<Containers> {
        Ok(self.world().observe_containers(scope))
    }

    async fn execute_container(&self, step: &ContainerStep) -> Result<Vec<String>> {
        // Containers are worked on at the same time.
        tokio::task::yield_now().await;
        self.live().await;
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.containers.push(step.clone());
            asked.containers.len() - 1
        };
        if self.faults.container == Some(number) {
            return Err(Error::new(ErrorKind::Docker, "engine", format!("refused: {step}")));
        }
        self.world().execute_container(step).map(|()| Vec::new())
    }

    async fn allocate(&self, control: u16, id: &str, request: IpRequest) -> Result<Cidr> {
        self.live().await;
        self.asked.lock().unwrap().allocated.push(request);
        self.world().allocate(control, id, request)
    }

    async fn owed(&self) -> Result<Owed> {
        Ok(self.world().owed.clone())
    }

    async fn owe(&self, owed: &Owed) -> Result<()> {
        self.live().await;
        self.world().owed.clone_from(owed);
        Ok(())
    }

    fn tell(&self, progress: &Progress) {
        self.asked.lock().unwrap().told.push(progress.clone());
    }

    async fn facts(&self) -> HostFacts {
        HostFacts::default()
    }

    async fn probe(&self, _bridge: &str, addresses: &[IpAddr]) -> Result<Vec<Owner>> {
        self.asked.lock().unwrap().probes.extend(addresses);
        Ok(self.faults.owners.iter().filter(|owner| addresses.contains(&owner.address)).cloned().collect())
    }
}
