//! SIGKILL at any instant: the next run repairs, and `reset` leaves nothing.

use super::common::{document, lab, link, reference, weave};
use super::trace::{End, kill_after};
use crate::lab::{Host, Lab, Netns, Snapshot, assert_same};

/// A host on which there is something of everything to do, and an endless number of kills to survive.
struct Scene {
    host: Host,
    targets: Vec<Netns>,
    document: String,
    // Dropped last: it takes the host with it.
    _lab: Lab,
}

impl Scene {
    fn new() -> Self {
        let (lab, hosts) = lab(1);
        let host = hosts[0].clone();
        host.sh("iptables-nft -P FORWARD DROP && ip6tables-nft -P FORWARD DROP").must();
        let targets: Vec<Netns> = ["a", "b", "c"].map(|name| lab.target(name)).into();
        let [a, b, c] = [0, 1, 2].map(|at: usize| reference(&targets[at]));
        let document = document(
            &host,
            &format!(
                "router: {{mtu: 1300}}\npeers: 192.0.2.2 192.0.2.3\nexpose: [10.2.1.101/24, \"fd00:2:1::101/64\"]\ncontainers:\n  \
                 \"{a}\": {{ips: [10.2.1.1/24, \"fd00:2:1::1/64\"], gateway: 10.2.1.101, probe: false}}\n  \
                 \"{b}\": {{ips: [10.2.1.2/24, 10.3.1.2/24], probe: false}}\n  \
                 \"{c}\": {{ips: 10.2.1.3/24, routes: [10.9.0.0/16 via 10.2.1.101], multicast: false, probe: false}}\n"
            ),
        );
        Self { host, targets, document, _lab: lab }
    }

    fn apply(&self) {
        weave(&self.host, &format!("-q apply {}", self.document));
    }

    fn reset(&self) {
        weave(&self.host, "-q reset");
    }

    /// Runs the command and kills it after its `nth` act; false when it came to its end before.
    fn killed(&self, line: &str, nth: usize) -> bool {
        let words: Vec<_> = std::iter::once("-q").chain(line.split_whitespace()).collect();
        match kill_after(&self.host.weave_command(&words), nth) {
            End::Killed => true,
            End::Exited(code) => {
                assert_eq!(code, 0, "`weave {line}`, which was not killed");
                false
            }
        }
    }

    /// What matters of the host and its containers, without what is different each time.
    fn state(&self) -> Vec<String> {
        let host = state(&self.host, &format!("{SHOW}; {SHOW_HOST}"));
        let targets = self.targets.iter().flat_map(|target| state(target, SHOW));
        host.into_iter().chain(targets).collect()
    }

    fn snapshots(&self) -> Vec<Snapshot> {
        std::iter::once(self.host.netns()).chain(&self.targets).map(Snapshot::of).collect()
    }
}

/// Few programs, since they run after every kill.
const SHOW: &str = "ip -d -o link; ip -o address; ip -4 route show table all; ip -6 route show table all
    for link in weave ethwe; do grep -H . /proc/sys/net/ipv6/conf/$link/disable_ipv6 /proc/sys/net/ipv6/conf/$link/accept_ra
    done 2>/dev/null";

/// What there is on a host alone.
const SHOW_HOST: &str = "bridge fdb show; nft -s list ruleset";

fn state(netns: &Netns, show: &str) -> Vec<String> {
    let shown = netns.sh(&format!("{show}; true")).must();
    let stable = shown.lines().filter(|line| is_stable(line)).map(stable_words);
    let mut lines: Vec<String> = stable.map(|line| format!("{}: {line}", netns.name())).collect();
    lines.sort();
    lines
}

/// Comments carry times; link-local addresses and forwarding entries of host ends come from random hardware addresses.
fn is_stable(line: &str) -> bool {
    let entry = line.contains(" dev ") && line.split(' ').next().is_some_and(|mac| mac.len() == 17);
    !line.starts_with('#') && !line.contains("fe80:") && (!entry || line.starts_with("00:00:00:00:00:00"))
}

/// Numbers of links and ports count up, timers run, and the hardware address of a host end is random.
fn stable_words(line: &str) -> String {
    let numbered = line.split_once(": ").filter(|(number, _)| number.parse::<u32>().is_ok());
    let line = numbered.map_or(line, |(_, rest)| rest);
    let random = line.starts_with("vethwe") || line.starts_with("vxlan");
    let mut words = line.split_whitespace();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let counted = word.ends_with("_timer") || matches!(word, "port_id" | "port_no" | "designated_port" | "expires");
        if counted || random && word == "link/ether" {
            words.next();
        } else if word != "tentative" && !word.starts_with('[') {
            kept.push(word.split('@').next().unwrap_or(word));
        }
    }
    kept.join(" ")
}

#[track_caller]
fn same(wanted: &[String], found: &[String], nth: usize) {
    let gone = wanted.iter().filter(|line| !found.contains(line)).map(|line| format!("- {line}"));
    let new = found.iter().filter(|line| !wanted.contains(line)).map(|line| format!("+ {line}"));
    let difference: Vec<String> = gone.chain(new).collect();
    assert!(difference.is_empty(), "killed after act {nth}:\n{}", difference.join("\n"));
}

/// A run that is worth killing does more acts than this; fewer would mean that the trace counts the wrong ones.
const ACTS: usize = 20;

#[test]
fn an_apply_that_was_killed_is_repaired_by_the_next() {
    let scene = Scene::new();
    let before = scene.snapshots();
    scene.apply();
    let wanted = scene.state();
    scene.reset();
    let line = format!("apply {}", scene.document);
    let mut nth = 0;
    while scene.killed(&line, nth) {
        scene.apply();
        same(&wanted, &scene.state(), nth);
        scene.reset();
        nth += 1;
    }
    assert!(nth > ACTS, "only {nth} acts");
    scene.reset();
    before.iter().zip(scene.snapshots()).for_each(|(before, after)| assert_same(before, &after));
}

#[test]
fn reset_after_an_apply_that_was_killed_leaves_nothing() {
    let scene = Scene::new();
    let (before, clean) = (scene.snapshots(), scene.state());
    let line = format!("apply {}", scene.document);
    let mut nth = 0;
    while scene.killed(&line, nth) {
        scene.reset();
        same(&clean, &scene.state(), nth);
        nth += 1;
    }
    assert!(nth > ACTS, "only {nth} acts");
    scene.reset();
    before.iter().zip(scene.snapshots()).for_each(|(before, after)| assert_same(before, &after));
}

#[test]
fn a_reset_that_was_killed_is_finished_by_the_next() {
    let scene = Scene::new();
    let clean = scene.state();
    let mut nth = 0;
    loop {
        scene.apply();
        let killed = scene.killed("reset", nth);
        scene.reset();
        same(&clean, &scene.state(), nth);
        if !killed {
            break;
        }
        nth += 1;
    }
    assert!(nth > 0, "no acts");
}

#[test]
fn a_detach_that_was_killed_is_finished_by_the_next() {
    let scene = Scene::new();
    scene.apply();
    let detach = format!("detach {}", reference(&scene.targets[0]));
    weave(&scene.host, &format!("-q {detach}"));
    let wanted = scene.state();
    let mut nth = 0;
    loop {
        scene.apply();
        assert!(link(&scene.targets[0], "ethwe").is_some());
        let killed = scene.killed(&detach, nth);
        weave(&scene.host, &format!("-q {detach}"));
        same(&wanted, &scene.state(), nth);
        if !killed {
            break;
        }
        nth += 1;
    }
    assert!(nth > 0, "no acts");
}
