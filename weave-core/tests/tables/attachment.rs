//! Interfaces of containers.

use weave_core::names;
use weave_core::observed::{Link, LinkKind};

use super::{refused, run};
use crate::laws::op::after_all;
use crate::support::fixture::{add_link, device, docker, parse};
use crate::support::memory_host::World;

fn launched() -> World {
    after_all(docker(), &["launch {peers: 192.0.2.2}"])
}

fn ethwe(world: &World, inode: u64) -> &Link {
    world.nets[&inode].links.iter().find(|link| link.name == "ethwe").unwrap()
}

fn ips(world: &World, inode: u64) -> Vec<String> {
    let net = &world.nets[&inode];
    net.index("ethwe").map(|index| net.addresses_of(index).map(|ip| ip.to_string()).collect()).unwrap_or_default()
}

#[test]
fn containers_that_cannot_be_attached_say_why() {
    for (container, words) in [
        ("old", &["container_not_running old", "docker start old"][..]),
        ("missing", &["not_found missing", "docker ps -a"]),
        ("'netns:nowhere'", &["not_found netns:/run/netns/nowhere", "ip netns list"]),
        ("hostnet", &["conflict hostnet", "--network=host", "weave expose"]),
        ("'netns:/etc/passwd'", &["invalid_spec netns:/etc/passwd"]),
    ] {
        refused(&launched(), &format!("attach {{container: {container}, ips: 10.2.1.4/24}}"), words);
        refused(&launched(), &format!("detach {{container: {container}}}"), words);
    }
    for container in ["web", "'000000001001'", "'netns:bare'", "'pid:77'"] {
        assert!(run(&launched(), &format!("attach {{container: {container}, ips: 10.2.1.4/24}}")).is_ok());
    }
}

#[test]
fn an_address_that_nobody_allocates_is_refused_and_the_others_are_given() {
    for ips in ["'net:default'", "['net:10.2.1.0/24']", "[10.2.1.4/24, 'net:default']"] {
        let words = ["unsupported ips", "net:", "kind image with ipalloc_range", "weave attach 10.2.1.4/24 web"];
        refused(&launched(), &format!("attach {{container: web, ips: {ips}}}"), &words);
    }
    let document = "apply {containers: {web: {ips: 'net:default'}, db: {ips: 10.2.1.5/24}}}";
    let (report, world) = run(&launched(), document).unwrap();
    assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
    assert!(report.errors[0].message.contains("net:default needs a router"), "{:?}", report.errors);
    assert_eq!((ips(&world, 1001), ips(&world, 1002)), (Vec::new(), vec!["10.2.1.5/24".to_owned()]));
}

#[test]
fn an_interface_that_weave_did_not_make_is_a_conflict() {
    let mut world = launched();
    add_link(world.net(1002), "ethwe", LinkKind::Other("dummy".to_owned()), 1500, &[]);
    refused(&world, "attach {container: db, ips: 10.2.1.5/24}", &["conflict db", "dummy", "ethwe", "`interface`"]);
    refused(&world, "detach {container: db}", &["conflict db", "ethwe"]);
    assert!(run(&world, "attach {container: db, ips: 10.2.1.5/24, interface: net1}").is_ok());
}

#[test]
fn addresses_are_added_and_taken_as_named() {
    let world = after_all(launched(), &["attach {container: web, ips: '10.2.1.4/24 10.2.2.4/24'}"]);
    assert_eq!(ips(&world, 1001), ["10.2.1.4/24", "10.2.2.4/24"]);
    refused(&world, "attach {container: web, ips: 10.2.1.4/16}", &["conflict ips[0]", "10.2.1.4/24", "weave detach"]);
    refused(
        &world,
        "detach {container: web, ips: 10.2.1.4/16}",
        &["invalid_spec ips[0]", "10.2.1.4/16", "allowed: 10.2.1.4/24"],
    );
    refused(&world, "attach {container: web, ips: 172.17.0.2/24}", &["conflict ips[0]", "172.17.0.2", "eth0"]);
    let (report, _) = run(&world, "detach {container: web, ips: 10.2.9.9/24}").unwrap();
    assert!(!report.changed);
    let world = after_all(world, &["detach {container: web, ips: 10.2.1.4/24}"]);
    assert_eq!(ips(&world, 1001), ["10.2.2.4/24"]);
    let world = after_all(world, &["detach {container: web, ips: 10.2.2.4/24}"]);
    assert_eq!(world.portrait(), launched().portrait());
}

