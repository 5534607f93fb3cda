//! The way back: what puts a step's subject as it was before.

mod again;
mod lost;

use std::collections::HashSet;
use std::sync::Arc;

use super::container::ContainerStep;
use super::lane::delete_links;
use super::{ControlStep, Place, Step, peers};
use crate::names;
use crate::observed::{InterfaceAddress, InterfaceRoute, Link, Mark, Observed, Target};
use crate::spec::ContainerRef;
use again::again;

/// Steps that undo `done`, last first. `before` is what was seen before the first of them.
pub fn undo(done: &[&Step], before: &Observed) -> Vec<Step> {
    let made = Made::of(done);
    let mut back = Vec::new();
    let mut veths = Vec::new();
    for step in done.iter().copied().rev() {
        // Interfaces made in this run go together at the end: one by one each would cost the kernel 20 ms, and what
        // was done inside them goes with them.
        if let Step::CreateVeth(new) = step {
            veths.push(new.name.clone());
            continue;
        }
        back.extend(one(step, before).into_iter().filter(|step| !made.has_inside(step)));
    }
    // A bridge that was made in this run can only go after its ports.
    let at = back
        .iter()
        .position(|step| matches!(step, Step::DeleteLink { link } if before.link(link).is_none()))
        .unwrap_or(back.len());
    for (offset, step) in delete_links(veths, before).into_iter().enumerate() {
        back.insert(at + offset, step);
    }
    // What was gone before its own step came is put back once.
    let lost = lost::steps(done, before);
    back.retain(|step| !lost.contains(step));
    back.extend(lost);
    back
}

/// Containers' ends of the pairs that were made.
struct Made<'a>(HashSet<(&'a ContainerRef, &'a str)>);

impl<'a> Made<'a> {
    fn of(done: &[&'a Step]) -> Self {
        let end = |step: &&'a Step| match *step {
            Step::CreateVeth(new) => Some((&new.target, &*new.interface)),
            _ => None,
        };
        Self(done.iter().filter_map(end).collect())
    }

    /// Whether `step` acts on one of them.
    fn has_inside(&self, step: &Step) -> bool {
        match step {
            Step::SetIpv6 { place: Place::Target(target), link, .. }
            | Step::SetUp { place: Place::Target(target), link, .. }
            | Step::SetMtu { place: Place::Target(target), link, .. }
            | Step::SetMac { place: Place::Target(target), link, .. }
            | Step::SetOffload { place: Place::Target(target), link, .. }
            | Step::AddAddress { place: Place::Target(target), link, .. }
            | Step::DeleteAddress { place: Place::Target(target), link, .. }
            | Step::AddRoute { place: Place::Target(target), link, .. }
            | Step::DeleteRoute { place: Place::Target(target), link, .. } => self.0.contains(&(target, &**link)),
            _ => false,
        }
    }
}

fn one(step: &Step, observed: &Observed) -> Vec<Step> {
    let step = step.clone();
    match step {
        Step::CreateBridge(new) => vec![Step::DeleteLink { link: new.name }],
        Step::CreateVxlan(new) => vec![Step::DeleteLink { link: new.name }],
        Step::CreateVeth(new) => vec![Step::DeleteLink { link: new.name }],
        Step::CreateRouterPair(new) => vec![Step::DeleteLink { link: new.bridge_end }],
        Step::DeleteLink { link } => again(&[link], observed),
        Step::DeleteLinks { links, .. } => again(&links, observed),
        Step::SetMark { link, mark, before } => match before.as_deref().and_then(Mark::parse) {
            Some(old) => vec![Step::SetMark { link, mark: Box::new(old), before: Some(mark.to_string()) }],
            None if before.is_none() => vec![Step::ClearMark { link, mark }],
            None => Vec::new(),
        },
        Step::ClearMark { link, mark } => vec![Step::SetMark { link, mark, before: None }],
        Step::SetBridge { link, stp, multicast_snooping, before } => vec![Step::SetBridge {
            link,
            stp: before.0,
            multicast_snooping: before.1,
            before: (stp, multicast_snooping),
        }],
        Step::SetTunnel { link, local, learning, before } => {
            vec![Step::SetTunnel { link, local: before.0, learning: before.1, before: (local, learning) }]
        }
        Step::SetMaster { link, bridge, before } => vec![Step::SetMaster { link, bridge: before, before: bridge }],
        Step::SetMtu { place, link, mtu, before } => set_mtu(place, link, (mtu, before), observed),
        Step::SetMac { place, link, mac, before } => vec![Step::SetMac { place, link, mac: before, before: mac }],
        Step::SetUp { place, link, up } => vec![Step::SetUp { place, link, up: !up }],
        Step::SetOffload { place, link, on, before } if on != before => {
            vec![Step::SetOffload { place, link, on: before, before: on }]
        }
        Step::SetIpv6 { place, link, key, value, before } if value != before => {
            vec![Step::SetIpv6 { place, link, key, value: before, before: value }]
        }
        Step::SetLocalnet { link, on, before } if on != before => {
            vec![Step::SetLocalnet { link, on: before, before: on }]
        }
        Step::SetHairpin { link, on, before } => vec![Step::SetHairpin { link, on: before, before: on }],
        Step::AddAddress { place, link, address } => vec![Step::DeleteAddress { place, link, address }],
        Step::DeleteAddress { place, link, address } => vec![Step::AddAddress { place, link, address }],
        Step::AddRoute { place, link, route } => vec![Step::DeleteRoute { place, link, route }],
        Step::DeleteRoute { place, link, route } => vec![Step::AddRoute { place, link, route }],
        Step::AddFlood { link, peers } => vec![Step::DeleteFlood { link, peers }],
        Step::DeleteFlood { link, peers } => vec![Step::AddFlood { link, peers }],
        // What somebody made of the table is not known; as it is now it guards the port.
        Step::SetTable { .. } if observed.firewall.as_ref().is_some_and(|firewall| firewall.damaged) => Vec::new(),
        Step::SetTable { after, before } => vec![Step::SetTable { after: before, before: after }],
        Step::AddAccept(rule) => vec![Step::DeleteAccept(rule)],
        Step::DeleteAccept(rule) => vec![Step::AddAccept(rule)],
        Step::Engine(step) => engine(&step, observed),
        Step::Control(step) => step.undo().map(|back| Step::Control(Box::new(back))).into_iter().collect(),
        // A packet cannot be called back; what was forgotten is learned again; a router makes its rules when it starts;
        // setting a value to what it was needs no
        // undoing.
        Step::Announce { .. }
        | Step::ForgetFlows { .. }
        | Step::DropRouterRules { .. }
        | Step::SetIpv6 { .. }
        | Step::SetOffload { .. }
        | Step::SetLocalnet { .. } => Vec::new(),
    }
}

