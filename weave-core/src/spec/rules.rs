//! What can be said against a host document without looking at a host.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::options::Value;
use super::published::taken_twice;
use super::run::{Pull, RunState, check_image};
use super::{Attached, Cidr, ContainerRef, Ensure, HostDocument, Presence, before, publication};
use crate::{Error, Result};

impl HostDocument {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        self.problems().into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything that is wrong with it, as far as that can be said without a host.
    pub fn problems(&self) -> Vec<Error> {
        if self.ensure != Ensure::Present {
            return Vec::new();
        }
        let mut problems = Vec::new();
        if let Some(router) = &self.router {
            problems.extend(router.validate().err().map(|error| error.within("router")));
        }
        let mut taken: BTreeMap<IpAddr, String> = BTreeMap::new();
        for (index, exposure) in self.expose.iter().flatten().enumerate() {
            problems.extend(claim(&mut taken, exposure.ip, format!("expose[{index}]")).err());
        }
        for (container, attached) in self.containers.iter().flat_map(|named| &named.0) {
            let field = format!("containers.{container}");
            let own = attached.problems(container);
            let sound = own.is_empty();
            problems.extend(own.into_iter().map(|error| error.within(&field)));
            // Its own addresses are compared with each other already.
            if sound && attached.ensure.is_there() {
                for (index, ip) in attached.addresses().iter().enumerate() {
                    problems.extend(claim(&mut taken, *ip, format!("{field}.ips[{index}]")).err());
                }
            }
        }
        let published = self.publish.iter().flatten().cloned().collect::<Vec<_>>();
        problems.extend(publication::problems(&published));
        problems.extend(self.publish_without_firewall());
        problems.extend(taken_twice(self.containers.iter().flat_map(|named| &named.0), &published));
        problems.extend(before::too_early(self));
        problems
    }

    /// Published ports stand in weave's own table.
    fn publish_without_firewall(&self) -> Option<Error> {
        let left_alone = self.firewall.is_some_and(|firewall| !firewall.manage);
        let published = self.publish.as_ref().is_some_and(|publish| !publish.is_empty());
        let message =
            "needs the packet filter, and `firewall: {manage: false}` leaves it to others; allowed: one of both";
        (left_alone && published).then(|| Error::invalid("publish", message))
    }

    /// What may be wrong with it: containers that others are bound to and that it does not name.
    pub fn doubts(&self) -> Vec<Error> {
        let containers = || self.containers.iter().flat_map(|named| &named.0);
        if self.ensure != Ensure::Present {
            return Vec::new();
        }
        let known: BTreeMap<&ContainerRef, Option<&str>> = containers().map(|(name, _)| (name, None)).collect();
        containers().flat_map(|(container, attached)| attached.doubts(container, None, &known)).collect()
    }
}

fn claim(taken: &mut BTreeMap<IpAddr, String>, ip: Cidr, field: String) -> Result<()> {
    if let Some(other) = taken.get(&ip.ip()) {
        return Err(Error::invalid(field, format!("{ip} is given to {other} too; allowed: each address once")));
    }
    taken.insert(ip.ip(), field);
    Ok(())
}

impl Attached {
    /// Everything that is wrong with what is said of `container`.
    pub(crate) fn problems(&self, container: &ContainerRef) -> Vec<Error> {
        let mut problems = Vec::new();
        if self.ensure.is_there() && self.ips.is_none() && self.image.is_none() {
            let message = "neither addresses nor an image are given; allowed: `ips`, `image`, or `ensure: absent`";
            problems.push(Error::invalid("", message));
        }
        if !matches!(container, ContainerRef::Container(_)) {
            let foreign = |field, what| {
                let message = format!("{container} is no container of the engine, which could be {what}");
                Error::invalid(field, format!("{message}; allowed: a container's name"))
            };
            problems.extend(self.image.is_some().then(|| foreign("image", "run")));
            problems.extend((self.ensure == Presence::Absent).then(|| foreign("ensure", "removed")));
        }
        if let Some(image) = &self.image {
            problems.extend(check_image(image).err());
            let options = self.options.as_deref().filter(|_| self.is_before_start());
            problems.extend(options.map(before::problems).unwrap_or_default());
        } else if self.ensure.is_there() {
            let useless = |field: &&str| {
                Error::invalid(*field, "is of no use in a container that weave does not run; allowed: with `image`")
            };
            let latest = (self.ensure == Presence::Latest).then_some("ensure");
            problems.extend(self.run_settings().iter().chain(&latest).map(useless));
        }
        if self.ips.as_ref().is_some_and(|ips| !ips.is_empty()) {
            problems.extend(self.attach(container.clone()).validate().err());
        } else if self.ips.is_none() {
            let useless = |field: &&str| Error::invalid(*field, "is of no use without an address; allowed: with `ips`");
            problems.extend(self.attach_settings().iter().map(useless));
        }
        problems.extend(self.contradictions(container));
        problems
    }

