//! What somebody takes away comes back, and nothing more happens than that.

use super::{Site, Watching};

#[test]
fn what_is_taken_away_comes_back() {
    let site = Site::new();
    let watching = Watching::document(&site.host, &site.document());
    watching.settle();
    let mut before = site.look();
    assert!(watching.log().contains("network: changed"), "{}", watching.log());
    assert_eq!(watching.count("weave_drift_total"), 0, "{}", watching.metrics());
    let mut drifts = 0;
    for damage in [
        "ip link delete vxlan-6783",
        "ip link set weave down",
        "ip link set weave mtu 1400",
        "ip link set vxlan-6783 nomaster",
        "bridge fdb delete 00:00:00:00:00:00 dev vxlan-6783 dst 192.0.2.2",
        "bridge fdb append 00:00:00:00:00:00 dev vxlan-6783 dst 192.0.2.66",
        "ip address delete 10.2.1.1/24 dev weave",
        "ip address add 10.2.1.99/24 dev weave",
        "nft delete table inet weave",
        "nft flush chain inet weave input",
    ] {
        site.host.sh(damage).must();
        watching.wait(damage, || {
            let now = watching.count("weave_drift_total");
            now > std::mem::replace(&mut drifts, now)
        });
        watching.settle();
        drifts = watching.count("weave_drift_total");
        let now = site.look();
        if damage.starts_with("ip link delete") {
            // A device that was made anew has another number, which is in everything that hangs on it.
            before = now;
            continue;
        }
        for (before, now) in before.iter().zip(&now) {
            let diff = before.diff(now);
            assert!(diff.is_empty(), "after `{damage}`:\n{diff}\n{}", watching.log());
        }
    }
    // All of it at once.
    site.host.sh("ip link delete weave").must();
    watching
        .wait("the bridge", || site.host.exec(&["ip", "link", "show", "master", "weave"]).stdout.contains("vethwe"));
    watching.settle();
    let path = super::write(&site.host, &site.document());
    site.host.weave(&["--check", "--detailed-exitcodes", "apply", &path]).must();
    assert_eq!(watching.end(), 0);
}

#[test]
fn an_accept_among_the_rules_of_others_comes_back() {
    let site = Site::new();
    site.host
        .sh("nft 'table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }'")
        .must();
    let accept = || site.host.exec(&["nft", "list", "chain", "inet", "filter", "forward"]).stdout.contains("accept");
    let watching = Watching::document(&site.host, &site.document());
    watching.settle();
    assert!(accept());
    for damage in ["nft flush chain inet filter forward", "nft delete table inet filter"] {
        site.host.sh(damage).must();
        if damage.contains("delete") {
            site.host
                .sh("nft 'table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }'")
                .must();
        }
        watching.wait(damage, accept);
        watching.settle();
    }
}
