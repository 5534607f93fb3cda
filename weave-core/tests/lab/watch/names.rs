//! Peers by name, when names stop resolving.

use std::fs;
use std::process::Command;

use super::{METRICS, Site, Watching, write};

/// A watch with a file of names of its own: the machine's is hidden in a mount namespace that ends with it.
fn watching_with_names(site: &Site, names: &str, text: &str) -> (Watching, std::path::PathBuf) {
    let file = site.host.dir().join("hosts");
    fs::write(&file, names).expect("a file in the lab's directory");
    let document = write(&site.host, text);
    let inner = site.host.weave_command(&["watch", "--metrics", METRICS, "--resync", "2", &document]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]);
    command.arg(&file).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    (Watching::of(&site.host, &mut command), file)
}

/// What somebody deletes while the resolver is away comes back with the peers that there were, and the log says so.
#[test]
fn the_network_comes_back_although_a_name_does_not_resolve_any_more() {
    let site = Site::new();
    let text = "router: {underlay: 192.0.2.1}\npeers: [two.example.com]\nexpose: [10.2.1.1/24]\n";
    let (watching, names) = watching_with_names(&site, "192.0.2.7 two.example.com\n", text);
    let peers = || {
        let listed = site.host.exec(&["bridge", "fdb", "show", "dev", "vxlan-6783"]).stdout;
        let floods = listed.lines().filter(|line| line.starts_with("00:00:00:00:00:00"));
        floods.filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned)).collect::<Vec<_>>()
    };
    watching.wait("the peer", || peers() == ["192.0.2.7"]);
    watching.settle();
    // In place: the file that is mounted is this one.
    fs::write(&names, "").expect("a file in the lab's directory");
    site.host.sh("ip link delete weave && ip link delete vxlan-6783").must();
    watching.wait("the network", || {
        peers() == ["192.0.2.7"] && site.host.exec(&["ip", "address", "show", "weave"]).stdout.contains("10.2.1.1/24")
    });
    watching.await_log("two.example.com does not resolve on this host for now: it stays at 192.0.2.7");
    // Another address is followed as soon as there is one.
    fs::write(&names, "192.0.2.8 two.example.com\n").expect("a file in the lab's directory");
    watching.wait("the new address", || peers() == ["192.0.2.8"]);
    assert_eq!(watching.end(), 0);
}
