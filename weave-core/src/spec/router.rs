//! What carries frames between hosts.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

use super::list::serde_by_text;
use super::{List, Peer};
use crate::{Error, Result, names};

/// How frames are carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RouterKind {
    /// In the kernel, by a VXLAN device (RFC 7348); no process runs.
    #[default]
    Vxlan,
}

/// The MTU of the overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mtu {
    /// The smallest path MTU towards the peers, less what the tunnel adds.
    Auto,
    /// So many bytes.
    Bytes(u32),
}

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

/// The name of a network interface: at most 15 bytes, no blank, no `/`, not `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfName(Arc<str>);

impl IfName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, to share it.
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The bridge's name where none is given.
    pub fn bridge() -> Self {
        Self(names::BRIDGE.into())
    }

    /// The container interface's name where none is given.
    pub fn interface() -> Self {
        Self(names::INTERFACE.into())
    }
}

impl FromStr for IfName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // `dev_valid_name` of the kernel, `%` which it takes for a pattern, and what nft and iptables take for one.
        let valid = !text.is_empty()
            && text.len() <= names::IFNAME_MAX
            && text != "."
            && text != ".."
            && text
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%' | '"' | '\'' | '\\' | '*' | '+'));
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid(
                "interface",
                format!(
                    "`{text}` is no interface name; allowed: 1 to 15 letters without blanks, quotes, `/`, `:`, `%`, `*`, `+`"
                ),
            ))
        }
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(IfName, "an interface name of 1 to 15 letters");

impl FromStr for Mtu {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = format!("allowed: auto, or {} to {}", names::MTU_MIN, names::MTU_MAX);
        match text {
            "auto" => Ok(Self::Auto),
            _ => text
                .parse()
                .map(Self::Bytes)
                .map_err(|_| Error::invalid("mtu", format!("`{text}` is no MTU; {allowed}"))),
        }
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

impl Serialize for Mtu {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Bytes(bytes) => serializer.serialize_u32(*bytes),
        }
    }
}

impl<'de> Deserialize<'de> for Mtu {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::input::text_or_number(deserializer, "auto or a number of bytes")
    }
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
                .map(|network| Self::Network(super::address::network_of(network)))
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

/// The router of a host; what is not given stays as it is, or takes its default when the router is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Router {
    /// How frames are carried (`vxlan`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RouterKind>,
    /// UDP port of the tunnel (6783).
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_number")]
    #[schemars(schema_with = "super::schema::option_port")]
    pub port: Option<u16>,
    /// VXLAN network identifier, 1 to 16777215 (6783).
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_number")]
    #[schemars(schema_with = "super::schema::option_vni")]
    pub vni: Option<u32>,
    /// MTU of the overlay in bytes (`auto`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// The host's address for the tunnel: address, interface or network (`auto`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlay: Option<Underlay>,
    /// The name of the bridge (`weave`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge: Option<IfName>,
}

impl Router {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        if self.port == Some(0) {
            return Err(Error::invalid("port", "0 is no port; allowed: 1 to 65535"));
        }
        if let Some(vni) = self.vni
            && !(1..=names::VNI_MAX).contains(&vni)
        {
            return Err(Error::invalid("vni", format!("{vni} is out of range; allowed: 1 to {}", names::VNI_MAX)));
        }
        check_mtu(self.mtu)?;
        if self.bridge.as_ref().is_some_and(|bridge| bridge.as_str() == "lo") {
            return Err(Error::invalid("bridge", "`lo` is the loopback; allowed: another name"));
        }
        if let Some(bridge) = &self.bridge
            && bridge.as_str().starts_with("vxlan-")
        {
            return Err(Error::invalid("bridge", format!("`{bridge}` is a name for tunnels; allowed: not vxlan-…")));
        }
        Ok(())
    }
}

pub(super) fn check_mtu(mtu: Option<Mtu>) -> Result<()> {
    match mtu {
        Some(Mtu::Bytes(bytes)) if !(names::MTU_MIN..=names::MTU_MAX).contains(&bytes) => Err(Error::invalid(
            "mtu",
            format!("{bytes} is out of range; allowed: auto, or {} to {}", names::MTU_MIN, names::MTU_MAX),
        )),
        _ => Ok(()),
    }
}

/// Who looks after the packet filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    /// Whether weave makes and keeps its rules (true). With false nothing of the packet filter is touched, and
    /// `preflight` says what has to be open.
    #[serde(default = "yes")]
    pub manage: bool,
}

fn yes() -> bool {
    true
}

/// Launches the router: [`Router`], its first peers, and the packet filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Launch {
    /// As [`Router::kind`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RouterKind>,
    /// Peers to connect to, besides those it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<List<Peer>>,
    /// As [`Router::port`].
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_number")]
    pub port: Option<u16>,
    /// As [`Router::vni`].
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_number")]
    pub vni: Option<u32>,
    /// As [`Router::mtu`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// As [`Router::underlay`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlay: Option<Underlay>,
    /// As [`Router::bridge`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge: Option<IfName>,
    /// Who looks after the packet filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Firewall>,
}

impl Launch {
    /// The router alone.
    pub fn router(&self) -> Router {
        Router {
            kind: self.kind,
            port: self.port,
            vni: self.vni,
            mtu: self.mtu,
            underlay: self.underlay.clone(),
            bridge: self.bridge.clone(),
        }
    }

    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        self.router().validate()
    }
}
