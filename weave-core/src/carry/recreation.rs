//! The request for a container like one that is there: everything that it was told, and nothing that came of it.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{ContainerCreateBody, HostConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::docker::about::About;
use crate::docker::podman;
use crate::observed::Container;
use crate::{Error, ErrorKind, Result};

/// API 1.x from which on a request for a container tells its places in several networks, with a MAC address in each.
const PLACES: u16 = 44;

/// How to make the container on the target.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Recreation {
    /// The request.
    pub(crate) body: Value,
    /// Networks to connect it to afterwards, with its place in them.
    pub(crate) networks: BTreeMap<String, Value>,
    /// The volumes that the request names, which have to be made before. Others are made with the container.
    pub(crate) volumes: Vec<String>,
    /// Paths of the host that it has, which have to be there before.
    pub(crate) binds: Vec<String>,
    /// Devices of the host that it has.
    pub(crate) devices: Vec<String>,
}

/// The request for a container like `source`, made of `image` on the engine `to`; `image_config` is the `Config` of the
/// image that it has on the engine `from`.
///
/// # Errors
/// `Unsupported` for what a container cannot have on another host, `NotFound` for what the target lacks: all of it.
pub(crate) fn recreation(
    source: &Container,
    image: &str,
    image_config: &Value,
    from: &About,
    to: &About,
) -> Result<Recreation> {
    bound(source)?;
    if from.podman || to.podman {
        return Err(podman::refuse(&source.name));
    }
    let mut shown = source.config.clone();
    let mac = shown.as_object_mut().and_then(|shown| shown.shift_remove("MacAddress")).filter(|mac| !is_nothing(mac));
    let mut config = told::<ContainerCreateBody>(source, &shown)?;
    let mut host = told::<HostConfig>(source, &source.host_config)?;
    config.insert("Image".to_owned(), image.into());
    undo_merging(&mut config, &source.config, image_config);
    let networks = Networks::of(source);
    lacking(source, &host, &networks, to)?;
    if networks.mode == "host" && config.get("Hostname").and_then(Value::as_str) == Some(&*from.hostname) {
        // It was not told one: it has that of its host.
        config.shift_remove("Hostname");
        config.shift_remove("Domainname");
    }
    if is(&host, "UTSMode", "host") {
        config.shift_remove("Hostname");
        config.shift_remove("Domainname");
    }
    for paths in ["MaskedPaths", "ReadonlyPaths"] {
        // An empty list is asked for; others are the engine's own, and the other engine knows better.
        let asked = host.get(paths).and_then(Value::as_array).is_some_and(Vec::is_empty);
        if !asked || host.get("Privileged") == Some(&Value::Bool(true)) {
            host.shift_remove(paths);
        }
    }
    let mut networks = networks;
    if let Some(mac) = mac {
        if to.api_minor < PLACES {
            let message =
                format!("it was told its MAC address ({mac}), which the engine of {} is too old for", to.hostname);
            return Err(
                Error::new(ErrorKind::Unsupported, &source.name, message).hint("update Docker there to 25 or newer")
            );
        }
        networks.first["MacAddress"] = mac;
    }
    host.insert("NetworkMode".to_owned(), networks.mode.as_str().into());
    let mut made = Recreation { volumes: volumes(&host), ..Recreation::default() };
    (made.binds, made.devices) = (binds(&host), devices(&host));
    let mut endpoints = Map::new();
    let several = to.api_minor >= PLACES && !networks.rest.is_empty();
    if several || networks.first != json!({}) {
        endpoints.insert(networks.mode.clone(), networks.first);
    }
    if several {
        endpoints.extend(networks.rest);
    } else {
        made.networks = networks.rest.into_iter().collect();
    }
    if !endpoints.is_empty() {
        config.insert("NetworkingConfig".to_owned(), json!({"EndpointsConfig": endpoints}));
    }
    config.insert("HostConfig".to_owned(), Value::Object(host));
    made.body = Value::Object(config);
    Ok(made)
}

