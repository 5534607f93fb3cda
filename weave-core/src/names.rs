//! Every default and every name that weave gives to things, in one place.

use std::net::IpAddr;

use crate::spec::Mac;

/// The bridge that local containers and the router are ports of; weave's own name since 2014.
pub const BRIDGE: &str = "weave";

/// The command.
pub const PROGRAM: &str = "weave";

/// The interface inside a container; weave's own name since 2014.
pub const INTERFACE: &str = "ethwe";

/// UDP port of the router: the one that firewalls already open for weave (its control port, TCP and UDP 6783).
pub const PORT: u16 = 6783;

/// The router's container, with kind `image`; the classic script's own name for it.
pub const ROUTER: &str = "weave";

/// TCP port where a router in a container takes orders, on 127.0.0.1 only; the classic script's own.
pub const CONTROL_PORT: u16 = 6784;

/// Whose the addresses of the host itself are, in the books of a router; the classic script's own word.
pub const EXPOSE: &str = "weave:expose";

/// What keeps a router in a container from telling its vendor of host and network.
pub const SILENT: &str = "CHECKPOINT_DISABLE=1";

/// The variable that a router in a container takes its password from.
pub const PASSWORD_VARIABLE: &str = "WEAVE_PASSWORD";

/// The longest prefix of a network that addresses are allocated from: of its four, two are left out.
pub const ALLOCATION_PREFIX_MAX: u8 = 30;

/// VXLAN network identifier, 24 bits (RFC 7348, section 5).
pub const VNI: u32 = 6783;

/// Largest VXLAN network identifier (RFC 7348: 24 bits).
pub const VNI_MAX: u32 = (1 << 24) - 1;

/// Bytes that the tunnel adds to a frame over IPv4: Ethernet 14, IPv4 20, UDP 8, VXLAN 8 (RFC 7348, section 5).
pub const OVERHEAD_V4: u32 = 50;

/// Bytes that a router in a container adds to a packet: over a path of 1500 bytes it says that it carries 1438
/// (`GET /report` of 2.8.1).
pub const OVERHEAD_CLASSIC: u32 = 62;

/// The same with a password: it says 1414.
pub const OVERHEAD_CLASSIC_ENCRYPTED: u32 = 86;

/// The port of the bridge that leads to a router in a container; the router's own name for it.
pub const BRIDGE_END: &str = "vethwe-bridge";

/// Where the router takes frames in and hands them out; its own name for it.
pub const ROUTER_END: &str = "vethwe-pcap";

/// The names that routers give to that end: where they capture frames, and where Open vSwitch's datapath takes them.
pub const ROUTER_ENDS: [&str; 2] = [ROUTER_END, "vethwe-datapath"];

/// How names of host ends begin that the classic script made.
pub const CLASSIC_HOST_END: &str = "vethwepl";

/// Bytes that the tunnel adds to a frame over IPv6: as over IPv4 with a 40-byte header.
pub const OVERHEAD_V6: u32 = 70;

/// Smallest MTU an interface may have for IPv4 (RFC 791: every module forwards 68 bytes).
pub const MTU_MIN: u32 = 68;

/// Smallest MTU for IPv6 (RFC 8200, section 5).
pub const MTU_MIN_V6: u32 = 1280;

/// Largest MTU that the kernel takes for a bridge or veth (`ETH_MAX_MTU`).
pub const MTU_MAX: u32 = 65535;

/// Ports a Linux bridge can hold (`BR_MAX_PORTS` is 1 << 10, number 0 is not used).
pub const BRIDGE_PORTS_MAX: usize = 1023;

/// The group that host ends of containers are made in (`ip link set … group`), so that all of them can go at once.
pub const GROUP: u32 = 6783;

/// The nftables table of weave, family `inet`.
pub const TABLE: &str = "weave";

/// The comment on rules that weave puts into chains of others.
pub const RULE_COMMENT: &str = "weave:bridge";

/// Comment of the accepts for published ports in chains of others.
pub const PUBLISH_COMMENT: &str = "weave:publish";

/// Longest interface name (`IFNAMSIZ` is 16 with its terminating zero).
pub const IFNAME_MAX: usize = 15;

/// All IPv4 multicast, routed to the overlay by default as weave always did.
pub const MULTICAST: &str = "224.0.0.0/4";

/// The label of an image that weave built: the SHA-256 of all that it was built from.
pub const CONTEXT_LABEL: &str = "weave.context";

/// Seconds that a caller waits for another weave on this host.
pub const LOCK_SECONDS: u64 = 60;

