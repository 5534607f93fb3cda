//! Checksum offload of links, by the one ioctl that kernels of all ages have for it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::names::IFNAME_MAX;

const SIOCETHTOOL: u32 = 0x8946;
const ETHTOOL_GTXCSUM: u32 = 0x16;
const ETHTOOL_STXCSUM: u32 = 0x17;

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// A way to ask about the links of one namespace.
pub(crate) struct Ethtool(OwnedFd);

impl Ethtool {
    /// For the links in the network namespace of the calling thread; it stays with that one.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self(socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?))
    }

    /// `ethtool -k LINK`: whether `tx-checksumming` is on.
    ///
    /// # Errors
    /// `ENODEV` where there is no such link, `EOPNOTSUPP` where the kernel does not say.
    pub(crate) fn tx_checksum(&self, link: &str) -> io::Result<bool> {
        Ok(self.ask(link, Value { command: ETHTOOL_GTXCSUM, data: 0 })? != 0)
    }

    /// `ethtool -K LINK tx on|off`. Segmentation of TCP (TSO), which needs it, goes and comes with it.
    ///
    /// # Errors
    /// `ENODEV` where there is no such link, `EOPNOTSUPP` where it cannot be switched, `EPERM` without `CAP_NET_ADMIN`.
    pub(crate) fn set_tx_checksum(&self, link: &str, on: bool) -> io::Result<()> {
        self.ask(link, Value { command: ETHTOOL_STXCSUM, data: u32::from(on) }).map(drop)
    }

    fn ask(&self, link: &str, mut value: Value) -> io::Result<u32> {
        if link.len() > IFNAME_MAX {
            return Err(Errno::ENODEV.into());
        }
        // SAFETY: ifreq is made of integers and pointers only, for all of which zero is a value.
        #[allow(unsafe_code)]
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(link.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_data = std::ptr::from_mut(&mut value).cast();
        // SAFETY: the request and the value that it points to live until after the call. Both commands have the kernel
        // read and write a `struct ethtool_value` there, which `Value` is, and nothing beyond it.
        #[allow(unsafe_code)]
        let done = unsafe { libc::ioctl(self.0.as_raw_fd(), SIOCETHTOOL as _, std::ptr::from_mut(&mut request)) };
        Errno::result(done)?;
        Ok(value.data)
    }
}
