//! What `status` has of a router in a container, within 80 columns: reasons and names may be as long as they like.

use serde_json::Value;

use super::{Section, address, bridge, list, text};

/// Columns of a line, and of what stands before its value.
const WIDTH: usize = 80;
const INDENT: usize = 17;

/// States of connections, as the classic script ordered them.
const STATES: [&str; 6] = ["established", "pending", "retrying", "failed", "connecting", "waiting"];

/// What follows the router's state.
pub(super) fn router(result: &Value) -> Section {
    let router = &result["router"];
    let mut section = Section::new();
    let mut say = |label, value: String| section.push((label, wrapped(&value)));
    if !router["why"].is_null() {
        say("Reason", text(&router["why"]));
    }
    say("Protocol", known(&router["protocol"]).unwrap_or_else(|| text(&router["kind"])));
    say("Name", name(router));
    let answers = !router["encryption"].is_null();
    if answers {
        say("Encryption", enabled(&router["encryption"]));
        say("PeerDiscovery", enabled(&router["discovery"]));
        say("TrustedSubnets", all(&router["trusted_subnets"]));
    }
    for (label, value) in [("Router", container(router)), ("Image", image(router)), ("Newest", newest(router))] {
        if let Some(value) = value {
            say(label, value);
        }
    }
    say("Bridge", bridge(router));
    say("MTU", text(&router["mtu"]));
    for (label, field) in [("Device", "device"), ("Port", "port"), ("ControlPort", "control_port")] {
        if let Some(value) = known(&router[field]) {
            say(label, value);
        }
    }
    if !answers {
        return section;
    }
    let peers = list(&result["peers"]).unwrap_or_default();
    say("Targets", peers.len().to_string());
    for peer in peers {
        say("Peer", format!("{} {}", address(peer), state(peer, router)));
    }
    say("Connections", counted(&router["connections"]));
    for other in list(&router["others"]).into_iter().flatten() {
        say("Other", format!("{} {}", text(&other["address"]), connection(other, router)));
    }
    section
}

/// Where addresses come from; nothing where none are allocated.
pub(super) fn ipam(allocation: &Value) -> Option<Section> {
    let state = known(&allocation["state"])?.replace('_', " ");
    let state = known(&allocation["why"]).map_or_else(|| state.clone(), |why| format!("{state} ({why})"));
    let held = match allocation["held"].as_u64() {
        Some(1) => "1 address of it on this host".to_owned(),
        other => format!("{} addresses of it on this host", other.unwrap_or_default()),
    };
    Some(vec![
        ("Service", "ipam".to_owned()),
        ("Status", wrapped(&state)),
        ("Range", text(&allocation["range"])),
        ("DefaultSubnet", text(&allocation["default_subnet"])),
        ("Held", held),
    ])
}

fn known(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| text(value))
}

/// As its peers have it, else what they will have by default.
fn name(router: &Value) -> String {
    match known(&router["peer_name"]) {
        Some(name) => format!("{name}({})", text(&router["nickname"])),
        None => text(&router["mac"]),
    }
}

fn enabled(value: &Value) -> String {
    if *value == true { "enabled" } else { "disabled" }.to_owned()
}

fn all(values: &Value) -> String {
    let values: Vec<String> = list(values).into_iter().flatten().map(text).collect();
    if values.is_empty() { "none".to_owned() } else { values.join(", ") }
}

fn container(router: &Value) -> Option<String> {
    let mut line = known(&router["name"])?;
    if let Some(version) = known(&router["version"]) {
        line.push_str(&format!(" {version}"));
    }
    match known(&router["container_id"]) {
        Some(id) => Some(format!("{line} (container {id}, {})", text(&router["container_state"]))),
        None => Some(format!("{line} (container unknown)")),
    }
}

fn image(router: &Value) -> Option<String> {
    let image = known(&router["image"])?;
    let id = known(&router["image_id"])?;
    Some(format!("{image} ({})", short(&id)))
}

fn newest(router: &Value) -> Option<String> {
    let latest = router.get("latest").filter(|latest| !latest.is_null())?;
    Some(match (&latest["newer"], &latest["digest"]) {
        (Value::Bool(false), _) => "what runs is the newest that its registry has".to_owned(),
        (Value::Bool(true), digest) => {
            format!("{}, another than what runs; `pull: always` brings it", short(&text(digest)))
        }
        _ => format!("not known: {}", text(&latest["why"])),
    })
}

/// The beginning of an id or digest, as everybody shows it.
fn short(id: &str) -> &str {
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    id.get(..12).unwrap_or(id)
}