/// The name of the VXLAN device for a router on `port`, after the classic router's `vxlan-6784`.
pub fn vxlan(port: u16) -> String {
    format!("vxlan-{port}")
}

/// The name of the VXLAN device that takes over from one called [`vxlan`].
pub fn spare_vxlan(port: u16) -> String {
    format!("vxlan-{port}b")
}

/// The image of containers that only hold a network namespace. No registry is called so, and weave makes it itself.
pub const HOLDER_IMAGE: &str = "localhost/weave-holder:1";

/// The container that holds the network namespace of the one called `name`.
pub fn holder_of(name: &str) -> String {
    format!("{name}.weave-net")
}

/// The label of a volume that marks a container as being moved, on both hosts, with the container's name.
pub const MOVES: &str = "weave.moves";

/// The name of that volume.
pub fn moves(name: &str) -> String {
    format!("weave-moves-{name}")
}

/// The label of that volume with the move that is under way.
pub const MOVE: &str = "weave.move";

/// The label of that volume with the full id of the container that is moved.
pub const MOVE_SOURCE: &str = "weave.move-source";

/// The name of the container that keeps other weaves from moving the one called `name`, on both hosts.
pub fn moving(name: &str) -> String {
    format!("weave-moving-{name}")
}

/// The name of a container that was moved to another host and shall stay.
pub fn moved(name: &str) -> String {
    format!("{name}.weave-moved")
}

const NEW: &str = ".weave-new";
const OLD: &str = ".weave-old";

/// The name of the container that will take the place of the one called `name`.
pub fn new_of(name: &str) -> String {
    format!("{name}{NEW}")
}

/// The name of the container that another took the place of, until it is removed.
pub fn old_of(name: &str) -> String {
    format!("{name}{OLD}")
}

/// The name without those endings.
pub fn swapped(name: &str) -> &str {
    name.strip_suffix(NEW).or_else(|| name.strip_suffix(OLD)).unwrap_or(name)
}

/// The name of the host end for an interface of a network namespace.
///
/// `attempt` tells names apart whose hashes collide; the caller takes the first that is free.
pub fn host_end(netns_inode: u64, interface: &str, attempt: u32) -> String {
    let mut hash = Fnv::default();
    hash.write(&netns_inode.to_le_bytes());
    hash.write(interface.as_bytes());
    hash.write(&attempt.to_le_bytes());
    format!("vethwe{:08x}", hash.fold())
}

/// The MAC of a container's interface, from its first address, so that a container that restarts or moves keeps it.
///
/// Locally administered and unicast: `0a:57` and the four bytes of an IPv4 address, or a hash of an IPv6 address.
pub fn interface_mac(address: IpAddr) -> Mac {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            Mac([0x0a, 0x57, a, b, c, d])
        }
        IpAddr::V6(v6) => hashed_mac(0x0e, &v6.octets()),
    }
}

/// The MAC of the bridge, from what is unique to the host: its underlay address.
pub fn bridge_mac(host: &str) -> Mac {
    hashed_mac(0x12, host.as_bytes())
}

fn hashed_mac(first: u8, bytes: &[u8]) -> Mac {
    let mut hash = Fnv::default();
    hash.write(bytes);
    let [a, b, c, d, e, ..] = hash.0.to_be_bytes();
    Mac([first, a, b, c, d, e])
}

/// FNV-1a: the standard library's hasher may change between releases, and these names must not.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn fold(&self) -> u32 {
        let [a, b, c, d, e, f, g, h] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d]) ^ u32::from_be_bytes([e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_the_kernel() {
        assert!(host_end(u64::MAX, "ethwe", 0).len() <= IFNAME_MAX);
        assert!(vxlan(u16::MAX).len() <= IFNAME_MAX);
        assert!(spare_vxlan(u16::MAX).len() <= IFNAME_MAX);
        assert_ne!(host_end(1, "ethwe", 0), host_end(1, "ethwe", 1));
        assert_ne!(host_end(1, "ethwe", 0), host_end(2, "ethwe", 0));
    }

    #[test]
    fn macs_are_unicast_locally_administered_and_stable() {
        for mac in [
            interface_mac("10.2.1.4".parse().expect("address")),
            interface_mac("fd00::4".parse().expect("address")),
            bridge_mac("192.0.2.1"),
        ] {
            assert_eq!(mac.0[0] & 0b11, 0b10, "{mac}");
        }
        assert_eq!(interface_mac("10.2.1.4".parse().expect("address")).to_string(), "0a:57:0a:02:01:04");
        assert_eq!(bridge_mac("192.0.2.1"), bridge_mac("192.0.2.1"));
    }
}
