//! An address that somebody has already is refused, with the one who has it.

use std::time::{Duration, Instant};

use super::common::{attached, error, ip, lab, launch, link, mac, peers_v6, reference, report, text, weave};
use crate::lab::{Host, Lab, Netns};

/// The error names the owner's hardware address and the peer that it is behind.
#[track_caller]
fn refused(host: &Host, line: &str, owner: &Netns, place: &str) {
    let error = error(host, line);
    assert_eq!(text(&error, "kind"), "conflict", "{error}");
    for word in [mac(owner).as_str(), place] {
        assert!(text(&error, "message").contains(word), "`{word}` is not in {error}");
    }
}

/// Waits until the way between the hosts carries frames, which on a busy machine takes longer than an answer is
/// waited for.
fn settle(lab: &Lab, host: &Host, address: &str) {
    let friend = attached(lab, host, "friend", "10.2.1.250/24 10.3.1.250/24");
    assert!(friend.await_ping(ip(address)), "{address} does not answer");
}

#[test]
fn an_address_of_another_host_is_refused_over_an_ipv4_underlay() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    let owner = attached(&lab, &hosts[1], "owner", "10.2.1.1/24 fd00:2:1::1/64");
    settle(&lab, &hosts[0], "10.2.1.1");
    let target = lab.target("target");
    for taken in ["10.2.1.1/24", "fd00:2:1::1/64"] {
        refused(&hosts[0], &format!("attach {taken} {}", reference(&target)), &owner, &hosts[1].v4().to_string());
    }
    assert!(link(&target, "ethwe").is_none(), "nothing was attached");
    weave(&hosts[0], &format!("attach 10.2.1.2/24 fd00:2:1::2/64 {}", reference(&target)));
    assert!(target.await_ping(ip("10.2.1.1")));
}

#[test]
fn an_address_of_another_host_is_refused_over_an_ipv6_underlay() {
    let (lab, hosts) = lab(2);
    for host in &hosts {
        weave(host, &format!("launch {}", peers_v6(&hosts)));
    }
    let owner = attached(&lab, &hosts[1], "owner", "10.2.1.1/24 fd00:2:1::1/64");
    settle(&lab, &hosts[0], "10.2.1.1");
    let target = lab.target("target");
    for taken in ["10.2.1.1/24", "fd00:2:1::1/64"] {
        refused(&hosts[0], &format!("attach {taken} {}", reference(&target)), &owner, &hosts[1].v6().to_string());
    }
}

#[test]
fn an_address_of_this_host_and_one_that_is_exposed_are_refused() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    let owner = attached(&lab, &hosts[0], "owner", "10.2.1.1/24");
    let target = lab.target("target");
    refused(&hosts[0], &format!("attach 10.2.1.1/24 {}", reference(&target)), &owner, owner.name());
    weave(&hosts[1], "expose 10.2.1.102/24");
    settle(&lab, &hosts[0], "10.2.1.102");
    let refused = error(&hosts[0], &format!("attach 10.2.1.102/24 {}", reference(&target)));
    assert!(text(&refused, "message").contains(&hosts[1].v4().to_string()), "{refused}");
    weave(&hosts[0], "expose 10.2.1.101/24");
    let refused = error(&hosts[0], &format!("attach 10.2.1.101/24 {}", reference(&target)));
    assert_eq!(text(&refused, "kind"), "conflict");
}

/// One taken address of a document stands for itself: the others are served.
#[test]
fn a_document_serves_those_whose_addresses_are_free() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    attached(&lab, &hosts[1], "owner", "10.2.1.1/24");
    settle(&lab, &hosts[0], "10.2.1.1");
    let (taken, free) = (lab.target("taken"), lab.target("free"));
    let document = super::common::document(
        &hosts[0],
        &format!(
            "containers:\n  \"{}\": {{ip: 10.2.1.1/24}}\n  \"{}\": {{ip: 10.2.1.2/24}}\n",
            reference(&taken),
            reference(&free)
        ),
    );
    let report = report(&hosts[0], &format!("apply {document}"));
    assert_eq!(report["errors"].as_array().map(Vec::len), Some(1), "{report:#}");
    assert!(text(&report["errors"][0], "message").contains(&hosts[1].v4().to_string()), "{report:#}");
    assert!(link(&taken, "ethwe").is_none());
    assert!(free.await_ping(ip("10.2.1.1")));
}

/// The whole call, not each address, waits a tenth of a second.
#[test]
fn a_hundred_addresses_are_asked_for_together() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    let owner = attached(&lab, &hosts[1], "owner", "10.2.1.100/24");
    settle(&lab, &hosts[0], "10.2.1.100");
    let target = lab.target("target");
    let addresses: Vec<String> = (1..=100).map(|number| format!("10.2.1.{number}/24")).collect();
    let line = format!("attach {} {}", addresses.join(" "), reference(&target));
    let times = std::iter::repeat_with(|| {
        let start = Instant::now();
        refused(&hosts[0], &line, &owner, &hosts[1].v4().to_string());
        start.elapsed()
    });
    // One after the other they would take ten seconds; on a busy machine one of several must show it.
    let best = times.take(12).find(|time| *time < Duration::from_secs(2));
    assert!(best.is_some(), "a hundred addresses take longer than 2 s");
}

#[test]
fn who_does_not_ask_is_not_refused() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    attached(&lab, &hosts[1], "owner", "10.2.1.1/24");
    let twin = attached(&lab, &hosts[0], "twin", "10.2.1.1/24");
    assert!(link(&twin, "ethwe").is_some());
}
