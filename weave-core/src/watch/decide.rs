//! What is done next, and when: decided from what was noticed, what was done, and the time. Pure.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Work;

/// The kernel tells of one change in several messages, and of several changes one after the other.
const QUIET: Duration = Duration::from_millis(20);

/// So long such messages are waited for at most.
const PATIENCE: Duration = Duration::from_millis(200);

/// Routes may come and go by the thousand, and concern only the MTU.
const SLOW: Duration = Duration::from_secs(1);

/// So many looks in a row may find nothing before there are pauses between them.
const FRUITLESS: u32 = 3;

/// What such looks may take of the time from then on: one part in so many.
const SHARE: u32 = 20;

/// The longest such pause; looks that are farther apart are not in a row.
const GAP_MAX: Duration = Duration::from_secs(2);

/// How long after a failure the kernel may still tell of what was done and undone.
const ECHO: Duration = Duration::from_millis(250);

/// The pause after a failure, and each time twice as long.
const BACKOFF: Duration = Duration::from_secs(1);

/// The longest pause after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Something that was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Noticed {
    /// Something of the network may have changed.
    Network,
    /// The ways to the peers may have changed.
    Routes,
    /// A container that is to have an interface was started.
    Started(String),
    /// There is another document, or all of it is asked for again.
    Document,
    /// The engine answers, or does so no more.
    Engine(bool),
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All was as it should be.
    Unchanged,
    /// Something was put right.
    Changed,
    /// Something could not be served, and all else was.
    Partly,
    /// Nothing was done.
    Failed,
}

/// When the network is looked at.
#[derive(Debug, Clone, Copy)]
struct Due {
    first: Instant,
    last: Instant,
    slow: bool,
}

impl Due {
    fn at(self) -> Instant {
        if self.slow { self.first + SLOW } else { (self.last + QUIET).min(self.first + PATIENCE) }
    }
}

/// Something that is begun.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) work: Work,
    /// The containers that were started, where it is about those alone.
    pub(super) started: BTreeSet<String>,
    /// Whether all was as it should be before, so that what is not so by now was changed by somebody else.
    pub(super) settled: bool,
    /// Whether the engine is asked for every container, whatever the kernel shows of it.
    pub(super) thorough: bool,
}

/// What is known, and what is to be done.
#[derive(Debug)]
pub(super) struct Decide {
    /// How often everything is looked at although nobody has told of a change.
    resync: Duration,
    resync_at: Instant,
    /// Whether there is a document, of which more than the network may be wanted.
    has_document: bool,
    /// Whether all of it is to be brought about.
    document: bool,
    network: Option<Due>,
    started: BTreeSet<String>,
    /// Whether the engine answers; nothing is done until that is known.
    engine: Option<bool>,
    /// Whether the network stands, as far as is known: containers can be attached to it.
    stands: bool,
    failures: u32,
    /// Before this, what failed is not tried again by itself.
    not_before: Option<Instant>,
    /// When what failed had ended. What the kernel tells right after it, it has done and undone itself.
    failed_at: Option<Instant>,
    /// Before this, the network is not looked at again: looks find nothing.
    gap: Instant,
    /// How many looks in a row found nothing, and when the last one ended.
    fruitless: (u32, Instant),
    /// Whether all was as it should be once.
    settled: bool,
    running: Option<Work>,
}

impl Decide {
    /// Everything is to be done.
    pub(super) fn new(resync: Duration, has_document: bool, now: Instant) -> Self {
        Self {
            resync,
            resync_at: now + resync,
            has_document,
            document: has_document,
            network: Some(Due { first: now, last: now, slow: false }),
            started: BTreeSet::new(),
            engine: None,
            stands: false,
            failures: 0,
            not_before: None,
            failed_at: None,
            gap: now,
            fruitless: (0, now),
            settled: false,
            running: None,
        }
    }

    /// Takes note of something.
    pub(super) fn note(&mut self, noticed: Noticed, now: Instant) {
        match noticed {
            Noticed::Network | Noticed::Routes if self.failed_at.is_some_and(|at| now < at + ECHO) => {}
            Noticed::Network => self.look(now, false),
            Noticed::Routes => self.look(now, true),
            Noticed::Started(container) => {
                self.started.insert(container);
            }
            Noticed::Document => self.begin_anew(now),
            Noticed::Engine(answers) => {
                let came = answers && self.engine != Some(true);
                self.engine = Some(answers);
                if came {
                    self.begin_anew(now);
                }
            }
        }
    }

