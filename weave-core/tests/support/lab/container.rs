//! A real container on a lab host.

use super::command::Output;
use super::host::Host;
use super::netns::Netns;

/// A container, by name.
#[derive(Clone)]
pub(crate) struct Container {
    host: Host,
    name: String,
}

impl Container {
    pub(super) fn new(host: Host, name: &str) -> Self {
        Self { host, name: name.to_owned() }
    }

    /// The container's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its process 1; panics unless it runs.
    #[track_caller]
    pub(crate) fn pid(&self) -> u32 {
        match self.inspect("{{.State.Pid}}").parse() {
            Ok(pid) if pid > 0 => pid,
            other => panic!("container {} does not run: {other:?}", self.name),
        }
    }

    /// Its network namespace now; a restart makes another.
    #[track_caller]
    pub(crate) fn netns(&self) -> Netns {
        Netns::of_pid(self.pid())
    }

    /// Runs a program in it, through the engine.
    #[track_caller]
    pub(crate) fn exec(&self, args: &[&str]) -> Output {
        self.host.docker(&[&["exec", self.name()], args].concat())
    }

    /// One value of `docker inspect`, by Go template.
    #[track_caller]
    pub(crate) fn inspect(&self, format: &str) -> String {
        self.host.docker(&["container", "inspect", "--format", format, self.name()]).must().trim().to_owned()
    }

    /// `docker restart`.
    #[track_caller]
    pub(crate) fn restart(&self) {
        self.host.docker(&["restart", self.name()]).must();
    }

    /// `docker rm -f`.
    #[track_caller]
    pub(crate) fn remove(&self) {
        self.host.docker(&["rm", "-f", "-v", self.name()]).must();
    }
}
