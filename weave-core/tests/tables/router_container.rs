//! What is planned for a router in a container: exact steps, in their order.

use std::collections::BTreeSet;

use weave_core::ErrorKind;
use weave_core::apply::Mode;
use weave_core::ops::Report;
use weave_core::plan::ControlStep;
use weave_core::plan::Step;

use super::{refused, run};
use crate::laws::op::{Op, after_all};
use crate::support::classic::{IMAGES, Look, PASSWORD, host, password_file};
use crate::support::memory_host::{Faults, MemoryHost, World};

pub(super) const LAUNCHED: &str =
    "launch {image: 'weaveworks/weave:2.8.1', nickname: alpha, ipalloc_range: 10.32.0.0/12,
    peers: '192.0.2.2 198.51.100.7:6790'}";
pub(super) const AGAIN: &str = "launch {image: 'weaveworks/weave:2.8.1', nickname: alpha, ipalloc_range: 10.32.0.0/12}";

/// The steps without the long line that makes a container, and without the packet filter's and sysctl's.
pub(super) fn short(report: &Report) -> Vec<String> {
    let line = |step: &String| match step.split_once(" --cap-add") {
        Some((create, _)) => create.to_owned(),
        None => step.clone(),
    };
    let known = |step: &&String| !["iptables", "nft insert", "sysctl"].iter().any(|other| step.starts_with(other));
    report.steps.iter().filter(known).map(line).collect()
}

fn changes(report: &Report) -> Vec<String> {
    let line = |change: &weave_core::plan::Change| {
        format!("{} {}: {} -> {}", change.subject, change.field, change.before, change.after)
    };
    report.changes.iter().filter(|change| change.subject != "firewall").map(line).collect()
}

/// Peers of the router at the usual port.
fn peers(world: &World) -> Vec<String> {
    world.router(6784).map(|router| router.peers.iter().cloned().collect()).unwrap_or_default()
}

pub(super) fn containers(world: &World) -> BTreeSet<String> {
    world.engine.containers.keys().cloned().collect()
}

#[test]
fn a_launch_on_an_empty_host() {
    let (report, world) = run(&host(), LAUNCHED).unwrap();
    assert_eq!(
        short(&report),
        [
            "docker create --name weave",
            "nft table inet weave: udp port 6783 from 2 peers only",
            "ip link add weave address 12:2e:37:39:13:e5 mtu 1438 type bridge stp_state 0 mcast_snooping 0",
            "ip link set weave up",
            "ip link add vethwe-bridge mtu 1438 master weave type veth peer name vethwe-pcap mtu 1438",
            "ethtool -K vethwe-bridge tx off",
            "ip link set vethwe-pcap up",
            "ip link set vethwe-bridge up",
            "docker start weave",
            "curl --retry 30 --retry-connrefused http://127.0.0.1:6784/status",
            "curl -X POST http://127.0.0.1:6784/connect -d peer=192.0.2.2 -d peer=198.51.100.7:6790",
        ]
    );
    assert_eq!(
        changes(&report),
        [
            r#"router image: null -> "weaveworks/weave:2.8.1""#,
            r#"router state: null -> "running""#,
            r#"router bridge: null -> "weave""#,
            "router mtu: null -> 1438",
            "router port: null -> 6783",
            r#"peers peers: [] -> ["192.0.2.2","198.51.100.7:6790"]"#,
        ]
    );
    assert_eq!(peers(&world), ["192.0.2.2", "198.51.100.7:6790"]);
    let (again, _) = run(&world, AGAIN).unwrap();
    assert_eq!((short(&again), changes(&again)), (Vec::new(), Vec::new()));
}

#[test]
fn an_image_that_is_not_there_is_pulled_before_anything_else() {
    let (report, _) = run(&host(), &format!("launch {{image: '{}'}}", IMAGES[1])).unwrap();
    assert_eq!(short(&report)[..2], [format!("docker pull {}", IMAGES[1]), "docker create --name weave".to_owned()]);
}

