//! Processes of containers that were looked at a moment ago: the network round needs the same ones, and the engine
//! takes longer to tell of a container than the kernel of its network.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::docker::Found;
use crate::netns::{NetNs, identify, uptime};
use crate::observed::{AttachmentMark, Container, Containers, Link, NetnsId, Status};
use crate::plan::container::HOLDS;

/// How long an answer counts as one of now.
const FRESH: Duration = Duration::from_secs(1);

/// When a look at containers began.
pub(super) struct Begun {
    at: Instant,
    uptime: Option<u64>,
}

impl Begun {
    pub(super) fn now() -> Self {
        Self { at: Instant::now(), uptime: uptime().ok() }
    }
}

/// What a look at containers told of their processes.
pub(super) struct Recent {
    at: Instant,
    /// When the engine was asked. A process that is older is the one that it told of; a younger one is asked for again.
    pub(super) asked: u64,
    found: HashMap<String, Found>,
}

impl Recent {
    /// What `seen` tells, of a look that began then.
    pub(super) fn of(begun: &Begun, seen: &Containers) -> Option<Self> {
        let found = seen.containers.values().filter_map(found).map(|found| (found.name.clone(), found)).collect();
        Some(Self { at: begun.at, asked: begun.uptime?, found })
    }

    /// What the marks on `links` tell of containers whose processes still are where they were attached. A name that two
    /// have tells nothing.
    pub(super) fn of_marks(host: &NetNs, links: &[Link]) -> Option<Self> {
        let device = host.id().device;
        let is_there = |mark: &AttachmentMark| {
            let here = NetnsId { device, inode: mark.inode };
            let path = format!("/proc/{}/ns/net", mark.pid);
            mark.pid != 0 && !mark.id.is_empty() && identify(Path::new(&path)).is_ok_and(|id| id == here)
        };
        let mut found: HashMap<String, Found> = HashMap::new();
        let mut twice = Vec::new();
        for mark in links.iter().filter_map(Link::attachment).filter(is_there) {
            for key in [&mark.name, &mark.id].into_iter().filter(|key| !key.is_empty()) {
                let one = Found {
                    id: mark.id.clone(),
                    name: mark.name.clone(),
                    pid: mark.pid,
                    started_at: String::new(),
                    host_network: false,
                    held: false,
                };
                // One container may have several interfaces.
                if found.insert(key.clone(), one).is_some_and(|other| other.pid != mark.pid) {
                    twice.push(key.clone());
                }
            }
        }
        found.retain(|key, _| !twice.contains(key));
        Some(Self { at: Instant::now(), asked: uptime().ok()?, found })
    }

    /// The container of that name, unless that was told too long ago.
    pub(super) fn find(&self, name: &str) -> Option<Found> {
        self.found.get(name).filter(|_| self.at.elapsed() < FRESH).cloned()
    }
}

/// A container that has a process for certain, and a namespace of its own.
fn found(container: &Container) -> Option<Found> {
    let mode = container.host_config.get("NetworkMode").and_then(|mode| mode.as_str()).unwrap_or_default();
    let runs = matches!(container.status, Status::Running | Status::Paused) && container.pid != 0;
    let alone = !mode.starts_with("container:") && container.label(HOLDS).is_none();
    (runs && alone).then(|| Found {
        id: container.id.clone(),
        name: container.name.clone(),
        pid: container.pid,
        started_at: container.started_at.clone(),
        host_network: mode == "host",
        held: false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_has_a_process_and_was_told_just_now_is_found() {
        let container = |name: &str, status, pid| Container {
            id: "f00d".into(),
            name: name.into(),
            status,
            pid,
            ..Container::default()
        };
        let mut seen = Containers::default();
        for container in [
            container("web", Status::Running, 7),
            Container { host_config: json!({"NetworkMode": "host"}), ..container("host", Status::Paused, 8) },
            container("db", Status::Exited, 0),
            container("old", Status::Exited, 9),
            Container { host_config: json!({"NetworkMode": "container:0f"}), ..container("held", Status::Running, 10) },
            Container { config: json!({"Labels": {HOLDS: "held"}}), ..container("holder", Status::Running, 11) },
            container("new", Status::Restarting, 9),
        ] {
            seen.containers.insert(container.name.clone(), container);
        }
        let recent = Recent::of(&Begun { at: Instant::now(), uptime: Some(5) }, &seen).expect("a time");
        let web = recent.find("web").expect("it runs");
        assert_eq!((web.pid, web.id.as_str(), web.host_network, recent.asked), (7, "f00d", false, 5));
        assert!(recent.find("host").expect("it runs").host_network);
        for name in ["db", "old", "held", "holder", "new", "nosuch", "f00d"] {
            assert_eq!(recent.find(name), None, "{name}");
        }
        let late = Recent { at: Instant::now().checked_sub(FRESH).expect("a time"), ..recent };
        assert_eq!(late.find("web"), None);
        assert!(Recent::of(&Begun { at: Instant::now(), uptime: None }, &seen).is_none());
    }
}
