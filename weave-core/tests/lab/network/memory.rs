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

/// Attachments; each is a namespace.
const MANY: usize = 500;

#[test]
fn repeated_applies_do_not_grow_and_an_attachment_takes_less_than_4_kib() {
    let (_lab, hosts) = lab(1);
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new("timeout");
    command.arg("100").arg("nsenter").arg(format!("--net={}", hosts[0].netns_path().display())).arg(program);
    command.args(["--exact", "network::memory::measured", "--ignored", "--nocapture"]);
    let output = command.env(CHILD, "1").env("WEAVE_RUN_DIR", hosts[0].run_dir()).output().expect("this program");
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[test]
#[ignore = "part of another test, in a process and a namespace of its own"]
fn measured() {
    assert!(std::env::var_os(CHILD).is_some(), "this test is run by another one");
    let targets: Vec<File> = (0..MANY).map(|_| namespace()).collect();
    let few = document(&targets[..10]);
    let many = document(&targets);
    // The first ones fill caches of the allocator and start what is started once.
    apply(&few, 5);
    let start = resident();
    apply(&few, 30);
    let grown = resident().saturating_sub(start);
    assert!(grown < 512, "30 applies grew by {grown} KiB");

    let small = resident();
    apply(&many, 3);
    for _ in 0..5 { eprintln!("RSS {}", resident()); apply(&many, 5); }
    let large = resident();
    apply(&many, 10);
    let grown = resident().saturating_sub(large);
    assert!(grown < 1024, "10 applies of {MANY} attachments grew by {grown} KiB");
    eprintln!("small {small} large {large} grown {grown} peak {} now {}", peak(), resident());
    let each = peak().saturating_sub(small) * 1024 / MANY as u64;
    assert!(each < 4096, "{each} bytes for each of {MANY} attachments");
    drop(blocking::run(ops::host::reset(&kernel(), Mode::Apply)).expect("reset"));
}

fn kernel() -> Kernel {
    Kernel::new(KernelOptions::default()).expect("a host")
}

fn apply(document: &HostDocument, times: usize) {
    for _ in 0..times {
        let report = blocking::run(ops::host::apply(&kernel(), document, Mode::Apply)).expect("apply");
        assert!(report.is_ok(), "{:?}", report.errors);
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
        let container: ContainerRef = format!("netns:/proc/self/fd/{}", file.as_raw_fd()).parse().expect("a path");
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
    Attached { ips, interface, mtu: None, mac: None, gateway: None, routes: None, multicast: true, probe: false }
}

/// KiB of this process in memory.
fn resident() -> u64 {
    status("VmRSS:")
}

/// The most it ever was.
fn peak() -> u64 {
    status("VmHWM:")
}

fn status(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("the status of this process");
    let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number of KiB")
}
