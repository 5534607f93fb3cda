//! Addresses and routes of the overlay.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnetwork::IpNetwork;

use crate::{Error, Result};

/// An address with the length of its network's prefix, `10.2.1.4/24` or `fd00::4/64`.
///
/// The classic script's `ip:10.2.1.4/24` is the same. Its `net:…` is an [`IpRequest`](super::IpRequest), which stands
/// for an address among the `ips` of a container only; elsewhere it is refused with that reason.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(IpNetwork);

impl Cidr {
    /// The address.
    pub fn ip(&self) -> IpAddr {
        self.0.ip()
    }

    /// The length of the prefix in bits.
    pub fn prefix(&self) -> u8 {
        self.0.prefix()
    }

    /// The network that the address stands in.
    pub fn network(&self) -> IpNetwork {
        network_of(self.0)
    }

    /// Whether it is an IPv4 address.
    pub fn is_ipv4(&self) -> bool {
        self.0.is_ipv4()
    }

    /// Whether it is the address of the network itself, such as 10.0.1.16/29. The kernel carries it as any other;
    /// some other systems take it for an old form of the broadcast address.
    pub fn is_network_address(&self) -> bool {
        self.is_ipv4() && self.prefix() < 31 && self.0.ip() == self.0.network()
    }

    /// Takes what the kernel reported, which needs no check.
    pub(crate) fn observed(ip: IpAddr, prefix: u8) -> Option<Self> {
        IpNetwork::new(ip, prefix).ok().map(Self)
    }
}

/// `network` without host bits.
pub(crate) fn network_of(network: IpNetwork) -> IpNetwork {
    IpNetwork::new(network.network(), network.prefix()).unwrap_or(network)
}

impl FromStr for Cidr {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const ALLOWED: &str = "allowed: an address and a prefix length such as 10.2.1.4/24 or fd00::4/64";
        if text.starts_with("net:") {
            return Err(Error::invalid("ips", format!("`{text}` asks for an allocated address; {ALLOWED}"))
                .hint("an address is allocated for a container only: `weave attach net:default CONTAINER`"));
        }
        let bare = text.strip_prefix("ip:").unwrap_or(text);
        let wrong = |why: &str| Error::invalid("ips", format!("`{text}` {why}; {ALLOWED}"));
        if !bare.contains('/') {
            let why = if bare.parse::<IpAddr>().is_ok() { "has no prefix length" } else { "is not an address" };
            return Err(wrong(why));
        }
        let network: IpNetwork = bare.parse().map_err(|_| wrong("is not an address with a prefix length"))?;
        let ip = network.ip();
        if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() {
            return Err(wrong("is no address that a host can have on a network"));
        }
        if let IpNetwork::V4(v4) = network
            && v4.prefix() < 31
            && v4.ip() == v4.broadcast()
        {
            return Err(wrong("is the broadcast address of its network"));
        }
        if network.prefix() == 0 {
            return Err(wrong("takes in the whole address space"));
        }
        Ok(Self(network))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

super::list::serde_by_text!(Cidr, "an address with a prefix length such as 10.2.1.4/24");

/// A route in a container through its interface on the network.
///
/// Written `"10.9.0.0/16"` (on the link), `"10.9.0.0/16 via 10.2.1.1"`, or `{to: 10.9.0.0/16, via: 10.2.1.1}`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// The destination; `0.0.0.0/0` and `::/0` are written as `gateway` instead.
    pub to: IpNetwork,
    /// The next hop; without one the destination is on the link.
    pub via: Option<IpAddr>,
}

impl Route {
    /// The default route through `gateway`.
    pub(crate) fn default_via(gateway: IpAddr) -> Self {
        Self { to: everything(gateway), via: Some(gateway) }
    }
}

/// The whole address space of the family of `ip`.
pub(crate) fn everything(ip: IpAddr) -> IpNetwork {
    let unspecified: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    IpNetwork::new(unspecified, 0).unwrap_or_else(|_| unspecified.into())
}

impl FromStr for Route {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const ALLOWED: &str = "allowed: `10.9.0.0/16` or `10.9.0.0/16 via 10.2.1.1`";
        let wrong = |why: String| Error::invalid("routes", format!("`{text}` {why}; {ALLOWED}"));
        let mut words = text.split_whitespace();
        let to = words.next().unwrap_or_default();
        let network: IpNetwork = to.parse().map_err(|_| wrong(format!("has no network before `via` ({to})")))?;
        let via = match (words.next(), words.next(), words.next()) {
            (None, ..) => None,
            (Some("via"), Some(via), None) => {
                Some(via.parse::<IpAddr>().map_err(|_| wrong(format!("has a next hop `{via}` that is no address")))?)
            }
            _ => return Err(wrong("is not a route".to_owned())),
        };
        if network.ip() != network.network() {
            return Err(wrong(format!("has bits set behind its prefix (the network is {})", network_of(network))));
        }
        if network.prefix() == 0 {
            return Err(wrong("is the default route, which `gateway` is for".to_owned()));
        }
        if via.is_some_and(|via| via.is_ipv4() != network.is_ipv4()) {
            return Err(wrong("mixes IPv4 and IPv6".to_owned()));
        }
        Ok(Self { to: network, via })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.via {
            Some(via) => write!(f, "{} via {via}", self.to),
            None => self.to.fmt(f),
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Route {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Route {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use serde::de::Error as _;
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            to: String,
            via: Option<String>,
        }
        #[derive(serde::Deserialize)]
        #[serde(
            untagged,
            expecting = "this is no route; allowed: `10.9.0.0/16 via 10.2.1.1` or {to: 10.9.0.0/16, via: 10.2.1.1}"
        )]
        enum Form {
            Text(String),
            Fields(Fields),
        }
        let text = match Form::deserialize(deserializer)? {
            Form::Text(text) => text,
            Form::Fields(Fields { to, via: None }) => to,
            Form::Fields(Fields { to, via: Some(via) }) => format!("{to} via {via}"),
        };
        text.parse().map_err(|error: Error| D::Error::custom(error.message()))
    }
}
