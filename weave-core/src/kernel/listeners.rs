//! IS: who has the ports of a router in a container, as `/proc` shows it (`ss -lntup`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::observed::{Listener, Protocol};

/// State of a TCP socket that listens, and of one for datagrams that is connected to nobody (`TCP_LISTEN`, `TCP_CLOSE`,
/// `include/net/tcp_states.h`).
const LISTENS: &str = "0A";
const UNCONNECTED: &str = "07";

/// Tables of sockets of the namespace of the calling thread.
const TABLES: [(&str, Protocol); 4] =
    [("tcp", Protocol::Tcp), ("tcp6", Protocol::Tcp), ("udp", Protocol::Udp), ("udp6", Protocol::Udp)];

/// Who has one of `ports`; `router` is a process of the router's container.
pub(super) fn look(ports: &BTreeSet<u16>, router: Option<u32>) -> Vec<Listener> {
    let mut sockets = Vec::new();
    for (table, protocol) in TABLES {
        // A host without IPv6 has no table of it.
        let text = fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        let lines = text.lines().skip(1).filter_map(|line| socket(line, protocol));
        sockets.extend(lines.filter(|(address, _)| ports.contains(&address.port())).map(|found| (protocol, found)));
    }
    let owners = owners(&sockets.iter().map(|(_, (_, inode))| *inode).collect());
    // Where containers are counted with everybody else, it tells nothing.
    let group = router.and_then(cgroup).filter(|group| cgroup(std::process::id()).as_ref() != Some(group));
    let listener = |(protocol, (address, inode))| {
        let pid: Option<u32> = owners.get(&inode).copied();
        let program = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok());
        Listener {
            protocol,
            address,
            pid,
            program: program.map(|name| name.trim().to_owned()),
            router: pid.is_some() && (pid == router || group.is_some() && pid.and_then(cgroup) == group),
        }
    };
    sockets.into_iter().map(listener).collect()
}

/// Local address and inode of a line such as
/// `0: 0100007F:1A80 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 …`.
fn socket(line: &str, protocol: Protocol) -> Option<(SocketAddr, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
    if *state != if protocol == Protocol::Tcp { LISTENS } else { UNCONNECTED } {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    Some((SocketAddr::new(address_of(address)?, u16::from_str_radix(port, 16).ok()?), inode.parse().ok()?))
}

/// The kernel writes each 32 bits of an address as one number of its own byte order.
fn address_of(hex: &str) -> Option<IpAddr> {
    let group = |at: usize| -> Option<[u8; 4]> {
        u32::from_str_radix(hex.get(8 * at..8 * (at + 1))?, 16).ok().map(u32::to_ne_bytes)
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(group(0)?).into()),
        32 => {
            let groups: Vec<[u8; 4]> = (0..4).map(group).collect::<Option<_>>()?;
            let bytes: [u8; 16] = groups.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// A process for each of the sockets `inodes`, as far as it is to be seen.
fn owners(inodes: &BTreeSet<u64>) -> BTreeMap<u64, u32> {
    let mut owners = BTreeMap::new();
    if inodes.is_empty() {
        return owners;
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        for file in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            let Ok(to) = fs::read_link(file.path()) else { continue };
            let inode = to.to_str().and_then(|to| to.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode.filter(|inode| inodes.contains(inode)) {
                owners.entry(inode).or_insert(pid);
            }
        }
    }
    owners
}

/// The groups that a process is counted in, which all processes of a container have in common.
fn cgroup(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn lines_of_the_kernels_tables() {
        let rest = "00000000:0000 STATE 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0";
        let line = |local: &str, state: &str| format!("   0: {local} {}", rest.replace("STATE", state));
        let four = line(&format!("{:08X}:1A7F", u32::from_ne_bytes([127, 0, 0, 1])), "0A");
        let expected = Some(("127.0.0.1:6783".parse().expect("an address"), 4711));
        assert_eq!(socket(&four, Protocol::Tcp), expected);
        assert_eq!(socket(&four.replace(" 0A ", " 01 "), Protocol::Tcp), None, "a connection");
        assert_eq!(socket(&four.replace(" 0A ", " 07 "), Protocol::Udp), expected);
        let one = format!("{:08X}", u32::from_ne_bytes([0, 0, 0, 1]));
        let six = line(&format!("{}{one}:1A80", "0".repeat(24)), "0A");
        assert_eq!(socket(&six, Protocol::Tcp), Some(("[::1]:6784".parse().expect("an address"), 4711)));
        for nonsense in ["", "0:", "0: x:y z 0A", &four.replace("1A7F", "xyz"), &four.replace("0100", "é1")] {
            assert_eq!(socket(nonsense, Protocol::Tcp), None, "{nonsense}");
        }
    }

    #[test]
    fn our_own_sockets_are_found_with_who_has_them() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let udp = UdpSocket::bind("[::]:0").or_else(|_| UdpSocket::bind("0.0.0.0:0")).expect("a port");
        let (stream, datagram) = (tcp.local_addr().expect("bound"), udp.local_addr().expect("bound"));
        let found = look(&[stream.port(), datagram.port()].into(), Some(std::process::id()));
        for (protocol, address) in [(Protocol::Tcp, stream), (Protocol::Udp, datagram)] {
            let mut listeners = found.iter().filter(|one| one.protocol == protocol && one.address == address);
            let one = listeners.next().unwrap_or_else(|| panic!("{protocol} {address} is not in {found:#?}"));
            assert_eq!((one.pid, one.router), (Some(std::process::id()), true));
            assert!(one.program.is_some());
        }
        let stranger = look(&[stream.port()].into(), None);
        assert!(stranger.iter().any(|one| one.address == stream && !one.router), "{stranger:#?}");
    }
}
