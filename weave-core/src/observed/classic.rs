//! The router in a container, as far as it was asked.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::{Flood, RouterReport};
use crate::spec::Cidr;

/// What a router of kind `image` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classic {
    /// What it says of itself and its peers, or why it does not answer.
    pub report: Result<RouterReport, String>,
    /// Addresses by who holds them, the full id of a container or `weave:expose`; `None` where it allocates none, or
    /// does not answer.
    pub owned: Option<BTreeMap<String, Vec<Cidr>>>,
}

impl Classic {
    /// The peers that it was told of, as far as they are addresses; `port` is its own.
    pub fn peers(&self, port: u16) -> Vec<Flood> {
        let targets = self.report.as_ref().map_or(&[][..], |report| &report.targets);
        targets.iter().filter_map(|target| peer(target, port)).collect()
    }
}

/// A target of the router as a peer; `None` for a name.
pub(crate) fn peer(target: &str, port: u16) -> Option<Flood> {
    if let Ok(address) = target.parse::<IpAddr>() {
        return Some(Flood { address, port: None });
    }
    let address: SocketAddr = target.parse().ok()?;
    Some(Flood { address: address.ip(), port: Some(address.port()).filter(|other| *other != port) })
}

/// A peer as the router takes it.
pub(crate) fn target(peer: &Flood) -> String {
    match peer.port {
        None => peer.address.to_string(),
        Some(port) => SocketAddr::new(peer.address, port).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_peers_and_back() {
        for (text, port) in [("192.0.2.1", None), ("192.0.2.1:6790", Some(6790)), ("[2001:db8::1]:6790", Some(6790))] {
            let peer = peer(text, 6783).expect(text);
            assert_eq!((peer.port, target(&peer).as_str()), (port, text));
        }
        assert_eq!(peer("192.0.2.1:6783", 6783).map(|peer| target(&peer)).as_deref(), Some("192.0.2.1"));
        assert_eq!(peer("2001:db8::1", 6783).map(|peer| target(&peer)).as_deref(), Some("2001:db8::1"));
        assert_eq!(peer("db.example.com", 6783), None);
    }
}
