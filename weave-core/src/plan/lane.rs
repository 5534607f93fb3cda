//! Pieces that attaching, detaching and undoing share.

use std::collections::BTreeSet;

use super::Step;
use crate::observed::Observed;

/// Removes links of the host: one by itself, several in one message by a group number that nobody uses.
///
/// The kernel waits once for each message, about 20 ms, and not once for each link.
pub(super) fn delete_links(mut links: Vec<String>, observed: &Observed) -> Option<Step> {
    match links.len() {
        0 => None,
        1 => links.pop().map(|link| Step::DeleteLink { link }),
        _ => Some(Step::DeleteLinks { links, group: unused_group(observed) }),
    }
}

/// A group that no link is in. Group 0 is where every link is by default.
pub(super) fn unused_group(observed: &Observed) -> u32 {
    const FIRST: u32 = 6783;
    let used: BTreeSet<u32> = observed.links.iter().map(|link| link.group).collect();
    (FIRST..).find(|group| !used.contains(group)).unwrap_or(FIRST)
}
