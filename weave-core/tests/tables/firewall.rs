//! The packet filter.

use weave_core::observed::{ChainTool, Family, ForwardChain};
use weave_core::spec::Cidr;

use super::{refused, run};
use crate::laws::op::after_all;
use crate::support::fixture::{Tamper, chain, docker, parse};
use crate::support::memory_host::World;

/// How many accepts stand in each chain.
fn accepts(world: &World) -> Vec<usize> {
    world.firewall.forward.iter().map(|chain| chain.accepts.len()).collect()
}

#[test]
fn only_peers_reach_the_port_and_networks_are_masqueraded() {
    let world = after_all(docker(), &["launch {peers: '192.0.2.2 192.0.2.3:6799'}", "expose {ips: 10.2.1.1/24}"]);
    let table = world.firewall.table.unwrap();
    assert_eq!(table.port, Some(6783));
    assert_eq!(table.peers, ["192.0.2.2", "192.0.2.3"].map(parse).into());
    assert_eq!(table.masquerade, [parse::<Cidr, _>("10.2.1.1/24").network()].into());
}

#[test]
fn stop_takes_the_guard_and_hide_the_masquerade() {
    let world = after_all(docker(), &["launch {peers: 192.0.2.2}", "expose {ips: 10.2.1.1/24}", "stop"]);
    let table = world.firewall.table.clone().unwrap();
    assert_eq!((table.port, table.peers.len(), table.masquerade.len()), (None, 0, 1));
    assert_eq!(after_all(world, &["hide"]).firewall.table, None);
}

#[test]
fn each_chain_that_drops_takes_one_accept() {
    let world = after_all(docker(), &["launch"]);
    assert_eq!(accepts(&world), [1, 0, 1]);
    assert_eq!(world.firewall.forward[0].accepts[0].chain, "DOCKER-USER");
    let mut doubled = world.clone();
    Tamper::DoubleAccept.act(&mut doubled, 0);
    assert_eq!(accepts(&run(&doubled, "launch").unwrap().1), [1, 0, 1]);
    let mut other = world.clone();
    other.firewall.forward[0].accepts[0].bridge = "old".to_owned();
    let (_, other) = run(&other, "launch").unwrap();
    assert_eq!((accepts(&other), other.firewall.forward[0].accepts[0].bridge.as_str()), (vec![1, 0, 1], "weave"));
    // A rule that is right stays where the chain drops no longer, and comes where one begins to.
    let mut changed = world;
    changed.firewall.forward[0].drops = false;
    changed.firewall.forward.push(chain(ChainTool::IptablesLegacy, Family::Ip, "FORWARD", "FORWARD"));
    assert_eq!(accepts(&run(&changed, "launch").unwrap().1), [1, 0, 1, 1]);
}

#[test]
fn a_chain_with_an_owner_is_left_to_it_with_a_warning() {
    let mut world = docker();
    world.firewall.bridge_nf_v4 = Some(true);
    let firewalld = ForwardChain {
        table: "firewalld".to_owned(),
        owned: true,
        ..chain(ChainTool::Nft, Family::Inet, "filter_FORWARD", "filter_FORWARD")
    };
    world.firewall.forward.push(firewalld);
    let (report, launched) = run(&world, "launch").unwrap();
    assert_eq!(accepts(&launched), [1, 0, 1, 0]);
    let [warning] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
    for word in ["inet firewalld filter_FORWARD", "--add-interface=weave", "NftablesTableOwner=no"] {
        assert!(warning.contains(word), "{warning}");
    }
    // One that weave put there before the table had an owner stays for it, too.
    let mut owned = launched.clone();
    owned.firewall.forward[2].owned = true;
    assert_eq!(accepts(&run(&owned, "reset").unwrap().1), [0, 0, 1, 0]);
    // Where no bridged frame passes it, and nothing is published, there is nothing to tell.
    let mut quiet = launched;
    quiet.firewall.bridge_nf_v4 = None;
    assert_eq!(run(&quiet, "launch").unwrap().0.warnings, Vec::<String>::new());
}

