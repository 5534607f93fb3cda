//! A process that applies again and again does not grow, and an attachment takes little of it.
//!
//! The measure is taken in a process of its own: the other tests of this program run in the same one.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use weave_core::spec::{Attach, Attached, Cidr, ContainerRef, HostDocument, Named};
use weave_core::{Kernel, KernelOptions, Mode, blocking, ops};

use super::common::lab;

/// Set for the process that is measured.
const CHILD: &str = "WEAVE_TEST_MEMORY";

/// The test below, as the test program names it.
const THIS: &str = "network::memory::repeated_applies_do_not_grow_and_an_attachment_takes_less_than_4_kib";

/// Attachments; each is a namespace.
const MANY: usize = 500;

#[test]
fn repeated_applies_do_not_grow_and_an_attachment_takes_less_than_4_kib() {
    if std::env::var_os(CHILD).is_some() {
        return measured();
    }
    let (_lab, hosts) = lab(1);
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new("timeout");
    command.arg("100").arg("nsenter").arg(format!("--net={}", hosts[0].netns_path().display())).arg(program);
    command.args(["--exact", THIS, "--nocapture"]);
    let output = command.env(CHILD, "1").env("WEAVE_RUN_DIR", hosts[0].run_dir()).output().expect("this program");
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

fn measured() {
    let targets: Vec<File> = (0..MANY).map(|_| namespace()).collect();
    let (few, many) = (document(&targets[..10]), document(&targets));
    // Each thread has a heap of its own for a while: it takes a few applies until all of them have grown.
    attach(&few);
    apply(&few, 10);
    let small = resident();
    attach(&many);
    apply(&many, 20);
    let large = resident();
    let each = large.saturating_sub(small) * 1024 / MANY as u64;
    assert!(each < 4096, "{each} bytes for each of {MANY} attachments");
    apply(&many, 20);
    let grown = resident().saturating_sub(large);
    assert!(grown < 256, "20 applies of {MANY} attachments grew by {grown} KiB");
    let left = blocking::run(ops::host::reset(&kernel(), Mode::Apply)).expect("reset").state;
    assert!(left.is_none_or(|state| state.containers.is_none_or(|containers| containers.0.is_empty())));
}

/// Another process does the work, so that this one is measured at looking and planning.
fn attach(document: &HostDocument) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("host.json");
    fs::write(&file, serde_json::to_string(document).expect("a document")).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_weave")).arg("-q").arg("apply").arg(&file).output().expect("weave");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn kernel() -> Kernel {
    Kernel::new(KernelOptions::default()).expect("a host")
}

fn apply(document: &HostDocument, times: usize) {
    for _ in 0..times {
        let report = blocking::run(ops::host::apply(&kernel(), document, Mode::Apply)).expect("apply");
        assert!(report.is_ok() && !report.changed, "{:?} {:?}", report.errors, report.steps);
    }
}

/// A namespace that lives as long as its file is open.
fn namespace() -> File {
    let made = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("a namespace");
        File::open("/proc/thread-self/ns/net").expect("its file")
    });
    made.join().expect("a thread")
}

fn document(targets: &[File]) -> HostDocument {
    let containers = targets.iter().enumerate().map(|(at, file)| {
        let container: ContainerRef =
            format!("netns:/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).parse().expect("a path");
        let ip: Cidr = format!("10.2.{}.{}/16", at / 250, at % 250 + 1).parse().expect("an address");
        (container.clone(), attachment(container, ip))
    });
    HostDocument {
        peers: Some("192.0.2.9".parse().into_iter().collect()),
        containers: Some(Named(containers.collect())),
        ..HostDocument::default()
    }
}

fn attachment(container: ContainerRef, ip: Cidr) -> Attached {
    let Attach { ips, interface, .. } = Attach::new(container, [ip]);
    Attached { ips: Some(ips), interface, probe: false, ..Attached::default() }
}

/// KiB of this process in memory.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("the status of this process");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number of KiB")
}
