//! The packet socket: frames of one kind on one interface.

use std::io;
use std::mem::{ManuallyDrop, size_of};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socket, sockopt};
use nix::sys::time::TimeSpec;

use crate::{Error, Result};

/// Room for a few thousand answers that come all at once; the kernel counts about 2 KiB for a short frame.
const RECEIVE_BUFFER: usize = 8 << 20;

/// How long to let an interface drain that takes no more frames.
const RETRY: Duration = Duration::from_micros(200);

/// What the frames carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EtherType {
    /// ARP.
    Arp,
    /// IPv6; of it only neighbour solicitations and advertisements are received.
    Ipv6,
}

impl EtherType {
    pub(super) fn number(self) -> u16 {
        match self {
            Self::Arp => 0x0806,
            Self::Ipv6 => 0x86dd,
        }
    }
}

/// A raw packet socket, bound to one interface of the namespace where it was opened. Never blocks.
pub(super) struct PacketSocket {
    /// Taken out once, when this is dropped.
    fd: ManuallyDrop<OwnedFd>,
    ifindex: u32,
}

impl Drop for PacketSocket {
    /// Closing one takes the kernel an RCU grace period, 8 to 16 ms, for which nobody has to wait.
    fn drop(&mut self) {
        // SAFETY: this is the only place that takes it out, and nothing comes after.
        #[allow(unsafe_code)]
        let fd = unsafe { ManuallyDrop::take(&mut self.fd) };
        // When no thread is to be had, it is closed here.
        let _ = std::thread::Builder::new().name("weave-close".to_owned()).spawn(move || drop(fd));
    }
}

impl PacketSocket {
    /// Opens it on `ifindex` in the network namespace of the calling thread.
    pub(super) fn open(ifindex: u32, ethertype: EtherType) -> Result<Self> {
        // Protocol 0: nothing is received before the socket is bound and filtered.
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Packet, SockType::Raw, flags, None)
            .map_err(|errno| failed(ifindex, "open a packet socket", errno))?;
        let socket = Self { fd: ManuallyDrop::new(fd), ifindex };
        if ethertype == EtherType::Ipv6 {
            socket.keep_neighbour_discovery_only()?;
        }
        // Beyond the administrator's limit only with CAP_NET_ADMIN; within it, or not at all, is no reason to fail.
        if setsockopt(&*socket.fd, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            let _ = setsockopt(&*socket.fd, sockopt::RcvBuf, &RECEIVE_BUFFER);
        }
        socket.bind(ethertype)?;
        Ok(socket)
    }

    /// Opens one that receives nothing and is for no interface, in the network namespace of the calling thread.
    pub(super) fn open_to_send() -> Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Packet, SockType::Raw, flags, None)
            .map_err(|errno| failed(0, "open a packet socket", errno))?;
        Ok(Self { fd: ManuallyDrop::new(fd), ifindex: 0 })
    }

    /// Sends a frame out of interface `ifindex`, once. Nothing is sent out of one that is down, gone or busy.
    pub(super) fn send_out_of(&self, ifindex: u32, ethertype: EtherType, frame: &[u8]) -> Result<()> {
        let address = link_address(ifindex, ethertype);
        // SAFETY: both pointers go with the lengths of what they point to, which lives and which the kernel only reads.
        #[allow(unsafe_code)]
        let done = unsafe {
            let (to, length) = (std::ptr::from_ref(&address).cast(), size_of::<libc::sockaddr_ll>());
            let fd = self.fd.as_raw_fd();
            libc::sendto(fd, frame.as_ptr().cast(), frame.len(), libc::MSG_DONTWAIT, to, length as libc::socklen_t)
        };
        match Errno::result(done) {
            Ok(_) | Err(Errno::ENETDOWN | Errno::ENXIO | Errno::ENODEV | Errno::ENOBUFS | Errno::EAGAIN) => Ok(()),
            Err(errno) => Err(failed(ifindex, "send a frame", errno)),
        }
    }

    /// Sends a frame; when the interface takes no more just now, tries again until `until`.
    pub(super) fn send(&self, frame: &[u8], until: Instant) -> Result<()> {
        loop {
            match send(self.fd.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS | Errno::EAGAIN) if Instant::now() < until => std::thread::sleep(RETRY),
                Err(errno) => return Err(failed(self.ifindex, "send a frame", errno)),
            }
        }
    }

    /// Takes the next frame into `buffer`; `None` when none is waiting.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> Result<Option<&'a [u8]>> {
        loop {
            match recv(self.fd.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => return Ok(buffer.get(..length)),
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(failed(self.ifindex, "receive frames", errno)),
            }
        }
    }

    fn bind(&self, ethertype: EtherType) -> Result<()> {
        let address = link_address(self.ifindex, ethertype);
        // SAFETY: the pointer and the length are those of a live sockaddr_ll, which the kernel only reads.
        #[allow(unsafe_code)]
        let done = unsafe {
            let pointer = std::ptr::from_ref(&address).cast();
            libc::bind(self.fd.as_raw_fd(), pointer, size_of::<libc::sockaddr_ll>() as libc::socklen_t)
        };
        Errno::result(done).map(drop).map_err(|errno| failed(self.ifindex, "bind a packet socket", errno))
    }

    /// Has the kernel drop all other IPv6, so that busy neighbours do not fill the buffer.
    fn keep_neighbour_discovery_only(&self) -> Result<()> {
        let mut code = neighbour_discovery();
        let program = libc::sock_fprog { len: code.len() as u16, filter: code.as_mut_ptr() };
        // SAFETY: the program points to `code`, which lives until after the call; the kernel copies it.
        #[allow(unsafe_code)]
        let done = unsafe {
            let pointer = std::ptr::from_ref(&program).cast();
            let length = size_of::<libc::sock_fprog>() as libc::socklen_t;
            libc::setsockopt(self.fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, pointer, length)
        };
        Errno::result(done).map(drop).map_err(|errno| failed(self.ifindex, "filter a packet socket", errno))
    }
}

