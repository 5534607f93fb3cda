//! The flood list: one entry for each peer, all of a step or none.

use super::refused::{Failure, unless_gone};
use crate::Error;
use crate::netlink::{Message, Refusal, Socket, encode};
use crate::observed::Flood;

/// Entries after which a refusal is looked for.
const PIECE: usize = 1000;

/// Adds all of `peers`, or none.
pub(super) fn add(socket: &mut Socket, link: u32, peers: &[Flood]) -> Result<(), Failure> {
    change(socket, peers, |peer| encode::add_flood(link, peer), |peer| encode::delete_flood(link, peer))
}

/// Deletes all of `peers`, or none.
pub(super) fn delete(socket: &mut Socket, link: u32, peers: &[Flood]) -> Result<(), Failure> {
    change(socket, peers, |peer| encode::delete_flood(link, peer), |peer| encode::add_flood(link, peer))
}

fn change(
    socket: &mut Socket,
    peers: &[Flood],
    forward: impl Fn(Flood) -> Message,
    back: impl Fn(Flood) -> Message,
) -> Result<(), Failure> {
    let mut done: Vec<Flood> = Vec::with_capacity(peers.len());
    for piece in peers.chunks(PIECE) {
        let answers = socket.batch(piece.iter().copied().map(&forward).collect());
        let mut refused = None;
        for (peer, answer) in piece.iter().zip(answers) {
            match unless_deleted(answer, &forward(*peer)) {
                Ok(()) => done.push(*peer),
                Err(refusal) => refused = refused.or(Some((*peer, refusal))),
            }
        }
        if let Some((peer, refusal)) = refused {
            return Err(undo(socket, &done, back).describe(peer, &refusal).into());
        }
    }
    Ok(())
}

/// An entry that should go and is gone is no failure.
fn unless_deleted(answer: Result<(), Refusal>, message: &Message) -> Result<(), Refusal> {
    use netlink_packet_core::NetlinkPayload::InnerMessage;
    use netlink_packet_route::RouteNetlinkMessage::DelNeighbour;
    if matches!(message.payload, InnerMessage(DelNeighbour(_))) { unless_gone(answer) } else { answer }
}

struct Left(Vec<String>);

impl Left {
    fn describe(self, peer: Flood, refusal: &Refusal) -> Error {
        refusal.error(format!("peer {}", peer.address), "change the flood list").left(self.0)
    }
}

fn undo(socket: &mut Socket, done: &[Flood], back: impl Fn(Flood) -> Message) -> Left {
    let answers = socket.batch(done.iter().rev().copied().map(back).collect());
    let left = done.iter().rev().zip(answers);
    Left(left.filter_map(|(peer, answer)| Some(format!("peer {}: {}", peer.address, answer.err()?))).collect())
}
