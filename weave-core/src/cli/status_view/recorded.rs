//! From what real routers reported to what `weave status` prints.

use std::path::Path as File;

use serde_json::{Value, json};

use super::{render, runs, targets};
use crate::classic::parse_report;
use crate::observed::{
    BridgeInfo, BridgeMark, Classic, Container, Containers, Link, LinkKind, Mark, Observed, Path, RouterPortMark,
    RouterReport, Scope, Status,
};
use crate::ops::status::describe;
use crate::plan::container::ROUTES;

fn link(index: u32, name: &str, kind: LinkKind, mark: Option<Mark>) -> Link {
    Link {
        index,
        name: name.to_owned(),
        kind,
        mac: "12:00:00:00:00:01".parse().ok(),
        mtu: 1438,
        up: true,
        master: None,
        alias: mark.map(|mark| mark.to_string()),
        group: 0,
        peer_index: None,
        peer_netnsid: None,
        ipv6_disabled: None,
        accept_ra: None,
        route_localnet: None,
        hairpin: None,
        tx_checksum: Some(false),
    }
}

fn bridge() -> Link {
    let kind = LinkKind::Bridge(BridgeInfo { stp: false, multicast_snooping: false });
    link(2, "weave", kind, Some(Mark::Bridge(BridgeMark::default())))
}

fn container(status: Status) -> Containers {
    let container = Container {
        id: "3f2a9c0d1e2f00112233".to_owned(),
        name: "weave".to_owned(),
        status,
        exit_code: if status == Status::Exited { 2 } else { 0 },
        image_id: "sha256:0123456789abcdef".to_owned(),
        config: json!({"Image": "weaveworks/weave:2.8.1", "Labels": {ROUTES: "weave"}}),
        ..Container::default()
    };
    Containers { containers: [("weave".to_owned(), container)].into(), api_minor: Some(41), ..Containers::default() }
}

/// A host whose router answered `report`; 192.168.78.9 has no route.
fn host(report: Result<RouterReport, &str>) -> Observed {
    let mark = RouterPortMark { container: "weave".to_owned(), control: 6784, port: 6783 };
    let ends = [("vethwe-bridge", Some(Mark::RouterPort(mark)), 4, Some(2)), ("vethwe-pcap", None, 3, None)];
    let ends = ends.into_iter().zip(3..).map(|((name, mark, other, master), index)| Link {
        peer_index: Some(other),
        master,
        ..link(index, name, LinkKind::Veth, mark)
    });
    let eth0 = Link { mtu: 1500, ..link(1, "eth0", LinkKind::Other(String::new()), None) };
    let path = Path { source: None, ifindex: 1, mtu: None, local: false };
    let reached = ["192.168.78.1", "192.168.78.2", "192.168.78.10"];
    Observed {
        links: [eth0, bridge()].into_iter().chain(ends).collect(),
        paths: reached.iter().map(|ip| (ip.parse().expect("an address"), path)).collect(),
        classic: Some(Classic { report: report.map_err(str::to_owned), owned: None }),
        containers: container(Status::Running),
        ..Observed::default()
    }
}

fn recorded(name: &str) -> Observed {
    let file = File::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weave-router").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let exchange: Value = serde_json::from_str(&text).expect("JSON");
    let body = exchange["response"]["body"].as_str().expect("a body");
    host(Ok(parse_report(body.as_bytes()).expect("a report")))
}

fn told(observed: &Observed) -> Value {
    serde_json::to_value(describe(observed, &Scope::default())).expect("JSON")
}

/// The router's section, and that of addresses; what stands before and after them is that of every host.
fn shown(observed: &Observed) -> String {
    let text = render(&told(observed));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
    let (_, router) = text.split_once("Service: router\n").expect("a router");
    let (router, _) = router.split_once("\n        Service: firewall\n").expect("a packet filter");
    router.to_owned()
}

#[test]
fn two_routers_that_are_connected() {
    let host = recorded("08-get-report-peer");
    let expected = "         Status: running
       Protocol: weave 1..2
           Name: 02:00:00:00:00:0b(hostB)
     Encryption: disabled
  PeerDiscovery: enabled
 TrustedSubnets: none
         Router: weave git-8c847638 (container 3f2a9c0d1e2f, running)
          Image: weaveworks/weave:2.8.1 (0123456789ab)
         Bridge: weave (1 of 1023 ports)
            MTU: 1438
         Device: vethwe-bridge
           Port: 6783
    ControlPort: 6784
        Targets: 1
           Peer: 192.168.78.1 established, hostA, MTU 1438
    Connections: 1 (1 established)

        Service: ipam
         Status: idle
          Range: 10.32.0.0/12
  DefaultSubnet: 10.32.0.0/12
           Held: 0 addresses of it on this host
";
    assert_eq!(shown(&host), expected);
    assert!(runs(&told(&host)));
    assert_eq!(targets(&told(&host)), "192.168.78.1\n");
}

