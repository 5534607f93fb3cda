//! Netlink (`AF_NETLINK`, route family): messages are made and read by pure functions, one blocking socket sends them.
//!
//! The socket stays in the namespace where it was opened, from whichever thread it is used.

pub(crate) mod decode;
pub(crate) mod encode;
mod piece;
mod socket;
mod spare;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use nix::libc;

pub(crate) use piece::Wire;
pub(crate) use socket::Socket;
pub(crate) use spare::drop_spares;

use crate::{Error, ErrorKind};

/// A message to the kernel.
pub(crate) type Message = netlink_packet_core::NetlinkMessage<netlink_packet_route::RouteNetlinkMessage>;

/// The kernel's no, in number and, where it gives them, words (`NETLINK_EXT_ACK`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The error number.
    pub(crate) errno: i32,
    /// The kernel's explanation.
    pub(crate) text: Option<String>,
}

impl Refusal {
    /// A refusal without words.
    pub(crate) fn new(errno: i32) -> Self {
        Self { errno, text: None }
    }

    /// Whether the thing that should go is not there: link, address, route, neighbour entry.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.errno, libc::ENODEV | libc::ENOENT | libc::ESRCH | libc::EADDRNOTAVAIL | libc::ENXIO)
    }

    /// The error for `action` on `subject`.
    ///
    /// Only `EPERM` is a missing privilege: `EACCES` is how the kernel says that IPv6 is switched off on a link.
    pub(crate) fn error(&self, subject: impl Into<String>, action: impl fmt::Display) -> Error {
        if self.errno == libc::EPERM {
            return Error::os(subject, action, io::Error::from_raw_os_error(self.errno));
        }
        self.error_as(ErrorKind::Kernel, subject, action)
    }

    /// The same, of a kind that the caller knows better.
    pub(crate) fn error_as(&self, kind: ErrorKind, subject: impl Into<String>, action: impl fmt::Display) -> Error {
        let source = io::Error::from_raw_os_error(self.errno);
        Error::new(kind, subject, format!("{action}: {self}")).source(source).errno(self.errno)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.errno).fmt(f)?;
        match &self.text {
            Some(text) => write!(f, ": {}", text.trim_end_matches('.')),
            None => Ok(()),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::new(error.raw_os_error().unwrap_or(libc::EIO))
    }
}