fn counted(counts: &Value) -> String {
    let counts: Vec<(&String, u64)> =
        counts.as_object().into_iter().flatten().map(|(state, count)| (state, count.as_u64().unwrap_or(0))).collect();
    let sum: u64 = counts.iter().map(|(_, count)| count).sum();
    let ordered = STATES.iter().filter_map(|known| counts.iter().find(|(state, _)| state == known));
    let rest = counts.iter().filter(|(state, _)| !STATES.contains(&state.as_str()));
    let words: Vec<String> = ordered.chain(rest).map(|(state, count)| format!("{count} {state}")).collect();
    if words.is_empty() { sum.to_string() } else { format!("{sum} ({})", words.join(", ")) }
}

fn state(peer: &Value, router: &Value) -> String {
    let is_name = peer["address"].as_str().is_some_and(|address| address.parse::<std::net::IpAddr>().is_err());
    let mut words = match peer.get("connection") {
        Some(tried) => connection(tried, router),
        None if is_name => return "a name that only the router resolves".to_owned(),
        None => "no connection yet".to_owned(),
    };
    if peer["interface"].is_null() {
        words.push_str(", no route to it");
    }
    words
}

fn connection(connection: &Value, router: &Value) -> String {
    let state = text(&connection["state"]);
    if let Some(why) = known(&connection["why"]) {
        return if why == state { state } else { format!("{state}: {why}") };
    }
    let mut words = vec![state];
    words.extend(known(&connection["nickname"]));
    words.extend(known(&connection["mtu"]).map(|mtu| format!("MTU {mtu}")));
    match (connection["encrypted"] == true, router["encryption"] == true) {
        (true, _) => words.push("encrypted".to_owned()),
        (false, true) => words.push("not encrypted".to_owned()),
        (false, false) => {}
    }
    words.join(", ")
}

/// Lines that follow the first stand below it.
fn wrapped(value: &str) -> String {
    let room = WIDTH - INDENT;
    let (mut lines, mut line) = (Vec::new(), String::new());
    let length = |text: &str| text.chars().count();
    for word in value.split(' ') {
        if !line.is_empty() && length(&line) + 1 + length(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for letter in word.chars() {
            if length(&line) == room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    lines.push(line);
    lines.join(&format!("\n{}", " ".repeat(INDENT)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_values_wrap_between_words_and_within_those_that_are_too_long() {
        assert_eq!(wrapped("established"), "established");
        let long = format!("{} b {} c", "a".repeat(61), "d".repeat(130));
        let lines: Vec<String> = wrapped(&long).split('\n').map(str::to_owned).collect();
        let indent = " ".repeat(INDENT);
        assert_eq!(lines[0], format!("{} b", "a".repeat(61)));
        assert_eq!(lines[1], format!("{indent}{}", "d".repeat(63)));
        assert_eq!(lines[3], format!("{indent}{} c", "d".repeat(4)));
        assert!(lines.iter().skip(1).all(|line| line.len() <= WIDTH), "{lines:#?}");
    }

    #[test]
    fn what_the_registry_has() {
        let told = |latest: Value| newest(&json!({ "latest": latest }));
        assert_eq!(newest(&json!({})), None);
        let digest = "sha256:0123456789abcdef";
        assert_eq!(
            told(json!({"digest": digest, "newer": true})).as_deref(),
            Some("0123456789ab, another than what runs; `pull: always` brings it")
        );
        assert_eq!(
            told(json!({"digest": digest, "newer": false})).as_deref(),
            Some("what runs is the newest that its registry has")
        );
        assert_eq!(
            told(json!({"digest": null, "newer": null, "why": "no such host"})).as_deref(),
            Some("not known: no such host")
        );
    }

    #[test]
    fn states_are_counted_in_the_classic_order() {
        assert_eq!(counted(&json!({})), "0");
        assert_eq!(
            counted(&json!({"connecting": 1, "established": 2, "some day": 1})),
            "4 (2 established, 1 connecting, 1 some day)"
        );
    }

    #[test]
    fn an_allocation_that_gives_nothing_says_why() {
        let section = ipam(&json!({
            "state": "unreachable", "why": "the whole range belongs to peers that cannot be reached",
            "range": "10.32.0.0/12", "default_subnet": "10.32.0.0/16", "held": 1,
        }));
        let lines: Vec<String> =
            section.into_iter().flatten().map(|(label, value)| format!("{label:>15}: {value}")).collect();
        assert_eq!(lines[4], "           Held: 1 address of it on this host");
        assert!(lines[1].starts_with("         Status: unreachable (the whole range"), "{lines:#?}");
        assert!(lines.iter().flat_map(|line| line.lines()).all(|line| line.len() <= WIDTH), "{lines:#?}");
        assert_eq!(ipam(&Value::Null), None);
    }
}
