//! What a new container takes over from the old one: the data in volumes that have no name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::mounts;
use super::shape::{clean, items, texts};
use super::wish::Wish;
use crate::observed::Container;

/// A nameless volume that a new container takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The volume, by the name that the engine gave it.
    pub volume: String,
    /// Where the container sees it.
    pub target: String,
    /// Whether it could only be read.
    pub read_only: bool,
}

/// The nameless volumes of `old` whose places the wish does not give to something else.
///
/// Those that it only shares with another container (`--volumes-from`) are not its own and stay out.
pub fn kept(wish: &Wish, old: &Container) -> Vec<Kept> {
    let taken = taken(&wish.body);
    let own = places(&old.config, &old.host_config);
    let kept = items(&old.mounts).filter_map(|mount| {
        let text = |field: &str| mount[field].as_str().unwrap_or_default();
        let target = clean(text("Destination"));
        let nameless = text("Type") == "volume" && is_nameless(text("Name"));
        (nameless && own.contains(&target) && !taken.contains(&target)).then(|| Kept {
            volume: text("Name").to_owned(),
            target,
            read_only: mount["RW"] == false,
        })
    });
    kept.collect()
}

/// Writes the volumes into a request.
pub fn carry(request: &mut Value, kept: &[Kept]) {
    for Kept { volume, target, read_only } in kept {
        // A place that stands among the mounts must not stand among the volumes, too.
        let mount = request.pointer_mut("/HostConfig/Mounts").and_then(Value::as_array_mut).and_then(|mounts| {
            mounts.iter_mut().find(|mount| mount["Target"].as_str().is_some_and(|place| clean(place) == *target))
        });
        if let Some(mount) = mount {
            mount["Source"] = volume.as_str().into();
            continue;
        }
        let mode = if *read_only { ":ro" } else { "" };
        let bind = Value::from(format!("{volume}:{target}{mode}"));
        let host = &mut request["HostConfig"];
        if let Some(Value::Array(binds)) = host.get_mut("Binds") {
            binds.push(bind);
        } else {
            host["Binds"] = Value::from(vec![bind]);
        }
    }
}

/// The engine names a nameless volume with 64 hexadecimal digits.
/// The nameless volumes that a container has, also those that it took over from one before it, which the engine does not
/// take for nameless any more.
pub(crate) fn nameless(container: &Container) -> impl Iterator<Item = String> {
    let volume = |mount: &&Value| mount["Type"] == "volume";
    let names = items(&container.mounts).filter(volume).filter_map(|mount| mount["Name"].as_str());
    names.filter(|name| is_nameless(name)).map(str::to_owned)
}

fn is_nameless(name: &str) -> bool {
    name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit())
}

/// Where the request says what is there; a nameless volume says nothing.
fn taken(body: &Value) -> BTreeSet<String> {
    let host = &body["HostConfig"];
    let binds = texts(&host["Binds"]).filter_map(mounts::bind).map(|bind| bind.target);
    let mounts = items(&host["Mounts"])
        .filter(|mount| mount["Type"] != "volume" || mount["Source"].as_str().is_some_and(|source| !source.is_empty()));
    let mounts = mounts.filter_map(|mount| mount["Target"].as_str()).map(clean);
    let tmpfs = host["Tmpfs"].as_object().into_iter().flatten().map(|(path, _)| clean(path));
    binds.chain(mounts).chain(tmpfs).collect()
}

/// Where a container has volumes of its own, those of its image included.
fn places(config: &Value, host: &Value) -> BTreeSet<String> {
    let nameless = config["Volumes"].as_object().into_iter().flatten().map(|(path, _)| clean(path));
    let binds = texts(&host["Binds"]).filter_map(mounts::bind).map(|bind| bind.target);
    let mounts = items(&host["Mounts"]).filter_map(|mount| mount["Target"].as_str()).map(clean);
    nameless.chain(binds).chain(mounts).collect()
}
