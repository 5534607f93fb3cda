//! Containers that weave runs: done once, undone where they fail, repaired where weave was killed.

mod ends;
mod failure;
mod generate;
mod kill;
mod scene;
mod stories;

use proptest::collection::vec;
use proptest::prelude::*;
use weave_core::Progress;
use weave_core::apply::Mode;
use weave_core::names;
use weave_core::ops::Report;
use weave_core::spec::HostDocument;

use super::cases;
use crate::support::memory_host::{MemoryHost, World};
use generate::{Written, document};
use scene::{applied, engine, foreign_links, identity, looks, lost_volumes, nameless, reached};

/// What is true of every run, whatever became of it.
fn nothing_is_lost(before: &World, after: &World, documents: &[&HostDocument]) -> Result<(), TestCaseError> {
    let lost = lost_volumes(before, after);
    prop_assert!(lost.is_empty(), "{lost:?} are gone");
    prop_assert_eq!(foreign_links(before), foreign_links(after));
    let (old, new) = (looks(before), looks(after));
    for (name, look) in &old {
        if !look.ours {
            prop_assert_eq!(identity(before, name), identity(after, name));
            let attached = documents.iter().any(|document| {
                let named = document.containers.iter().flat_map(|named| &named.0);
                named.into_iter().any(|(container, _)| container.to_string() == *name)
            });
            prop_assert!(attached || Some(look) == new.get(name), "{name} was changed");
        }
    }
    Ok(())
}

/// No name is left that only a replacement has.
fn nothing_is_left(world: &World) -> Result<(), TestCaseError> {
    for name in world.engine.containers.keys() {
        prop_assert_eq!(names::swapped(name), name.as_str(), "{} is left", name);
    }
    Ok(())
}

/// Containers are counted up to their number, once where there is any to work on.
fn counted(host: &MemoryHost, report: &Report) -> Result<(), TestCaseError> {
    let told = host.asked().told;
    let counts: Vec<(usize, usize)> = told
        .iter()
        .filter_map(|news| match news {
            Progress::Containers { done, total } => Some((*done, *total)),
            _ => None,
        })
        .collect();
    prop_assert!(counts.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 == two[1].1), "{:?}", counts);
    prop_assert!(counts.last().is_none_or(|(done, total)| done == total), "{:?}", counts);
    let touched = report
        .changes
        .iter()
        .filter(|change| change.subject.starts_with("containers.") && change.field == "state")
        .count();
    prop_assert!(counts.last().is_some_and(|(_, total)| *total >= touched) || touched == 0, "{:?}", counts);
    Ok(())
}

/// Check, apply, check, apply: the second pair finds nothing to do, and the first agrees with itself.
fn four_runs(world: World, document: &HostDocument) -> Result<(), TestCaseError> {
    let host = MemoryHost::new(world.clone());
    let check = applied(&host, document, Mode::Check);
    prop_assert_eq!((host.asked().locks, host.asked().steps()), (0, 0));
    prop_assert_eq!(looks(&world), looks(&host.world()));
    let apply = applied(&host, document, Mode::Apply);
    let (check, apply) = match (check, apply) {
        (Ok(check), Ok(apply)) => (check, apply),
        (Err(check), Err(apply)) => {
            prop_assert_eq!(check.report(), apply.report());
            prop_assert_eq!(looks(&world), looks(&host.world()));
            return Ok(());
        }
        (check, apply) => return Err(TestCaseError::fail(format!("check {check:?}\napply {apply:?}"))),
    };
    let steps = |steps: &[String]| steps.iter().map(|step| nameless(step)).collect::<Vec<_>>();
    prop_assert_eq!(&check.changes, &apply.changes);
    prop_assert_eq!(steps(&check.steps), steps(&apply.steps));
    prop_assert_eq!(&check.errors, &apply.errors);
    prop_assert_eq!(check.changed, apply.changed);
    prop_assert_eq!(apply.changed, !apply.steps.is_empty());
    prop_assert_eq!(apply.changed, !apply.changes.is_empty(), "steps {:?}, changes {:?}", apply.steps, apply.changes);
    counted(&host, &apply)?;
    nothing_is_lost(&world, &host.world(), &[document])?;
    nothing_is_left(&host.world())?;
    for mode in [Mode::Check, Mode::Apply] {
        let again = applied(&host, document, mode).map_err(|error| TestCaseError::fail(format!("again: {error:?}")))?;
        prop_assert!(!again.changed, "again: {:#?} after {:#?}", again.steps, apply.steps);
        prop_assert_eq!(&again.errors, &apply.errors);
    }
    Ok(())
}

fn after(documents: &[Written]) -> World {
    reached(engine(), &documents.iter().map(|document| document.0.clone()).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_second_run_has_nothing_to_do(before in vec(document(), 0..=2), document in document()) {
        four_runs(after(&before), &document.0)?;
    }

}

proptest! {
    // Each is run once for each of its steps.
    #![proptest_config(cases(40))]

    #[test]
    fn a_failed_container_is_as_it_was(before in vec(document(), 0..=2), document in document()) {
        failure::everywhere(&after(&before), &document.0)?;
    }

    #[test]
    fn a_failed_network_leaves_all_as_it_was(before in vec(document(), 0..=2), document in document()) {
        failure::of_the_network(&after(&before), &document.0)?;
    }

    #[test]
    fn a_killed_run_is_finished_by_the_next(before in vec(document(), 0..=2), document in document()) {
        kill::everywhere(&after(&before), &document.0)?;
    }
}
