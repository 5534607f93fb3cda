//! Whenever weave is killed, the next run ends where the first one would have.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use weave_core::apply::Mode;
use weave_core::spec::HostDocument;

use super::failure::told;
use super::scene::{Look, applied, apply, faulty, looks};
use super::{nothing_is_left, nothing_is_lost};
use crate::support::memory_host::{Faults, MemoryHost, World};

/// All containers, with addresses as far as the document names them: those that somebody gave by hand to a container
/// that is made anew are only known to the run that does it.
fn said(world: &World, document: &HostDocument) -> BTreeMap<String, Look> {
    let mut looks = looks(world);
    for (name, look) in &mut looks {
        let mut entries = document.containers.iter().flat_map(|named| &named.0);
        if !entries.any(|(container, attached)| container.to_string() == *name && attached.ips.is_some()) {
            look.attached = Value::Null;
        }
    }
    looks
}

/// Kills `document` before each of its steps, and runs it again.
pub(super) fn everywhere(world: &World, document: &HostDocument) -> Result<(), TestCaseError> {
    let whole = MemoryHost::new(world.clone());
    let Ok(report) = applied(&whole, document, Mode::Apply) else { return Ok(()) };
    if !report.is_ok() {
        return Ok(());
    }
    for at in 0..whole.asked().steps() {
        let killed = faulty(world, Faults { killed: Some(at), ..Faults::default() });
        prop_assert!(apply(&killed, document, Mode::Apply).is_none());
        nothing_is_lost(world, &killed.world(), &[document])?;
        let host = MemoryHost::new(killed.world().clone());
        let report = applied(&host, document, Mode::Apply).map_err(|error| {
            TestCaseError::fail(format!("killed after {:#?}\nthen {:#?}: {error:?}", told(&killed), told(&host)))
        })?;
        let course = || format!("killed after {:#?}\nthen {:#?}", told(&killed), told(&host));
        prop_assert!(report.is_ok(), "{}: {:?}", course(), report.errors);
        prop_assert_eq!(said(&whole.world(), document), said(&host.world(), document), "{}", course());
        nothing_is_lost(world, &host.world(), &[document])?;
        nothing_is_left(&host.world())?;
        let again = applied(&host, document, Mode::Check).unwrap();
        prop_assert!(!again.changed, "{}: {:?}", course(), again.steps);
    }
    Ok(())
}
