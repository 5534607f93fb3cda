//! Whatever step fails, everything is as it was; whenever it is killed, the next run repairs.

use std::net::IpAddr;

use proptest::prelude::*;
use weave_core::apply::Mode;
use weave_core::observed::Scope;
use weave_core::plan::{Step, lost_peers, plan};

use super::cases;
use super::generate::{Event, history, op, reached};
use super::op::{Op, after_all};
use crate::support::fixture::{Tamper, docker};
use crate::support::memory_host::{Faults, MemoryHost, World};

/// The steps of `op` in `world`; none where it is refused.
fn steps(world: &World, op: &Op) -> Vec<Step> {
    if op.run(&MemoryHost::new(world.clone()), Mode::Check).is_err() {
        return Vec::new();
    }
    let intent = op.intent();
    let mut scope = intent.scope();
    scope.peers.extend(lost_peers(&world.observe(&scope)));
    plan(&intent, &world.observe(&scope)).map(|plan| plan.steps().cloned().collect()).unwrap_or_default()
}

/// Fails `op` at each of its steps.
fn failed_everywhere(world: &World, op: &Op) -> Result<(), TestCaseError> {
    if without_bridge(world) {
        return Ok(());
    }
    let before = world.portrait();
    for (at, step) in steps(world, op).iter().enumerate() {
        let host = MemoryHost::faulty(world.clone(), Faults { at: Some(at), ..Faults::default() });
        let error = op.run(&host, Mode::Apply).expect_err("a step was refused");
        prop_assert_eq!(error.message(), format!("refused: {step}"));
        prop_assert!(error.report().left.is_empty(), "{error}");
        let after = host.portrait();
        let asked = host.asked();
        prop_assert!(
            before == after,
            "{op:?} failed at {at}: {step}\n{}done {:#?}\nback {:#?}",
            before.difference(&after),
            asked.forward.iter().map(Step::to_string).collect::<Vec<_>>(),
            asked.back.iter().map(Step::to_string).collect::<Vec<_>>()
        );
    }
    Ok(())
}

/// Whether `op` has to delete the tunnel before it makes the new one: the kernel takes no second device of one VNI on
/// one port, and moves none to another family. What only the device knew, such as a VNI of its own, is lost to whoever
/// is killed in between.
fn makes_a_twin(steps: &[Step], world: &World) -> bool {
    let observed = world.observe(&Scope::default());
    let Some((_, old)) = observed.vxlan() else { return false };
    let moves = |new: IpAddr| old.local.is_some_and(|old| old.is_ipv4() && new.is_ipv4());
    steps.iter().any(|step| {
        matches!(step, Step::CreateVxlan(new) if (new.vni, new.port) == (old.vni, old.port) && !moves(new.local))
    })
}

/// Whether somebody deleted the bridge under its ports: they cannot be made anew as they were.
fn without_bridge(world: &World) -> bool {
    let observed = world.observe(&Scope::default());
    observed.bridge().is_none() && observed.links.iter().any(|link| link.mark().is_some())
}

/// Kills `op` after each of its steps, and runs it again.
fn killed_everywhere(world: &World, op: &Op) -> Result<(), TestCaseError> {
    let steps = steps(world, op);
    let whole = MemoryHost::new(world.clone());
    // What is refused in time is the affair of another law.
    let Ok(whole_report) = op.run(&whole, Mode::Apply) else { return Ok(()) };
    if makes_a_twin(&steps, world) {
        return Ok(());
    }
    let mut world = world.clone();
    for (at, step) in steps.iter().enumerate() {
        world.execute(step).map_err(|errno| TestCaseError::fail(format!("{step}: error {errno}")))?;
        let host = MemoryHost::new(world.clone());
        let report = op.run(&host, Mode::Apply);
        let report = report.map_err(|error| TestCaseError::fail(format!("killed after {at}, {step}: {error:?}")))?;
        prop_assert_eq!(&report.errors, &whole_report.errors);
        let (wanted, after) = (whole.portrait(), host.portrait());
        prop_assert!(
            wanted == after,
            "{op:?} killed after {at}: {step}\n{}then {:#?}",
            wanted.difference(&after),
            report.steps
        );
        let reset = MemoryHost::new(world.clone());
        let report = Op::Reset.run(&reset, Mode::Apply);
        prop_assert!(report.is_ok(), "{report:?}");
        prop_assert!(reset.portrait().own.is_empty(), "after {step}: {:#?}", reset.portrait().own);
        prop_assert_eq!(world.portrait().foreign, reset.portrait().foreign);
    }
    Ok(())
}

/// What can be written back: a table that somebody changed and an accept that stands there twice are not.
fn restorable(history: &[Event]) -> bool {
    !history.iter().any(|event| matches!(event, Event::Tamper(Tamper::DamageTable | Tamper::DoubleAccept, _)))
}

/// Where somebody took peers from the device alone, an interrupted run finds them again in the guard of the port.
fn agreed(history: &[Event]) -> bool {
    !history.iter().any(|event| matches!(event, Event::Tamper(Tamper::DropFlood, _)))
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_failed_operation_leaves_nothing_behind(history in history().prop_filter("restorable", |h| restorable(h)), op in op()) {
        failed_everywhere(&reached(&history), &op)?;
    }

    #[test]
    fn a_killed_operation_is_finished_by_the_next(history in history().prop_filter("agreed", |h| agreed(h)), op in op()) {
        killed_everywhere(&reached(&history), &op)?;
    }
}

