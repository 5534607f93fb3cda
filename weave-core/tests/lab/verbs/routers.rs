//! `launch`, `stop`, `reset`: the bridge, the tunnel, the guard of its port.

use super::kernel::{addresses, find_link, flood, guarded_peers, guards, index, ipv6, is_up, link, links, mtu, table};
use super::{Site, name, report};
use crate::lab::{HostOptions, Lab, Snapshot, UNDERLAY, assert_same};

#[test]
fn launch_makes_a_quiet_bridge_and_a_tunnel() {
    let site = Site::new();
    let host = &site.host;
    let before = Snapshot::of(host);
    site.four_runs(&["launch", "192.0.2.2", "192.0.2.3"]);

    let bridge = link(host, "weave");
    let info = &bridge["linkinfo"]["info_data"];
    assert_eq!(bridge["linkinfo"]["info_kind"], "bridge", "{bridge:#}");
    assert_eq!((&info["stp_state"], &info["mcast_snooping"]), (&0.into(), &0.into()), "{bridge:#}");
    assert!(is_up(&bridge) && bridge["mtu"] == 1450, "{bridge:#}");
    assert!(bridge["ifalias"].as_str().is_some_and(|alias| alias.starts_with("weave:")), "{bridge:#}");
    assert_eq!((ipv6(host, "weave", "accept_ra"), ipv6(host, "weave", "disable_ipv6")), ("0".into(), "1".into()));

    let tunnel = link(host, "vxlan-6783");
    let info = &tunnel["linkinfo"]["info_data"];
    assert_eq!((&info["id"], &info["port"], &info["local"]), (&6783.into(), &6783.into(), &"192.0.2.1".into()));
    assert_eq!((&info["learning"], &tunnel["master"]), (&true.into(), &"weave".into()), "{tunnel:#}");
    assert!(is_up(&tunnel) && tunnel["mtu"] == 1450, "{tunnel:#}");
    assert!(tunnel["ifalias"].as_str().is_some_and(|alias| alias.starts_with("weave:")), "{tunnel:#}");
    assert_eq!(ipv6(host, "vxlan-6783", "disable_ipv6"), "1");
    assert_eq!(flood(host, "vxlan-6783"), ["192.0.2.2", "192.0.2.3"]);
    assert!(guards(host, 6783));
    assert_eq!(guarded_peers(host), ["192.0.2.2", "192.0.2.3"]);

    site.four_runs(&["reset"]);
    assert_same(&before, &Snapshot::of(host));
    host.weave(&["launch"]).must();
    assert_eq!(link(host, "weave")["address"], bridge["address"], "the bridge's address changed");
}

#[test]
fn launch_takes_every_setting() {
    let site = Site::new();
    let host = &site.host;
    host.add_underlay("eth1", 1500, &["198.51.100.1/24"]);
    let before = Snapshot::of(host);
    let args =
        ["launch", "--port", "6784", "--vni", "77", "--mtu", "1400", "--underlay", "eth1", "--bridge", "overlay"];
    site.four_runs(&[&args[..], &["--no-firewall", "198.51.100.2:6790", "198.51.100.3"]].concat());
    let tunnel = link(host, "vxlan-6784");
    let info = &tunnel["linkinfo"]["info_data"];
    assert_eq!((&info["id"], &info["port"], &info["local"]), (&77.into(), &6784.into(), &"198.51.100.1".into()));
    assert_eq!((&tunnel["master"], &tunnel["mtu"]), (&"overlay".into(), &1400.into()));
    assert_eq!(mtu(host, "overlay"), 1400);
    assert!(find_link(host, "weave").is_none());
    assert_eq!(flood(host, "vxlan-6784"), ["198.51.100.2:6790", "198.51.100.3"]);
    assert_eq!(table(host), None);
    host.weave(&["reset"]).must();
    assert_same(&before, &Snapshot::of(host));
}

#[test]
fn the_underlay_may_be_an_address_an_interface_or_a_network() {
    let site = Site::new();
    let host = &site.host;
    host.add_underlay("eth1", 1500, &["198.51.100.1/24"]);
    for (underlay, local) in
        [("192.0.2.1", "192.0.2.1"), ("eth1", "198.51.100.1"), ("192.0.2.0/24", "192.0.2.1"), ("eth1", "198.51.100.1")]
    {
        let done = report(host, &["launch", "--underlay", underlay], 2);
        assert_eq!(link(host, "vxlan-6783")["linkinfo"]["info_data"]["local"], local, "{done:#}");
        // The plan says which one it is.
        let says = done["changes"].as_array().is_some_and(|changes| {
            changes.iter().any(|change| change["field"] == "underlay" && change["after"] == local)
        });
        assert!(says, "{done:#}");
    }
    // What was chosen stays.
    report(host, &["launch"], 0);
}

