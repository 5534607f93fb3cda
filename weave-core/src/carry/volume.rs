//! Volumes on the target like those of the source.

use super::End;
use crate::docker::volume::Volume;
use crate::plan::migration::MIGRATES;
use crate::{Error, ErrorKind, Result};

/// What came of a volume on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VolumeMade {
    /// Whether its files have to be copied. Those of a network's or a plugin's storage are there, and of memory
    /// nothing outlives the container.
    pub(crate) copied: bool,
    /// Whether it was made now, or by a run for the same container that was killed.
    pub(crate) ours: bool,
}

/// Makes a volume like the one of this name: of the same driver, options and labels, and with a mark of its own.
///
/// # Errors
/// `Conflict` where there is one without this mark; `NotFound` where the source has none; in the engine's words.
pub(crate) async fn create_volume(from: &End, to: &End, mark: &str, name: &str) -> Result<VolumeMade> {
    let Some(ours) = from.engine.volume(name).await? else {
        return Err(Error::new(ErrorKind::NotFound, name, format!("there is no such volume on {}", from.name())));
    };
    let copied = holds_files(&ours);
    match to.engine.volume(name).await? {
        Some(theirs) if theirs.labels.get(MIGRATES).is_some_and(|theirs| theirs == mark) => {
            Ok(VolumeMade { copied, ours: true })
        }
        // It is the same one.
        Some(theirs) if !copied && (&theirs.driver, &theirs.options) == (&ours.driver, &ours.options) => {
            Ok(VolumeMade { copied, ours: false })
        }
        Some(_) => {
            let message = format!("a volume of that name is on {} already; its files would be lost", to.name());
            let hint = "look what is in it, and `docker volume rm` it there if nobody needs it";
            Err(Error::new(ErrorKind::Conflict, name, message).hint(hint))
        }
        None => {
            let mut wanted = ours;
            wanted.labels.insert(MIGRATES.to_owned(), mark.to_owned());
            to.engine.make_volume(&wanted).await?;
            Ok(VolumeMade { copied, ours: true })
        }
    }
}

/// Whether what is in a volume is on the disk of its host, and nowhere else.
fn holds_files(volume: &Volume) -> bool {
    let kind = volume.options.get("type").map_or("", String::as_str);
    let elsewhere = ["nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "tmpfs", "9p"];
    volume.driver == "local" && !elsewhere.contains(&kind)
}
