//! Weave's own table in the kernel, with packets.

use std::time::{Duration, Instant};

use super::space::{Space, passes, send};
use super::table::{PORTS, published, table};
use crate::firewall::{Look, set_table};
use crate::observed::{FirewallState, WeaveTable};

fn set(space: &Space, table: Option<WeaveTable>) {
    space.run(move || set_table(None, table.as_ref())).expect("set_table");
}

fn seen(space: &Space) -> FirewallState {
    space.run(|| Look::begin()?.finish()).expect("look")
}

#[test]
fn a_look_changes_nothing_and_a_namespace_without_rules_has_none() {
    let space = Space::new();
    let state = seen(&space);
    assert_eq!((state.table, state.foreign, state.damaged, state.forward), (None, None, false, Vec::new()));
    assert_eq!((state.unavailable, state.unread), (None, Vec::new()));
    assert_eq!(space.rules(), "");
    assert_eq!(space.sh("cat /proc/thread-self/net/ip_tables_names /proc/thread-self/net/ip6_tables_names"), "");
}

#[test]
fn what_is_set_is_seen_and_what_is_removed_leaves_nothing() {
    let space = Space::new();
    space.sh("nft add table inet other; nft add chain inet other c; nft add rule inet other c tcp dport 22 accept");
    let before = space.rules();
    for table in [
        table(Some(6783), &[], &[]),
        table(Some(6784), &["192.0.2.1", "192.0.2.2", "2001:db8::1"], &["10.2.0.0/16", "10.9.9.9/32", "fd00::/64"]),
        table(None, &[], &["10.2.0.0/16", "0.0.0.0/1", "fd00::1/128"]),
        table(None, &["192.0.2.1"], &[]),
        published(&PORTS, false),
        published(&PORTS, true),
        published(&PORTS[1..2], true),
        WeaveTable { peers: std::collections::BTreeSet::new(), port: None, ..published(&PORTS[3..4], false) },
    ] {
        for _ in 0..2 {
            set(&space, Some(table.clone()));
            let state = seen(&space);
            assert_eq!((state.table.as_ref(), state.damaged), (Some(&table), false), "{}", space.rules());
        }
    }
    for _ in 0..2 {
        set(&space, None);
        assert_eq!(seen(&space).table, None);
        assert_eq!(space.rules(), before);
    }
}

