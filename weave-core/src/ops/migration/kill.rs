//! For tests, in builds with debug assertions only: the process kills or stops itself at a step.

use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, raise};

use crate::plan::migration::Move;

/// Which step and when: `start_target after`, `stop_source before`, or `stop_source during`; and what with.
const VARIABLES: [(&str, Signal); 2] = [("WEAVE_KILL_AT", Signal::SIGKILL), ("WEAVE_STOP_AT", Signal::SIGSTOP)];

/// How long an order is under way by then.
const UNDER_WAY: Duration = Duration::from_millis(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Begin,
    End,
}

pub(super) fn at(step: &Move, moment: Moment) {
    for (variable, signal) in VARIABLES {
        if let Ok(text) = std::env::var(variable) {
            at_one(step, moment, &text, signal);
        }
    }
}

fn at_one(step: &Move, moment: Moment, text: &str, signal: Signal) {
    let name = match serde_json::to_value(step) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(one)) => one.into_iter().next().map(|(name, _)| name).unwrap_or_default(),
        _ => return,
    };
    match (text.split_once(' '), moment) {
        (Some((wanted, "before")), Moment::Begin) | (Some((wanted, "after")), Moment::End) if wanted == name => {
            send(signal);
        }
        (Some((wanted, "during")), Moment::Begin) if wanted == name => drop(thread::spawn(move || {
            thread::sleep(UNDER_WAY);
            send(signal);
        })),
        _ => {}
    }
}

fn send(signal: Signal) {
    // Nobody comes back from a kill.
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), signal).or_else(|_| raise(signal));
}
