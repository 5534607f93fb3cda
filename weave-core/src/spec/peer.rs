//! Other hosts of the network.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use super::List;
use crate::{Error, Result};

/// Another host, named by its underlay address: `192.0.2.2`, `192.0.2.2:6783`, `2001:db8::2`, `[2001:db8::2]:6783`,
/// `host2.example.com`, `host2:6783`.
///
/// Without a port it is the router's own. A name is resolved on this host when the operation runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// Address or name.
    pub host: PeerHost,
    /// The peer's router port, where it differs from ours.
    pub port: Option<u16>,
}

/// How a peer is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerHost {
    /// By address.
    Address(IpAddr),
    /// By a name that this host can resolve.
    Name(String),
}

impl FromStr for Peer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const ALLOWED: &str = "allowed: an IPv4 or IPv6 address or a host name, with or without `:port`";
        let wrong = |why: &str| Error::invalid("peers", format!("`{text}` {why}; {ALLOWED}"));
        let (host, port) = if let Ok(ip) = text.parse::<IpAddr>() {
            (PeerHost::Address(ip), None)
        } else if let Ok(socket) = text.parse::<SocketAddr>() {
            (PeerHost::Address(socket.ip()), Some(socket.port()))
        } else if let Some(ip) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (PeerHost::Address(ip.parse().map_err(|_| wrong("is not an address"))?), None)
        } else {
            let (name, port) = match text.rsplit_once(':') {
                None => (text, None),
                Some((name, port)) => (name, Some(port.parse::<u16>().map_err(|_| wrong("has a bad port"))?)),
            };
            check_name(name).map_err(wrong)?;
            (PeerHost::Name(name.to_owned()), port)
        };
        let peer = Self { host, port };
        match peer.fault() {
            Some(why) => Err(wrong(why)),
            None => Ok(peer),
        }
    }
}

impl Peer {
    /// Why no tunnel can lead there.
    fn fault(&self) -> Option<&'static str> {
        if self.port == Some(0) {
            return Some("has port 0");
        }
        match self.host {
            PeerHost::Address(ip) if ip.is_unspecified() || ip.is_multicast() || is_broadcast(ip) => {
                Some("is not the address of one host")
            }
            PeerHost::Address(IpAddr::V6(v6)) if v6.is_unicast_link_local() => {
                Some("is link-local, which the tunnel cannot route")
            }
            _ => None,
        }
    }

    /// Whether it would be accepted as text.
    pub(crate) fn is_allowed(&self) -> bool {
        self.fault().is_none()
    }
}

fn is_broadcast(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(v4) if v4.is_broadcast())
}

/// RFC 1123, section 2.1: letters, digits and hyphens, labels of at most 63, 253 in all; `_` is met in practice.
fn check_name(name: &str) -> Result<(), &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    if name.len() > 253 || !name.split('.').all(label_ok) {
        return Err("is neither an address nor a host name");
    }
    // `10.2.1` or `300.1.2.3`: a mistyped address, never a name (RFC 1123 keeps numeric top labels out).
    if name.rsplit('.').next().is_some_and(|label| label.chars().all(|c| c.is_ascii_digit())) {
        return Err("is a mistyped address");
    }
    Ok(())
}

impl From<IpAddr> for Peer {
    fn from(ip: IpAddr) -> Self {
        Self { host: PeerHost::Address(ip), port: None }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.port) {
            (PeerHost::Address(ip), None) => ip.fmt(f),
            (PeerHost::Address(ip), Some(port)) => SocketAddr::new(*ip, port).fmt(f),
            (PeerHost::Name(name), None) => f.write_str(name),
            (PeerHost::Name(name), Some(port)) => write!(f, "{name}:{port}"),
        }
    }
}

/// As [`Display`](fmt::Display) writes it.
impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match (&self.host, self.port) {
            // The same text in a fraction of the time: there may be ten thousand.
            (PeerHost::Address(ip), None) => ip.serialize(serializer),
            _ => serializer.collect_str(self),
        }
    }
}

super::list::deserialize_by_text!(Peer, "a peer such as 192.0.2.2 or host2.example.com:6783");

/// Adds peers to the running router, or replaces all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connect {
    /// The peers to add.
    pub peers: List<Peer>,
    /// Whether peers that are not listed are forgotten.
    pub replace: bool,
}

/// Takes peers from the running router.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forget {
    /// The peers to forget.
    pub peers: List<Peer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_json_it_is_what_it_is_as_text() {
        let texts = [
            "192.0.2.2",
            "255.0.10.1",
            "192.0.2.2:7000",
            "2001:db8::1",
            "::ffff:192.0.2.2",
            "[2001:db8::1]:7000",
            "host2.example.com",
            "host2:7000",
        ];
        for text in texts {
            let peer: Peer = text.parse().expect(text);
            assert_eq!(serde_json::json!(peer), peer.to_string());
            assert_eq!(peer.to_string(), text);
        }
    }
}
