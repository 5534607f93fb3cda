//! What an operation did, in one shape for every caller.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::Error;
use crate::apply::containers::LaneDone;
use crate::apply::{Converged, Mode, in_words};
use crate::error::ErrorReport;
use crate::plan::container::{ContainerStep, DIGEST};
use crate::plan::{Change, Plan, document};
use crate::spec::HostDocument;
use crate::units::UnitsDone;
use crate::units::plan::UnitPlan;

/// What an operation did, or in check mode would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[must_use]
pub struct Report {
    /// The operation: `attach`, `apply`, …
    pub operation: String,
    /// Whether it stopped after the plan.
    pub check: bool,
    /// Whether anything was, or would be, changed.
    pub changed: bool,
    /// What changed, in the words of a document.
    pub changes: Vec<Change>,
    /// What was done, each as the command line it equals.
    pub steps: Vec<String>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// Containers that could not be served, while the rest of the document was. Not empty means failure.
    pub errors: Vec<ErrorReport>,
    /// The host afterwards as a document, as far as it was looked at. `apply` accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<HostDocument>,
    /// What a reading operation read: the rows of `ps`, the findings of `preflight`, the details of `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

impl Report {
    /// The report of a change.
    pub(super) fn of(operation: &str, mode: Mode, done: Converged) -> Self {
        let Converged { plan, done: mut steps, observed, scope } = done;
        steps.extend(in_words(plan.steps()));
        let Plan { changes, warnings, problems, lanes, base, last, .. } = plan;
        // What has been told goes before the rest is: with a thousand containers each of these is large.
        drop((lanes, base, last));
        let state = document(&observed, &scope);
        drop((observed, scope));
        Self {
            operation: operation.to_owned(),
            check: mode == Mode::Check,
            changed: !steps.is_empty(),
            changes,
            steps,
            warnings,
            errors: problems.into_iter().map(|(_, error)| error.op(operation).report()).collect(),
            state: Some(state),
            result: None,
        }
    }

    /// What was done with containers, before what was done with the network; and all errors.
    pub(super) fn add(&mut self, lanes: &[LaneDone], errors: &[Error]) {
        // Of one that failed nothing is left but what could not be finished.
        let sound = || lanes.iter().filter(|lane| lane.error.is_none() || !lane.done.is_empty());
        // An image comes in once, whoever needs it.
        let mut images = BTreeSet::new();
        let mut is_new = |step: &ContainerStep| step.fetches().is_none_or(|image| images.insert(image));
        let steps = sound().flat_map(LaneDone::steps).filter(|step| is_new(step));
        let steps: Vec<String> = steps.map(ToString::to_string).collect();
        self.changed |= !steps.is_empty();
        self.steps.splice(0..0, steps);
        let mut fetched = BTreeSet::new();
        let changes = sound().flat_map(|lane| &lane.lane.changes);
        let changes = changes.filter(|change| change.field != DIGEST || fetched.insert(change.subject.clone()));
        self.changes.splice(0..0, changes.cloned());
        self.warnings.extend(lanes.iter().flat_map(|lane| lane.lane.warnings.clone()));
        self.errors = errors.iter().map(|error| error.clone().op(&self.operation).report()).collect();
    }

    /// The report of a change of units alone.
    pub(super) fn of_units(operation: &str, mode: Mode, units: &UnitsDone) -> Self {
        let nothing = Self { result: None, ..Self::read(operation, None, Value::Null) };
        let mut report = Self { check: mode == Mode::Check, ..nothing };
        report.add_units(units);
        report
    }

    /// What was done with units, before all else.
    pub(super) fn add_units(&mut self, units: &UnitsDone) {
        let UnitPlan { steps, changes, warnings } = &units.plan;
        self.changed |= !steps.is_empty();
        self.steps.splice(0..0, steps.iter().map(ToString::to_string));
        self.changes.splice(0..0, changes.iter().cloned());
        self.warnings.splice(0..0, warnings.iter().cloned());
    }

    /// The report of a look.
    pub(super) fn read(operation: &str, state: Option<HostDocument>, result: Value) -> Self {
        Self {
            operation: operation.to_owned(),
            check: false,
            changed: false,
            changes: Vec::new(),
            steps: Vec::new(),
            warnings: Vec::new(),
            errors: Vec::new(),
            state,
            result: Some(result),
        }
    }

    /// Whether every part of it succeeded.
    pub fn is_ok(&self) -> bool {
        self.errors.is_empty()
    }
}
