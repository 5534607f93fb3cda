//! Weave's own table as `nft -j -f -` takes it: one transaction that replaces it as a whole.
//!
//! ```text
//! table inet weave {
//!     set peers4 { type ipv4_addr; elements = { 192.0.2.1 } }
//!     set peers6 { type ipv6_addr }
//!     chain input { type filter hook input priority raw; policy accept;
//!         udp dport 6783 ip saddr != @peers4 drop comment "weave:peers4"
//!         udp dport 6783 ip6 saddr != @peers6 drop comment "weave:peers6"
//!         with a router in a container the same of udp 6784 and tcp 6783, and
//!         iifname != "lo" ip daddr 127.0.0.0/8 tcp dport 6784 drop comment "weave:control"
//!     }
//!     chain postrouting { type nat hook postrouting priority srcnat; policy accept;
//!         ip daddr 224.0.0.0/4 return comment "weave:group"
//!         ip saddr 10.2.0.0/16 ip daddr != 10.2.0.0/16 masquerade comment "weave:masquerade"
//!         ip daddr 10.2.0.0/16 ip saddr != 10.2.0.0/16 masquerade comment "weave:masquerade"
//!     }
//! }
//! ```
//!
//! and what [`publish`](super::publish) shows for published ports.
//!
//! The comments are the mark of ownership, because nft 1.0.6 keeps none on tables, sets and chains in JSON. The hook is
//! input: it sees what this host itself would take in, tunnelled frames among it, before conntrack and the rules of
//! others; what is forwarded to that port of somebody else is not weave's affair. There is no counter, so that the same
//! wish always reads the same.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde_json::{Value, json};

use super::publish;
use crate::names;
use crate::observed::WeaveTable;

/// What every comment in weave's table begins with.
pub(super) const MARK: &str = "weave:";
/// The set of IPv4 peers, and its type.
pub(super) const PEERS4: (&str, &str) = ("peers4", "ipv4_addr");
/// The set of IPv6 peers, and its type.
pub(super) const PEERS6: (&str, &str) = ("peers6", "ipv6_addr");
/// The chain that keeps strangers from the router's port.
pub(super) const INPUT: &str = "input";
/// The chain that gives packets of exposed networks the host's address.
pub(super) const POSTROUTING: &str = "postrouting";

/// The comment of the rules that masquerade a network.
pub(super) const MASQUERADE: &str = "masquerade";
/// The comment of the rule that keeps the control port to this host.
pub(super) const CONTROL: &str = "control";

/// Destinations whose senders must keep their address: multicast, as the classic script had it, and IPv4 broadcast.
/// Both pass here when a bridge hands its frames to the packet filter, and have left the network by their destination.
const GROUPS: [(&str, u8); 3] = [("224.0.0.0", 4), ("255.255.255.255", 32), ("ff00::", 8)];

/// Priorities as numbers, which is how every nft lists them: raw, and srcnat.
pub(super) const RAW: i32 = -300;
const SRCNAT: i32 = 100;

/// The commands of the transaction: whatever is there goes, and then `after` is made.
///
/// The first `add` is for the `delete`, which refuses a table that is not there; `destroy` needs a newer nft.
pub(super) fn transaction(after: Option<&WeaveTable>) -> Value {
    let table = || json!({"table": {"family": "inet", "name": names::TABLE}});
    let mut commands = vec![json!({"add": table()}), json!({"delete": table()})];
    if let Some(after) = after {
        commands.push(json!({"add": table()}));
        commands.extend(objects(after).into_iter().map(|object| json!({"add": object})));
    }
    json!({"nftables": commands})
}

/// The commands that make `after` of `before` where peers only come; `None` where something else changes.
///
/// Whoever deletes anything waits some 10 ms for the kernel's grace period, a whole table among it.
pub(super) fn addition(before: &WeaveTable, after: &WeaveTable) -> Option<Value> {
    let peers_only = WeaveTable { peers: after.peers.clone(), ..before.clone() } == *after;
    if !peers_only || !after.peers.is_superset(&before.peers) {
        return None;
    }
    let new = |(name, v4): (&str, bool)| {
        let peers: Vec<_> = after.peers.difference(&before.peers).filter(|peer| peer.is_ipv4() == v4).collect();
        let element = json!({"family": "inet", "table": names::TABLE, "name": name, "elem": peers});
        (!peers.is_empty()).then(|| json!({"add": {"element": element}}))
    };
    let commands: Vec<Value> = [(PEERS4.0, true), (PEERS6.0, false)].into_iter().filter_map(new).collect();
    Some(json!({"nftables": commands}))
}