#[test]
fn another_gateway_is_a_conflict() {
    refused(
        &launched(),
        "attach {container: web, ips: 10.2.1.4/24, gateway: 10.2.1.1}",
        &["conflict gateway", "eth0", "--network=none"],
    );
    let world = after_all(
        launched(),
        &["attach {container: db, ips: 10.2.1.5/24, gateway: 10.2.1.1, routes: '10.9.0.0/16 via 10.2.1.8'}"],
    );
    refused(
        &world,
        "attach {container: db, ips: 10.2.1.5/24, gateway: 10.2.1.2}",
        &["conflict gateway", "10.2.1.1", "ethwe"],
    );
    refused(
        &world,
        "attach {container: db, ips: 10.2.1.5/24, routes: 10.9.0.0/16 via 10.2.1.9}",
        &["conflict routes", "10.2.1.8"],
    );
    refused(
        &world,
        "attach {container: db, ips: 10.2.1.6/16, routes: 10.2.1.0/24}",
        &["conflict routes", "10.2.1.0/24"],
    );
    // A document says all there is.
    let world = after_all(
        world,
        &["apply {containers: {db: {ip: 10.2.1.5/24, gateway: 10.2.1.2, routes: 10.9.0.0/16 via 10.2.1.9}}}"],
    );
    let routes: Vec<String> =
        world.nets[&1002].routes.iter().filter_map(|route| Some(format!("{} {}", route.to, route.via?))).collect();
    assert_eq!(routes, ["10.9.0.0/16 10.2.1.9", "0.0.0.0/0 10.2.1.2"]);
}

#[test]
fn multicast_goes_to_the_network_unless_somebody_has_it() {
    let to_all = |world: &World| {
        let index = world.nets[&1002].index("ethwe").unwrap();
        world.nets[&1002].routes.iter().any(|route| route.ifindex == index && route.to.to_string() == names::MULTICAST)
    };
    let attach = "attach {container: db, ips: 10.2.1.5/24}";
    assert!(to_all(&after_all(launched(), &[attach])));
    let without = "attach {container: db, ips: 10.2.1.5/24, multicast: false}";
    assert!(!to_all(&after_all(launched(), &[without])));
    // What is said is done to an interface that is there, too.
    assert!(!to_all(&after_all(launched(), &[attach, without])));
    assert!(to_all(&after_all(launched(), &[without, attach])));
    let mut world = launched();
    let eth0 = add_link(world.net(1002), "eth0", device(), 1500, &["172.18.0.2/16"]);
    world.net(1002).add_route(eth0, parse(names::MULTICAST)).unwrap();
    assert!(!to_all(&after_all(world, &[attach])));
}

#[test]
fn ipv6_is_on_where_it_is_used_and_needs_its_room() {
    let off = |world: &World| ethwe(world, 1002).ipv6_disabled;
    assert_eq!(off(&after_all(launched(), &["attach {container: db, ips: 10.2.1.5/24}"])), Some(true));
    let world = after_all(launched(), &["attach {container: db, ips: '10.2.1.5/24 fd00::5/64'}"]);
    assert_eq!((off(&world), ethwe(&world, 1002).accept_ra), (Some(false), Some(0)));
    refused(&world, "launch {mtu: 1279}", &["unsupported mtu", "1279", "db", "1280"]);
    let narrow = after_all(docker(), &["launch {mtu: 1200}"]);
    refused(&narrow, "attach {container: db, ips: 'fd00::5/64'}", &["unsupported mtu", "1200", "1280"]);
    refused(&narrow, "expose {ips: 'fd00::1/64'}", &["unsupported mtu", "1200", "fd00::1/64"]);
    let wider = after_all(narrow, &["attach {container: db, ips: 10.2.1.5/24}", "launch {mtu: 1400}"]);
    assert_eq!(off(&wider), Some(true));
}

#[test]
fn the_hardware_address_is_made_from_the_first_address_and_kept() {
    let mac = |world: &World| ethwe(world, 1002).mac.unwrap().to_string();
    let world = after_all(launched(), &["attach {container: db, ips: '10.2.1.5/24 10.2.1.6/24'}"]);
    assert_eq!(mac(&world), "0a:57:0a:02:01:05");
    for (op, expected) in [
        ("attach {container: db, ips: 10.2.1.7/24}", "0a:57:0a:02:01:05"),
        ("attach {container: db, ips: 10.2.1.7/24, mac: '02:00:00:00:00:07'}", "02:00:00:00:00:07"),
        ("apply {containers: {db: {ips: '10.2.1.6/24 10.2.1.5/24'}}}", "0a:57:0a:02:01:05"),
        ("apply {containers: {db: {ips: 10.2.1.8/24}}}", "0a:57:0a:02:01:08"),
        ("detach {container: db, ips: 10.2.1.5/24}", "0a:57:0a:02:01:05"),
    ] {
        assert_eq!(mac(&after_all(world.clone(), &[op])), expected, "{op}");
    }
}

#[test]
fn one_namespace_is_named_once() {
    let op = "apply {containers: {web: {ip: 10.2.1.4/24}, '000000001001': {ip: 10.2.1.5/24}}}";
    let (report, world) = run(&launched(), op).unwrap();
    assert_eq!(ips(&world, 1001), ["10.2.1.5/24"]);
    assert!(
        matches!(&report.errors[..], [one] if one.subject == "containers.web" && one.message.contains("same network"))
    );
}
