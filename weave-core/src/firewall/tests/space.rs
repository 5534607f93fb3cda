//! A network namespace that lives as long as its thread: nothing to clean up, and no name to clash.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};

type Job = Box<dyn FnOnce() + Send>;

/// A network namespace.
pub(super) struct Space {
    jobs: Sender<Job>,
    thread: i32,
}

impl Space {
    pub(super) fn new() -> Self {
        let (jobs, inbox) = channel::<Job>();
        let (ready, started) = channel();
        std::thread::spawn(move || {
            let entered = unshare(CloneFlags::CLONE_NEWNET);
            ready.send(entered.map(|()| nix::unistd::gettid().as_raw())).expect("somebody waits");
            for job in inbox {
                job();
            }
        });
        let thread = started.recv().expect("thread runs").expect("unshare(CLONE_NEWNET): these tests need root");
        let space = Self { jobs, thread };
        // An address that still has to prove that it is alone does not look for its neighbours.
        space.sh("ip link set lo up; sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0");
        space
    }

    /// Does `job` inside and returns what it returns; a panic inside is a panic here.
    pub(super) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, result) = channel();
        let job = move || answer.send(catch_unwind(AssertUnwindSafe(job))).expect("somebody waits");
        self.jobs.send(Box::new(job)).expect("thread runs");
        result.recv().expect("thread runs").unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs a script inside and returns what it printed.
    pub(super) fn sh(&self, script: &str) -> String {
        let script = script.to_owned();
        self.run(move || {
            let output = Command::new("sh").args(["-euc", &script]).output().expect("sh runs");
            assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        })
    }

    /// Lays a cable: `name` here, `eth0` there, with the addresses given for there.
    pub(super) fn cable(&self, name: &str, there: &Self, addresses: &[&str]) {
        self.sh(&format!(
            "ip link add name {name} type veth peer name eth0 netns {}; ip link set {name} up",
            there.thread
        ));
        for address in addresses {
            there.address("eth0", address);
        }
        there.sh("ip link set eth0 up");
    }

    pub(super) fn address(&self, link: &str, address: &str) {
        let nodad = if address.contains(':') { "nodad" } else { "" };
        self.sh(&format!("ip address add {address} dev {link} {nodad}"));
    }

    /// Makes cables ports of a bridge, and waits until they forward.
    pub(super) fn bridge(&self, ports: &[&str], bridge: &str) {
        for port in ports {
            self.sh(&format!("ip link set {port} master {bridge}"));
            self.sh(&format!("timeout 60 sh -c 'until bridge link show dev {port} | grep -q forwarding; do :; done'"));
        }
    }

    /// A socket inside.
    pub(super) fn socket(&self, address: &str) -> UdpSocket {
        let address = address.to_owned();
        self.run(move || UdpSocket::bind(&address).unwrap_or_else(|error| panic!("bind {address}: {error}")))
    }

    /// All rules of everybody, without counters: what must be the same before and after.
    pub(super) fn rules(&self) -> String {
        let legacy = "for f in ip ip6; do if grep -q . /proc/thread-self/net/${f}_tables_names; then \
                      ${f}tables-legacy-save | grep -v '^[#:]'; fi; done";
        format!("{}{}", self.sh("nft -s list ruleset"), self.sh(legacy))
    }
}

/// Sends `length` bytes and returns from whom they came, or `None` when they did not come.
pub(super) fn send(from: &UdpSocket, to: &str, at: &UdpSocket, length: usize) -> Option<SocketAddr> {
    let to: SocketAddr = to.parse().expect("address");
    let mut buffer = vec![0; 65536];
    at.set_read_timeout(Some(Duration::from_millis(1))).expect("timeout");
    while at.recv_from(&mut buffer).is_ok() {}
    at.set_read_timeout(Some(Duration::from_millis(250))).expect("timeout");
    let mut receive = || loop {
        match at.recv_from(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            received => return received,
        }
    };
    // Again, because the first may be lost while the neighbour is being found.
    (0..4).find_map(|_| {
        // A rule that rejects is reported at the next sending.
        if from.send_to(&vec![7; length], to).is_err() {
            return None;
        }
        match receive() {
            Ok((found, sender)) if found == length => Some(sender),
            Ok((found, _)) => panic!("{found} bytes of {length}"),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
            Err(error) => panic!("{error}"),
        }
    })
}

/// Whether a small packet gets there.
pub(super) fn passes(from: &UdpSocket, to: &str, at: &UdpSocket) -> bool {
    send(from, to, at, 100).is_some()
}