#[test]
fn peers_go_with_the_kind_there_and_back() {
    let world = after_all(
        host(),
        &["launch {peers: '192.0.2.2 198.51.100.7:6790'}", "attach {container: web, ips: 10.2.1.4/24}"],
    );
    let (report, there) = run(&world, &AGAIN.replace("launch {", "launch {kind: image, ")).unwrap();
    let web = format!("{:0<64}", "000000001001");
    assert_eq!(
        short(&report),
        [
            "docker create --name weave",
            "ip link delete vxlan-6783",
            "nft table inet weave: udp port 6783 from 2 peers only",
            "ip link set weave mtu 1438",
            "ip link add vethwe-bridge mtu 1438 master weave type veth peer name vethwe-pcap mtu 1438",
            "ethtool -K vethwe-bridge tx off",
            "ip link set vethwe-pcap up",
            "ip link set vethwe-bridge up",
            "docker start weave",
            "curl --retry 30 --retry-connrefused http://127.0.0.1:6784/status",
            "curl -X POST http://127.0.0.1:6784/connect -d peer=192.0.2.2 -d peer=198.51.100.7:6790",
            // Nobody spoke of it, and the router would give it away.
            &format!("curl -X PUT http://127.0.0.1:6784/ip/{web}/10.2.1.4/24"),
            "[web] ethtool -K ethwe tx off",
            "ip link set vethwe23e1c546 mtu 1438",
            "[web] ip link set ethwe mtu 1438",
        ]
    );
    assert_eq!(changes(&report)[2], r#"router kind: "vxlan" -> "image""#);
    assert_eq!(peers(&there), ["192.0.2.2", "198.51.100.7:6790"]);
    let (report, back) = run(&there, "launch {kind: vxlan}").unwrap();
    let steps = short(&report);
    assert_eq!(
        steps[..3],
        ["docker stop weave", "ip link delete vethwe-bridge", "nft table inet weave: udp port 6783 from 2 peers only",]
    );
    assert_eq!(steps[steps.len() - 2], "docker rm -f -v weave");
    assert!(steps.last().is_some_and(|step| step.starts_with("docker volume rm ")), "{steps:?}");
    assert_eq!(changes(&report)[0], r#"router kind: "image" -> "vxlan""#);
    assert_eq!((back.flood.values().next(), back.portrait().own), (world.flood.values().next(), world.portrait().own));
    assert_eq!(containers(&back), BTreeSet::new());
}

#[test]
fn a_changed_setting_makes_the_router_anew_with_its_peers() {
    let world = after_all(host(), &[LAUNCHED]);
    let (report, after) = run(&world, &AGAIN.replace("alpha", "beta")).unwrap();
    assert_eq!(
        short(&report),
        [
            "docker create --name weave.weave-new",
            "docker stop weave",
            "docker rename weave weave.weave-old",
            "docker rename weave.weave-new weave",
            "docker start weave",
            "curl --retry 30 --retry-connrefused http://127.0.0.1:6784/status",
            "curl -X POST http://127.0.0.1:6784/connect -d peer=192.0.2.2 -d peer=198.51.100.7:6790",
            "docker rm -f weave.weave-old",
        ]
    );
    assert_eq!(peers(&after), peers(&world));
    assert_eq!(containers(&after), BTreeSet::from(["weave".to_owned()]));
}

#[test]
fn a_router_that_was_stopped_is_started_with_its_peers() {
    let mut world = after_all(host(), &[LAUNCHED]);
    let stop = weave_core::plan::container::ContainerStep::Stop { name: "weave".to_owned() };
    world.execute_container(&stop).unwrap();
    for op in [AGAIN, "launch {kind: image}", "launch"] {
        let (report, after) = run(&world, op).unwrap();
        assert_eq!(
            short(&report)[..2],
            ["docker start weave", "curl --retry 30 --retry-connrefused http://127.0.0.1:6784/status"],
            "{op}"
        );
        assert!(peers(&after).contains(&"192.0.2.2".to_owned()), "{op}");
    }
}

#[test]
fn peers_come_and_go_over_the_control_port() {
    let world = after_all(host(), &[LAUNCHED]);
    let table = [
        ("connect {peers: host2}", vec![]),
        ("connect {peers: '192.0.2.9 192.0.2.10'}", vec!["connect -d peer=192.0.2.9 -d peer=192.0.2.10"]),
        (
            "connect {peers: 192.0.2.9, replace: true}",
            vec!["forget -d peer=192.0.2.2 -d peer=198.51.100.7:6790", "connect -d peer=192.0.2.9"],
        ),
        ("forget {peers: 198.51.100.7}", vec!["forget -d peer=198.51.100.7:6790"]),
        (
            "connect {peers: '198.51.100.7:6791'}",
            vec!["forget -d peer=198.51.100.7:6790", "connect -d peer=198.51.100.7:6791"],
        ),
    ];
    refused(&world, "connect {peers: '192.0.2.9 2001:db8::9'}", &["invalid_spec peers[1]", "carries IPv4 only"]);
    for (op, expected) in table {
        let (report, _) = run(&world, op).unwrap();
        let asked = short(&report).into_iter().filter(|step| step.starts_with("curl")).collect::<Vec<_>>();
        let expected: Vec<_> =
            expected.iter().map(|step| format!("curl -X POST http://127.0.0.1:6784/{step}")).collect();
        assert_eq!(asked, expected, "{op}");
        let places = report.steps.iter().map(|step| step.starts_with("nft table")).collect::<Vec<_>>();
        assert!(places.iter().skip(1).all(|guard| !guard), "the guard comes first: {:?}", report.steps);
    }
}

#[test]
fn a_router_that_does_not_answer_keeps_its_peers() {
    let mut world = after_all(host(), &[LAUNCHED, "attach {container: web, ips: 10.32.0.9/12}"]);
    world.mute.insert(6784);
    // What needs no word of it is done.
    let (report, _) = run(&world, "expose {ips: 10.2.1.1/24}").unwrap();
    assert!(report.changed);
    let error = refused_later(&world, "connect {peers: 192.0.2.9}");
    assert!(error.contains("curl -X POST http://127.0.0.1:6784/connect"), "{error}");
    let error = refused(&world, "attach {container: db, ips: 'net:default'}", &["router", "no answer in time"]);
    assert_eq!(error.kind(), ErrorKind::Router);
    // The guard remembers whom it had.
    world.mute.clear();
    world.routers.values_mut().for_each(|router| router.peers.clear());
    let (_, after) = run(&world, AGAIN).unwrap();
    assert_eq!(peers(&after), ["192.0.2.2", "198.51.100.7"]);
}

/// What `op` says that fails while it is done; nothing is left of it.
fn refused_later(world: &World, op: &str) -> String {
    let host = MemoryHost::new(world.clone());
    let error = Op::read(op).run(&host, Mode::Apply).expect_err(op);
    let (before, after) = (Look::of(world), Look::of(&host.world()));
    assert!(before == after, "{op}: {error}\n{}", before.difference(&after));
    error.to_string()
}

#[test]
fn addresses_are_claimed_and_given_back() {
    let world = after_all(host(), &[LAUNCHED]);
    let web = "0000000010010000000000000000000000000000000000000000000000000000";
    let control = |report: &Report| {
        let steps = report.steps.iter().filter(|step| step.contains("/ip/"));
        steps.map(|step| step.replace(web, "WEB").replace("http://127.0.0.1:6784/ip/", "")).collect::<Vec<_>>()
    };
    let (report, given) = run(&world, "attach {container: web, ips: 10.2.1.4/24}").unwrap();
    assert_eq!(control(&report), ["curl -X PUT WEB/10.2.1.4/24"]);
    assert_eq!(report.steps[0], control(&report)[0].replace("WEB", &format!("http://127.0.0.1:6784/ip/{web}")));
    let (report, asked) = run(&given, "attach {container: web, ips: 'net:default net:10.33.0.0/24'}").unwrap();
    assert!(report.changed);
    let owned = asked.router(6784).unwrap().owned[web].iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(owned, ["10.2.1.4/24", "10.32.0.1/12", "10.33.0.1/24"]);
    let (again, _) = run(&asked, "attach {container: web, ips: 'net:default'}").unwrap();
    assert!(!again.changed, "{:?}", again.steps);
    let (report, one) = run(&asked, "detach {container: web, ips: 10.32.0.1/12}").unwrap();
    assert_eq!(control(&report), ["curl -X DELETE WEB/10.32.0.1"]);
    assert_eq!(one.router(6784).unwrap().owned[web].len(), 2);
    let (report, none) = run(&one, "detach {container: web}").unwrap();
    assert_eq!(control(&report), ["curl -X DELETE WEB/10.2.1.4", "curl -X DELETE WEB/10.33.0.1"]);
    assert!(none.router(6784).unwrap().owned.is_empty());
    // A container that is gone holds nothing for long; one that is there does.
    let error = refused(&asked, "attach {container: db, ips: 10.2.1.4/24, probe: false}", &["conflict", "is held by"]);
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let mut gone = asked.clone();
    let link = gone.host.links.iter().find(|link| link.attachment().is_some()).map(|link| link.index);
    gone.remove((crate::support::memory_host::HOST, link.unwrap()));
    let (report, _) = run(&gone, "attach {container: db, ips: 10.2.1.4/24}").unwrap();
    assert_eq!(control(&report)[0], "curl -X DELETE WEB/10.2.1.4");
}

#[test]
fn requests_wait_for_the_router_of_the_same_document() {
    let op = "apply {router: {image: 'weaveworks/weave:2.8.1', ipalloc_range: 10.32.0.0/12}, peers: 192.0.2.2,
        containers: {web: {ips: 'net:default'}, db: {ips: 10.32.0.7/12}, old: {ips: 10.32.0.8/12}}}";
    let check = Op::read(op).run(&MemoryHost::new(host()), Mode::Check).unwrap();
    let (report, world) = run(&host(), op).unwrap();
    let failed = |report: &Report| report.errors.iter().map(|error| error.subject.clone()).collect::<Vec<_>>();
    assert_eq!((failed(&check), failed(&report)), (vec!["old".to_owned()], vec!["old".to_owned()]));
    assert!(check.changed && report.changed, "{report:?}");
    let owned = &world.router(6784).unwrap().owned;
    assert_eq!(owned.values().flatten().map(ToString::to_string).collect::<Vec<_>>(), ["10.32.0.1/12", "10.32.0.7/12"]);
    let (again, _) = run(&world, op).unwrap();
    assert!(!again.changed, "{:?}", again.steps);
    for (range, words) in
        [("10.99.0.0/24", ["invalid", "networks in 10.32.0.0/12"]), ("10.0.0.0/8", ["invalid", "10.32.0.0/12"])]
    {
        refused(&world, &format!("attach {{container: app, ips: 'net:{range}'}}"), &words);
    }
}

#[test]
fn stop_and_reset() {
    let world = after_all(host(), &[LAUNCHED, "attach {container: web, ips: 10.2.1.4/24}"]);
    let (report, stopped) = run(&world, "stop").unwrap();
    assert_eq!(
        short(&report)[..3],
        ["docker stop weave", "ip link delete vethwe-bridge", "nft delete table inet weave"]
    );
    assert_eq!(containers(&stopped), BTreeSet::from(["weave".to_owned()]));
    let (_, started) = run(&stopped, "launch {kind: image, peers: 192.0.2.2}").unwrap();
    assert!(started.router(6784).is_some_and(|router| router.owned.len() == 1), "its books are as they were");
    for state in [world, stopped] {
        let (_, reset) = run(&state, "reset").unwrap();
        assert_eq!((reset.portrait().own, containers(&reset)), (BTreeSet::new(), BTreeSet::new()));
        assert!(reset.engine.volumes.is_empty(), "what it knew goes with it");
    }
}

#[test]
fn another_name_or_port_replaces_the_router() {
    let world = after_all(host(), &[LAUNCHED]);
    let (report, renamed) = run(&world, &AGAIN.replace("launch {", "launch {name: router, ")).unwrap();
    let steps = short(&report);
    assert_eq!(steps[..2], ["docker create --name router", "docker stop weave"]);
    assert_eq!(steps[steps.len() - 2], "docker rm -f -v weave");
    assert!(steps.last().is_some_and(|step| step.starts_with("docker volume rm ")), "{steps:?}");
    assert_eq!((containers(&renamed), peers(&renamed)), (BTreeSet::from(["router".to_owned()]), peers(&world)));
    let (_, moved) = run(&world, &AGAIN.replace("launch {", "launch {port: 7000, control_port: 7100, ")).unwrap();
    assert_eq!((moved.router(6784), moved.router(7100).map(|router| router.peers.len())), (None, Some(2)));
    let table = moved.firewall.table.clone().unwrap();
    assert_eq!((table.port, table.control), (Some(7000), Some(7100)));
    let (kept, _) = run(&moved, "launch {kind: image}").unwrap();
    assert!(!kept.changed, "{:?}", kept.steps);
    // Without its image its ports cannot change.
    refused(&moved, "launch {kind: image, port: 6783}", &["port", "allowed: 7000, or with `image`"]);
}

#[test]
fn a_password_shows_nowhere() {
    let file = password_file("tables", PASSWORD);
    let op = |nickname: &str| {
        format!(
            "launch {{image: 'weaveworks/weave:2.8.1', password_file: {file}, nickname: {nickname}, peers: 192.0.2.2}}"
        )
    };
    let hidden = |report: &Report| {
        let said = format!("{report:?}{}", serde_json::to_string(report).unwrap());
        assert!(!said.contains(PASSWORD), "{said}");
    };
    let (report, world) = run(&host(), &op("alpha")).unwrap();
    hidden(&report);
    assert!(report.steps.iter().any(|step| step.contains("--env=WEAVE_PASSWORD=…") || step.contains("WEAVE_PASSWORD")));
    let made = &world.engine.containers["weave"].container.config;
    assert!(made["Env"].to_string().contains(PASSWORD) && !made["Cmd"].to_string().contains(PASSWORD));
    // 86 bytes less than the underlay carries.
    assert_eq!(world.host.links.iter().find(|link| link.name == "weave").map(|link| link.mtu), Some(1414));
    let (report, _) = run(&world, &op("beta")).unwrap();
    hidden(&report);
    let other = password_file("tables-other", "another");
    let (report, _) = run(&world, &op("alpha").replace(&file, &other)).unwrap();
    hidden(&report);
    assert!(changes(&report)[0].contains("WEAVE_PASSWORD"), "{:?}", report.changes);
    let count = report.steps.len();
    for at in 0..count {
        let host = MemoryHost::faulty(world.clone(), Faults { at: Some(at), ..Faults::default() });
        let error = Op::read(&op("beta")).run(&host, Mode::Apply).err();
        assert!(!format!("{error:?}").contains(PASSWORD));
    }
}

#[test]
fn a_switch_that_fails_brings_back_what_was() {
    let vxlan = after_all(host(), &["launch {peers: '192.0.2.2 198.51.100.7:6790'}"]);
    let classic = after_all(host(), &[LAUNCHED, "attach {container: web, ips: 'net:default'}"]);
    for (world, op) in [
        (&vxlan, LAUNCHED.replace("launch {", "launch {kind: image, ")),
        (&classic, "launch {kind: vxlan}".to_owned()),
        (&classic, AGAIN.replace("alpha", "beta")),
        (&classic, AGAIN.replace("10.32.0.0/12", "10.40.0.0/16")),
        (&classic, AGAIN.replace("launch {", "launch {name: router, ")),
        (&classic, "stop".to_owned()),
    ] {
        let (report, _) = run(world, &op).unwrap();
        // That a volume stays is no reason to go back.
        let count = report.steps.iter().filter(|step| !step.starts_with("docker volume rm ")).count();
        for at in 0..count {
            let host = MemoryHost::faulty(world.clone(), Faults { at: Some(at), ..Faults::default() });
            let error = Op::read(&op).run(&host, Mode::Apply).expect_err(&op);
            let (before, after) = (Look::of(world), Look::of(&host.world()));
            assert!(error.report().left.is_empty(), "{op} at {at}: {error}");
            assert!(before == after, "{op} at {at}: {}", before.difference(&after));
        }
    }
    // The old router is ready before it is told of its peers.
    let host = MemoryHost::faulty(classic.clone(), Faults { at: Some(5), ..Faults::default() });
    Op::read(&AGAIN.replace("alpha", "beta")).run(&host, Mode::Apply).expect_err("refused");
    let back = host.asked().back;
    let place = |which: fn(&ControlStep) -> bool| {
        back.iter().position(|step| matches!(step, Step::Control(step) if which(step)))
    };
    let ready = place(|step| matches!(step, ControlStep::Ready { .. }));
    let connect = place(|step| matches!(step, ControlStep::Connect { .. }));
    assert!(ready.is_some() && ready < connect, "{back:#?}");
}
