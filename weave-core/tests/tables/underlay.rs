//! Which address the tunnel is bound to, which peers it has, and how wide it is.

use std::net::IpAddr;

use weave_core::names;
use weave_core::observed::{Observed, Scope};

use super::{refused, run};
use crate::support::fixture::{add_default, add_link, bare, device, docker, parse};
use crate::support::memory_host::{Net, World};

fn look(world: &World) -> Observed {
    world.observe(&Scope { router: true, paths: true, firewall: true, ..Scope::default() })
}

fn local(world: &World) -> String {
    look(world).vxlan().and_then(|(_, info)| info.local).map(|ip| ip.to_string()).unwrap_or_default()
}

fn flood(world: &World) -> Vec<String> {
    let written = |flood: &weave_core::observed::Flood| match flood.port {
        Some(port) => format!("{} {port}", flood.address),
        None => flood.address.to_string(),
    };
    look(world).flood.iter().map(written).collect()
}

fn mtu(world: &World) -> u32 {
    look(world).bridge().map_or(0, |(link, ..)| link.mtu)
}

#[test]
fn the_address_is_the_one_that_was_asked_for_or_that_leads_to_the_peers() {
    for (arguments, address) in [
        ("{}", "192.0.2.1"),
        ("{peers: 192.0.2.2}", "192.0.2.1"),
        ("{peers: 198.51.100.7}", "198.51.100.1"),
        ("{peers: '2001:db8::2'}", "2001:db8::1"),
        ("{peers: both}", "192.0.2.1"),
        ("{peers: 'both 2001:db8::2'}", "2001:db8::1"),
        ("{peers: 198.51.100.7, underlay: 192.0.2.1}", "192.0.2.1"),
        ("{underlay: eth1}", "198.51.100.1"),
        ("{underlay: eth0}", "192.0.2.1"),
        ("{underlay: eth0, peers: '2001:db8::2'}", "2001:db8::1"),
        ("{underlay: 198.51.100.0/24}", "198.51.100.1"),
        ("{underlay: '2001:db8::/32'}", "2001:db8::1"),
        ("{underlay: dummy0}", "203.0.113.1"),
        ("{underlay: auto, peers: 198.51.100.7}", "198.51.100.1"),
    ] {
        let (report, world) = run(&docker(), &format!("launch {arguments}")).unwrap();
        assert_eq!((local(&world).as_str(), report.warnings.len()), (address, 0), "{arguments}");
    }
}

#[test]
fn two_ways_out_are_a_warning() {
    let (report, world) = run(&docker(), "launch {peers: '192.0.2.2 192.0.2.3 198.51.100.7'}").unwrap();
    assert_eq!(local(&world), "192.0.2.1");
    assert!(matches!(&report.warnings[..], [one] if one.contains("198.51.100.1") && one.contains("underlay")));
    // What was chosen stays, and says nothing any more.
    let (report, world) = run(&world, "connect {peers: '198.51.100.8 198.51.100.9'}").unwrap();
    assert_eq!((local(&world).as_str(), report.warnings.len()), ("192.0.2.1", 0));
}

#[test]
fn an_address_that_is_not_here_is_refused_with_those_that_are() {
    for (arguments, words) in [
        ("{underlay: 192.0.2.9}", &["invalid_spec underlay", "192.0.2.9", "allowed", "192.0.2.1", "198.51.100.1"][..]),
        ("{underlay: 10.0.0.0/8}", &["invalid_spec underlay", "10.0.0.0/8", "allowed", "192.0.2.1"]),
        ("{underlay: ethO}", &["invalid_spec underlay", "`ethO`", "allowed", "eth1", "did you mean `eth"]),
    ] {
        let error = refused(&docker(), &format!("launch {arguments}"), words);
        assert!(!error.message().contains("172.17"), "{error}");
    }
}

#[test]
fn without_any_or_with_too_many_addresses_nothing_is_guessed() {
    let world = World { host: Net::new(), ..World::default() };
    refused(&world, "launch", &["not_found underlay", "no address"]);
    let mut world = world;
    add_link(&mut world.host, "eth0", device(), 1500, &["192.0.2.1/24"]);
    assert_eq!(local(&run(&world, "launch").unwrap().1), "192.0.2.1");
    let eth1 = add_link(&mut world.host, "eth1", device(), 1500, &["198.51.100.1/24"]);
    refused(&world, "launch", &["invalid_spec underlay", "allowed: one of 192.0.2.1, 198.51.100.1"]);
    add_default(&mut world.host, eth1, "198.51.100.254");
    assert_eq!(local(&run(&world, "launch").unwrap().1), "198.51.100.1");
}

