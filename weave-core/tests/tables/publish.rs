//! Ports of the host that lead to containers, when those go, move or are exchanged.

use weave_core::apply::Mode;
use weave_core::blocking;
use weave_core::observed::{Listener, Protocol, TargetProblem};
use weave_core::ops::{Report, host};
use weave_core::spec::{Part, from_yaml};

use super::{refused, run};
use crate::laws::op::after_all;
use crate::support::fixture::{docker, parse};
use crate::support::memory_host::{MemoryHost, World};

const LAUNCHED: &str = "launch {peers: 192.0.2.2}";
const EXPOSED: &str = "expose {ips: [10.2.1.1/24, 'fd00::1/64']}";
const ATTACHED: &str = "attach {container: web, ips: [10.2.1.4/24, 'fd00::4/64']}";
const PUBLISHED: &str = "publish {host_port: 8080, to: web, port: 80}";

/// A host with a network, and `web` on it.
fn scene() -> World {
    after_all(docker(), &[LAUNCHED, EXPOSED, ATTACHED])
}

/// Where the ports lead.
fn leads(world: &World) -> Vec<String> {
    let table = world.firewall.table.clone().unwrap_or_default();
    table.publish.iter().map(|port| format!("{} {}:{}", port.host_port, port.to, port.port)).collect()
}

/// Nobody finds the container any more.
fn lose(world: &mut World, name: &str, problem: TargetProblem) {
    world.containers.insert(parse(name), Err(problem));
}

fn stopped() -> TargetProblem {
    TargetProblem::NotRunning("exited".to_owned())
}

/// The network of a document alone, as the boot makes it.
fn network(world: &World, document: &str) -> (Report, World) {
    let host = MemoryHost::new(world.clone());
    let document = from_yaml(document).unwrap();
    let report = blocking::run(host::apply_part(&host, &document, Part::Network, Mode::Apply)).unwrap();
    let world = host.world().clone();
    (report, world)
}

#[test]
fn the_boot_waits_for_a_container_that_a_port_leads_to() {
    let document = "{expose: [10.2.1.1/24], publish: ['8080:web:80', '53:10.2.1.9:53/udp']}";
    let engine = || TargetProblem::Engine("cannot talk to the Docker engine".to_owned());
    for problem in [stopped(), engine(), TargetProblem::Missing] {
        let mut world = after_all(docker(), &[LAUNCHED]);
        lose(&mut world, "web", problem.clone());
        let (report, after) = network(&world, document);
        assert!(report.is_ok(), "{problem:?}: {:?}", report.errors);
        assert!(report.warnings.iter().any(|warning| warning.contains("8080:web:80")), "{:?}", report.warnings);
        assert_eq!(leads(&after), ["53 10.2.1.9:53"]);
        // A run for the whole document tells it as what it is.
        let report = run(&world, &format!("apply {document}")).unwrap().0;
        assert_eq!(report.errors.len(), 1, "{problem:?}");
        assert!(format!("{:?}", report.errors[0]).contains("publish[0]"), "{:?}", report.errors);
        // It is there: the same run finds it.
        let world = after_all(world_with_web(&after), &["attach {container: web, ips: 10.2.1.4/24}"]);
        assert_eq!(leads(&network(&world, document).1), ["53 10.2.1.9:53", "8080 10.2.1.4:80"]);
    }
    // What is wrong with it itself stays a problem.
    let world = after_all(docker(), &[LAUNCHED]);
    let (report, _) = network(&world, "{expose: [10.2.1.1/24], publish: ['8080:hostnet:80']}");
    assert_eq!(report.errors.len(), 1, "{report:?}");
}

fn world_with_web(world: &World) -> World {
    World { containers: docker().containers, ..world.clone() }
}

#[test]
fn a_port_stays_where_it_leads_unless_that_is_somebody_else_by_now() {
    let document = "apply {publish: ['8080:web:80']}";
    let mut world = after_all(scene(), &[PUBLISHED]);
    lose(&mut world, "web", stopped());
    let kept = ["8080 10.2.1.4:80", "8080 fd00::4:80"];
    assert_eq!(leads(&run(&world, document).unwrap().1), kept);
    // The engine is away and the container runs on: it is found by what is written on its interface.
    lose(&mut world, "web", TargetProblem::Engine("away".to_owned()));
    assert_eq!(leads(&run(&world, document).unwrap().1), kept);

    let mut other = after_all(scene(), &[PUBLISHED, "detach {container: web}"]);
    lose(&mut other, "web", stopped());
    let other = after_all(other, &["attach {container: db, ips: 10.2.1.4/24}"]);
    let (report, after) = run(&other, document).unwrap();
    assert_eq!((report.errors.len(), leads(&after)), (1, vec!["8080 fd00::4:80".to_owned()]));
    assert!(!report.steps.iter().any(|step| step.contains("hairpin on")), "{:?}", report.steps);
    // Also where that one gets the address in the same run.
    let mut other = after_all(scene(), &[PUBLISHED, "detach {container: web}"]);
    lose(&mut other, "web", stopped());
    let (_, after) = run(&other, "apply {publish: ['8080:web:80'], containers: {db: {ip: 10.2.1.4/24}}}").unwrap();
    assert_eq!(leads(&after), ["8080 fd00::4:80"]);
}

