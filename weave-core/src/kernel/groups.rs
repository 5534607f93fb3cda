//! Many links in one deletion. Each deletion waits for the kernel's grace period, some 20 ms; a group waits once.

use std::collections::HashSet;
use std::sync::Arc;

use super::look;
use super::refused::Failure;
use crate::netlink::{Refusal, Socket, encode};
use crate::observed::Link;
use crate::{Error, ErrorKind};

/// Puts those of `names` that are there into `group`, if they are elsewhere, and deletes the group; all or nothing.
pub(super) fn delete(socket: &mut Socket, names: &[Arc<str>], group: u32) -> Result<(), Failure> {
    let names: HashSet<&str> = names.iter().map(|name| &**name).collect();
    let links = look::links(socket)?;
    let (mine, others): (Vec<&Link>, Vec<&Link>) = links.iter().partition(|link| names.contains(link.name.as_str()));
    // Group 0 is where every link is that nobody put elsewhere.
    if let Some(other) = others.iter().find(|link| group == 0 || link.group == group) {
        let message = format!("group {group} cannot be deleted: {} is in it", other.name);
        return Err(Error::new(ErrorKind::Conflict, other.name.clone(), message).into());
    }
    if mine.is_empty() {
        return Ok(());
    }
    let elsewhere: Vec<&Link> = mine.into_iter().filter(|link| link.group != group).collect();
    let answers = socket.batch(elsewhere.iter().map(|link| encode::set_group(link.index, group)));
    let refused = answers.into_iter().filter_map(Result::err).find(|refusal| !refusal.is_gone());
    let deleted = match refused {
        Some(refusal) => Err(refusal),
        None => socket.send_one(encode::delete_group(group)),
    };
    match deleted {
        // All of them were gone before.
        Err(refusal) if !refusal.is_gone() => Err(undo(socket, &elsewhere, names.len(), &refusal).into()),
        _ => Ok(()),
    }
}

/// Gives the links their groups back.
fn undo(socket: &mut Socket, links: &[&Link], count: usize, refusal: &Refusal) -> Error {
    let answers = socket.batch(links.iter().map(|link| encode::set_group(link.index, link.group)));
    let left = links.iter().zip(answers).filter_map(|(link, answer)| {
        let refusal = answer.err().filter(|refusal| !refusal.is_gone())?;
        Some(format!("ip link set {} group {}: {refusal}", link.name, link.group))
    });
    refusal.error("host", format!("delete {count} links by their group")).left(left.collect())
}