#[test]
fn a_router_that_others_connected_to() {
    let told = told(&recorded("07-get-report"));
    let shown = shown(&recorded("07-get-report"));
    assert!(shown.contains("        Targets: 0\n    Connections: 1 (1 established)\n"), "{shown}");
    assert!(shown.contains("          Other: 192.168.78.2:35087 established, hostB, MTU 1438\n"), "{shown}");
    let other = json!({
        "address": "192.168.78.2:35087", "state": "established", "outbound": false,
        "peer_name": "02:00:00:00:00:0b", "nickname": "hostB", "overlay": "sleeve", "encrypted": false, "mtu": 1438,
    });
    assert_eq!(told["router"]["others"], json!([other]));
    // The same connection, where its other end is a peer: it was quicker.
    let mut host = recorded("07-get-report");
    if let Some(Classic { report: Ok(report), .. }) = &mut host.classic {
        report.targets.push("192.168.78.2".to_owned());
    }
    let told = self::told(&host);
    assert_eq!((&told["router"]["others"], &told["peers"][0]["connection"]), (&json!([]), &other));
    assert_eq!((&told["peers"][0]["interface"], &told["peers"][0]["mtu"]), (&json!("eth0"), &json!(1500)));
}

#[test]
fn peers_that_do_not_answer() {
    let mut host = recorded("33-get-report-retrying");
    let peers = "        Targets: 3
           Peer: 192.168.78.1 established, hostA, MTU 1438
           Peer: 192.168.78.9 connecting: no answer yet, no route to it
           Peer: 192.168.78.10 connecting: no answer yet
    Connections: 3 (1 established, 2 connecting)
";
    let shown = self::shown(&host);
    assert!(shown.contains(peers), "{shown}");
    assert!(shown.contains("         Status: ready\n"), "{shown}");

    let Some(Classic { report: Ok(report), .. }) = &mut host.classic else { panic!("a report") };
    let tried = report.connections.iter_mut().find(|tried| tried.address == "192.168.78.10:6783").expect("tried");
    tried.state = "retrying".to_owned();
    tried.info = format!("dial tcp4 :0->192.168.78.10:6783: {}: i/o timeout", "so it was \u{1b}[2J".repeat(5));
    report.nickname = "host\r\u{7}B".to_owned();
    report.targets.extend(["host9:6790".to_owned(), "192.168.78.1:6790".to_owned()]);
    let peers = "        Targets: 5
           Peer: 192.168.78.1 established, hostA, MTU 1438
           Peer: 192.168.78.1:6790 no connection yet
           Peer: 192.168.78.9 connecting: no answer yet, no route to it
           Peer: 192.168.78.10 retrying: dial tcp4 :0->192.168.78.10:6783: so it
                 was \\u{1b}[2Jso it was \\u{1b}[2Jso it was \\u{1b}[2Jso it was
                 \\u{1b}[2Jso it was \\u{1b}[2J: i/o timeout
           Peer: host9:6790 a name that only the router resolves
    Connections: 3 (1 established, 1 retrying, 1 connecting)
";
    let shown = self::shown(&host);
    assert!(shown.contains(peers), "{shown}");
    assert!(shown.contains("           Name: 02:00:00:00:00:0b(host\\r\\u{7}B)\n"), "{shown}");
    assert_eq!(targets(&told(&host)), "192.168.78.1\n192.168.78.1:6790\n192.168.78.9\n192.168.78.10\nhost9:6790\n");
}

#[test]
fn an_encrypted_connection_and_no_allocation() {
    let mut host = recorded("46-get-report-encrypted");
    let Some(Classic { report: Ok(report), .. }) = &mut host.classic else { panic!("a report") };
    report.targets.push("192.168.78.2".to_owned());
    report.trusted_subnets = ["192.0.2.0/24", "198.51.100.0/24"].map(|text| text.parse().expect("a subnet")).into();
    let shown = self::shown(&host);
    assert!(shown.contains("     Encryption: enabled\n"), "{shown}");
    assert!(shown.contains(" TrustedSubnets: 192.0.2.0/24, 198.51.100.0/24\n"), "{shown}");
    assert!(shown.contains("           Peer: 192.168.78.2 established, hostB, MTU 1414, encrypted\n"), "{shown}");
    assert!(!shown.contains("Service: ipam"), "{shown}");
    let Some(Classic { report: Ok(report), .. }) = &mut host.classic else { panic!("a report") };
    report.connections[0].encrypted = false;
    let shown = self::shown(&host);
    assert!(shown.contains("           Peer: 192.168.78.2 established, hostB, MTU 1414, not encrypted\n"), "{shown}");
}

#[test]
fn a_peer_with_another_password() {
    let peers = "           Peer: 192.168.78.1 failed: read tcp
                 192.168.78.2:49511->192.168.78.1:6783: read: connection reset
                 by peer
    Connections: 1 (1 failed)
";
    let shown = shown(&recorded("52-get-report-wrong-password"));
    assert!(shown.contains(peers), "{shown}");
}

/// What somebody did to the host.
type Change = fn(&mut Observed);

#[test]
fn a_router_that_does_not_answer_says_why() {
    let refused = "read the report: cannot talk to the weave router: Connection refused (os error 111)";
    let expected = "         Status: down
         Reason: the router does not answer: read the report: cannot talk to the
                 weave router: Connection refused (os error 111)
       Protocol: image
           Name: 12:00:00:00:00:01
         Router: weave (container 3f2a9c0d1e2f, running)
          Image: weaveworks/weave:2.8.1 (0123456789ab)
         Bridge: weave (1 of 1023 ports)
            MTU: 1438
         Device: vethwe-bridge
           Port: 6783
    ControlPort: 6784
";
    assert_eq!(shown(&host(Err(refused))), expected);

    let why = |change: Change| {
        let mut host = host(Err("nobody listens"));
        change(&mut host);
        let told = told(&host);
        assert!(!runs(&told), "{told:#}");
        assert_eq!(told["router"]["state"], "down");
        told["router"]["why"].as_str().expect("a reason").to_owned()
    };
    let table: [(Change, &str); 5] = [
        (|host| host.containers = container(Status::Exited), "container weave does not run (exit code 2)"),
        (
            |host| host.containers = container(Status::Restarting),
            "container weave ends, and is started again and again (exit code 0)",
        ),
        (|host| host.containers.containers.clear(), "there is no container weave"),
        (|host| host.containers = Containers::default(), "the router does not answer: nobody listens"),
        (
            |host| {
                host.links[1].up = false;
                host.links[2].master = None;
                host.links.pop();
                host.classic = None;
            },
            "weave is down; vethwe-bridge is no port of weave; vethwe-bridge leads nowhere: its other end is not in the \
             host's namespace",
        ),
    ];
    for (change, expected) in table {
        assert_eq!(why(change), expected);
    }
    let mut starting = recorded("07-get-report");
    let Some(Classic { report: Ok(report), .. }) = &mut starting.classic else { panic!("a report") };
    report.ready = false;
    assert_eq!(told(&starting)["router"]["why"], "the router is still starting");
}

#[test]
fn a_router_that_was_stopped_is_known_by_its_container() {
    let host = |status| Observed { links: vec![bridge()], containers: container(status), ..Observed::default() };
    let stopped = told(&host(Status::Exited));
    assert_eq!((&stopped["router"]["kind"], &stopped["router"]["state"]), (&json!("image"), &json!("stopped")));
    assert_eq!(stopped["router"].get("why"), None);
    assert!(shown(&host(Status::Exited)).contains("Router: weave (container 3f2a9c0d1e2f, exited)\n"));
    let lost = told(&host(Status::Running));
    assert_eq!(lost["router"]["why"], "container weave runs, and has no port on the bridge");
}

#[test]
fn the_kernels_router_has_the_fields_that_it_always_had() {
    let told = told(&Observed { links: vec![bridge()], ..Observed::default() });
    let expected = json!({
        "kind": "vxlan", "state": "stopped", "bridge": "weave", "mac": "12:00:00:00:00:01", "mtu": 1438, "ports": 0,
        "device": null, "port": null, "vni": null, "underlay": null,
    });
    assert_eq!(told["router"], expected);
}
