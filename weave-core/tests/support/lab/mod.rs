//! A lab: hosts with real kernels and real Docker engines, none of which is the machine that runs the tests.
//!
//! A lab host is a network namespace with its own `dockerd`. All hosts of a lab hang on one underlay bridge, which has
//! a namespace of its own, so nothing that a test does reaches the machine's network. Labs have unique names and may
//! live side by side. Dropping a lab removes everything, also when the test panics; what a killed test process left is
//! removed by the next lab.
//!
//! ```ignore
//! let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
//! let (one, two) = (lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default()));
//! one.start_docker(&DockerOptions::default());
//! let web = one.run_container("web", &[]);
//! one.weave(&["attach", "web", "10.2.1.1/24"]).must();
//! assert!(web.netns().await_ping("10.2.1.2".parse().expect("address")));
//! ```

#![allow(dead_code, unused_imports, reason = "a toolbox: no test binary needs every tool")]

mod capture;
mod command;
mod container;
mod diff;
mod docker;
mod engine;
pub(crate) mod guard;
mod host;
mod netns;
mod owner;
mod packet;
mod prerequisites;
mod registry;
mod router;
mod snapshot;
mod sweep;
pub(crate) mod ways;

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use capture::{Captured, Sniffer};
pub(crate) use command::{Output, PATIENCE, PATIENT, exec, program, wait_until};
pub(crate) use container::Container;
pub(crate) use docker::{DockerOptions, IMAGE};
pub(crate) use host::{Host, HostOptions, UNDERLAY};
pub(crate) use netns::Netns;
pub(crate) use packet::{BROADCAST, ETHERTYPE_TEST, ethernet, send_udp, send_vxlan, vxlan};
pub(crate) use registry::{Entrance, REGISTRY, Registry};
pub(crate) use router::{ROUTER_IMAGE, RouterOptions, RouterProcess, router_program};
pub(crate) use snapshot::{Snapshot, assert_same};

/// Several hosts on one underlay; dropping it removes them.
pub(crate) struct Lab {
    prefix: String,
    dir: PathBuf,
    weave: Option<PathBuf>,
    underlay: Netns,
    hosts: Mutex<Vec<Host>>,
}

impl Lab {
    /// Makes an empty lab, after removing the labs of test processes that are gone.
    pub(crate) fn new() -> Self {
        prerequisites::check();
        sweep::dead_labs();
        let prefix = owner::new_prefix();
        let dir = owner::labs_dir().join(&prefix);
        fs::create_dir(&dir).unwrap_or_else(|e| panic!("create {}: {e}", dir.display()));
        // From here on Drop cleans up, whatever panics.
        let lab =
            Self { underlay: Netns::named(format!("{prefix}-u")), prefix, dir, weave: None, hosts: Mutex::default() };
        lab.underlay.create();
        lab.underlay
            .sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
                 [ ! -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-iptables=0 \
                     net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0
                 ip link add underlay type bridge stp_state 0 forward_delay 0 mcast_snooping 0 && ip link set underlay up")
            .must();
        lab
    }

    /// Says where the `weave` command is; only tests know it (`env!("CARGO_BIN_EXE_weave")`).
    #[must_use]
    pub(crate) fn with_weave(mut self, path: impl Into<PathBuf>) -> Self {
        self.weave = Some(path.into());
        self
    }

    /// A lab with `count` plain hosts, without engines.
    pub(crate) fn with_hosts(count: usize) -> Self {
        let lab = Self::new();
        for _ in 0..count {
            lab.add_host(HostOptions::default());
        }
        lab
    }

    /// Adds a host; its addresses are [`Host::v4`] and [`Host::v6`].
    pub(crate) fn add_host(&self, options: HostOptions) -> Host {
        let mut hosts = self.lock();
        let number = u8::try_from(hosts.len() + 1).expect("a lab has at most 250 hosts");
        let host = Host::create(self, number, options);
        hosts.push(host.clone());
        host
    }

    /// The host that was added as number `index`, counted from 0.
    pub(crate) fn host(&self, index: usize) -> Host {
        let hosts = self.lock();
        hosts.get(index).cloned().unwrap_or_else(|| panic!("lab has {} hosts, not one number {index}", hosts.len()))
    }

    /// A bare namespace that plays a container; `name` is unique within the lab.
    pub(crate) fn target(&self, name: &str) -> Netns {
        let target = Netns::named(format!("{}-t-{name}", self.prefix));
        target.create();
        target
    }

    /// What every namespace and directory name of this lab begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Where this lab keeps its files; a test may put its own there.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The namespace of the underlay bridge, named `underlay`; host number n is its port `hn`.
    pub(crate) fn underlay(&self) -> &Netns {
        &self.underlay
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for host in self.lock().iter() {
            host.shut_down();
        }
        sweep::demolish(&self.prefix);
        for host in self.lock().iter() {
            host.reap();
        }
        let left = guard::leftovers(&self.prefix);
        if left.is_empty() {
            return;
        }
        let message = format!("lab {} left behind:\n{}", self.prefix, left.join("\n"));
        if std::thread::panicking() {
            // A second panic would abort and hide the first.
            command::warn(&message);
        } else {
            panic!("{message}");
        }
    }
}

/// The underlay addresses of host `number`, from the documentation ranges (RFC 5737, RFC 3849).
fn addresses(number: u8) -> (Ipv4Addr, Ipv6Addr) {
    (Ipv4Addr::new(192, 0, 2, number), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(number)))
}
