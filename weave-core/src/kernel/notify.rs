//! Announcements that the kernel makes itself.
//!
//! A packet socket is quick to open and slow to close: the kernel waits for an RCU grace period, 8 to 16 ms, which is
//! many times what the rest of an attachment takes. But the kernel announces an interface's addresses by itself when
//! its hardware address is set, even to what it is, if two settings of the interface say so (`arp_notify`,
//! `ndisc_notify`). That takes a tenth of a millisecond, and from then on the kernel also does it each time the link
//! comes up.

use std::net::IpAddr;

use crate::netlink::{Refusal, Socket, encode};
use crate::spec::Mac;
use crate::{Result, sysctl};

/// Has the kernel announce `addresses`, which are on an interface that is up, given by number and hardware address.
///
/// Where one of them is of IPv6, the calling thread has to be in the interface's namespace.
pub(super) fn announce(socket: &mut Socket, name: &str, (index, mac): (u32, Mac), addresses: &[IpAddr]) -> Result<()> {
    let mut messages = Vec::with_capacity(2);
    if addresses.iter().any(IpAddr::is_ipv4) {
        messages.push(encode::set_arp_notify(index));
    }
    if addresses.iter().any(IpAddr::is_ipv6) {
        // Netlink has no way to it.
        sysctl::set_ipv6(name, "ndisc_notify", 1)?;
    }
    messages.push(encode::set_mac_at(index, mac));
    let answers: Result<(), Refusal> = socket.batch(messages).into_iter().collect();
    answers.map_err(|refusal| refusal.error(name, "have the kernel announce its addresses"))
}
