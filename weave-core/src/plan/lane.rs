//! Pieces that attaching, detaching and undoing share.

use std::collections::BTreeSet;

use super::Step;
use crate::names;
use crate::observed::Observed;

/// Removes links of the host: one by itself, several in one message by their group.
///
/// The kernel waits once for each message, about 20 ms, and not once for each link.
pub(super) fn delete_links(mut links: Vec<String>, observed: &Observed) -> Option<Step> {
    match links.len() {
        0 => None,
        1 => links.pop().map(|link| Step::DeleteLink { link }),
        _ => {
            let group = common_group(&links, observed).unwrap_or_else(|| unused_group(observed));
            Some(Step::DeleteLinks { links, group })
        }
    }
}

/// The group that all of `links` are in and nobody else is: to put a thousand links into one takes longer than to
/// delete them. Group 0 is where every link is by default.
fn common_group(links: &[String], observed: &Observed) -> Option<u32> {
    let wanted: BTreeSet<&str> = links.iter().map(String::as_str).collect();
    let group = observed.link(links.first()?)?.group;
    let members = observed.links.iter().filter(|link| link.group == group);
    let members: BTreeSet<&str> = members.map(|link| link.name.as_str()).collect();
    (group != 0 && members == wanted).then_some(group)
}

/// A group that no link is in.
pub(super) fn unused_group(observed: &Observed) -> u32 {
    let used: BTreeSet<u32> = observed.links.iter().map(|link| link.group).collect();
    (names::GROUP..).find(|group| !used.contains(group)).unwrap_or(names::GROUP)
}
