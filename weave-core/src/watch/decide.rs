//! What is done next, and when: decided from what was noticed, what was done, and the time. Pure.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Work;
use super::backoff::{BACKOFF, Backoff};

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

/// How long after a turn the kernel may still tell of what was done and undone in it.
const ECHO: Duration = Duration::from_millis(250);

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

impl Outcome {
    /// Whether it has to be tried again.
    fn is_failure(self) -> bool {
        matches!(self, Self::Partly | Self::Failed)
    }
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
    /// Whether the engine answers, as far as is known.
    pub(super) engine: bool,
}

/// How something ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
    /// Whether anything was done to the kernel, be it that it was undone.
    pub(super) acted: bool,
    /// Whether ports of the host lead to containers, where that was looked at.
    pub(super) publishes: Option<bool>,
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
    /// Those of them that are being served.
    serving: BTreeSet<String>,
    /// Whether the engine answers; nothing is done until that is known.
    engine: Option<bool>,
    /// Whether the network was brought about or tried once. From then on containers that start are attached by
    /// themselves: a turn that fails as a whole is undone, and leaves the network as it was.
    tried: bool,
    /// Whether ports of the host may lead to containers, which concerns the host ends of their interfaces.
    publishes: bool,
    /// Whether the next look at the network is about containers that were just attached.
    follows: bool,
    of_document: Backoff,
    of_network: Backoff,
    of_containers: Backoff,
    /// Until then, what is announced is taken for what was done and undone here.
    echo: Instant,
    /// Before this, the network is not looked at because something is announced: looks find nothing, or fail.
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
            serving: BTreeSet::new(),
            engine: None,
            tried: false,
            publishes: true,
            follows: false,
            of_document: Backoff::default(),
            of_network: Backoff::default(),
            of_containers: Backoff::default(),
            echo: now,
            gap: now,
            fruitless: (0, now),
            settled: false,
            running: None,
        }
    }

    /// Takes note of something.
    pub(super) fn note(&mut self, noticed: Noticed, now: Instant) {
        match noticed {
            Noticed::Network | Noticed::Routes if now < self.echo => {}
            Noticed::Network => self.look(now, false),
            Noticed::Routes => self.look(now, true),
            Noticed::Started(container) => {
                self.started.insert(container);
                self.of_containers.hasten();
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
        (self.gap, self.echo) = (now, now);
        [&mut self.of_document, &mut self.of_network, &mut self.of_containers].into_iter().for_each(Backoff::clear);
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
        (self.document && self.engine == Some(true)).then(|| self.of_document.at().unwrap_or(now))
    }

    /// When containers are to be attached: those that were just started at once.
    fn containers_at(&self, now: Instant) -> Option<Instant> {
        let any = self.tried && !self.started.is_empty() && self.engine == Some(true);
        any.then(|| self.of_containers.at().unwrap_or(now))
    }

    /// When the network is to be looked at.
    fn look_at(&self) -> Instant {
        let by_itself = self.of_network.at().unwrap_or(self.resync_at);
        // What somebody else changes is put right soon, although something else keeps failing.
        let noticed = self.network.map(|due| due.at().max(self.gap));
        noticed.map_or(by_itself, |noticed| noticed.min(by_itself))
    }

    /// When something is to be done without anything being noticed before.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        if self.running.is_some() || self.engine.is_none() {
            return None;
        }
        [self.document_at(now), self.containers_at(now), Some(self.look_at())].into_iter().flatten().min()
    }

    /// What is to be done now; it is taken for begun.
    pub(super) fn next(&mut self, now: Instant) -> Option<Begun> {
        if self.wake(now).is_none_or(|at| at > now) {
            return None;
        }
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        // Containers may start without end.
        let overdue = self.look_at() + 2 * PATIENCE <= now;
        let work = if is_due(self.document_at(now)) {
            Work::Document
        } else if is_due(self.containers_at(now)) && !overdue {
            Work::Containers
        } else {
            Work::Network
        };
        // The larger ones serve every container that runs.
        self.serving = std::mem::take(&mut self.started);
        // An interface that is new is nothing that somebody else has changed.
        let settled = self.settled && self.serving.is_empty() && !self.follows;
        if work == Work::Document {
            self.document = false;
        }
        if work != Work::Containers {
            self.network = None;
            self.follows = false;
        }
        self.running = Some(work);
        let thorough = !self.settled || self.of_network.has_failed() || now >= self.resync_at;
        let started = if work == Work::Containers { self.serving.clone() } else { BTreeSet::new() };
        Some(Begun { work, started, settled, thorough, engine: self.engine == Some(true) })
    }

    /// Takes note of what came of it; when it is tried again, if it has to be.
    pub(super) fn done(&mut self, ended: Ended, now: Instant) -> Option<Duration> {
        let work = self.running.take()?;
        let serving = std::mem::take(&mut self.serving);
        if work == Work::Containers {
            return self.attached(ended.outcome, serving, now);
        }
        self.looked(work, ended, now);
        if ended.outcome == Outcome::Failed {
            // They are not served, and need not wait for what failed.
            self.started.extend(serving);
        } else {
            self.of_containers.clear();
        }
        match work {
            Work::Document if ended.outcome.is_failure() => {
                self.document = true;
                Some(self.of_document.failed(now))
            }
            _ if ended.outcome.is_failure() => {
                if ended.acted {
                    // It is looked at again anyway, and would for ever hear itself.
                    self.network = None;
                    self.echo = now + ECHO;
                }
                Some(self.of_network.failed(now))
            }
            _ => {
                self.settled = true;
                self.of_network.clear();
                // The network says nothing of a document that failed.
                if work == Work::Document {
                    self.of_document.clear();
                }
                None
            }
        }
    }

    /// After a look at the network, alone or with all of the document.
    fn looked(&mut self, work: Work, ended: Ended, now: Instant) {
        let Ended { outcome, took, publishes, .. } = ended;
        self.tried = true;
        self.publishes = publishes.unwrap_or(true);
        if (work, outcome) != (Work::Document, Outcome::Failed) {
            self.resync_at = now + self.resync;
        }
        self.fruitless = match (work, outcome) {
            (Work::Network, Outcome::Unchanged) if now <= self.fruitless.1 + GAP_MAX * 2 => (self.fruitless.0 + 1, now),
            (Work::Network, Outcome::Unchanged) => (1, now),
            _ => (0, now),
        };
        let pause = if outcome.is_failure() {
            BACKOFF
        } else if self.fruitless.0 > FRUITLESS {
            (took * SHARE).min(GAP_MAX)
        } else {
            Duration::ZERO
        };
        self.gap = now + pause;
    }

    /// After containers alone, which put off nothing else, whatever came of it.
    fn attached(&mut self, outcome: Outcome, serving: BTreeSet<String>, now: Instant) -> Option<Duration> {
        if self.publishes && matches!(outcome, Outcome::Changed | Outcome::Partly) {
            // What leads to them concerns their host ends, and is seen by a look at all.
            self.look(now, false);
            self.follows = true;
        }
        if !outcome.is_failure() {
            self.of_containers.clear();
            return None;
        }
        let fresh = !self.started.is_empty();
        self.started.extend(serving);
        let pause = self.of_containers.failed(now);
        if fresh {
            // Who was started meanwhile does not wait.
            self.of_containers.hasten();
        }
        Some(pause)
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