/// A router that starts again is waited for, since what was asked of it is asked back; and it is told of its peers and
/// addresses: the one that was in its place has written down its own.
fn engine(step: &ContainerStep, observed: &Observed) -> Vec<Step> {
    let Some(back) = step.undo() else { return Vec::new() };
    let control = match &back {
        ContainerStep::Start { name } => control_of(names::swapped(name), observed),
        _ => None,
    };
    let told = control.map(|control| {
        let peers = peers::targets(observed);
        let connect = (!peers.is_empty()).then_some(ControlStep::Connect { control, peers });
        let ready = std::iter::once(ControlStep::Ready { control });
        ready.chain(connect).chain(claims(observed, control)).collect::<Vec<_>>()
    });
    let told = told.into_iter().flatten();
    let told = told.map(|step| Step::Control(Box::new(step)));
    std::iter::once(Step::Engine(Box::new(back))).chain(told).collect()
}

/// Where the router takes orders whose container is called so. Without its port on the bridge it takes none.
fn control_of(name: &str, observed: &Observed) -> Option<u16> {
    observed.router_port().filter(|(_, mark)| mark.container == name).map(|(_, mark)| mark.control)
}

/// The router's books: one with another range begins new ones in their place.
fn claims(observed: &Observed, control: u16) -> impl Iterator<Item = ControlStep> {
    let owned = observed.classic.iter().filter_map(|classic| classic.owned.as_ref()).flatten();
    owned.flat_map(move |(id, addresses)| {
        addresses.iter().map(move |address| ControlStep::Claim {
            control,
            id: id.clone(),
            address: *address,
            insist: true,
        })
    })
}

/// A link that was narrower than IPv6 needs comes back with the kernel's defaults for it.
fn set_mtu(place: Place, link: Arc<str>, (mtu, before): (u32, u32), observed: &Observed) -> Vec<Step> {
    let mut steps = vec![Step::SetMtu { place: place.clone(), link: link.clone(), mtu: before, before: mtu }];
    if let Some(was) = link_in(observed, &place, &link).filter(|_| mtu < names::MTU_MIN_V6) {
        steps.extend(again::ipv6_settings(&place, was));
    }
    steps
}

/// The link called `name` in `place`.
fn link_in<'a>(observed: &'a Observed, place: &Place, name: &str) -> Option<&'a Link> {
    match place {
        Place::Host => observed.link(name),
        Place::Target(container) => match observed.targets.get(container)? {
            Target::Found(net) => net.link(name),
            Target::Problem(_) => None,
        },
    }
}

/// Addresses and routes in `place`.
fn inside<'a>(observed: &'a Observed, place: &Place) -> (&'a [InterfaceAddress], &'a [InterfaceRoute]) {
    match place {
        Place::Host => (&observed.addresses, &observed.routes),
        Place::Target(container) => match observed.targets.get(container) {
            Some(Target::Found(net)) => (&net.addresses, &net.routes),
            _ => (&[], &[]),
        },
    }
}
