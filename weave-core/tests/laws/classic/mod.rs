//! The same laws where a router may run in a container.

mod generate;

use proptest::prelude::*;
use weave_core::apply::Mode;
use weave_core::ops::Report;
use weave_core::plan::Step;
use weave_core::plan::container::is_ours;
use weave_core::spec::HostDocument;

use self::generate::{Blow, Event, history, op, reached};
use super::bounds::{everything, whole};
use super::cases;
use super::op::Op;
use crate::support::classic::{Look, PASSWORD};
use crate::support::fixture::Tamper;
use crate::support::memory_host::{Faults, MemoryHost, World};

/// Whether an address is asked for: what it will be, only the router knows.
fn asks(op: &Op) -> bool {
    match op {
        Op::Attach(attach) => !attach.ips.requests.is_empty(),
        Op::Apply(document) => {
            let entries = document.containers.iter().flat_map(|named| named.0.values());
            entries.filter_map(|entry| entry.ips.as_ref()).any(|ips| !ips.requests.is_empty())
        }
        _ => false,
    }
}

fn secret(report: &Report) -> bool {
    format!("{report:?}{}", serde_json::to_string(report).unwrap()).contains(PASSWORD)
}

/// Check, apply, check, apply: the second pair finds nothing to do, and the first agrees with itself.
fn four_runs(world: World, op: &Op) -> Result<(), TestCaseError> {
    let host = MemoryHost::new(world);
    let before = Look::of(&host.world());
    let check = op.run(&host, Mode::Check);
    let asked = host.asked();
    prop_assert!(asked.locks == 0 && asked.steps() == 0 && asked.allocated.is_empty(), "check touched: {asked:?}");
    prop_assert_eq!(&before, &Look::of(&host.world()));
    let apply = op.run(&host, Mode::Apply);
    let (check, apply) = match (check, apply) {
        (Ok(check), Ok(apply)) => (check, apply),
        (check, Err(apply)) => {
            // What the router cannot give is only known when it is asked.
            prop_assert!(check.is_err() || asks(op), "{op:?}: check {check:?}\napply {apply:?}");
            let after = Look::of(&host.world());
            prop_assert!(before == after, "{apply:?}\n{}", before.difference(&after));
            let said = format!("{apply:?} {apply}");
            prop_assert!(!said.contains(PASSWORD), "{}", said);
            return Ok(());
        }
        (Err(check), Ok(apply)) => return Err(TestCaseError::fail(format!("check {check:?}\napply {apply:?}"))),
    };
    prop_assert!(!secret(&check) && !secret(&apply), "{apply:?}");
    // What a router knew when it was stopped is only seen when it runs.
    let starts = check.steps.iter().any(|step| step.contains("/status"));
    if !asks(op) && !starts {
        prop_assert_eq!(&check.changes, &apply.changes);
        prop_assert_eq!(&check.steps, &apply.steps);
        prop_assert_eq!(&check.errors, &apply.errors);
    }
    prop_assert_eq!(check.changed, apply.changed);
    prop_assert_eq!(apply.changed, !apply.steps.is_empty());
    prop_assert_eq!(apply.changed, !apply.changes.is_empty(), "steps {:?}, changes {:?}", apply.steps, apply.changes);
    prop_assert_eq!(before.portrait.foreign, host.portrait().foreign);
    // A router that was launched takes frames from the pair that is there.
    let deaf = host.portrait().own.iter().any(|line| line.contains("captures=false"));
    let pair = host.world().host.index("vethwe-bridge").is_ok();
    prop_assert!(!deaf || !pair || !matches!(op, Op::Launch(_)), "{:?}", apply.steps);
    for mode in [Mode::Check, Mode::Apply] {
        let again = op.run(&host, mode).map_err(|error| TestCaseError::fail(format!("again: {error:?}")))?;
        prop_assert!(!again.changed, "again: {:?} {:?} after {:?}", again.steps, again.changes, apply.steps);
        prop_assert!(again.changes.is_empty());
    }
    Ok(())
}

fn told(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::to_string).collect()
}

/// Fails `op` at each of its steps on the host.
fn failed_everywhere(world: &World, op: &Op) -> Result<(), TestCaseError> {
    let whole = MemoryHost::new(world.clone());
    if op.run(&whole, Mode::Apply).is_err() {
        return Ok(());
    }
    let before = Look::of(world);
    for at in 0..whole.asked().forward.len() {
        let host = MemoryHost::faulty(world.clone(), Faults { at: Some(at), ..Faults::default() });
        let Err(error) = op.run(&host, Mode::Apply) else {
            return Err(TestCaseError::fail(format!("{op:?}: a step was refused, at {at}")));
        };
        let (after, asked) = (Look::of(&host.world()), host.asked());
        let course = || format!("done {:#?}\nback {:#?}", told(&asked.forward), told(&asked.back));
        prop_assert!(error.report().left.is_empty(), "{}: {}", error, course());
        prop_assert!(before == after, "{op:?} failed at {at}: {error}\n{}{}", before.difference(&after), course());
        let said = format!("{error:?} {error}");
        prop_assert!(!said.contains(PASSWORD), "{}", said);
    }
    Ok(())
}

/// What a killed run may leave: offload that was switched off for a router that is gone, which does no harm; and its
/// container, stopped, which the next router in a container takes over, and a reset removes.
fn finished(world: &World) -> Look {
    let mut look = Look::of(world);
    let lines = std::mem::take(&mut look.portrait.own).into_iter().map(|line| match line.split_once(" tx=") {
        Some((line, _)) => line.to_owned(),
        None => line,
    });
    look.portrait.own = lines.collect();
    look.containers.retain(|_, (runs, made)| *runs || !made.contains("weave.routes"));
    look
}