#[test]
fn own_addresses_are_left_out_and_peers_counted_once() {
    for (peers, expected) in [
        ("'192.0.2.1 192.0.2.2'", &["192.0.2.2"][..]),
        ("'self host2'", &["192.0.2.2"]),
        ("'198.51.100.1 192.0.2.2 host2 192.0.2.2'", &["192.0.2.2"]),
        ("'192.0.2.2:6783 192.0.2.3:6799'", &["192.0.2.2", "192.0.2.3 6799"]),
        ("'both'", &["192.0.2.3"]),
        ("['host2:7000']", &["192.0.2.2 7000"]),
        ("self", &[]),
    ] {
        let (_, world) = run(&docker(), &format!("launch {{peers: {peers}}}")).unwrap();
        assert_eq!(flood(&world), expected, "{peers}");
    }
}

#[test]
fn a_tunnel_stays_in_its_family_while_it_has_peers() {
    let (_, world) = run(&docker(), "launch {peers: '2001:db8::2'}").unwrap();
    for op in ["launch {peers: 192.0.2.2}", "connect {peers: [192.0.2.2]}"] {
        refused(&world, op, &["invalid_spec peers[0]", "192.0.2.2", "IPv4", "2001:db8::1", "allowed: IPv6"]);
    }
    let (_, moved) = run(&world, "connect {peers: 192.0.2.2, replace: true}").unwrap();
    assert_eq!((local(&moved).as_str(), flood(&moved)), ("192.0.2.1", vec!["192.0.2.2".to_owned()]));
    let (report, moved) = run(&world, "launch {underlay: 192.0.2.1}").unwrap();
    assert_eq!((local(&moved).as_str(), flood(&moved).len(), report.warnings.len()), ("192.0.2.1", 0, 1));
}

#[test]
fn a_tunnel_takes_an_address_again_that_the_host_had_lost() {
    let take = |world: &mut World| {
        let eth0 = world.host.links.iter().find(|link| link.name == "eth0").unwrap().index;
        world.host.delete_address(eth0, parse("192.0.2.1/24"));
    };
    let give = |world: &mut World| {
        let eth0 = world.host.links.iter().find(|link| link.name == "eth0").unwrap().index;
        world.host.add_address(eth0, parse("192.0.2.1/24")).unwrap();
    };
    let (_, mut world) = run(&docker(), "launch {peers: 192.0.2.2}").unwrap();
    let eth1 = world.host.links.iter().find(|link| link.name == "eth1").unwrap().index;
    add_default(&mut world.host, eth1, "198.51.100.254");
    assert_eq!(local(&world), "192.0.2.1");
    take(&mut world);
    for op in ["launch {peers: 192.0.2.2}", "connect {peers: 192.0.2.3}", "attach {container: web, ips: 10.2.1.4/24}"] {
        world = run(&world, op).unwrap().1;
        assert_eq!(local(&world), "198.51.100.1", "{op}");
    }
    let mut other = world.clone();
    give(&mut world);
    world = run(&world, "connect {peers: 192.0.2.3}").unwrap().1;
    assert_eq!(local(&world), "192.0.2.1");
    // Whoever says which address it is means it.
    other = run(&other, "launch {underlay: eth1}").unwrap().1;
    give(&mut other);
    for op in ["connect {peers: 192.0.2.4}", "launch {peers: 192.0.2.2}"] {
        other = run(&other, op).unwrap().1;
        assert_eq!(local(&other), "198.51.100.1", "{op}");
    }
}

