//! Published ports in weave's own table, written and read.
//!
//! ```text
//! chain localnet { type filter hook prerouting priority raw; policy accept;
//!     iifname "weave" ip daddr 127.0.0.0/8 drop comment "weave:localnet"
//!     iifname "weave" ip saddr 127.0.0.0/8 drop comment "weave:localnet"
//! }
//! chain prerouting { type nat hook prerouting priority dstnat; policy accept;
//!     meta nfproto ipv4 fib daddr type local tcp dport 8080 dnat ip to 10.2.1.4:80 comment "weave:publish"
//! }
//! chain output { type nat hook output priority dstnat; policy accept;
//!     the same, for the host itself
//! }
//! chain postrouting { …
//!     ip daddr 10.2.1.4 tcp dport 80 ct status dnat ct original proto-dst 8080 masquerade comment "weave:publish"
//!     or, where clients keep their addresses, in the place of `masquerade` three rules that end so:
//!         … ip saddr 10.2.1.0/24 masquerade
//!         … fib saddr type local masquerade
//!         … return
//! }
//! ```
//!
//! The guard of the loopback comes before conntrack, and so before answers have their addresses back: what is sent to
//! 127.0.0.1 through the bridge is nobody's answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::reading::{matched, network};
use super::table::{POSTROUTING, RAW, chain, field, prefix, rule};
use crate::observed::{PublishedPort, WeaveTable};
use crate::spec::options::Protocol;

/// The chain that keeps strangers from the host's loopback, and the comment of its rules.
pub(super) const LOCALNET: &str = "localnet";
/// The chain that redirects what comes in.
pub(super) const PREROUTING: &str = "prerouting";
/// The chain that redirects what the host itself sends.
pub(super) const OUTPUT: &str = "output";
/// The comment of the rules for published ports.
pub(super) const PUBLISH: &str = "publish";

/// Priority as a number: dstnat.
const DSTNAT: i32 = -100;

/// Chains and rules that redirect, in the order in which they can be made.
pub(super) fn redirections(table: &WeaveTable) -> Vec<Value> {
    let mut objects = Vec::new();
    if let Some(bridge) = &table.localnet {
        objects.push(chain(LOCALNET, ("filter", "prerouting", RAW)));
        objects.extend(["daddr", "saddr"].map(|which| loopback(bridge, which)));
    }
    if !table.publish.is_empty() {
        for (name, hook) in [(PREROUTING, "prerouting"), (OUTPUT, "output")] {
            objects.push(chain(name, ("nat", hook, DSTNAT)));
            objects.extend(table.publish.iter().map(|port| redirect(name, port)));
        }
    }
    objects
}

/// Rules that give the packets of redirected connections the host's address, or see to it that they keep theirs.
pub(super) fn sources(table: &WeaveTable) -> impl Iterator<Item = Value> {
    table.publish.iter().flat_map(source)
}

/// `iifname "weave" ip daddr 127.0.0.0/8 drop`.
fn loopback(bridge: &str, which: &str) -> Value {
    let expr = [
        json!({"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": bridge}}),
        field("==", "ip", which, prefix("127.0.0.0", 8)),
        json!({"drop": null}),
    ];
    rule(LOCALNET, LOCALNET, &expr)
}

/// The protocol's name in payloads, and in families of translation.
fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "ip" } else { "ip6" }
}

/// `fib daddr type local`: an address of the host itself.
fn local(which: &str) -> Value {
    json!({"match": {"op": "==", "left": {"fib": {"result": "type", "flags": [which]}}, "right": "local"}})
}

