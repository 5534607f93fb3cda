//! Without a document: what is there is kept, and whoever changes it with weave itself is believed.

use super::{Site, Watching, addresses, name};
use crate::lab::{DockerOptions, Netns};

fn has_interface(netns: &Netns) -> bool {
    netns.exec(&["ip", "link", "show", "dev", "ethwe"]).ok()
}

#[test]
fn what_is_there_is_kept_until_weave_changes_it() {
    let site = Site::new();
    let (host, web, db) = (&site.host, &site.web, &site.db);
    let watching = Watching::begin(host, &[]);
    // Nothing is there, and nothing comes of it.
    watching.await_count("weave_convergences_total", 1);
    assert!(!host.exec(&["ip", "link", "show", "dev", "weave"]).ok());
    host.weave(&["launch", "192.0.2.2"]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    host.weave(&["attach", "10.2.1.4/24", &name(web)]).must();
    host.weave(&["attach", "10.2.1.5/24", &name(db)]).must();
    watching.settle();
    let before = site.look();
    for damage in [
        "ip address delete 10.2.1.1/24 dev weave",
        "bridge fdb delete 00:00:00:00:00:00 dev vxlan-6783 dst 192.0.2.2",
        "nft delete table inet weave",
    ] {
        host.sh(damage).must();
        watching.wait(damage, || site.look() == before);
    }
    web.sh("ip link delete ethwe").must();
    watching.wait("the interface", || addresses(web, "ethwe") == "10.2.1.4/24");
    watching.settle();
    // Detached by weave, it stays detached.
    host.weave(&["detach", &name(web)]).must();
    watching.settle();
    assert!(!has_interface(web), "{}", watching.log());
    host.weave(&["hide", "10.2.1.1/24"]).must();
    host.weave(&["connect", "192.0.2.3"]).must();
    watching.settle();
    assert_eq!(addresses(host, "weave"), "");
    host.sh("bridge fdb delete 00:00:00:00:00:00 dev vxlan-6783 dst 192.0.2.3").must();
    watching.wait("the new peer", || {
        host.exec(&["bridge", "fdb", "show", "dev", "vxlan-6783"]).stdout.contains("192.0.2.3")
    });
    host.weave(&["reset"]).must();
    watching.settle();
    assert!(!host.exec(&["ip", "link", "show", "dev", "weave"]).ok() && !has_interface(db), "{}", watching.log());
    assert_eq!(watching.end(), 0);
}

#[test]
fn containers_keep_what_they_had_through_restarts() {
    let site = Site::new();
    let host = &site.host;
    host.start_docker(&DockerOptions::quiet());
    let (web, db) = (host.run_container("web", &["--network=none"]), host.run_container("db", &["--network=none"]));
    host.weave(&["launch", "192.0.2.2"]).must();
    host.weave(&["attach", "10.2.1.4/24", "web"]).must();
    host.weave(&["attach", "10.2.1.5/24", "db"]).must();
    let watching = Watching::begin(host, &[]);
    watching.await_count("weave_convergences_total", 1);
    web.restart();
    watching.wait("the interface", || addresses(&web.netns(), "ethwe") == "10.2.1.4/24");
    // A container that does not run keeps its wish, also while weave works for others.
    host.docker(&["stop", "web"]).must();
    host.weave(&["attach", "10.2.1.6/24", "db"]).must();
    host.docker(&["start", "web"]).must();
    watching.wait("the interface", || addresses(&web.netns(), "ethwe") == "10.2.1.4/24");
    host.docker(&["restart", "db"]).must();
    watching.wait("both addresses", || addresses(&db.netns(), "ethwe") == "10.2.1.5/24 10.2.1.6/24");
    // Another container of that name is another container.
    web.remove();
    let web = host.run_container("web", &["--network=none"]);
    host.weave(&["detach", "db"]).must();
    watching.settle();
    assert!(!has_interface(&web.netns()), "{}", watching.log());
    db.restart();
    watching.settle();
    assert!(!has_interface(&db.netns()), "{}", watching.log());
    assert_eq!(watching.end(), 0);
}

/// A lock that nobody has signed yet, as after an upgrade, in a new run directory.
#[test]
fn what_was_there_before_the_lock_is_kept() {
    let site = Site::new();
    let host = &site.host;
    host.weave(&["launch", "192.0.2.2"]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    std::fs::remove_file(host.run_dir().join("lock")).expect("a lock");
    let watching = Watching::begin(host, &[]);
    watching.await_count("weave_convergences_total", 1);
    watching.settle();
    host.sh("ip address delete 10.2.1.1/24 dev weave").must();
    watching.wait("the exposure", || addresses(host, "weave") == "10.2.1.1/24");
    assert_eq!(watching.end(), 0);
}

#[test]
fn the_network_is_kept_when_the_hosts_address_changes() {
    let site = Site::new();
    let host = &site.host;
    host.weave(&["launch", "192.0.2.2"]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    // The underlay of a lab is a veth, as interfaces of containers are, of which the addresses concern nobody.
    let watching = Watching::begin(host, &["--resync", "2"]);
    watching.await_count("weave_convergences_total", 1);
    let old = addresses(host, "eth0");
    host.sh(&format!("ip address delete {old} dev eth0; ip address add 192.0.2.77/24 dev eth0")).must();
    watching.wait("the new address", || {
        host.exec(&["ip", "-d", "link", "show", "dev", "vxlan-6783"]).stdout.contains("local 192.0.2.77")
    });
    host.sh("ip address delete 10.2.1.1/24 dev weave").must();
    watching.wait("the exposure", || addresses(host, "weave") == "10.2.1.1/24");
    assert!(!watching.log().contains("ERROR"), "{}", watching.log());
    assert_eq!(watching.end(), 0);
}
