//! Many at once: on one host they queue, on several they do not wait for each other.

use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};

use super::common::{SOON, ip, lab, launch, link, reference, report, text, weave};
use crate::lab::{Host, Netns, Snapshot, assert_same, wait_until};

const PROCESSES: usize = 8;

/// Starts the command and does not wait for it.
fn start(host: &Host, line: &str) -> Child {
    let mut command = host.weave_command(&line.split_whitespace().collect::<Vec<_>>());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("start `weave {line}`: {error}"))
}

/// Runs all lines at the same time; all must succeed.
fn all_at_once(host: &Host, lines: &[String]) {
    let children: Vec<Child> = lines.iter().map(|line| start(host, line)).collect();
    for (child, line) in children.into_iter().zip(lines) {
        let output = child.wait_with_output().expect("a child");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`weave {line}` ended with {}: {stderr}", output.status);
    }
}

#[test]
fn eight_processes_attach_and_detach_at_the_same_time() {
    let (lab, hosts) = lab(1);
    let host = &hosts[0];
    launch(&hosts);
    // The kernel says a moment later that the bridge works.
    let works = || link(host, "weave").is_some_and(|weave| weave["operstate"] == "UP");
    assert!(wait_until(SOON, works), "the bridge does not come up");
    let targets: Vec<Netns> = (1..=PROCESSES).map(|number| lab.target(&number.to_string())).collect();
    let before = Snapshot::of(host);
    let lines = |verb: &str| -> Vec<String> {
        let numbered = targets.iter().zip(1..);
        numbered.map(|(target, number)| format!("{verb} 10.2.1.{number}/24 {}", reference(target))).collect()
    };
    let (attach, detach) = (lines("attach --no-probe"), lines("detach"));
    all_at_once(host, &attach);
    for round in 0..3 {
        // Half of them leave while the other half is told once more to stay; then the other way round.
        let (stay, go) = if round % 2 == 0 { (0..4, 4..8) } else { (4..8, 0..4) };
        all_at_once(host, &[&attach[stay.clone()], &detach[go.clone()]].concat());
        assert_eq!(addresses(host), stay.map(|at| format!("10.2.1.{}/24", at + 1)).collect::<Vec<_>>());
        all_at_once(host, &attach[go]);
    }
    assert_eq!(addresses(host).len(), PROCESSES);
    assert!(targets[0].await_ping(ip("10.2.1.8")));
    all_at_once(host, &detach);
    assert!(targets.iter().all(|target| link(target, "ethwe").is_none()));
    assert_same(&before, &Snapshot::of(host));
}

/// All addresses that containers of a host have.
fn addresses(host: &Host) -> Vec<String> {
    let attachments = report(host, "status")["result"]["attachments"].clone();
    let attachments = attachments.as_array().expect("attachments").iter();
    let mut ips: Vec<String> = attachments
        .flat_map(|one| one["ips"].as_array().cloned().unwrap_or_default())
        .filter_map(|ip| ip.as_str().map(str::to_owned))
        .collect();
    ips.sort();
    ips
}

/// Processes that all want the whole: the first does it, the others find it done.
#[test]
fn eight_processes_apply_the_same_document() {
    let (lab, hosts) = lab(1);
    let target = lab.target("target");
    let text =
        format!("peers: 192.0.2.9\ncontainers: {{\"{}\": {{ip: 10.2.1.1/24, probe: false}}}}\n", reference(&target));
    let line = format!("--detailed-exitcodes apply {}", super::common::document(&hosts[0], &text));
    let children: Vec<Child> = (0..PROCESSES).map(|_| start(&hosts[0], &line)).collect();
    let codes = children.into_iter().map(|child| child.wait_with_output().expect("a child").status.code());
    let mut codes: Vec<i32> = codes.map(|code| code.expect("an exit code")).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 0, 0, 0, 0, 0, 2]);
}

fn held(host: &Host) -> Flock<File> {
    let file = File::options().create(true).truncate(false).write(true).open(host.run_dir().join("lock"));
    let file = file.expect("the lock of a host that was used");
    Flock::lock(file, FlockArg::LockExclusive).unwrap_or_else(|(_, error)| panic!("lock: {error}"))
}

#[test]
fn hosts_that_share_a_file_system_do_not_wait_for_each_other() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    let lock = held(&hosts[0]);
    let target = lab.target("target");
    let begin = Instant::now();
    weave(&hosts[1], &format!("attach --no-probe 10.2.1.1/24 {}", reference(&target)));
    assert!(begin.elapsed() < Duration::from_secs(10), "it waited {:?} for the other host", begin.elapsed());
    weave(&hosts[0], "status");
    let waiting = start(&hosts[0], "stop");
    std::thread::sleep(Duration::from_millis(200));
    assert!(link(&hosts[0], "vxlan-6783").is_some(), "it did not wait");
    drop(lock);
    assert!(waiting.wait_with_output().expect("a child").status.success());
    assert!(link(&hosts[0], "vxlan-6783").is_none());
}

#[test]
fn who_waits_too_long_is_told_who_holds_the_host() {
    let (_lab, hosts) = lab(1);
    launch(&hosts);
    let _lock = held(&hosts[0]);
    std::fs::write(hosts[0].run_dir().join("lock"), "4711 attach\n").expect("a note");
    let mut command = hosts[0].weave_command(&["--json", "stop"]);
    let output = command.env("WEAVE_LOCK_TIMEOUT", "1").output().expect("the command");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&report["error"], "kind"), "timeout");
    assert!(text(&report["error"], "message").contains("4711 (attach)"), "{report:#}");
}
