//! Who starts the source again when this process is killed while nobody runs: a process that waits for its end.
//!
//! It is a shell that reads from a pipe of which this process has the other end. When the pipe is closed before a word
//! came, it has the weave of this host give the move up, and tries that again for some minutes. A shell takes next to no
//! memory, and needs nothing of what this process may have lost.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::spec::Migrate;
use crate::{Error, names};

const SCRIPT: &str = "trap '' HUP INT TERM
read -r word; [ \"$word\" = done ] && exit
for pause in 0 2 5 10 30 60 120; do sleep $pause; \"$@\" && exit; done";

/// A guard that waits.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    /// Sets one to wait for the end of this process; what it then says goes to a file in `dir`. `None` where no program
    /// `weave` is to be found.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn set(spec: &Migrate, dir: &Path, engine: &str, run_dir: &Path) -> Result<Option<Self>> {
        let Some(weave) = program() else { return Ok(None) };
        let failed = |error| Error::os("guard", "start a shell that waits for the end of this process", error);
        let said = File::create(dir.join("guard")).map_err(failed)?;
        let undo = Migrate { undo: true, ..spec.clone() };
        let arguments = serde_json::to_string(&undo).unwrap_or_default();
        let child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "weave-guard"])
            .arg(weave)
            .args(["call", "migrate", &arguments])
            .env("DOCKER_HOST", engine)
            .env("WEAVE_RUN_DIR", run_dir)
            .stdin(Stdio::piped())
            .stdout(said.try_clone().map_err(failed)?)
            .stderr(said)
            // What a terminal tells the processes in front of it is not for this one.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Some(Self(child)))
    }

    /// Sends it home: there is nothing to put back any more.
    pub(super) fn dismiss(mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // One that is gone needs no word.
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.0.wait();
    }
}

/// The program `weave`: this process itself, or the one on the `PATH`.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok();
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|name| name == names::PROGRAM) && path.is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    own.into_iter().chain(std::env::split_paths(&path).map(|dir| dir.join(names::PROGRAM))).find(is_it)
}
