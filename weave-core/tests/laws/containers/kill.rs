//! Whenever weave is killed, the next run ends where the first one would have.

use proptest::prelude::*;
use weave_core::apply::Mode;
use weave_core::spec::HostDocument;

use super::failure::told;
use super::scene::{applied, apply, faulty, looks};
use super::{nothing_is_left, nothing_is_lost};
use crate::support::memory_host::{Faults, MemoryHost, World};

/// Kills `document` before each of its steps, and runs it again.
pub(super) fn everywhere(world: &World, document: &HostDocument) -> Result<(), TestCaseError> {
    let whole = MemoryHost::new(world.clone());
    let Ok(report) = applied(&whole, document, Mode::Apply) else { return Ok(()) };
    if !report.is_ok() {
        return Ok(());
    }
    // The last time there is nothing left to do but to write down that it is done.
    for at in 0..=whole.asked().steps() {
        let killed = faulty(world, Faults { killed: Some(at), ..Faults::default() });
        let ended = apply(&killed, document, Mode::Apply).is_some();
        prop_assert!(!ended || at == whole.asked().steps());
        nothing_is_lost(world, &killed.world(), &[document])?;
        let host = MemoryHost::new(killed.world().clone());
        let report = applied(&host, document, Mode::Apply).map_err(|error| {
            TestCaseError::fail(format!("killed after {:#?}\nthen {:#?}: {error:?}", told(&killed), told(&host)))
        })?;
        let course = || format!("killed after {:#?}\nthen {:#?}", told(&killed), told(&host));
        prop_assert!(report.is_ok(), "{}: {:?}", course(), report.errors);
        prop_assert_eq!(looks(&whole.world()), looks(&host.world()), "{}", course());
        prop_assert!(host.world().owed.is_empty(), "{}: {:?}", course(), host.world().owed);
        prop_assert_eq!(report.changed, !report.changes.is_empty(), "{}: {:?}", course(), report.steps);
        nothing_is_lost(world, &host.world(), &[document])?;
        nothing_is_left(&host.world())?;
        let again = applied(&host, document, Mode::Check).unwrap();
        prop_assert!(!again.changed, "{}: {:?}", course(), again.steps);
    }
    Ok(())
}
