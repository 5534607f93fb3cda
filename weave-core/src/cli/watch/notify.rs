//! What the service manager is told (`sd_notify(3)`), where there is one.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, sleep_until};

use super::said::Said;
use crate::watch::Event;

/// What it knows.
pub(super) struct Notify {
    /// Half of what it waits before it takes the process for hung.
    every: Option<Duration>,
    due: Instant,
    ready: bool,
    reloading: bool,
    ends: bool,
    engine: bool,
    status: String,
}

impl Notify {
    pub(super) fn new() -> Self {
        let every = sd_notify::watchdog_enabled().map(|time| time / 2).filter(|time| !time.is_zero());
        let due = Instant::now() + every.unwrap_or_default();
        Self { every, due, ready: false, reloading: false, ends: false, engine: true, status: String::new() }
    }

    /// When it is to be told again that the process is alive. Only the loop that does all else waits for this.
    pub(super) async fn time(&self) {
        match self.every {
            Some(_) => sleep_until(self.due).await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn is_alive(&mut self) {
        self.due = Instant::now() + self.every.unwrap_or_default();
        send(&[NotifyState::Watchdog]);
    }

    pub(super) fn reloads(&mut self) {
        self.reloading = true;
        match NotifyState::monotonic_usec_now() {
            Ok(now) => send(&[NotifyState::Reloading, now]),
            Err(_) => send(&[NotifyState::Reloading]),
        }
    }

    pub(super) fn ends(&mut self) {
        self.ends = true;
        send(&[NotifyState::Stopping]);
    }

    /// Tells what an event comes to, while so much stands in the way.
    pub(super) fn event(&mut self, event: &Event, problems: &Said) {
        let status = match event {
            Event::Converged { .. } | Event::Failed { .. } => Some(status(self.engine, problems)),
            Event::Engine { away } => {
                self.engine = away.is_none();
                None
            }
            Event::Read { .. } => None,
        };
        // A document that is not taken has been answered, too.
        let answered = status.is_some() || matches!(event, Event::Read { result: Err(_) });
        if answered && (!self.ready || self.reloading) && !self.ends {
            // The first try counts, however it went: those who wait for the network have what there is.
            (self.ready, self.reloading) = (true, false);
            send(&[NotifyState::Ready]);
        }
        if let Some(status) = status.filter(|status| *status != self.status) {
            send(&[NotifyState::Status(&status.replace('\n', " "))]);
            self.status = status;
        }
    }
}

/// How it fares, in a line.
fn status(engine: bool, problems: &Said) -> String {
    match (problems.count(), problems.first().unwrap_or_default(), engine) {
        (0, _, true) => "all is as it should be".to_owned(),
        (0, _, false) => "the network is as it should be; no engine".to_owned(),
        (1, first, _) => format!("a problem: {first}"),
        (count, first, _) => format!("{count} problems, the first: {first}"),
    }
}

fn send(states: &[NotifyState<'_>]) {
    // Without a service manager nothing is sent; one that does not listen is no reason to end.
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager is not told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Work;

    #[test]
    fn nothing_is_as_it_should_be_while_a_document_fails() {
        let mut said = Said::default();
        assert_eq!(status(true, &said), "all is as it should be");
        assert_eq!(status(false, &said), "the network is as it should be; no engine");
        said.anew(Work::Document, vec!["web: no image".to_owned()]);
        said.is_over(Work::Network);
        assert_eq!(status(true, &said), "a problem: web: no image");
        said.anew(Work::Containers, vec!["db: taken".to_owned()]);
        assert_eq!(status(true, &said), "2 problems, the first: web: no image");
    }
}
