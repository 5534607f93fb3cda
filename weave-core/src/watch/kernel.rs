//! What the kernel announces, as long as somebody listens.

use std::io;
use std::path::Path;
use std::sync::Arc;

use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};
use nix::libc;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::UnboundedSender;

use super::Told;
use super::decide::Noticed;
use super::notice::{NFTABLES_GROUP, Notice, ROUTE_GROUPS, Said};
use crate::kernel::Kernel;
use crate::netns::identify;
use crate::readable::readable;
use crate::{Error, Result};

/// The kernel announces in pieces of a page mostly.
const ROOM: usize = 32 << 10;

/// Room for what is announced while the host is worked on; more than that is made up for by a look.
const BUFFER: u32 = 1 << 20;

/// Sockets that announcements come to.
pub(super) struct Ears {
    /// Of links, addresses, routes and forwarding entries.
    pub(super) links: AsyncFd<Socket>,
    /// Of nftables; nothing where the kernel has none.
    pub(super) nftables: Option<AsyncFd<Socket>>,
}

/// Opens the sockets in the namespace of the host. From here on nothing is missed.
///
/// # Errors
/// Where the kernel has no such sockets, or does not let us listen.
pub(super) async fn open(kernel: &Kernel) -> Result<Ears> {
    let failed = |error| Error::os("host", "listen to the kernel's announcements", error);
    let (links, nftables) = kernel
        .at_home(move || {
            let links = socket(NETLINK_ROUTE, &ROUTE_GROUPS).map_err(failed)?;
            let nftables = socket(NETLINK_NETFILTER, &[NFTABLES_GROUP]);
            Ok((links, nftables.inspect_err(|error| tracing::debug!(%error, "nftables announce nothing")).ok()))
        })
        .await?;
    let registered = |socket| readable(socket).map_err(failed);
    Ok(Ears { links: registered(links)?, nftables: nftables.map(registered).transpose()? })
}

fn socket(protocol: isize, groups: &[u32]) -> io::Result<Socket> {
    let mut socket = Socket::new(protocol)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    socket.set_non_blocking(true)?;
    let _ = socket.set_rx_buf_sz(BUFFER);
    groups.iter().try_for_each(|group| socket.add_membership(*group))?;
    Ok(socket)
}

/// Listens to what is said of links, addresses, routes and forwarding entries.
///
/// Who `learns` has no document, and looks at what weave makes, too.
pub(super) async fn links(kernel: Arc<Kernel>, socket: AsyncFd<Socket>, learns: bool, tell: UnboundedSender<Told>) {
    let mut notice = Notice::new(learns);
    begin(&kernel, &mut notice).await;
    let mut room = Vec::with_capacity(ROOM);
    loop {
        let mut said = Vec::new();
        let heard = hear(&socket, &mut room, |datagram| notice.route(datagram, &mut said)).await;
        if matches!(heard, Ok(true)) {
            begin(&kernel, &mut notice).await;
        }
        if !pass_on(heard, said.into_iter().filter_map(settled).collect(), &tell) {
            return;
        }
    }
}

/// What turns out to be so: an end that is gone concerns somebody while its container runs on.
fn settled(said: Said) -> Option<Noticed> {
    let mark = match said {
        Said::Noticed(noticed) => return Some(noticed),
        Said::EndGone(mark) => mark,
    };
    let path = if mark.pid == 0 { mark.id } else { format!("/proc/{}/ns/net", mark.pid) };
    // One that is found in no such way is looked for.
    let runs = path.is_empty() || identify(Path::new(&path)).is_ok_and(|id| id.inode == mark.inode);
    runs.then_some(Noticed::Network)
}

/// Listens to what is said of nftables.
pub(super) async fn nftables(socket: AsyncFd<Socket>, tell: UnboundedSender<Told>) {
    let mut room = Vec::with_capacity(ROOM);
    loop {
        let mut noticed = Vec::new();
        let heard = hear(&socket, &mut room, |datagram| Notice::nftables(datagram, &mut noticed)).await;
        if !pass_on(heard, noticed, &tell) {
            return;
        }
    }
}

/// Says what was noticed; whether there is any use in listening on.
fn pass_on(heard: io::Result<bool>, mut noticed: Vec<Noticed>, tell: &UnboundedSender<Told>) -> bool {
    match heard {
        Ok(false) => {}
        // More was announced than the socket holds.
        Ok(true) => noticed.push(Noticed::Network),
        Err(error) => {
            tracing::warn!(%error, "the kernel's announcements are not heard any more");
            return false;
        }
    }
    noticed.into_iter().all(|noticed| tell.send(Told::Noticed(noticed)).is_ok())
}

/// Begins with the links that there are. Where they cannot be listed, those that were heard of stay.
async fn begin(kernel: &Kernel, notice: &mut Notice) {
    match kernel.links().await {
        Ok(links) => notice.begin(links),
        Err(error) => tracing::debug!(%error, "links are not listed"),
    }
}

/// Reads what has come; whether some of it was lost.
async fn hear(socket: &AsyncFd<Socket>, room: &mut Vec<u8>, mut each: impl FnMut(&[u8])) -> io::Result<bool> {
    let mut ready = socket.readable().await?;
    loop {
        room.clear();
        let read = ready.try_io(|socket| socket.get_ref().recv(room, 0));
        match read {
            Ok(Ok(_)) => each(room),
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(Err(error)) if error.raw_os_error() == Some(libc::ENOBUFS) => return Ok(true),
            Ok(Err(error)) => return Err(error),
            Err(_would_block) => return Ok(false),
        }
    }
}
