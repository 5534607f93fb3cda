//! Ports of the host that lead to containers of the network, on this host or on another.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ContainerRef;
use super::options::Protocol;
use crate::{Error, Result};

/// Where a published port leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// An address of the network, of a container on any host.
    Address(IpAddr),
    /// A container: the addresses that it has in the document, or else on this host.
    Container(ContainerRef),
}

impl FromStr for Destination {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse() {
            return Ok(Self::Address(ip));
        }
        let wrong = |_| {
            let message = format!("`{text}` is neither an address nor a container");
            Error::invalid("to", format!("{message}; allowed: 10.2.1.4, fd00::4, or a container's name or id"))
        };
        text.parse().map(Self::Container).map_err(wrong)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ip) => ip.fmt(f),
            Self::Container(container) => container.fmt(f),
        }
    }
}

super::list::serde_by_text!(Destination, "an address of the network, or a container's name or id");

/// One published port: what comes to `host_port` of the host goes to `port` of `to`.
///
/// In a document also written `[HOST_IP:]HOST_PORT:TO:PORT[/PROTOCOL]`, an IPv6 address in brackets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Publication {
    /// The port of the host.
    pub host_port: u16,
    /// Whose it becomes.
    pub to: Destination,
    /// The port there (`host_port`).
    pub port: u16,
    /// What runs over it (`tcp`).
    #[serde(skip_serializing_if = "is_tcp")]
    pub protocol: Protocol,
    /// The address of the host that it is published on (all of the host's).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<IpAddr>,
    /// Whether `to` sees the host's address in the place of its client's (true).
    #[serde(skip_serializing_if = "is_yes")]
    pub masquerade: bool,
}

/// Takes published ports back.
///
/// `to`, `port` and `masquerade` may be given as they were to `publish`, and are not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpublish {
    /// The port of the host.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_number")]
    pub host_port: Option<u16>,
    /// What runs over it (`tcp`).
    #[serde(default, skip_serializing_if = "is_tcp")]
    pub protocol: Protocol,
    /// Only where it is published on this address of the host; else wherever it is.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_ip")]
    pub host_ip: Option<IpAddr>,
    /// Not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Destination>,
    /// Not compared.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::input::option_number")]
    pub port: Option<u16>,
    /// Not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masquerade: Option<bool>,
}

// serde hands `skip_serializing_if` a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_tcp(protocol: &Protocol) -> bool {
    *protocol == Protocol::Tcp
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_yes(value: &bool) -> bool {
    *value
}

const FORM: &str = "allowed: [HOST_IP:]HOST_PORT:TO:PORT[/tcp|udp|sctp], such as 8080:web:80 or \
                    192.0.2.1:53:10.2.1.4:53/udp, with IPv6 addresses in brackets";

impl FromStr for Publication {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::invalid("publish", format!("`{text}` {why}; {FORM}"));
        let port = |text: &str, whose: &str| {
            let number = text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
            number.filter(|port| *port > 0).ok_or_else(|| wrong(&format!("has no port of the {whose}")))
        };
        let (front, last) = text.rsplit_once(':').ok_or_else(|| wrong("is no published port"))?;
        let (last, protocol) = last.split_once('/').map_or((last, None), |(port, protocol)| (port, Some(protocol)));
        let protocol = match protocol {
            None => Protocol::Tcp,
            Some(name) => Protocol::named(name).ok_or_else(|| wrong("has an unknown protocol"))?,
        };
        let (host_ip, front) = match front.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
            Some((ip, rest)) => (Some(ip), rest),
            None => match front.split_once(':') {
                Some((ip, rest)) if ip.contains('.') => (Some(ip), rest),
                _ => (None, front),
            },
        };
        let host_ip = host_ip.map(str::parse).transpose().map_err(|_| wrong("has no address before the port"))?;
        let (host_port, to) = front.split_once(':').ok_or_else(|| wrong("lacks a port of the host, or where to"))?;
        if to.parse::<std::net::Ipv6Addr>().is_ok() {
            return Err(wrong("has an IPv6 address without brackets"));
        }
        let publication = Self {
            host_port: port(host_port, "host")?,
            to: to.parse().map_err(|error: Error| wrong(&format!("leads nowhere: {}", error.message())))?,
            port: port(last, "container")?,
            protocol,
            host_ip,
            masquerade: true,
        };
        Ok(publication)
    }
}

/// The short form, and in words what that cannot say.
impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host_ip {
            Some(IpAddr::V6(ip)) => write!(f, "[{ip}]:")?,
            Some(IpAddr::V4(ip)) => write!(f, "{ip}:")?,
            None => {}
        }
        match self.to {
            Destination::Address(IpAddr::V6(ip)) => write!(f, "{}:[{ip}]:{}", self.host_port, self.port)?,
            _ => write!(f, "{}:{}:{}", self.host_port, self.to, self.port)?,
        }
        if self.protocol != Protocol::Tcp {
            write!(f, "/{}", self.protocol.name())?;
        }
        f.write_str(if self.masquerade { "" } else { " without masquerade" })
    }
}

