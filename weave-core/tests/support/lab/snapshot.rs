//! All that weave could change in a namespace, as text without what changes by itself.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::command::wait_until;
use super::diff::diff;
use super::netns::Netns;

/// Keys that count time, or that the kernel sets and clears by itself.
const VOLATILE: &[&str] =
    &["valid_life_time", "preferred_life_time", "tentative", "expires", "used", "updated", "age", "operstate"];

/// Flags of links and routes that follow the carrier, which the kernel tells of a moment after it has changed.
const CARRIER: [&str; 3] = ["NO-CARRIER", "LOWER_UP", "linkdown"];

/// Endings of keys that count time: `hello_timer`, `gc_timer` and more of bridges and their ports.
const VOLATILE_END: &str = "_timer";

/// States of forwarding entries that somebody made; others come from traffic.
const MADE: [&str; 2] = ["permanent", "static"];

/// Lines of difference that are shown of each section: an interface alone has a hundred switches.
const SHOWN: usize = 80;

/// The network state of a namespace, in named sections of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    sections: Vec<(&'static str, Vec<String>)>,
}

impl Snapshot {
    /// Takes the state of a namespace now.
    pub(crate) fn of(netns: &Netns) -> Self {
        settle(netns);
        let links = json(netns, &["ip", "-d", "-j", "link"]).iter().flat_map(|link| flat(link, "")).collect();
        // The rest of each entry is what `ip link` says already.
        let addresses = json(netns, &["ip", "-j", "address"]).iter().flat_map(|link| flat(link, "addr_info")).collect();
        let lines = |command: &[&str]| {
            let entries = json(netns, command);
            let made = entries.into_iter().filter(|entry| !command.contains(&"fdb") || is_made(entry));
            let mut lines: Vec<_> = made.map(|entry| without_volatile(entry).to_string()).collect();
            // The kernel dumps hash tables, in no order that means something.
            lines.sort();
            lines
        };
        let sections = vec![
            ("ip link", links),
            ("ip address", addresses),
            ("ip -4 route", lines(&["ip", "-4", "-j", "route", "show", "table", "all"])),
            ("ip -6 route", lines(&["ip", "-6", "-j", "route", "show", "table", "all"])),
            ("ip -4 rule", lines(&["ip", "-4", "-j", "rule"])),
            ("ip -6 rule", lines(&["ip", "-6", "-j", "rule"])),
            ("ip neighbour", lines(&["ip", "-j", "neighbour", "show", "nud", "permanent"])),
            ("bridge fdb", lines(&["bridge", "-j", "fdb"])),
            ("nft", text(&netns.exec(&["nft", "--stateless", "list", "ruleset"]).must())),
            ("iptables", rules(netns, "iptables-nft-save")),
            ("ip6tables", rules(netns, "ip6tables-nft-save")),
            ("iptables-legacy", legacy_rules(netns, "iptables-legacy-save", "/proc/net/ip_tables_names")),
            ("ip6tables-legacy", legacy_rules(netns, "ip6tables-legacy-save", "/proc/net/ip6_tables_names")),
            ("sysctl", netns.in_netns(sysctls)),
        ];
        Self { sections }
    }

    /// What differs, as lines marked `-` and `+` under the name of their section; empty if nothing does.
    pub(crate) fn diff(&self, after: &Self) -> String {
        let mut report = String::new();
        for ((section, before), (_, after)) in self.sections.iter().zip(&after.sections) {
            let lines = diff(before, after);
            let shown = &lines[..lines.len().min(SHOWN)];
            if !lines.is_empty() {
                report += &format!("{section}:\n{}\n", shown.join("\n"));
            }
            if shown.len() < lines.len() {
                report += &format!("  … and {} lines more\n", lines.len() - shown.len());
            }
        }
        report
    }

    /// The lines of one section, for a test that looks for something in it.
    pub(crate) fn section(&self, name: &str) -> &[String] {
        let found = self.sections.iter().find(|(section, _)| *section == name);
        &found.unwrap_or_else(|| panic!("no section {name} in a snapshot")).1
    }
}

impl std::fmt::Display for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sections.iter().try_for_each(|(section, lines)| writeln!(f, "{section}:\n  {}", lines.join("\n  ")))
    }
}

/// Panics with the difference if there is one.
#[track_caller]
pub(crate) fn assert_same(before: &Snapshot, after: &Snapshot) {
    let difference = before.diff(after);
    assert!(difference.is_empty(), "the network is not as it was:\n{difference}");
}

/// Waits for what the kernel does by itself: a link gets its addresses when its carrier has been noticed, and an address
/// its routes when nobody else has it. What is never settled is for the comparison to tell.
fn settle(netns: &Netns) {
    let tentative = || json(netns, &["ip", "-6", "-j", "address", "show", "tentative"]);
    wait_until(Duration::from_secs(60), || {
        let links = json(netns, &["ip", "-j", "link"]);
        links.iter().all(carrier_is_noticed) && !tentative().iter().any(|link| has_carrier(link) && is_checked(link))
    });
    // Without a carrier it never begins, but for a link that has lost it since: there it ends as usual.
    wait_until(Duration::from_secs(3), || !tentative().iter().any(is_checked));
}

