//! A bar for work that takes a while.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is over before this needs no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// Told by the host how many steps are done.
pub(super) struct Progress {
    /// Whether there is a terminal to draw on.
    draws: bool,
    bar: ProgressBar,
    begun: OnceLock<Instant>,
    shown: AtomicBool,
}

impl Progress {
    pub(super) fn new(draws: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        // The template is fixed; were it wrong, indicatif's own would do.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} steps") {
            bar.set_style(style);
        }
        Self { draws, bar, begun: OnceLock::new(), shown: AtomicBool::new(false) }
    }

    /// `done` of `total` steps are done.
    pub(super) fn step(&self, done: usize, total: usize) {
        let begun = self.begun.get_or_init(Instant::now);
        if !self.draws || begun.elapsed() < PATIENCE {
            return;
        }
        if !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_not_shown_for_short_work_nor_without_a_terminal() {
        for draws in [true, false] {
            let progress = Progress::new(draws);
            progress.step(0, 2);
            progress.step(2, 2);
            assert!(progress.bar.is_hidden());
            progress.clear();
        }
    }
}
