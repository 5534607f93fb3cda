//! Frames of `vethwe-pcap`: read and injected through one packet socket.

use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recvfrom, send, socket,
};

/// The router's end of the pair; the other end is a port of the bridge.
pub(crate) const INTERFACE: &str = "vethwe-pcap";

/// The kernel's mark on frames that this namespace itself sends (`PACKET_OUTGOING`).
const OUTGOING: u8 = 4;

/// The packet socket.
pub(crate) struct Capture {
    socket: OwnedFd,
    ifindex: usize,
}

impl Capture {
    /// Opens it; the interface must be there and up.
    pub(crate) fn open() -> Result<Self, String> {
        let (address, flags) = link(INTERFACE)?.ok_or_else(|| format!("interface {INTERFACE} does not exist"))?;
        if !flags.contains(InterfaceFlags::IFF_UP) {
            return Err(format!("interface {INTERFACE} is not up"));
        }
        let opened = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll);
        let socket = opened.map_err(|why| format!("open a packet socket: {why}"))?;
        // The address names no protocol, and then the socket keeps its own: all of them.
        bind(socket.as_raw_fd(), &address).map_err(|why| format!("bind to {INTERFACE}: {why}"))?;
        Ok(Self { socket, ifindex: address.ifindex() })
    }

    /// The next frame that the bridge sends here.
    pub(crate) fn read<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], String> {
        loop {
            match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), buffer) {
                // Before it was bound, the socket heard every interface.
                Ok((size, Some(from))) if from.pkttype() != OUTGOING && from.ifindex() == self.ifindex => {
                    return Ok(&buffer[..size]);
                }
                // A down interface is reported once; it may come up again.
                Ok(_) | Err(Errno::EINTR | Errno::ENETDOWN) => {}
                Err(why) => return Err(format!("read from {INTERFACE}: {why}")),
            }
        }
    }

    /// Hands a frame to the bridge; whether the interface took it.
    pub(crate) fn inject(&self, frame: &[u8]) -> bool {
        send(self.socket.as_raw_fd(), frame, MsgFlags::empty()).is_ok()
    }
}

/// The Ethernet address of an interface, for a router that is given no name.
pub(crate) fn mac(interface: &str) -> Result<Option<String>, String> {
    let bytes = link(interface)?.and_then(|(address, _)| address.addr());
    Ok(bytes.map(|bytes| text(&bytes)))
}

/// An Ethernet address as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn link(name: &str) -> Result<Option<(LinkAddr, InterfaceFlags)>, String> {
    let mut all = getifaddrs().map_err(|why| format!("list interfaces: {why}"))?;
    Ok(all.find_map(|one| {
        let address = *one.address.as_ref().filter(|_| one.interface_name == name)?.as_link_addr()?;
        Some((address, one.flags))
    }))
}