/// What the table holds: sets, chains and rules, in the order in which they can be made.
pub(super) fn objects(table: &WeaveTable) -> Vec<Value> {
    let of = |v4: bool| table.peers.iter().filter(move |peer| peer.is_ipv4() == v4);
    let mut objects = vec![set(PEERS4, of(true)), set(PEERS6, of(false))];
    if let Some(port) = table.port {
        objects.push(chain(INPUT, ("filter", "input", RAW)));
        // Over the port behind its own, the classic router sends what the kernel encapsulates for it.
        let classic = table.control.map(|_| [("udp", port.saturating_add(1)), ("tcp", port)]);
        for (transport, port) in std::iter::once(("udp", port)).chain(classic.into_iter().flatten()) {
            objects.push(strangers((transport, port), "ip", PEERS4.0));
            objects.push(strangers((transport, port), "ip6", PEERS6.0));
        }
        objects.extend(table.control.map(control));
    }
    objects.extend(publish::redirections(table));
    if !table.masquerade.is_empty() || !table.publish.is_empty() {
        objects.push(chain(POSTROUTING, ("nat", "postrouting", SRCNAT)));
        objects.extend(GROUPS.iter().map(|(address, length)| group(address, *length)));
        // Before the networks: what keeps its address here is not given another there.
        objects.extend(publish::sources(table));
        objects.extend(table.masquerade.iter().flat_map(|network| masquerade(*network)));
    }
    objects
}

fn set<'a>((name, kind): (&str, &str), peers: impl Iterator<Item = &'a IpAddr>) -> Value {
    let mut set = json!({"family": "inet", "table": names::TABLE, "name": name, "type": kind});
    let peers: Vec<_> = peers.map(|peer| Value::String(peer.to_string())).collect();
    // nft 1.0.6 refuses an empty array where an empty set is meant.
    if !peers.is_empty() {
        set["elem"] = Value::Array(peers);
    }
    json!({"set": set})
}

pub(super) fn chain(name: &str, (kind, hook, priority): (&str, &str, i32)) -> Value {
    json!({"chain": {
        "family": "inet", "table": names::TABLE, "name": name,
        "type": kind, "hook": hook, "prio": priority, "policy": "accept",
    }})
}

pub(super) fn rule(chain: &str, comment: &str, expr: &[Value]) -> Value {
    json!({"rule": {
        "family": "inet", "table": names::TABLE, "chain": chain,
        "comment": format!("{MARK}{comment}"), "expr": expr,
    }})
}

pub(super) fn field(op: &str, protocol: &str, field: &str, right: Value) -> Value {
    json!({"match": {"op": op, "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}})
}

/// `udp dport PORT ip saddr != @peers4 drop`.
fn strangers((transport, port): (&str, u16), protocol: &str, set: &str) -> Value {
    let expr = [
        field("==", transport, "dport", json!(port)),
        field("!=", protocol, "saddr", json!(format!("@{set}"))),
        json!({"drop": null}),
    ];
    rule(INPUT, set, &expr)
}

/// `iifname != "lo" ip daddr 127.0.0.0/8 tcp dport PORT drop`: with `route_localnet` a neighbour reaches 127.0.0.1
/// (CVE-2020-8558).
fn control(port: u16) -> Value {
    let expr = [
        json!({"match": {"op": "!=", "left": {"meta": {"key": "iifname"}}, "right": "lo"}}),
        field("==", "ip", "daddr", prefix("127.0.0.0", 8)),
        field("==", "tcp", "dport", json!(port)),
        json!({"drop": null}),
    ];
    rule(INPUT, CONTROL, &expr)
}

/// `ip daddr 224.0.0.0/4 return`.
fn group(address: &str, length: u8) -> Value {
    let protocol = if address.contains(':') { "ip6" } else { "ip" };
    rule(POSTROUTING, "group", &[field("==", protocol, "daddr", prefix(address, length)), json!({"return": null})])
}

/// `ip saddr N ip daddr != N masquerade`, and the same the other way: what enters the network from elsewhere must
/// come from an address that its containers can answer to, since they have no route to elsewhere.
fn masquerade(network: IpNetwork) -> [Value; 2] {
    let protocol = if network.is_ipv4() { "ip" } else { "ip6" };
    let network = || prefix(&network.network().to_string(), network.prefix());
    [("saddr", "daddr"), ("daddr", "saddr")].map(|(inside, outside)| {
        let expr = [
            field("==", protocol, inside, network()),
            field("!=", protocol, outside, network()),
            json!({"masquerade": null}),
        ];
        rule(POSTROUTING, MASQUERADE, &expr)
    })
}

/// A network as nft lists it: one address has no prefix length.
pub(super) fn prefix(address: &str, length: u8) -> Value {
    let whole = if address.contains(':') { 128 } else { 32 };
    if length == whole { json!(address) } else { json!({"prefix": {"addr": address, "len": length}}) }
}
