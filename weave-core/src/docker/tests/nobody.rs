//! Places where nobody listens, for sure: who holds them has bound them, and nobody else can.
//!
//! A listener that is dropped goes on where a process that another test is just starting has a copy of it.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrLike, UnixAddr, bind, getsockname, socket,
};

/// A port on loopback; it stays as it is as long as the descriptor is held.
pub(crate) fn port() -> (u16, OwnedFd) {
    let held = bound(AddressFamily::Inet, &SockaddrIn::new(127, 0, 0, 1, 0));
    (getsockname::<SockaddrIn>(held.as_raw_fd()).expect("an address").port(), held)
}

/// A socket in the file system.
pub(super) fn file(path: &Path) -> OwnedFd {
    bound(AddressFamily::Unix, &UnixAddr::new(path).expect("a short path"))
}

fn bound(family: AddressFamily, address: &dyn SockaddrLike) -> OwnedFd {
    let held = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
    bind(held.as_raw_fd(), address).expect("a place");
    held
}
