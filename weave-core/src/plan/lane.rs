//! Pieces that attaching, detaching and undoing share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Step;
use crate::names;
use crate::observed::Observed;

/// Removes links of the host: one by itself, several in one message by their group.
///
/// The kernel waits once for each message, about 20 ms, and not once for each link.
pub(super) fn delete_links(mut links: Vec<Arc<str>>, observed: &Observed) -> Option<Step> {
    match links.len() {
        0 => None,
        1 => links.pop().map(|link| Step::DeleteLink { link }),
        _ => {
            let group = common_group(&links, observed).unwrap_or_else(|| unused_group(observed));
            Some(Step::DeleteLinks { links, group })
        }
    }
}

/// A group of which all members are among `links`, the largest: to put a thousand links into one takes longer than to
/// delete them. Group 0 is where every link is by default.
fn common_group(links: &[Arc<str>], observed: &Observed) -> Option<u32> {
    let wanted: BTreeSet<&str> = links.iter().map(|link| &**link).collect();
    let mut members: BTreeMap<u32, Option<usize>> = BTreeMap::new();
    for link in observed.links.iter().filter(|link| link.group != 0) {
        let count = members.entry(link.group).or_insert(Some(0));
        *count = count.filter(|_| wanted.contains(link.name.as_str())).map(|count| count + 1);
    }
    members.into_iter().filter_map(|(group, count)| Some((count?, group))).max().map(|(_, group)| group)
}

/// A group that no link is in.
pub(super) fn unused_group(observed: &Observed) -> u32 {
    let used: BTreeSet<u32> = observed.links.iter().map(|link| link.group).collect();
    (names::GROUP..).find(|group| !used.contains(group)).unwrap_or(names::GROUP)
}
