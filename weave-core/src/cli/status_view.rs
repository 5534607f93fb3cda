//! `status` as the classic script laid it out: labels to the right, the colon in column 16, a blank line between
//! sections.

mod classic;
#[cfg(test)]
mod recorded;

use std::fmt::Write;

use serde_json::Value;

use crate::spec::{Publication, from_value};

/// One section: its lines of label and value.
type Section = Vec<(&'static str, String)>;

/// The whole of it, between two blank lines as the classic script had it.
pub(super) fn render(result: &Value) -> String {
    let mut sections = vec![vec![("Version", text(&result["version"]))], router(result)];
    sections.extend(classic::ipam(&result["router"]["allocation"]));
    if !result["router"].is_null() {
        sections.push(firewall(&result["firewall"]));
    }
    sections.extend(list(&result["exposures"]).map(expose));
    sections.extend(list(&result["publications"]).map(publish));
    sections.extend(attachments(&result["attachments"]));
    let mut out = String::new();
    for section in sections.iter().filter(|section| !section.is_empty()) {
        out.push('\n');
        for (label, value) in section {
            let _ = writeln!(out, "{label:>15}: {value}");
        }
    }
    out.push('\n');
    out
}

/// The peers alone, one a line.
pub(super) fn targets(result: &Value) -> String {
    list(&result["peers"]).into_iter().flatten().map(|peer| address(peer) + "\n").collect()
}

/// Whether the router runs, which the exit code of `status` has always said.
pub(super) fn runs(result: &Value) -> bool {
    result["router"]["state"] == "running"
}

fn router(result: &Value) -> Section {
    let router = &result["router"];
    let mut section = vec![("Service", "router".to_owned())];
    if router.is_null() {
        section.push(("Status", "not launched".to_owned()));
        return section;
    }
    section.push(("Status", text(&router["state"])));
    if router["kind"] == "image" {
        section.extend(classic::router(result));
        return section;
    }
    section.push(("Protocol", text(&router["kind"])));
    section.push(("Name", text(&router["mac"])));
    section.push(("Encryption", "disabled".to_owned()));
    section.push(("PeerDiscovery", "disabled".to_owned()));
    section.push(("Bridge", bridge(router)));
    section.push(("MTU", text(&router["mtu"])));
    for (label, field) in [("Device", "device"), ("Port", "port"), ("VNI", "vni"), ("Underlay", "underlay")] {
        if !router[field].is_null() {
            section.push((label, text(&router[field])));
        }
    }
    let peers: Vec<&Value> = list(&result["peers"]).into_iter().flatten().collect();
    section.push(("Targets", peers.len().to_string()));
    section.extend(peers.into_iter().map(|peer| ("Peer", describe(peer))));
    section
}

fn bridge(router: &Value) -> String {
    format!("{} ({} of 1023 ports)", text(&router["bridge"]), text(&router["ports"]))
}

fn address(peer: &Value) -> String {
    let ip = text(&peer["address"]);
    match &peer["port"] {
        Value::Null => ip,
        port if ip.contains(':') => format!("[{ip}]:{port}"),
        port => format!("{ip}:{port}"),
    }
}

/// Nothing tells a peer that lives from one that does not but what came from it.
fn describe(peer: &Value) -> String {
    let way = match (&peer["interface"], &peer["mtu"]) {
        (Value::Null, _) => "no route".to_owned(),
        (interface, Value::Null) => format!("via {}", text(interface)),
        (interface, mtu) => format!("via {}, path MTU {mtu}", text(interface)),
    };
    let learned = match peer["learned"].as_u64() {
        None | Some(0) => "nothing heard lately".to_owned(),
        Some(1) => "1 MAC behind it".to_owned(),
        Some(many) => format!("{many} MACs behind it"),
    };
    format!("{} {way}, {learned}", address(peer))
}

fn firewall(firewall: &Value) -> Section {
    let managed = firewall["manage"] == true;
    let mut section = vec![("Service", "firewall".to_owned())];
    section.push(("Managed", if managed { "yes" } else { "no" }.to_owned()));
    section.push(("PortGuard", if firewall["guarded"] == true { "only peers" } else { "none" }.to_owned()));
    let masqueraded: Vec<String> = list(&firewall["masquerade"]).into_iter().flatten().map(text).collect();
    section.push(("Masquerade", if masqueraded.is_empty() { "none".to_owned() } else { masqueraded.join(", ") }));
    for (chain, accepted) in firewall["forward"].as_object().into_iter().flatten() {
        let words = if accepted == true { "accepts weave" } else { "DROPS weave" };
        section.push(("Forward", format!("{chain} {words}")));
    }
    section
}

fn expose(exposures: &[Value]) -> Section {
    let mut section = vec![("Service", "expose".to_owned())];
    section.extend(exposures.iter().map(|exposure| match &exposure["ip"] {
        Value::Null => ("Address", text(exposure)),
        ip => ("Address", format!("{} without masquerade", text(ip))),
    }));
    if section.len() > 1 { section } else { Section::new() }
}

fn publish(publications: &[Value]) -> Section {
    let mut section = vec![("Service", "publish".to_owned())];
    let read = publications.iter().filter_map(|one| from_value::<Publication>(one.clone()).ok());
    section.extend(read.map(|publication| ("Port", publication.to_string())));
    if section.len() > 1 { section } else { Section::new() }
}

fn attachments(attachments: &Value) -> Option<Section> {
    let rows = list(attachments).filter(|rows| !rows.is_empty())?;
    let mut section = vec![("Service", "attach".to_owned()), ("Containers", rows.len().to_string())];
    for row in rows {
        let ips: Vec<String> = list(&row["ips"]).into_iter().flatten().map(text).collect();
        let state = if row["up"] == true { "" } else { " DOWN" };
        let ips = if ips.is_empty() { "no address".to_owned() } else { ips.join(" ") };
        section.push(("Container", format!("{} {} {ips}{state}", text(&row["container"]), text(&row["interface"]))));
    }
    Some(section)
}

fn list(value: &Value) -> Option<&[Value]> {
    value.as_array().map(Vec::as_slice)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_running_router() {
        let result = json!({
            "version": "0.1.0",
            "router": {
                "kind": "vxlan", "state": "running", "bridge": "weave", "mac": "12:00:00:00:00:01", "mtu": 1450,
                "ports": 2, "device": "vxlan-6783", "port": 6783, "vni": 6783, "underlay": "192.0.2.1",
            },
            "peers": [
                {"address": "192.0.2.2", "interface": "eth0", "mtu": 1500, "learned": 3},
                {"address": "2001:db8::3", "port": 6784, "interface": null, "mtu": null, "learned": 0},
            ],
            "exposures": ["10.2.1.1/24", {"ip": "10.3.1.1/24", "masquerade": false}],
            "publications": [
                {"host_port": 8080, "to": "10.2.1.4", "port": 80},
                {"host_port": 53, "to": "fd00::4", "port": 53, "protocol": "udp", "host_ip": "2001:db8::1", "masquerade": false},
            ],
            "firewall": {
                "manage": true, "guarded": true, "masquerade": ["10.2.1.0/24"],
                "forward": {"ip filter DOCKER-USER": true, "inet filter forward": false},
            },
            "attachments": [{
                "container": "web", "id": "3f2a9c0d1e2f", "interface": "ethwe", "host_end": "vethwe01234567",
                "mac": "0a:57:0a:02:01:04", "ips": ["10.2.1.4/24"], "mtu": 1450, "up": true,
            }],
        });
        let expected = "
        Version: 0.1.0

        Service: router
         Status: running
       Protocol: vxlan
           Name: 12:00:00:00:00:01
     Encryption: disabled
  PeerDiscovery: disabled
         Bridge: weave (2 of 1023 ports)
            MTU: 1450
         Device: vxlan-6783
           Port: 6783
            VNI: 6783
       Underlay: 192.0.2.1
        Targets: 2
           Peer: 192.0.2.2 via eth0, path MTU 1500, 3 MACs behind it
           Peer: [2001:db8::3]:6784 no route, nothing heard lately

        Service: firewall
        Managed: yes
      PortGuard: only peers
     Masquerade: 10.2.1.0/24
        Forward: ip filter DOCKER-USER accepts weave
        Forward: inet filter forward DROPS weave

        Service: expose
        Address: 10.2.1.1/24
        Address: 10.3.1.1/24 without masquerade

        Service: publish
           Port: 8080:10.2.1.4:80
           Port: [2001:db8::1]:53:[fd00::4]:53/udp without masquerade

        Service: attach
     Containers: 1
      Container: web ethwe 10.2.1.4/24

";
        assert_eq!(render(&result), expected);
        assert_eq!(targets(&result), "192.0.2.2\n[2001:db8::3]:6784\n");
        assert!(runs(&result));
    }

    #[test]
    fn no_router() {
        let result = json!({
            "version": "0.1.0", "router": null, "peers": [], "exposures": [], "attachments": [],
            "firewall": {"manage": false, "guarded": false, "masquerade": [], "forward": {}},
        });
        let expected = "
        Version: 0.1.0

        Service: router
         Status: not launched

";
        assert_eq!(render(&result), expected);
        assert!(!runs(&result));
    }
}
