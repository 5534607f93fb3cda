//! A network namespace, and work inside it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};

use super::command::{self, Output, PATIENCE, wait_until};

/// Where `ip netns` keeps names.
pub(super) const RUN_NETNS: &str = "/run/netns";

/// A network namespace by path: a named one, or that of a container's process.
#[derive(Debug, Clone)]
pub(crate) struct Netns {
    path: PathBuf,
}

impl Netns {
    /// The namespace `/run/netns/NAME`, whether it exists or not.
    pub(crate) fn named(name: impl AsRef<str>) -> Self {
        Self { path: Path::new(RUN_NETNS).join(name.as_ref()) }
    }

    /// The namespace of a process.
    pub(crate) fn of_pid(pid: u32) -> Self {
        Self { path: PathBuf::from(format!("/proc/{pid}/ns/net")) }
    }

    /// Makes the named namespace, with lo up and IPv6 on, whatever the machine's own defaults are.
    pub(super) fn create(&self) {
        command::exec(&["ip", "netns", "add", self.name()]).must();
        self.sh("for one in all default lo; do echo 0 >/proc/sys/net/ipv6/conf/$one/disable_ipv6 || exit; done; ip link set lo up").must();
    }

    /// The last part of the path: for a named namespace what `ip netns` calls it.
    pub(crate) fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).expect("a path with a name")
    }

    /// What weave is given as `netns:PATH`.
    pub(crate) fn netns_path(&self) -> &Path {
        &self.path
    }

    /// A program to be started in this namespace; its pid is the program's own, so a test can kill it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(self.enter()).arg(program);
        command
    }

    /// Runs a program in this namespace to its end, however that turns out.
    #[track_caller]
    pub(crate) fn exec(&self, args: &[&str]) -> Output {
        command::run(self.bounded().args(args))
    }

    /// Runs a shell script in this namespace.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> Output {
        self.exec(&["sh", "-c", script])
    }

    /// `nsenter` into this namespace, ended if it hangs; the program is the next argument.
    pub(super) fn bounded(&self) -> Command {
        let mut command = command::bounded("nsenter");
        command.arg(self.enter());
        command
    }

    fn enter(&self) -> String {
        format!("--net={}", self.path.display())
    }

    /// Runs a closure on a fresh thread in this namespace.
    ///
    /// The thread dies afterwards, so no other work inherits the namespace. `/proc/sys/net` follows the thread;
    /// `/sys/class/net` does not, and still shows the machine's own interfaces.
    pub(crate) fn in_netns<T: Send>(&self, job: impl FnOnce() -> T + Send) -> T {
        let file = File::open(&self.path).unwrap_or_else(|e| panic!("open {}: {e}", self.path.display()));
        let joined = std::thread::scope(|scope| {
            let work = || {
                setns(&file, CloneFlags::CLONE_NEWNET).unwrap_or_else(|e| panic!("enter {}: {e}", self.path.display()));
                job()
            };
            scope.spawn(work).join()
        });
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Binds a socket in this namespace, to a port that may have been in use until a moment ago.
    ///
    /// A process that another test is just starting has inherited all sockets, until it becomes another program.
    pub(crate) fn bind<T: Send>(&self, bind: impl Fn() -> io::Result<T> + Sync) -> T {
        let mut bound = self.in_netns(&bind);
        let is_held = |bound: &io::Result<T>| matches!(bound, Err(e) if e.kind() == ErrorKind::AddrInUse);
        wait_until(PATIENCE, || {
            if is_held(&bound) {
                bound = self.in_netns(&bind);
            }
            !is_held(&bound)
        });
        bound.unwrap_or_else(|e| panic!("a socket in {}: {e}", self.name()))
    }

    /// Whether one echo request is answered within a second.
    pub(crate) fn ping(&self, to: IpAddr) -> bool {
        self.exec(&["ping", "-n", "-q", "-c1", "-W1", &to.to_string()]).ok()
    }

    /// Whether a request that is `packet` bytes long, IP header included, is answered; without fragments on the way if
    /// `dont_fragment`.
    pub(crate) fn ping_sized(&self, to: IpAddr, packet: u32, dont_fragment: bool) -> bool {
        let headers = if to.is_ipv4() { 20 + 8 } else { 40 + 8 };
        let payload = packet.checked_sub(headers).expect("a packet holds its headers").to_string();
        let discovery = if dont_fragment { "do" } else { "dont" };
        self.exec(&["ping", "-n", "-q", "-c1", "-W1", "-s", &payload, "-M", discovery, &to.to_string()]).ok()
    }

    /// Whether an address that has moved is reached at once: by one of the first packets, and not only when the neighbour
    /// entry of its old place is doubted, which the kernel does after five seconds.
    pub(crate) fn reaches_at_once(&self, to: IpAddr) -> bool {
        (0..3).any(|_| self.ping(to))
    }

    /// Whether an echo request is answered before long, for paths that need a moment to come up.
    pub(crate) fn await_ping(&self, to: IpAddr) -> bool {
        wait_until(PATIENCE, || self.ping(to))
    }
}
