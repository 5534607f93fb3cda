//! What can be said against a fleet without looking at a host.

use std::collections::BTreeMap;

use super::{Fleet, FleetContainer, FleetHost, overlay};
use crate::spec::marked::Place;
use crate::spec::published::taken_twice;
use crate::spec::{Attached, ContainerRef, Ensure, Finding, Level, PeerHost, Router, nearest, run};
use crate::{Error, Result};

/// Something wrong, and which place of the value tells it best.
pub(super) struct Problem {
    pub(super) level: Level,
    pub(super) error: Error,
    pub(super) place: Place,
}

impl Problem {
    pub(super) fn error(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(Error::invalid(subject, message))
    }

    pub(super) fn warning(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::doubt(Error::invalid(subject, message))
    }

    pub(super) fn of(error: Error) -> Self {
        Self { level: Level::Error, error, place: Place::Used }
    }

    pub(super) fn doubt(error: Error) -> Self {
        Self { level: Level::Warning, ..Self::of(error) }
    }

    fn hint(mut self, hint: String) -> Self {
        self.error = self.error.hint(hint);
        self
    }
}

/// A container, what is written of it, and what that comes to.
type Settled<'a> = (&'a ContainerRef, &'a FleetContainer, Attached);

impl Fleet {
    /// All that is wrong with it, as far as that can be said without a host; nothing is looked at or touched.
    pub fn validate_all(&self) -> Vec<Finding> {
        self.problems().iter().map(|problem| Finding::new(problem.level, &problem.error)).collect()
    }