const LAUNCHED: &str = "launch {peers: '192.0.2.2 192.0.2.3:6799', vni: 7}";
const ATTACHED: &str = "attach {container: web, ips: [10.2.1.4/24, 10.2.2.4/24, fd00:1::4/64],
    routes: ['10.9.0.0/16 via 10.2.1.9', '10.7.0.0/16 via 10.2.2.9', 10.8.0.0/16, 'fd00:9::/64 via fd00:1::9']}";

/// Operations from a given start, the last of which is failed and killed everywhere.
const STORIES: &[&[&str]] = &[
    &["apply {router: {mtu: 1400}, peers: [192.0.2.2, 192.0.2.3], expose: [10.2.1.1/24, 'fd00:1::1/64'],
        containers: {web: {ips: [10.2.1.4/24, 'fd00:1::4/64'], gateway: 'fd00:1::9'}, db: {ip: 10.2.1.5/24, gateway: 10.2.1.1},
        'netns:/run/netns/bare': {ip: 10.2.2.5/24, mtu: 1300}}}"],
    &[LAUNCHED, ATTACHED],
    &[LAUNCHED, ATTACHED, "apply {containers: {web: {ips: [10.2.1.5/24], routes: []}}}"],
    &[LAUNCHED, ATTACHED, "apply {containers: {web: {ips: ['fd00:2::4/64'], mac: '02:00:00:00:00:09', mtu: 1300}}}"],
    &[LAUNCHED, ATTACHED, "apply {containers: {web: {ips: [10.3.0.4/16], multicast: false, routes: ['10.9.0.0/16 via 10.3.0.1']}}}"],
    &[LAUNCHED, ATTACHED, "attach {container: web, ips: [10.4.0.4/24, 'fd00:4::4/64'], mtu: 1350}"],
    &[LAUNCHED, ATTACHED, "detach {container: web, ips: [10.2.1.4/24]}"],
    &[LAUNCHED, ATTACHED, "detach {container: web, ips: ['fd00:1::4/64']}"],
    &[LAUNCHED, ATTACHED, "detach {container: web, ips: '10.2.1.4/24 10.2.2.4/24'}"],
    &[LAUNCHED, ATTACHED, "detach {container: web}"],
    &[LAUNCHED, ATTACHED, "launch {port: 7000, peers: '192.0.2.2 192.0.2.3:6799', vni: 7}"],
    &[LAUNCHED, ATTACHED, "launch {underlay: 198.51.100.1}"],
    &["launch {peers: '192.0.2.2:6799 192.0.2.3', vni: 7, firewall: {manage: false}}", "launch {underlay: 198.51.100.1, mtu: 1400}"],
    &["launch {peers: '192.0.2.2 192.0.2.3', firewall: {manage: false}}", "connect {peers: '198.51.100.7:6799'}"],
    &[LAUNCHED, ATTACHED, "connect {peers: 192.0.2.2, replace: true}"],
    &[LAUNCHED, ATTACHED, "launch {mtu: 1300, firewall: {manage: false}}"],
    &[LAUNCHED, ATTACHED, "stop"],
    &[LAUNCHED, ATTACHED, "attach {container: db, ips: 10.2.1.5/24}", "attach {container: app, ips: 10.2.1.6/24}",
        "expose {ips: [10.2.1.1/24]}", "reset"],
    &[LAUNCHED, "expose {ips: [10.2.1.1/24, 'fd00:1::1/64']}"],
    &[LAUNCHED, "expose {ips: [10.2.1.1/24, 'fd00:1::1/64']}", "hide"],
    &[LAUNCHED, "expose {ips: [10.2.1.1/24, 'fd00:1::1/64']}", "hide {ips: 10.2.1.1/24}"],
    &[LAUNCHED, ATTACHED, "expose {ips: [10.2.1.1/24, 'fd00:1::1/64']}", "publish {host_port: 8080, to: web, port: 80}"],
    &[LAUNCHED, ATTACHED, "expose {ips: [10.2.1.1/24]}", "publish {host_port: 8080, to: web}", "unpublish {host_port: 8080}"],
    &[LAUNCHED, ATTACHED, "expose {ips: [10.2.1.1/24]}", "publish {host_port: 8080, to: web}", "reset"],
    &[LAUNCHED, "apply {expose: [10.2.1.1/24], publish: ['8080:web:80', '192.0.2.1:53:10.2.1.9:53/udp'],
        containers: {web: {ips: [10.2.1.4/24]}}}"],
    &[LAUNCHED, "connect {peers: 198.51.100.7}"],
    &[LAUNCHED, "connect {peers: 198.51.100.7, replace: true}"],
    &[LAUNCHED, "forget {peers: '192.0.2.2 192.0.2.3'}"],
    &[LAUNCHED, "expose {ips: 'fd00:1::1/64'}", "apply {router: {mtu: 1200}, expose: 10.2.1.1/24}"],
    &["launch {mtu: 1200}", "attach {container: db, ips: 10.2.1.5/24}", "launch {mtu: auto}"],
    &[LAUNCHED, "attach {container: db, ips: 10.2.1.5/24}", "launch {mtu: 1200}"],
];

#[test]
fn every_story_can_fail_and_be_killed_everywhere() {
    for story in STORIES {
        let (last, first) = story.split_last().unwrap();
        let world = after_all(docker(), first);
        let last = Op::read(last);
        assert!(!steps(&world, &last).is_empty(), "{last:?}");
        failed_everywhere(&world, &last).unwrap_or_else(|error| panic!("{story:?}: {error}"));
        killed_everywhere(&world, &last).unwrap_or_else(|error| panic!("{story:?}: {error}"));
    }
}