    /// All is to be done, whatever failed before.
    fn begin_anew(&mut self, now: Instant) {
        self.document = self.has_document;
        self.look(now, false);
        self.gap = now;
        self.failures = 0;
        self.not_before = None;
        self.failed_at = None;
        self.settled = false;
    }

    fn look(&mut self, now: Instant, slow: bool) {
        let due = self.network.get_or_insert(Due { first: now, last: now, slow });
        if due.slow && !slow {
            *due = Due { first: now, last: now, slow };
        }
        due.last = now;
    }

    /// When the whole document is to be brought about: without the engine, only the network can be.
    fn document_at(&self, now: Instant) -> Option<Instant> {
        (self.document && self.engine == Some(true)).then(|| self.not_before.unwrap_or(now))
    }

    /// Whether containers are to be attached, which is done at once.
    fn containers_go(&self) -> bool {
        self.stands && !self.started.is_empty() && self.engine == Some(true)
    }

    /// When the network is to be looked at.
    fn look_at(&self) -> Instant {
        let by_itself = self.not_before.unwrap_or(self.resync_at);
        // What somebody else changes is put right soon, although something else keeps failing.
        let noticed =
            self.network.map(|due| due.at().max(self.gap).max(self.failed_at.map_or(self.gap, |at| at + BACKOFF)));
        noticed.map_or(by_itself, |noticed| noticed.min(by_itself))
    }

    /// When something is to be done without anything being noticed before.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        if self.running.is_some() || self.engine.is_none() {
            return None;
        }
        let containers = self.containers_go().then_some(now);
        [self.document_at(now), containers, Some(self.look_at())].into_iter().flatten().min()
    }

    /// What is to be done now; it is taken for begun.
    pub(super) fn next(&mut self, now: Instant) -> Option<Begun> {
        if self.wake(now).is_none_or(|at| at > now) {
            return None;
        }
        let overdue = self.network.is_some_and(|due| !due.slow && due.first + 2 * PATIENCE <= now);
        let work = if self.document_at(now).is_some_and(|at| at <= now) {
            Work::Document
        } else if self.containers_go() && !(overdue && self.look_at() <= now) {
            Work::Containers
        } else {
            Work::Network
        };
        // The larger ones serve every container that runs.
        let mut started = std::mem::take(&mut self.started);
        if work == Work::Document {
            self.document = false;
        }
        if work != Work::Containers {
            self.network = None;
            started.clear();
        }
        self.running = Some(work);
        let thorough = !self.settled || self.failures > 0 || now >= self.resync_at;
        Some(Begun { work, started, settled: self.settled, thorough })
    }

    /// Takes note of what came of it; when it is tried again, if it has to be.
    pub(super) fn done(&mut self, outcome: Outcome, took: Duration, now: Instant) -> Option<Duration> {
        let work = self.running.take()?;
        if work != Work::Containers {
            self.resync_at = now + self.resync;
            self.fruitless = match (work, outcome) {
                (Work::Network, Outcome::Unchanged) if now <= self.fruitless.1 + GAP_MAX * 2 => {
                    (self.fruitless.0 + 1, now)
                }
                (Work::Network, Outcome::Unchanged) => (1, now),
                _ => (0, now),
            };
            let pause = if self.fruitless.0 > FRUITLESS { (took * SHARE).min(GAP_MAX) } else { Duration::ZERO };
            self.gap = now + pause;
        }
        match outcome {
            Outcome::Unchanged | Outcome::Changed => {
                if work != Work::Containers {
                    self.stands = true;
                    self.settled = true;
                    self.failures = 0;
                    self.not_before = None;
                    self.failed_at = None;
                }
                None
            }
            Outcome::Partly | Outcome::Failed => {
                if work != Work::Containers {
                    self.stands = outcome == Outcome::Partly;
                }
                let pause = (BACKOFF * 2u32.saturating_pow(self.failures)).min(BACKOFF_MAX);
                self.failures = self.failures.saturating_add(1).min(31);
                self.not_before = Some(now + pause);
                self.failed_at = Some(now);
                if work != Work::Containers {
                    self.network = None;
                }
                if work == Work::Document {
                    self.document = true;
                }
                Some(pause)
            }
        }
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
