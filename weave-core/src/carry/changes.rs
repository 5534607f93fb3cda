//! What a container has written outside of its volumes, which no move carries.

use std::collections::BTreeSet;
use std::path::Path;

use super::End;
use crate::docker::changes::Change;
use crate::observed::Container;
use crate::{Error, ErrorKind, Result};

/// What every start of a container writes.
const FILES: [&str; 4] = ["/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/// Where nobody keeps what shall stay.
const TREES: [&str; 7] = ["/dev", "/proc", "/run", "/sys", "/tmp", "/var/run", "/var/tmp"];

/// So many paths are named.
const NAMED: usize = 5;

/// Whether nothing is lost with the files that the container `source` has of its own (`docker diff`).
///
/// # Errors
/// `Conflict` with the first of them; when the engine does not answer.
pub(crate) async fn check_changes(from: &End, source: &Container) -> Result<()> {
    let changes = from.engine.changes(&source.id).await?;
    let lost = lost(&changes, &mount_points(source));
    if lost.is_empty() {
        return Ok(());
    }
    let named = lost.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = match lost.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!("has written {named}{more} outside of its volumes, which is not moved and would be lost");
    let hint = "see `docker diff`: have it in a volume, or `docker commit` it to an image of your own and run that; \
                `changes: false` (`weave migrate --without-changes`) moves it without them";
    Err(Error::new(ErrorKind::Conflict, &source.name, message).hint(hint))
}

/// Where it has something else than its own files.
fn mount_points(source: &Container) -> Vec<String> {
    let mounts = source.mounts.as_array().into_iter().flatten();
    let mounts = mounts.filter_map(|mount| mount["Destination"].as_str()).map(str::to_owned);
    let memory = source.host_config["Tmpfs"].as_object().into_iter().flat_map(|tmpfs| tmpfs.keys().cloned());
    mounts.chain(memory).collect()
}

/// The paths that would be lost, without those below another one.
fn lost(changes: &[Change], mounts: &[String]) -> Vec<String> {
    let is_own = |path: &Path| {
        let every = FILES.iter().any(|file| path == Path::new(file));
        let gone = TREES.iter().any(|tree| path.starts_with(tree));
        // The engine makes the places for mounts.
        every || gone || mounts.iter().any(|mount| Path::new(mount).starts_with(path))
    };
    // A directory of the image is changed by what is in it.
    let above: BTreeSet<&Path> =
        changes.iter().flat_map(|change| Path::new(&change.path).ancestors().skip(1)).collect();
    let written = changes.iter().filter(|change| !(change.of_image && above.contains(Path::new(&change.path))));
    let written: BTreeSet<&Path> = written.map(|change| Path::new(&change.path)).filter(|path| !is_own(path)).collect();
    let top = written.iter().filter(|path| !path.ancestors().skip(1).any(|above| written.contains(above)));
    top.map(|path| path.display().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str, mounts: &[&str]) -> Vec<String> {
        let line = |line: &str| {
            let (kind, path) = line.trim().split_once(' ').expect("a kind and a path");
            Change { path: path.to_owned(), of_image: kind != "A" }
        };
        let mounts: Vec<String> = mounts.iter().map(|mount| (*mount).to_owned()).collect();
        lost(&text.lines().map(line).collect::<Vec<_>>(), &mounts)
    }

    #[test]
    fn what_every_start_writes_is_no_loss() {
        let text = "C /etc\nA /etc/hosts\nC /etc/resolv.conf\nA /.dockerenv\nC /run\nA /run/web.pid\nC /tmp\nA /tmp/x\n\
                    C /var\nC /var/run\nA /var/run/y\nC /dev\nA /dev/console";
        assert_eq!(of(text, &[]), Vec::<String>::new());
    }

    #[test]
    fn places_of_mounts_are_no_loss_and_what_is_beside_them_is() {
        let text = "A /srv\nA /srv/deep\nA /srv/deep/data\nC /etc\nA /etc/app.conf";
        assert_eq!(of(text, &["/srv/deep/data", "/etc/app.conf"]), Vec::<String>::new());
        let text = format!("{text}\nA /srv/deep/beside\nA /etc/app.conf.old");
        assert_eq!(of(&text, &["/srv/deep/data", "/etc/app.conf"]), ["/etc/app.conf.old", "/srv/deep/beside"]);
    }

    #[test]
    fn what_was_written_changed_or_removed_is_a_loss() {
        assert_eq!(of("A /written", &[]), ["/written"]);
        assert_eq!(of("C /etc\nC /etc/passwd\nD /etc/motd", &[]), ["/etc/motd", "/etc/passwd"]);
        assert_eq!(of("C /var\nA /var/new\nA /var/new/a\nA /var/new/b", &[]), ["/var/new"], "the whole directory");
        assert_eq!(of("C /runner", &["/run"]), ["/runner"]);
    }

    #[test]
    fn memory_is_a_mount_as_well() {
        let source = Container {
            mounts: json!([{"Type": "volume", "Destination": "/data"}]),
            host_config: json!({"Tmpfs": {"/fast": ""}}),
            ..Container::default()
        };
        assert_eq!(mount_points(&source), ["/data", "/fast"]);
    }
}
