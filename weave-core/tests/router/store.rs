//! What outlives the router: its targets and allocations, in `PREFIXdata.db`, where the real one has a data base.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ipam::{Owned, Ring};

/// Its presence in the working directory, which is in the container, tells a restart from a launch.
const SENTINEL: &str = "restart.sentinel";

/// The file's content.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Who wrote it; to another router the allocations mean nothing.
    pub(crate) name: String,
    pub(crate) targets: Vec<String>,
    pub(crate) ring: Option<Ring>,
    pub(crate) owned: Owned,
}

/// What was kept; nothing if there is no file yet.
pub(crate) fn load(prefix: &str) -> Result<Kept, String> {
    let path = path(prefix);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|why| format!("[boltDB] {path}: {why}")),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(why) => Err(format!("[boltDB] Unable to open {path}: {why}")),
    }
}

/// Keeps it; whole or not at all, as a data base would.
pub(crate) fn save(prefix: &str, kept: &Kept) -> Result<(), String> {
    let (path, next) = (path(prefix), format!("{}.new", path(prefix)));
    let bytes = serde_json::to_vec(kept).map_err(|why| why.to_string())?;
    let written = fs::write(&next, bytes).and_then(|()| fs::rename(&next, &path));
    written.map_err(|why| format!("[boltDB] Unable to open {path}: {why}"))
}

/// Whether this container has run before.
pub(crate) fn restarted() -> bool {
    Path::new(SENTINEL).exists()
}

/// Says to the next start that this container has run before.
pub(crate) fn mark() -> Result<(), String> {
    fs::write(SENTINEL, "").map_err(|why| format!("error creating sentinel: {why}"))
}

fn path(prefix: &str) -> String {
    format!("{prefix}data.db")
}
