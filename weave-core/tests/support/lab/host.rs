//! A lab host: a namespace on the underlay, with room for an engine and for weave.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::command::{self, Output, PATIENCE, PATIENT, wait_until};
use super::engine::Engine;
use super::netns::Netns;
use super::{Lab, addresses};

/// The first underlay interface of every host.
pub(crate) const UNDERLAY: &str = "eth0";

/// How a host is made.
#[derive(Debug, Clone)]
pub(crate) struct HostOptions {
    /// MTU of its first underlay interface.
    pub(crate) mtu: u32,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self { mtu: 1500 }
    }
}

/// A lab host. Clones are the same host; what a [`Netns`] can do, it can do.
#[derive(Clone)]
pub(crate) struct Host(Arc<Inner>);

struct Inner {
    number: u8,
    mtu: u32,
    netns: Netns,
    underlay: Netns,
    dir: PathBuf,
    weave: Option<PathBuf>,
    engine: Mutex<Option<Engine>>,
}

impl Deref for Host {
    type Target = Netns;

    fn deref(&self) -> &Netns {
        &self.0.netns
    }
}

impl Host {
    pub(super) fn create(lab: &Lab, number: u8, options: HostOptions) -> Self {
        let dir = lab.dir.join(format!("h{number}"));
        fs::create_dir_all(dir.join("run")).unwrap_or_else(|e| panic!("create {}: {e}", dir.display()));
        let host = Self(Arc::new(Inner {
            number,
            mtu: options.mtu,
            netns: Netns::named(format!("{}-h{number}", lab.prefix)),
            underlay: lab.underlay.clone(),
            dir,
            weave: lab.weave.clone(),
            engine: Mutex::default(),
        }));
        host.power_on();
        host
    }

    /// Another namespace under the same name, on the underlay.
    fn power_on(&self) {
        self.create();
        // A new namespace inherits forwarding from the machine, and then dockerd leaves the policy of FORWARD alone.
        self.sh("echo 0 >/proc/sys/net/ipv4/ip_forward").must();
        let (v4, v6) = addresses(self.0.number);
        self.add_underlay(UNDERLAY, self.0.mtu, &[&format!("{v4}/24"), &format!("{v6}/64")]);
    }

    /// Everything is gone but the disk: the namespace with all that is in it, and `/run`. The engine has to be stopped
    /// before, and be started after.
    pub(crate) fn reboot(&self) {
        assert!(self.engine().is_none(), "the engine of {} still runs", self.name());
        let mut left: Vec<i32> = Vec::new();
        let empty = wait_until(PATIENCE, || {
            let listed = command::exec(&["ip", "netns", "pids", self.name()]).must();
            left = listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>();
            for pid in &left {
                // It may have ended meanwhile.
                let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
            }
            left.is_empty()
        });
        assert!(empty, "these do not end: {left:?}");
        command::exec(&["ip", "netns", "delete", self.name()]).must();
        // The kernel takes a namespace apart a moment later, and with it the other end of its wire.
        let port = format!("h{}", self.0.number);
        let gone = wait_until(PATIENCE, || !self.0.underlay.exec(&["ip", "link", "show", "dev", &port]).ok());
        assert!(gone, "{} does not go: something still runs in it", self.name());
        let run = self.run_dir();
        fs::remove_dir_all(&run)
            .and_then(|()| fs::create_dir(&run))
            .unwrap_or_else(|e| panic!("{}: {e}", run.display()));
        self.power_on();
    }

    /// Joins the underlay once more, through another interface.
    pub(crate) fn add_underlay(&self, interface: &str, mtu: u32, addresses: &[&str]) {
        let port = if interface == UNDERLAY {
            format!("h{}", self.0.number)
        } else {
            format!("h{}{interface}", self.0.number)
        };
        let (mtu, underlay) = (mtu.to_string(), &self.0.underlay);
        command::exec(&[
            "ip",
            "link",
            "add",
            &port,
            "netns",
            underlay.name(),
            "mtu",
            &mtu,
            "type",
            "veth",
            "peer",
            "name",
            interface,
            "netns",
            self.name(),
            "mtu",
            &mtu,
        ])
        .must();
        underlay.exec(&["ip", "link", "set", &port, "master", "underlay", "up"]).must();
        // The wire is not what is tested: no waiting for duplicate address detection on its link-local address.
        self.sh(&format!("echo 0 >/proc/sys/net/ipv6/conf/{interface}/accept_dad; ip link set {interface} up")).must();
        // The kernel tells the bridge of the carrier a moment later, and drops what is sent before.
        let forwards = || underlay.exec(&["bridge", "link", "show", "dev", &port]).stdout.contains("state forwarding");
        let up = || self.exec(&["ip", "link", "show", interface]).stdout.contains("state UP");
        let ready = wait_until(PATIENCE, || forwards() && up());
        assert!(ready, "{interface} of {} does not come up", self.name());
        for address in addresses {
            self.add_address(interface, address);
        }
    }

