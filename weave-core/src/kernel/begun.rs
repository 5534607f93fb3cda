//! What was begun, and must come to one of its ends although it does not hold the lock all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Kernel;

/// As long as this lives, something is under way.
pub(crate) struct UnderWay(Arc<AtomicBool>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Kernel {
    /// From now on the operation must not be dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        self.begun.store(true, Ordering::Relaxed);
        UnderWay(Arc::clone(&self.begun))
    }

    /// Whether the operation must not be dropped, whoever has the lock.
    #[cfg(feature = "cli")]
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }
}
