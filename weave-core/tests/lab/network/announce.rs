//! `announce`: the network and the host itself forget where an address was.

use serde_json::json;

use super::common::{attached, error, ip, lab, launch, reference, report, tcp, text, weave};
use crate::lab::{Host, Lab, Netns, PATIENCE, wait_until};

/// Two hosts with a container each; the first remembers wrongly where the second one's addresses are.
struct Scene {
    hosts: Vec<Host>,
    watcher: Netns,
    moved: Netns,
    // Dropped last: it takes the hosts with it.
    _lab: Lab,
}

const V4: &str = "10.2.1.2";
const V6: &str = "fd00:2:1::2";
const ELSEWHERE: &str = "02:00:00:00:00:09";

impl Scene {
    fn new() -> Self {
        let (lab, hosts) = lab(2);
        launch(&hosts);
        let watcher = attached(&lab, &hosts[0], "watcher", "10.2.1.1/24 fd00:2:1::1/64");
        let moved = attached(&lab, &hosts[1], "moved", &format!("{V4}/24 10.2.1.3/24 {V6}/64"));
        // Nobody doubts what is remembered: else a probe of the kernel's own would put it right, some seconds later.
        let doubt = "delay_first_probe_time=3600";
        let settings = format!("sysctl -qw net.ipv4.neigh.ethwe.{doubt} net.ipv6.neigh.ethwe.{doubt}");
        for netns in [&watcher, &moved] {
            netns.sh(&settings).must();
        }
        let scene = Self { hosts, watcher, moved, _lab: lab };
        scene.deceive();
        scene
    }

    fn deceive(&self) {
        for address in [V4, "10.2.1.3", V6] {
            assert!(self.watcher.await_ping(ip(address)));
            let entry = ["ip", "neighbour", "replace", address, "lladdr", ELSEWHERE, "nud", "stale", "dev", "ethwe"];
            self.watcher.exec(&entry).must();
        }
    }

    /// Which of the three the first container remembers wrongly.
    fn wrong(&self) -> Vec<&str> {
        let shown = self.watcher.exec(&["ip", "neighbour", "show"]).must();
        let wrong = |address: &&str| {
            shown.lines().any(|line| line.starts_with(&format!("{address} ")) && line.contains(ELSEWHERE))
        };
        [V4, "10.2.1.3", V6].into_iter().filter(wrong).collect()
    }

    /// Waits until the first container remembers these as they are.
    #[track_caller]
    fn await_right(&self, addresses: &[&str]) {
        let right = || !self.wrong().iter().any(|wrong| addresses.contains(wrong));
        assert!(wait_until(PATIENCE, right), "still remembered wrongly: {:?}", self.wrong());
    }
}

#[test]
fn who_remembers_another_place_of_an_address_learns_the_right_one() {
    let scene = Scene::new();
    let host = &scene.hosts[1];
    let moved = format!("netns:{}", scene.moved.netns_path().display());
    let check = report(host, &format!("--check announce {moved}"));
    assert_eq!(scene.wrong(), [V4, "10.2.1.3", V6]);

    let done = report(host, &format!("announce {V4}/24 {moved}"));
    scene.await_right(&[V4]);
    let row = json!([{"container": moved, "interface": "ethwe", "ips": [format!("{V4}/24")]}]);
    assert_eq!((&done["changed"], &done["result"]["announced"]), (&false.into(), &row), "{done:#}");
    let step = |at: usize| done["steps"][at].as_str().unwrap_or_default();
    assert!(step(0).ends_with(&format!("arping -A -I ethwe {V4}")), "{done:#}");
    let ends = ["-s", "-d", "-r", "-q"].map(|end| format!("conntrack -D {end} {V4}")).join("; ");
    assert_eq!(step(1), format!("{ends} (but no live TCP connection)"));

    // Without the container, it is found.
    scene.deceive();
    let found = report(host, &format!("announce {V6}/64"));
    assert_eq!(found["result"]["announced"][0]["container"], moved, "{found:#}");
    scene.await_right(&[V6]);
    scene.deceive();
    let all = report(host, &format!("announce {moved}"));
    scene.await_right(&[V4, "10.2.1.3", V6]);
    assert_eq!((&all["steps"], &check["check"]), (&check["steps"], &true.into()));
}

#[test]
fn an_exposed_address_is_announced_from_the_bridge() {
    let scene = Scene::new();
    let host = &scene.hosts[1];
    weave(host, "expose 10.2.1.102/24");
    let done = report(host, "announce 10.2.1.102/24");
    let row = json!([{"container": "weave:expose", "interface": "weave", "ips": ["10.2.1.102/24"]}]);
    assert_eq!(done["result"]["announced"], row, "{done:#}");
}

#[test]
fn connections_of_the_addresses_are_forgotten_and_no_others() {
    let scene = Scene::new();
    let host = &scene.hosts[1];
    // Masquerading has the kernel remember connections.
    weave(host, "expose 10.2.1.102/24 fd00:2:1::102/64");
    for address in [V4, "10.2.1.3", V6] {
        assert!(tcp(host, &scene.moved, ip(address)).is_some(), "{address}");
    }
    let remembered = |address: &str| {
        let family = if ip(address).is_ipv4() { "ipv4" } else { "ipv6" };
        host.exec(&["conntrack", "-L", "-f", family]).must().contains(&format!("dst={address} "))
    };
    let now = || [V4, "10.2.1.3", V6].map(remembered);
    assert_eq!(now(), [true; 3]);
    report(host, &format!("--check announce {V4}/24"));
    assert_eq!(now(), [true; 3]);
    weave(host, &format!("announce {V4}/24"));
    assert_eq!(now(), [false, true, true]);
    // Of one that is here no more, too.
    weave(host, &format!("detach {}", reference(&scene.moved)));
    let done = report(host, &format!("announce {V6}/64"));
    assert_eq!(done["result"]["announced"], json!([]), "{done:#}");
    assert_eq!(now(), [false, true, false]);
}

#[test]
fn who_is_not_there_or_does_not_have_it_is_refused() {
    let scene = Scene::new();
    let host = &scene.hosts[1];
    let moved = reference(&scene.moved);
    for (line, kind, subject, words) in [
        ("announce netns:nowhere", "not_found", "netns:/run/netns/nowhere", "does not exist"),
        (&*format!("announce 10.2.1.9/24 {moved}"), "invalid_spec", "ips[0]", "does not have 10.2.1.9/24; allowed: "),
    ] {
        let error = error(host, line);
        assert_eq!((text(&error, "kind"), text(&error, "subject")), (kind, subject), "{error:#}");
        assert!(text(&error, "message").contains(words), "{error:#}");
    }
    weave(host, &format!("detach {moved}"));
    assert_eq!(text(&error(host, &format!("announce {moved}")), "kind"), "not_found");
}