    /// Gives an interface one more address, usable at once.
    pub(crate) fn add_address(&self, interface: &str, address: &str) {
        let plain = address.split('/').next().and_then(|plain| plain.parse().ok());
        let plain = plain.unwrap_or_else(|| panic!("`{address}` is no address with a prefix length"));
        let add = ["ip", "address", "add", address, "dev", interface];
        let IpAddr::V6(v6) = plain else {
            self.exec(&add).must();
            return;
        };
        self.exec(&[&add[..], &["nodad"]].concat()).must();
        // The kernel joins the group on which neighbours ask for the address a moment later, and is deaf before.
        let [.., c, d] = v6.segments();
        let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (c & 0xff), d).to_string();
        let groups = || self.exec(&["ip", "-6", "maddress", "show", "dev", interface]).stdout;
        let joined = wait_until(PATIENCE, || groups().split_whitespace().any(|word| word == group));
        assert!(joined, "{interface} of {} does not join {group}", self.name());
    }

    /// Makes the path to `destination` narrower than its interface, as a tunnel on the way would.
    pub(crate) fn route_mtu(&self, destination: &str, mtu: u32) {
        self.exec(&["ip", "route", "replace", destination, "dev", UNDERLAY, "mtu", &mtu.to_string()]).must();
    }

    /// The host's number in its lab, from 1: the last part of its addresses.
    pub(crate) fn number(&self) -> u8 {
        self.0.number
    }

    /// The IPv4 underlay address.
    pub(crate) fn v4(&self) -> Ipv4Addr {
        addresses(self.0.number).0
    }

    /// The IPv6 underlay address.
    pub(crate) fn v6(&self) -> Ipv6Addr {
        addresses(self.0.number).1
    }

    /// The host's namespace, for what wants one rather than a host.
    pub(crate) fn netns(&self) -> &Netns {
        &self.0.netns
    }

    /// The host's files: engine, log, `run`.
    pub(crate) fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// The directory that weave gets instead of `/run/weave`.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.0.dir.join("run")
    }

    /// The address of the host's engine, also before it runs.
    pub(crate) fn docker_host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.0.dir.join("docker.sock")
    }

    /// The parent of the cgroups of the host's containers; unique, so that it can be removed.
    pub(super) fn cgroup(&self) -> &str {
        self.name()
    }

    /// Runs `weave` on this host.
    #[track_caller]
    pub(crate) fn weave(&self, args: &[&str]) -> Output {
        let mut command = self.0.netns.bounded();
        command.arg(self.weave_path()).args(args);
        command::run(self.weave_env(&mut command))
    }

    /// `weave` as a command not yet started, for tests that kill it or give it input.
    pub(crate) fn weave_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(self.weave_path().to_str().expect("a path in UTF-8"));
        self.weave_env(command.args(args));
        command
    }

    fn weave_path(&self) -> &Path {
        self.0.weave.as_deref().expect("the lab to know the weave command: use Lab::with_weave before adding hosts")
    }

    fn weave_env<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("WEAVE_RUN_DIR", self.run_dir()).env("DOCKER_HOST", self.docker_host()).env(PATIENT.0, PATIENT.1)
    }

    pub(super) fn engine(&self) -> MutexGuard<'_, Option<Engine>> {
        self.0.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the engine in an orderly way, as far as it goes; what resists is left to the sweep.
    pub(super) fn shut_down(&self) {
        let Some(engine) = &mut *self.engine() else { return };
        if engine.is_running() {
            // An engine that a test has frozen would never answer.
            engine.signal(Signal::SIGCONT);
            self.remove_containers();
        }
        engine.terminate();
    }

    /// Collects the ended engine, so that no zombie stays.
    pub(super) fn reap(&self) {
        drop(self.engine().take());
    }
}
