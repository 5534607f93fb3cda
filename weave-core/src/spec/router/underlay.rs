//! Where the tunnel leaves the host.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnetwork::IpNetwork;

use super::IfName;
use crate::spec::list::serde_by_text;
use crate::{Error, Result};

/// Which of the host's addresses the tunnel is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Underlay {
    /// The source address of the routes to the peers.
    Auto,
    /// This address.
    Address(IpAddr),
    /// The address of this interface.
    Interface(IfName),
    /// The host's address in this network.
    Network(IpNetwork),
}

impl FromStr for Underlay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return if ip.is_unspecified() || ip.is_multicast() {
                Err(Error::invalid("underlay", format!("`{text}` is not the address of one host; {UNDERLAY_ALLOWED}")))
            } else {
                Ok(Self::Address(ip))
            };
        }
        if text.contains('/') {
            return text
                .parse::<IpNetwork>()
                .map(|network| Self::Network(crate::spec::network_of(network)))
                .map_err(|_| Error::invalid("underlay", format!("`{text}` is no network; {UNDERLAY_ALLOWED}")));
        }
        text.parse::<IfName>()
            .map(Self::Interface)
            .map_err(|_| Error::invalid("underlay", format!("`{text}` is no interface name; {UNDERLAY_ALLOWED}")))
    }
}

const UNDERLAY_ALLOWED: &str = "allowed: auto, an address, an interface, or a network such as 192.0.2.0/24";

impl fmt::Display for Underlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Address(ip) => ip.fmt(f),
            Self::Interface(name) => name.fmt(f),
            Self::Network(network) => network.fmt(f),
        }
    }
}

serde_by_text!(Underlay, "auto, an address, an interface, or a network such as 192.0.2.0/24");
