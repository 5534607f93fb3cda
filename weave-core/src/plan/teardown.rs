//! Everything that weave made, removed; and nothing else.

use super::{Change, Plan, classic, firewall, lane};
use crate::Result;
use crate::observed::Observed;

/// All links go at once: the kernel waits once for each message, and nothing is carried while the guard of the tunnel's
/// port goes. The packet filter goes last.
pub(super) fn plan(observed: &Observed) -> Result<Plan> {
    let mut plan = Plan::default();
    let mut links = Vec::new();
    classic::drop_rules(observed, &mut plan);
    if let Some((link, ..)) = observed.bridge() {
        links.push(link.name.as_str().into());
        plan.change(Change::new("router", "bridge", &link.name, ()));
    }
    for (link, _) in observed.vxlans() {
        links.push(link.name.as_str().into());
        plan.change(Change::new("router", "state", "running", ()));
    }
    if let Some((link, _)) = observed.router_port() {
        links.push(link.name.as_str().into());
        plan.change(Change::new("router", "state", "running", ()));
    }
    for (link, mark) in observed.attachments() {
        links.push(link.name.as_str().into());
        plan.change(Change::new(format!("containers.{}", mark.container()), "interface", mark.interface, ()));
    }
    plan.base.extend(lane::delete_links(links, observed));
    if let Some(state) = &observed.firewall {
        firewall::remove(state, &mut plan)?;
    }
    Ok(plan)
}
