//! Places of a host's own that a move may write: those where nothing was before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use super::program::{Program, Reach, run_there, sweep};
use super::{CARRIES, End};
use crate::docker::volume::Volume;
use crate::{Error, ErrorKind, Result};

/// The label of a container that was made on the target, with the places that were free when it was: a list in JSON.
pub(crate) const TAKES: &str = "weave.takes";

/// Places of the system and of the engine. What is above or below them is theirs, too.
const SYSTEM: [&str; 17] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/run",
];

/// Says of the directory or file `$path` whether it is missing (`m`) or empty (`e`), or not (`t`).
const LOOK: &str = "
    look() {
        if [ -d \"$1\" ]; then
            seen=$(find \"$1/\" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit) && [ -z \"$seen\" ] && echo e && return
        elif [ -f \"$1\" ]; then [ -s \"$1\" ] || { echo e; return; }
        elif [ ! -e \"$1\" ] && [ ! -L \"$1\" ]; then echo m; return
        fi
        echo t
    }";

/// Whether a path is the system's own, which no move writes.
pub(crate) fn is_system(path: &str) -> bool {
    let path = Path::new(path);
    SYSTEM.iter().any(|own| path.starts_with(own) || Path::new(own).starts_with(path))
}

/// That nothing would be lost at these paths of the host of an end; those that are not there.
///
/// # Errors
/// `Conflict` with the first that is neither missing nor empty (but for `lost+found`), or that is the system's own.
pub(crate) async fn check_free(end: &End, token: &str, paths: &[String], hint: &str) -> Result<BTreeSet<String>> {
    let mut missing = BTreeSet::new();
    for (path, (letter, real)) in look(end, token, paths).await? {
        if is_system(&path) || is_system(&real) {
            let message = format!("{real} on {} is the system's own, and is never written", end.name());
            return Err(Error::new(ErrorKind::Conflict, path, message).hint(hint));
        }
        match letter {
            'm' => drop(missing.insert(path)),
            'e' => {}
            _ => return Err(taken(end, &path, hint)),
        }
    }
    Ok(missing)
}

/// What stands at each path, and what it is when all links are followed.
async fn look(end: &End, token: &str, paths: &[String]) -> Result<BTreeMap<String, (char, String)>> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let script =
        format!("{LOOK}\nfor path do printf '%s' \"$(look \"$path\")\"; realpath -mz -- \"$path\" || exit; done");
    let program = Program {
        what: "look at what is there".to_owned(),
        script,
        words: paths.to_vec(),
        mounts: Vec::new(),
        reach: Reach::Host,
    };
    let said = run_there(end, token, &program, None).await?;
    let said = String::from_utf8_lossy(&said);
    let answers = said.split('\0').map(|answer| {
        let mut letters = answer.chars();
        (letters.next().unwrap_or('t'), letters.as_str().to_owned())
    });
    Ok(paths.iter().cloned().zip(answers).collect())
}

/// The same of a device that holds a file system, which is mounted for the look.
///
/// # Errors
/// As [`check_free`]; in the engine's words where it cannot be mounted.
pub(crate) async fn check_device(end: &End, token: &str, volume: &Volume, hint: &str) -> Result<()> {
    // Its own helpers, so that nothing else is swept.
    let token = format!("{token}-look");
    sweep(end, &token).await?;
    let name = format!("weave-carry-{token}");
    let labels = [(CARRIES.to_owned(), token.clone())].into();
    let options = volume.options.clone();
    end.engine
        .make_volume(&Volume {
            name: name.clone(),
            driver: volume.driver.clone(),
            options,
            labels,
            ..Volume::default()
        })
        .await?;
    let program = Program {
        what: format!("look at volume {}", volume.name),
        script: format!("{LOOK}\nlook /to"),
        words: Vec::new(),
        mounts: vec![json!({
            "Type": "volume", "Source": name, "Target": "/to", "ReadOnly": true, "VolumeOptions": {"NoCopy": true},
        })],
        reach: Reach::Files,
    };
    let said = run_there(end, &token, &program, None).await;
    let swept = sweep(end, &token).await;
    if said?.starts_with(b"t") {
        return Err(taken(end, &volume.name, hint));
    }
    swept
}

fn taken(end: &End, what: &str, hint: &str) -> Error {
    let message = format!(
        "{what} is on {} already, and has something in it that would be lost; allowed: what is missing or empty \
         (`lost+found` aside)",
        end.name()
    );
    Error::new(ErrorKind::Conflict, what, message).hint(hint)
}

/// Makes what is missing on the host of an end: directories, and empty files.
///
/// # Errors
/// In the words of the programs.
pub(crate) async fn make_places(end: &End, token: &str, directories: &[String], files: &[String]) -> Result<()> {
    if directories.is_empty() && files.is_empty() {
        return Ok(());
    }
    let program = Program {
        what: "make what is missing".to_owned(),
        script: "n=$1; shift
                 while [ $n -gt 0 ]; do mkdir -p -- \"$1\" || exit; shift; n=$((n - 1)); done
                 for path do mkdir -p -- \"$(dirname -- \"$path\")\" && : >>\"$path\" || exit; done"
            .to_owned(),
        words: std::iter::once(directories.len().to_string()).chain(directories.iter().chain(files).cloned()).collect(),
        mounts: Vec::new(),
        reach: Reach::Host,
    };
    run_there(end, token, &program, None).await.map(drop)
}

/// Which of these paths of the host of an end have something in them.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) async fn occupied(end: &End, token: &str, paths: &[String]) -> Result<Vec<String>> {
    let seen = look(end, token, paths).await?;
    Ok(seen.into_iter().filter(|(_, (letter, _))| *letter == 't').map(|(path, _)| path).collect())
}

/// Removes what was made, where it is empty still.
///
/// # Errors
/// When the host cannot be reached.
pub(crate) async fn drop_places(end: &End, token: &str, paths: &[String]) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let program = Program {
        what: "remove what was made".to_owned(),
        script: "for path do
                     if [ -d \"$path\" ]; then rmdir -- \"$path\" 2>/dev/null
                     elif [ -e \"$path\" ] && [ ! -s \"$path\" ]; then rm -f -- \"$path\"; fi
                 done
                 :"
        .to_owned(),
        words: paths.to_vec(),
        mounts: Vec::new(),
        reach: Reach::Host,
    };
    run_there(end, token, &program, None).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_own_places_are_never_written() {
        for path in
            ["/", "/etc", "/etc/localtime", "/usr/share/x", "/var", "/var/lib", "/var/lib/docker/volumes/x", "/run"]
        {
            assert!(is_system(path), "{path}");
        }
        for path in ["/srv", "/srv/etc", "/data", "/etcetera", "/var/www", "/var/log", "/home/me/usr", "/opt/run"] {
            assert!(!is_system(path), "{path}");
        }
    }
}
