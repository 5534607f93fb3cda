//! Work in the host's namespace, on a thread that may leave it.
//!
//! A thread that enters a namespace must not be one of a pool: the next job on it would run in the container. Nor may
//! work that takes long hold up a thread that has others to serve.

use std::cell::Cell;
use std::io;
use std::panic;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

use crate::netlink;
use crate::netns::{self, NetNs};
use crate::observed::NetnsId;
use crate::{Error, Result};

thread_local! {
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// The calling thread, while it serves one operation and nobody else: it may wait, and be in any namespace meanwhile.
/// In the end it is where it was.
pub(crate) struct Own {
    home: NetNs,
}

impl Own {
    /// Takes the calling thread until the answer is dropped.
    ///
    /// # Errors
    /// Where it is cannot be found out, so it could not go back there.
    pub(crate) fn this_thread() -> io::Result<Self> {
        let home = NetNs::current()?;
        netns::remember_where(&home);
        OWN.set(true);
        Ok(Self { home })
    }

    /// Where it is in the end.
    pub(crate) fn home(&self) -> NetnsId {
        self.home.id()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        OWN.set(false);
        netlink::drop_spares();
        let back = self.home.enter_if_elsewhere();
        netns::forget_where();
        // Whatever this thread did next would be done in a container.
        assert!(back.is_ok(), "cannot go back to the network namespace: {back:?}");
    }
}

/// Whether the calling thread is one operation's own.
pub(crate) fn is_own() -> bool {
    OWN.get()
}

/// Work that is under way, or done.
pub(super) enum Job<T> {
    Done(Result<T>),
    OnThread { thread: JoinHandle<()>, result: oneshot::Receiver<Result<T>> },
}

/// Starts `work` in the namespace of the host, from wherever it is called, on a thread of its own.
pub(super) fn start<T: Send + 'static>(
    host: &Arc<NetNs>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<Job<T>> {
    let (sender, result) = oneshot::channel();
    let host = Arc::clone(host);
    let run = move || {
        // Nobody waits any more when the operation was dropped.
        let _ = sender.send(at_home(&host).and_then(|()| work()));
    };
    let thread =
        Builder::new().name("weave".into()).spawn(run).map_err(|error| Error::os("host", "start a thread", error))?;
    Ok(Job::OnThread { thread, result })
}

/// Does `work` at once where the calling thread is the operation's own; else as [`start`]. For work that is short: a
/// thread costs about as much as a look at a namespace.
pub(super) fn soon<T: Send + 'static>(
    host: &Arc<NetNs>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<Job<T>> {
    if !is_own() {
        return start(host, work);
    }
    at_home(host)?;
    let done = work();
    // What is started from here shall begin at home, and no namespace live on because this thread is in it.
    at_home(host)?;
    Ok(Job::Done(done))
}

fn at_home(host: &NetNs) -> Result<()> {
    host.enter_if_elsewhere().map_err(|error| Error::os("host", "enter its network namespace", error))
}

impl<T> Job<T> {
    /// Its result. A panic in it goes on here.
    pub(super) async fn wait(self) -> Result<T> {
        match self {
            Self::Done(result) => result,
            Self::OnThread { thread, result } => match result.await {
                Ok(result) => result,
                Err(_) => match thread.join() {
                    Err(cause) => panic::resume_unwind(cause),
                    Ok(()) => unreachable!("work that ends sends its result"),
                },
            },
        }
    }
}
