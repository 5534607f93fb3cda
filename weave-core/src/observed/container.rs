//! Containers and images as the engine tells of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a container is doing, in the engine's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// It was made and never started.
    #[default]
    Created,
    /// Its process runs.
    Running,
    /// Its process is frozen.
    Paused,
    /// Between two starts.
    Restarting,
    /// It is being removed.
    Removing,
    /// Its process ended.
    Exited,
    /// It could not be removed.
    Dead,
}

/// A container, running or not. What it was made of is kept as the engine writes it (`docker inspect`), because that
/// is also how a request for one is written.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Container {
    /// Full id.
    pub id: String,
    /// Name.
    pub name: String,
    /// What it is doing.
    pub status: Status,
    /// The exit code of its last process.
    pub exit_code: i64,
    /// How often its restart policy started it again since somebody did.
    pub restarts: u64,
    /// Its first process, as this host counts them; 0 where there is none.
    pub pid: u32,
    /// When it was last started.
    pub started_at: String,
    /// The id of its image.
    pub image_id: String,
    /// `Config`: image, command, variables, labels, …
    pub config: Value,
    /// `HostConfig`: resources, ports, mounts, …
    pub host_config: Value,
    /// `NetworkSettings.Networks`.
    pub networks: Value,
    /// `Mounts`: the volumes and paths that it really has, those of the image included.
    pub mounts: Value,
}

impl Container {
    /// The label `name`.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.config.get("Labels")?.get(name)?.as_str()
    }

    /// Whether the engine removes it as soon as it stops: `--rm`.
    pub fn goes_when_it_stops(&self) -> bool {
        self.host_config["AutoRemove"] == true
    }

    /// Whether it has a process.
    pub fn runs(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused | Status::Restarting)
    }
}

/// An image that the engine has.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// `name@sha256:…` by which registries know it.
    pub digests: Vec<String>,
    /// `Config`: what its containers have that were not told otherwise.
    pub config: Value,
}

/// What to ask the engine about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerScope {
    /// Containers by name.
    pub names: Vec<String>,
    /// All containers that weave made, too.
    pub ours: bool,
    /// All containers that hold the network namespace of another; those of `names` always.
    pub holders: bool,
    /// All routers that weave runs, too.
    pub routers: bool,
    /// Images by reference.
    pub images: Vec<String>,
    /// Images whose newest digest the registry is asked for.
    pub latest: Vec<String>,
    /// Containers whose last lines of output are wanted.
    pub logs: Vec<String>,
    /// All bonds between containers, too.
    pub bonds: bool,
    /// Which containers are being moved from this host or to it, too.
    pub moves: bool,
}

/// A container that is bound to another one itself, and not to whoever has its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Bond {
    /// The container that is bound.
    pub container: String,
    /// The option that binds it: `link` or `network`.
    pub option: &'static str,
    /// The container that it is bound to.
    pub to: String,
}

/// What the engine said.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Containers {
    /// Containers by name; those that are not there are left out.
    pub containers: BTreeMap<String, Container>,
    /// Images by the reference that was asked for; those that are not there are left out.
    pub images: BTreeMap<String, Image>,
    /// The engine's API 1.x in which requests for containers are made.
    pub api_minor: Option<u16>,
    /// Whether the engine is Podman, which weave has make no containers.
    pub podman: bool,
    /// The newest digests (`sha256:…`) by reference, or why the registry does not tell.
    pub latest: BTreeMap<String, Result<String, String>>,
    /// The last lines of output by container; those that cannot be read are left out.
    pub logs: BTreeMap<String, Vec<String>>,
    /// Bonds, where they were asked for.
    pub bonds: Vec<Bond>,
    /// Names of containers that are being moved, or whose move was broken off, where that was asked for.
    pub moves: BTreeSet<String>,
}
