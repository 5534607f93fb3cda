//! Both ends of the interfaces that weave made, brought together.

use std::collections::BTreeMap;

use ipnetwork::IpNetwork;

use super::{AttachmentMark, Link, Observed, Target, TargetNet};
use crate::spec::ContainerRef;

/// An interface that weave made: both ends, and where the far one is.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    /// The host end.
    pub(crate) host: &'a Link,
    /// The end in the container.
    pub(crate) inner: &'a Link,
    /// The container.
    pub(crate) net: &'a TargetNet,
}

fn is_other_end(link: &Link, mark: &AttachmentMark, net: &TargetNet, inner: &Link) -> bool {
    mark.inode == net.netns.inode && is_linked(link, inner)
}

/// Whether each names the other as its other end. Namespaces count their links each for itself.
pub(crate) fn is_linked(link: &Link, inner: &Link) -> bool {
    link.peer_index == Some(inner.index) && inner.peer_index == Some(link.index)
}

/// All interfaces that weave made, as far as their containers were found.
pub(crate) fn pairs(observed: &Observed) -> impl Iterator<Item = (Pair<'_>, AttachmentMark, &ContainerRef)> {
    let nets: BTreeMap<u64, (&ContainerRef, &TargetNet)> = observed
        .targets
        .iter()
        .filter_map(|(container, target)| match target {
            Target::Found(net) => Some((net.netns.inode, (container, &**net))),
            Target::Problem(_) => None,
        })
        .collect();
    observed.attachments().filter_map(move |(host, mark)| {
        let (container, net) = nets.get(&mark.inode)?;
        let inner = net.links.iter().find(|inner| is_other_end(host, &mark, net, inner))?;
        Some((Pair { host, inner, net }, mark, *container))
    })
}

/// One attachment as the host's links show it, with its inside where that was found.
pub struct AttachedLink<'a> {
    /// The host end.
    pub host: &'a Link,
    /// What is written on it.
    pub mark: AttachmentMark,
    /// The other end and its namespace.
    pub inner: Option<(&'a Link, &'a TargetNet)>,
}

/// All attachments of the host.
pub fn attached(observed: &Observed) -> Vec<AttachedLink<'_>> {
    let found: BTreeMap<u32, (&Link, &TargetNet)> =
        pairs(observed).map(|(pair, ..)| (pair.host.index, (pair.inner, pair.net))).collect();
    observed
        .attachments()
        .map(|(host, mark)| AttachedLink { host, mark, inner: found.get(&host.index).copied() })
        .collect()
}

/// Networks of the addresses that containers of this host have.
pub fn attached_networks(observed: &Observed) -> Vec<IpNetwork> {
    pairs(observed).flat_map(|(pair, ..)| pair.net.addresses_of(pair.inner.index)).map(|ip| ip.network()).collect()
}
