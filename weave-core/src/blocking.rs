//! The same operations for callers without an async runtime.

use std::mem;
use std::panic;
use std::process;
use std::sync::Mutex;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::kernel::job::Own;
use crate::observed::NetnsId;

/// The runtime of the last call, for the next one. To make one takes the time of ten system calls.
static SHELF: Shelf = Shelf(Mutex::new(None));

/// Room for one runtime that has nothing more to do.
struct Shelf(Mutex<Option<Spare>>);

/// Such a runtime.
struct Spare {
    runtime: Runtime,
    place: Place,
}

/// Where a runtime can be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// What it waits with is shared with the parent after `fork`, which Ansible and Salt do between calls.
    process: u32,
    /// A thread that it has started may be there still.
    netns: NetnsId,
}

/// Drives `job` to its end, on the calling thread and a runtime that is nobody else's meanwhile.
///
/// The calling thread enters the namespaces of containers by itself, which is quicker than to start a thread for each; it
/// is back in its own when this returns, and a process's other threads never leave theirs. Where a runtime drives the
/// calling thread already, one more thread is started.
///
/// # Panics
/// When the kernel has no more threads, or no more file descriptors for the runtime's own two, or does not let the
/// thread go back to where it was.
pub fn run<F>(job: F) -> F::Output
where
    F: Future + Send,
    F::Output: Send,
{
    match Handle::try_current() {
        Err(_) => drive(job),
        Ok(_) => {
            let ended = thread::scope(|scope| {
                let thread = thread::Builder::new().name("weave".into()).spawn_scoped(scope, || drive(job));
                thread.unwrap_or_else(|error| panic!("no thread: {error}")).join()
            });
            ended.unwrap_or_else(|cause| panic::resume_unwind(cause))
        }
    }
}

fn drive<F: Future>(job: F) -> F::Output {
    // Without `/proc` nobody can go back, so threads are started for what has to be done elsewhere.
    let own = Own::this_thread().ok();
    let place = own.as_ref().map(|own| Place { process: process::id(), netns: own.home() });
    let runtime = place.and_then(|place| SHELF.take(place)).unwrap_or_else(make);
    let output = runtime.block_on(job);
    if let Some(place) = place {
        SHELF.keep(Spare { runtime, place });
    }
    output
}

fn make() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap_or_else(|error| panic!("no runtime: {error}"))
}

impl Shelf {
    /// The runtime that the last call in `place` has left.
    fn take(&self, place: Place) -> Option<Runtime> {
        // Whoever has it locked has it for an instant, but for one that `fork` has left behind.
        let mut kept = self.0.try_lock().ok()?;
        let found = kept.take_if(|spare| spare.place == place || spare.place.process != place.process)?;
        if found.place == place {
            return Some(found.runtime);
        }
        // To drop it would take from the parent's what that waits for.
        mem::forget(found);
        None
    }

    /// Keeps a runtime for the next call, unless something is left in it, as a connection to the engine is.
    fn keep(&self, spare: Spare) {
        if spare.runtime.metrics().num_alive_tasks() > 0 {
            return;
        }
        let unused = match self.0.try_lock() {
            Ok(mut kept) => kept.replace(spare),
            Err(_) => Some(spare),
        };
        drop(unused);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn place(process: u32, inode: u64) -> Place {
        Place { process, netns: NetnsId { device: 4, inode } }
    }

    #[test]
    fn a_runtime_is_gone_on_with_in_its_place_alone() {
        let shelf = Shelf(Mutex::new(None));
        let there = |wanted| {
            shelf.keep(Spare { runtime: make(), place: place(1, 1) });
            let taken = shelf.take(wanted).is_some();
            (taken, shelf.0.lock().expect("free").take().is_some())
        };
        assert_eq!(there(place(1, 1)), (true, false));
        assert_eq!(there(place(1, 2)), (false, true));
        // In a child it is of no more use.
        assert_eq!(there(place(2, 1)), (false, false));
        assert_eq!(there(place(2, 2)), (false, false));
        assert!(shelf.take(place(1, 1)).is_none());
        let _held = shelf.0.lock().expect("free");
        shelf.keep(Spare { runtime: make(), place: place(1, 1) });
        assert!(shelf.take(place(1, 1)).is_none());
    }

    #[test]
    fn what_a_job_leaves_behind_ends_with_it() {
        let left = Arc::new(());
        let held = Arc::clone(&left);
        run(async {
            tokio::spawn(async move {
                let _held = held;
                std::future::pending::<()>().await;
            });
            tokio::task::yield_now().await;
        });
        assert_eq!(Arc::strong_count(&left), 1);
    }

    #[test]
    fn one_call_in_another_is_driven_too() {
        assert_eq!(run(async { run(async { run(async { 7 }) }) }), 7);
    }
}
