//! What is sent where the recordings have no example, and what is made of answers that they do not have.

use std::net::IpAddr;
use std::time::Duration;

use super::super::{Control, parse_report};
use super::server::{Server, answering, hear, say};
use crate::ErrorKind;
use crate::docker::tests::nobody;
use crate::observed::IpamState;

const AMPLE: Duration = Duration::from_secs(60);

#[test]
fn ids_and_peers_are_encoded() {
    let server = answering(5, "200 OK", "");
    let control = Control::new(server.port, AMPLE);
    let address = "fd00::4/64".parse().expect("an address");
    control.claim("weave:expose", address).expect("claims");
    control.release("a b?c#d%e&f", Some(IpAddr::from([10, 2, 1, 4]))).expect("releases");
    control.connect(&["a&replace=true".to_owned(), "b c+d:6783".to_owned()], false).expect("connects");
    control.connect(&["host-1.example_2~".to_owned()], true).expect("connects");
    control.forget(&["ü".to_owned()]).expect("forgets");
    let heard = server.end();
    let sent: Vec<_> = heard.iter().map(|heard| format!("{} {} {}", heard.method, heard.path, heard.body)).collect();
    assert_eq!(
        sent,
        [
            "PUT /ip/weave%3Aexpose/fd00%3A%3A4/64 ",
            "DELETE /ip/a%20b%3Fc%23d%25e%26f/10.2.1.4 ",
            "POST /connect peer=a%26replace%3Dtrue&peer=b%20c%2Bd%3A6783",
            "POST /connect peer=host-1.example_2~&replace=true",
            "POST /forget peer=%C3%BC",
        ]
    );
    assert_eq!(heard[2].header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn ids_that_would_be_another_path_are_refused_unsent() {
    let (port, _held) = nobody::port();
    let control = Control::new(port, AMPLE);
    for id in ["", ".", "..", "a/b", "/"] {
        let errors = [
            control.allocate(id, None).expect_err(id),
            control.claim(id, "10.2.1.4/24".parse().expect("an address")).expect_err(id),
            control.release(id, None).expect_err(id),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.subject()), (ErrorKind::InvalidSpec, "id"), "{id}: {error}");
            assert!(error.message().contains("allowed"), "{error}");
        }
    }
}

#[test]
fn a_refusal_is_repeated_in_one_line_without_control_characters_and_not_at_length() {
    let long = format!("{}\n", "x".repeat(5000));
    let cut = format!("{}… (HTTP 400)", "x".repeat(200));
    let table: [(&str, &str); 5] = [
        ("no\n", "no (HTTP 400)"),
        ("\n  one \r\n\n two\n", "one; two (HTTP 400)"),
        ("\u{1b}[31mred\u{7}\u{0}", "\\u{1b}[31mred\\u{7}\\u{0} (HTTP 400)"),
        ("", "no reason given (HTTP 400)"),
        (&long, &cut),
    ];
    for (body, expected) in table {
        let server = answering(1, "400 Bad Request", body);
        let error = Control::new(server.port, AMPLE).forget(&["192.0.2.2".to_owned()]).expect_err(body);
        assert_eq!(error.message(), format!("forget 192.0.2.2: {expected}"));
        assert_eq!(error.subject(), format!("127.0.0.1:{}", server.port));
        server.end();
    }
}

#[test]
fn nothing_is_redirected() {
    let server = answering(1, "301 Moved Permanently\r\nLocation: /status", "elsewhere");
    let error = Control::new(server.port, AMPLE).report().expect_err("refused");
    assert_eq!(error.message(), "read the report: elsewhere (HTTP 301)");
    server.end();
}