/// Bonds to other containers, which stay where they are.
fn bound(source: &Container) -> Result<()> {
    let host = &source.host_config;
    let refused = |what: &str, hint: &str| {
        Err(Error::new(ErrorKind::Unsupported, &source.name, format!("it cannot be moved alone: {what}")).hint(hint))
    };
    for (field, what) in [("NetworkMode", "network"), ("PidMode", "pid"), ("IpcMode", "ipc")] {
        if host[field].as_str().is_some_and(|mode| mode.starts_with("container:")) {
            let what = format!("its {what} namespace is that of another container");
            return refused(
                &what,
                "one that is attached before its start cannot be moved yet, nor can --network container:",
            );
        }
    }
    if host["VolumesFrom"].as_array().is_some_and(|from| !from.is_empty()) {
        return refused("it has the volumes of another container (--volumes-from)", "name the volumes themselves");
    }
    // Those on a network of one's own stand with its place there.
    let places = source.networks.as_object().into_iter().flat_map(|places| places.values());
    if std::iter::once(host).chain(places).any(|place| !is_nothing(&place["Links"])) {
        return refused("it is linked to another container (--link)", "use names of a network instead");
    }
    if source.goes_when_it_stops() {
        let what =
            "it was made with --rm: the engine removes it as it stops, so it could not come back if anything fails";
        return refused(what, "`docker run` it there");
    }
    Ok(())
}

/// What a request of type `T` can say of what an engine shows. What says nothing is left out.
fn told<T: DeserializeOwned + Serialize>(source: &Container, shown: &Value) -> Result<Map<String, Value>> {
    let mut all = Map::new();
    for (field, value) in shown.as_object().into_iter().flatten() {
        if value.is_null() || value == "" || field == "ConsoleSize" {
            continue;
        }
        let alone = json!({field.as_str(): value});
        let sent = T::deserialize(&alone).ok().and_then(|request| serde_json::to_value(request).ok());
        if sent.is_some_and(|sent| !sent[field.as_str()].is_null()) {
            all.insert(field.clone(), value.clone());
        } else if !is_nothing(value) {
            let message = format!("`{field}` of {value} is nothing that weave knows, and would be lost");
            return Err(Error::new(ErrorKind::Unsupported, &source.name, message));
        }
    }
    Ok(all)
}

/// None, zero, false and empty.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_nothing),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// The engine adds the image's settings to what is asked: what was taken away of them has to be taken away again.
fn undo_merging(config: &mut Map<String, Value>, shown: &Value, image: &Value) {
    let empty = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
    if empty(&shown["Entrypoint"]) && !empty(&image["Entrypoint"]) {
        config.insert("Entrypoint".to_owned(), json!([""]));
    }
    let name = |text: &str| text.split('=').next().unwrap_or_default().to_owned();
    let names = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(name).collect()
    };
    let kept = names(&shown["Env"]);
    let gone: Vec<Value> =
        names(&image["Env"]).into_iter().filter(|name| !kept.contains(name)).map(Value::from).collect();
    if !gone.is_empty() {
        let all = config.entry("Env").or_insert_with(|| json!([]));
        all.as_array_mut().into_iter().for_each(|all| all.extend(gone.iter().cloned()));
    }
}

/// The networks of the engine that a container is in.
struct Networks {
    /// The name of the first, or what stands for none.
    mode: String,
    /// Its place in the first.
    first: Value,
    /// Its place in the others.
    rest: Map<String, Value>,
}

impl Networks {
    fn of(source: &Container) -> Self {
        let asked = source.host_config["NetworkMode"].as_str().filter(|mode| !mode.is_empty()).unwrap_or("default");
        let all: Vec<(&String, &Value)> = source.networks.as_object().into_iter().flatten().collect();
        let by_id = all.iter().find(|(_, place)| place["NetworkID"] == asked).map(|(name, _)| (*name).clone());
        let mode = by_id.unwrap_or_else(|| asked.to_owned());
        let own = if mode == "default" { "bridge" } else { mode.as_str() };
        let first =
            all.iter().find(|(name, _)| *name == own).map_or_else(|| json!({}), |(_, place)| endpoint(source, place));
        let rest = all.iter().filter(|(name, _)| *name != own);
        let rest = rest.map(|(name, place)| ((*name).clone(), endpoint(source, place))).collect();
        Self { mode, first, rest }
    }

