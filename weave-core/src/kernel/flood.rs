//! The flood list: one entry for each peer, all of a step or none.

use std::net::IpAddr;

use super::refused::{Failure, unless_gone};
use crate::netlink::{Message, Refusal, Socket, Wire, encode};
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

    /// The message for the first of `peers`, where the others differ from it in their addresses alone. To make each from
    /// its parts takes a tenth as long as the kernel's work.
    fn template(self, link: u32, peers: &[Flood]) -> Option<Vec<u8>> {
        let first = peers.first()?;
        let alike = |peer: &Flood| peer.port.is_none() && peer.address.is_ipv4() == first.address.is_ipv4();
        let mut bytes = Vec::new();
        self.message(link, *first).append(&mut bytes);
        peers.iter().all(alike).then_some(bytes)
    }

    fn back(self) -> Self {
        match self {
            Self::Add => Self::Delete,
            Self::Delete => Self::Add,
        }
    }

    fn send(self, socket: &mut Socket, link: u32, peers: &[Flood]) -> Vec<Result<(), Refusal>> {
        let answers = match self.template(link, peers) {
            Some(template) => socket.batch(peers.iter().map(|peer| ending_in(&template, peer.address))),
            None => socket.batch(peers.iter().map(|peer| self.message(link, *peer))),
        };
        match self {
            Self::Add => answers,
            Self::Delete => answers.into_iter().map(unless_gone).collect(),
        }
    }
}

/// The message for another address, which is the last that is said of a peer without a port of its own.
fn ending_in(template: &[u8], address: IpAddr) -> Vec<u8> {
    let mut bytes = template.to_vec();
    let (v4, v6);
    let octets: &[u8] = match address {
        IpAddr::V4(ip) => {
            v4 = ip.octets();
            &v4
        }
        IpAddr::V6(ip) => {
            v6 = ip.octets();
            &v6
        }
    };
    let start = bytes.len().saturating_sub(octets.len());
    bytes[start..].copy_from_slice(octets);
    bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_from_the_template_is_the_one_made_from_its_parts() {
        let peers =
            |texts: [&str; 2]| texts.map(|text| Flood { address: text.parse().expect("an address"), port: None });
        for way in [Way::Add, Way::Delete] {
            for peers in [peers(["192.0.2.1", "198.51.100.255"]), peers(["2001:db8::1", "fd00::ffff"])] {
                let template = way.template(7, &peers).expect("both are alike");
                for peer in peers {
                    let mut whole = Vec::new();
                    way.message(7, peer).append(&mut whole);
                    assert_eq!(ending_in(&template, peer.address), whole);
                }
            }
            let mixed = peers(["192.0.2.1", "2001:db8::1"]);
            assert_eq!(way.template(7, &mixed), None);
            assert_eq!(way.template(7, &[Flood { port: Some(7000), ..mixed[0] }]), None);
            assert_eq!(way.template(7, &[]), None);
        }
    }
}
