//! A move that stands still at a moment.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::scene::Scene;
use crate::lab::{PATIENCE, wait_until};

/// Longer than weave lets pass before it looks for signals.
const TICK: Duration = Duration::from_millis(200);

/// A move of `web` from the first host to the second that was stopped, as a terminal does it.
pub(super) struct Halted(Option<Child>);

impl Halted {
    /// Stops one at a moment.
    #[track_caller]
    pub(super) fn at(scene: &Scene, moment: &str) -> Self {
        let to = scene.b.docker_host();
        let mut command = scene.command(&scene.a, &["migrate", "web", "--to", &to]);
        command.env("WEAVE_STOP_AT", moment).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let halted = Self(Some(command.spawn().expect("weave to start")));
        let stat = format!("/proc/{}/stat", halted.pid());
        let stands = || fs::read_to_string(&stat).is_ok_and(|text| text.contains(") T "));
        assert!(wait_until(PATIENCE, stands), "{moment}: it does not stop");
        halted
    }

    pub(super) fn pid(&self) -> i32 {
        self.0.as_ref().map_or(0, |child| child.id().cast_signed())
    }

    /// Tells it a signal, which it hears when it goes on.
    pub(super) fn tell(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("weave to be there");
    }

    /// Lets it go on to its end: what it says, and its exit code.
    pub(super) fn goes_on(mut self) -> (String, Option<i32>) {
        std::thread::sleep(TICK);
        self.tell(Signal::SIGCONT);
        let out = self.0.take().expect("weave").wait_with_output().expect("output");
        let said = [out.stdout, out.stderr].concat();
        (String::from_utf8_lossy(&said).into_owned(), out.status.code())
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // A child of this process that is not collected yet.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
