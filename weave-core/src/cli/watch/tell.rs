//! What is written into the log.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::said::Said;
use crate::error::ErrorReport;
use crate::ops::Report;
use crate::watch::{Event, Work};

/// How many things that changed are named in one line.
const NAMED: usize = 10;

/// Writes it, each thing once.
#[derive(Default)]
pub(super) struct Tell {
    problems: Said,
    warnings: Said,
    ends: bool,
}

impl Tell {
    pub(super) fn begins(&self, files: &[String]) {
        let version = env!("CARGO_PKG_VERSION");
        match files {
            [] => tracing::info!(version, "watching what is there"),
            files => tracing::info!(version, document = files.join(" "), "watching"),
        }
    }

    /// What stands in the way of what shall be.
    pub(super) fn problems(&self) -> &Said {
        &self.problems
    }

    pub(super) fn ends(&mut self, signal: Signal) {
        self.ends = true;
        tracing::info!(%signal, "ending, once what was begun is done");
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Converged { work, took, report, again, .. } => self.converged(*work, *took, report, *again),
            Event::Failed { work, error, again, .. } => {
                self.failed(*work, vec![in_words(&error.report())], *again);
            }
            Event::Read { result: Ok(warnings) } => {
                tracing::info!("the document is read anew");
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
            }
            Event::Read { result: Err(error) } => {
                tracing::error!("the document is not taken, the last good one is kept: {}", in_words(&error.report()));
            }
            Event::Engine { away: None } => tracing::info!("connected to the engine"),
            Event::Engine { away: Some(error) } => tracing::warn!("without the engine: {error}"),
        }
    }

    fn converged(&mut self, work: Work, took: Duration, report: &Report, again: Option<Duration>) {
        if report.changed {
            let subjects: BTreeSet<&str> = report.changes.iter().map(|change| &*change.subject).collect();
            let more = subjects.len().saturating_sub(NAMED);
            let mut subjects = subjects.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
            if more > 0 {
                subjects += &format!(" and {more} more");
            }
            let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(took_ms, "{}: changed {subjects}", work.name());
        }
        for step in &report.steps {
            tracing::debug!("{step}");
        }
        for warning in self.warnings.anew(work, report.warnings.clone()) {
            tracing::warn!("{warning}");
        }
        match again {
            Some(again) => self.failed(work, report.errors.iter().map(in_words).collect(), again),
            None if self.problems.is_over(work) => tracing::info!("all is as it should be again"),
            None => {}
        }
    }

    fn failed(&mut self, work: Work, words: Vec<String>, again: Duration) {
        for words in self.problems.anew(work, words) {
            if self.ends {
                // What was given up is no error, and nothing is tried again.
                tracing::warn!("{words}");
                continue;
            }
            tracing::error!("{words}; tried again in {} s and more and more seldom", again.as_secs());
        }
    }
}

/// An error in one line, with its hint.
fn in_words(error: &ErrorReport) -> String {
    let subject = if error.subject.is_empty() { String::new() } else { format!("{}: ", error.subject) };
    let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    // Of a document, all that is wrong; each says where.
    let all: String = error.findings.iter().skip(1).map(|finding| format!("; {finding}")).collect();
    format!("{subject}{}{hint}{all}", error.message)
}
