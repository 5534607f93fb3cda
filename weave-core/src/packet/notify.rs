//! Announcements that the kernel makes itself.
//!
//! A packet socket is quick to open and slow to close: the kernel waits for an RCU grace period, 8 to 16 ms, which is
//! many times what the rest of an attachment takes. But the kernel announces an interface's addresses by itself when
//! its hardware address is set, even to what it is, if two sysctls of the interface say so. That takes a tenth of a
//! millisecond, and from then on the kernel also does it each time the link comes up.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::spec::Mac;

/// Has the kernel announce what is on interface `ifindex`. `false`: it cannot, since the link is down or its hardware
/// address is not `mac`.
pub(super) fn announce(ifindex: u32, mac: Mac, addresses: &[IpAddr]) -> io::Result<bool> {
    let link = Link::find(ifindex)?;
    if !link.is_up()? || link.mac()? != mac {
        return Ok(false);
    }
    if addresses.iter().any(IpAddr::is_ipv4) {
        link.write("ipv4", "arp_notify")?;
    }
    if addresses.iter().any(IpAddr::is_ipv6) {
        link.write("ipv6", "ndisc_notify")?;
    }
    link.set_mac(mac).map(|()| true)
}

/// An interface in the namespace of the calling thread, by name as the old requests want it.
struct Link {
    socket: OwnedFd,
    name: [libc::c_char; libc::IFNAMSIZ],
}

impl Link {
    fn find(ifindex: u32) -> io::Result<Self> {
        let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        let link = Self { socket, name: [0; libc::IFNAMSIZ] };
        let mut request = link.request();
        request.ifr_ifru.ifru_ifindex = libc::c_int::try_from(ifindex).unwrap_or(-1);
        link.ask(libc::SIOCGIFNAME, &mut request)?;
        Ok(Self { name: request.ifr_name, ..link })
    }

    fn is_up(&self) -> io::Result<bool> {
        let mut request = self.request();
        self.ask(libc::SIOCGIFFLAGS, &mut request)?;
        // SAFETY: the kernel has filled in the flags, and any bytes are a number.
        #[allow(unsafe_code)]
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        Ok(libc::c_int::from(flags) & libc::IFF_UP != 0)
    }

    fn mac(&self) -> io::Result<Mac> {
        let mut request = self.request();
        self.ask(libc::SIOCGIFHWADDR, &mut request)?;
        // SAFETY: the kernel has filled in the address, and any bytes are one.
        #[allow(unsafe_code)]
        let address = unsafe { request.ifr_ifru.ifru_hwaddr };
        let [a, b, c, d, e, f, ..] = address.sa_data;
        Ok(Mac([a, b, c, d, e, f].map(|byte| byte as u8)))
    }

    fn set_mac(&self, mac: Mac) -> io::Result<()> {
        let mut address = libc::sockaddr { sa_family: libc::ARPHRD_ETHER, sa_data: [0; 14] };
        for (to, from) in address.sa_data.iter_mut().zip(mac.0) {
            *to = from as libc::c_char;
        }
        let mut request = self.request();
        request.ifr_ifru.ifru_hwaddr = address;
        self.ask(libc::SIOCSIFHWADDR, &mut request)
    }

    /// Sets a switch of the interface; `/proc/sys/net` is that of the calling thread's namespace.
    fn write(&self, family: &str, switch: &str) -> io::Result<()> {
        let name = self.name.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8).collect();
        let name = String::from_utf8(name).map_err(io::Error::other)?;
        std::fs::write(format!("/proc/sys/net/{family}/conf/{name}/{switch}"), "1")
    }

    fn request(&self) -> libc::ifreq {
        let nothing = libc::__c_anonymous_ifr_ifru { ifru_hwaddr: libc::sockaddr { sa_family: 0, sa_data: [0; 14] } };
        libc::ifreq { ifr_name: self.name, ifr_ifru: nothing }
    }

    fn ask(&self, what: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
        // SAFETY: each request used here reads and writes one ifreq, which this is.
        #[allow(unsafe_code)]
        let done = unsafe { libc::ioctl(self.socket.as_raw_fd(), what as libc::Ioctl, std::ptr::from_mut(request)) };
        nix::errno::Errno::result(done).map(drop).map_err(io::Error::from)
    }
}