    /// Those that the target has to have, too.
    fn names(&self) -> impl Iterator<Item = &str> {
        let first = Some(self.mode.as_str()).filter(|mode| !["host", "none"].contains(mode));
        let first = first.map(|mode| if mode == "default" { "bridge" } else { mode });
        first.into_iter().chain(self.rest.keys().map(String::as_str))
    }
}

/// What was asked of its place in a network; the rest came of it.
fn endpoint(source: &Container, place: &Value) -> Value {
    let mut asked = Map::new();
    for field in ["IPAMConfig", "DriverOpts", "GwPriority"] {
        if !is_nothing(&place[field]) {
            asked.insert(field.to_owned(), place[field].clone());
        }
    }
    let own = source.id.get(..12).unwrap_or(&source.id);
    let aliases = place["Aliases"].as_array().into_iter().flatten().filter(|alias| **alias != own);
    let aliases: Vec<Value> = aliases.cloned().collect();
    if !aliases.is_empty() {
        asked.insert("Aliases".to_owned(), aliases.into());
    }
    Value::Object(asked)
}

/// What the target lacks.
fn lacking(source: &Container, host: &Map<String, Value>, networks: &Networks, to: &About) -> Result<()> {
    let mut all: Vec<String> = Vec::new();
    let missing: Vec<&str> = networks.names().filter(|name| !to.networks.contains_key(*name)).collect();
    if !missing.is_empty() {
        all.push(format!("network {}", missing.join(", ")));
    }
    let mut need = |what: &str, name: Option<&str>, known: &BTreeSet<String>| {
        if let Some(name) = name.filter(|name| !name.is_empty() && !known.is_empty() && !known.contains(*name)) {
            all.push(format!("{what} {name}"));
        }
    };
    need("runtime", host.get("Runtime").and_then(Value::as_str), &to.runtimes);
    // `none` is no driver, and no engine lists it.
    let log = host.get("LogConfig").and_then(|log| log["Type"].as_str()).filter(|kind| *kind != "none");
    need("log driver", log, &to.log_drivers);
    let mounts = source.mounts.as_array().into_iter().flatten();
    for mount in mounts.filter(|mount| mount["Type"] == "volume") {
        need("volume driver", mount["Driver"].as_str(), &to.volume_drivers);
    }
    if all.is_empty() {
        return Ok(());
    }
    let message = format!("the engine of {} lacks {}", to.hostname, all.join("; "));
    let hint = "`docker network create` what is missing there, install the plugin or runtime, or run it without";
    Err(Error::new(ErrorKind::NotFound, &source.name, message).hint(hint))
}

fn is(host: &Map<String, Value>, field: &str, value: &str) -> bool {
    host.get(field).is_some_and(|found| found == value)
}

fn texts<'a>(host: &'a Map<String, Value>, field: &str) -> impl Iterator<Item = &'a str> {
    host.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn mounts<'a>(host: &'a Map<String, Value>, kind: &'static str) -> impl Iterator<Item = &'a str> {
    let mounts = host.get("Mounts").and_then(Value::as_array).into_iter().flatten();
    mounts.filter(move |mount| mount["Type"] == kind).filter_map(|mount| mount["Source"].as_str())
}

/// The first part of `SOURCE:TARGET[:OPTIONS]`.
fn sources(host: &Map<String, Value>) -> impl Iterator<Item = &str> {
    texts(host, "Binds").filter_map(|bind| bind.split_once(':').map(|(source, _)| source))
}

fn volumes(host: &Map<String, Value>) -> Vec<String> {
    sorted(sources(host).filter(|source| !source.starts_with('/')).chain(mounts(host, "volume")))
}

fn binds(host: &Map<String, Value>) -> Vec<String> {
    sorted(sources(host).filter(|source| source.starts_with('/')).chain(mounts(host, "bind")))
}

fn devices(host: &Map<String, Value>) -> Vec<String> {
    let devices = host.get("Devices").and_then(Value::as_array).into_iter().flatten();
    sorted(devices.filter_map(|device| device["PathOnHost"].as_str()))
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "recreation_tests.rs"]
mod tests;
