//! The same operations for callers without an async runtime.

use std::panic;
use std::thread::{self, Builder};

use crate::kernel::job;

/// Drives `job` to its end on a thread and a runtime of its own.
///
/// Both are made anew for each call: a runtime for the process would not survive `fork`, which Ansible and Salt do
/// between calls. On a thread that is nobody else's, an operation may enter the namespaces of containers by itself,
/// which is quicker than to start a thread for each.
///
/// # Panics
/// When the kernel has no more threads, or no more file descriptors for the runtime's own two.
pub fn run<F>(job: F) -> F::Output
where
    F: Future + Send,
    F::Output: Send,
{
    let work = || {
        job::own_this_thread();
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap_or_else(|error| panic!("no runtime: {error}"))
            .block_on(job)
    };
    let ended = thread::scope(|scope| {
        let thread = Builder::new().name("weave".into()).spawn_scoped(scope, work);
        thread.unwrap_or_else(|error| panic!("no thread: {error}")).join()
    });
    ended.unwrap_or_else(|cause| panic::resume_unwind(cause))
}
