//! Finding the namespace of an attachment that nobody named, by what is marked on its host end.
//!
//! As long as the host end exists, so does the other end and the namespace around it: the number in the mark cannot
//! have been given to another one.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::netns::{NetNs, Process, identify};
use crate::observed::{AttachmentMark, NetnsId};

use super::held::Origin;

/// Directories in which namespaces are bound to names: those of `ip netns` and of the engine.
const DIRECTORIES: [&str; 2] = ["/run/netns", "/run/docker/netns"];

/// Looks for namespaces by their number; the search through the whole host is made once at most.
#[derive(Default)]
pub(super) struct Locator {
    all: Option<HashMap<NetnsId, PathBuf>>,
}

impl Locator {
    /// The namespace that `mark` tells of, on the device of all namespaces.
    pub(super) fn find(&mut self, mark: &AttachmentMark, device: u64) -> Option<(Origin, NetNs)> {
        let id = NetnsId { device, inode: mark.inode };
        in_process(mark.pid, id).or_else(|| at_path(Path::new(&mark.id), id)).or_else(|| self.search(id))
    }

    /// The namespace with this number, wherever it is.
    pub(super) fn search(&mut self, id: NetnsId) -> Option<(Origin, NetNs)> {
        let path = self.all.get_or_insert_with(everywhere).get(&id)?;
        at_path(path, id)
    }
}

fn in_process(pid: u32, id: NetnsId) -> Option<(Origin, NetNs)> {
    let process = Process::open(pid).ok().filter(|_| pid != 0)?;
    let netns = process.netns().ok().filter(|netns| netns.id() == id)?;
    Some((Origin::Process { pid, started: process.started() }, netns))
}

fn at_path(path: &Path, id: NetnsId) -> Option<(Origin, NetNs)> {
    let netns = Some(path).filter(|path| path.is_absolute()).and_then(|path| NetNs::open(path).ok())?;
    (netns.id() == id).then(|| (Origin::Path(path.into()), netns))
}

/// All namespaces that have a name or a process.
fn everywhere() -> HashMap<NetnsId, PathBuf> {
    let entries = |directory: &str| fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let named = DIRECTORIES.into_iter().flat_map(entries);
    let is_process = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit());
    let processes = entries("/proc").filter(is_process).map(|path| path.join("ns/net"));
    let mut found = HashMap::new();
    for path in named.chain(processes) {
        // Processes come and go, and not all of them may be looked at.
        if let Ok(id) = identify(&path) {
            found.entry(id).or_insert(path);
        }
    }
    found
}
