//! The ways to many peers, found together, are those that the kernel tells of each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

use super::lab::{Container, Lab, run};
use crate::kernel::paths::paths;
use crate::observed::Path;

/// Asked for a few at a time, which is one by one.
fn one_by_one(addresses: &[IpAddr]) -> BTreeMap<IpAddr, Path> {
    addresses.chunks(10).flat_map(|few| paths(few.to_vec()).expect("ways")).collect()
}

fn together(addresses: &[IpAddr]) -> BTreeMap<IpAddr, Path> {
    paths(addresses.to_vec()).expect("ways")
}

/// Numbers that are the same at every run of the test.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(u32::try_from(words.len()).expect("few")) as usize]
    }

    /// An address in 10.64.0.0/10, near others.
    fn address(&mut self) -> Ipv4Addr {
        let [high, low] = [self.below(4), self.below(1 << 16)];
        Ipv4Addr::from(0x0a40_0000 | high << 20 | if self.below(2) == 0 { low } else { low & 0xff })
    }

    fn prefix(&mut self) -> String {
        let length = [0, 8, 10, 12, 14, 16, 17, 20, 24, 25, 28, 30, 31, 32][self.below(14) as usize];
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        format!("{}/{length}", Ipv4Addr::from(self.address().to_bits() & mask))
    }

    fn route(&mut self, spread: bool) -> String {
        let mut line = match self.below(if spread { 9 } else { 7 }) {
            0 => {
                format!("route add {} {}", self.one(&["blackhole", "unreachable", "prohibit", "throw"]), self.prefix())
            }
            1 => format!("route add local {} dev {}", self.prefix(), self.one(&["lo", "u0"])),
            2 => format!("route add {} nhid {}", self.prefix(), self.one(&["1", "2"])),
            3 => format!("address add {}/24 dev {}", self.address(), self.one(&["u0", "u1"])),
            4 => {
                format!("rule add {} to {} lookup {}", self.one(&["", "not"]), self.prefix(), self.one(&["100", "101"]))
            }
            7 => format!("route add {} nhid 3", self.prefix()),
            8 => format!("route add {} nexthop dev u0 nexthop dev u1 weight 3", self.prefix()),
            _ => format!("route add {} dev {}", self.prefix(), self.one(&["u0", "u1"])),
        };
        for (chance, word) in
            [(4, " via 192.0.2.9 onlink"), (4, " mtu 1300"), (5, " mtu lock 1280"), (5, " src 192.0.2.1")]
        {
            if line.contains(" dev ") && line.starts_with("route add 1") && self.below(chance) == 0 {
                line += word;
            }
        }
        if line.starts_with("route") {
            line += self.one(&["", "", " metric 7", " table 100", " table 101", " tos 4"]);
        }
        line
    }
}

/// Some of the lines make no sense together; those are passed over.
fn batch(lines: &[String]) {
    let mut ip = Command::new("ip");
    let ip = ip.args(["-force", "-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = ip.spawn().expect("iproute2 is installed");
    child.stdin.take().expect("a pipe").write_all(lines.join("\n").as_bytes()).expect("ip reads");
    child.wait().expect("ip ends");
}

#[test]
fn ways_found_together_are_those_of_each() {
    for seed in 0..24 {
        let _lab = Lab::new();
        for command in [
            "ip link set lo up",
            "ip link add u0 type veth peer name v0",
            "ip link add u1 type veth peer name v1",
            "ip address add 192.0.2.1/24 dev u0",
            "ip address add 198.51.100.1/24 dev u1",
            "ip link set u0 up",
            "ip link set u1 up",
            "ip link set v0 up",
            "ip link set v1 up",
            "ip nexthop add id 1 dev u0",
            "ip nexthop add id 2 via 198.51.100.9 dev u1",
            "ip nexthop add id 3 group 1/2",
        ] {
            run(command);
        }
        let mut dice = Dice(seed);
        let lines: Vec<String> = (0..40).map(|_| dice.route(seed % 4 == 3)).collect();
        batch(&lines);
        let mut addresses: BTreeSet<IpAddr> = (0..400).map(|_| dice.address().into()).collect();
        addresses
            .extend(["0.0.0.0", "0.0.0.1", "127.0.0.5", "192.0.2.1", "192.0.2.7", "192.0.2.8", "192.0.2.255"].map(ip));
        addresses.extend(["224.0.0.1", "239.1.1.1", "255.255.255.255", "2001:db8::1", "::1"].map(ip));
        let addresses: Vec<IpAddr> = addresses.into_iter().collect();
        let (expected, found) = (one_by_one(&addresses), together(&addresses));
        let routes = || format!("seed {seed}\n{}\n{}", run("ip rule"), run("ip route show table all"));
        assert!(expected.len() > 3, "{}", routes());
        assert_eq!(found, expected, "{}", routes());
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn more_routes_than_peers_are_not_read_to_their_end() {
    let _lab = Lab::new();
    for command in ["ip link add u0 type veth peer name v0", "ip link set u0 up", "ip address add 192.0.2.1/24 dev u0"]
    {
        run(command);
    }
    let route = |n: u32| format!("route add {} dev u0 mtu {}", Ipv4Addr::from(0x0a40_0000 + n), 1000 + n % 400);
    batch(&(0..3000).map(route).collect::<Vec<_>>());
    let addresses: Vec<IpAddr> = (0..200u32).map(|n| Ipv4Addr::from(0x0a40_0000 + n).into()).collect();
    let found = together(&addresses);
    assert_eq!(found.len(), 200);
    assert_eq!(found, one_by_one(&addresses));
}

#[test]
fn what_was_learned_of_one_address_is_not_taken_for_its_neighbours() {
    let (_lab, router) = (Lab::new(), Container::new());
    let here = format!("ip link add u0 type veth peer name r0 netns {}", router.path().display());
    for command in
        [&here, "ip address add 10.98.0.1/24 dev u0", "ip link set u0 up", "ip route add 10.99.0.0/16 via 10.98.0.2"]
    {
        run(command);
    }
    router.inside(|| {
        for command in [
            "ip address add 10.98.0.2/24 dev r0",
            "ip link set r0 up",
            "ip link add n0 mtu 1300 type veth peer name n1",
            "ip link set n0 up",
            "ip link set n1 up",
            "ip address add 10.99.0.1/16 dev n0",
            "sysctl -qw net.ipv4.ip_forward=1",
        ] {
            run(command);
        }
    });
    // The first packet teaches it, and the second one is the first to meet it.
    for _ in 0..2 {
        let _ = Command::new("ping").args(["-M", "do", "-s", "1400", "-c", "1", "-W", "1", "10.99.0.77"]).output();
    }
    let addresses: Vec<IpAddr> = (10..210).map(|n| IpAddr::from([10, 99, 0, n])).collect();
    let found = together(&addresses);
    let narrow: Vec<_> = found.iter().filter(|(_, path)| path.mtu == Some(1300)).map(|(address, _)| *address).collect();
    assert_eq!(narrow, [ip("10.99.0.77")]);
    assert_eq!(found, one_by_one(&addresses));
}
