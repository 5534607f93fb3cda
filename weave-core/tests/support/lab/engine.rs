//! The processes of one Docker engine: `containerd` and `dockerd`, both children of the test.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::command::{PATIENCE, wait_until};

/// A running engine. Dropping it kills what still runs and collects it.
pub(super) struct Engine {
    containerd: Child,
    dockerd: Child,
}

impl Engine {
    pub(super) fn new(containerd: Child, dockerd: Child) -> Self {
        Self { containerd, dockerd }
    }

    /// Whether dockerd has not ended by itself.
    pub(super) fn is_running(&mut self) -> bool {
        is_running(&mut self.dockerd)
    }

    /// SIGTERM to dockerd, which stops its containers, then to containerd; SIGKILL to whichever does not obey.
    pub(super) fn terminate(&mut self) {
        for child in [&mut self.dockerd, &mut self.containerd] {
            signal(child, Signal::SIGTERM);
            if !wait_until(PATIENCE, || !is_running(child)) {
                end(child);
            }
        }
    }

    /// Sends a signal to dockerd only: SIGKILL is a crash, SIGSTOP an engine that hangs.
    pub(super) fn signal(&mut self, which: Signal) {
        signal(&mut self.dockerd, which);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        end(&mut self.dockerd);
        end(&mut self.containerd);
    }
}

/// Starts a daemon with its output in a log file.
pub(super) fn spawn(command: &mut Command, log: &Path) -> Child {
    let open = || {
        File::options().create(true).append(true).open(log).unwrap_or_else(|e| panic!("open {}: {e}", log.display()))
    };
    // A dockerd that believes to be started by systemd would talk to it.
    command.env_remove("NOTIFY_SOCKET").env_remove("INVOCATION_ID").stdin(Stdio::null()).stdout(open()).stderr(open());
    command.spawn().unwrap_or_else(|e| panic!("start {command:?}: {e}"))
}

/// The last lines of a log, for messages.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Kills a child and collects it; nothing happens if it has ended.
pub(super) fn end(child: &mut Child) {
    // Both fail only when the child has been collected already.
    let _ = child.kill();
    let _ = child.wait();
}

pub(super) fn is_running(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

fn signal(child: &mut Child, which: Signal) {
    // A child that was not collected keeps its pid, so this cannot hit a stranger.
    if is_running(child) {
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        // It may end between the check and now, which is what is wanted.
        let _ = kill(pid, which);
    }
}
