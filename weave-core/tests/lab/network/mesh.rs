//! Five hosts, each the peer of all others.

use super::common::{apply, document, ip, lab, peers, reference, report, transfer, weave};
use crate::lab::{Host, Netns};

const HOSTS: usize = 5;

#[test]
fn five_hosts_that_are_set_up_at_the_same_time_reach_each_other() {
    let (lab, hosts) = lab(HOSTS);
    let targets: Vec<Netns> = (1..=HOSTS).map(|number| lab.target(&number.to_string())).collect();
    let texts: Vec<String> = (0..HOSTS).map(|at| text(&hosts, &targets[at], at + 1)).collect();
    std::thread::scope(|scope| {
        for (host, text) in hosts.iter().zip(&texts) {
            scope.spawn(move || weave(host, &format!("apply {}", document(host, text))));
        }
    });
    for (from, source) in targets.iter().enumerate() {
        for to in (0..HOSTS).filter(|to| *to != from) {
            assert!(source.await_ping(address(to + 1)), "{} does not reach {}", from + 1, to + 1);
        }
    }
    assert!(transfer(&targets[0], &targets[HOSTS - 1], address(HOSTS)));
    for (host, text) in hosts.iter().zip(&texts) {
        assert!(!apply(host, text), "a second time changes nothing");
        let peers = report(host, "status")["result"]["peers"].clone();
        let peers = peers.as_array().expect("peers");
        assert_eq!(peers.len(), HOSTS - 1, "the host itself is left out");
        assert!(peers.iter().all(|peer| peer["learned"].as_u64().is_some_and(|learned| learned > 0)), "{peers:?}");
    }
}

/// The same list for all hosts.
fn text(hosts: &[Host], target: &Netns, number: usize) -> String {
    format!(
        "peers: \"{}\"\ncontainers:\n  \"{}\": {{ip: \"{}/24\", probe: false}}\n",
        peers(hosts),
        reference(target),
        address(number)
    )
}

fn address(number: usize) -> std::net::IpAddr {
    ip(&format!("10.2.1.{number}"))
}
