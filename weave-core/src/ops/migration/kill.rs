//! For tests, in builds with debug assertions only: the process kills itself at a step.

use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, raise};

use crate::plan::migration::Move;

/// Which step and when: `start_target after`, `stop_source before`, or `stop_source during`.
const VARIABLE: &str = "WEAVE_KILL_AT";

/// How long an order is under way by then.
const UNDER_WAY: Duration = Duration::from_millis(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Begin,
    End,
}

pub(super) fn at(step: &Move, moment: Moment) {
    let Ok(text) = std::env::var(VARIABLE) else { return };
    let name = match serde_json::to_value(step) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(one)) => one.into_iter().next().map(|(name, _)| name).unwrap_or_default(),
        _ => return,
    };
    match (text.split_once(' '), moment) {
        (Some((wanted, "before")), Moment::Begin) | (Some((wanted, "after")), Moment::End) if wanted == name => kill(),
        (Some((wanted, "during")), Moment::Begin) if wanted == name => drop(thread::spawn(|| {
            thread::sleep(UNDER_WAY);
            kill();
        })),
        _ => {}
    }
}

fn kill() {
    // Nobody comes back from it.
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), Signal::SIGKILL).or_else(|_| raise(Signal::SIGKILL));
}
