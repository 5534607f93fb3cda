//! What the lanes of one run share: how many work at once, images that are fetched once, and a count of those done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::containers::LaneDone;
use crate::Result;
use crate::host::Host;
use crate::plan::container::{ContainerStep, Fetched};
use crate::progress::Progress;

/// How many containers the engine works on at once: its own work on one is mostly waiting for the kernel.
pub(super) const AT_ONCE: usize = 8;

/// How many images come in at once; each comes in several layers at once.
const PULLS: usize = 3;

/// What came of a step; nothing while it is done.
type Done = Arc<OnceCell<Result<Vec<String>>>>;

/// What lanes share.
pub(super) struct Lanes<'a, H> {
    pub(super) host: &'a H,
    gate: Semaphore,
    pulls: Semaphore,
    fetched: Mutex<BTreeMap<Fetched, Done>>,
    count: Count<'a, H>,
}

impl<'a, H: Host> Lanes<'a, H> {
    /// For lanes of which `total` have something to do.
    pub(super) fn new(host: &'a H, total: usize) -> Self {
        let (gate, pulls) = (Semaphore::new(AT_ONCE), Semaphore::new(PULLS));
        Self { host, gate, pulls, fetched: Mutex::default(), count: Count::new(host, 0, total) }
    }

    /// Waits until fewer than [`AT_ONCE`] others are at work.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.gate.acquire().await.ok()
    }

    /// Fetches an image by its step, unless another lane did or does: then its end is waited for. It takes nobody's
    /// turn.
    pub(super) async fn fetch(&self, image: Fetched, step: &ContainerStep) -> Result<Vec<String>> {
        let done = {
            let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(fetched.entry(image).or_default())
        };
        let fetch = || async {
            let _one_of_few = self.pulls.acquire().await;
            self.host.execute_container(step).await
        };
        done.get_or_init(fetch).await.clone()
    }

    /// A lane is worked off, as far as `lane` can be by now.
    pub(super) fn ended(&self, lane: &LaneDone) {
        if lane.is_worked_off() {
            self.count.one_more();
        }
    }
}

/// Counts containers that are worked off.
pub(super) struct Count<'a, H> {
    host: &'a H,
    done: AtomicUsize,
    total: usize,
}

impl<'a, H: Host> Count<'a, H> {
    /// `done` of `total` are. Where there is nothing to do, nobody is told.
    pub(super) fn new(host: &'a H, done: usize, total: usize) -> Self {
        if total > 0 {
            host.tell(&Progress::Containers { done, total });
        }
        Self { host, done: AtomicUsize::new(done), total }
    }

    pub(super) fn one_more(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.host.tell(&Progress::Containers { done, total: self.total });
    }
}
