//! Places of the target host's own that are written: directories and files that the container has of its host, and
//! devices of volumes. Nothing is lost there, because nothing was there.

use std::collections::{BTreeMap, BTreeSet};

use super::act::Run;
use crate::Result;
use crate::carry::{self, Device, FileKind};
use crate::docker::volume::Volume;
use crate::observed::Container;

const BINDS: &str =
    "empty it there, or move it without `--binds` (`binds: false`): then what is there is used as it is";
const VOLUME: &str = "empty it there; if both hosts share it, or if what is there shall be used: `--without-volumes`";

/// What of them is written.
struct Wanted {
    /// Directories and files that the container has of its host.
    binds: BTreeMap<String, FileKind>,
    /// Volumes with a device.
    volumes: Vec<(Volume, Device)>,
}

/// The places that were free when the container on the target was made.
pub(super) fn taken(target: &Container) -> BTreeSet<String> {
    target.label(carry::TAKES).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

impl Run<'_> {
    async fn wanted(&self) -> Result<Wanted> {
        let mut wanted = Wanted { binds: self.binds().await?, volumes: Vec::new() };
        for name in self.volumes().into_iter().filter(|_| self.spec.volumes) {
            let Some(volume) = self.from.end.engine.volume(&name).await? else { continue };
            if let Some(device) = carry::device(&volume) {
                wanted.volumes.push((volume, device));
            }
        }
        Ok(wanted)
    }

    /// Looks whether what would be written is free, unless it was when the container on the target was made.
    ///
    /// # Errors
    /// `Conflict` where it is not.
    pub(super) async fn has_free_places(&mut self) -> Result<()> {
        let Wanted { binds, volumes } = self.wanted().await?;
        let (to, token) = (self.to.end.clone(), self.token());
        let new: Vec<String> = binds.into_keys().filter(|path| !self.places.contains(path)).collect();
        let missing = carry::check_free(&to, &token, &new, BINDS).await?;
        self.missing.extend(missing);
        self.places.extend(new);
        for (volume, device) in volumes {
            if self.places.contains(&volume.name) {
                continue;
            }
            match device {
                Device::Directory(path) => {
                    let path = [path];
                    self.missing.extend(carry::check_free(&to, &token, &path, VOLUME).await?);
                    self.places.extend(path);
                }
                Device::Disk => carry::check_device(&to, &token, &volume, VOLUME).await?,
            }
            self.places.insert(volume.name);
        }
        Ok(())
    }

    /// Makes those that are missing: the engine may not do it, and a file is no directory.
    pub(super) async fn make_places(&mut self) -> Result<()> {
        let binds = self.binds().await?;
        let is_file = |path: &&String| binds.get(*path) == Some(&FileKind::File);
        let (files, directories): (Vec<&String>, Vec<&String>) = self.missing.iter().partition(is_file);
        let owned = |all: Vec<&String>| all.into_iter().cloned().collect::<Vec<_>>();
        carry::make_places(&self.to.end, &self.token(), &owned(directories), &owned(files)).await
    }

    /// Going back from `target`: removes what was made and is empty, and notes what stays.
    pub(super) async fn leave_places(&mut self, target: &Container) -> Result<()> {
        let missing: Vec<String> = self.missing.iter().cloned().collect();
        carry::drop_places(&self.to.end, &self.token(), &missing).await?;
        let mut all = taken(target);
        all.retain(|place| place.starts_with('/'));
        let all: Vec<String> = all.into_iter().collect();
        let stays = carry::occupied(&self.to.end, &self.token(), &all).await?;
        let on = |path: String| format!("{path} on {}, with what was copied there", self.to.name);
        self.kept.extend(stays.into_iter().map(on));
        Ok(())
    }
}
