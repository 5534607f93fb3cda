//! Taking over what a router in a container, or the script that launched it, has made of the network: the bridge and
//! the router's port on it are marked, and nothing else changes. After a reboot a router that the engine starts again
//! makes both by itself, too.

use crate::names;
use crate::observed::{BridgeMark, LinkKind, Mark, Observed, RouterPortMark};
use crate::plan::{Change, Intent, RouterIntent, Step};
use crate::spec::RouterKind;

/// Marks for links that nobody has marked, where kind `image` is asked for by its name.
pub(crate) fn adoption(intent: &Intent, observed: &Observed) -> Vec<Step> {
    let RouterIntent::Present(router) = &intent.router else { return Vec::new() };
    if router.kind != Some(RouterKind::Image) || observed.router_port().is_some() {
        return Vec::new();
    }
    let name = router.bridge.as_ref().map_or(names::BRIDGE, |bridge| bridge.as_str());
    let marked = observed.bridge().map(|(link, ..)| link);
    let unmarked = observed.link(name).filter(|link| matches!(link.kind, LinkKind::Bridge(_)) && link.alias.is_none());
    let Some(bridge) = marked.or(unmarked) else { return Vec::new() };
    let is_port = |port: &&crate::observed::Link| {
        port.kind == LinkKind::Veth && port.alias.is_none() && port.master == Some(bridge.index)
    };
    let Some(port) = observed.link(names::BRIDGE_END).filter(is_port) else { return Vec::new() };
    // The other end is the router's, here on the host, by one of the names that it gives to it.
    if !observed.other_end(port).is_some_and(|end| names::ROUTER_ENDS.contains(&end.name.as_str())) {
        return Vec::new();
    }
    let mark = |link: &crate::observed::Link, mark: Mark| Step::SetMark {
        link: link.name.as_str().into(),
        mark: Box::new(mark),
        before: None,
    };
    let first = marked.is_none().then(|| mark(bridge, Mark::Bridge(BridgeMark::default())));
    let second = mark(
        port,
        Mark::RouterPort(RouterPortMark {
            container: router.name.clone().unwrap_or_else(|| names::ROUTER.to_owned()),
            control: router.control_port.unwrap_or(names::CONTROL_PORT),
            port: router.port.unwrap_or(names::PORT),
        }),
    );
    first.into_iter().chain([second]).collect()
}

/// The host as it is with the marks on it.
pub(crate) fn adopted(marks: &[Step], observed: &mut Observed) {
    for step in marks {
        let Step::SetMark { link, mark, .. } = step else { continue };
        if let Some(link) = observed.links.iter_mut().find(|other| *other.name == **link) {
            link.alias = Some(mark.to_string());
        }
    }
}

/// The same in the words of a document.
pub(crate) fn adoption_told(marks: &[Step]) -> Vec<Change> {
    let told = |step: &Step| match step {
        Step::SetMark { link, .. } => Some(Change::new("router", "adopts", (), link)),
        _ => None,
    };
    marks.iter().filter_map(told).collect()
}