fn redirect(chain: &str, port: &PublishedPort) -> Value {
    let family = family(port.to);
    let which = match port.host_ip {
        Some(ip) => field("==", family, "daddr", json!(ip.to_string())),
        None if port.to.is_ipv4() => {
            json!({"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}})
        }
        // Answers to ::1 are not taken from anywhere else; whoever tries it is refused at once, and tries 127.0.0.1.
        None => field("!=", family, "daddr", json!("::1")),
    };
    let expr = [
        which,
        local("daddr"),
        field("==", port.protocol.name(), "dport", json!(port.host_port)),
        json!({"dnat": {"family": family, "addr": port.to.to_string(), "port": port.port}}),
    ];
    rule(chain, PUBLISH, &expr)
}

fn source(port: &PublishedPort) -> Vec<Value> {
    let family = family(port.to);
    let original = |key: String, right: Value| json!({"match": {"op": "==", "left": {"ct": {"key": key, "dir": "original"}}, "right": right}});
    let mut connection = vec![
        field("==", family, "daddr", json!(port.to.to_string())),
        field("==", port.protocol.name(), "dport", json!(port.port)),
        json!({"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}}),
        original("proto-dst".to_owned(), json!(port.host_port)),
    ];
    connection.extend(port.host_ip.map(|ip| original(format!("{family} daddr"), json!(ip.to_string()))));
    let ending = |ending: &[Value]| rule(POSTROUTING, PUBLISH, &[connection.as_slice(), ending].concat());
    let masquerade = || json!({"masquerade": null});
    match port.direct {
        None => vec![ending(&[masquerade()])],
        Some(network) => {
            let network = prefix(&network.network().to_string(), network.prefix());
            vec![
                ending(&[field("==", family, "saddr", network), masquerade()]),
                ending(&[local("saddr"), masquerade()]),
                ending(&[json!({"return": null})]),
            ]
        }
    }
}

/// A rule: its chain, and its statements.
type Read<'a> = (&'a str, &'a [Value]);

/// The published ports that rules with their comment tell of.
pub(super) fn read<'a>(rules: impl Iterator<Item = Read<'a>>) -> BTreeSet<PublishedPort> {
    let (sources, redirections): (Vec<Read<'a>>, Vec<_>) = rules.partition(|(chain, _)| *chain == POSTROUTING);
    let redirections = redirections.into_iter().filter_map(|(_, expr)| read_redirection(expr));
    let with_source = |port: PublishedPort| {
        let own = sources.iter().filter(|(_, expr)| is_source(expr, &port));
        let direct = own.filter_map(|(_, expr)| network(expr, "saddr")).next();
        PublishedPort { direct, ..port }
    };
    redirections.map(with_source).collect()
}

fn read_redirection(expr: &[Value]) -> Option<PublishedPort> {
    let dnat = expr.iter().map(|statement| &statement["dnat"]).find(|dnat| dnat.is_object())?;
    let (protocol, host_port) = ports(expr)?;
    Some(PublishedPort {
        host_port,
        protocol,
        host_ip: address(expr),
        to: dnat["addr"].as_str()?.parse().ok()?,
        port: u16::try_from(dnat["port"].as_u64()?).ok()?,
        direct: None,
    })
}

/// The protocol and the port of it that a rule is for.
fn ports(expr: &[Value]) -> Option<(Protocol, u16)> {
    let right = expr.iter().find_map(|statement| matched(statement, "==", "dport"))?;
    let names = expr.iter().filter_map(|statement| statement["match"]["left"]["payload"]["protocol"].as_str());
    let protocol = names.filter_map(Protocol::named).next()?;
    Some((protocol, u16::try_from(right.as_u64()?).ok()?))
}

/// The one address that a rule is for packets to.
fn address(expr: &[Value]) -> Option<IpAddr> {
    expr.iter().find_map(|statement| matched(statement, "==", "daddr"))?.as_str()?.parse().ok()
}

/// Whether a rule is about the connections of `port`.
fn is_source(expr: &[Value], port: &PublishedPort) -> bool {
    let original = |key: &str| {
        let is_it = |found: &&Value| found["left"]["ct"]["dir"] == "original" && found["left"]["ct"]["key"] == key;
        expr.iter().map(|statement| &statement["match"]).find(is_it).map(|found| &found["right"])
    };
    let at = original(&format!("{} daddr", family(port.to))).and_then(Value::as_str);
    ports(expr) == Some((port.protocol, port.port))
        && address(expr) == Some(port.to)
        && original("proto-dst").and_then(Value::as_u64) == Some(u64::from(port.host_port))
        && at.map(str::parse).transpose().ok().flatten() == port.host_ip
}

/// The bridge of a rule that guards the loopback.
pub(super) fn bridge(expr: &[Value]) -> Option<String> {
    let found = expr.iter().map(|statement| &statement["match"]);
    let name =
        found.filter(|found| found["left"]["meta"]["key"] == "iifname").find_map(|found| found["right"].as_str());
    name.map(str::to_owned)
}
