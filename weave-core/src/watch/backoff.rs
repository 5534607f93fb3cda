//! When what failed is tried again by itself. Pure.

use std::time::{Duration, Instant};

/// The pause after a failure, and each time twice as long.
pub(super) const BACKOFF: Duration = Duration::from_secs(1);

/// The longest pause after a failure.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// The pauses of one thing that may fail. Each has its own: what fails for days keeps nothing else waiting, and what
/// succeeds says nothing of what does not.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    at: Option<Instant>,
}

impl Backoff {
    /// It failed; how long it is left alone.
    pub(super) fn failed(&mut self, now: Instant) -> Duration {
        let pause = (BACKOFF * 2u32.saturating_pow(self.failures)).min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1).min(31);
        self.at = Some(now + pause);
        pause
    }

    /// It succeeded, or is to be tried as if it had never failed.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// There is a reason to try it at once. Should it fail again, the pause is no shorter for that.
    pub(super) fn hasten(&mut self) {
        self.at = None;
    }

    /// When it is tried again; nothing where it need not wait.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Whether it failed when it was tried last.
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_begin_anew_after_a_success() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        let pauses: Vec<u64> = (0..40).map(|_| backoff.failed(now).as_secs()).collect();
        assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!((pauses[39], backoff.at()), (60, Some(now + BACKOFF_MAX)));
        backoff.hasten();
        assert_eq!((backoff.at(), backoff.has_failed()), (None, true));
        assert_eq!(backoff.failed(now), BACKOFF_MAX);
        backoff.clear();
        assert_eq!((backoff.at(), backoff.has_failed()), (None, false));
        assert_eq!(backoff.failed(now), BACKOFF);
    }
}
