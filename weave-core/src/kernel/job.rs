//! Work on a thread of its own, in the host's namespace.
//!
//! A thread that enters a namespace must not be one of a pool: the next job on it would run in the container.

use std::panic;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

use crate::netns::NetNs;
use crate::{Error, Result};

/// Work that is under way.
pub(super) struct Job<T> {
    thread: JoinHandle<()>,
    result: oneshot::Receiver<Result<T>>,
}

/// Starts `work` in the namespace of the host, from wherever it is called.
pub(super) fn start<T: Send + 'static>(
    host: &Arc<NetNs>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<Job<T>> {
    let (sender, result) = oneshot::channel();
    let host = Arc::clone(host);
    let run = move || {
        let entered =
            host.enter_if_elsewhere().map_err(|error| Error::os("host", "enter its network namespace", error));
        // Nobody waits any more when the operation was dropped.
        let _ = sender.send(entered.and_then(|()| work()));
    };
    let thread =
        Builder::new().name("weave".into()).spawn(run).map_err(|error| Error::os("host", "start a thread", error))?;
    Ok(Job { thread, result })
}

impl<T> Job<T> {
    /// Its result. A panic in it goes on here.
    pub(super) async fn wait(self) -> Result<T> {
        match self.result.await {
            Ok(result) => result,
            Err(_) => match self.thread.join() {
                Err(cause) => panic::resume_unwind(cause),
                Ok(()) => unreachable!("work that ends sends its result"),
            },
        }
    }
}
