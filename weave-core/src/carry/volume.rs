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

/// Whether it is known where the files of the volume of this name are: each driver but `local` keeps them where it likes.
///
/// # Errors
/// `Unsupported` where that may be its host's own disk, and the target has no such volume.
pub(crate) async fn check_volume(from: &End, to: &End, name: &str) -> Result<()> {
    let Some(ours) = from.engine.volume(name).await? else { return Ok(()) };
    if is_known(&ours) || to.engine.volume(name).await?.is_some() {
        return Ok(());
    }
    let message = format!(
        "whether the files of a volume of the driver {} are on {} alone is not known",
        ours.driver,
        from.name()
    );
    Err(Error::new(ErrorKind::Unsupported, name, message)
        .hint("make it there, too, and fill it; or if both hosts share its files: `--without-volumes`"))
}

/// Where a volume is that has a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Device {
    /// In a directory of its host.
    Directory(String),
    /// On a disk.
    Disk,
}

/// The device whose files are copied with a volume, if it has one.
pub(crate) fn device(volume: &Volume) -> Option<Device> {
    let device = volume.options.get("device").filter(|device| !device.is_empty() && holds_files(volume))?;
    let bound = volume.options.get("o").is_some_and(|all| all.split(',').any(|one| ["bind", "rbind"].contains(&one)));
    Some(if bound { Device::Directory(device.clone()) } else { Device::Disk })
}

fn is_known(volume: &Volume) -> bool {
    volume.driver == "local" || volume.scope == "global"
}

/// Whether what is in a volume is on the disk of its host, and nowhere else.
fn holds_files(volume: &Volume) -> bool {
    let kind = volume.options.get("type").map_or("", String::as_str);
    let elsewhere = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ceph",
        "glusterfs",
        "lustre",
        "beegfs",
        "ocfs2",
        "gfs2",
        "tmpfs",
        "9p",
    ];
    volume.driver == "local" && !elsewhere.contains(&kind) && !kind.starts_with("fuse.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(driver: &str, scope: &str, options: &[(&str, &str)]) -> Volume {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Volume { driver: driver.to_owned(), scope: scope.to_owned(), options, ..Volume::default() }
    }

    #[test]
    fn a_plugin_s_files_are_known_where_it_says_so() {
        assert!(is_known(&volume("local", "local", &[])));
        assert!(is_known(&volume("rexray", "global", &[])));
        assert!(!is_known(&volume("local-persist", "local", &[])));
        assert!(!is_known(&volume("older", "", &[])));
    }

    #[test]
    fn devices_are_directories_or_disks() {
        let local = |options: &[(&str, &str)]| device(&volume("local", "local", options));
        assert_eq!(local(&[]), None);
        let bound = [("type", "none"), ("o", "uid=1,bind"), ("device", "/srv/data")];
        assert_eq!(local(&bound), Some(Device::Directory("/srv/data".to_owned())));
        assert_eq!(local(&[("type", "ext4"), ("device", "/dev/sdb1")]), Some(Device::Disk));
        for kind in ["nfs", "fuse.sshfs", "lustre"] {
            assert_eq!(local(&[("type", kind), ("device", ":/export")]), None, "{kind}: its files are elsewhere");
        }
        assert_eq!(device(&volume("plugin", "local", &bound)), None);
    }
}
