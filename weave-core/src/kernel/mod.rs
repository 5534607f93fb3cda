//! This host: the kernel, the engine and the packet filter behind the one seam.

mod act;
mod announce;
mod begun;
mod classic;
mod control;
mod counters;
mod execute;
mod facts;
mod flood;
mod groups;
mod held;
mod ids;
pub(crate) mod job;
mod listeners;
mod locate;
mod look;
mod machine;
mod names;
mod notify;
mod numbers;
mod observe;
mod owed;
mod paths;
mod preflight;
mod probe;
mod ready;
mod recent;
mod refused;
mod remembered;
mod targets;
#[cfg(test)]
mod tests;
mod units;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::apply::{Lock, run_dir};
pub use crate::docker::wish;
use crate::docker::{Engine, engine_timeout};
use crate::host::{Host, OnError, Outcome, Owed, Owner};
use crate::netns::NetNs;
use crate::observed::{ContainerScope, Containers, HostFacts, Link, Observed, Scope, Touched};
use crate::plan::Step;
use crate::plan::container::ContainerStep;
use crate::progress::{Progress, Watcher};
use crate::spec::{Cidr, IpRequest};
use crate::units::{UnitStep, Units};
use crate::{Cancel, Error, Result, names as defaults};

pub use counters::{Counters, Port};
use held::Held;
pub(crate) use machine::machine;
use recent::{Begun, Recent};
use remembered::Remembered;

/// What a [`Kernel`] may be told.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct KernelOptions {
    /// The engine's address, as `docker -H` takes it; `DOCKER_HOST` or the engine's own socket where none is given.
    pub docker_host: Option<String>,
    /// The run directory; `WEAVE_RUN_DIR` or `/run/weave` where none is given.
    pub run_dir: Option<PathBuf>,
    /// Below which directory units and the files of their neighbours are; `WEAVE_ROOT` or `/` where none is given.
    pub root: Option<PathBuf>,
    /// How long to wait for another weave on this host; `WEAVE_LOCK_TIMEOUT` seconds or a minute where nothing is said.
    pub lock_timeout: Option<Duration>,
    /// How long the engine may take for an answer; `WEAVE_ENGINE_TIMEOUT` seconds or ten where nothing is said. Work, such
    /// as starting a container, has minutes in any case.
    pub engine_timeout: Option<Duration>,
}

impl KernelOptions {
    /// Another run directory than the default one.
    #[must_use]
    pub fn run_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.run_dir = Some(dir.into());
        self
    }

    /// Units and the files of their neighbours are below this directory instead of `/`.
    #[must_use]
    pub fn root(mut self, dir: impl Into<PathBuf>) -> Self {
        self.root = Some(dir.into());
        self
    }

    /// Waits so long for another weave on this host.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = Some(timeout);
        self
    }

    /// Lets the engine take so long for an answer.
    #[must_use]
    pub fn engine_timeout(mut self, timeout: Duration) -> Self {
        self.engine_timeout = Some(timeout);
        self
    }

    /// Another engine than the default one.
    #[must_use]
    pub fn docker_host(mut self, address: impl Into<String>) -> Self {
        self.docker_host = Some(address.into());
        self
    }
}

/// This host, through its kernel, engine and packet filter.
///
/// The host's network namespace is that of the thread which makes it, whichever threads use it later. Namespaces of
/// the last look stay open until the next look or until it is dropped, and live on that long; so keep it for one
/// operation.
pub struct Kernel {
    host: Arc<NetNs>,
    /// What [`Observed::host_id`] says, once it was looked for.
    id: OnceLock<String>,
    engine: Engine,
    known: Mutex<Known>,
    /// What the last look at containers told, until it is used, or a container is touched.
    recent: Mutex<Option<Recent>>,
    /// Whether what is marked on links tells of containers as well as the engine does.
    marks_tell: bool,
    run_dir: PathBuf,
    /// Where units are, if somebody said so.
    root: Option<PathBuf>,
    lock_timeout: Duration,
    watcher: Option<Watcher>,
    cancel: Cancel,
    /// What names of peers resolved to, where that is to be remembered.
    remembered: Option<Arc<Remembered>>,
    /// Whether it was told to change anything.
    acted: AtomicBool,
    /// Whether something was begun that does not hold the lock all the time.
    begun: Arc<AtomicBool>,
}

