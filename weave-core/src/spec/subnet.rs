//! Networks as they are written in documents.

use std::fmt;
use std::str::FromStr;

use ipnetwork::IpNetwork;

use crate::{Error, Result};

/// A network, `10.0.0.0/16` or `fd00::/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet(pub IpNetwork);

impl Subnet {
    /// Whether all of `other` is in it.
    pub(crate) fn takes_in(self, other: Self) -> bool {
        let (wide, narrow) = (self.0, other.0);
        wide.is_ipv4() == narrow.is_ipv4() && wide.prefix() <= narrow.prefix() && wide.contains(narrow.ip())
    }
}

impl FromStr for Subnet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: String| {
            Error::invalid("subnets", format!("`{text}` {why}; allowed: a network such as 10.0.0.0/16 or fd00::/64"))
        };
        let network: IpNetwork = match text.contains('/') {
            true => text.parse().map_err(|_| wrong("is no network".to_owned()))?,
            false => return Err(wrong("has no prefix length".to_owned())),
        };
        if network.ip() != network.network() {
            let network = super::network_of(network);
            return Err(wrong(format!("has bits set behind its prefix (the network is {network})")));
        }
        Ok(Self(network))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

super::list::serde_by_text!(Subnet, "a network such as 10.0.0.0/16");