    /// Options that say something else than fields of their own.
    fn contradictions(&self, container: &ContainerRef) -> Vec<Error> {
        let Some(options) = self.options.as_deref() else { return self.not_latest(None).into_iter().collect() };
        let mut errors = Vec::new();
        // The engine takes it with and without a slash.
        let other = options.name.as_deref().map(|name| name.strip_prefix('/').unwrap_or(name));
        if let (Some(name), ContainerRef::Container(own)) = (other, container)
            && *name != **own
        {
            let message = format!("`--name {name}` is not `{own}`, the name that the container has here");
            errors.push(Error::invalid("options", format!("{message}; allowed: the same name, or no `--name`")));
        }
        if let (Some(own), Some(option)) = (self.pull, options.pull)
            && own != option
        {
            let (own, option) = (own.write(), option.write());
            let message = format!("`{own}` contradicts `--pull {option}` of the options; allowed: one of them");
            errors.push(Error::invalid("pull", message));
        }
        errors.extend(self.not_latest(options.pull));
        if options.rm == Some(true) && self.state == Some(RunState::Stopped) {
            let message = "`stopped` and `--rm` exclude each other, for the engine removes the container as it stops; \
                           allowed: running, created, or `ensure: absent`";
            errors.push(Error::invalid("state", message));
        }
        errors
    }

    /// The newest image cannot come where none is fetched.
    fn not_latest(&self, option: Option<Pull>) -> Option<Error> {
        let pull = self.pull.or(option).filter(|pull| *pull != Pull::Always && self.ensure == Presence::Latest)?;
        let message = format!("`{}` contradicts `ensure: latest`; allowed: always, or none at all", pull.write());
        Some(Error::invalid("pull", message))
    }

    /// Containers that `container` of `host` is bound to and that are not among those `known`, which have hosts in a
    /// fleet. They may be there all the same.
    pub(crate) fn doubts(
        &self,
        container: &ContainerRef,
        host: Option<&str>,
        known: &BTreeMap<&ContainerRef, Option<&str>>,
    ) -> Vec<Error> {
        let Some(options) = self.options.as_deref().filter(|_| self.ensure.is_there()) else {
            return Vec::new();
        };
        let doubt = |(option, name): (&str, &String)| {
            let where_it_is = match known.get(&ContainerRef::Container(name.as_str().into())) {
                Some(other) if *other == host => return None,
                Some(other) => format!("is on {}, and is not reached from here", other.unwrap_or_default()),
                None => "is no container of this document: it has to be there already".to_owned(),
            };
            let option = option.replace('_', "-");
            let message = format!("`{name}`, which `--{option}` names, {where_it_is}");
            Some(Error::invalid(format!("containers.{container}.options"), message))
        };
        let bound = options.bound_to();
        bound
            .iter()
            .flat_map(|(option, names)| names.iter().map(move |name| (*option, name)))
            .filter_map(doubt)
            .collect()
    }

    /// The settings given that need an image.
    fn run_settings(&self) -> Vec<&'static str> {
        let given = [
            (self.command.is_some(), "command"),
            (self.options.is_some(), "options"),
            (self.state.is_some(), "state"),
            (self.on_change.is_some(), "on_change"),
            (self.pull.is_some(), "pull"),
            (self.attach.is_some(), "attach"),
        ];
        given.into_iter().filter(|(given, _)| *given).map(|(_, field)| field).collect()
    }

    /// The settings given that need an address.
    fn attach_settings(&self) -> Vec<&'static str> {
        let given = [
            (self.mtu.is_some(), "mtu"),
            (self.mac.is_some(), "mac"),
            (self.gateway.is_some(), "gateway"),
            (self.routes.is_some(), "routes"),
        ];
        given.into_iter().filter(|(given, _)| *given).map(|(_, field)| field).collect()
    }
}