#[test]
fn peers_that_cannot_be_are_refused() {
    refused(
        &docker(),
        "launch {peers: '192.0.2.2 2001:db8::2'}",
        &["invalid_spec peers[1]", "2001:db8::2", "allowed: IPv4"],
    );
    refused(&docker(), "launch {peers: ['2001:db8::2'], underlay: eth1}", &["invalid_spec peers[0]", "IPv6"]);
    refused(&docker(), "launch {peers: [nowhere.example.com]}", &["not_found peers[0]", "nowhere.example.com"]);
    refused(&docker(), "connect {peers: 192.0.2.2}", &["not_found router", "weave launch"]);
    let (_, world) = run(&docker(), "launch").unwrap();
    let (_, world) = run(&world, "attach {container: db, ips: 10.2.1.5/24}").unwrap();
    // An attachment is seen by what looks at the network as a whole.
    refused(&world, "connect {peers: [192.0.2.2, 10.2.1.9]}", &["invalid_spec peers[1]", "10.2.1.9", "10.2.1.0/24"]);
    refused(&docker(), "apply {peers: 10.2.1.9, expose: 10.2.1.1/24}", &["invalid_spec peers[0]", "10.2.1.9"]);
    refused(&docker(), "apply {peers: 192.0.2.2, expose: 192.0.2.9/24}", &["invalid_spec", "192.0.2.0/24"]);
}

#[test]
fn the_overlay_is_as_wide_as_the_narrowest_path_less_the_tunnel() {
    let with_path = |ip: &str, mtu: u32| {
        let mut world = docker();
        world.path_mtus.insert(parse::<IpAddr, _>(ip), mtu);
        world
    };
    for (world, arguments, expected) in [
        (docker(), "{}", 1450),
        (docker(), "{peers: 192.0.2.2}", 1450),
        (docker(), "{peers: 198.51.100.7}", 8950),
        (docker(), "{peers: '198.51.100.7 192.0.2.2'}", 1450),
        (docker(), "{underlay: eth1}", 8950),
        (docker(), "{peers: '2001:db8::2'}", 1500 - names::OVERHEAD_V6),
        (with_path("192.0.2.2", 1400), "{peers: '192.0.2.2 192.0.2.3'}", 1350),
        (docker(), "{mtu: 1300, peers: 192.0.2.2}", 1300),
        (docker(), "{mtu: 9000}", 9000),
        (docker(), "{mtu: auto}", 1450),
    ] {
        let (_, world) = run(&world, &format!("launch {arguments}")).unwrap();
        assert_eq!(mtu(&world), expected, "{arguments}");
    }
    let narrow = with_path("192.0.2.2", 100);
    refused(&narrow, "launch {peers: 192.0.2.2}", &["unsupported mtu", "100", "50"]);
}

#[test]
fn everybody_follows_the_network_but_those_with_an_mtu_of_their_own() {
    let mut world = docker();
    world.path_mtus.insert(parse("192.0.2.3"), 1400);
    for op in [
        "launch {peers: 192.0.2.2}",
        "attach {container: web, ips: 10.2.1.4/24}",
        "attach {container: db, ips: 10.2.1.5/24, mtu: 1300}",
    ] {
        world = run(&world, op).unwrap().1;
    }
    let mtus = |world: &World| {
        let inner = |inode: u64| world.nets[&inode].links.iter().find(|link| link.name == "ethwe").unwrap().mtu;
        (mtu(world), inner(1001), inner(1002))
    };
    assert_eq!(mtus(&world), (1450, 1450, 1300));
    let (_, world) = run(&world, "connect {peers: 192.0.2.3}").unwrap();
    assert_eq!(mtus(&world), (1350, 1350, 1300));
    // What says nothing of the network leaves it as it is, though it looks at no path.
    let (_, world) = run(&world, "attach {container: app, ips: 10.2.1.6/24}").unwrap();
    assert_eq!(mtus(&world), (1350, 1350, 1300));
    let (_, world) = run(&world, "launch {mtu: 1320}").unwrap();
    assert_eq!(mtus(&world), (1320, 1320, 1300));
    let (_, world) = run(&world, "attach {container: db, ips: 10.2.1.5/24, mtu: auto}").unwrap();
    let (_, world) = run(&world, "launch {mtu: auto}").unwrap();
    assert_eq!(mtus(&world), (1350, 1350, 1350));
}

#[test]
fn a_host_on_one_link_needs_no_more_words() {
    let (report, world) = run(&bare(), "launch {peers: '192.0.2.1 192.0.2.2'}").unwrap();
    assert_eq!((local(&world).as_str(), flood(&world)), ("192.0.2.1", vec!["192.0.2.2".to_owned()]));
    assert!(report.warnings.is_empty());
}
