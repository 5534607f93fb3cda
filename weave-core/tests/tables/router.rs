//! Bridge and tunnel among foreign things.

use weave_core::names;
use weave_core::observed::{LinkKind, Scope, VxlanInfo};

use super::{refused, run};
use crate::laws::op::{Op, after_all};
use crate::support::fixture::{BRIDGE, add_link, bare, device, docker, parse};
use crate::support::memory_host::World;

fn with(name: &str, kind: LinkKind) -> World {
    let mut world = docker();
    add_link(&mut world.host, name, kind, 1500, &[]);
    world
}

fn vxlan(vni: u32, port: u16) -> LinkKind {
    LinkKind::Vxlan(VxlanInfo { vni, port, local: None, learning: true })
}

#[test]
fn what_is_foreign_is_a_conflict() {
    let dummy = LinkKind::Other("dummy".to_owned());
    refused(&with("weave", dummy), "launch", &["conflict weave", "dummy", "ip link delete weave"]);
    refused(&with("weave", BRIDGE), "launch", &["conflict weave", "bridge", "classic weave"]);
    refused(&with("vxlan-6783", device()), "launch", &["conflict vxlan-6783", "port"]);
    refused(&with("other", vxlan(6783, 6783)), "launch", &["conflict other", "vxlan", "6783"]);
    for (kind, arguments) in [(vxlan(6784, 6783), "{}"), (vxlan(6783, 6784), "{}"), (vxlan(6783, 6783), "{vni: 7}")] {
        assert!(run(&with("other", kind), &format!("launch {arguments}")).is_ok());
    }
    let (_, world) = run(&with("weave", BRIDGE), "launch {bridge: net0}").unwrap();
    assert!(world.host.index("net0").is_ok());
    refused(&world, "launch {bridge: weave}", &["conflict bridge", "`net0`", "weave reset"]);
}

#[test]
fn nothing_is_done_without_a_bridge() {
    for (op, words) in [
        ("attach {container: web, ips: 10.2.1.4/24}", "not_found bridge"),
        ("expose {ips: 10.0.0.1/16}", "not_found bridge"),
        ("connect {peers: 192.0.2.2}", "not_found router"),
    ] {
        refused(&docker(), op, &[words, "weave launch"]);
    }
    for op in ["stop", "reset", "hide", "forget {peers: 192.0.2.2}", "detach {container: web}"] {
        assert!(!run(&docker(), op).unwrap().0.changed, "{op}");
    }
}

#[test]
fn a_launch_keeps_what_it_does_not_name() {
    let world = after_all(docker(), &["launch {port: 7000, vni: 9, mtu: 1400, peers: '192.0.2.2:6799'}"]);
    assert!(!run(&world, "launch").unwrap().0.changed);
    for op in ["launch {port: 7001}", "launch {vni: 10}", "launch {underlay: 198.51.100.1}", "launch {mtu: 1300}"] {
        let (report, world) = run(&world, op).unwrap();
        assert!(report.changed, "{op}");
        let observed = world.observe(&Scope { router: true, paths: true, ..Scope::default() });
        assert_eq!(observed.flood.len(), 1, "{op}");
        assert_eq!(observed.flood[0].port, Some(6799), "{op}");
        assert_eq!(observed.vxlans().count(), 1, "{op}");
    }
}

#[test]
fn the_new_tunnel_is_ready_before_the_old_one_goes() {
    let world = after_all(docker(), &["launch {peers: 192.0.2.2}"]);
    for (op, name) in [("launch {port: 7000}", "vxlan-7000"), ("launch {vni: 10}", "vxlan-6783b")] {
        let (report, world) = run(&world, op).unwrap();
        let at = |word: &str| report.steps.iter().position(|step| step.starts_with(word)).unwrap();
        assert!(at("bridge fdb append") < at("ip link delete vxlan-6783"), "{:#?}", report.steps);
        assert!(world.host.index(name).is_ok());
    }
    let back = after_all(world, &["launch {vni: 10}", "launch {vni: 11}"]);
    assert!(back.host.index("vxlan-6783").is_ok());
}

