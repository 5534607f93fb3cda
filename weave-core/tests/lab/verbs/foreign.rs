//! What weave did not make, it neither takes over nor removes.

use super::{Site, name, problem, report, write};

/// Tries everything that would have to take over, and everything that would remove.
fn leaves_alone(site: &Site, kind: &str, subject: &str, words: &[&str]) {
    site.refused(&["launch"]).says(kind, subject, words);
    site.refused(&["--check", "launch"]).says(kind, subject, words);
    site.refused_document("peers: [192.0.2.2]\n").says(kind, subject, words);
    for verb in ["reset", "stop", "hide"] {
        site.scene().untouched(|| report(&site.host, &[verb], 0));
    }
    site.scene().untouched(|| report(&site.host, &["apply", &write(&site.host, "ensure: absent\n")], 0));
}

#[test]
fn a_link_that_has_the_name_of_the_bridge() {
    for (kind, word) in [("bridge", "bridge"), ("veth peer name other", "veth"), ("ifb", "ifb"), ("dummy", "dummy")] {
        let site = Site::new();
        if !site.host.exec(&["sh", "-c", &format!("ip link add weave type {kind}")]).ok() {
            // Not every kernel has every kind; the first two are there wherever weave can run.
            assert!(["ifb", "dummy"].contains(&kind), "{kind}");
            continue;
        }
        leaves_alone(&site, "conflict", "weave", &[word, "weave did not make", "ip link delete weave"]);
        site.refused(&["attach", "10.2.1.4/24", &name(&site.web)]).says("not_found", "bridge", &["weave launch"]);
    }
}

#[test]
fn a_link_that_has_the_name_of_the_tunnel() {
    let site = Site::new();
    site.host.exec(&["ip", "link", "add", "vxlan-6783", "type", "bridge"]).must();
    leaves_alone(&site, "conflict", "vxlan-6783", &["bridge", "weave did not make", "another `port`"]);
    report(&site.host, &["launch", "--port", "6784"], 2);
}

#[test]
fn a_tunnel_of_somebody_else_on_the_same_network() {
    let site = Site::new();
    site.host
        .exec(&["ip", "link", "add", "vx0", "type", "vxlan", "id", "6783", "dstport", "6783", "local", "192.0.2.1"])
        .must();
    leaves_alone(&site, "conflict", "vx0", &["vxlan", "weave did not make", "port 6783 and vni 6783"]);
    // On the same port with another identifier they live side by side.
    report(&site.host, &["launch", "--vni", "6784"], 2);
    site.refused(&["launch", "--vni", "6783"]).says("conflict", "vx0", &["another `port` or `vni`"]);
}

#[test]
fn a_table_of_somebody_else() {
    let site = Site::new();
    site.host
        .sh("nft add table inet weave; nft add chain inet weave mine '{ type filter hook input priority 0; }'")
        .must();
    leaves_alone(&site, "conflict", "firewall", &["inet weave", "not weave's", "manage: false"]);
    report(&site.host, &["launch", "--no-firewall"], 2);
    site.refused(&["launch", "--firewall"]).says("conflict", "firewall", &["not weave's"]);
}

#[test]
fn an_interface_of_somebody_else_in_the_container() {
    let site = Site::launched();
    let (host, target) = (&site.host, name(&site.web));
    for made in ["ip link add ethwe type bridge", "ip link add ethwe type veth peer name other"] {
        site.web.sh(&format!("{made} && ip link set ethwe up && ip address add 10.2.1.9/24 dev ethwe")).must();
        let words = ["ethwe", "weave did not make", "`interface`"];
        site.refused(&["attach", "10.2.1.4/24", &target]).says("conflict", &target, &words);
        site.refused(&["detach", &target]).says("conflict", &target, &words);
        site.refused(&["detach", "10.2.1.9/24", &target]).says("conflict", &target, &words);
        for ips in ["[10.2.1.4/24]", "[]"] {
            let document = write(host, &format!("containers: {{'{target}': {{ips: {ips}}}}}\n"));
            let report = site.scene().untouched(|| report(host, &["apply", &document], 1));
            problem(&report).says("conflict", &target, &words);
        }
        site.four_runs(&["attach", "--interface", "ethwe1", "10.2.1.4/24", &target]);
        site.four_runs(&["detach", "--interface", "ethwe1", &target]);
        site.web.exec(&["ip", "link", "delete", "ethwe"]).must();
    }
}

/// Its other end is on weave's bridge and has an alias, but not weave's.
#[test]
fn a_pair_that_somebody_hung_on_the_bridge() {
    let site = Site::launched();
    site.host
        .sh(&format!(
            "ip link add v0 master weave type veth peer name ethwe netns {} && ip link set v0 up alias 'uplink'",
            site.web.name()
        ))
        .must();
    site.refused(&["attach", "10.2.1.4/24", &name(&site.web)]).says("conflict", &name(&site.web), &["did not make"]);
    report(&site.host, &["reset"], 2);
    assert!(super::kernel::find_link(&site.host, "v0").is_some());
    assert!(super::kernel::find_link(&site.web, "ethwe").is_some());
}

#[test]
fn one_bridge_is_enough() {
    let site = Site::launched();
    let error = site.refused(&["launch", "--bridge", "overlay"]);
    error.says("conflict", "bridge", &["`overlay`", "`weave` already", "weave reset"]);
}

#[test]
fn routes_and_addresses_of_the_container_itself() {
    let site = Site::launched();
    let target = name(&site.web);
    site.web
        .sh("ip link add d0 type bridge && ip link set d0 up && ip address add 10.9.0.4/24 dev d0 && \
             ip route add default via 10.9.0.1 && ip route add 10.8.0.0/16 dev d0")
        .must();
    let error = site.refused(&["attach", "--gateway", "10.2.1.1", "10.2.1.4/24", &target]);
    error.says("conflict", "gateway", &["0.0.0.0/0", "through d0", "--network=none"]);
    let error = site.refused(&["attach", "--route", "10.8.0.0/16 via 10.2.1.1", "10.2.1.4/24", &target]);
    error.says("conflict", "routes", &["10.8.0.0/16", "through d0"]);
    let error = site.refused(&["attach", "10.2.1.4/24", "10.9.0.4/16", &target]);
    error.says("conflict", "ips[1]", &["10.9.0.4/16", "interface d0"]);
    site.host.weave(&["attach", "10.2.1.4/24", &target]).must();
    let error = site.refused(&["attach", "10.2.1.4/16", &target]);
    error.says("conflict", "ips[0]", &["has 10.2.1.4/24 already", "weave detach 10.2.1.4/24"]);
    let error = site.refused(&["detach", "10.2.1.4/16", &target]);
    error.says("invalid_spec", "ips[0]", &["has not 10.2.1.4/16", "10.2.1.4/24"]);
}

/// Somebody's own way for multicast stays.
#[test]
fn a_multicast_route_of_the_container_stays() {
    let site = Site::launched();
    site.web.sh("ip link add d0 type bridge && ip link set d0 up && ip route add 224.0.0.0/4 dev d0").must();
    site.four_runs(&["attach", "10.2.1.4/24", &name(&site.web)]);
    assert_eq!(super::kernel::routes(&site.web, "d0"), ["224.0.0.0/4"]);
    assert_eq!(super::kernel::routes(&site.web, "ethwe"), Vec::<String>::new());
}
