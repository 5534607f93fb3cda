//! What a container needs to reach a port that leads to itself: frames that go back where they came from.
//!
//! Where `br_netfilter` has the packet filter see bridged frames, one that is redirected to an address behind the same
//! bridge stays a bridged frame, and a bridge sends none back through the port that it came in at, unless that port is
//! in hairpin mode. Others are left out of it: in that mode a sender hears its own broadcasts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::observed::{AttachmentMark, Mark, Observed, PublishedPort, Target, pairs};
use crate::plan::{Change, Place, Plan, Step};
use crate::spec::ContainerRef;

/// The host end of an interface, as it will be.
struct End {
    name: Arc<str>,
    container: ContainerRef,
    hairpin: bool,
    addresses: BTreeSet<IpAddr>,
}

/// An interface: the number of the namespace, and its name there.
type Key = (u64, Arc<str>);

/// Steps for all interfaces that were looked at or are made, at the end, when all addresses are there.
pub(in crate::plan) fn plan(observed: &Observed, wanted: &BTreeSet<PublishedPort>, plan: &mut Plan) {
    let wanted = match (&observed.firewall, &observed.published) {
        (Some(_), _) => wanted,
        (None, Some(published)) => published,
        (None, None) => return,
    };
    let mut steps = Vec::new();
    for end in ends(observed, plan).into_values() {
        let on = wanted.iter().any(|port| end.addresses.contains(&port.to));
        if on != end.hairpin {
            let subject = format!("containers.{}", end.container);
            plan.change(Change::new(subject, "hairpin", end.hairpin, on));
            steps.push(Step::SetHairpin { link: end.name, on, before: end.hairpin });
        }
    }
    plan.last.splice(0..0, steps);
}

/// The host ends that will be there, with the addresses of their other ends.
fn ends(observed: &Observed, plan: &Plan) -> BTreeMap<Key, End> {
    let there = pairs(observed).map(|(pair, mark, container)| {
        let addresses = pair.net.addresses_of(pair.inner.index).map(|ip| ip.ip()).collect();
        let (name, hairpin) = (pair.host.name.as_str().into(), pair.host.hairpin == Some(true));
        ((pair.net.netns.inode, mark.interface), End { name, container: container.clone(), hairpin, addresses })
    });
    let mut ends: BTreeMap<Key, End> = there.collect();
    let key = |container: &ContainerRef, link: &Arc<str>| match observed.targets.get(container) {
        Some(Target::Found(net)) => Some((net.netns.inode, link.clone())),
        _ => None,
    };
    for step in plan.steps() {
        match step {
            Step::CreateVeth(new) => {
                let (name, container) = (new.name.clone(), new.target.clone());
                let end = End { name, container, hairpin: false, addresses: BTreeSet::new() };
                ends.extend(key(&new.target, &new.interface).map(|key| (key, end)));
            }
            Step::AddAddress { place: Place::Target(container), link, address } => {
                let end = key(container, link).and_then(|key| ends.get_mut(&key));
                if let Some(end) = end {
                    end.addresses.insert(address.ip());
                }
            }
            Step::DeleteAddress { place: Place::Target(container), link, address } => {
                let end = key(container, link).and_then(|key| ends.get_mut(&key));
                if let Some(end) = end {
                    end.addresses.remove(&address.ip());
                }
            }
            Step::DeleteLink { link } => ends.retain(|_, end| end.name != *link),
            Step::DeleteLinks { links, .. } => ends.retain(|_, end| !links.contains(&end.name)),
            // What the classic script made, and is taken over, is in hairpin mode.
            Step::SetMark { link, mark, .. } => {
                if let Mark::Attachment(mark) = &**mark
                    && let Some(end) = taken_over(observed, link, mark)
                {
                    ends.entry((mark.inode, mark.interface.clone())).or_insert(end);
                }
            }
            // A port that is plugged in again begins anew.
            Step::SetMaster { link, .. } => {
                ends.values_mut().filter(|end| end.name == *link).for_each(|end| end.hairpin = false);
            }
            _ => {}
        }
    }
    ends
}

/// A host end that is about to be marked as weave's, with the other end that the mark tells.
fn taken_over(observed: &Observed, link: &Arc<str>, mark: &AttachmentMark) -> Option<End> {
    let targets = observed.targets.iter().filter_map(|(container, target)| match target {
        Target::Found(net) => Some((container, net)),
        Target::Problem(_) => None,
    });
    let (container, net) = targets.into_iter().find(|(_, net)| net.netns.inode == mark.inode)?;
    let inner = net.link(&mark.interface)?;
    Some(End {
        name: link.clone(),
        container: container.clone(),
        hairpin: observed.link(link)?.hairpin == Some(true),
        addresses: net.addresses_of(inner.index).map(|ip| ip.ip()).collect(),
    })
}
