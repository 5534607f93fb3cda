//! Looks what there is of units.

use std::fs;
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf};

use super::texts::MARK;
use super::{Found, Neighbour, Service, ServiceState, UnitFile, Units, run};
use crate::{Error, Result};

/// What there is below `root`, which is `/` for the host itself. systemd is only asked for units that are weave's.
pub(crate) fn look(root: &Path) -> Result<Units> {
    let mut units = Units {
        systemctl: run::is_there("systemctl"),
        running: below(root, "/run/systemd/system").is_dir(),
        neighbours: Neighbour::ALL.into_iter().filter(|neighbour| is_installed(root, *neighbour)).collect(),
        ..Units::default()
    };
    for file in UnitFile::all() {
        if let Some(found) = found(&below(root, file.path()))? {
            units.files.insert(file, found);
        }
    }
    if units.systemctl && units.running {
        let runs = |neighbour: &Neighbour| run::answer(&["systemctl", "is-active", neighbour.service()]) == "active";
        units.awake = units.neighbours.iter().copied().filter(runs).collect();
    }
    if units.systemctl {
        let there = Service::ALL.into_iter().filter(|service| units.ours(UnitFile::Service(*service)).is_some());
        units.services = there.map(|service| (service, state(root, service, units.running))).collect();
    }
    Ok(units)
}

/// A path of the host, below another root.
pub(super) fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn is_installed(root: &Path, neighbour: Neighbour) -> bool {
    let one_of = |paths: &[&str]| paths.iter().any(|path| below(root, path).exists());
    match neighbour {
        Neighbour::NetworkManager => one_of(&["/etc/NetworkManager"]),
        Neighbour::Networkd => one_of(&["/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd"]),
        Neighbour::Udev => one_of(&["/usr/lib/systemd/systemd-udevd", "/lib/systemd/systemd-udevd"]),
    }
}

fn found(path: &Path) -> Result<Option<Found>> {
    let failed = |error| Error::os(path.display().to_string(), "look at it", error);
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if matches!(error.kind(), Io::NotFound | Io::NotADirectory) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !there.is_file() {
        let masked = there.is_symlink() && fs::read_link(path).is_ok_and(|target| target == Path::new("/dev/null"));
        return Ok(Some(Found::Foreign { masked }));
    }
    let text = fs::read(path).map_err(failed)?;
    let ours = String::from_utf8(text).ok().filter(|text| text.lines().next() == Some(MARK));
    Ok(Some(ours.map_or(Found::Foreign { masked: false }, Found::Ours)))
}

fn state(root: &Path, service: Service, running: bool) -> ServiceState {
    let unit = service.name();
    if !running {
        let root = format!("--root={}", root.display());
        let enabled = run::answer(&["systemctl", &root, "is-enabled", unit]) == "enabled";
        return ServiceState { enabled, ..ServiceState::default() };
    }
    let properties = run::answer(&["systemctl", "show", "--property=ActiveState,NeedDaemonReload,UnitFileState", unit]);
    let has = |line: &str| properties.lines().any(|one| one == line);
    ServiceState {
        enabled: has("UnitFileState=enabled"),
        active: ["active", "activating", "reloading"].iter().any(|word| has(&format!("ActiveState={word}"))),
        stale: has("NeedDaemonReload=yes"),
    }
}
