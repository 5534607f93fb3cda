//! Giving up what takes long: whoever started an operation may not want to wait for it any more.

use nix::errno::Errno;
use tokio::sync::watch;

use crate::{Error, ErrorKind, Result};

/// A wish to give up. Clones are the same wish.
///
/// An operation is never left half done: an image that comes in, a build, the wait for a router in a container to be
/// ready, and what a container that still runs takes to another host are given up, and what was done before is undone.
/// Everything else takes no longer than a moment, or the time that a container has to stop, and is finished first.
///
/// ```
/// let cancel = weave_core::Cancel::new();
/// assert!(!cancel.is_cancelled());
/// cancel.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Debug, Clone)]
pub struct Cancel(watch::Sender<bool>);

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// A wish that nobody has had yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Has it; from any thread, as often as one likes.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody had it.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody has it.
    pub(crate) async fn wished(&self) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|wished| *wished).await;
    }

    /// The result of `work`, which is dropped when somebody has the wish first.
    ///
    /// # Errors
    /// Those of `work`; `Kernel` with `EINTR` where it was given up.
    pub(crate) async fn or<T>(&self, subject: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            // What is done already is not thrown away.
            biased;
            done = work => done,
            () = self.wished() => Err(
                Error::new(ErrorKind::Kernel, subject, "interrupted").errno(Errno::EINTR as i32)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn what_takes_long_is_given_up_and_what_is_done_counts() {
        crate::blocking::run(async {
            let cancel = Cancel::new();
            let other = cancel.clone();
            let both = async { tokio::join!(cancel.or("web", pending::<Result<()>>()), async { other.cancel() }).0 };
            let error = both.await.expect_err("given up");
            assert_eq!((error.kind(), error.raw_errno(), error.subject()), (ErrorKind::Kernel, Some(4), "web"));
            assert_eq!(cancel.or("web", ready(Ok(7))).await.expect("done"), 7);
            cancel.or("web", pending::<Result<()>>()).await.expect_err("the wish stays");
        });
    }
}
