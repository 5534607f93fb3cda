//! Who has a port of the host.

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;

/// A socket that takes what comes to a port (`ss -lntup`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Where it listens; an unspecified address is every address.
    pub address: SocketAddr,
    /// A process that has it; `None` where that is not to be seen.
    pub pid: Option<u32>,
    /// What that process is called.
    pub program: Option<String>,
    /// Whether that process is in the router's container.
    pub router: bool,
}

/// What a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}
