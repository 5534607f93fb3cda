//! Published and exposed ports.

use std::net::IpAddr;

use super::value::{Value, wrong};
use crate::{Error, Result};

/// Ports from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// The first port.
    pub first: u16,
    /// The last port; the first again where it is only one.
    pub last: u16,
}

impl PortRange {
    /// How many ports come after the first.
    pub fn more(self) -> u16 {
        self.last - self.first
    }

    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
        let (first, last) = (port(first)?, port(last)?);
        (first <= last).then_some(Self { first, last })
    }

    fn write(self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("{}-{}", self.first, self.last) }
    }
}

/// What runs over a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// The default.
    #[default]
    Tcp,
    /// Datagrams.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// `tcp`, `udp` or `sctp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    /// The protocol of that name, in letters of either case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Sctp].into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }

    /// The container's side: `80`, `80/udp`, `80-90/`. The second protocol is what a slash without a word means.
    fn split(text: &str) -> Result<(&str, Self)> {
        let (port, protocol) = text.split_once('/').unwrap_or((text, ""));
        let named = if protocol.is_empty() { Some(Self::Tcp) } else { Self::named(protocol) };
        named.map(|protocol| (port, protocol)).ok_or_else(|| wrong(text, "has an unknown protocol", "tcp, udp, sctp"))
    }
}

const PUBLISH: &str = "[[HOST_IP:]HOST_PORT:]PORT[/tcp|udp|sctp] with ports or ranges of 0 to 65535";

/// A port of the container that the host passes on: `--publish`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Publish {
    /// The host's address; all of them if not given.
    pub host_ip: Option<IpAddr>,
    /// The host's port; a free one if not given. A range with only one port of the container is a choice.
    pub host: Option<PortRange>,
    /// The container's port.
    pub container: PortRange,
    /// The protocol.
    pub protocol: Protocol,
}

impl Value for Publish {
    fn read(text: &str) -> Result<Self> {
        if text.contains('=') {
            return Self::read(&Self::short(text)?);
        }
        let (front, container) = text.rsplit_once(':').unwrap_or(("", text));
        let (host_ip, host) = front.rsplit_once(':').unwrap_or(("", front));
        let (container, protocol) = Protocol::split(container)?;
        let container =
            PortRange::read(container).ok_or_else(|| wrong(text, "has no port of the container", PUBLISH))?;
        let host = match host {
            "" => None,
            host => Some(PortRange::read(host).ok_or_else(|| wrong(text, "has a wrong port of the host", PUBLISH))?),
        };
        if host.is_some_and(|host| host.more() != container.more() && container.more() != 0) {
            return Err(wrong(
                text,
                "has ranges of different lengths",
                "ranges of the same length, or one port inside",
            ));
        }
        let bare = host_ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(host_ip);
        let host_ip = match bare {
            "" => None,
            ip => Some(ip.parse().map_err(|_| wrong(text, "has no address before the port of the host", PUBLISH))?),
        };
        Ok(Self { host_ip, host, container, protocol })
    }

    fn write(&self) -> String {
        let front = match (self.host_ip, self.host) {
            (None, None) => String::new(),
            (ip, host) => {
                let ip = match ip {
                    Some(IpAddr::V6(ip)) => format!("[{ip}]:"),
                    Some(IpAddr::V4(ip)) => format!("{ip}:"),
                    None => String::new(),
                };
                format!("{ip}{}:", host.map_or_else(String::new, PortRange::write))
            }
        };
        format!("{front}{}{}", self.container.write(), suffix(self.protocol))
    }
}

impl Publish {
    /// `published=8080,target=80,protocol=udp` in the short form. `mode` says nothing about a single host.
    fn short(text: &str) -> Result<String> {
        let (mut published, mut target, mut protocol) = ("", "", "tcp");
        for part in text.split(',') {
            match part.split_once('=') {
                Some(("published", value)) => published = value,
                Some(("target", value)) => target = value,
                Some(("protocol", value)) => protocol = value,
                Some(("mode", _)) => {}
                _ => return Err(wrong(text, "is not understood", "published=PORT,target=PORT,protocol=tcp|udp|sctp")),
            }
        }
        if [published, target, protocol].iter().any(|value| value.contains('=')) {
            return Err(wrong(text, "has a second `=` in a field", "published=PORT,target=PORT,protocol=tcp|udp|sctp"));
        }
        Ok(format!("{published}:{target}/{protocol}"))
    }
}

/// A port that the image's documentation would name: `--expose`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expose {
    /// The ports.
    pub ports: PortRange,
    /// The protocol.
    pub protocol: Protocol,
}

impl Value for Expose {
    fn read(text: &str) -> Result<Self> {
        let (port, protocol) = Protocol::split(text)?;
        match PortRange::read(port) {
            Some(ports) => Ok(Self { ports, protocol }),
            None => Err(Error::invalid(
                "",
                format!("`{text}` is no port; allowed: PORT or FIRST-LAST of 0 to 65535, with /tcp, /udp or /sctp"),
            )),
        }
    }

    fn write(&self) -> String {
        format!("{}{}", self.ports.write(), suffix(self.protocol))
    }
}

fn suffix(protocol: Protocol) -> String {
    match protocol {
        Protocol::Tcp => String::new(),
        other => format!("/{}", other.name()),
    }
}
