//! The kernel as a witness: what `ip`, `bridge` and `nft` print.

use serde_json::Value;

use crate::lab::Netns;

/// What `ip -j`, `bridge -j` or `nft -j` prints; an empty list where it prints nothing.
#[track_caller]
fn list(netns: &Netns, command: &[&str]) -> Vec<Value> {
    let printed = netns.exec(command).must();
    if printed.trim().is_empty() { Vec::new() } else { serde_json::from_str(&printed).expect("a list in JSON") }
}

/// All links of a namespace, with details.
#[track_caller]
pub(super) fn links(netns: &Netns) -> Vec<Value> {
    list(netns, &["ip", "-d", "-j", "link"])
}

/// The link of that name, if there is one.
#[track_caller]
pub(super) fn find_link(netns: &Netns, name: &str) -> Option<Value> {
    links(netns).into_iter().find(|link| link["ifname"] == name)
}

/// The link of that name, which has to be there.
#[track_caller]
pub(super) fn link(netns: &Netns, name: &str) -> Value {
    find_link(netns, name).unwrap_or_else(|| panic!("no link {name} in {}", netns.name()))
}

/// The host end of the attachment of a namespace: the port of a bridge whose other end is `interface` in `target`.
#[track_caller]
pub(super) fn host_end(host: &Netns, target: &Netns, interface: &str) -> Value {
    let inner = link(target, interface);
    let is_end = |end: &Value| end["ifindex"] == inner["link_index"] && end["link_index"] == inner["ifindex"];
    let found = links(host).into_iter().find(|end| is_end(end) && end["linkinfo"]["info_kind"] == "veth");
    found.unwrap_or_else(|| panic!("no host end of {interface} in {}", target.name()))
}

/// Whether it is set up.
pub(super) fn is_up(link: &Value) -> bool {
    link["flags"].as_array().is_some_and(|flags| flags.contains(&"UP".into()))
}

/// The numbers that must stay when a link is changed in place.
#[track_caller]
pub(super) fn index(netns: &Netns, name: &str) -> Value {
    link(netns, name)["ifindex"].clone()
}

/// The MTU of a link.
#[track_caller]
pub(super) fn mtu(netns: &Netns, name: &str) -> u64 {
    link(netns, name)["mtu"].as_u64().expect("a number of bytes")
}

/// Addresses of a link as `ADDRESS/PREFIX`, in alphabetical order; nothing where the link is not there.
#[track_caller]
pub(super) fn addresses(netns: &Netns, name: &str) -> Vec<String> {
    let links = list(netns, &["ip", "-j", "address"]);
    let infos = links.iter().filter(|link| link["ifname"] == name).flat_map(|link| link["addr_info"].as_array());
    let text = |info: &Value| format!("{}/{}", info["local"].as_str().unwrap_or_default(), info["prefixlen"]);
    let mut found: Vec<_> = infos.flatten().filter(|info| info["scope"] != "link").map(text).collect();
    found.sort();
    found
}

/// Routes through a link that were not made by the kernel, as `TO` or `TO via HOP`, in alphabetical order.
#[track_caller]
pub(super) fn routes(netns: &Netns, name: &str) -> Vec<String> {
    let mut found: Vec<_> = ["-4", "-6"]
        .iter()
        .flat_map(|family| list(netns, &["ip", family, "-j", "route", "show", "dev", name]))
        .filter(|route| route["protocol"] != "kernel")
        .map(|route| {
            let to = route["dst"].as_str().unwrap_or_default().to_owned();
            route["gateway"].as_str().map_or(to.clone(), |via| format!("{to} via {via}"))
        })
        .collect();
    found.sort();
    found
}

/// Where a VXLAN device floods frames to, as `ADDRESS` or `ADDRESS:PORT`, in alphabetical order.
#[track_caller]
pub(super) fn flood(netns: &Netns, device: &str) -> Vec<String> {
    let entries = list(netns, &["bridge", "-j", "fdb", "show", "dev", device]);
    let flooded = entries.iter().filter(|entry| entry["mac"] == "00:00:00:00:00:00");
    let mut found: Vec<_> = flooded
        .map(|entry| {
            let to = entry["dst"].as_str().unwrap_or_default().to_owned();
            entry["port"].as_u64().map_or(to.clone(), |port| format!("{to}:{port}"))
        })
        .collect();
    found.sort();
    found
}

/// A switch of an interface: `net.ipv6.conf.NAME.KEY`.
#[track_caller]
pub(super) fn ipv6(netns: &Netns, name: &str, key: &str) -> String {
    netns.exec(&["cat", &format!("/proc/sys/net/ipv6/conf/{name}/{key}")]).must().trim().to_owned()
}

/// Weave's own table as nft prints it; `None` where there is none.
#[track_caller]
pub(super) fn table(netns: &Netns) -> Option<String> {
    let tables = netns.exec(&["nft", "list", "tables"]).must();
    let there = tables.lines().any(|line| line.trim() == "table inet weave");
    there.then(|| netns.exec(&["nft", "--stateless", "list", "table", "inet", "weave"]).must())
}

/// The elements of the set of peers in weave's table, in alphabetical order.
#[track_caller]
pub(super) fn guarded_peers(netns: &Netns) -> Vec<String> {
    let table = table(netns).unwrap_or_default();
    let sets = table.split("elements = {").skip(1).filter_map(|rest| rest.split('}').next());
    let mut found: Vec<_> = sets.flat_map(|set| set.split(',')).map(|peer| peer.trim().to_owned()).collect();
    found.sort();
    found
}

/// Whether strangers are kept from a UDP port.
#[track_caller]
pub(super) fn guards(netns: &Netns, port: u16) -> bool {
    table(netns).is_some_and(|table| {
        table.lines().any(|line| line.contains(&format!("udp dport {port}")) && line.contains("drop"))
    })
}

/// Networks that weave's table masquerades both ways, in alphabetical order.
#[track_caller]
pub(super) fn masqueraded(netns: &Netns) -> Vec<String> {
    let table = table(netns).unwrap_or_default();
    let rules: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.contains("masquerade"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let after = |rule: &[&str], word: &str| {
        let at = rule.iter().position(|found| *found == word)?;
        rule[at + 1..].iter().find(|word| **word != "!=").map(|network| (*network).to_owned())
    };
    let from = |rule: &Vec<&str>| {
        let source = after(rule, "saddr")?;
        let both = rules.iter().filter(|other| after(other, "daddr").as_ref() == Some(&source)).count();
        (both == 2).then_some(source)
    };
    let mut found: Vec<_> = rules.iter().filter_map(from).collect();
    found.sort();
    found.dedup();
    found
}
