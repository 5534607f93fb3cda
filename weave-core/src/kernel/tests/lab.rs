//! A host in a namespace of its own, and containers in others.

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use crate::host::{Host, OnError, Outcome};
use crate::kernel::{Kernel, KernelOptions};
use crate::netns::NetNs;
use crate::observed::{AttachmentMark, BridgeMark, Mark, Observed, Scope, Touched};
use crate::plan::{NewBridge, NewVeth, NewVxlan, Place, Step};
use crate::progress::Watcher;
use crate::spec::{ContainerRef, Mac};

/// A host without links but its loopback. The test's thread is on it.
pub(super) struct Lab {
    kernel: Kernel,
    runtime: tokio::runtime::Runtime,
}

/// A network namespace as a container has one.
pub(super) struct Container {
    netns: NetNs,
}

impl Lab {
    pub(super) fn new() -> Self {
        Self::with(KernelOptions::default())
    }

    fn with(options: KernelOptions) -> Self {
        unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { kernel: Kernel::new(options).expect("a host"), runtime }
    }

    /// A host whose engine is at `address`, and who is told how far the work is.
    pub(super) fn talking_to(address: &str, watcher: Watcher) -> Self {
        let Self { kernel, runtime } = Self::with(KernelOptions::default().docker_host(address));
        Self { kernel: kernel.with_progress(watcher), runtime }
    }

    /// A host with a bridge, and the given containers looked at.
    pub(super) fn with_bridge(containers: &[&Container]) -> Self {
        let lab = Self::new();
        lab.done(&[bridge()]);
        lab.look(&Scope { targets: containers.iter().map(|container| container.name()).collect(), ..Scope::default() });
        lab
    }

    pub(super) fn look(&self, scope: &Scope) -> Observed {
        self.runtime.block_on(self.kernel.observe(scope)).expect("a look")
    }

    pub(super) fn try_look(&self, scope: &Scope) -> crate::Result<Observed> {
        self.runtime.block_on(self.kernel.observe(scope))
    }

    pub(super) fn look_again(&self, scope: &Scope, before: &Observed, touched: &Touched) -> Observed {
        self.runtime.block_on(self.kernel.observe_again(scope, before, touched)).expect("a look")
    }

    pub(super) fn execute(&self, steps: &[Step], on_error: OnError) -> Vec<Outcome> {
        self.runtime.block_on(self.kernel.execute(steps.to_vec().into(), on_error))
    }

    pub(super) fn done(&self, steps: &[Step]) {
        for (step, outcome) in steps.iter().zip(self.execute(steps, OnError::Stop)) {
            assert!(matches!(outcome, Outcome::Done), "{step}: {outcome:?}");
        }
    }

    pub(super) fn failed(&self, step: Step) -> crate::Error {
        match self.execute(&[step], OnError::Stop).pop() {
            Some(Outcome::Failed(error)) => error,
            other => panic!("{other:?}"),
        }
    }
}

impl Container {
    pub(super) fn new() -> Self {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
            NetNs::current().expect("a namespace")
        };
        Self { netns: thread::spawn(make).join().expect("a thread") }
    }

    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.netns.as_raw_fd()))
    }

    pub(super) fn name(&self) -> ContainerRef {
        ContainerRef::Netns(self.path().into())
    }

    pub(super) fn place(&self) -> Place {
        Place::Target(self.name())
    }

    pub(super) fn inode(&self) -> u64 {
        self.netns.id().inode
    }

    /// Does something inside.
    pub(super) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let enter = || {
            self.netns.enter().expect("these tests need root");
            work()
        };
        thread::scope(|scope| scope.spawn(enter).join().expect("a thread"))
    }

    pub(super) fn veth(&self, name: &str) -> NewVeth {
        NewVeth {
            name: name.into(),
            target: self.name(),
            interface: "ethwe".into(),
            mac: Mac([0x0a, 0x57, 10, 2, 1, 4]),
            mtu: 1400,
            bridge: "weave".into(),
            mark: Mark::Attachment(AttachmentMark {
                mtu: None,
                inode: self.inode(),
                pid: 0,
                interface: "ethwe".into(),
                id: self.path().display().to_string(),
                name: String::new(),
            }),
        }
    }
}

pub(super) fn bridge() -> Step {
    Step::CreateBridge(Box::new(NewBridge {
        name: "weave".into(),
        mac: Mac([0x12, 1, 2, 3, 4, 5]),
        mtu: 1400,
        mark: Mark::Bridge(BridgeMark::default()),
    }))
}

pub(super) fn vxlan(local: &str) -> Step {
    Step::CreateVxlan(NewVxlan {
        name: "vxlan-6783".into(),
        vni: 6783,
        port: 6783,
        local: local.parse().expect("an address"),
        mtu: 1400,
        bridge: "weave".into(),
        learning: true,
    })
}

/// Runs `ip` or `bridge` in the namespace of the calling thread.
pub(super) fn run(command: &str) -> String {
    let mut words = command.split(' ');
    let program = words.next().expect("a program");
    let output = Command::new(program).args(words).output().expect("iproute2 is installed");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// What `ip` or `bridge` shows, as data.
pub(super) fn shown(command: &str) -> Vec<Value> {
    let text = run(command);
    if text.trim().is_empty() { Vec::new() } else { serde_json::from_str(&text).expect("JSON") }
}

/// One link as `ip` shows it.
pub(super) fn link(name: &str) -> Option<Value> {
    shown("ip -j -d link").into_iter().find(|link| link["ifname"] == name)
}
