//! Whether a container can be had on the other host: everything that can be known before anything is touched.

use std::collections::BTreeMap;

use serde_json::Value;

use super::act::Run;
use crate::carry::{self, FileKind, Recreation};
use crate::docker::about::About;
use crate::observed::{Container, Status};
use crate::{Error, ErrorKind, Result, names};

/// What the container on the target is made with.
pub(super) struct Prepared {
    /// What the target calls the image.
    pub(super) image: String,
    image_config: Value,
    from: About,
    to: About,
}

impl Run<'_> {
    /// Learns what both engines are like, unless that is known.
    pub(super) async fn learn(&mut self) -> Result<()> {
        let Some(source) = self.source.as_ref().filter(|_| self.prepared.is_none()) else { return Ok(()) };
        let image_config = carry::image_config(&self.from.end, source).await?;
        let (from, to) = tokio::join!(self.from.end.engine.about(), self.to.end.engine.about());
        let image = source.config["Image"].as_str().unwrap_or_default().to_owned();
        self.prepared = Some(Prepared { image, image_config, from: from?, to: to? });
        Ok(())
    }

    /// The request for the container on the target.
    pub(super) fn recreation(&self) -> Result<Recreation> {
        match (&self.source, &self.prepared) {
            (Some(source), Some(Prepared { image, image_config, from, to })) => {
                carry::recreation(source, image, image_config, from, to)
            }
            _ => Ok(Recreation::default()),
        }
    }

    /// The volumes that have to be made on the target.
    pub(super) fn named_volumes(&self) -> Result<Vec<String>> {
        self.recreation().map(|recreation| recreation.volumes)
    }

    /// Looks whether it can be.
    ///
    /// # Errors
    /// What is in the way.
    pub(super) async fn prepare(&mut self) -> Result<()> {
        if let Some(source) = &self.source {
            movable(source)?;
        }
        self.learn().await?;
        let recreation = self.recreation()?;
        self.keeps_what_it_wrote().await?;
        self.has_room_for_the_old_one().await?;
        if self.source.as_ref().is_some_and(|source| source.mounts.as_array().is_some_and(|mounts| !mounts.is_empty()))
            && (self.spec.volumes || self.spec.binds)
        {
            if let (Some(source), Some(Prepared { from, to, .. })) = (&self.source, &self.prepared) {
                carry::check_owners(source, from, to)?;
            }
            for side in [&self.from, &self.to] {
                carry::check_tools(&side.end, &side.token).await?;
            }
        }
        for volume in recreation.volumes.iter().filter(|_| self.spec.volumes) {
            carry::check_volume(&self.from.end, &self.to.end, volume).await?;
        }
        self.has_its_files(&recreation).await?;
        self.has_free_places().await?;
        self.has_a_network().await
    }

    /// What the container has written outside of its volumes stays behind, unless nobody minds.
    pub(super) async fn keeps_what_it_wrote(&self) -> Result<()> {
        match &self.source {
            Some(source) if self.spec.changes => carry::check_changes(&self.from.end, source).await,
            _ => Ok(()),
        }
    }

    async fn has_room_for_the_old_one(&self) -> Result<()> {
        let name = names::moved(&self.spec.name);
        if self.spec.remove_source || self.from.container(&name).await?.is_none() {
            return Ok(());
        }
        let message = format!("the name that the container would keep on {} is taken", self.from.name);
        Err(Error::new(ErrorKind::Conflict, &name, message)
            .hint(format!("it is left of an earlier move: `docker rm {name}` there, if nobody needs it")))
    }

    /// Paths and devices of the host that the container has are there, too, unless they are copied.
    async fn has_its_files(&self, recreation: &Recreation) -> Result<()> {
        let there = |paths: Vec<String>| async move { carry::kinds(&self.to.end, &self.to.token, &paths).await };
        let missing = |kinds: &BTreeMap<String, FileKind>| {
            let missing = kinds.iter().filter(|(_, kind)| **kind == FileKind::Missing);
            missing.map(|(path, _)| path.clone()).collect::<Vec<_>>()
        };
        let to = &self.to.name;
        let devices = missing(&there(recreation.devices.clone()).await?);
        if !devices.is_empty() {
            let message = format!("{} has no {}", to, devices.join(", "));
            return Err(Error::new(ErrorKind::NotFound, &self.spec.name, message)
                .hint("the container was made with `--device`: it needs the same devices there"));
        }
        let mut lacking = missing(&there(recreation.binds.clone()).await?);
        if self.spec.binds {
            let kinds = carry::kinds(&self.from.end, &self.from.token, &lacking).await?;
            let is_copied = |path: &str| {
                matches!(kinds.get(path), Some(FileKind::Directory | FileKind::File)) && !carry::is_system(path)
            };
            lacking.retain(|path| !is_copied(path));
        }
        if lacking.is_empty() {
            return Ok(());
        }
        let message = format!("{to} has no {}, which the container has from its host", lacking.join(", "));
        let hint = if self.spec.binds {
            "sockets, devices and places of the system (/etc, /usr, ...) are not copied: have there what makes them"
        } else {
            "make them there, or have them copied: `binds: true` (`weave migrate --binds`)"
        };
        Err(Error::new(ErrorKind::NotFound, &self.spec.name, message).hint(hint))
    }

    /// A container with addresses needs a network on the target.
    async fn has_a_network(&self) -> Result<()> {
        if self.network_comes || self.ends.source.as_ref().is_none_or(|source| source.interfaces.is_empty()) {
            return Ok(());
        }
        let status = self.to.status().await?;
        match status["router"]["state"].as_str() {
            Some("running") => Ok(()),
            state => {
                let state = state.unwrap_or("not there");
                let message = format!("the router of {} is {state}, and the container has addresses", self.to.name);
                Err(Error::new(ErrorKind::NotFound, &self.spec.name, message)
                    .hint("launch it there: `weave launch PEER...`, or `weave apply` with its document"))
            }
        }
    }
}

/// Whether the container can be stopped and made again at all.
fn movable(source: &Container) -> Result<()> {
    let error = |kind, message: &str| Error::new(kind, &source.name, message);
    if source.goes_when_it_stops() {
        return Err(error(
            ErrorKind::Unsupported,
            "was made with `--rm`: it goes when it is stopped, with its volumes",
        )
        .hint("make it without `--rm`; `docker rename` and `docker run` do that without loss of named volumes"));
    }
    match source.status {
        Status::Paused => Err(error(ErrorKind::Conflict, "is paused").hint("`docker unpause` it, or stop it")),
        Status::Removing | Status::Dead => Err(error(ErrorKind::Conflict, "is being removed")),
        _ => Ok(()),
    }
}
