//! The same operations for callers without an async runtime.

/// Drives `job` to its end on a runtime of its own, on this thread.
///
/// A runtime for each call survives `fork`, which Ansible and Salt do between calls; one for the process does not.
///
/// # Panics
/// When the kernel has no more file descriptors for the runtime's own two.
pub fn run<F: Future>(job: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"))
        .block_on(job)
}
