//! What this machine is called, and its addresses.

use std::net::IpAddr;

use crate::spec::fleet::Machine;

/// This machine, as the calling thread sees it: `hostname`, `ip address`.
pub(crate) fn machine() -> Machine {
    let hostname = nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned();
    let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let mut addresses: Vec<IpAddr> = interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        })
        .filter(|address| !address.is_loopback())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    Machine { hostname, addresses }
}
