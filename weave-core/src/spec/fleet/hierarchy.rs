//! The data of the Puppet module of 2014, brought as they are.
//!
//! | there | here |
//! | --- | --- |
//! | `weave::ensure` | `ensure` |
//! | `weave::docker_cluster_peers` (words or list), `weave::docker_cluster_peers_array` | `peers` |
//! | `docker_hosts_weave_dhcp`: `[{hostname, ip}]` | `hosts`, with their `weave_ip` |
//! | `weave::expose_ip`, else `weave::docker_host_weave_ip` | the `weave_ip` of the host whose data they are |
//! | `dockerhosts_dhcp`, also `dockerhost_dhcp`: `{NAME: {hostname, host, ip, image}}` | `containers` |
//! | any other key with `ports`, `docker_run_opts`, `attach_volumes` | `images` |
//! | `weave::manage_firewall` | `firewall: {manage}` |
//! | `weave::container`, `image`, `weave_image_tag` with `weave::router: {kind: image}` | its `name` and `image` |
//! | `weave::docker`, `script`, and those without it | nothing: no such program or container runs |
//!
//! What the module did not have is written with its prefix: `weave::router`, `weave::subnets`, `weave::defaults`,
//! `weave::expose`, `weave::firewall`, `weave::purge_containers`. Keys of other modules are left alone.

use serde_json::Value;

use super::read::{fleet, sorted};
use super::{Fleet, same_host};
use crate::Error;
use crate::spec::marked::{Marked, Node, Place};
use crate::spec::{Finding, Level, Reading, nearest};

/// The prefix of the module's own keys.
const PREFIX: &str = "weave::";

const HOSTS: &str = "docker_hosts_weave_dhcp";
/// The first is what the module looked up, the second what its users were told to write.
const CONTAINERS: [&str; 2] = ["dockerhosts_dhcp", "dockerhost_dhcp"];
const PEERS: [&str; 2] = ["weave::docker_cluster_peers", "weave::docker_cluster_peers_array"];
const OWN_IP: [&str; 2] = ["weave::expose_ip", "weave::docker_host_weave_ip"];
const FIREWALL: [&str; 2] = ["weave::manage_firewall", "weave::weave_manage_firewall"];
const ENSURE: &str = "weave::ensure";

const ROUTER_IMAGE: [&str; 2] = ["weave::image", "weave::weave_image"];
const ROUTER_TAG: &str = "weave::weave_image_tag";
const ROUTER_NAME: [&str; 2] = ["weave::container", "weave::weave_container"];

/// Keys that mean nothing any more, and their values where nobody set them.
const OBSOLETE: [(&str, &str); 8] = [
    ("weave::docker", "/usr/bin/docker"),
    ("weave::script", "/usr/local/bin/weave"),
    ("weave::weave", "/usr/local/bin/weave"),
    ("weave::container", "weave"),
    ("weave::weave_container", "weave"),
    ("weave::image", "zettio/weave"),
    ("weave::weave_image", "zettio/weave"),
    ("weave::weave_image_tag", "latest"),
];

/// Keys of a fleet that may be written with the prefix.
const PREFIXED: [&str; 6] = ["router", "subnets", "defaults", "expose", "firewall", "purge_containers"];

/// What makes a map the definition of an image, as it is called there and here.
const IMAGE: [(&str, &str); 4] = [
    ("ports", "ports"),
    ("docker_run_opts", "docker_run_opts"),
    ("docker_run_options", "docker_run_opts"),
    ("attach_volumes", "attach_volumes"),
];

/// Whether `value` is data of the 2014 module.
pub fn is_hierarchy(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.keys().any(|key| is_key(key)))
}

pub(super) fn is_tree(tree: &Marked) -> bool {
    tree.entries().iter().any(|(key, _)| is_key(key))
}

fn is_key(key: &str) -> bool {
    key.starts_with(PREFIX) || key == HOSTS || CONTAINERS.contains(&key)
}

