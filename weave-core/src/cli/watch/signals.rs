//! Signals, read from a file descriptor: a handler could do nothing with them that is not done here at leisure.

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::unix::AsyncFd;

use crate::readable::readable;
use crate::{Error, Result};

/// SIGTERM, SIGINT and SIGHUP, held back on this thread and those that it starts.
pub(super) struct Signals {
    held: Option<SignalFd>,
    heard: Option<AsyncFd<SignalFd>>,
}

impl Signals {
    /// Holds them back, before anything else is begun.
    ///
    /// # Errors
    /// As the kernel says.
    pub(super) fn hold() -> Result<Self> {
        let failed = |errno: nix::errno::Errno| Error::os("signals", "hold back", errno.into());
        let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect();
        signals.thread_block().map_err(failed)?;
        let held = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(failed)?;
        Ok(Self { held: Some(held), heard: None })
    }

    /// Has the runtime wait for them.
    ///
    /// # Errors
    /// As the kernel says.
    pub(super) fn listen(&mut self) -> Result<()> {
        if let Some(held) = self.held.take() {
            self.heard = Some(readable(held).map_err(|error| Error::os("signals", "wait for them", error))?);
        }
        Ok(())
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        loop {
            let Some(heard) = &self.heard else { return std::future::pending().await };
            let Ok(mut ready) = heard.readable().await else { return std::future::pending().await };
            match ready.get_inner().read_signal() {
                Ok(Some(signal)) => {
                    let number = i32::try_from(signal.ssi_signo).ok();
                    if let Some(signal) = number.and_then(|number| Signal::try_from(number).ok()) {
                        return signal;
                    }
                }
                Ok(None) | Err(_) => ready.clear_ready(),
            }
        }
    }
}
