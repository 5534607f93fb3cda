//! Everything that weave made, removed; and nothing else.

use super::{Change, Plan, Step, firewall, lane};
use crate::Result;
use crate::observed::Observed;

/// The tunnel goes first, so that nothing is carried while the guard of its port goes; the packet filter goes last.
pub(super) fn plan(observed: &Observed) -> Result<Plan> {
    let mut plan = Plan::default();
    for (link, _) in observed.vxlans() {
        plan.base.push(Step::DeleteLink { link: link.name.clone() });
        plan.change(Change::new("router", "state", "running", ()));
    }
    let mut attached = Vec::new();
    for (link, mark) in observed.attachments() {
        attached.push(link.name.clone());
        plan.change(Change::new(format!("containers.{}", mark.container()), "interface", mark.interface, ()));
    }
    plan.base.extend(lane::delete_links(attached, observed));
    if let Some((link, ..)) = observed.bridge() {
        plan.base.push(Step::DeleteLink { link: link.name.clone() });
        plan.change(Change::new("router", "bridge", &link.name, ()));
    }
    if let Some(state) = &observed.firewall {
        firewall::remove(state, &mut plan);
    }
    Ok(plan)
}