/// What the last look left for the next steps.
#[derive(Default)]
struct Known {
    held: Arc<Held>,
    /// Numbers of links that are taken, on the host or in a container.
    indexes: BTreeSet<u32>,
    /// Bridges of the host by name.
    bridges: HashMap<String, u32>,
}

impl Kernel {
    /// The host that the calling thread is on. Nothing is asked of the engine yet.
    ///
    /// # Errors
    /// When the thread's namespace cannot be opened, or the engine's address or a time to wait makes no sense.
    pub fn new(options: KernelOptions) -> Result<Self> {
        let host = NetNs::current().map_err(|error| Error::os("host", "open its network namespace", error))?;
        let docker_host = options.docker_host.or_else(|| std::env::var("DOCKER_HOST").ok());
        let mut engine = Engine::connect(docker_host.as_deref().filter(|address| !address.is_empty()))?;
        if let Some(timeout) = options.engine_timeout.map_or_else(engine_timeout, |timeout| Ok(Some(timeout)))? {
            engine = engine.answering_within(timeout);
        }
        Ok(Self {
            host: Arc::new(host),
            id: OnceLock::new(),
            engine,
            known: Mutex::default(),
            recent: Mutex::default(),
            marks_tell: false,
            run_dir: options.run_dir.unwrap_or_else(run_dir),
            root: options.root.or_else(units::root),
            lock_timeout: options.lock_timeout.map_or_else(lock_timeout, Ok)?,
            watcher: None,
            cancel: Cancel::new(),
            remembered: None,
            acted: AtomicBool::new(false),
            begun: Arc::default(),
        })
    }

    /// Has somebody told how far each operation is.
    #[must_use]
    pub fn with_progress(mut self, watcher: Watcher) -> Self {
        self.watcher = Some(watcher);
        self
    }

    /// Gives up what takes long once `cancel` is wished for.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// The wish to give up.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The same host for another operation, with the same client of the engine and nothing of the last look.
    pub(crate) fn afresh(&self) -> Self {
        Self {
            host: Arc::clone(&self.host),
            id: self.id.clone(),
            engine: self.engine.clone(),
            known: Mutex::default(),
            recent: Mutex::default(),
            marks_tell: false,
            run_dir: self.run_dir.clone(),
            root: self.root.clone(),
            lock_timeout: self.lock_timeout,
            watcher: self.watcher.clone(),
            cancel: self.cancel.clone(),
            remembered: self.remembered.clone(),
            acted: AtomicBool::new(false),
            begun: Arc::clone(&self.begun),
        }
    }

    /// Does not ask the engine for containers whose interfaces are there, marked, and in the namespace of a process that
    /// runs. That is as sure as the engine's word but for a container that was given another name.
    pub(crate) fn believe_marks(&mut self) {
        self.marks_tell = true;
    }

    /// The same host, with an engine that has two seconds for an answer: it may only be about to start.
    pub(crate) fn in_a_hurry(&self) -> Self {
        Self { engine: self.engine.in_a_hurry(), ..self.afresh() }
    }

    /// Whether anything was done to the network, be it that it failed or was undone: the kernel tells of it.
    pub(crate) fn has_acted(&self) -> bool {
        self.acted.load(Ordering::Relaxed)
    }

