//! One thing to do with a container, as data: it can be printed, compared, undone.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::progress::Work;

/// One thing for the engine to do. Each is done wholly or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerStep {
    /// Fetch an image.
    Pull {
        /// Its reference.
        image: String,
        /// The platform, where another than the engine's is wanted.
        platform: Option<String>,
    },
    /// Give the engine an image that weave makes itself.
    Load {
        /// Its reference.
        image: String,
    },
    /// Remove an image that nobody uses; one that somebody uses stays.
    Unload {
        /// Its reference.
        image: String,
    },
    /// Make a container, stopped.
    Create {
        /// Its name.
        name: String,
        /// The platform of its image.
        platform: Option<String>,
        /// The request, as the engine's API has it.
        body: Value,
        /// The command line it equals.
        line: String,
    },
    /// Start it.
    Start {
        /// Its name.
        name: String,
    },
    /// Stop it: its stop signal, and after its stop timeout SIGKILL.
    Stop {
        /// Its name.
        name: String,
    },
    /// Give it another name.
    Rename {
        /// Its name.
        from: String,
        /// The new name.
        to: String,
    },
    /// Change its resources or restart policy in place.
    Update {
        /// Its name.
        name: String,
        /// The new settings, as the engine's API has them.
        after: Value,
        /// The same settings so far.
        before: Value,
    },
    /// Remove a nameless volume that was kept for a container which is gone; one that somebody uses stays.
    DropVolume {
        /// The name that the engine gave it.
        volume: String,
    },
    /// Remove it, stopped or not; its nameless volumes too, if `volumes` says so.
    Remove {
        /// Its name.
        name: String,
        /// Whether its nameless volumes go.
        volumes: bool,
    },
}

/// An image and its platform.
pub(crate) type Fetched = (String, Option<String>);

impl ContainerStep {
    /// Settings that [`undo`](Self::undo) does not put back: the engine takes none and zero for nothing said.
    pub(crate) fn lasting(&self) -> Vec<&str> {
        let Self::Update { before, .. } = self else { return Vec::new() };
        let settings = before.as_object().into_iter().flatten();
        settings.filter(|(_, value)| super::shape::plain(value).is_null()).map(|(name, _)| name.as_str()).collect()
    }

    /// Whether nothing depends on it: a volume that nobody uses any more.
    pub(crate) fn is_litter(&self) -> bool {
        matches!(self, Self::DropVolume { .. })
    }

    /// The image that it fetches, where it does nothing but that.
    pub(crate) fn fetches(&self) -> Option<Fetched> {
        match self {
            Self::Pull { image, platform } => Some((image.clone(), platform.clone())),
            Self::Load { image } => Some((image.clone(), None)),
            _ => None,
        }
    }

    /// The same in two words.
    pub(crate) fn work(&self) -> Work {
        match self {
            Self::Pull { image, .. } => Work::pull(image),
            Self::Load { image } => Work::new("load", image),
            Self::Unload { image } => Work::new("rmi", image),
            Self::Create { name, .. } => Work::new("create", name),
            Self::Start { name } => Work::new("start", name),
            Self::Stop { name } => Work::new("stop", name),
            Self::Rename { from, .. } => Work::new("rename", from),
            Self::Update { name, .. } => Work::new("update", name),
            Self::DropVolume { volume } => Work::new("volume rm", volume),
            Self::Remove { name, .. } => Work::new("rm", name),
        }
    }

    /// What puts things as they were; `None` where nothing has to be or nothing can be done.
    pub fn undo(&self) -> Option<Self> {
        match self {
            // An image more does no harm, and somebody else may use it by now.
            Self::Pull { .. }
            | Self::Load { .. }
            | Self::Unload { .. }
            | Self::DropVolume { .. }
            | Self::Remove { .. } => None,
            Self::Create { name, .. } => Some(Self::Remove { name: name.clone(), volumes: true }),
            Self::Start { name } => Some(Self::Stop { name: name.clone() }),
            Self::Stop { name } => Some(Self::Start { name: name.clone() }),
            Self::Rename { from, to } => Some(Self::Rename { from: to.clone(), to: from.clone() }),
            Self::Update { name, after, before } => {
                Some(Self::Update { name: name.clone(), after: before.clone(), before: after.clone() })
            }
        }
    }
}

impl fmt::Display for ContainerStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pull { image, platform: None } => write!(f, "docker pull {image}"),
            Self::Pull { image, platform: Some(platform) } => write!(f, "docker pull --platform {platform} {image}"),
            Self::Load { image } => write!(f, "docker load # {image}"),
            Self::Unload { image } => write!(f, "docker rmi {image}"),
            Self::Create { line, .. } => f.write_str(line),
            Self::Start { name } => write!(f, "docker start {name}"),
            Self::Stop { name } => write!(f, "docker stop {name}"),
            Self::Rename { from, to } => write!(f, "docker rename {from} {to}"),
            Self::Update { name, after, .. } => {
                f.write_str("docker update")?;
                for (setting, value) in after.as_object().into_iter().flatten() {
                    write!(f, " {setting}={value}")?;
                }
                write!(f, " {name}")
            }
            Self::DropVolume { volume } => write!(f, "docker volume rm {volume}"),
            Self::Remove { name, volumes: true } => write!(f, "docker rm -f -v {name}"),
            Self::Remove { name, volumes: false } => write!(f, "docker rm -f {name}"),
        }
    }
}
