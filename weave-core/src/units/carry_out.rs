//! Does what was planned for units, and puts it back where a step fails.

use super::plan::{UnitPlan, undo};
use super::{UnitStep, Units};
use crate::host::Host;
use crate::{Error, Result};

/// What was done, and what was before.
#[derive(Debug, Default)]
pub(crate) struct UnitsDone {
    /// What was planned, and with a host done.
    pub(crate) plan: UnitPlan,
    before: Units,
    done: Vec<UnitStep>,
}

/// Does all steps of `plan`.
///
/// # Errors
/// That of the first step that failed; what was done before is put back, and what could not be stands in it.
pub(crate) async fn carry_out<H: Host>(host: &H, plan: UnitPlan, before: Units) -> Result<UnitsDone> {
    let mut all = UnitsDone { plan, before, done: Vec::new() };
    for step in all.plan.steps.clone() {
        match host.execute_unit(&step).await {
            Ok(()) => {}
            Err(error) if step.is_courtesy() => all.plan.warnings.push(format!("`{step}` failed: {error}")),
            Err(error) => {
                // One that did not come up may still be trying.
                all.done.extend(matches!(step, UnitStep::Start(_) | UnitStep::Restart(_)).then_some(step));
                return Err(all.undo(host, error).await);
            }
        }
        all.done.push(step);
    }
    Ok(all)
}

impl UnitsDone {
    /// What would be done.
    pub(crate) fn planned(plan: UnitPlan) -> Self {
        Self { plan, ..Self::default() }
    }

    /// Puts everything back, because of `error`.
    pub(crate) async fn undo<H: Host>(&self, host: &H, error: Error) -> Error {
        let mut left = error.what_is_left().to_vec();
        for step in undo(&self.done, &self.before) {
            if let Err(why) = host.execute_unit(&step).await {
                left.push(format!("{step} ({why})"));
            }
        }
        error.left(left)
    }
}
