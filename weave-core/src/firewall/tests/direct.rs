//! What the kernel says without nft is what nft says.

use serde_json::Value;

use super::space::Space;
use super::table::table;
use crate::firewall::direct::{Own, Seen, look};
use crate::firewall::reading::{Ownership, read};
use crate::firewall::{chains, set_table};

fn seen(space: &Space) -> Seen {
    space.run(look).expect("a kernel with nf_tables, and root")
}

fn listing(space: &Space, what: &str) -> Value {
    serde_json::from_str(&space.sh(&format!("nft -j list {what}"))).expect("JSON")
}

#[test]
fn the_guard_of_a_port_is_recognised() {
    let space = Space::new();
    assert_eq!(seen(&space).own, Own::Absent);
    for peers in [&[][..], &["192.0.2.1"], &["2001:db8::1"], &["192.0.2.1", "192.0.2.2", "2001:db8::1", "fd00::7"]] {
        for port in [1, 6783, 65535] {
            let table = table(Some(port), peers, &[]);
            let wanted = table.clone();
            space.run(move || set_table(None, Some(&wanted))).expect("a table");
            assert_eq!(seen(&space).own, Own::Ours(table), "{}", space.rules());
        }
    }
    space.run(|| set_table(None, None)).expect("no table");
    assert_eq!(seen(&space).own, Own::Absent);
}

/// What is not the plain guard goes to nft, and so does everything that is not weave's at all.
#[test]
fn whatever_else_the_table_says_is_left_to_nft() {
    let space = Space::new();
    let port = "udp dport 6783 ip saddr != @peers4 drop";
    for change in [
        "nft insert rule inet weave input accept",
        "nft add rule inet weave input tcp dport 22 accept",
        "nft flush chain inet weave input",
        "nft flush table inet weave",
        "nft add chain inet weave mine",
        "nft 'add chain inet weave input { policy drop; }'",
        "nft 'add table inet weave { flags dormant; }'",
        "nft add set inet weave more '{ type ipv4_addr; }'",
        "nft add counter inet weave c",
        "nft add element inet weave peers4 '{ 192.0.2.9 comment \"mine\" }'",
        "nft 'delete chain inet weave input; add chain inet weave input { type filter hook input priority 5; }'",
        &format!("nft 'flush chain inet weave input; add rule inet weave input {port}'"),
        &format!("nft 'flush chain inet weave input; add rule inet weave input {port} comment \"weave:peers4\"'"),
        &format!(
            "nft 'flush chain inet weave input; add rule inet weave input counter {port} comment \"weave:peers4\"'"
        ),
        "nft 'flush chain inet weave input; add rule inet weave input udp dport 6783 ip saddr @peers4 drop comment \
         \"weave:peers4\"; add rule inet weave input udp dport 6783 ip6 saddr != @peers6 drop comment \"weave:peers6\"'",
        "nft 'flush chain inet weave input; add rule inet weave input udp dport 6783 ip saddr != @peers4 drop comment \
         \"weave:peers4\"; add rule inet weave input udp dport 6784 ip6 saddr != @peers6 drop comment \"weave:peers6\"'",
        "nft 'delete table inet weave; add table inet weave; \
         add set inet weave peers4 { type ipv4_addr; flags interval; }; add set inet weave peers6 { type ipv6_addr; }; \
         add chain inet weave input { type filter hook input priority raw; }'",
    ] {
        space.run(|| set_table(None, Some(&table(Some(6783), &["192.0.2.1"], &[])))).expect("a table");
        space.sh(change);
        assert_eq!(seen(&space).own, Own::Unclear, "{change}\n{}", space.rules());
        assert!(!matches!(read(&listing(&space, "table inet weave")), Ownership::Ours(_)), "{change}");
    }
    // Masquerading is weave's own, and read by nft.
    space.run(|| set_table(None, Some(&table(Some(6783), &["192.0.2.1"], &["10.2.0.0/16"])))).expect("a table");
    assert_eq!(seen(&space).own, Own::Unclear);
}

#[test]
fn chains_are_those_that_nft_lists() {
    let space = Space::new();
    space.sh(
        "nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; \
              add chain ip filter DOCKER-USER; add table ip6 filter; \
              add chain ip6 filter FORWARD { type filter hook forward priority 0; }; add table inet mine; \
              add chain inet mine f { type filter hook forward priority 5; policy drop; }; add chain inet mine g; \
              add chain inet mine out { type route hook output priority 5; }; add table bridge b; \
              add chain bridge b f { type filter hook forward priority 0; policy drop; }; add table arp a; \
              add chain arp a i { type filter hook input priority 0; }'",
    );
    space.run(|| set_table(None, Some(&table(Some(6783), &["192.0.2.1"], &["10.2.0.0/16"])))).expect("a table");
    let (mut direct, mut listed) = (seen(&space).chains, chains::listed(&listing(&space, "chains"), &[]));
    for chains in [&mut direct, &mut listed] {
        chains.sort_by_key(|chain| (chain.family, chain.table.clone(), chain.name.clone()));
    }
    assert_eq!(direct, listed);
    assert_eq!(direct.iter().filter(|chain| chain.forward).count(), 3);
}