#[test]
fn what_others_keep_is_left_alone() {
    let mut world = docker();
    world.firewall.foreign = Some("it has no comment of weave's".to_owned());
    refused(&world, "launch", &["conflict firewall", "inet weave", "manage: false"]);
    let (_, unmanaged) = run(&world, "launch {firewall: {manage: false}}").unwrap();
    assert_eq!((accepts(&unmanaged), unmanaged.firewall.foreign.is_some()), (vec![0, 0, 0], true));
    let mut world = docker();
    world.firewall.unavailable = Some("the program `nft` is missing".to_owned());
    refused(&world, "launch", &["not_found firewall", "`nft` is missing", "manage: false", "apt-get"]);
    let (_, world) = run(&world, "launch {firewall: {manage: false}, peers: 192.0.2.2}").unwrap();
    // Once said, it is remembered.
    let (report, _) = run(&world, "connect {peers: 192.0.2.3}").unwrap();
    assert!(report.changed);
    assert!(run(&world, "reset").unwrap().0.changed);
}

#[test]
fn leaving_it_to_others_takes_everything_of_weaves_away_and_back() {
    let world = after_all(docker(), &["launch {peers: 192.0.2.2}"]);
    let without = after_all(world.clone(), &["apply {firewall: {manage: false}}"]);
    assert_eq!((without.firewall.table.is_none(), accepts(&without)), (true, vec![0, 0, 0]));
    let back = after_all(without, &["apply {firewall: {manage: true}}"]);
    assert_eq!(back.portrait(), world.portrait());
}

#[test]
fn what_was_masqueraded_is_so_again_when_the_packet_filter_comes_back() {
    let expose = "expose: [10.2.1.1/24, {ip: 10.3.0.1/16, masquerade: false}]";
    let apply = |more: &str| format!("apply {{peers: 192.0.2.2, {more}}}");
    let masqueraded = |world: &World| {
        let networks = world.firewall.table.as_ref().map(|table| table.masquerade.clone()).unwrap_or_default();
        networks.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (given, taken) = ("apply {firewall: {manage: false}}", "apply {firewall: {manage: true}}");
    let world = after_all(docker(), &[&apply(expose)]);
    assert_eq!(masqueraded(&world), ["10.2.1.0/24"]);
    // Exposed before it was given away, and after.
    let stories: [&[&str]; 3] = [
        &[&apply(expose), given],
        &[given, &apply(expose)],
        &[&apply(&format!("{expose}, firewall: {{manage: false}}"))],
    ];
    for story in stories {
        let without = after_all(docker(), &[&["launch {peers: 192.0.2.2}"], story].concat());
        assert!(masqueraded(&without).is_empty(), "{story:?}");
        assert!(!run(&without, &apply(expose)).unwrap().0.changed, "{story:?}");
        assert_eq!(after_all(without, &[taken]).portrait(), world.portrait(), "{story:?}");
    }
    // What changes in the meantime counts.
    let without = after_all(world.clone(), &[given]);
    let all = apply("expose: [10.2.1.1/24, 10.3.0.1/16]");
    let (report, without) = run(&without, &all).unwrap();
    assert_eq!((report.changed, report.changes.len()), (true, 1), "{report:?}");
    assert_eq!(masqueraded(&after_all(without.clone(), &[taken])), ["10.2.1.0/24", "10.3.0.0/16"]);
    assert_eq!(masqueraded(&after_all(without, &["hide {ips: 10.2.1.1/24}", taken])), ["10.3.0.0/16"]);
    // A table that was lost comes back as it was.
    let mut lost = world.clone();
    Tamper::DropTable.act(&mut lost, 0);
    assert_eq!(run(&lost, "launch").unwrap().1.portrait(), world.portrait());
}

#[test]
fn a_table_that_was_changed_is_written_anew() {
    let world = after_all(docker(), &["launch {peers: 192.0.2.2}"]);
    for tamper in [Tamper::DamageTable, Tamper::DropTable] {
        let mut changed = world.clone();
        tamper.act(&mut changed, 0);
        let (report, healed) = run(&changed, "launch").unwrap();
        assert!(report.changes.iter().all(|change| change.subject == "firewall"), "{:?}", report.changes);
        assert_eq!(healed.portrait(), world.portrait());
    }
}
