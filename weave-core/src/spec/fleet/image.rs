//! How the containers of an image are run.

use serde::{Deserialize, Serialize};

use super::FleetContainer;
use crate::Result;
use crate::spec::ContainerRef;
use crate::spec::run::{Command, OnChange, Pull, Written};

/// What stands for the name of the container.
const DOMAIN: &str = "DOMAIN";

/// What containers of one image share. `DOMAIN` in options and command stands for the container's name, in whatever
/// it stands: `/data/DOMAIN:/data`, `DOMAIN-data`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Image {
    /// The image as the engine takes it, where that is not the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The command, where it is not the image's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// Options of `docker run` that publish ports, such as `-p 5432:5432`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Written>,
    /// Options of `docker run`, such as `--memory=2g`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_run_opts: Option<Written>,
    /// Options of `docker run` for volumes, such as `-v /data/DOMAIN:/data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach_volumes: Option<Written>,
    /// Further options of `docker run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Written>,
    /// What happens to containers that were made with other settings (`recreate`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_change: Option<OnChange>,
    /// When it is fetched (`missing`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
}

impl Image {
    /// The settings of `container`, whose image it is by the name of `key`.
    ///
    /// # Errors
    /// `InvalidSpec` for options that cannot be added to each other.
    pub(super) fn settings(&self, key: &str, container: &ContainerRef) -> Result<FleetContainer> {
        let name = container.to_string();
        let named = |text: &str| text.replace(DOMAIN, &name);
        let mut options: Option<Written> = None;
        for more in [&self.ports, &self.docker_run_opts, &self.attach_volumes, &self.options].into_iter().flatten() {
            let more = more.clone().map(&named);
            options = Some(match options {
                Some(before) => before.merge(more)?,
                None => more,
            });
        }
        Ok(FleetContainer {
            image: Some(self.image.clone().unwrap_or_else(|| key.to_owned())),
            command: self.command.clone().map(|command| command.map(named)),
            options,
            on_change: self.on_change,
            pull: self.pull,
            ..FleetContainer::default()
        })
    }
}