/// Reads the files of a hierarchy, each with its name, the most special first; of a key that several have, the first
/// counts. `machine` is the host whose data they are, where one of them is one host's.
pub fn read_hierarchy(layers: &[(&str, &str)], machine: Option<&str>) -> Reading<Fleet> {
    let mut findings = Vec::new();
    let trees = layers.iter().filter_map(|(file, text)| Marked::read(file, text, &mut findings)).collect();
    let tree = translate(trees, machine, &mut findings);
    let fleet = fleet(&tree, &mut findings);
    sorted(fleet, findings)
}

/// The tree of a fleet that `layers` stand for; every value keeps the place and the key that it was written with.
pub(super) fn translate(layers: Vec<Marked>, machine: Option<&str>, findings: &mut Vec<Finding>) -> Marked {
    let mut entries: Vec<(String, Marked)> = Vec::new();
    for layer in layers {
        if let Node::Map(more) = layer.node {
            for (key, value) in more {
                if !entries.iter().any(|(known, _)| *known == key) {
                    entries.push((key, value));
                }
            }
        }
    }
    let mut old = Old { entries, findings };
    let mut new = Vec::new();
    let containers = old.containers();
    let images = old.images(&containers);
    let hosts = old.hosts(machine, &containers);
    new.push(("hosts".to_owned(), map(hosts)));
    new.push(("containers".to_owned(), map(containers)));
    if !images.is_empty() {
        new.push(("images".to_owned(), map(images)));
    }
    new.extend(old.first(&PEERS).map(|peers| ("peers".to_owned(), peers)));
    new.extend(old.take(ENSURE).map(|ensure| ("ensure".to_owned(), ensure)));
    if let Some(manage) = old.first(&FIREWALL) {
        new.push(("firewall".to_owned(), map(vec![("manage".to_owned(), truth(manage))])));
    }
    for key in PREFIXED {
        if let Some(value) = old.take(&format!("{PREFIX}{key}")) {
            new.retain(|(known, _)| known != key);
            new.push((key.to_owned(), value));
        }
    }
    if let Some((_, Marked { node: Node::Map(router), .. })) = new.iter_mut().find(|(key, _)| key == "router") {
        old.router_in_a_container(router);
    }
    old.say_what_is_left();
    map(new)
}

/// The old data; what is understood is taken out.
struct Old<'a> {
    entries: Vec<(String, Marked)>,
    findings: &'a mut Vec<Finding>,
}