impl<'de> Deserialize<'de> for Publication {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;

        struct Form;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            #[serde(default, deserialize_with = "crate::spec::input::option_number")]
            host_port: Option<u16>,
            to: Destination,
            #[serde(default, deserialize_with = "crate::spec::input::option_number")]
            port: Option<u16>,
            #[serde(default)]
            protocol: Option<Protocol>,
            #[serde(default, deserialize_with = "crate::spec::input::option_ip")]
            host_ip: Option<IpAddr>,
            masquerade: Option<bool>,
        }

        impl<'de> serde::de::Visitor<'de> for Form {
            type Value = Publication;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a published port such as 8080:web:80 or {host_port: 8080, to: web, port: 80}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Publication, E> {
                text.parse().map_err(|error: Error| E::custom(error.message()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Publication, A::Error> {
                let fields = Fields::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let host_port = fields.host_port.ok_or_else(|| A::Error::custom("missing field `host_port`"))?;
                Ok(Publication {
                    host_port,
                    to: fields.to,
                    port: fields.port.unwrap_or(host_port),
                    protocol: fields.protocol.unwrap_or_default(),
                    host_ip: fields.host_ip,
                    masquerade: fields.masquerade.unwrap_or(true),
                })
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl Publication {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        for (port, field) in [(self.host_port, "host_port"), (self.port, "port")] {
            if port == 0 {
                return Err(Error::invalid(field, "0 is no port; allowed: 1 to 65535"));
            }
        }
        if let Some(ip) = self.host_ip {
            check_host_ip(ip)?;
        }
        let Destination::Address(to) = self.to else { return Ok(()) };
        if to.is_loopback() || to.is_unspecified() || to.is_multicast() || to == Ipv4Addr::BROADCAST {
            let message = format!("{to} is the address of no container; allowed: one of the network's");
            return Err(Error::invalid("to", message));
        }
        match self.host_ip.filter(|ip| ip.is_ipv4() != to.is_ipv4()) {
            Some(ip) => {
                let message = format!("{to} is not of the family of host_ip {ip}; allowed: both IPv4 or both IPv6");
                Err(Error::invalid("to", message))
            }
            None => Ok(()),
        }
    }

    /// Whether it says the same of IPv4 (or else of IPv6) at all.
    pub(crate) fn is_of(&self, ipv4: bool) -> bool {
        let to = match self.to {
            Destination::Address(ip) => Some(ip),
            Destination::Container(_) => None,
        };
        self.host_ip.into_iter().chain(to).all(|ip| ip.is_ipv4() == ipv4)
    }

    /// Whether both want the same port of the same address of the host.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        let family = |ipv4| self.is_of(ipv4) && other.is_of(ipv4);
        (self.host_port, self.protocol) == (other.host_port, other.protocol)
            && (family(true) || family(false))
            && (self.host_ip.is_none() || other.host_ip.is_none() || self.host_ip == other.host_ip)
    }

    /// The port of the host with its protocol: `8080/tcp`.
    pub(crate) fn host_side(&self) -> String {
        format!("{}/{}", self.host_port, self.protocol.name())
    }
}

fn check_host_ip(ip: IpAddr) -> Result<()> {
    let why = if ip.is_unspecified() {
        "is every address; allowed: one of the host's, or leave it out"
    } else if ip.is_multicast() || ip == Ipv4Addr::BROADCAST {
        "is the address of many; allowed: one of the host's"
    } else if ip.is_ipv6() && ip.is_loopback() {
        "cannot be published: Linux takes no answer from elsewhere for it; allowed: 127.0.0.1, or another address"
    } else {
        return Ok(());
    };
    Err(Error::invalid("host_ip", format!("{ip} {why}")))
}

impl Unpublish {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec` where no port is named: nothing takes all of them back at once but a document.
    pub fn validate(&self) -> Result<()> {
        match self.host_port {
            None => Err(Error::invalid("host_port", "no port is given; allowed: 1 to 65535")
                .hint("say which: `weave unpublish 8080`; a document with `publish: []` takes all of them back")),
            Some(0) => Err(Error::invalid("host_port", "0 is no port; allowed: 1 to 65535")),
            Some(_) => Ok(()),
        }
    }
}

/// What is wrong with published ports of one host, each with its place in the list.
pub(crate) fn problems(publish: &[Publication]) -> Vec<Error> {
    let mut problems = Vec::new();
    for (at, publication) in publish.iter().enumerate() {
        let field = format!("publish[{at}]");
        problems.extend(publication.validate().err().map(|error| error.within(&field)));
        if let Some(other) = publish.iter().take(at).position(|other| other.clashes(publication)) {
            let message = format!("port {} of the host is published by publish[{other}] too", publication.host_side());
            let allowed = "allowed: each port once, or each on another address (`host_ip`)";
            problems.push(Error::invalid(field, format!("{message}; {allowed}")));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_forms_say_the_same() {
        for (short, long) in [
            ("8080:web:80", "{host_port: 8080, to: web, port: 80}"),
            ("53:10.2.1.4:53/udp", "{host_port: '53', to: 10.2.1.4, protocol: udp}"),
            (
                "192.0.2.1:8080:web:80/sctp",
                "{host_ip: 192.0.2.1, host_port: 8080, to: web, port: 80.0, protocol: sctp}",
            ),
            ("[2001:db8::1]:8080:[fd00::4]:80", "{host_ip: '2001:db8::1', host_port: 8080, to: 'fd00::4', port: 80}"),
            ("8080:netns:/run/netns/x:80", "{host_port: 8080, to: 'netns:/run/netns/x', port: 80}"),
            ("8080:pid:17:80", "{host_port: 8080, to: 'pid:17', port: 80}"),
            ("8080:[fd00::4]:80", "{host_port: 8080, to: '[fd00::4]', port: 80}"),
        ] {
            let read: Publication = short.parse().expect(short);
            let list: Vec<Publication> = crate::spec::from_yaml::<List>(&format!("list: [{long}, '{short}']"))
                .unwrap_or_else(|error| panic!("{long}: {error}"))
                .list;
            assert_eq!(list, [read.clone(), read.clone()]);
            assert_eq!(read.to_string().parse::<Publication>().expect("again"), read);
            let value = serde_json::to_value(&read).expect("JSON");
            assert_eq!(crate::spec::from_value::<Publication>(value).expect("again"), read);
            assert!(read.validate().is_ok(), "{short}");
        }
    }

    #[derive(Debug, Deserialize)]
    struct List {
        list: Vec<Publication>,
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            ("8080", "is no published port"),
            ("8080:80", "lacks a port of the host, or where to"),
            ("8080:web", "lacks a port of the host, or where to"),
            ("8080:10.2.1.4:web", "has no port of the container"),
            ("0:web:80", "has no port of the host"),
            ("8080:web:65536", "has no port of the container"),
            ("8080:web:80/icmp", "has an unknown protocol"),
            ("web:8080:web:80", "has no port of the host"),
            ("8080:fd00::4:80", "has an IPv6 address without brackets"),
            ("300.1.1.1:8080:web:80", "has no address before the port"),
            ("8080:we b:80", "leads nowhere"),
        ] {
            let error = text.parse::<Publication>().expect_err(text).to_string();
            assert!(error.contains(why) && error.contains("; allowed: "), "{text}: {error}");
        }
        for (text, field) in [
            ("0.0.0.0:8080:web:80", "host_ip"),
            ("[::1]:8080:web:80", "host_ip"),
            ("224.0.0.1:8080:web:80", "host_ip"),
            ("192.0.2.1:8080:[fd00::4]:80", "to"),
            ("8080:127.0.0.1:80", "to"),
            ("8080:255.255.255.255:80", "to"),
        ] {
            let error = text.parse::<Publication>().expect(text).validate().expect_err(text);
            assert_eq!(error.subject(), field, "{error}");
        }
    }

    #[test]
    fn a_port_is_had_once_in_each_family_and_on_each_address() {
        let read = |text: &str| text.parse::<Publication>().expect("a publication");
        for (one, other, clash) in [
            ("8080:web:80", "8080:db:81", true),
            ("8080:web:80", "8080:web:80/udp", false),
            ("8080:web:80", "8081:web:80", false),
            ("8080:10.2.1.4:80", "8080:[fd00::4]:80", false),
            ("8080:web:80", "8080:[fd00::4]:80", true),
            ("192.0.2.1:8080:web:80", "192.0.2.2:8080:web:80", false),
            ("192.0.2.1:8080:web:80", "8080:web:80", true),
            ("192.0.2.1:8080:web:80", "8080:[fd00::4]:80", false),
        ] {
            assert_eq!(read(one).clashes(&read(other)), clash, "{one} and {other}");
            assert_eq!(read(other).clashes(&read(one)), clash, "{other} and {one}");
        }
        let errors = problems(&[read("8080:web:80"), read("80:db:80"), read("192.0.2.1:8080:db:80")]);
        let [error] = errors.as_slice() else { panic!("{errors:?}") };
        assert_eq!(error.subject(), "publish[2]");
        assert!(error.message().contains("port 8080/tcp of the host is published by publish[0] too"), "{error}");
    }
}