/// Kills `op` before each of its steps, and runs it again.
fn killed_everywhere(world: &World, op: &Op) -> Result<(), TestCaseError> {
    let whole = MemoryHost::new(world.clone());
    let Ok(whole_report) = op.run(&whole, Mode::Apply) else { return Ok(()) };
    for at in 0..whole.asked().steps() {
        let killed = MemoryHost::faulty(world.clone(), Faults { killed: Some(at), ..Faults::default() });
        let ended = op.run_until_killed(&killed).is_some();
        prop_assert!(!ended, "{op:?} ended before {at}");
        let left = killed.world().clone();
        let host = MemoryHost::new(left.clone());
        let course = || format!("{op:?} killed after {:#?}", told(&killed.asked().forward));
        let report = op.run(&host, Mode::Apply);
        let report = report.map_err(|error| TestCaseError::fail(format!("{}: {error:?}", course())))?;
        prop_assert_eq!(&report.errors, &whole_report.errors);
        let (wanted, after) = (finished(&whole.world()), finished(&host.world()));
        prop_assert!(wanted == after, "{}\n{}then {:#?}", course(), wanted.difference(&after), report.steps);
        nothing_is_left(&left)?;
    }
    Ok(())
}

/// Reset from any state: nothing of ours, and all of the others'.
fn nothing_is_left(world: &World) -> Result<(), TestCaseError> {
    let host = MemoryHost::new(world.clone());
    let report = Op::Reset.run(&host, Mode::Apply);
    prop_assert!(report.as_ref().is_ok_and(Report::is_ok), "{report:?}");
    let after = Look::of(&host.world());
    prop_assert!(after.portrait.own.is_empty(), "{:#?}", after.portrait.own);
    prop_assert_eq!(world.portrait().foreign, after.portrait.foreign);
    let engine = &host.world().engine;
    let routers = engine.containers.values().filter(|made| made.container.label("weave.routes").is_some());
    prop_assert_eq!(routers.map(|made| made.container.name.clone()).collect::<Vec<_>>(), Vec::<String>::new());
    let foreign = world.engine.containers.iter().filter(|(_, made)| !is_ours(&made.container));
    for (name, made) in foreign {
        let now = engine.containers.get(name).map(|now| now.container.id.clone());
        prop_assert_eq!(now, Some(made.container.id.clone()));
    }
    Ok(())
}

/// Whether nobody tampered on the way.
fn undisturbed(history: &[Event]) -> bool {
    !history.iter().any(|event| matches!(event, Event::Tamper(..) | Event::Blow(_)))
}

/// What can be written back: a table that somebody changed or removed, with the peers that only it still knew, an accept
/// that stands there twice, and ports without their bridge are not.
fn restorable(history: &[Event]) -> bool {
    !history.iter().any(|event| {
        matches!(
            event,
            Event::Tamper(Tamper::DamageTable | Tamper::DropTable | Tamper::DoubleAccept | Tamper::DropLink, _)
        )
    })
}

/// Where somebody took peers from the router alone, an interrupted run finds them again in the guard of the port.
fn agreed(history: &[Event]) -> bool {
    let unguarded = |op: &Op| match op {
        Op::Launch(launch) => launch.firewall.is_some(),
        Op::Apply(document) => document.firewall.is_some(),
        _ => false,
    };
    !history.iter().any(|event| match event {
        Event::Tamper(tamper, _) => {
            matches!(tamper, Tamper::DropFlood | Tamper::DropTable | Tamper::DamageTable | Tamper::DropLink)
        }
        Event::Blow(blow) => *blow == Blow::ForgetPeers,
        Event::Op(op) => unguarded(op) || is_fragile(op),
        _ => false,
    })
}

/// Ports of peers of their own are known to nobody but the router, which a killed run may have stopped. And a tunnel that
/// changes its family is made anew: between the old one and the new one there is none to connect to.
fn is_fragile(op: &Op) -> bool {
    let said = format!("{op:?}");
    said.contains("6799") || said.contains("2001:db8")
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_second_run_has_nothing_to_do(history in history(), op in op()) {
        four_runs(reached(&history), &op)?;
    }

    #[test]
    fn reset_leaves_nothing_of_ours(history in history()) {
        nothing_is_left(&reached(&history))?;
    }

    #[test]
    fn what_is_shown_can_be_applied(history in history().prop_filter("undisturbed", |h| undisturbed(h))) {
        let world = reached(&history);
        let document: HostDocument = whole(&everything(&world));
        if document.validate().is_err() {
            // Two containers were given one address, unasked.
            return Ok(());
        }
        let host = MemoryHost::new(world.clone());
        let report = Op::Apply(Box::new(document.clone())).run(&host, Mode::Check);
        // Addresses that containers had before the router allocated any are claimed when they are named.
        let same = |report: &Report| report.changes.iter().all(|change| change.field == "claimed");
        prop_assert!(report.as_ref().is_ok_and(same), "{document:?}: {report:?}");
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_failed_operation_leaves_nothing_behind(history in history().prop_filter("restorable", |h| restorable(h)), op in op()) {
        failed_everywhere(&reached(&history), &op)?;
    }

    #[test]
    fn a_killed_operation_is_finished_by_the_next(history in history().prop_filter("agreed", |h| agreed(h)), op in op().prop_filter("not fragile", |op| !is_fragile(op))) {
        killed_everywhere(&reached(&history), &op)?;
    }
}