#[test]
fn a_tunnel_over_ipv6_leaves_twenty_bytes_less() {
    let site = Site::new();
    site.four_runs(&["launch", "2001:db8::2", "[2001:db8::3]:6790"]);
    let info = &link(&site.host, "vxlan-6783")["linkinfo"]["info_data"];
    let local = info["local6"].as_str().or(info["local"].as_str());
    assert_eq!(local, Some("2001:db8::1"), "{info:#}");
    assert_eq!((mtu(&site.host, "weave"), mtu(&site.host, "vxlan-6783")), (1430, 1430));
    assert_eq!(flood(&site.host, "vxlan-6783"), ["2001:db8::2", "2001:db8::3:6790"]);
    assert_eq!(guarded_peers(&site.host), ["2001:db8::2", "2001:db8::3"]);
}

#[test]
fn the_mtu_is_that_of_the_narrowest_path() {
    let lab = Lab::new().with_weave(super::WEAVE);
    let host = lab.add_host(HostOptions { mtu: 1400 });
    host.weave(&["launch", "192.0.2.2"]).must();
    assert_eq!(mtu(&host, "weave"), 1350);
    host.route_mtu("192.0.2.3/32", 1300);
    host.weave(&["connect", "192.0.2.3"]).must();
    assert_eq!((mtu(&host, "weave"), mtu(&host, "vxlan-6783")), (1250, 1250));
}

#[test]
fn what_can_change_in_place_does() {
    let site = Site::launched();
    let (host, web) = (&site.host, &site.web);
    host.add_underlay("eth1", 1500, &["198.51.100.1/24"]);
    host.weave(&["attach", "--no-probe", "10.2.1.4/24", &name(web)]).must();
    let numbers = || [index(host, "weave"), index(host, "vxlan-6783"), index(web, "ethwe")];
    let before = numbers();
    for (wanted, bytes) in [("1400", 1400), ("1300", 1300), ("auto", 1450)] {
        site.four_runs(&["launch", "--mtu", wanted]);
        assert_eq!((mtu(host, "weave"), mtu(host, "vxlan-6783"), mtu(web, "ethwe")), (bytes, bytes, bytes));
        let end = super::kernel::host_end(host, web, "ethwe");
        assert_eq!(end["mtu"], bytes, "{end:#}");
    }
    assert_eq!(numbers(), before, "a link was made anew");
    // With a peer that has its own port no address is learned.
    for (args, local, learning) in [
        (["launch", "--underlay", "eth1"], "198.51.100.1", true),
        (["connect", "--replace", "192.0.2.3:7000"], "198.51.100.1", false),
        (["launch", "--underlay", "192.0.2.1"], "192.0.2.1", false),
        (["connect", "--replace", "192.0.2.2"], "192.0.2.1", true),
    ] {
        site.four_runs(&args);
        let tunnel = link(host, "vxlan-6783");
        let info = &tunnel["linkinfo"]["info_data"];
        assert_eq!((&info["local"], &info["learning"]), (&local.into(), &learning.into()), "{args:?}");
        assert!(is_up(&tunnel), "{args:?}");
    }
    assert_eq!(numbers(), before, "a link was made anew");
}

#[test]
fn another_port_or_vni_makes_the_tunnel_anew_with_its_peers() {
    let site = Site::launched();
    let host = &site.host;
    host.weave(&["connect", "192.0.2.3:7000"]).must();
    let bridge = index(host, "weave");
    site.four_runs(&["launch", "--port", "6790"]);
    assert!(find_link(host, "vxlan-6783").is_none());
    assert_eq!(flood(host, "vxlan-6790"), ["192.0.2.2", "192.0.2.3:7000"]);
    assert!(guards(host, 6790) && !guards(host, 6783));
    site.four_runs(&["launch", "--vni", "99"]);
    // Under another name, because the old one stays until the new one is ready.
    let tunnels: Vec<_> = links(host).into_iter().filter(|link| link["linkinfo"]["info_kind"] == "vxlan").collect();
    let [tunnel] = tunnels.as_slice() else { panic!("one tunnel: {tunnels:#?}") };
    assert_eq!(tunnel["linkinfo"]["info_data"]["id"], 99);
    let name = tunnel["ifname"].as_str().expect("a name");
    assert_eq!(flood(host, name), ["192.0.2.2", "192.0.2.3:7000"]);
    // And so on, back and forth.
    site.four_runs(&["launch", "--vni", "100"]);
    assert_eq!(flood(host, "vxlan-6790"), ["192.0.2.2", "192.0.2.3:7000"]);
    assert_eq!(index(host, "weave"), bridge);
}

