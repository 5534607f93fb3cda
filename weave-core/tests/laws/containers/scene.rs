//! A host with an engine, documents that are applied to it, and what is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use weave_core::apply::Mode;
use weave_core::observed::Image;
use weave_core::ops::{Report, host};
use weave_core::plan::container::{ContainerStep, is_ours};
use weave_core::spec::{HostDocument, from_yaml};
use weave_core::{Result, names};

use super::super::bounds::{everything, whole};
use crate::support::fixture::bare;
use crate::support::memory_host::{Engine, Faults, MemoryHost, World};

/// A host with images, somebody's container, and one that has a name from [`super::generate::NAMES`].
pub(super) fn engine() -> World {
    let mut world = bare();
    for (name, volumes) in
        [("app:1", json!(null)), ("app:2", json!({"/log": {}})), ("app:3", json!(null)), ("db:1", json!({"/data": {}}))]
    {
        let image = Image {
            id: format!("sha256:{:0>64}", name.replace(':', "")),
            digests: vec![format!("{name}@sha256:{:0>64}", name.replace(':', ""))],
            config: json!({"Volumes": volumes}),
        };
        let engine = &mut world.engine;
        let place = if name == "app:3" { &mut engine.registry } else { &mut engine.images };
        place.insert(name.to_owned(), image);
    }
    foreign(&mut world, "other");
    world
}

/// Somebody runs a container by hand.
pub(super) fn foreign(world: &mut World, name: &str) {
    let body = json!({"Image": "db:1", "HostConfig": {}});
    let name = name.to_owned();
    let create = ContainerStep::Create { name: name.clone(), platform: None, body, line: String::new() };
    world.execute_container(&create).unwrap();
    world.execute_container(&ContainerStep::Start { name }).unwrap();
}

pub(super) fn read(text: &str) -> HostDocument {
    from_yaml(text).unwrap()
}

/// Applies a document; `None` when weave was killed. Waiting takes no time.
pub(super) fn apply(host: &MemoryHost, document: &HostDocument, mode: Mode) -> Option<Result<Report>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let applied = host::apply(host, document, mode);
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(3600), applied).await.ok() })
}

/// The same for one that is not killed.
pub(super) fn applied(host: &MemoryHost, document: &HostDocument, mode: Mode) -> Result<Report> {
    apply(host, document, mode).expect("nobody killed it")
}

/// The world after all of `documents`, whatever became of each.
pub(super) fn reached(mut world: World, documents: &[HostDocument]) -> World {
    for document in documents {
        let host = MemoryHost::new(world);
        let _ = applied(&host, document, Mode::Apply).map(|report| report.changed);
        world = host.world().clone();
    }
    world
}

pub(super) fn faulty(world: &World, faults: Faults) -> MemoryHost {
    MemoryHost::faulty(world.clone(), faults)
}

/// What a container is, without what is drawn by lot: ids, and the names of nameless volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) ours: bool,
    pub(super) runs: bool,
    made: String,
    pub(super) attached: Value,
}

/// All containers of the engine.
pub(super) fn looks(world: &World) -> BTreeMap<String, Look> {
    let document = serde_json::to_value(whole(&everything(world))).unwrap();
    let look = |(name, made): (&String, &crate::support::memory_host::Made)| {
        let container = &made.container;
        let mut host_config = container.host_config.clone();
        // Nameless volumes that it has from the one that it replaced stand among its mounts, too.
        if let Some(Value::Array(binds)) = host_config.get_mut("Binds") {
            binds.retain(|bind| bind.as_str().is_some_and(|bind| bind.find(':') != Some(64)));
        }
        let has_none = host_config["Binds"].as_array().is_some_and(Vec::is_empty);
        if let (Value::Object(settings), true) = (&mut host_config, has_none) {
            settings.remove("Binds");
        }
        let text = format!("{} {host_config} {}", container.config, container.mounts);
        // What was replaced in a namespace that stays, and is still there, would be found in it, too.
        let old = &document["containers"][names::old_of(name)];
        let mut attached = if old.is_null() { document["containers"][name].clone() } else { old.clone() };
        // One that was taken away and came back is the last one.
        if let Some(Value::Array(ips)) = attached.get_mut("ips") {
            ips.sort_by_key(ToString::to_string);
        }
        let look = Look { ours: is_ours(container), runs: container.runs(), made: nameless(&text), attached };
        (name.clone(), look)
    };
    world.engine.containers.iter().map(look).collect()
}

/// What must be the same for a container to be the same.
pub(super) fn identity(world: &World, name: &str) -> Option<(String, BTreeSet<String>)> {
    let container = &world.engine.containers.get(name)?.container;
    Some((container.id.clone(), Engine::volumes_of(container)))
}

/// Volumes, with those who wrote into them, that are in one world and not in the other.
pub(super) fn lost_volumes(before: &World, after: &World) -> Vec<String> {
    let kept = |name: &String, writers: &BTreeSet<String>| {
        after.engine.volumes.get(name).is_some_and(|now| now.is_superset(writers))
    };
    before.engine.volumes.iter().filter(|(name, writers)| !kept(name, writers)).map(|(name, _)| name.clone()).collect()
}

/// The host's own links, addresses and routes that weave did not make.
pub(super) fn foreign_links(world: &World) -> BTreeSet<String> {
    world.portrait().foreign.into_iter().filter(|line| line.starts_with("0 ")).collect()
}

/// `text` with a star for each run of eight and more hexadecimal digits, and for numbers of namespaces.
pub(super) fn nameless(text: &str) -> String {
    let mut words = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            word.push(c);
            continue;
        }
        words.push_str(if word.len() >= 8 { "*" } else { &word });
        words.push(c);
        word.clear();
    }
    words
}
