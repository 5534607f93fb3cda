//! The flood list: one entry for each peer, all of a step or none.

use super::refused::{Failure, unless_gone};
use crate::netlink::{Message, Refusal, Socket, encode};
use crate::observed::Flood;

/// Entries after which a refusal is looked for.
const PIECE: usize = 1000;

/// Which way the list changes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// Peers come.
    Add,
    /// Peers go.
    Delete,
}

impl Way {
    fn message(self, link: u32, peer: Flood) -> Message {
        match self {
            Self::Add => encode::add_flood(link, peer),
            Self::Delete => encode::delete_flood(link, peer),
        }
    }

    fn back(self) -> Self {
        match self {
            Self::Add => Self::Delete,
            Self::Delete => Self::Add,
        }
    }

    fn send(self, socket: &mut Socket, link: u32, peers: &[Flood]) -> Vec<Result<(), Refusal>> {
        let answers = socket.batch(peers.iter().map(|peer| self.message(link, *peer)));
        match self {
            Self::Add => answers,
            Self::Delete => answers.into_iter().map(unless_gone).collect(),
        }
    }
}

/// Adds or deletes all of `peers`, or none.
pub(super) fn change(socket: &mut Socket, link: u32, peers: &[Flood], way: Way) -> Result<(), Failure> {
    let mut done: Vec<Flood> = Vec::with_capacity(peers.len());
    for piece in peers.chunks(PIECE) {
        let mut refused = None;
        for (peer, answer) in piece.iter().zip(way.send(socket, link, piece)) {
            match answer {
                Ok(()) => done.push(*peer),
                Err(refusal) => refused = refused.or(Some((*peer, refusal))),
            }
        }
        if let Some((peer, refusal)) = refused {
            let answers = way.back().send(socket, link, &done);
            let left = done.iter().zip(answers);
            let left = left.filter_map(|(peer, answer)| Some(format!("peer {}: {}", peer.address, answer.err()?)));
            let subject = format!("peer {}", peer.address);
            return Err(refusal.error(subject, "change the flood list").left(left.collect()).into());
        }
    }
    Ok(())
}