/// Whether an address of a link is still being checked; where somebody else has it, it is over.
fn is_checked(link: &Value) -> bool {
    let addresses = link["addr_info"].as_array().into_iter().flatten();
    addresses.filter(|address| address["local"].is_string()).any(|one| one["dadfailed"] != true)
}

fn has_carrier(link: &Value) -> bool {
    link["flags"].as_array().is_some_and(|flags| flags.contains(&"LOWER_UP".into()))
}

/// The flag is the carrier itself, the state what the kernel has made of it up to now.
fn carrier_is_noticed(link: &Value) -> bool {
    let has_carrier = has_carrier(link);
    match link["operstate"].as_str() {
        Some("UP") => has_carrier,
        Some("DOWN" | "LOWERLAYERDOWN") => !has_carrier,
        _ => true,
    }
}

#[track_caller]
fn json(netns: &Netns, command: &[&str]) -> Vec<Value> {
    let printed = netns.exec(command).must();
    if printed.trim().is_empty() {
        return Vec::new();
    }
    serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{} prints no list: {e}\n{printed}", command.join(" ")))
}

/// One line for each value of a link, or of one `field` of it, begun by its name, so that a difference names its subject.
fn flat(link: &Value, field: &str) -> Vec<String> {
    let label = link["ifname"].as_str().unwrap_or("?");
    let value = link.get(field).unwrap_or(link).clone();
    let mut lines = Vec::new();
    spread_into(&without_volatile(value), label, &mut lines);
    lines
}

fn spread_into(value: &Value, path: &str, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| spread_into(value, &format!("{path} {key}"), lines));
        }
        // One line for each address, not one for each of its fields.
        Value::Array(items) if items.iter().all(Value::is_object) => {
            lines.extend(
                items
                    .iter()
                    .filter(|item| item.as_object().is_some_and(|o| !o.is_empty()))
                    .map(|item| format!("{path} {item}")),
            );
        }
        other => lines.push(format!("{path} = {other}")),
    }
}

fn without_volatile(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|key, _| !VOLATILE.contains(&key.as_str()) && !key.ends_with(VOLATILE_END));
            fields.values_mut().for_each(|field| *field = without_volatile(field.take()));
        }
        Value::Array(items) => {
            items.retain(|item| !item.as_str().is_some_and(|flag| CARRIER.contains(&flag)));
            items.iter_mut().for_each(|item| *item = without_volatile(item.take()));
        }
        _ => {}
    }
    value
}

/// Whether a forwarding entry is neither learned nor the kernel's own list of the multicast groups of an interface.
fn is_made(entry: &Value) -> bool {
    let group = entry["mac"]
        .as_str()
        .and_then(|mac| u8::from_str_radix(mac.get(..2)?, 16).ok())
        .is_some_and(|byte| byte & 1 == 1);
    !group && entry["state"].as_str().is_some_and(|state| MADE.contains(&state))
}

fn text(printed: &str) -> Vec<String> {
    printed.lines().map(|line| line.trim_end().replace('\t', "    ")).collect()
}

fn rules(netns: &Netns, save: &str) -> Vec<String> {
    // Comments carry times, and chains carry counters in brackets at their end.
    let printed = netns.exec(&[save]).must();
    let kept = printed.lines().filter(|line| !line.starts_with('#'));
    kept.map(|line| if line.starts_with(':') { line.split(" [").next().unwrap_or(line) } else { line }.to_owned())
        .collect()
}

/// Legacy tables come into being when they are looked at, so they are only looked at when they are there.
fn legacy_rules(netns: &Netns, save: &str, names: &str) -> Vec<String> {
    // The file is missing where the kernel knows no legacy tables; nsenter's children see their own namespace's.
    let tables = netns.exec(&["cat", names]);
    if tables.ok() && !tables.stdout.trim().is_empty() { rules(netns, save) } else { Vec::new() }
}

/// The switches of all interfaces and of bridges, as the calling thread's namespace has them.
fn sysctls() -> Vec<String> {
    let mut lines = Vec::new();
    for start in ["net/ipv4/conf", "net/ipv6/conf", "net/bridge"] {
        walk(&Path::new("/proc/sys").join(start), &mut lines);
    }
    read(Path::new("/proc/sys/net/ipv4/ip_forward"), &mut lines);
    lines.sort();
    lines
}

fn walk(dir: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, lines) } else { read(&path, lines) }
    }
}

/// Some switches cannot be read before they are set, and some kernels lack some.
fn read(path: &Path, lines: &mut Vec<String>) {
    if let Ok(value) = fs::read_to_string(path) {
        let name = path.strip_prefix("/proc/sys").unwrap_or(path);
        lines.push(format!("{} = {}", name.display(), value.trim()));
    }
}
