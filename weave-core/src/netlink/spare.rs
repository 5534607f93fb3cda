//! What one socket leaves for the next one on the same thread: each look needs one in each namespace.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::netns;
use crate::observed::NetnsId;

/// How many sockets are kept: that of the host, and that of the last container.
const MOST: usize = 2;

thread_local! {
    /// The last buffer.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Sockets by their namespaces.
    static OPEN: RefCell<Vec<Open>> = const { RefCell::new(Vec::new()) };
}

/// A socket, the namespace of which is known.
pub(super) struct Open {
    pub(super) home: NetnsId,
    pub(super) socket: Arc<netlink_sys::Socket>,
    /// The number of its last message.
    pub(super) sequence: u32,
}

/// The last buffer, or an empty one.
pub(super) fn buffer() -> Vec<u8> {
    BUFFER.take()
}

/// Keeps a buffer for the next socket.
pub(super) fn keep_buffer(buffer: Vec<u8>) {
    BUFFER.set(buffer);
}

/// The namespace of a socket that the calling thread opens now. It is known of threads that work for weave alone: no
/// other may keep a socket, and with it a namespace.
pub(super) fn home() -> Option<NetnsId> {
    netns::last_entered()
}

/// A socket of the namespace `home`, if one is left.
pub(super) fn take(home: NetnsId) -> Option<Open> {
    OPEN.with_borrow_mut(|open| {
        let at = open.iter().position(|spare| spare.home == home)?;
        Some(open.swap_remove(at))
    })
}

/// Keeps a socket for the next one that needs it.
pub(super) fn keep(spare: Open) {
    OPEN.with_borrow_mut(|open| {
        // The host's was the first, and is needed again.
        open.truncate(MOST - 1);
        open.push(spare);
    });
}

/// Closes the sockets of the calling thread that nobody uses.
pub(crate) fn drop_spares() {
    OPEN.take();
}
