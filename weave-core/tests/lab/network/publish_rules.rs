//! Published ports beside the rules of others, and what goes on when one is taken back.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::common::{NEVER, SOON, attached, lab, report, text, weave};
use crate::lab::{Host, Lab, Netns};

const WEB: &str = "10.2.1.4";

/// A host with a container, which it publishes, and one that is somewhere else.
fn scene() -> (Lab, Vec<Host>, Netns) {
    let (lab, hosts) = lab(2);
    hosts[0].sh("sysctl -qw net.ipv4.ip_forward=1").must();
    weave(&hosts[0], "launch");
    weave(&hosts[0], "expose 10.2.1.1/24");
    let web = attached(&lab, &hosts[0], "web", &format!("{WEB}/24"));
    (lab, hosts, web)
}

/// Whether a TCP connection to a port of the host is taken.
fn is_reached(from: &Host, to: SocketAddr, patience: Duration) -> bool {
    from.in_netns(|| TcpStream::connect_timeout(&to, patience)).is_ok()
}

#[test]
fn what_the_operator_forbids_in_docker_user_holds_for_published_ports() {
    let (_lab, hosts, web) = scene();
    let (one, outside) = (&hosts[0], &hosts[1]);
    let limit = |verb: &str, source: &str| {
        one.sh(&format!("iptables-nft {verb} DOCKER-USER ! -i weave ! -s {source} -j DROP")).must();
    };
    one.sh("iptables-nft -N DOCKER-USER; iptables-nft -A FORWARD -j DOCKER-USER; iptables-nft -P FORWARD DROP").must();
    limit("-I", "198.51.100.0/24");
    weave(one, &format!("publish 8080:80 {WEB}"));
    let listener = web.bind(|| TcpListener::bind((WEB, 80)));
    let port = SocketAddr::from((one.v4(), 8080));
    assert!(!is_reached(outside, port, NEVER), "{}", one.sh("iptables-nft -S DOCKER-USER").must());
    limit("-D", "198.51.100.0/24");
    limit("-I", &outside.v4().to_string());
    assert!(is_reached(outside, port, SOON), "{}", one.sh("iptables-nft -S DOCKER-USER").must());
    drop(listener);
}

#[test]
fn a_client_that_keeps_talking_is_cut_off_with_the_port() {
    let (_lab, hosts, web) = scene();
    let (one, outside) = (&hosts[0], &hosts[1]);
    weave(one, &format!("publish --udp 53 {WEB}"));
    let server = web.bind(|| UdpSocket::bind((WEB, 53)));
    let client = outside.bind(|| UdpSocket::bind("0.0.0.0:0"));
    client.connect((one.v4(), 53)).expect("a socket");
    let arrives = |patience: Duration| {
        server.set_read_timeout(Some(patience)).expect("a time");
        let _ = client.send(b"ping");
        server.recv(&mut [0; 4]).is_ok()
    };
    assert!(arrives(SOON));
    weave(one, "unpublish --udp 53");
    assert!(!arrives(NEVER));
}

#[test]
fn a_live_connection_outlives_an_announcement_of_an_address_that_is_here() {
    let (_lab, hosts, web) = scene();
    let (one, outside) = (&hosts[0], &hosts[1]);
    weave(one, &format!("publish 8080:80 {WEB}"));
    let listener = web.bind(|| TcpListener::bind((WEB, 80)));
    let mut client = outside.in_netns(|| TcpStream::connect_timeout(&(one.v4(), 8080).into(), SOON)).expect("a way");
    let (mut server, _) = listener.accept().expect("a client");
    client.set_read_timeout(Some(SOON)).expect("a time");
    for line in [format!("announce {WEB}/24"), "announce 10.2.1.1/24".to_owned()] {
        weave(one, &line);
        // From the side that nobody would know any more.
        std::io::Write::write_all(&mut server, b"pong").expect("sent");
        std::io::Read::read_exact(&mut client, &mut [0; 4]).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn a_table_with_an_owner_is_left_to_it_and_the_network_is_made() {
    let (_lab, hosts) = lab(1);
    let host = &hosts[0];
    let table = "add table inet firewalld { flags owner; }\n\
                 add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; }\n\
                 add rule inet firewalld filter_FORWARD reject\n";
    // The owner is whoever has the socket: it lives as long as what keeps its input open.
    let mut owner = host.command("nft");
    let mut owner = owner.arg("-i").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn();
    let owner = owner.as_mut().expect("nft to start");
    std::io::Write::write_all(owner.stdin.as_mut().expect("its input"), table.as_bytes()).expect("told");
    let is_there = || host.sh("nft list chain inet firewalld filter_FORWARD").stdout.contains("reject");
    assert!(crate::lab::wait_until(SOON, is_there));
    assert_ne!(host.sh("nft insert rule inet firewalld filter_FORWARD accept").code, 0, "it has no owner");
    host.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=1").must();
    let told = report(host, "launch");
    assert_eq!(told["changed"], true, "{told:#}");
    let warnings = told["warnings"].to_string();
    assert!(
        warnings.contains("inet firewalld filter_FORWARD") && warnings.contains("--add-interface=weave"),
        "{told:#}"
    );
    let findings = report(host, "preflight")["result"]["findings"].clone();
    let findings = findings.as_array().expect("findings");
    let hint =
        findings.iter().map(|one| one.to_string()).find(|one| one.contains("filter_FORWARD")).expect("a finding");
    assert!(hint.contains("NftablesTableOwner=no"), "{hint}");
    assert_eq!(text(&report(host, "reset"), "operation"), "reset");
    drop(owner.stdin.take());
    owner.wait().expect("its end");
}
