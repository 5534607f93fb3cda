//! Which files of a container go where.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::files::FileKind;
use crate::observed::Container;

/// A place with files on a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A volume, by its name.
    Volume(String),
    /// A directory, by its path.
    Directory(String),
    /// A file, by its path.
    File(String),
}

/// Files on their way from one host to the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Passage {
    /// Where the container has them, for people.
    pub(crate) target: String,
    /// Where they are.
    pub(crate) from: Place,
    /// Where they shall be.
    pub(crate) to: Place,
}

/// What has to be copied for `target`, a container made like `source`: the volumes, but for those in `but`, and of the
/// paths of the host the directories and files that are in `binds`.
pub(crate) fn passages(
    source: &Container,
    target: &Container,
    but: &BTreeSet<String>,
    binds: &BTreeMap<String, FileKind>,
) -> Vec<Passage> {
    let of = |container: &Container| {
        let mounts = container.mounts.as_array().cloned().unwrap_or_default();
        mounts.into_iter().filter_map(|mount| Some((mount["Destination"].as_str()?.to_owned(), place(&mount, binds)?)))
    };
    let theirs: BTreeMap<String, Place> = of(target).collect();
    let mut known = BTreeSet::new();
    let mut all = Vec::new();
    for (destination, from) in of(source) {
        let wanted = match &from {
            Place::Volume(name) => !but.contains(name),
            Place::Directory(_) | Place::File(_) => true,
        };
        // One that the container has at two places is copied once.
        if let Some(to) = theirs.get(&destination).filter(|_| wanted && known.insert(from.clone())) {
            all.push(Passage { target: destination, from, to: to.clone() });
        }
    }
    all
}

fn place(mount: &Value, binds: &BTreeMap<String, FileKind>) -> Option<Place> {
    let text = |field: &str| mount[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    match mount["Type"].as_str()? {
        "volume" => text("Name").map(Place::Volume),
        "bind" => {
            let path = text("Source")?;
            match binds.get(&path)? {
                FileKind::Directory => Some(Place::Directory(path)),
                FileKind::File => Some(Place::File(path)),
                FileKind::Special | FileKind::Missing => None,
            }
        }
        _ => None,
    }
}
