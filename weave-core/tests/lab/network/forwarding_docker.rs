//! The engine's own firewall, which drops forwarded frames unless `DOCKER-USER` accepts them.

use super::common::{apply, ip, launch, peers, tcp, weave};
use crate::lab::{Container, DockerOptions, Host, HostOptions, Lab, Netns, Snapshot, assert_same};

const ONE: &str = "10.2.1.1";
const NEIGHBOUR: &str = "10.2.1.2";
const FAR: &str = "10.2.1.3";

fn docker_user(host: &Host) -> usize {
    let rules = host.exec(&["iptables-nft", "-S", "DOCKER-USER"]).must();
    rules.lines().filter(|line| line.contains("weave:bridge")).count()
}

fn document(hosts: &[Host], managed: bool) -> String {
    format!(
        "peers: {}\nfirewall: {{manage: {managed}}}\ncontainers:\n  one: {{ip: {ONE}/24}}\n  neighbour: {{ip: {NEIGHBOUR}/24}}\n",
        peers(hosts)
    )
}

struct Scene {
    hosts: Vec<Host>,
    one: Container,
    neighbour: Container,
    far: Netns,
    // Dropped last: it takes the hosts with it.
    _lab: Lab,
}

impl Scene {
    fn new() -> Self {
        let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
        let hosts: Vec<Host> = (0..2).map(|_| lab.add_host(HostOptions::default())).collect();
        hosts[0].start_docker(&DockerOptions::default());
        let (one, neighbour) = (hosts[0].run_container("one", &[]), hosts[0].run_container("neighbour", &[]));
        let far = lab.target("far");
        Self { hosts, one, neighbour, far, _lab: lab }
    }

    fn reach(&self) -> [bool; 3] {
        let one = self.one.netns();
        [one.await_ping(ip(NEIGHBOUR)), one.await_ping(ip(FAR)), self.far.await_ping(ip(ONE))]
    }
}

/// One story, because an engine takes long to start.
#[test]
fn the_engines_filter_gets_one_accept_that_survives_the_engine_and_is_repaired() {
    let scene = Scene::new();
    let host = &scene.hosts[0];
    let before = [Snapshot::of(host), Snapshot::of(&scene.one.netns()), Snapshot::of(&scene.neighbour.netns())];
    // Docker up to 27 ends the chain with a RETURN, later ones leave it empty.
    let engines_own = host.exec(&["iptables-nft", "-S", "DOCKER-USER"]).must();
    launch(&scene.hosts[1..]);
    weave(&scene.hosts[1], &format!("connect {}", host.v4()));
    super::common::attach(&scene.hosts[1], &scene.far, &format!("{FAR}/24"));

    apply(host, &document(&scene.hosts, false));
    assert!(!scene.one.netns().ping(ip(NEIGHBOUR)), "the engine's filter drops nothing, so it proves nothing");
    assert!(!scene.one.netns().ping(ip(FAR)));

    let managed = document(&scene.hosts, true);
    assert!(apply(host, &managed));
    assert_eq!(scene.reach(), [true; 3]);
    assert!(tcp(&scene.far, &scene.neighbour.netns(), ip(NEIGHBOUR)).is_some());
    assert_eq!(docker_user(host), 1);
    assert!(!apply(host, &managed), "a second time changes nothing");

    host.sh("iptables-nft -F DOCKER-USER").must();
    for rule in engines_own.lines().filter(|line| line.starts_with("-A")) {
        host.sh(&format!("iptables-nft {rule}")).must();
    }
    assert!(!scene.one.netns().ping(ip(NEIGHBOUR)), "flushing the chain cuts them off");
    assert!(apply(host, &managed));
    assert_eq!((scene.reach(), docker_user(host)), ([true; 3], 1), "repaired");

    weave(host, "reset");
    let after = [Snapshot::of(host), Snapshot::of(&scene.one.netns()), Snapshot::of(&scene.neighbour.netns())];
    for (before, after) in before.iter().zip(&after) {
        assert_same(before, after);
    }
}

/// The engine writes its rules anew when it starts, and its containers get new namespaces.
#[test]
fn a_restart_of_the_engine_is_repaired_by_the_next_apply() {
    let scene = Scene::new();
    let host = &scene.hosts[0];
    let managed = document(&scene.hosts, true);
    weave(&scene.hosts[1], &format!("launch {}", peers(&scene.hosts)));
    super::common::attach(&scene.hosts[1], &scene.far, &format!("{FAR}/24"));
    apply(host, &managed);
    host.stop_docker();
    // As after a reboot of the firewall: everything that was written by hand or by engine is gone.
    host.sh("iptables-nft -F && iptables-nft -X && iptables-nft -t nat -F").must();
    host.start_docker(&DockerOptions::default());
    for container in [&scene.one, &scene.neighbour] {
        host.docker(&["start", container.name()]).must();
    }
    assert!(apply(host, &managed), "accept and attachments are gone");
    assert_eq!((scene.reach(), docker_user(host)), ([true; 3], 1));
    assert!(!apply(host, &managed));
    scene.one.restart();
    assert!(apply(host, &managed), "a container that restarts has a new namespace");
    assert_eq!((scene.reach(), docker_user(host)), ([true; 3], 1));
}
