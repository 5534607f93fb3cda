//! Firewalls that drop what they do not know: one accept for frames between ports of the bridge, where it is needed.

use super::common::{apply, ip, lab, peers, reference, weave};
use crate::lab::{Host, Lab, Netns, Snapshot, assert_same};

/// A filter that drops forwarded frames.
struct Filter {
    /// How an administrator makes it.
    make: &'static str,
    /// How it is emptied, as `systemctl reload` or a careless hand would.
    flush: &'static str,
    /// Prints its rules.
    show: &'static str,
    /// Whether it is for IPv6.
    ipv6: bool,
}

const IPTABLES_NFT: Filter = Filter {
    make: "iptables-nft -P FORWARD DROP",
    flush: "iptables-nft -F FORWARD",
    show: "iptables-nft-save",
    ipv6: false,
};

const IPTABLES_LEGACY: Filter = Filter {
    make: "iptables-legacy -P FORWARD DROP",
    flush: "iptables-legacy -F FORWARD",
    show: "iptables-legacy-save",
    ipv6: false,
};

const IP6TABLES_NFT: Filter = Filter {
    make: "ip6tables-nft -P FORWARD DROP",
    flush: "ip6tables-nft -F FORWARD",
    show: "ip6tables-nft-save",
    ipv6: true,
};

const IP6TABLES_LEGACY: Filter = Filter {
    make: "ip6tables-legacy -P FORWARD DROP",
    flush: "ip6tables-legacy -F FORWARD",
    show: "ip6tables-legacy-save",
    ipv6: true,
};

const PLAIN_NFT: Filter = Filter {
    make: "nft 'table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }'",
    flush: "nft flush chain inet filter forward",
    show: "nft list table inet filter",
    ipv6: false,
};

/// As firewalld ends its chain: the policy accepts, the last rule rejects.
const FIREWALLD: Filter = Filter {
    make: "nft 'table inet firewalld {
               chain filter_FORWARD_POLICIES { iifname \"lo\" accept; };
               chain filter_FORWARD {
                   type filter hook forward priority filter + 10; policy accept;
                   ct state { established, related } accept
                   ct status dnat accept
                   iifname \"lo\" accept
                   ct state invalid drop
                   jump filter_FORWARD_POLICIES
                   reject with icmpx admin-prohibited
               }; }'",
    flush: "nft flush chain inet firewalld filter_FORWARD; nft add rule inet firewalld filter_FORWARD reject",
    show: "nft list table inet firewalld",
    ipv6: false,
};

#[test]
fn iptables_nft() {
    filter_lets_the_network_pass(&IPTABLES_NFT);
}

#[test]
fn iptables_legacy() {
    filter_lets_the_network_pass(&IPTABLES_LEGACY);
}

#[test]
fn ip6tables_nft() {
    filter_lets_the_network_pass(&IP6TABLES_NFT);
}

#[test]
fn ip6tables_legacy() {
    filter_lets_the_network_pass(&IP6TABLES_LEGACY);
}

#[test]
fn plain_nft() {
    filter_lets_the_network_pass(&PLAIN_NFT);
}

#[test]
fn reject_at_the_end_as_firewalld_has_it() {
    filter_lets_the_network_pass(&FIREWALLD);
}

/// Two containers on the host with the filter, one on another.
struct Members {
    one: Netns,
    neighbour: Netns,
    far: Netns,
    ipv6: bool,
}

impl Members {
    fn new(lab: &Lab, ipv6: bool) -> Self {
        Self { one: lab.target("one"), neighbour: lab.target("neighbour"), far: lab.target("far"), ipv6 }
    }

    fn address(&self, number: u8) -> String {
        if self.ipv6 { format!("fd00:2:1::{number}") } else { format!("10.2.1.{number}") }
    }

    fn cidr(&self, number: u8) -> String {
        format!("{}/{}", self.address(number), if self.ipv6 { 64 } else { 24 })
    }

    fn near_document(&self, hosts: &[Host], managed: bool) -> String {
        let (one, two) = (reference(&self.one), reference(&self.neighbour));
        format!(
            "peers: {}\nfirewall: {{manage: {managed}}}\ncontainers:\n  \"{one}\": {{ip: \"{}\", probe: false}}\n  \"{two}\": {{ip: \"{}\", probe: false}}\n",
            peers(hosts),
            self.cidr(1),
            self.cidr(2),
        )
    }

    fn reach(&self) -> [bool; 3] {
        let there = |number| ip(&self.address(number));
        [self.one.await_ping(there(2)), self.one.await_ping(there(3)), self.far.await_ping(there(1))]
    }

    fn are_cut_off(&self) -> bool {
        !self.one.ping(ip(&self.address(2))) && !self.one.ping(ip(&self.address(3)))
    }
}

fn filter_lets_the_network_pass(filter: &Filter) {
    let (lab, hosts) = lab(2);
    let host = &hosts[0];
    host.sh(filter.make).must();
    let members = Members::new(&lab, filter.ipv6);
    let before = Snapshot::of(host);

    let managed = members.near_document(&hosts, true);
    apply(host, &members.near_document(&hosts, false));
    weave(&hosts[1], &format!("launch {}", peers(&hosts)));
    weave(&hosts[1], &format!("attach --no-probe {} {}", members.cidr(3), reference(&members.far)));
    assert!(members.are_cut_off(), "the filter drops nothing, so it proves nothing");

    assert!(apply(host, &managed));
    assert_eq!(members.reach(), [true; 3], "with the accept");
    assert_eq!(accepts(host, filter.show), 1, "accepts in {}", host.sh(filter.show).stdout);
    assert!(!apply(host, &managed), "a second time changes nothing");

    host.sh(filter.flush).must();
    assert!(members.are_cut_off(), "flushing the chain cuts them off");
    assert!(apply(host, &managed), "the second apply sees that the accept is gone");
    assert_eq!(members.reach(), [true; 3], "repaired");
    assert_eq!(accepts(host, filter.show), 1);

    weave(host, "reset");
    assert_eq!(accepts(host, filter.show), 0, "reset takes the accept away");
    // What the flush took was not weave's.
    host.sh("nft flush ruleset").must();
    legacy_accepts(host);
    host.sh(filter.make).must();
    assert_same(&before, &Snapshot::of(host));
}

/// Policies of the legacy program outlive nothing here: they are set anew with the same value.
fn legacy_accepts(host: &Host) {
    for program in ["iptables-legacy", "ip6tables-legacy"] {
        host.sh(&format!(
            "names=/proc/net/ip_tables_names; [ {program} = iptables-legacy ] || names=/proc/net/ip6_tables_names
             [ ! -s $names ] || {program} -F"
        ))
        .must();
    }
}

/// How many rules carry weave's mark.
fn accepts(host: &Host, show: &str) -> usize {
    host.sh(show).must().lines().filter(|line| line.contains("weave:bridge")).count()
}

/// A chain that drops nothing needs no accept, and gets none.
#[test]
fn a_host_whose_filter_drops_nothing_gets_no_rule() {
    let (_lab, hosts) = lab(1);
    hosts[0].sh("iptables-nft -A FORWARD -s 198.51.100.0/24 -j DROP").must();
    weave(&hosts[0], "launch 192.0.2.9");
    let rules = hosts[0].sh("iptables-nft-save; nft list ruleset").must();
    assert!(!rules.contains("weave:bridge"), "{rules}");
}
