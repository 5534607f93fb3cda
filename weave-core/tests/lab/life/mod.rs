//! Life after launch: containers, engines and hosts that restart while `weave watch` runs, and all that is taken away
//! again. Judged by what the kernel shows.

mod reboot;
mod resets;
mod restarts;

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::lab::{Container, Host, Netns, PATIENCE, wait_until};

/// The command under test.
const WEAVE: &str = env!("CARGO_BIN_EXE_weave");

/// `weave watch` on a host; ended when it is dropped.
struct Watch {
    child: Child,
    host: Host,
}

impl Watch {
    /// Starts it with these words after `watch`.
    fn start(host: &Host, words: &[&str]) -> Self {
        Self::of(host, host.weave_command(&[&["watch"], words].concat()))
    }

    /// The same, by a command of the caller's.
    fn of(host: &Host, mut command: Command) -> Self {
        let log = File::options().create(true).append(true).open(log(host)).expect("a log");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("weave to start");
        Self { child, host: host.clone() }
    }

    /// Ends it as systemd does; it has to end well.
    #[track_caller]
    fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let mut code = None;
        let ended = wait_until(PATIENCE, || {
            code = self.child.try_wait().expect("a child");
            code.is_some()
        });
        assert!(ended, "it does not end:\n{}", self.told());
        assert!(code.is_some_and(|code| code.success()), "{code:?}:\n{}", self.told());
    }

    #[track_caller]
    fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        kill(pid, signal).expect("a process that was not collected");
    }

    /// What it logged.
    fn told(&self) -> String {
        fs::read_to_string(log(&self.host)).unwrap_or_default()
    }

    /// Waits until the container has exactly `addresses`, and gives the number of its interface.
    #[track_caller]
    fn attaches(&self, container: &Container, wanted: &[&str]) -> u64 {
        let mut found = Vec::new();
        let there = wait_until(PATIENCE, || {
            let Some(inside) = netns(container) else { return false };
            found = addresses(&inside);
            found == wanted
        });
        assert!(there, "{}: {found:?}, wanted {wanted:?}\n{}", container.name(), self.told());
        index(container)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Both fail only when it was collected already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log(host: &Host) -> std::path::PathBuf {
    host.dir().join("watch.log")
}

/// The namespace of a container, if it runs just now.
fn netns(container: &Container) -> Option<Netns> {
    let pid = container.inspect("{{.State.Pid}}").parse().ok().filter(|pid| *pid > 0);
    pid.map(Netns::of_pid)
}

/// Addresses of the interface in a namespace; none where either is not there.
fn addresses(inside: &Netns) -> Vec<String> {
    let shown = inside.exec(&["ip", "-j", "address", "show", "dev", "ethwe"]);
    let links: Vec<Value> = serde_json::from_str(&shown.stdout).unwrap_or_default();
    let infos = links.iter().filter_map(|link| link["addr_info"].as_array()).flatten();
    infos
        .filter(|info| info["scope"] != "link")
        .map(|info| format!("{}/{}", info["local"].as_str().unwrap_or_default(), info["prefixlen"]))
        .collect()
}

/// One thing that `ip -j link show` says of a link.
#[track_caller]
fn link(netns: &Netns, name: &str, field: &str) -> Value {
    let shown = netns.exec(&["ip", "-j", "link", "show", "dev", name]).must();
    let links: Vec<Value> = serde_json::from_str(&shown).expect("JSON");
    links[0][field].clone()
}

/// The number of a container's interface, which another one in its place would not have.
#[track_caller]
fn index(container: &Container) -> u64 {
    link(&container.netns(), "ethwe", "ifindex").as_u64().expect("a number")
}

#[track_caller]
fn mac(container: &Container) -> Value {
    link(&container.netns(), "ethwe", "address")
}

/// Writes a document where the host can read it.
fn write(host: &Host, document: &str) -> String {
    let path = host.dir().join("host.yaml");
    fs::write(&path, document).expect("a file in the lab's directory");
    path.display().to_string()
}
