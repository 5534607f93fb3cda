//! Addresses: `RTM_NEWADDR`.

use std::net::IpAddr;

use super::{Attributes, ip, u32_at};
use crate::observed::InterfaceAddress;
use crate::spec::Cidr;

/// `struct ifaddrmsg`: family, prefix length, flags, scope, index (4).
const HEADER: usize = 8;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// Reads an address; `None` for link-local IPv6, which the kernel gives every link.
pub(crate) fn address(payload: &[u8]) -> Option<InterfaceAddress> {
    let prefix = *payload.get(1)?;
    let ifindex = u32_at(payload, 4)?;
    let (mut own, mut other) = (None, None);
    for (kind, value) in Attributes(payload.get(HEADER..)?) {
        match kind {
            IFA_LOCAL => own = ip(value),
            // The same, but on a point-to-point link the other end's.
            IFA_ADDRESS => other = ip(value),
            _ => {}
        }
    }
    let ip = own.or(other).filter(|ip| !is_link_local_v6(*ip))?;
    Some(InterfaceAddress { ifindex, address: Cidr::observed(ip, prefix)? })
}

fn is_link_local_v6(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const V4: [u8; 32] = [
        2, 24, 0x80, 0,          // AF_INET, prefix, permanent, scope
        7, 0, 0, 0,              // index
        8, 0, 1, 0, 10, 2, 1, 4, // IFA_ADDRESS
        8, 0, 2, 0, 10, 2, 1, 4, // IFA_LOCAL
        8, 0, 8, 0, 0x80, 0, 0, 0, // IFA_FLAGS
    ];

    #[test]
    fn an_address_is_read() {
        let read = address(&V4).expect("an address");
        assert_eq!((read.ifindex, read.address.to_string()), (7, "10.2.1.4/24".to_owned()));
        for end in 0..V4.len() {
            let _ = address(&V4[..end]);
        }
    }

    #[test]
    fn of_a_point_to_point_link_it_is_the_own_end() {
        let mut bytes = V4;
        bytes[12..16].copy_from_slice(&[10, 2, 1, 9]);
        assert_eq!(address(&bytes).expect("an address").address.ip().to_string(), "10.2.1.4");
    }

    #[test]
    fn the_kernels_own_link_local_address_is_left_out() {
        let mut bytes = vec![10, 64, 0x80, 253, 7, 0, 0, 0, 20, 0, 1, 0];
        bytes.extend("fe80::1".parse::<std::net::Ipv6Addr>().expect("address").octets());
        assert_eq!(address(&bytes), None);
        bytes[12] = 0xfd;
        assert!(address(&bytes).is_some());
    }
}
