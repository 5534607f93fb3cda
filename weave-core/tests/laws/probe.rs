//! Addresses that somebody else has, and containers that end meanwhile.

use weave_core::ErrorKind;
use weave_core::apply::Mode;
use weave_core::host::Owner;

use super::op::{Op, after, after_all};
use crate::support::fixture::{docker, parse};
use crate::support::memory_host::{Faults, MemoryHost};

const LAUNCHED: &str = "launch {peers: 192.0.2.2}";

fn taken(address: &str) -> Faults {
    let owner =
        Owner { address: parse(address), mac: parse("02:00:00:00:00:01"), peer: Some(parse("192.0.2.2")), link: None };
    Faults { owners: vec![owner], ..Faults::default() }
}

#[test]
fn a_taken_address_is_a_conflict_that_leaves_nothing() {
    let world = after_all(docker(), &[LAUNCHED]);
    let host = MemoryHost::faulty(world.clone(), taken("10.2.1.4"));
    let error =
        Op::read("attach {container: web, ips: '10.2.1.5/24 10.2.1.4/24'}").run(&host, Mode::Apply).unwrap_err();
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Conflict, "web"));
    assert!(error.message().contains("10.2.1.4 is taken by 02:00:00:00:00:01 behind peer 192.0.2.2"), "{error}");
    assert_eq!(host.portrait(), world.portrait());
}

#[test]
fn a_document_serves_the_others_and_says_who_was_not() {
    let host = MemoryHost::faulty(docker(), taken("10.2.1.4"));
    let op = Op::read(
        "apply {router: {}, containers: {web: {ip: 10.2.1.4/24}, db: {ip: 10.2.1.5/24}, old: {ip: 10.2.1.6/24}}}",
    );
    let report = op.run(&host, Mode::Apply).unwrap();
    let errors: Vec<_> = report.errors.iter().map(|error| (error.subject.as_str(), error.kind)).collect();
    assert_eq!(errors, [("old", ErrorKind::ContainerNotRunning), ("web", ErrorKind::Conflict)]);
    assert!(report.changed && !report.is_ok());
    let served = after(docker(), &Op::read("apply {router: {}, containers: {db: {ip: 10.2.1.5/24}}}"));
    assert_eq!(host.portrait(), served.portrait());
}

#[test]
fn who_says_so_is_not_asked_and_what_is_there_is_not_asked_for() {
    let world = after_all(docker(), &[LAUNCHED]);
    let host = MemoryHost::faulty(world, taken("10.2.1.4"));
    let attach = Op::read("attach {container: web, ips: 10.2.1.4/24, probe: false}");
    assert!(attach.run(&host, Mode::Apply).unwrap().changed);
    assert!(Op::read("attach {container: web, ips: 10.2.1.4/24}").run(&host, Mode::Apply).is_ok());
    assert!(host.asked().probes.is_empty());
    let report = Op::read("attach {container: web, ips: '10.2.1.4/24 10.2.1.5/24'}").run(&host, Mode::Apply).unwrap();
    assert!(report.changed);
    assert_eq!(host.asked().probes, [parse::<std::net::IpAddr, _>("10.2.1.5")]);
}

/// A container that starts anew in the middle, as one that fails again and again does, takes nobody else down: it is
/// served, or named in an error, and the next run serves it.
#[test]
fn a_container_that_starts_anew_meanwhile_is_its_own_problem() {
    let op = Op::read("apply {router: {}, containers: {web: {ip: 10.2.1.4/24}, db: {ip: 10.2.1.5/24}}}");
    let wanted = after(docker(), &Op::read("apply {router: {}, containers: {db: {ip: 10.2.1.5/24}}}"));
    let web: weave_core::spec::ContainerRef = parse("web");
    let mut refused = 0;
    for before in [docker(), after(docker(), &op)] {
        for look in 0..5 {
            let faults = Faults { starts_anew: Some((look, web.clone())), ..Faults::default() };
            let host = MemoryHost::faulty(before.clone(), faults);
            let report = op.run(&host, Mode::Apply).unwrap();
            if let [error] = report.errors.as_slice() {
                assert_eq!((error.subject.as_str(), error.kind), ("web", ErrorKind::ContainerNotRunning));
                assert!(error.message.contains("started anew while it was worked on"), "{error:?}");
                assert_eq!(host.portrait().own, wanted.portrait().own, "look {look}");
                refused += 1;
            } else {
                assert!(report.is_ok(), "{:?}", report.errors);
            }
            let again = MemoryHost::new(host.world().clone());
            assert!(op.run(&again, Mode::Apply).unwrap().is_ok());
            let inode = again.world().inode(&web).unwrap();
            assert!(again.world().net(inode).links.iter().any(|link| link.name == "ethwe"));
        }
    }
    assert!(refused > 0, "nothing was ever in the middle");
}
