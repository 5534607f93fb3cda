//! A watch that has nothing to do does nothing, and one that has much to hear keeps calm.

use std::time::Duration;

use super::{Site, Watching, name};

#[test]
fn nothing_is_done_at_rest() {
    let site = Site::new();
    let watching = Watching::document(&site.host, &site.document());
    watching.settle();
    let before = watching.count("weave_convergences_total");
    // What concerns nobody: links, addresses and rules of others, what a bridge learns, neighbours.
    site.host
        .sh("ip link add other type bridge; ip link set other up
             ip link add p0 type veth peer name p1; ip link set p0 master other up; ip link set p1 up
             bridge fdb add 02:00:00:00:00:01 dev p0 master static
             ip neighbour add 192.0.2.77 lladdr 02:00:00:00:00:02 dev eth0
             nft add table inet other; nft add chain inet other c; nft add rule inet other c accept
             ip link delete p0; ip link delete other")
        .must();
    std::thread::sleep(Duration::from_secs(3));
    let after = watching.count("weave_convergences_total");
    // The rules of others may be a new chain that drops, and are looked at once or twice.
    assert!(after <= before + 3, "{before} then {after}:\n{}", watching.metrics());
    assert_eq!(watching.count("weave_drift_total"), 0);
    assert_eq!(watching.end(), 0);
}

#[test]
fn a_storm_of_announcements_is_looked_at_now_and_then() {
    let site = Site::new();
    let watching = Watching::document(&site.host, &site.document());
    watching.settle();
    let before = watching.count("weave_convergences_total");
    // Three thousand routes, and four hundred changes of an address.
    site.host
        .sh("i=0; while [ $i -lt 3000 ]; do echo \"route add 198.18.$((i / 250)).$((i % 250)) via 192.0.2.9 dev eth0\"; i=$((i+1)); done >/tmp/r.$$
             ip -batch /tmp/r.$$; rm /tmp/r.$$
             i=0; while [ $i -lt 400 ]; do echo 'address add 198.51.100.1/24 dev eth0'; echo 'address delete 198.51.100.1/24 dev eth0'; i=$((i+1)); done | ip -batch -")
        .must();
    watching.settle();
    let looks = watching.count("weave_convergences_total") - before;
    assert!((1..=40).contains(&looks), "{looks} looks");
    assert_eq!(watching.count("weave_drift_total"), 0);
}

/// Whoever cannot do what is wanted tries again and again, and tells it once.
#[test]
fn what_fails_is_tried_again_and_told_once() {
    let site = Site::new();
    let host = &site.host;
    host.sh("ip link add weave type bridge").must();
    let path = super::write(
        host,
        &format!("peers: [192.0.2.2]\ncontainers: {{'{}': {{ip: 10.2.1.4/24}}}}\n", name(&site.web)),
    );
    let watching = Watching::begin(host, &[&path]);
    watching.await_count("weave_convergences_total", 3);
    assert_eq!(watching.log().matches("weave did not make").count(), 1, "{}", watching.log());
    host.sh("ip link delete weave").must();
    watching.await_log("all is as it should be again");
    assert_eq!(super::addresses(&site.web, "ethwe"), "10.2.1.4/24");
}