impl Old<'_> {
    fn take(&mut self, key: &str) -> Option<Marked> {
        let at = self.entries.iter().position(|(known, _)| known == key)?;
        Some(self.entries.remove(at).1).filter(|value| !value.is_null())
    }

    /// The first of `keys` that there is; the others go too.
    fn first(&mut self, keys: &[&str]) -> Option<Marked> {
        let values: Vec<_> = keys.iter().filter_map(|key| self.take(key)).collect();
        values.into_iter().next()
    }

    fn say(&mut self, level: Level, about: &Marked, message: impl Into<String>, hint: Option<String>) {
        let error = Error::invalid("", message);
        let error = hint.into_iter().fold(error, Error::hint);
        self.findings.push(about.finding(level, &error, Place::Written));
    }

    fn containers(&mut self) -> Vec<(String, Marked)> {
        let mut containers: Vec<(String, Marked)> = Vec::new();
        for key in CONTAINERS {
            let Some(table) = self.take(key) else { continue };
            let Node::Map(entries) = table.node else {
                let message = "is no map; allowed: `NAME: {host: …, ip: …, image: …}`";
                self.say(Level::Error, &table, message, None);
                continue;
            };
            for (name, mut container) in entries {
                if containers.iter().any(|(known, _)| *known == name) {
                    let message = format!("`{name}` is in {} too; allowed: once", CONTAINERS[0]);
                    self.say(Level::Error, &container, message, None);
                    continue;
                }
                if let Some(other) = drop_key(&mut container, "hostname")
                    && other.value() != name
                {
                    let message = format!("{} is not used: the container is called {name}, by its key", other.value());
                    self.say(Level::Warning, &other, message, None);
                }
                containers.push((name, container));
            }
        }
        containers
    }

    /// The old keys of image and container are those of the router again, where it is said to be one in a container.
    fn router_in_a_container(&mut self, router: &mut Vec<(String, Marked)>) {
        let given = |router: &[(String, Marked)], key| router.iter().any(|(known, _)| known == key);
        if !router.iter().any(|(key, value)| key == "kind" && value.value() == "image") {
            return;
        }
        if !given(router, "image")
            && let Some(mut image) = self.first(&ROUTER_IMAGE)
        {
            if let Node::Scalar(Value::String(name)) = &mut image.node
                && !name.rsplit('/').next().unwrap_or_default().contains([':', '@'])
                && let Some(Marked { node: Node::Scalar(Value::String(tag)), .. }) = self.take(ROUTER_TAG)
            {
                name.push_str(&format!(":{tag}"));
            }
            router.push(("image".to_owned(), image));
        }
        if !given(router, "name")
            && let Some(name) = self.first(&ROUTER_NAME)
        {
            router.push(("name".to_owned(), name));
        }
    }

    /// Maps with options, and whatever else a container names as its image.
    fn images(&mut self, containers: &[(String, Marked)]) -> Vec<(String, Marked)> {
        let wanted: Vec<Value> =
            containers.iter().filter_map(|(_, container)| Some(container.get("image")?.value())).collect();
        let is_image = |(key, value): &(String, Marked)| {
            let named = || wanted.iter().any(|image| image == key);
            let has_options = || value.entries().iter().any(|(key, _)| IMAGE.iter().any(|(old, _)| old == key));
            !key.contains("::") && key != HOSTS && (has_options() || named() && matches!(value.node, Node::Map(_)))
        };
        let (images, rest) = std::mem::take(&mut self.entries).into_iter().partition(is_image);
        self.entries = rest;
        let mut images: Vec<(String, Marked)> = images;
        for (_, image) in &mut images {
            if let Node::Map(entries) = &mut image.node {
                for (key, _) in entries {
                    if let Some((_, new)) = IMAGE.iter().find(|(old, _)| old == key) {
                        *key = (*new).to_owned();
                    }
                }
            }
        }
        images
    }

    fn hosts(&mut self, machine: Option<&str>, containers: &[(String, Marked)]) -> Vec<(String, Marked)> {
        let mut hosts = self.listed_hosts();
        let listed = !hosts.is_empty();
        if !listed {
            // Where nobody listed them, they are those that containers are on.
            for host in containers.iter().filter_map(|(_, container)| container.get("host")) {
                if let Node::Scalar(Value::String(name)) = &host.node
                    && !hosts.iter().any(|(known, _)| known == name)
                {
                    hosts.push((name.clone(), map(Vec::new())));
                }
            }
        }
        let own_ip = self.first(&OWN_IP);
        if let Some(machine) = machine
            && !hosts.iter().any(|(name, _)| same_host(name, machine))
            // A list is of all hosts, but for one that has data of its own.
            && (!listed || own_ip.is_some())
        {
            hosts.push((machine.to_owned(), map(Vec::new())));
        }
        let own = match machine {
            Some(machine) => hosts.iter_mut().find(|(name, _)| same_host(name, machine)),
            None if hosts.len() == 1 => hosts.first_mut(),
            None => None,
        };
        match (own, own_ip) {
            (_, None) => {}
            (None, Some(ip)) => {
                let message = "is one host's, and it is not said whose";
                self.say(Level::Error, &ip, message, Some("name the host with `host`".to_owned()));
            }
            (Some((name, host)), Some(ip)) => match host.get("weave_ip") {
                Some(listed) if listed.value() != ip.value() => {
                    let message = format!("{} is not what {HOSTS} gives {name}: {}", ip.value(), listed.value());
                    self.say(Level::Error, &ip, format!("{message}; allowed: the same in both"), None);
                }
                Some(_) => {}
                None => {
                    if let Node::Map(entries) = &mut host.node {
                        entries.push(("weave_ip".to_owned(), ip));
                    }
                }
            },
        }
        hosts
    }

    fn listed_hosts(&mut self) -> Vec<(String, Marked)> {
        let mut hosts: Vec<(String, Marked)> = Vec::new();
        let Some(table) = self.take(HOSTS) else { return hosts };
        let Node::List(items) = table.node else {
            let message = "is no list; allowed: `[{hostname: dockerhost001, ip: 10.0.0.1/16}]`";
            self.say(Level::Error, &table, message, None);
            return hosts;
        };
        for mut item in items {
            let Some(name) = drop_key(&mut item, "hostname") else {
                let message = "has no hostname; allowed: `{hostname: dockerhost001, ip: 10.0.0.1/16}`";
                self.say(Level::Error, &item, message, None);
                continue;
            };
            let Node::Scalar(Value::String(text)) = &name.node else {
                self.say(Level::Error, &name, format!("{} is no host name", name.value()), None);
                continue;
            };
            if hosts.iter().any(|(known, _)| known == text) {
                self.say(Level::Error, &name, format!("`{text}` is given twice; allowed: each host once"), None);
                continue;
            }
            if let Node::Map(entries) = &mut item.node {
                for (key, _) in entries.iter_mut().filter(|(key, _)| key == "ip") {
                    "weave_ip".clone_into(key);
                }
            }
            hosts.push((text.clone(), item));
        }
        hosts
    }

    /// Keys of the module that mean nothing here, and slips of the pen; other modules' keys are nobody's business.
    fn say_what_is_left(&mut self) {
        let prefixed: Vec<String> = PREFIXED.iter().map(|key| format!("{PREFIX}{key}")).collect();
        let known: Vec<&str> = [HOSTS, ENSURE]
            .into_iter()
            .chain(CONTAINERS)
            .chain(PEERS)
            .chain(OWN_IP)
            .chain(FIREWALL)
            .chain(OBSOLETE.map(|(key, _)| key))
            .chain(prefixed.iter().map(String::as_str))
            .collect();
        for (key, value) in std::mem::take(&mut self.entries) {
            if let Some((_, usual)) = OBSOLETE.iter().find(|(obsolete, _)| *obsolete == key) {
                if value.value() != *usual && !value.is_null() {
                    let message = "is not used: the kernel carries the frames, and no such program or container runs";
                    self.say(Level::Warning, &value, message, None);
                }
                continue;
            }
            let near = nearest(&key, &known).map(|near| format!("did you mean `{near}`?"));
            match (key.starts_with(PREFIX), near) {
                (true, None) => {
                    let message = format!("`{key}` is not known, and is left alone");
                    self.say(Level::Warning, &value, message, None);
                }
                (true, hint) => {
                    let message = format!("`{key}` is no key here; allowed: {}", known.join(", "));
                    self.say(Level::Error, &value, message, hint);
                }
                (false, Some(hint)) if !key.contains("::") && key.ends_with("dhcp") => {
                    self.say(Level::Error, &value, format!("`{key}` is no key here"), Some(hint));
                }
                _ => {}
            }
        }
    }
}

/// A map that nobody wrote as such.
fn map(entries: Vec<(String, Marked)>) -> Marked {
    let mut tree = Marked::unmarked(Value::Null, String::new());
    tree.node = Node::Map(entries);
    tree
}

fn drop_key(tree: &mut Marked, key: &str) -> Option<Marked> {
    let Node::Map(entries) = &mut tree.node else { return None };
    let at = entries.iter().position(|(known, _)| known == key)?;
    Some(entries.remove(at).1)
}

/// `'true'` as `true`: data of that time had both.
fn truth(mut value: Marked) -> Marked {
    if let Node::Scalar(Value::String(text)) = &value.node
        && let Ok(truth) = text.parse::<bool>()
    {
        value.node = Node::Scalar(truth.into());
    }
    value
}
