//! Where the engine is: what `DOCKER_HOST` may say.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::{Error, Result};

/// Where an engine listens when nobody says otherwise.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// The port of an engine on TCP without TLS.
const DEFAULT_PORT: u16 = 2375;

const FIELD: &str = "DOCKER_HOST";
const ALLOWED: &str = "allowed: unix:///path/of/docker.sock, or tcp://127.0.0.1:2375 (a loopback address)";

/// An engine.
///
/// As the engine of this host one elsewhere is refused: the process ids it tells are not this host's, so that a
/// namespace found by them would belong to somebody else. [`super::elsewhere`] reads the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A unix socket, by path.
    Unix(String),
    /// A host, in `DOCKER_HOST` a loopback address, with port, as it stands in a URL.
    Tcp(String),
    /// The same over TLS, with certificates.
    Tls(String, Certificates),
    /// The engine that the docker command of a host finds, over ssh.
    Ssh(Login),
}

/// Files in PEM, with docker's own names for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificates {
    /// Who may sign the engine's certificate: `ca.pem`.
    pub(super) ca: PathBuf,
    /// Who asks: `cert.pem`.
    pub(super) cert: PathBuf,
    /// The key of that: `key.pem`.
    pub(super) key: PathBuf,
}

/// Who logs in where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    /// The user; ssh's own choice where none is given.
    pub(super) user: Option<String>,
    /// The host: a name, an address, or a `Host` of ssh's configuration.
    pub(super) host: String,
    /// The port; ssh's own choice where none is given.
    pub(super) port: Option<u16>,
}

impl Address {
    /// Whether it is on this host for sure.
    pub(super) fn is_here(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(host) => ["127.", "localhost:", "[::1]:"].iter().any(|start| host.starts_with(start)),
            Self::Tls(..) | Self::Ssh(_) => false,
        }
    }

    /// Reads the value of `DOCKER_HOST`; an empty one counts as none, as it does for `docker`.
    pub(super) fn parse(docker_host: Option<&str>) -> Result<Self> {
        let Some(text) = docker_host.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Self::Unix(DEFAULT_SOCKET.to_owned()));
        };
        match text.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.to_owned())),
            Some(("unix", _)) => Err(refused(text, "has no absolute path")),
            Some(("tcp" | "http", rest)) => tcp(text, rest),
            Some((scheme, _)) => Err(refused(text, &format!("asks for `{scheme}`, which weave does not speak"))),
            None if text.starts_with('/') => {
                Err(refused(text, "has no scheme").hint(format!("write it as unix://{text}")))
            }
            None => Err(refused(text, "is no engine address")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(path),
            Self::Tcp(host) | Self::Tls(host, _) => write!(f, "tcp://{host}"),
            Self::Ssh(Login { user, host, port }) => {
                f.write_str("ssh://")?;
                user.iter().try_for_each(|user| write!(f, "{user}@"))?;
                match host.contains(':') {
                    true => write!(f, "[{host}]"),
                    false => f.write_str(host),
                }?;
                port.iter().try_for_each(|port| write!(f, ":{port}"))
            }
        }
    }
}

fn tcp(text: &str, rest: &str) -> Result<Address> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = split_port(rest).ok_or_else(|| refused(text, "is no engine address"))?;
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| refused(text, "has no valid port"))?,
    };
    if host == "localhost" {
        return Ok(Address::Tcp(format!("localhost:{port}")));
    }
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) if v4.is_loopback() => Ok(Address::Tcp(format!("{v4}:{port}"))),
        Ok(IpAddr::V6(v6)) if v6.is_loopback() => Ok(Address::Tcp(format!("[{v6}]:{port}"))),
        _ => Err(refused(text, "is an engine on another host; the process ids it tells are not this host's")
            .hint("run weave on the host of the engine, with its unix socket")),
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
pub(super) fn split_port(rest: &str) -> Option<(&str, Option<&str>)> {
    if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, port) = bracketed.split_once(']')?;
        return if port.is_empty() { Some((host, None)) } else { Some((host, Some(port.strip_prefix(':')?))) };
    }
    match rest.split_once(':') {
        None => Some((rest, None)),
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
    }
}

fn refused(text: &str, why: &str) -> Error {
    Error::invalid(FIELD, format!("`{text}` {why}; {ALLOWED}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn engines_of_this_host_are_taken() {
        for (given, wanted) in [
            (None, "/var/run/docker.sock"),
            (Some(""), "/var/run/docker.sock"),
            (Some(" "), "/var/run/docker.sock"),
            (Some("unix:///run/user/1000/docker.sock"), "/run/user/1000/docker.sock"),
            (Some("tcp://127.0.0.1:2375"), "tcp://127.0.0.1:2375"),
            (Some("tcp://127.0.0.1"), "tcp://127.0.0.1:2375"),
            (Some("tcp://127.9.9.9:1/"), "tcp://127.9.9.9:1"),
            (Some("http://localhost:4243"), "tcp://localhost:4243"),
            (Some("tcp://[::1]:2375"), "tcp://[::1]:2375"),
            (Some("tcp://[::1]"), "tcp://[::1]:2375"),
        ] {
            let address = Address::parse(given).unwrap_or_else(|error| panic!("{given:?}: {error}"));
            assert_eq!(address.to_string(), wanted, "{given:?}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_is_allowed() {
        for (given, why) in [
            ("ssh://root@db1", "`ssh`"),
            ("npipe:////./pipe/docker", "`npipe`"),
            ("https://127.0.0.1:2376", "`https`"),
            ("unix://docker.sock", "absolute"),
            ("unix://", "absolute"),
            ("/var/run/docker.sock", "scheme"),
            ("docker.sock", "no engine address"),
            ("tcp://192.0.2.7:2375", "another host"),
            ("tcp://docker.example.com:2375", "another host"),
            ("tcp://0.0.0.0:2375", "another host"),
            ("tcp://[2001:db8::1]:2375", "another host"),
            ("tcp://", "another host"),
            ("tcp://::1:2375", "no engine address"),
            ("tcp://[::1", "no engine address"),
            ("tcp://[::1]2375", "no engine address"),
            ("tcp://127.0.0.1:0", "port"),
            ("tcp://127.0.0.1:99999", "port"),
            ("tcp://127.0.0.1:", "port"),
            ("tcp://127.0.0.1:2375/prefix", "port"),
        ] {
            let error = Address::parse(Some(given)).expect_err(given);
            assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{given}");
            assert_eq!(error.subject(), FIELD, "{given}");
            assert!(error.message().contains(why), "{given}: {error}");
            assert!(error.message().contains("allowed: unix:///"), "{given}: {error}");
        }
    }
}