#[test]
fn what_makes_no_sense_is_said() {
    type Ask = fn(Control) -> crate::Result<()>;
    let long = format!(r#"{{"Router": "{}"}}"#, "x".repeat(5000));
    let table: [(Ask, &str, &str); 9] = [
        (|control| control.report().map(drop), &long, "xxx…"),
        (|control| control.report().map(drop), "{}", "missing field `Router`"),
        (|control| control.report().map(drop), "[]", "invalid length 0, expected the report of a weave router"),
        (|control| control.report().map(drop), "<html>", "expected value"),
        (|control| control.owned().map(drop), "10.32.0.1/12", "expected a list of owners"),
        (|control| control.owned().map(drop), r#"{"owned":[{"containerid":"a","addrs":["x"]}]}"#, "`x`"),
        (|control| control.default_subnet().map(drop), "10.32.0.0", "`10.32.0.0`"),
        (|control| control.allocate("a", None).map(drop), "cancelled", "`cancelled`"),
        (|control| control.claim("a", "10.2.1.4/24".parse().expect("an address")), "cancelled", "cancelled"),
    ];
    for (ask, body, expected) in table {
        let server = answering(1, "200 OK", body);
        let error = ask(Control::new(server.port, AMPLE)).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Router, "{error}");
        assert!(error.message().contains(expected) && error.message().len() < 400, "{error}");
        server.end();
    }
}

#[test]
fn nobody_owns_anything() {
    for body in [r#"{"owned":null}"#, "{}", r#"{"owned":[]}"#] {
        let server = answering(1, "200 OK", body);
        let owned = Control::new(server.port, AMPLE).owned().expect(body).expect("allocates");
        assert!(owned.is_empty(), "{owned:?}");
        server.end();
    }
}

#[test]
fn readiness_is_awaited() {
    let mut asked = 0;
    let server = Server::start(move |mut stream| {
        assert_eq!(hear(&stream).path, "/status");
        asked += 1;
        match asked {
            // Ends without an answer.
            1 => None,
            2 | 3 => {
                say(&mut stream, "503 Service Unavailable", &[("Content-Length".into(), "1".into())], "x");
                None
            }
            _ => {
                say(&mut stream, "200 OK", &[("Content-Length".into(), "1".into())], "x");
                Some(asked)
            }
        }
    });
    Control::new(server.port, AMPLE).ready(AMPLE).expect("gets ready");
    assert_eq!(server.end(), 4);
}

#[test]
fn who_never_gets_ready_is_told_why() {
    let starting = answering(1, "503 Service Unavailable", "        Version: 2.8.1\n");
    let (port, _held) = nobody::port();
    let table = [
        (starting.port, "it says that it is still starting (HTTP 503)"),
        (port, "cannot talk to the weave router: Connection refused (os error 111)"),
    ];
    for (port, expected) in table {
        let error = Control::new(port, AMPLE).ready(Duration::ZERO).expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.message().starts_with("the weave router was not ready within 0 s: "), "{error}");
        assert!(error.message().ends_with(expected), "{error}");
        assert!(error.next_step().is_some_and(|hint| hint.contains("docker logs")), "{error:?}");
    }
    starting.end();
}

#[test]
fn a_report_may_say_less_or_more() {
    let report = parse_report(br#"{"Router": {"Name": "02:00:00:00:00:0a"}, "Future": 1}"#).expect("a report");
    assert!(report.ready && report.peers.is_empty() && report.ipam.is_none(), "{report:?}");
    let text = br#"{
        "Ready": false,
        "Router": {
            "Name": "02:00:00:00:00:0a", "Peers": null, "Connections": [
                {"Address": "192.0.2.2:6783", "State": "pending", "Info": "unencrypted sleeve 02::0b(a (b) c)"},
                {"Address": "192.0.2.3:6783", "State": "established", "Attrs": {"mtu": "big", "name": 1}},
                {"Address": "192.0.2.1:6783", "State": "retrying", "Info": "read tcp x(y): reset"},
                {"Address": "192.0.2.4:6783", "State": "established", "Info": "encrypted   fastdp 02::0c(d)"}
            ],
            "TrustedSubnets": ["192.0.2.0/24"]
        },
        "DNS": {"Domain": "weave.local.", "Upstream": null, "Address": "172.17.0.1:53", "TTL": 1, "Entries": [
            {"Hostname": "a.weave.local.", "Tombstone": 0}, {"Hostname": "b.weave.local.", "Tombstone": 7}
        ]}
    }"#;
    let report = parse_report(text).expect("a report");
    assert!(!report.ready);
    let ends: Vec<_> = report
        .connections
        .iter()
        .map(|to| (to.address.as_str(), to.name.as_deref(), to.nickname.as_deref(), to.encrypted))
        .collect();
    assert_eq!(
        ends,
        [
            ("192.0.2.1:6783", None, None, false),
            ("192.0.2.2:6783", Some("02::0b"), Some("a (b) c"), false),
            ("192.0.2.3:6783", None, None, false),
            ("192.0.2.4:6783", Some("02::0c"), Some("d"), true),
        ]
    );
    assert_eq!(report.trusted_subnets, ["192.0.2.0/24".parse().expect("a network")]);
    let dns = report.dns.expect("answers");
    assert_eq!((dns.domain.as_str(), dns.ttl, dns.entries), ("weave.local.", 1, 1));
}

#[test]
fn what_the_allocation_does() {
    let table = [
        (r#""Entries": null"#, IpamState::Idle),
        (r#""Paxos": {"Elector": false}"#, IpamState::Priming),
        (r#""Paxos": {"Elector": true, "Quorum": 2, "KnownNodes": 1}"#, IpamState::AwaitingConsensus),
        (r#""Entries": [{"Token": "10.32.0.0", "Size": 1, "IsKnownPeer": true}]"#, IpamState::Ready),
        (
            r#""PendingAllocates": ["a 10.32.0.0-10.47.255.255"],
               "Entries": [{"Token": "10.32.0.0", "Size": 1, "IsKnownPeer": true}]"#,
            IpamState::Waiting,
        ),
        (r#""Entries": [{"Token": "10.32.0.0", "Size": 1, "IsKnownPeer": false}]"#, IpamState::Unreachable),
    ];
    for (fields, expected) in table {
        let text = format!(r#"{{"Router": {{"Name": "a"}}, "IPAM": {{"Range": "10.32.0.0/12", {fields}}}}}"#);
        let ipam = parse_report(text.as_bytes()).expect(&text).ipam.expect("allocates");
        assert_eq!((ipam.state, ipam.default_subnet), (expected, ipam.range), "{fields}");
    }
}
