//! What is planned for one container, until it is part of the plan.

use std::net::IpAddr;
use std::sync::Arc;

use crate::plan::{Change, Lane, Plan, Step};
use crate::spec::ContainerRef;

/// What is planned for one container.
pub(in crate::plan) struct Draft {
    pub(super) container: ContainerRef,
    pub(super) steps: Vec<Step>,
    pub(super) changes: Vec<Change>,
    pub(super) probe: Vec<IpAddr>,
    /// The host end of the interface to remove.
    pub(super) gone: Option<Arc<str>>,
    /// What the operator should know.
    pub(super) warning: Option<String>,
}

impl Draft {
    pub(super) fn new(container: &ContainerRef) -> Self {
        Self {
            container: container.clone(),
            steps: Vec::new(),
            changes: Vec::new(),
            probe: Vec::new(),
            gone: None,
            warning: None,
        }
    }

    pub(super) fn add_to(mut self, plan: &mut Plan) {
        self.steps.shrink_to_fit();
        plan.lanes.push(Lane { container: self.container, steps: self.steps, probe: self.probe });
        plan.changes.append(&mut self.changes);
        plan.warnings.extend(self.warning);
    }
}
