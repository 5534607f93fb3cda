//! Looks what there is of units.

use std::fs;
use std::io::ErrorKind as Io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::texts::MARK;
use super::{Activity, Found, Neighbour, Service, ServiceState, UnitFile, Units, run};
use crate::{Error, Result};

/// What there is below `root`, which is `/` for the host itself. systemd is only asked for units that are weave's.
pub(crate) fn look(root: &Path) -> Result<Units> {
    let mut units = Units {
        systemctl: run::is_there("systemctl"),
        running: runs(root),
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
    for service in Service::ALL.into_iter().filter(|_| units.systemctl) {
        let file = UnitFile::Service(service);
        let has_file = units.files.contains_key(&file);
        if units.ours(file).is_some() || units.running && !has_file {
            let (state, from) = state(root, service, units.running);
            // systemd goes on with one whose file is gone, and knows where it was until it reads all of them again.
            let is_left = state.activity.goes_on() && from.is_none_or(|path| path == file.path());
            if has_file || is_left {
                units.services.insert(service, state);
            }
        }
    }
    Ok(units)
}

/// Whether systemd runs what is below `root`. Another root may have the `/run` of this host, as images do that are being
/// made: that is not its own.
pub(super) fn runs(root: &Path) -> bool {
    const SIGN: &str = "/run/systemd/system";
    let sign = below(root, SIGN);
    sign.is_dir() && (root == Path::new("/") || !is_same(&sign, Path::new(SIGN)))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let number = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino()));
    matches!((number(one), number(other)), (Ok(one), Ok(other)) if one == other)
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

/// What systemd knows of a unit, and the file that it has it from; `None` where that file is gone.
fn state(root: &Path, service: Service, running: bool) -> (ServiceState, Option<String>) {
    let unit = service.name();
    if !running {
        let root = format!("--root={}", root.display());
        let enabled = run::answer(&["systemctl", &root, "is-enabled", unit]) == "enabled";
        return (ServiceState { enabled, ..ServiceState::default() }, None);
    }
    let said = run::answer(&["systemctl", "show", PROPERTIES, unit]);
    let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or("");
    let activity = match (value("ActiveState"), value("SubState")) {
        // Between two starts it is `activating`, too; newer ones say `auto-restart-queued` besides.
        ("activating", sub) if sub.starts_with("auto-restart") => Activity::Failing,
        ("active" | "activating" | "reloading", _) => Activity::Running,
        ("failed", _) => Activity::Failed,
        _ => Activity::Stopped,
    };
    let (enabled, stale) = (value("UnitFileState") == "enabled", value("NeedDaemonReload") == "yes");
    let from = Some(value("FragmentPath").to_owned()).filter(|path| !path.is_empty());
    (ServiceState { enabled, activity, stale }, from)
}

const PROPERTIES: &str = "--property=ActiveState,SubState,NeedDaemonReload,UnitFileState,FragmentPath";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_shows_the_run_of_this_host_is_not_run() {
        let host = tempfile::tempdir().expect("a directory");
        let image = tempfile::tempdir().expect("a directory");
        let sign = below(host.path(), "/run/systemd/system");
        fs::create_dir_all(&sign).expect("a directory");
        assert!(!runs(image.path()));
        assert!(runs(host.path()));
        std::os::unix::fs::symlink(host.path().join("run"), image.path().join("run")).expect("a link");
        assert!(is_same(&sign, &below(image.path(), "/run/systemd/system")));
        assert!(!is_same(&sign, image.path()) && !is_same(&sign, &image.path().join("nothing")));
    }
}