    /// Where the lock is.
    pub(crate) fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    /// Does something short in the namespace of the host.
    pub(crate) async fn at_home<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        job::soon(&self.host, work)?.wait().await
    }

    /// The links of the host.
    pub(crate) async fn links(&self) -> Result<Vec<Link>> {
        let list =
            || look::links(&mut look::socket("host")?).map_err(|refusal| refusal.error("host", "list its links"));
        self.at_home(list).await
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Lets go of the namespaces of the last look: one that a container leaves lives on as long as somebody holds it, and
    /// answers to its addresses.
    pub(crate) fn let_go(&self) {
        *self.known() = Known::default();
        crate::netlink::drop_spares();
    }

    /// How long others are waited for.
    pub(crate) fn lock_timeout(&self) -> Duration {
        self.lock_timeout
    }

    fn recent(&self) -> MutexGuard<'_, Option<Recent>> {
        // Nothing is left half written in it.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing is left half written in it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").field("host", &self.host.id()).finish_non_exhaustive()
    }
}

/// The seconds that `WEAVE_LOCK_TIMEOUT` gives.
fn lock_timeout() -> Result<Duration> {
    let Some(text) = std::env::var("WEAVE_LOCK_TIMEOUT").ok().filter(|text| !text.is_empty()) else {
        return Ok(Duration::from_secs(defaults::LOCK_SECONDS));
    };
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
        Error::invalid("WEAVE_LOCK_TIMEOUT", format!("`{text}` is no number of seconds; allowed: 0 and more"))
    })
}

impl Host for Kernel {
    type Guard = Lock;

    async fn lock(&self, operation: &str) -> Result<Lock> {
        Lock::acquire(&self.run_dir, operation, self.lock_timeout).await
    }

    async fn facts(&self) -> HostFacts {
        self.look_at_facts().await
    }

    async fn owed(&self) -> Result<Owed> {
        owed::read(&self.run_dir)
    }

    async fn owe(&self, owed: &Owed) -> Result<()> {
        owed::write(&self.run_dir, owed)
    }

    async fn units(&self) -> Result<Option<Units>> {
        self.look_at_units().await
    }

    async fn execute_unit(&self, step: &UnitStep) -> Result<()> {
        self.act_on_units(step).await
    }

    async fn lock_units(&self, operation: &str) -> Result<Option<Lock>> {
        Lock::acquire(&self.run_dir.join("units"), operation, self.lock_timeout).await.map(Some)
    }

    async fn observe(&self, scope: &Scope) -> Result<Observed> {
        self.look(scope).await
    }

    async fn observe_again(&self, scope: &Scope, before: &Observed, touched: &Touched) -> Result<Observed> {
        self.look_again(scope, before, touched).await
    }

    async fn observe_containers(&self, scope: &ContainerScope) -> Result<Containers> {
        let begun = Begun::now();
        let seen = Box::pin(self.engine.look_at_containers(scope)).await?;
        *self.recent() = Recent::of(&begun, &seen);
        Ok(seen)
    }

    async fn execute_container(&self, step: &ContainerStep) -> Result<Vec<String>> {
        *self.recent() = None;
        let work = step.work();
        self.tell(&Progress::Begins(work.clone()));
        let tell = |pull| self.tell(&Progress::Pull(pull));
        // Boxed, as all that is long and rare: it would make the whole operation long, which is moved again and again.
        let act = Box::pin(self.engine.act(step, &tell));
        let done = match step.fetches() {
            Some((image, _)) => self.cancel.or(&image, act).await,
            None => act.await,
        };
        self.tell(&Progress::Ends(work));
        done
    }

    fn tell(&self, progress: &Progress) {
        if let Some(watcher) = &self.watcher {
            watcher(progress);
        }
    }

    async fn allocate(&self, control: u16, id: &str, request: IpRequest) -> Result<Cidr> {
        let id = id.to_owned();
        job::start(&self.host, move || control::allocate(control, &id, request))?.wait().await
    }

    async fn execute(&self, steps: Arc<Vec<Step>>, on_error: OnError) -> Vec<Outcome> {
        self.acted.fetch_or(!steps.is_empty(), Ordering::Relaxed);
        self.act(steps, on_error).await
    }

    async fn probe(&self, bridge: &str, addresses: &[IpAddr]) -> Result<Vec<Owner>> {
        let (bridge, addresses) = (bridge.to_owned(), addresses.to_vec());
        job::start(&self.host, move || probe::probe(&bridge, &addresses))?.wait().await
    }
}
