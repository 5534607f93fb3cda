//! `GET /status` and what is under it: parts of the report as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// The order in which states are counted.
const STATES: [&str; 5] = ["established", "pending", "retrying", "failed", "connecting"];

/// The whole; services that do not run are left out.
pub(crate) fn status(report: &Value) -> String {
    let router = &report["Router"];
    let state = |field: &str| if router[field] == true { "enabled" } else { "disabled" };
    let connections = counts(rows(&router["Connections"]).iter().filter_map(|one| one["State"].as_str()));
    let links = rows(&router["Peers"]).iter().flat_map(|peer| rows(&peer["Connections"]));
    let links = counts(links.map(|link| if link["Established"] == true { "established" } else { "pending" }));
    let trusted: Vec<_> = rows(&router["TrustedSubnets"]).iter().map(text).collect();
    let mut lines = vec![
        ("Version", format!("{} (version check update disabled)", text(&report["Version"]))),
        ("", String::new()),
        ("Service", "router".to_owned()),
        (
            "Protocol",
            format!("{} {}..{}", text(&router["Protocol"]), router["ProtocolMinVersion"], router["ProtocolMaxVersion"]),
        ),
        ("Name", named(router)),
        ("Encryption", state("Encryption").to_owned()),
        ("PeerDiscovery", state("PeerDiscovery").to_owned()),
        ("Targets", rows(&router["Targets"]).len().to_string()),
        ("Connections", with(rows(&router["Connections"]).len(), &connections, |counts| format!(" ({counts})"))),
        ("Peers", with(rows(&router["Peers"]).len(), &links, |counts| format!(" (with {counts} connections)"))),
        ("TrustedSubnets", if trusted.is_empty() { "none".to_owned() } else { trusted.join(", ") }),
    ];
    if let Some(ipam) = report.get("IPAM") {
        let entries = rows(&ipam["Entries"]);
        let lost = entries.iter().all(|entry| entry["IsKnownPeer"] != true);
        let paxos = &ipam["Paxos"];
        let state = match (entries.is_empty(), lost) {
            (true, _) if paxos.is_null() => "idle".to_owned(),
            (true, _) => format!("awaiting consensus (quorum: {}, known: {})", paxos["Quorum"], paxos["KnownNodes"]),
            (false, true) => "all IP ranges owned by unreachable peers - use 'rmpeer' if they are dead".to_owned(),
            (false, false) => "ready".to_owned(),
        };
        lines.extend([
            ("", String::new()),
            ("Service", "ipam".to_owned()),
            ("Status", state),
            ("Range", text(&ipam["Range"])),
            ("DefaultSubnet", text(&ipam["DefaultSubnet"])),
        ]);
    }
    lines.iter().fold(String::new(), |mut all, (name, value)| {
        let written = if name.is_empty() { writeln!(all) } else { writeln!(all, "{name:>15}: {value}") };
        debug_assert!(written.is_ok(), "writing to a text");
        all
    })
}

/// One line for each connection and attempt.
pub(crate) fn connections(report: &Value) -> String {
    let line = |one: &Value| {
        let attrs = one["Attrs"].as_object().into_iter().flatten().filter(|(key, _)| *key != "name");
        let attrs: String = attrs.map(|(key, value)| format!("{key}={value}")).collect();
        let (state, info) = (text(&one["State"]), text(&one["Info"]));
        format!("{} {:<21} {state:<11} {info} {attrs}\n", arrow(one), text(&one["Address"]))
    };
    rows(&report["Router"]["Connections"]).iter().map(line).collect()
}

/// Each router within reach, and its connections.
pub(crate) fn peers(report: &Value) -> String {
    let link = |link: &Value| {
        let state = if link["Established"] == true { "established" } else { "pending" };
        format!("   {} {:<21} {:<37} {state}\n", arrow(link), text(&link["Address"]), named(link))
    };
    let peer = |peer: &Value| {
        let links: String = rows(&peer["Connections"]).iter().map(link).collect();
        format!("{}\n{links}", named(peer))
    };
    rows(&report["Router"]["Peers"]).iter().map(peer).collect()
}

/// One target a line.
pub(crate) fn targets(report: &Value) -> String {
    rows(&report["Router"]["Targets"]).iter().map(|target| format!("{}\n", text(target))).collect()
}

/// Who has how many addresses, this router first; None where nothing is allocated.
pub(crate) fn ipam(report: &Value) -> Option<String> {
    let ipam = report.get("IPAM")?;
    let own = text(&report["Router"]["Name"]);
    let mut shares: BTreeMap<(bool, String), (u64, String, bool)> = BTreeMap::new();
    for entry in rows(&ipam["Entries"]) {
        let peer = text(&entry["Peer"]);
        let fresh = || (0, text(&entry["Nickname"]), entry["IsKnownPeer"] == true);
        shares.entry((peer != own, peer)).or_insert_with(fresh).0 += entry["Size"].as_u64().unwrap_or(0);
    }
    let total = ipam["RangeNumIPs"].as_u64().unwrap_or(1);
    let line = |((other, peer), (size, nickname, reachable)): (&(bool, String), &(u64, String, bool))| {
        let note = match (other, reachable) {
            (false, _) => format!("({} active)", ipam["ActiveIPs"]),
            (true, true) => String::new(),
            (true, false) => "- unreachable!".to_owned(),
        };
        // In tenths, rounded: a share of a range is no floating matter.
        let tenths = (size * 2000 / total).div_ceil(2);
        let share = format!("{:02}.{}", tenths / 10, tenths % 10);
        format!("{:<37} {size:>8} IPs ({share}% of total) {note}\n", format!("{peer}({nickname})"))
    };
    Some(shares.iter().map(line).collect())
}

/// How many there are in each state, as far as there are any.
fn counts<'a>(states: impl Iterator<Item = &'a str>) -> String {
    let states: Vec<_> = states.collect();
    let count = |state: &&str| states.iter().filter(|one| *one == state).count();
    let counted = STATES.iter().map(|state| (count(state), state)).filter(|(count, _)| *count > 0);
    counted.map(|(count, state)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
}

fn with(number: usize, counts: &str, phrase: impl Fn(&str) -> String) -> String {
    if counts.is_empty() { number.to_string() } else { format!("{number}{}", phrase(counts)) }
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn named(value: &Value) -> String {
    format!("{}({})", text(&value["Name"]), text(&value["NickName"]))
}

fn arrow(value: &Value) -> &'static str {
    if value["Outbound"] == true { "->" } else { "<-" }
}
