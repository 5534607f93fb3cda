//! Sockets and files that are waited for until there is something to read.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has the runtime of the calling task wait for `owner`'s file, which must be one that never blocks.
///
/// # Errors
/// As the kernel says.
// Whoever lends its file as `AsFd` has one that stays open as long as it lives; and nobody else can reach it in here.
#[allow(unsafe_code)]
pub(crate) fn readable<T: AsFd + AsRawFd>(owner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: the file is the owner's, who moves in with it and closes it when both are dropped.
    unsafe { AsyncFd::register_with_interest(owner, Interest::READABLE) }.map_err(Into::into)
}
