//! Names and addresses of others: `--add-host`, `--link`, `--dns`, `--dns-search`, and one's own: `--mac-address`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::value::{Map, Value, wrong};
use crate::Result;

/// A line of the container's hosts file: `db:10.2.1.4`, `db=::1`, or `host-gateway` for the host itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExtraHost {
    /// The name.
    pub name: String,
    /// The address as it was written, or `host-gateway`.
    pub address: String,
}

impl Value for ExtraHost {
    const MAP: Map = Map::Pairs('=');

    fn read(text: &str) -> Result<Self> {
        let allowed = "NAME:ADDRESS or NAME=ADDRESS, with host-gateway for the host's own address";
        let parts = text.split_once('=').or_else(|| text.split_once(':'));
        let Some((name, address)) = parts.filter(|(name, _)| !name.is_empty() && !name.contains(':')) else {
            return Err(wrong(text, "is no name with an address", allowed));
        };
        let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
        if address != "host-gateway" && bare.trim().parse::<IpAddr>().is_err() {
            return Err(wrong(text, "has no valid address", allowed));
        }
        Ok(Self { name: name.to_owned(), address: bare.to_owned() })
    }

    fn write(&self) -> String {
        format!("{}:{}", self.name, self.address)
    }
}

/// Another container that is reached by a name: `db` or `db:database`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link(String);

impl Value for Link {
    fn read(text: &str) -> Result<Self> {
        if text.is_empty() || text.matches(':').count() > 1 {
            return Err(wrong(text, "is no link", "CONTAINER or CONTAINER:ALIAS"));
        }
        Ok(Self(text.to_owned()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// A domain to search; `.` for none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchDomain(String);

impl Value for SearchDomain {
    fn read(text: &str) -> Result<Self> {
        let domain = text.trim();
        if domain == "." {
            return Ok(Self(domain.to_owned()));
        }
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let label = |label: &str| {
            let end = |c: char| c.is_ascii_alphanumeric();
            label.starts_with(end)
                && label.ends_with(end)
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let lettered = domain.chars().any(|c| c.is_ascii_alphabetic());
        if lettered && domain.len() < 255 && domain.split('.').all(label) {
            Ok(Self(domain.to_owned()))
        } else {
            Err(wrong(text, "is no domain", "a name such as example.com, or `.` for none"))
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// A hardware address as it was written: `92:d0:c6:0a:29:33`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MacAddress(String);

impl Value for MacAddress {
    fn read(text: &str) -> Result<Self> {
        let octets = |between: char| {
            let parts: Vec<&str> = text.split(between).collect();
            parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && part.chars().all(|c| c.is_ascii_hexdigit()))
        };
        if octets(':') || octets('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong(text, "is no MAC address", "six pairs of hexadecimal digits, such as 92:d0:c6:0a:29:33"))
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

macro_rules! addresses {
    ($($address:ty: $allowed:literal),+) => {$(
        impl Value for $address {
            fn read(text: &str) -> Result<Self> {
                text.trim().parse().map_err(|_| wrong(text, "is no address", $allowed))
            }

            fn write(&self) -> String {
                self.to_string()
            }
        }
    )+};
}
addresses!(IpAddr: "IPv4 or IPv6", Ipv4Addr: "IPv4", Ipv6Addr: "IPv6");