/// Interface `ifindex`, for frames of one kind.
fn link_address(ifindex: u32, ethertype: EtherType) -> libc::sockaddr_ll {
    // SAFETY: sockaddr_ll is made of integers only, for all of which zero is a value.
    #[allow(unsafe_code)]
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::sa_family_t;
    address.sll_protocol = ethertype.number().to_be();
    address.sll_ifindex = libc::c_int::try_from(ifindex).unwrap_or(-1);
    address
}

/// `tcpdump -dd 'ip6[6] == 58 and (ip6[40] == 135 or ip6[40] == 136)'`: next header ICMPv6, and its type.
fn neighbour_discovery() -> [libc::sock_filter; 7] {
    const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let line = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    [
        line(LOAD_BYTE, 0, 0, 14 + 6),
        line(IF_EQUAL, 0, 4, 58),
        line(LOAD_BYTE, 0, 0, 14 + 40),
        line(IF_EQUAL, 1, 0, 135),
        line(IF_EQUAL, 0, 1, 136),
        line(RETURN, 0, 0, u32::from(u16::MAX)),
        line(RETURN, 0, 0, 0),
    ]
}

/// Waits until one of `sockets` has a frame, or `until`.
pub(super) fn wait<'a>(sockets: impl Iterator<Item = &'a PacketSocket>, until: Instant) -> Result<()> {
    let mut polled: Vec<_> = sockets.map(|socket| PollFd::new(socket.fd.as_fd(), PollFlags::POLLIN)).collect();
    let left = until.saturating_duration_since(Instant::now());
    match ppoll(&mut polled, Some(TimeSpec::from_duration(left)), None) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(Error::os("", "wait for frames", io::Error::from(errno))),
    }
}

fn failed(ifindex: u32, action: &str, errno: Errno) -> Error {
    Error::os(format!("interface {ifindex}"), action, io::Error::from(errno))
}