    /// As [`Self::validate_all`], and the warnings alone are let through.
    ///
    /// # Errors
    /// `InvalidSpec` that carries all findings.
    pub fn validate(&self) -> Result<Vec<Finding>> {
        let findings = self.validate_all();
        if findings.iter().any(Finding::is_error) {
            Err(super::super::finding::refusal(findings))
        } else {
            Ok(findings)
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.hosts.is_empty() && self.ensure == Ensure::Present {
            let message = "no host is named; allowed: one or more such as `dockerhost001: {address: 192.0.2.1}`";
            problems.push(Problem::error("hosts", message));
        }
        let mut addresses = BTreeMap::new();
        for (name, host) in &self.hosts {
            self.check_host(name, host, &mut addresses, &mut problems);
        }
        self.check_defaults(&mut problems);
        self.check_moves(&mut problems);
        for (key, image) in self.images.iter().flatten() {
            let reference = image
                .image
                .as_ref()
                .map_or((key, format!("images.{key}")), |reference| (reference, format!("images.{key}.image")));
            let used = image.image.is_some() || self.is_run(key);
            if let (true, Err(error)) = (used, run::check_image(reference.0)) {
                problems.push(Problem::error(reference.1, error.message()));
            }
        }
        let mut sound = Vec::new();
        for (container, own) in &self.containers.0 {
            let settled = self.check_container(container, own, &mut problems);
            sound.extend(settled.map(|settled| (container, own, settled)));
        }
        self.check_together(&sound, &mut problems);
        problems.extend(overlay::problems(self));
        problems.extend(self.publish_problems());
        problems
    }

    /// Whether a container has the image `key`.
    fn is_run(&self, key: &str) -> bool {
        let images = self.containers.0.values().chain([&self.defaults]);
        images.filter_map(|container| container.image.as_deref()).any(|image| image == key)
    }

    fn check_host<'a>(
        &'a self,
        name: &'a str,
        host: &FleetHost,
        addresses: &mut BTreeMap<String, &'a str>,
        problems: &mut Vec<Problem>,
    ) {
        let field = format!("hosts.{name}");
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c == '/') {
            let message = format!("`{name}` is no host name; allowed: letters, digits, `-`, `_` and `.`");
            problems.push(Problem::error(&field, message));
        }
        match &host.address {
            Some(address) => {
                let path = format!("{field}.address");
                if let Some(port) = address.port {
                    let message = format!("{address} has a port; allowed: the address alone");
                    problems.push(
                        Problem::error(&path, message)
                            .hint(format!("a port of its own is written `router: {{port: {port}}}`")),
                    );
                }
                let text = match &address.host {
                    PeerHost::Address(ip) => ip.to_string(),
                    PeerHost::Name(name) => name.to_ascii_lowercase(),
                };
                if let Some(other) = addresses.get(&text) {
                    let message = format!("{text} is the address of hosts.{other} too; allowed: each address once");
                    problems.push(Problem::error(path, message));
                } else {
                    addresses.insert(text, name);
                }
            }
            None if self.peers.is_empty() && self.hosts.len() > 1 && self.ensure_of(host) == Ensure::Present => {
                let message = "has no address, so that the other hosts cannot reach it; allowed: `address: 192.0.2.1`";
                problems.push(Problem::error(&field, message));
            }
            None => {}
        }
        // Each part by itself, so that what is wrong for all hosts is said once.
        if let Some(router) = &host.router {
            let sound = |router: &Option<Router>| router.as_ref().is_none_or(|router| router.validate().is_ok());
            let router = if sound(&host.router) && sound(&self.router) { self.router_of(host) } else { router.clone() };
            problems.extend(router.validate().err().map(|error| Problem::of(error.within(&format!("{field}.router")))));
        }
    }

    fn check_defaults(&self, problems: &mut Vec<Problem>) {
        let given = [(self.defaults.ips.is_some(), "ips"), (self.defaults.mac.is_some(), "mac")];
        for (_, field) in given.iter().filter(|(given, _)| *given) {
            let message = "is no default, since every container needs its own; allowed: in `containers`";
            problems.push(Problem::error(format!("defaults.{field}"), message));
        }
        if let Some(host) = &self.defaults.host {
            problems.extend(self.check_host_name(host, "defaults.host".to_owned()));
        }
        if let Some(router) = &self.router {
            problems.extend(router.validate().err().map(|error| Problem::of(error.within("router"))));
        }
    }

    /// What containers of the same host cannot both have, and what those of other hosts cannot be had for.
    fn check_together(&self, containers: &[Settled<'_>], problems: &mut Vec<Problem>) {
        let mut known: BTreeMap<&ContainerRef, Option<&str>> = BTreeMap::new();
        let mut by_host: BTreeMap<&str, Vec<&Settled<'_>>> = BTreeMap::new();
        for (container, own) in &self.containers.0 {
            known.insert(container, self.host_of(own));
        }
        for settled in containers {
            let (container, own, attached) = settled;
            if let Some(host) = self.host_of(own).filter(|host| self.is_present(host)) {
                by_host.entry(host).or_default().push(settled);
                problems.extend(attached.doubts(container, Some(host), &known).into_iter().map(Problem::doubt));
            }
        }
        for (host, there) in &by_host {
            let there = there.iter().map(|(container, _, attached)| (*container, attached));
            let published = self.hosts.get(*host).and_then(|found| self.publications_of(host, found).ok().flatten());
            problems.extend(taken_twice(there, &published.unwrap_or_default()).into_iter().map(Problem::of));
        }
    }

    /// The name of the host of a container, where it has one.
    pub(super) fn host_of(&self, own: &FleetContainer) -> Option<&str> {
        self.by_name(own.host.as_ref().or(self.defaults.host.as_ref())?).ok()
    }

    fn is_present(&self, host: &str) -> bool {
        self.hosts.get(host).is_some_and(|host| self.ensure_of(host) == Ensure::Present)
    }

    /// What is wrong with a container by itself; its settings, where they can be told.
    fn check_container(
        &self,
        container: &ContainerRef,
        own: &FleetContainer,
        problems: &mut Vec<Problem>,
    ) -> Option<Attached> {
        let field = format!("containers.{container}");
        match (&own.host, &self.defaults.host) {
            (Some(host), _) => problems.extend(self.check_host_name(host, format!("{field}.host"))),
            (None, Some(_)) => {}
            (None, None) => {
                let message = format!("has no host; allowed: `host:` with one of {}", self.host_names());
                problems.push(Problem::error(&field, message));
            }
        }
        if let Some(image) = &own.image {
            problems.extend(self.check_image_key(image, format!("{field}.image")));
        }
        match self.settle(container, own) {
            Ok(attached) => {
                let wrong = attached.problems(container).into_iter();
                // What is wrong with a definition of an image is said there.
                let wrong = wrong.filter(|error| error.subject() != "image" || self.image_of(own).is_none());
                problems.extend(wrong.map(|error| Problem::of(error.within(&field))));
                Some(attached)
            }
            Err(error) => {
                problems.push(Problem::of(error.within(&field)));
                None
            }
        }
    }

    /// The definition of the image of a container.
    fn image_of(&self, own: &FleetContainer) -> Option<&super::Image> {
        self.image(own.image.as_ref().or(self.defaults.image.as_ref())?)
    }

    fn check_host_name(&self, host: &str, path: String) -> Option<Problem> {
        let error = self.by_name(host).err()?;
        let problem = Problem::error(path, error.message());
        Some(match error.next_step() {
            Some(hint) => problem.hint(hint.to_owned()),
            None => problem,
        })
    }

    /// Where there are `images`, a bare word is expected to be one of them. Nearly one of them is a slip of the pen;
    /// any other may well be the engine's own image. A tag, a digest or a registry says that it is.
    fn check_image_key(&self, image: &str, path: String) -> Option<Problem> {
        let images = self.images.as_ref()?;
        if images.contains_key(image) || image.contains(['/', ':', '@']) || run::check_image(image).is_err() {
            return None;
        }
        let keys: Vec<&str> = images.keys().map(String::as_str).collect();
        Some(match nearest(image, &keys) {
            Some(near) => {
                let message = format!("`{image}` is not in `images`; allowed: one of them, or an image with its tag");
                let hint = format!("did you mean `{near}`? the engine's own image is written `{image}:latest`");
                Problem::error(path, message).hint(hint)
            }
            None => {
                let message = format!("`{image}` is not in `images`, and is taken for the engine's own image");
                Problem::warning(path, format!("{message}; to say so, write `{image}:latest`"))
            }
        })
    }
}
