//! A process that applies again and again does not grow, and an attachment takes little of it, the first time too.
//!
//! The measure is taken in a process of its own: the other tests of this program run in the same one.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::process::Command;

use nix::sched::{CloneFlags, CpuSet, sched_getaffinity, sched_setaffinity, unshare};
use nix::unistd::Pid;
use weave_core::apply::run_dir;
use weave_core::spec::{Attach, Attached, Cidr, ContainerRef, HostDocument, Named};
use weave_core::{Kernel, KernelOptions, Mode, blocking, ops};

use super::common::lab;
use crate::lab::Host;

/// Set for the process that is measured, to the number of its attachments.
const CHILD: &str = "WEAVE_TEST_MEMORY";

/// Attachments; each is a namespace.
const MANY: usize = 500;

#[test]
fn repeated_applies_do_not_grow_and_an_attachment_takes_less_than_4_kib() {
    if std::env::var_os(CHILD).is_some() {
        return measured();
    }
    let (_lab, hosts) = lab(1);
    alone(&hosts[0], "repeated_applies_do_not_grow_and_an_attachment_takes_less_than_4_kib", MANY);
}

#[test]
fn the_first_apply_takes_less_than_4_kib_for_an_attachment() {
    // Far apart, and both so many that they are done in the same way. And the middle of three runs: what the allocator
    // takes differs a little.
    const FEW: usize = 300;
    const MOST: usize = 1000;
    if let Ok(count) = std::env::var(CHILD) {
        return first(count.parse().expect("a number"));
    }
    let (_lab, hosts) = lab(1);
    let peak = |count| {
        alone(&hosts[0], "the_first_apply_takes_less_than_4_kib_for_an_attachment", count);
        let peak = fs::read_to_string(hosts[0].run_dir().join(PEAK)).expect("what it had");
        peak.parse::<u64>().expect("a number of KiB")
    };
    let [few, most] = [FEW, MOST].map(|count| {
        let mut peaks = [peak(count), peak(count), peak(count)];
        peaks.sort_unstable();
        peaks[1]
    });
    let each = most.saturating_sub(few) * 1024 / (MOST - FEW) as u64;
    assert!(each < 4096, "{each} bytes for each attachment: {few} KiB for {FEW}, {most} KiB for {MOST}");
}

/// Runs one of the tests above once more, in a process of its own on `host`, with `count` attachments.
fn alone(host: &Host, test: &str, count: usize) {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new("timeout");
    command.arg("900").arg("nsenter").arg(format!("--net={}", host.netns_path().display())).arg(program);
    command.args(["--exact", &format!("network::memory::{test}"), "--nocapture"]);
    command.env(CHILD, count.to_string()).env("WEAVE_RUN_DIR", host.run_dir());
    // Page by page: in larger steps the C library takes up to a hundred KiB that nobody uses.
    command.env("MALLOC_TOP_PAD_", "0");
    let output = command.output().expect("this program");
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

/// The file in the run directory where a process writes how much it had at most.
const PEAK: &str = "peak";

fn first(count: usize) {
    one_processor();
    let targets: Vec<File> = (0..count).map(|_| namespace()).collect();
    let report = blocking::run(ops::host::apply(&kernel(), &document(&targets), Mode::Apply)).expect("apply");
    assert!(report.is_ok() && report.changed, "{:?}", report.errors);
    // What was read of the program is not an attachment's.
    let peak = of_this_process("VmHWM:") - of_this_process("RssFile:");
    fs::write(run_dir().join(PEAK), peak.to_string()).expect("a file");
    reset();
}

/// The kernel counts the pages of a process on each processor by itself, and adds that up when it is many: on one it is
/// most exact.
fn one_processor() {
    let all = sched_getaffinity(Pid::from_raw(0)).expect("its processors");
    let first = (0..CpuSet::count()).find(|cpu| all.is_set(*cpu).expect("a number")).expect("a processor");
    let mut one = CpuSet::new();
    one.set(first).expect("a number");
    sched_setaffinity(Pid::from_raw(0), &one).expect("one processor");
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
    reset();
}

fn reset() {
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
    of_this_process("VmRSS:")
}

/// A number of KiB that the kernel says of this process.
fn of_this_process(what: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("the status of this process");
    let line = text.lines().find_map(|line| line.strip_prefix(what)).expect("its memory");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number of KiB")
}