#[test]
fn who_publishes_a_port_anew_takes_it_over_in_both_families() {
    let world = after_all(scene(), &[PUBLISHED, "attach {container: db, ips: 10.2.1.5/24}"]);
    let taken = after_all(world.clone(), &["publish {host_port: 8080, to: db, port: 80}"]);
    assert_eq!(leads(&taken), ["8080 10.2.1.5:80"]);
    // An address is of one family, and says nothing of the other.
    let moved = after_all(world, &["publish {host_port: 8080, to: 10.2.1.9, port: 80}"]);
    assert_eq!(leads(&moved), ["8080 10.2.1.9:80", "8080 fd00::4:80"]);
}

#[test]
fn a_published_port_follows_its_container_under_a_program_that_has_begun_to_listen() {
    let mut world = after_all(scene(), &["apply {publish: ['8080:10.2.1.4:80']}"]);
    world.listeners = vec![Listener {
        protocol: Protocol::Tcp,
        address: parse("127.0.0.1:8080"),
        pid: None,
        program: None,
        router: false,
    }];
    let (report, after) = run(&world, "apply {publish: ['8080:10.2.1.5:80']}").unwrap();
    assert_eq!(leads(&after), ["8080 10.2.1.5:80"]);
    assert!(report.warnings.iter().any(|warning| warning.contains("reached from nowhere")), "{:?}", report.warnings);
    let after = after_all(world.clone(), &["publish {host_port: 8080, to: 10.2.1.6, port: 80}"]);
    assert_eq!(leads(&after), ["8080 10.2.1.6:80"]);
    // A new one is not put over it.
    let world = World { firewall: scene().firewall, ..world };
    assert_eq!(leads(&run(&world, "apply {publish: ['8080:10.2.1.5:80']}").unwrap().1), Vec::<String>::new());
}

#[test]
fn no_port_leads_to_what_no_container_can_have() {
    for to in ["10.2.1.0", "10.2.1.255", "'fd00::'"] {
        refused(&scene(), &format!("publish {{host_port: 8080, to: {to}}}"), &["invalid_spec to", "of a container"]);
    }
}

#[test]
fn a_container_that_comes_back_reaches_the_port_that_leads_to_it() {
    let world = after_all(scene(), &[PUBLISHED]);
    let hairpins = |world: &World| world.host.links.iter().filter(|link| link.hairpin == Some(true)).count();
    assert_eq!(hairpins(&world), 1);
    let mut back = world;
    for link in back.host.links.iter_mut().filter(|link| link.hairpin == Some(true)) {
        link.hairpin = Some(false);
    }
    let back = after_all(back, &[ATTACHED]);
    assert_eq!(hairpins(&back), 1);
    assert_eq!(leads(&back).len(), 2);
    assert_eq!(hairpins(&after_all(back, &["attach {container: db, ips: 10.2.1.5/24}"])), 1);
}

#[test]
fn flows_of_udp_end_with_the_port_that_they_came_over() {
    let udp = "publish {host_port: 53, to: web, protocol: udp}";
    let world = after_all(scene(), &[PUBLISHED, udp]);
    let forgotten = |op: &str| {
        let report = run(&world, op).unwrap().0;
        report.steps.into_iter().filter(|step| step.starts_with("conntrack")).collect::<Vec<_>>()
    };
    let v4 = "conntrack -D -p udp --orig-port-dst 53 -r 10.2.1.4";
    let both = format!("{v4}; conntrack -D -p udp --orig-port-dst 53 -r fd00::4");
    assert_eq!(forgotten("unpublish {host_port: 53, protocol: udp}"), [both.as_str()]);
    assert_eq!(forgotten("apply {publish: ['8080:web:80']}"), [both.as_str()]);
    assert_eq!(forgotten("publish {host_port: 53, to: 10.2.1.9, protocol: udp}"), [v4]);
    assert_eq!(forgotten("unpublish {host_port: 8080}"), Vec::<String>::new());
}

#[test]
fn a_table_that_nothing_can_remove_is_an_error_and_no_silence() {
    let mut world = after_all(scene(), &[PUBLISHED]);
    world.firewall.unavailable = Some("the program `nft` is missing".to_owned());
    world.firewall.table = None;
    assert!(run(&world, "reset").unwrap().0.is_ok());
    world.firewall.stuck = true;
    for op in ["reset", "apply {firewall: {manage: false}}", "apply {ensure: absent}"] {
        refused(&world, op, &["not_found firewall", "inet weave", "`nft` is missing", "apt-get install nftables"]);
    }
}