#[test]
fn ten_thousand_peers_are_set_and_seen_quickly() {
    let space = Space::new();
    let mut big = table(Some(6783), &["2001:db8::1"], &[]);
    big.peers.extend((0..10_000u32).map(|number| std::net::IpAddr::from((0x0a00_0000 + number).to_be_bytes())));
    let start = Instant::now();
    set(&space, Some(big.clone()));
    assert_eq!(seen(&space).table, Some(big));
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn peers_that_come_are_added_whatever_became_of_the_table() {
    let space = Space::new();
    let few = table(Some(6783), &["192.0.2.1"], &["10.2.0.0/16"]);
    let more = table(Some(6783), &["192.0.2.1", "192.0.2.2", "2001:db8::1"], &["10.2.0.0/16"]);
    let other = table(Some(6784), &["192.0.2.2", "2001:db8::1"], &[]);
    let handle = |space: &Space| space.sh("nft -j list tables inet");
    for (before, after, change, kept) in [
        (&few, &more, "true", true),
        (&few, &few, "true", true),
        (&few, &more, "nft add element inet weave peers4 '{ 192.0.2.2 }'", true),
        (&few, &more, "nft delete table inet weave", false),
        (&more, &few, "true", false),
        (&few, &other, "true", false),
    ] {
        set(&space, Some(before.clone()));
        let first = handle(&space);
        space.sh(change);
        let (was, wanted) = (before.clone(), after.clone());
        space.run(move || set_table(Some(&was), Some(&wanted))).expect("set_table");
        assert_eq!(seen(&space).table.as_ref(), Some(after), "{change}");
        assert_eq!(handle(&space) == first, kept, "{change}: the same table");
    }
}

#[test]
fn a_change_by_hand_is_damage_and_is_repaired() {
    let space = Space::new();
    let wanted = table(Some(6783), &["192.0.2.1"], &["10.2.0.0/16"]);
    for change in [
        "nft insert rule inet weave input accept",
        "nft flush chain inet weave input",
        "nft flush table inet weave",
        "nft add chain inet weave mine",
        "nft 'add chain inet weave input { policy drop; }'",
        "nft 'add table inet weave { flags dormant; }'",
        "nft delete rule inet weave postrouting handle $(nft -a list chain inet weave postrouting | \
         sed -n 's/.*saddr != .*handle //p')",
    ] {
        set(&space, Some(wanted.clone()));
        space.sh(change);
        let state = seen(&space);
        assert_eq!((state.table, state.damaged, state.foreign), (None, true, None), "{change}\n{}", space.rules());
        set(&space, Some(wanted.clone()));
        assert_eq!(seen(&space).table.as_ref(), Some(&wanted), "{change}");
    }
    // Elements are content, not form.
    space.sh("nft add element inet weave peers4 '{ 192.0.2.9 }'");
    assert_eq!(seen(&space).table, Some(table(Some(6783), &["192.0.2.1", "192.0.2.9"], &["10.2.0.0/16"])));
}

#[test]
fn a_table_of_somebody_else_is_foreign() {
    for script in [
        "nft add table inet weave",
        "nft add table inet weave; nft add set inet weave s '{ type ipv4_addr; }'",
        "nft add table inet weave; nft add chain inet weave input '{ type filter hook input priority 0; }'; \
         nft add rule inet weave input tcp dport 22 accept",
    ] {
        let space = Space::new();
        space.sh(script);
        let state = seen(&space);
        assert_eq!((state.table, state.damaged), (None, false), "{script}");
        assert!(state.foreign.is_some_and(|why| why.contains("inet weave")), "{script}");
    }
}

#[test]
fn only_peers_get_through_to_the_port() {
    let (host, peer, stranger) = (Space::new(), Space::new(), Space::new());
    host.sh(
        "ip link add underlay type bridge; ip link set underlay up; sysctl -qw net.bridge.bridge-nf-call-iptables=0 \
             net.bridge.bridge-nf-call-ip6tables=0",
    );
    host.address("underlay", "192.0.2.1/24");
    host.address("underlay", "2001:db8::1/64");
    host.cable("port1", &peer, &["192.0.2.2/24", "2001:db8::2/64"]);
    host.cable("port2", &stranger, &["192.0.2.3/24", "2001:db8::3/64"]);
    host.bridge(&["port1", "port2"], "underlay");
    for (ours, theirs, strangers) in
        [("192.0.2.1", "192.0.2.2", "192.0.2.3"), ("[2001:db8::1]", "[2001:db8::2]", "[2001:db8::3]")]
    {
        let (to, other) = (format!("{ours}:6783"), format!("{ours}:6784"));
        let (router, service) = (host.socket(&to), host.socket(&other));
        // The stranger sends from the router's own port, which must not make it a peer.
        let from_peer = peer.socket(&format!("{theirs}:0"));
        let from_stranger = stranger.socket(&format!("{strangers}:6783"));
        let all = |name: &str, expected: [bool; 3]| {
            let found = [
                passes(&from_peer, &to, &router),
                passes(&from_stranger, &to, &router),
                passes(&from_stranger, &other, &service),
            ];
            assert_eq!(found, expected, "{name}: peer, stranger, stranger to another port");
            // Pieces must not get through where the whole does not: IPv6 puts them together after the hook.
            let pieces = [(&from_peer, found[0]), (&from_stranger, found[1])];
            for (from, passed) in pieces {
                assert_eq!(send(from, &to, &router, 5000).is_some(), passed, "{name}: in pieces from {from:?}");
            }
        };
        all("no table", [true, true, true]);
        set(&host, Some(table(Some(6783), &["192.0.2.2", "2001:db8::2"], &[])));
        all("one peer", [true, false, true]);
        set(&host, Some(table(Some(6783), &[], &[])));
        all("no peer", [false, false, true]);
        set(&host, None);
        all("removed", [true, true, true]);
    }
    assert_eq!(host.rules(), "");
}

/// A container on the bridge, the host with an exposed address, and somebody else behind the host.
fn exposed() -> [Space; 4] {
    let (host, container, sibling, outside) = (Space::new(), Space::new(), Space::new(), Space::new());
    host.sh("ip link add weave type bridge mcast_snooping 0; ip link set weave up; \
             sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.bridge.bridge-nf-call-iptables=1");
    host.address("weave", "10.2.1.1/24");
    host.address("weave", "fd02::1/64");
    host.cable("port1", &container, &["10.2.1.4/24", "fd02::4/64"]);
    host.cable("port2", &sibling, &["10.2.1.5/24", "fd02::5/64"]);
    host.sh("ip link set port1 master weave; ip link set port2 master weave");
    host.cable("uplink", &outside, &["192.0.2.9/24", "2001:db8::9/64"]);
    host.address("uplink", "192.0.2.1/24");
    host.address("uplink", "2001:db8::1/64");
    container.sh("ip route add default via 10.2.1.1; ip route add default via fd02::1");
    outside.sh("ip route add 10.2.1.0/24 via 192.0.2.1; ip route add fd02::/64 via 2001:db8::1");
    [host, container, sibling, outside]
}

#[test]
fn packets_of_an_exposed_network_take_the_hosts_address_both_ways() {
    let [host, container, sibling, outside] = exposed();
    for (networks, inside, next, beyond, up, bridge) in [
        ("10.2.1.0/24", "10.2.1.4", "10.2.1.5", "192.0.2.9", "192.0.2.1", "10.2.1.1"),
        ("fd02::/64", "[fd02::4]", "[fd02::5]", "[2001:db8::9]", "[2001:db8::1]", "[fd02::1]"),
    ] {
        let at = |space: &Space, address: &str, port: u16| space.socket(&format!("{address}:{port}"));
        let seen_as = |masqueraded: bool, port: u16| {
            let (in_, next_, out) =
                (at(&container, inside, port), at(&sibling, next, port), at(&outside, beyond, port));
            let source = |from, to: &str, at| {
                let found = send(from, &format!("{to}:{port}"), at, 100).expect("arrives");
                found.to_string().rsplit_once(':').expect("port").0.to_owned()
            };
            let expected = |real: &'static str, shown: &'static str| if masqueraded { shown } else { real };
            assert_eq!(source(&in_, beyond, &out), expected(inside, up), "out of the network");
            // A port of its own, so that it is no answer to the packet before.
            let asking = at(&outside, beyond, port + 1000);
            assert_eq!(source(&asking, inside, &in_), expected(beyond, bridge), "into the network");
            assert_eq!(source(&in_, next, &next_), inside, "within the network");
        };
        seen_as(false, 5000);
        set(&host, Some(table(None, &[], &[networks])));
        seen_as(true, 5001);
        set(&host, None);
        seen_as(false, 5002);
    }
}

#[test]
fn groups_on_the_bridge_keep_their_source() {
    let [host, container, sibling, _] = exposed();
    set(&host, Some(table(None, &[], &["10.2.1.0/24"])));
    container.sh("ip route add 224.0.0.0/4 dev eth0; ip route add 255.255.255.255 dev eth0");
    for (group, port) in [("224.1.2.3", 5000), ("255.255.255.255", 5001), ("10.2.1.255", 5002)] {
        let from = container.socket(&format!("10.2.1.4:{port}"));
        from.set_broadcast(true).expect("broadcast");
        let at = sibling.socket(&format!("0.0.0.0:{port}"));
        if group.starts_with("224") {
            at.join_multicast_v4(&[224, 1, 2, 3].into(), &[10, 2, 1, 5].into()).expect("joins");
        }
        let source = send(&from, &format!("{group}:{port}"), &at, 100).expect("arrives");
        assert_eq!(source.ip().to_string(), "10.2.1.4", "{group}");
    }
}
