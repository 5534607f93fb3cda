//! The addresses of a container, as they are asked for: by themselves, or as one of a network.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::list::serde_by_text;
use super::{Cidr, List, Subnet};
use crate::{Error, Result};

/// A request for an address that the router allocates. Written as the classic script has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpRequest {
    /// `net:default`: one of the router's default network.
    Default,
    /// `net:10.2.1.0/24`: one of this network, which is IPv4 and at most /30.
    Within(IpNetwork),
}

impl FromStr for IpRequest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: String| {
            Error::invalid(
                "ips",
                format!("`{text}` {why}; allowed: net:default, or net: and a network (net:10.2.1.0/24)"),
            )
        };
        let network = text.strip_prefix("net:").ok_or_else(|| wrong("does not begin with net:".to_owned()))?;
        if network == "default" {
            return Ok(Self::Default);
        }
        // What is allowed of a network is more, and less, than is allowed here.
        let why = |error: Error| {
            let message = error.message();
            wrong(message.split_once(';').map_or(message, |(why, _)| why).replace(&format!("`{network}` "), ""))
        };
        let Subnet(subnet) = network.parse().map_err(why)?;
        super::router::check_allocatable(subnet).map_err(why)?;
        Ok(Self::Within(subnet))
    }
}

impl fmt::Display for IpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("net:default"),
            Self::Within(network) => write!(f, "net:{network}"),
        }
    }
}

/// What a container shall have: addresses, and requests for addresses, in one list.
///
/// It can be used as the list of the addresses alone; only [`Ips::is_empty`] also looks at the requests. They are
/// written behind the addresses.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ips {
    /// The addresses that were given.
    pub addresses: List<Cidr>,
    /// The addresses that the router is asked for.
    pub requests: Vec<IpRequest>,
}

impl Ips {
    /// Whether neither an address nor a request is given.
    pub fn is_empty(&self) -> bool {
        self.addresses.0.is_empty() && self.requests.is_empty()
    }

    /// `net:default` alone, which is what no word at all means to the classic script.
    pub fn any() -> Self {
        Self { addresses: List::default(), requests: vec![IpRequest::Default] }
    }

    fn items(&self) -> impl Iterator<Item = Item> {
        let addresses = self.addresses.0.iter().copied().map(Item::Address);
        addresses.chain(self.requests.iter().copied().map(Item::Request))
    }

    /// The networks that will be on the link; `None` where one of them is not known before the router is asked.
    pub(super) fn networks(&self) -> Option<Vec<IpNetwork>> {
        let requests = self.requests.iter().map(|request| match request {
            IpRequest::Default => None,
            IpRequest::Within(network) => Some(*network),
        });
        self.addresses.0.iter().map(|ip| Some(ip.network())).chain(requests).collect()
    }

    /// Refuses the same twice.
    pub(super) fn check(&self) -> Result<()> {
        super::attachment::check_ips(self)?;
        for (index, request) in self.requests.iter().enumerate() {
            if self.requests[..index].contains(request) {
                let message = format!("`{request}` is asked for twice; allowed: each network once");
                return Err(Error::invalid(format!("ips[{}]", self.addresses.0.len() + index), message));
            }
        }
        Ok(())
    }
}

impl Deref for Ips {
    type Target = List<Cidr>;

    fn deref(&self) -> &List<Cidr> {
        &self.addresses
    }
}

impl From<Vec<Cidr>> for Ips {
    fn from(addresses: Vec<Cidr>) -> Self {
        List(addresses).into()
    }
}

impl From<List<Cidr>> for Ips {
    fn from(addresses: List<Cidr>) -> Self {
        Self { addresses, requests: Vec::new() }
    }
}

impl FromIterator<Cidr> for Ips {
    fn from_iter<I: IntoIterator<Item = Cidr>>(addresses: I) -> Self {
        addresses.into_iter().collect::<List<_>>().into()
    }
}

impl FromIterator<Item> for Ips {
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        let mut ips = Self::default();
        for item in items {
            match item {
                Item::Address(address) => ips.addresses.0.push(address),
                Item::Request(request) => ips.requests.push(request),
            }
        }
        // Most lists are of one, in each of a thousand containers.
        ips.addresses.0.shrink_to_fit();
        ips
    }
}

impl<'a> IntoIterator for &'a Ips {
    type Item = &'a Cidr;
    type IntoIter = std::slice::Iter<'a, Cidr>;

    fn into_iter(self) -> Self::IntoIter {
        self.addresses.0.iter()
    }
}

impl fmt::Debug for Ips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items().map(|item| item.to_string())).finish()
    }
}

impl Serialize for Ips {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.items())
    }
}

impl<'de> Deserialize<'de> for Ips {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        List::<Item>::deserialize(deserializer).map(|items| items.0.into_iter().collect())
    }
}

/// One item of [`Ips`] as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Address(Cidr),
    Request(IpRequest),
}

impl FromStr for Item {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.starts_with("net:") {
            true => text.parse().map(Self::Request),
            false => text.parse().map(Self::Address),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Request(request) => request.fmt(f),
        }
    }
}

serde_by_text!(Item, "an address with a prefix length such as 10.2.1.4/24, or net:default");
