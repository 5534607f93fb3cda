//! Which host of a fleet this machine is.

use std::net::IpAddr;

use super::Fleet;
use crate::spec::{PeerHost, nearest};
use crate::{Error, ErrorKind, Result};

/// What a machine says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its host name, long or short.
    pub hostname: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl Fleet {
    /// The host that is meant by `given`, or else the one that `machine` is: by its host name, long or short, and by
    /// the address of the host.
    ///
    /// # Errors
    /// `NotFound` for a host that the fleet does not have, `Conflict` where several may be meant; both name what was
    /// looked for, and which hosts there are.
    pub fn choose(&self, given: Option<&str>, machine: &Machine) -> Result<&str> {
        if let Some(given) = given {
            return self.by_name(given);
        }
        let mut hosts = self.host_named(&machine.hostname);
        let by_name = !hosts.is_empty();
        for (name, host) in &self.hosts {
            let here = host.address.as_ref().is_some_and(|address| match &address.host {
                PeerHost::Address(ip) => machine.addresses.contains(ip),
                PeerHost::Name(_) => false,
            });
            if here && !hosts.contains(&name.as_str()) {
                hosts.push(name);
            }
        }
        let looked_for = || {
            let addresses: Vec<_> = machine.addresses.iter().map(ToString::to_string).collect();
            format!("host name `{}`, addresses {}", machine.hostname, addresses.join(", "))
        };
        match hosts.as_slice() {
            [host] => Ok(host),
            [] => {
                let message = format!("this machine ({}) is none of them: {}", looked_for(), self.host_names());
                Err(Error::new(ErrorKind::NotFound, "hosts", message).hint("name the host with `host`"))
            }
            several => {
                let why = if by_name { "by its name and by its address" } else { "by its addresses" };
                let message =
                    format!("this machine ({}) is several of them {why}: {}", looked_for(), several.join(", "));
                Err(Error::new(ErrorKind::Conflict, "hosts", message).hint("name the host with `host`"))
            }
        }
    }

    /// The host that `name` means, long or short.
    ///
    /// # Errors
    /// As [`Self::choose`].
    pub(super) fn by_name(&self, name: &str) -> Result<&str> {
        match self.host_named(name).as_slice() {
            [host] => Ok(host),
            [] => {
                let message = format!("`{name}` is none of the hosts; allowed: {}", self.host_names());
                let error = Error::new(ErrorKind::NotFound, "host", message);
                let names: Vec<&str> = self.hosts.keys().map(String::as_str).collect();
                Err(match nearest(name, &names) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                })
            }
            several => {
                let message = format!("`{name}` may be any of {}; allowed: one of them in full", several.join(", "));
                Err(Error::new(ErrorKind::Conflict, "host", message))
            }
        }
    }
}
