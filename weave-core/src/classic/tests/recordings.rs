//! Every recorded exchange with a real router, played to the client.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::super::Control;
use super::super::exchange::Request;
use super::server::{Heard, Server, hear, say};
use crate::observed::{IpamState, RouterConnection, RouterReport};
use crate::spec::Cidr;
use crate::{ErrorKind, Result};

/// Time for an exchange that nothing disturbs.
const AMPLE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Recording {
    request: Asked,
    response: Answered,
}

#[derive(Deserialize)]
struct Asked {
    method: String,
    path: String,
    accept: Option<String>,
    form: Vec<String>,
}

#[derive(Deserialize)]
struct Answered {
    status: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// What each recording is to the client: text of what the operation gave, or the words of the refusal. Of paths that
/// the client has no operation for, the answer's first line.
const ALL: &[(&str, Result<&str, &str>)] = &[
    ("01-get-status", Ok("ready")),
    ("02-get-status-connections", Ok("<- 192.168.78.2:35087    established sleeve 02:00:00:00:00:0b(hostB) mtu=1438")),
    ("03-get-status-peers", Ok("02:00:00:00:00:0a(hostA)")),
    ("04-get-status-targets", Ok("")),
    ("05-get-status-ipam", Ok("")),
    ("06-get-status-dns", Err("error during template execution (HTTP 500)")),
    ("07-get-report", Ok("hostA: 192.168.78.2:35087 established")),
    ("08-get-report-peer", Ok("hostB: 192.168.78.1:6783 established")),
    ("09-get-domain-no-dns", Err("404 page not found (HTTP 404)")),
    ("10-put-name-no-dns", Err("404 page not found (HTTP 404)")),
    ("11-get-ip-unknown", Ok("")),
    ("12-post-ip", Ok("10.32.0.1/12")),
    ("13-post-ip-again", Ok("10.32.0.1/12")),
    ("14-get-ip", Ok("10.32.0.1/12")),
    ("15-post-ip-subnet", Ok("10.40.0.1/24")),
    ("16-post-ip-subnet-outside", Err("range 10.99.0.0/24 out of bounds: 10.32.0.0/12 (HTTP 400)")),
    ("17-put-ip-claim-outside", Ok("claimed")),
    ("18-put-ip-claim-inside", Ok("claimed")),
    (
        "19-put-ip-claim-taken",
        Err("Unable to claim: address 10.32.0.77/12 is already owned by \
             aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (HTTP 400)"),
    ),
    (
        "20-put-ip-claim-peers",
        Err("Unable to claim: address 10.32.0.77/12 is owned by other peer 02:00:00:00:00:0a (hostA) (HTTP 400)"),
    ),
    ("21-put-ip-bad", Err("invalid CIDR address: not-an-ip/24 (HTTP 400)")),
    ("22-get-ip-all", Ok("aaaa: 10.32.0.1/12 10.2.1.4/24 10.32.0.77/12, bbbb: 10.40.0.1/24")),
    ("23-get-status-ipam-used", Ok("02:00:00:00:00:0a(hostA)               1048576 IPs (100.0% of total) (3 active)")),
    ("24-delete-ip-one", Ok("released")),
    (
        "25-delete-ip-one-again",
        Err("Unable to free: Free: address 10.32.0.77 not found for \
             aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (HTTP 400)"),
    ),
    ("26-delete-ip-all", Ok("released")),
    ("27-get-ipinfo-defaultsubnet", Ok("10.32.0.0/12")),
    ("28-get-ipinfo-tracker", Ok("")),
    ("29-get-ring", Ok("")),
    ("30-post-connect-dead", Ok("connected")),
    (
        "31-get-status-connections-retrying",
        Ok("-> 192.168.78.1:6783     established sleeve 02:00:00:00:00:0a(hostA) mtu=1438"),
    ),
    ("32-get-status-targets", Ok("192.168.78.10")),
    (
        "33-get-report-retrying",
        Ok("hostB: 192.168.78.1:6783 established, 192.168.78.9:6783 no answer yet, 192.168.78.10:6783 no answer yet"),
    ),
    ("34-post-connect-again", Ok("connected")),
    ("35-post-connect-bad", Err("lookup not a host: no such host (HTTP 400)")),
    ("36-post-connect-none", Ok("connected")),
    ("37-post-connect-replace", Ok("connected")),
    ("38-get-status-targets-replaced", Ok("192.168.78.1")),
    ("39-post-forget", Ok("forgotten")),
    ("40-post-forget-unknown", Ok("forgotten")),
    ("41-get-status-after-forget", Ok("ready")),
    (
        "42-get-metrics",
        Ok("# HELP go_gc_duration_seconds A summary of the pause duration of garbage collection cycles."),
    ),
    ("43-get-unknown", Err("404 page not found (HTTP 404)")),
    ("44-get-status-encrypted", Ok("ready")),
    (
        "45-get-status-connections-encrypted",
        Ok("<- 192.168.78.2:44869    established encrypted   sleeve 02:00:00:00:00:0b(hostB) encrypted=truemtu=1414"),
    ),
    ("46-get-report-encrypted", Ok("hostA: 192.168.78.2:44869 established")),
    ("47-post-ip-no-ipam", Err("404 page not found (HTTP 404)")),
    ("48-put-ip-no-ipam", Err("404 page not found (HTTP 404)")),
    ("49-get-ip-no-ipam", Err("404 page not found (HTTP 404)")),
    ("50-get-status-ipam-no-ipam", Err("error during template execution (HTTP 500)")),
    (
        "51-get-status-connections-wrong-password",
        Ok("-> 192.168.78.1:6783     failed      read tcp 192.168.78.2:49511->192.168.78.1:6783: read: connection \
            reset by peer, retry: 2026-11-22 14:38:50.14149325 +0000 UTC m=+10.758782882"),
    ),
    (
        "52-get-report-wrong-password",
        Ok("hostB: 192.168.78.1:6783 read tcp 192.168.78.2:49511->192.168.78.1:6783: read: connection reset by peer"),
    ),
    ("53-put-ip-undivided", Ok("begun")),
    ("54-get-report-undivided", Ok("hostA: 192.0.2.2:6783 dial tcp :0->192.0.2.2:6783: connect: connection refused")),
    ("55-get-status-undivided", Ok("ready")),
    ("56-get-ip-undivided", Ok("")),
];

fn recording(name: &str) -> Recording {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weave-router").join(format!("{name}.json"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Plays the recorded answer while `act` asks.
fn play<T>(recording: &Recording, act: impl FnOnce(Control) -> T) -> (T, Heard) {
    let answer = &recording.response;
    let status = answer.status.clone();
    let headers: Vec<_> = answer.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let body = answer.body.clone();
    let server = Server::start(move |mut stream| {
        let heard = hear(&stream);
        say(&mut stream, &status, &headers, &body);
        Some(heard)
    });
    let done = act(Control::new(server.port, AMPLE));
    (done, server.end())
}

/// Does by our own operation what was recorded; where there is none, sends what was recorded.
fn act(control: Control, asked: &Asked) -> Result<String> {
    let path: Vec<&str> = asked.path.split('/').skip(1).collect();
    let network = |ip: &str, prefix: &str| format!("{ip}/{prefix}").parse::<Cidr>().ok();
    let peers = || -> Vec<String> {
        asked.form.iter().filter_map(|field| field.strip_prefix("peer=")).map(str::to_owned).collect()
    };
    match (asked.method.as_str(), path.as_slice()) {
        ("GET", ["status"]) => control.ready(AMPLE).map(|()| "ready".to_owned()),
        ("GET", ["report"]) => control.report().map(|report| summary(&report)),
        ("GET", ["ip"]) => control.owned().map(|owned| listed(&owned.expect("allocates"))),
        ("GET", ["ipinfo", "defaultsubnet"]) => {
            control.default_subnet().map(|subnet| subnet.expect("allocates").to_string())
        }
        ("POST", ["ip", id]) => control.allocate(id, None).map(|address| address.to_string()),
        ("POST", ["ip", id, ip, prefix]) => control
            .allocate(id, Some(format!("{ip}/{prefix}").parse().expect("a network")))
            .map(|address| address.to_string()),
        ("PUT", ["ip", id, ip, prefix]) if network(ip, prefix).is_some() => {
            control.claim(id, network(ip, prefix).expect("an address")).map(|()| "claimed".to_owned())
        }
        ("PUT", ["ip", id, ip, rest]) if rest.ends_with("?noErrorOnUnknown=true") => {
            let prefix = rest.split('?').next().expect("a prefix");
            control.begin(id, network(ip, prefix).expect("an address")).map(|()| "begun".to_owned())
        }
        ("DELETE", ["ip", id]) => control.release(id, None).map(|()| "released".to_owned()),
        ("DELETE", ["ip", id, ip]) => {
            control.release(id, Some(ip.parse().expect("an address"))).map(|()| "released".to_owned())
        }
        ("POST", ["connect"]) => {
            let replace = asked.form.iter().any(|field| field == "replace=true");
            control.connect(&peers(), replace).map(|()| "connected".to_owned())
        }
        ("POST", ["forget"]) => control.forget(&peers()).map(|()| "forgotten".to_owned()),
        (method, _) => {
            let method = ["GET", "PUT"].into_iter().find(|known| *known == method).expect("a method");
            let form = asked.form.iter().map(|field| field.split_once('=').expect("a field")).collect::<Vec<_>>();
            let request = Request {
                json: asked.accept.is_some(),
                form: (!form.is_empty()).then_some(form),
                ..Request::new("try", method, &*asked.path)
            };
            control.ask(request).map(|answer| answer.text().lines().next().unwrap_or_default().trim_end().to_owned())
        }
    }
}

fn summary(report: &RouterReport) -> String {
    let connection = |connection: &RouterConnection| {
        format!("{} {}", connection.address, connection.why_not().unwrap_or_else(|| connection.state.clone()))
    };
    let connections: Vec<_> = report.connections.iter().map(connection).collect();
    format!("{}: {}", report.nickname, connections.join(", "))
}

fn listed(owned: &BTreeMap<String, Vec<Cidr>>) -> String {
    let owner = |(id, addresses): (&String, &Vec<Cidr>)| {
        assert_eq!(id.len(), 64);
        let addresses: Vec<_> = addresses.iter().map(Cidr::to_string).collect();
        format!("{}: {}", &id[..4], addresses.join(" "))
    };
    owned.iter().map(owner).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_recording_is_played() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weave-router");
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut there: Vec<_> =
        names.filter_map(|name| name.to_str().expect("text").strip_suffix(".json").map(str::to_owned)).collect();
    there.sort();
    let played: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(there, played);
}

#[test]
fn a_real_routers_answers_are_understood_and_its_refusals_are_errors_in_its_words() {
    for (name, expected) in ALL {
        let recording = recording(name);
        let (done, _) = play(&recording, |control| act(control, &recording.request));
        match (done, expected) {
            (Ok(done), Ok(expected)) => assert_eq!(done, *expected, "{name}"),
            (Err(error), Err(words)) => {
                assert_eq!(error.kind(), ErrorKind::Router, "{name}");
                assert!(error.message().ends_with(&format!(": {words}")), "{name}: {error}");
            }
            (done, _) => panic!("{name}: {done:?}"),
        }
    }
}

#[test]
fn requests_are_those_that_were_recorded() {
    for (name, _) in ALL {
        let recording = recording(name);
        let asked = &recording.request;
        let (_, heard) = play(&recording, |control| act(control, asked).is_ok());
        assert_eq!((&heard.method, &heard.path), (&asked.method, &asked.path), "{name}");
        let json = heard.header("accept") == Some("application/json");
        assert_eq!(json, asked.accept.is_some(), "{name}: {heard:?}");
        let form: Vec<_> = heard.body.split('&').filter(|field| !field.is_empty()).map(decoded).collect();
        assert_eq!(form, asked.form, "{name}");
        if !form.is_empty() {
            assert_eq!(heard.header("content-type"), Some("application/x-www-form-urlencoded"), "{name}");
        }
        assert!(heard.header("host").is_some_and(|host| host.starts_with("127.0.0.1:")), "{name}: {heard:?}");
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().expect("text").into_owned()
}

#[test]
fn without_allocation_there_are_no_owners_and_no_default_subnet() {
    let nothing = recording("49-get-ip-no-ipam");
    assert_eq!(play(&nothing, |control| control.owned()).0.expect("no error"), None);
    assert_eq!(play(&nothing, |control| control.default_subnet()).0.expect("no error"), None);
    let error = play(&nothing, |control| control.allocate("web", None)).0.expect_err("refused");
    assert!(error.next_step().is_some_and(|hint| hint.contains("range")), "{error:?}");
}

#[test]
fn the_report_says_what_the_router_is_and_with_whom() {
    let report = |name| play(&recording(name), |control| control.report()).0.expect(name);
    let first = report("07-get-report");
    let expected = serde_json::json!({
        "version": "git-8c847638",
        "ready": true,
        "name": "02:00:00:00:00:0a",
        "nickname": "hostA",
        "port": 6783,
        "encryption": false,
        "discovery": true,
        "protocol_min": 1,
        "protocol_max": 2,
        "interface": "vethwe-pcap (via pcap)",
        "targets": [],
        "trusted_subnets": [],
        "connections": [{
            "address": "192.168.78.2:35087",
            "outbound": false,
            "state": "established",
            "info": "sleeve 02:00:00:00:00:0b(hostB)",
            "name": "02:00:00:00:00:0b",
            "nickname": "hostB",
            "overlay": "sleeve",
            "encrypted": false,
            "mtu": 1438,
        }],
        "peers": [
            {
                "name": "02:00:00:00:00:0a",
                "nickname": "hostA",
                "connections": [{
                    "name": "02:00:00:00:00:0b",
                    "nickname": "hostB",
                    "address": "192.168.78.2:35087",
                    "outbound": false,
                    "established": true,
                }],
            },
            {
                "name": "02:00:00:00:00:0b",
                "nickname": "hostB",
                "connections": [{
                    "name": "02:00:00:00:00:0a",
                    "nickname": "hostA",
                    "address": "192.168.78.1:6783",
                    "outbound": true,
                    "established": true,
                }],
            },
        ],
        "ipam": {
            "range": "10.32.0.0/12",
            "default_subnet": "10.32.0.0/12",
            "state": "idle",
            "active": 0,
            "entries": [],
        },
    });
    assert_eq!(serde_json::to_value(&first).expect("serialises"), expected);

    assert_eq!(report("08-get-report-peer").targets, ["192.168.78.1"]);
    let trying = report("33-get-report-retrying");
    assert_eq!(trying.targets, ["192.168.78.1", "192.168.78.10", "192.168.78.9"]);
    let tried: Vec<_> = trying.connections.iter().map(|to| (to.is_established(), to.name.as_deref())).collect();
    assert_eq!(tried, [(true, Some("02:00:00:00:00:0a")), (false, None), (false, None)]);
    let ipam = trying.ipam.expect("allocates");
    assert_eq!((ipam.state, ipam.entries.len()), (IpamState::Ready, 1));
    let share = &ipam.entries[0];
    assert_eq!((share.first.to_string().as_str(), share.size, share.known), ("10.32.0.0", 1 << 20, true));
    assert_eq!((share.peer.as_str(), share.nickname.as_str()), ("02:00:00:00:00:0a", "hostA"));

    let safe = report("46-get-report-encrypted");
    assert!(safe.encryption && safe.ipam.is_none() && safe.dns.is_none());
    let to = &safe.connections[0];
    assert_eq!((to.encrypted, to.mtu, to.nickname.as_deref()), (true, Some(1414), Some("hostB")));

    let refused = report("52-get-report-wrong-password");
    assert!(refused.peers[0].connections.is_empty());
    assert_eq!((refused.connections[0].state.as_str(), refused.connections[0].mtu), ("failed", None));
}

#[test]
fn a_range_that_nobody_has_divided_is_known_by_the_report() {
    let state = |name: &str| {
        let report = play(&recording(name), |control| control.report()).0.expect("a report");
        report.ipam.expect("allocates").state
    };
    assert_eq!(state("54-get-report-undivided"), IpamState::AwaitingConsensus);
    assert_eq!(state("07-get-report"), IpamState::Idle);
    assert!(!IpamState::AwaitingConsensus.is_divided() && !IpamState::Idle.is_divided());
}
