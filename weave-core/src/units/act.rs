//! Does a step on the host.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::look::{below, runs};
use super::{UnitStep, run};
use crate::{Error, Result};

/// Does `step` below `root`, which is `/` for the host itself.
pub(crate) fn act(root: &Path, step: &UnitStep) -> Result<()> {
    match step {
        UnitStep::Write { file, text } => {
            let path = below(root, file.path());
            write(&path, text).map_err(|error| Error::os(path.display().to_string(), "write it", error))
        }
        UnitStep::Remove(file) => {
            let path = below(root, file.path());
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(Error::os(path.display().to_string(), "remove it", error))
                }
                _ => Ok(()),
            }
        }
        other => {
            let mut words = other.command().unwrap_or_default();
            let elsewhere = format!("--root={}", root.display());
            // Where systemd does not run, it can still enable.
            if matches!(other, UnitStep::Enable(_) | UnitStep::Disable(_)) && !runs(root) {
                words.insert(1, &elsewhere);
            }
            run::done(&words)
        }
    }
}

/// As a whole or not at all: a boot may come at any moment.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    fs::create_dir_all(directory)?;
    let new = directory.join(format!(".{}.weave-new", name.to_string_lossy()));
    let made = || -> io::Result<()> {
        let mut file = File::create(&new)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    made().inspect_err(|_| drop(fs::remove_file(&new)))
}
