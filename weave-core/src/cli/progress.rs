//! Bars for work that takes a while, on a terminal.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::{Progress as News, Pull, Work};

/// What is over before this needs no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often the wheel turns that shows that there is life.
const TURN: Duration = Duration::from_millis(120);

const COUNT: &str = "{spinner} {bar:30} {pos}/{len} {prefix}  {wide_msg}";
const SENT: &str = "{spinner} {decimal_bytes}  {wide_msg}";
const BYTES: &str = "  {bar:30} {decimal_bytes}/{decimal_total_bytes}  {wide_msg}";

/// Shows what it is told, once that takes a while.
pub(super) struct Progress {
    /// Whether there is a terminal to draw on.
    draws: bool,
    bars: MultiProgress,
    shown: Mutex<Shown>,
    /// Shows the bars when the time has come; ends when nobody can stop it any more.
    waits: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

/// The bars there are.
#[derive(Default)]
struct Shown {
    /// What is counted, and what is being done, the oldest first.
    count: Option<ProgressBar>,
    now: Vec<Work>,
    context: Option<ProgressBar>,
    carried: Option<ProgressBar>,
    pulls: BTreeMap<String, ProgressBar>,
}

impl Progress {
    pub(super) fn new(draws: bool) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        Self { draws, bars, shown: Mutex::default(), waits: Mutex::default() }
    }

    /// Something is told.
    pub(super) fn tell(&self, news: &News) {
        if !self.draws {
            return;
        }
        self.begin();
        let mut shown = lock(&self.shown);
        match news {
            News::Steps { done, total } => self.count(&mut shown, "steps", *done, *total),
            News::Containers { done, total } => self.count(&mut shown, "containers", *done, *total),
            News::Begins(work) => shown.now.push(work.clone()),
            News::Ends(work) => self.end(&mut shown, work),
            News::Pull(pull) => {
                let bar = shown.pulls.entry(pull.image.clone()).or_insert_with(|| self.bar(BYTES));
                bar.set_length(pull.total);
                bar.set_position(pull.bytes);
                bar.set_message(layers(pull));
            }
            News::Carry { what, bytes } => {
                let bar = shown.carried.get_or_insert_with(|| self.bar(SENT));
                bar.set_position(*bytes);
                bar.set_message(what.clone());
            }
            News::Context { bytes, total } => {
                let bar = shown.context.get_or_insert_with(|| self.bar(BYTES));
                bar.set_length(*total);
                bar.set_position(*bytes);
                bar.set_message("send the context");
            }
        }
        shown.say();
    }

    /// Lets `print` write to the terminal, and draws what is shown below it.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        self.bars.suspend(print);
    }

    /// Takes everything away.
    pub(super) fn clear(&self) {
        if let Some((stop, waiting)) = lock(&self.waits).take() {
            drop(stop);
            // It panics only where drawing does; there is nobody to tell.
            let _ = waiting.join();
        }
        let shown = std::mem::take(&mut *lock(&self.shown));
        for bar in shown.count.iter().chain(&shown.context).chain(&shown.carried).chain(shown.pulls.values()) {
            bar.finish_and_clear();
        }
        // Where the terminal is gone, nothing is left on it.
        let _ = self.bars.clear();
    }

    /// The first news start the time that is waited.
    fn begin(&self) {
        let mut waits = lock(&self.waits);
        if waits.is_some() {
            return;
        }
        let (stop, stopped) = channel();
        let bars = self.bars.clone();
        let wait = move || {
            if stopped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                bars.set_draw_target(ProgressDrawTarget::stderr());
            }
        };
        // Without a thread there are no bars.
        *waits = thread::Builder::new().name("weave-bar".into()).spawn(wait).ok().map(|thread| (stop, thread));
    }

    fn bar(&self, template: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(0));
        // The templates are fixed; were one wrong, indicatif's own would do.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }

    fn count(&self, shown: &mut Shown, what: &'static str, done: usize, total: usize) {
        if let Some(bar) = shown.context.take() {
            bar.finish_and_clear();
        }
        let bar = shown.count.get_or_insert_with(|| {
            let bar = self.bar(COUNT);
            bar.enable_steady_tick(TURN);
            bar
        });
        bar.set_prefix(what);
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    }

    fn end(&self, shown: &mut Shown, work: &Work) {
        if let Some(at) = shown.now.iter().position(|other| other == work) {
            shown.now.remove(at);
        }
        if *work == Work::pull(&work.on)
            && let Some(bar) = shown.pulls.remove(&work.on)
        {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }
}

impl Shown {
    /// Says what is being done, but for what has a bar of its own.
    fn say(&self) {
        let Some(bar) = &self.count else { return };
        let has_bar = |work: &Work| self.pulls.contains_key(&work.on) && *work == Work::pull(&work.on);
        let words: Vec<String> = self.now.iter().filter(|work| !has_bar(work)).map(Work::to_string).collect();
        bar.set_message(words.join(", "));
    }
}

fn layers(pull: &Pull) -> String {
    format!("{}: {} of {} layers", pull.image, pull.done, pull.layers)
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half written in it.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_not_shown_for_short_work_nor_without_a_terminal() {
        for draws in [true, false] {
            let progress = Progress::new(draws);
            let pull = Pull { image: "app".to_owned(), ..Pull::default() };
            progress.tell(&News::Containers { done: 0, total: 2 });
            progress.tell(&News::Begins(Work::pull("app")));
            progress.tell(&News::Pull(pull));
            assert_eq!(lock(&progress.shown).pulls.len(), usize::from(draws));
            progress.tell(&News::Ends(Work::pull("app")));
            assert!(lock(&progress.shown).pulls.is_empty() && lock(&progress.shown).now.is_empty());
            progress.clear();
            assert!(progress.bars.is_hidden());
        }
    }
}
