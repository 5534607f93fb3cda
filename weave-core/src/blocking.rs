//! The same operations for callers without an async runtime.

use std::panic;
use std::thread;

use tokio::runtime::{Builder, Handle};

use crate::kernel::job::Own;

/// Drives `job` to its end, on the calling thread and a runtime of its own.
///
/// The runtime is made anew for each call: one for the process would not survive `fork`, which Ansible and Salt do
/// between calls. The calling thread enters the namespaces of containers by itself, which is quicker than to start a
/// thread for each; it is back in its own when this returns, and a process's other threads never leave theirs. Where a
/// runtime drives the calling thread already, one more thread is started.
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
    let _own = Own::this_thread().ok();
    Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"))
        .block_on(job)
}
