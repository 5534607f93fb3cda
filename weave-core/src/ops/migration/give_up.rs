//! Giving a move up because somebody wishes so: as long as nobody misses the container for it.

use std::time::Duration;

use nix::errno::Errno;
use tokio::time::{Instant, sleep};

use super::act::Run;
use crate::carry;
use crate::plan::migration::can_be_given_up;
use crate::{Error, ErrorKind, Result};

/// How long helpers may take to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often is looked whether they went.
const AGAIN: Duration = Duration::from_millis(200);

impl Run<'_> {
    /// Whether somebody wishes that the move be given up, and it can be.
    ///
    /// # Errors
    /// `Kernel` with `EINTR` then.
    pub(super) fn go_on(&self) -> Result<()> {
        if self.kernel.cancel().is_cancelled() && can_be_given_up(&self.ends) {
            return Err(self.interrupted());
        }
        Ok(())
    }

    fn interrupted(&self) -> Error {
        Error::new(ErrorKind::Kernel, &self.spec.name, "interrupted").errno(Errno::EINTR as i32)
    }

    /// What comes of `work`, unless it is given up before: then its helpers are ended, and it with them, so that no
    /// order is left under way.
    pub(super) async fn unless_given_up<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if !can_be_given_up(&self.ends) {
            return work.await;
        }
        let mut work = std::pin::pin!(work);
        let cancel = self.kernel.cancel();
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = cancel.wished() => {}
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            for side in [&self.from, &self.to] {
                // What it cannot do now, it does in the end.
                let _ = carry::sweep(&side.end, &self.token).await;
            }
            tokio::select! {
                biased;
                done = &mut work => return done.map_err(|_| self.interrupted()),
                () = sleep(AGAIN) => {}
            }
        }
        Err(self.interrupted())
    }
}