#[test]
fn a_tunnel_is_changed_in_place_where_the_kernel_can() {
    let launched = ["launch {peers: '192.0.2.2 192.0.2.3', vni: 7}"];
    let world = after_all(docker(), &launched);
    let tunnel = world.host.index("vxlan-6783");
    let steps = |op: &str| {
        let (report, after) = run(&world, op).unwrap();
        assert!(!run(&after, op).unwrap().0.changed, "{op}");
        (report.steps, after.host.index("vxlan-6783") == tunnel)
    };
    let (moved, same) = steps("launch {underlay: 198.51.100.1}");
    assert_eq!((moved, same), (vec!["ip link set vxlan-6783 type vxlan local 198.51.100.1 learning".to_owned()], true));
    // What was learned is forgotten with learning.
    let (unlearned, same) = steps("connect {peers: '198.51.100.7:6799'}");
    let at = |step: &str| unlearned.iter().position(|other| other == step).unwrap_or_else(|| panic!("{unlearned:#?}"));
    let change = at("ip link set vxlan-6783 type vxlan local 192.0.2.1 nolearning");
    assert!(same && at("ip link set vxlan-6783 down") < change && change < at("ip link set vxlan-6783 up"));
    let (family, same) = steps("apply {router: {underlay: '2001:db8::1'}, peers: '2001:db8::2'}");
    assert!(!same && family.contains(&"ip link delete vxlan-6783".to_owned()), "{family:#?}");
}

#[test]
fn an_mtu_that_the_path_does_not_carry_is_told() {
    for (mtu, told) in [(1450, false), (1451, true), (9000, true)] {
        let (report, _) = run(&docker(), &format!("launch {{mtu: {mtu}, peers: 192.0.2.2}}")).unwrap();
        let says = |warning: &String| warning.contains(&mtu.to_string()) && warning.contains("1450");
        assert_eq!(report.warnings.iter().any(says), told, "{mtu}: {:?}", report.warnings);
    }
}

#[test]
fn the_bridge_keeps_its_address_and_is_known_by_the_underlay() {
    let world = after_all(docker(), &["launch"]);
    let mac = |world: &World| world.observe(&Scope::default()).bridge().and_then(|(link, ..)| link.mac);
    assert_eq!(mac(&world), Some(names::bridge_mac("192.0.2.1")));
    let moved = after_all(world, &["launch {underlay: eth1}"]);
    assert_eq!(mac(&moved), Some(names::bridge_mac("192.0.2.1")));
}

#[test]
fn more_ports_than_the_kernel_has_are_refused() {
    let mut world = after_all(docker(), &["launch"]);
    let bridge = world.host.index("weave").unwrap();
    for number in 0..names::BRIDGE_PORTS_MAX - 2 {
        let index = world.host.add_link(&format!("tap{number}"), device(), None, 1500).unwrap();
        world.host.link(index).master = Some(bridge);
    }
    let world = run(&world, "attach {container: web, ips: 10.2.1.4/24}").unwrap().1;
    refused(&world, "attach {container: db, ips: 10.2.1.5/24}", &["unsupported weave", "1023"]);
    let (report, _) = run(&world, "attach {container: web, ips: 10.2.1.6/24}").unwrap();
    assert!(report.changed);
    // Without room for a second one the old tunnel goes first.
    assert!(run(&world, "launch {port: 7000}").unwrap().0.changed);
}

#[test]
fn addresses_of_the_host_are_not_exposed_again() {
    let world = after_all(bare(), &["launch {peers: 192.0.2.2}"]);
    refused(&world, "expose {ips: 192.0.2.77/24}", &["invalid_spec expose", "192.0.2", "underlay"]);
    refused(&world, "expose {ips: 192.0.2.1/32}", &["expose", "192.0.2.1"]);
    let world = after_all(world, &["expose {ips: 10.0.0.1/16}"]);
    refused(&world, "hide {ips: 10.0.0.1/24}", &["invalid_spec ips", "10.0.0.1/24", "allowed: 10.0.0.1/16"]);
    let (report, _) = run(&docker(), "apply {router: {}, expose: 172.17.9.1/24}").unwrap();
    assert!(report.warnings.iter().any(|warning| warning.contains("172.17.0.0/16") && warning.contains("docker0")));
    let mut taken = docker();
    let dummy = taken.host.index("dummy0").unwrap();
    taken.host.add_address(dummy, parse("10.5.0.1/32")).unwrap();
    refused(&taken, "apply {router: {}, expose: 10.5.0.1/24}", &["conflict expose", "10.5.0.1", "dummy0"]);
}

#[test]
fn absent_and_purged_are_reset() {
    let world = after_all(docker(), &["launch", "attach {container: web, ips: 10.2.1.4/24}"]);
    for ensure in ["absent", "purged"] {
        let op = Op::read(&format!("apply {{ensure: {ensure}, peers: 192.0.2.2}}"));
        assert_eq!(crate::laws::op::after(world.clone(), &op).portrait(), docker().portrait());
    }
}
