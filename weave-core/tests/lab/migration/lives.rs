//! When a container ran, as the engines tell it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::lab::{Host, PATIENCE, wait_until};

/// Listens to both engines.
pub(super) struct Lives(Vec<Life>);

struct Life {
    listener: Child,
    said: PathBuf,
}

impl Lives {
    pub(super) fn of(name: &str, hosts: [&Host; 2]) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let lives = hosts.map(|host| {
            let said = host.dir().join("events");
            let filters = ["event=start", "event=die"].map(|event| ["--filter", event]).concat();
            let container = format!("container={name}");
            // It may hear of what happened before it listens.
            let since = format!("--since={}.{:09}", now.as_secs(), now.subsec_nanos());
            let mut command = host.command("docker");
            command
                .args(["events", &since, "--filter", &container, "--format", "{{.TimeNano}} {{.Action}}"])
                .args(filters);
            command.env("DOCKER_HOST", host.docker_host()).env("DOCKER_CONFIG", host.dir().join("docker-config"));
            command.stdin(Stdio::null()).stdout(File::create(&said).expect("a file")).stderr(Stdio::null());
            Life { listener: command.spawn().expect("docker to start"), said }
        });
        Self(lives.into())
    }

    /// From when to when it ran on each host; one that still runs has no end.
    fn spans(&self) -> Vec<Vec<(u128, u128)>> {
        let span = |life: &Life| {
            let text = fs::read_to_string(&life.said).expect("a file");
            let mut spans: Vec<(u128, u128)> = Vec::new();
            for line in text.lines() {
                let (time, action) = line.split_once(' ').expect("time and action");
                let time = time.parse().expect("a time");
                match (action, spans.last_mut()) {
                    ("start", _) => spans.push((time, u128::MAX)),
                    (_, Some((_, end))) => *end = time,
                    (_, None) => panic!("it died before it was started: {text}"),
                }
            }
            spans
        };
        self.0.iter().map(span).collect()
    }

    /// Panics if it ever ran on both. It was started `starts` times at least, and all of that is told.
    #[track_caller]
    pub(super) fn were_never_two(&self, starts: usize, course: &str) {
        let count = || self.spans().iter().map(Vec::len).sum::<usize>();
        assert!(wait_until(PATIENCE, || count() >= starts), "{course}: {:?}", self.spans());
        let [a, b] = <[_; 2]>::try_from(self.spans()).expect("two hosts");
        let overlap = a.iter().any(|(start, end)| b.iter().any(|(from, to)| start < to && from < end));
        assert!(!overlap, "{course}: it ran on both: {a:?} {b:?}");
    }
}

impl Drop for Lives {
    fn drop(&mut self) {
        for life in &mut self.0 {
            // A child of this process that is not collected yet.
            let _ = life.listener.kill();
            let _ = life.listener.wait();
        }
    }
}
