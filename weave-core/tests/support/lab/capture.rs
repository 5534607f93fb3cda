//! Seeing which frames arrive in a namespace.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::net::if_::if_indextoname;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, socket};

use super::netns::Netns;

/// The kernel's mark on frames that the namespace itself sends (`PACKET_OUTGOING`).
const OUTGOING: u8 = 4;

/// A frame that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Captured {
    /// The frame, with its Ethernet header.
    pub(crate) frame: Vec<u8>,
    /// The interface it came in by.
    pub(crate) interface: String,
}

/// Records the frames that reach any interface of a namespace from now on; start it before sending.
pub(crate) struct Sniffer {
    netns: Netns,
    socket: OwnedFd,
}

impl Sniffer {
    /// Starts to record.
    pub(crate) fn start(netns: &Netns) -> Self {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let opened = netns.in_netns(|| socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll));
        let socket = opened.unwrap_or_else(|e| panic!("open a packet socket in {}: {e}", netns.name()));
        Self { netns: netns.clone(), socket }
    }

    /// The first frame with `marker` anywhere in it, or None after `limit`.
    pub(crate) fn find(&self, marker: &[u8], limit: Duration) -> Option<Captured> {
        self.find_by(limit, |frame| frame.windows(marker.len()).any(|window| window == marker))
    }

    /// The first frame that `wanted` accepts, or None after `limit`.
    pub(crate) fn find_by(&self, limit: Duration, wanted: impl Fn(&[u8]) -> bool) -> Option<Captured> {
        let deadline = Instant::now() + limit;
        loop {
            match self.receive() {
                Some((frame, index)) if wanted(&frame) => {
                    let name = self.netns.in_netns(|| if_indextoname(index));
                    let interface = name.map_or_else(|_| index.to_string(), |name| name.to_string_lossy().into_owned());
                    return Some(Captured { frame, interface });
                }
                Some(_) => {}
                None => {
                    let left = deadline.checked_duration_since(Instant::now())?;
                    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
                    let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
                    match poll(&mut fds, timeout) {
                        Ok(_) | Err(Errno::EINTR) => {}
                        Err(e) => panic!("wait for frames: {e}"),
                    }
                }
            }
        }
    }

    /// The next recorded frame that came from outside, and the index of its interface.
    fn receive(&self) -> Option<(Vec<u8>, u32)> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut buffer) {
                Ok((_, Some(from))) if from.pkttype() == OUTGOING => {}
                Ok((size, from)) => {
                    let index = from.map_or(0, |from| from.ifindex());
                    return Some((buffer[..size].to_vec(), u32::try_from(index).unwrap_or(0)));
                }
                Err(Errno::EAGAIN) => return None,
                // An interface that goes down is reported once, and the socket goes on.
                Err(Errno::ENETDOWN | Errno::EINTR) => {}
                Err(e) => panic!("read frames: {e}"),
            }
        }
    }
}
