//! Ctrl-C while the host is changed: what was begun is finished or undone first.
//!
//! The signals are blocked while the operation runs, and read from a file descriptor between its turns, on the same
//! thread. So there is no handler and no race: while the operation waits for the lock of somebody else it is dropped,
//! which leaves nothing behind, and once it has the lock it is driven to its end. Programs that are run meanwhile
//! inherit the block, and a ctrl-C of the terminal does not kill them either.

use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// How often is looked.
const TICK: Duration = Duration::from_millis(50);

/// SIGINT, SIGTERM and SIGHUP, held back as long as this lives.
pub(super) struct Held {
    descriptor: SignalFd,
    before: SigSet,
}

impl Held {
    /// Holds them back on this thread, and on those that it starts.
    ///
    /// `None` where the kernel does not let us: then they act as ever, and the next run repairs.
    pub(super) fn new() -> Option<Self> {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
        let descriptor = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).ok()?;
        let before = SigSet::thread_get_mask().ok()?;
        signals.thread_block().ok()?;
        Some(Self { descriptor, before })
    }

    /// The signal that came, if one did.
    fn caught(&self) -> Option<Signal> {
        let signal = self.descriptor.read_signal().ok()??;
        i32::try_from(signal.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Any that came meanwhile were answered; they must not kill the process now, before it has said what it did.
        while self.caught().is_some() {}
        let _ = self.before.thread_set_mask();
    }
}

/// How the operation ended.
pub(super) struct Ended<T> {
    /// Its result; `None` when it was dropped before it had begun.
    pub(super) result: Option<T>,
    /// The signal that came meanwhile.
    pub(super) signal: Option<Signal>,
}

/// Drives `job`; at a signal it is dropped while it `waits`, and else `told` is called once and it goes on.
pub(super) async fn drive<T>(
    job: impl Future<Output = T>,
    held: &Held,
    waits: impl Fn() -> bool,
    mut told: impl FnMut(),
) -> Ended<T> {
    let mut job = std::pin::pin!(job);
    let mut signal = None;
    loop {
        if let Ok(result) = tokio::time::timeout(TICK, job.as_mut()).await {
            return Ended { result: Some(result), signal: signal.or_else(|| held.caught()) };
        }
        let Some(caught) = held.caught() else { continue };
        if waits() {
            return Ended { result: None, signal: Some(caught) };
        }
        if signal.replace(caught).is_none() {
            told();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use nix::sys::signal::raise;

    use super::*;

    /// How long the work takes.
    #[derive(PartialEq)]
    enum Lasts {
        NoTime,
        UntilTold,
        ForEver,
    }

    /// `raise` signals this thread alone: other tests run in this process.
    fn ended(waits: bool, signalled: bool, lasts: Lasts) -> (Option<u8>, Option<Signal>, usize) {
        crate::blocking::run(async {
            let held = Held::new().expect("signals");
            if signalled {
                raise(Signal::SIGINT).expect("signal");
            }
            let told = AtomicUsize::new(0);
            let job = async {
                while lasts == Lasts::ForEver || (lasts == Lasts::UntilTold && told.load(Ordering::Relaxed) == 0) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                7
            };
            let tell = || {
                told.fetch_add(1, Ordering::Relaxed);
            };
            let ended = drive(job, &held, || waits, tell).await;
            (ended.result, ended.signal, told.into_inner())
        })
    }

    #[test]
    fn what_has_begun_is_finished_and_what_has_not_is_dropped() {
        assert_eq!(ended(false, false, Lasts::NoTime), (Some(7), None, 0));
        assert_eq!(ended(false, true, Lasts::UntilTold), (Some(7), Some(Signal::SIGINT), 1));
        assert_eq!(ended(true, true, Lasts::ForEver), (None, Some(Signal::SIGINT), 0));
        assert_eq!(ended(false, true, Lasts::NoTime), (Some(7), Some(Signal::SIGINT), 0));
    }
}