#[test]
fn launch_adds_peers_and_keeps_those_there_are() {
    let site = Site::launched();
    site.four_runs(&["launch", "192.0.2.3"]);
    assert_eq!(flood(&site.host, "vxlan-6783"), ["192.0.2.2", "192.0.2.3"]);
    report(&site.host, &["launch"], 0);
}

#[test]
fn the_firewall_can_be_left_alone_and_taken_back() {
    let site = Site::launched();
    assert!(guards(&site.host, 6783));
    site.four_runs(&["launch", "--no-firewall"]);
    assert_eq!(table(&site.host), None);
    // It stays so until somebody says otherwise.
    report(&site.host, &["launch"], 0);
    site.host.weave(&["connect", "192.0.2.3"]).must();
    assert_eq!(table(&site.host), None);
    site.apply_four("firewall: {manage: true}\n");
    assert_eq!(guarded_peers(&site.host), ["192.0.2.2", "192.0.2.3"]);
}

#[test]
fn stop_leaves_the_containers_to_each_other() {
    let site = Site::launched();
    let host = &site.host;
    host.weave(&["attach", "10.2.1.4/24", &name(&site.web)]).must();
    host.weave(&["attach", "10.2.1.5/24", &name(&site.db)]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    site.four_runs(&["stop"]);
    assert!(find_link(host, "vxlan-6783").is_none());
    assert!(is_up(&link(host, "weave")));
    assert!(!guards(host, 6783));
    assert_eq!(addresses(host, "weave"), ["10.2.1.1/24"]);
    assert!(site.web.await_ping("10.2.1.5".parse().expect("address")));
    // Nothing can be connected to until it is launched again.
    site.refused(&["connect", "192.0.2.2"]).says("not_found", "router", &["is not running", "weave launch"]);
    host.weave(&["attach", "10.2.1.6/24", &name(&site.web)]).must();
    site.four_runs(&["launch", "192.0.2.2"]);
    assert_eq!(flood(host, "vxlan-6783"), ["192.0.2.2"]);
}

#[test]
fn reset_removes_everything_and_nothing_else() {
    let site = Site::new();
    let host = &site.host;
    host.sh("ip link add other type bridge && ip link add d0 type veth peer name d1 && ip address add 10.99.0.1/24 dev d0 && \
             nft add table inet other && ip link set d0 master other up")
        .must();
    site.web.sh("ip link add d0 type bridge && ip link set d0 up && ip address add 10.98.0.1/24 dev d0").must();
    let before = site.scene().look();
    report(host, &["reset"], 0);
    report(host, &["stop"], 0);
    host.weave(&["launch", "192.0.2.2", "192.0.2.3"]).must();
    host.weave(&["attach", "10.2.1.4/24", "fd00::4/64", &name(&site.web)]).must();
    host.weave(&["attach", "10.2.1.5/24", &name(&site.db)]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    site.four_runs(&["reset"]);
    site.scene().is_still(&before);
    assert_eq!(addresses(host, UNDERLAY), ["192.0.2.1/24", "2001:db8::1/64"]);
}

#[test]
fn a_namespace_that_went_away_leaves_no_trace() {
    let site = Site::launched();
    let gone = site.lab.target("gone");
    site.host.weave(&["attach", "10.2.1.4/24", &name(&gone)]).must();
    let end = super::kernel::host_end(&site.host, &gone, "ethwe");
    let end = end["ifname"].as_str().expect("a name").to_owned();
    site.host.exec(&["ip", "netns", "delete", gone.name()]).must();
    assert!(crate::lab::wait_until(crate::lab::PATIENCE, || find_link(&site.host, &end).is_none()));
    report(&site.host, &["launch"], 0);
    report(&site.host, &["status"], 0);
    site.refused(&["attach", "10.2.1.4/24", &name(&gone)]).says("not_found", &name(&gone), &["does not exist"]);
}
