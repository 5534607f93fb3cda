//! Whatever step of a container fails, it is as it was, and the others are done.

use std::collections::BTreeSet;

use proptest::prelude::*;
use weave_core::apply::Mode;
use weave_core::names;
use weave_core::plan::container::ContainerStep;
use weave_core::spec::HostDocument;

use super::scene::{applied, faulty, identity, looks};
use super::{nothing_is_left, nothing_is_lost};
use crate::support::memory_host::{Faults, MemoryHost, World};

/// The container that one called `name` is, stands for, or holds the network of.
fn own(name: &str) -> &str {
    let name = names::swapped(name);
    name.strip_suffix(".weave-net").unwrap_or(name)
}

/// The container that a step is about; `None` for one that is about an image.
fn about(step: &ContainerStep) -> Option<&str> {
    match step {
        ContainerStep::Pull { .. }
        | ContainerStep::Load { .. }
        | ContainerStep::Unload { .. }
        | ContainerStep::DropVolume { .. } => None,
        ContainerStep::Create { name, .. }
        | ContainerStep::Start { name }
        | ContainerStep::Stop { name }
        | ContainerStep::Rename { from: name, .. }
        | ContainerStep::Update { name, .. }
        | ContainerStep::Remove { name, .. } => Some(own(name)),
    }
}

/// Fails `document` at each step of a container.
pub(super) fn everywhere(world: &World, document: &HostDocument) -> Result<(), TestCaseError> {
    let whole = MemoryHost::new(world.clone());
    let Ok(report) = applied(&whole, document, Mode::Apply) else { return Ok(()) };
    if !report.is_ok() {
        return Ok(());
    }
    for at in 0..whole.asked().containers.len() {
        let host = faulty(world, Faults { container: Some(at), ..Faults::default() });
        let report = applied(&host, document, Mode::Apply)
            .map_err(|error| TestCaseError::fail(format!("at {at}: {error:?}")))?;
        let step = host.asked().containers[at].clone();
        let bound = bound(world, document, &step);
        // A container does not start again while one that it was linked to is another by now; then weave says so.
        let said = bound.is_some() && report.errors.iter().any(|error| !error.left.is_empty());
        if !said {
            failed_at(world, &whole.world(), &host.world(), &step, bound)
                .map_err(|error| TestCaseError::fail(format!("{step}: {error}\n{:#?}", told(&host))))?;
        }
        nothing_is_lost(world, &host.world(), &[document])?;
        let refused = report.errors.iter().filter(|error| error.message.starts_with("refused")).count();
        prop_assert_eq!(refused, 1, "{}: {:?}", step, report.errors);
        prop_assert!(report.errors.len() == 1 || bound.is_some(), "{}: {:?}", step, report.errors);
        // And the next run does it.
        let again = MemoryHost::new(host.world().clone());
        let report = applied(&again, document, Mode::Apply).unwrap();
        prop_assert!(report.is_ok(), "{:?}", report.errors);
        // One that could not start again has stopped, and a document may leave alone whether it runs.
        if !said {
            prop_assert_eq!(looks(&whole.world()), looks(&again.world()));
        }
        nothing_is_left(&again.world())?;
    }
    Ok(())
}

pub(super) fn told(host: &MemoryHost) -> Vec<String> {
    host.asked().containers.iter().map(ToString::to_string).collect()
}

/// The other one, where the container that `step` is about is one of two that are linked.
fn bound(before: &World, document: &HostDocument, step: &ContainerStep) -> Option<&'static str> {
    let mut entries = document.containers.iter().flat_map(|named| &named.0);
    let links = entries.any(|(_, entry)| entry.options.as_ref().is_some_and(|options| !options.link.is_empty()));
    let web = before.engine.containers.get("web");
    let linked = links || web.is_some_and(|web| web.container.host_config["Links"].is_array());
    match about(step).filter(|_| linked) {
        Some("web") => Some("db"),
        Some("db") => Some("web"),
        _ => None,
    }
}

fn failed_at(
    before: &World,
    whole: &World,
    after: &World,
    step: &ContainerStep,
    bound: Option<&str>,
) -> Result<(), TestCaseError> {
    let (old, wanted, now) = (looks(before), looks(whole), looks(after));
    // Only one container has an image that has to be fetched, or a holder that needs one.
    let failed = about(step).unwrap_or("api");
    let is_end = matches!(step, ContainerStep::Remove { name, .. } if *name != failed);
    let names: BTreeSet<&String> = old.keys().chain(wanted.keys()).chain(now.keys()).collect();
    for name in names {
        if is_end && own(name) == failed && name != failed {
            // What was replaced could not be removed.
            continue;
        }
        if own(name) == failed && !is_end {
            prop_assert_eq!(old.get(name), now.get(name), "{} is not as it was", name);
            prop_assert_eq!(identity(before, name), identity(after, name));
        } else if bound != Some(name) || old.get(name) != now.get(name) {
            prop_assert_eq!(wanted.get(name), now.get(name), "{} is not as wanted", name);
        }
    }
    Ok(())
}

/// Fails `document` at each step of the network, which is the error of all of it: everything is as it was.
pub(super) fn of_the_network(world: &World, document: &HostDocument) -> Result<(), TestCaseError> {
    let whole = MemoryHost::new(world.clone());
    if applied(&whole, document, Mode::Apply).is_err() {
        return Ok(());
    }
    for at in 0..whole.asked().forward.len() {
        let host = faulty(world, Faults { at: Some(at), ..Faults::default() });
        let Err(error) = applied(&host, document, Mode::Apply) else {
            return Err(TestCaseError::fail(format!("at {at}: no error")));
        };
        // A link may lead to one that is another by now.
        if error.report().left.is_empty() {
            prop_assert_eq!(looks(world), looks(&host.world()), "{:?}\n{:#?}", error, told(&host));
        }
        nothing_is_lost(world, &host.world(), &[document])?;
        nothing_is_left(&host.world())?;
    }
    Ok(())
}
