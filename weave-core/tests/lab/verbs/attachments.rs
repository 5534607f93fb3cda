//! `attach` and `detach`: the interface in a container, and everything on it.

use serde_json::json;

use super::kernel::{addresses, find_link, host_end, index, ipv6, is_up, link, mtu, routes};
use super::{Site, name, report};
use crate::lab::{Snapshot, Sniffer, assert_same};

#[test]
fn attach_makes_the_interface_and_detach_removes_it() {
    let site = Site::launched();
    let (host, web) = (&site.host, &site.web);
    let before = site.scene().look();
    site.four_runs(&["attach", "10.2.1.4/24", &name(web)]);

    let inner = link(web, "ethwe");
    assert_eq!((&inner["address"], &inner["mtu"]), (&"0a:57:0a:02:01:04".into(), &1450.into()), "{inner:#}");
    assert_eq!(inner["linkinfo"]["info_kind"], "veth");
    assert!(is_up(&inner), "{inner:#}");
    assert_eq!(addresses(web, "ethwe"), ["10.2.1.4/24"]);
    assert_eq!(routes(web, "ethwe"), ["224.0.0.0/4"]);
    assert_eq!(ipv6(web, "ethwe", "disable_ipv6"), "1");
    assert_eq!(web.exec(&["ip", "-6", "address", "show", "dev", "ethwe"]).must().trim(), "");

    let end = host_end(host, web, "ethwe");
    assert_eq!((&end["master"], &end["mtu"]), (&"weave".into(), &1450.into()), "{end:#}");
    assert!(end["ifalias"].as_str().is_some_and(|alias| alias.starts_with("weave:")), "{end:#}");
    assert!(is_up(&end), "{end:#}");

    site.four_runs(&["detach", "10.2.1.4/24", &name(web)]);
    site.scene().is_still(&before);
}

#[test]
fn attach_and_detach_go_address_by_address() {
    let site = Site::launched();
    let (host, web) = (&site.host, &site.web);
    let target = name(web);
    site.four_runs(&["attach", "10.2.1.4/24", "ip:10.3.1.4/16", &target]);
    assert_eq!(addresses(web, "ethwe"), ["10.2.1.4/24", "10.3.1.4/16"]);
    let number = index(web, "ethwe");
    site.four_runs(&["attach", "10.2.1.3/24", &target]);
    assert_eq!(addresses(web, "ethwe"), ["10.2.1.3/24", "10.2.1.4/24", "10.3.1.4/16"]);
    assert_eq!((index(web, "ethwe"), link(web, "ethwe")["address"].clone()), (number, "0a:57:0a:02:01:04".into()));
    report(host, &["attach", "10.3.1.4/16", &target], 0);
    site.four_runs(&["detach", "10.2.1.4/24", &target]);
    assert_eq!(addresses(web, "ethwe"), ["10.2.1.3/24", "10.3.1.4/16"]);
    // One that it has not.
    report(host, &["detach", "10.2.1.4/24", &target], 0);
    site.four_runs(&["detach", "10.2.1.3/24", "10.3.1.4/16", &target]);
    assert!(find_link(web, "ethwe").is_none());
    report(host, &["detach", &target], 0);
}

#[test]
fn detach_without_addresses_takes_all() {
    let site = Site::launched();
    let before = site.scene().look();
    site.host.weave(&["attach", "10.2.1.4/24", "fd00::4/64", &name(&site.web)]).must();
    site.four_runs(&["detach", &name(&site.web)]);
    site.scene().is_still(&before);
}

#[test]
fn multicast_is_taken_away_where_it_is_said_and_status_says_what_was_asked() {
    let site = Site::launched();
    let (host, web) = (&site.host, &site.web);
    let target = name(web);
    site.four_runs(&[
        "attach",
        "10.2.1.4/24",
        "--mtu",
        "1400",
        "--gateway",
        "10.2.1.1",
        "--route",
        "10.9.0.0/16",
        &target,
    ]);
    let told = |field: &str| report(host, &["status"], 0)["result"]["attachments"][0][field].clone();
    let asked = ["own_mtu", "mtu", "gateway", "routes", "multicast"].map(told);
    assert_eq!(asked, [json!(1400), json!(1400), json!("10.2.1.1"), json!(["10.9.0.0/16"]), json!(true)]);
    site.four_runs(&["attach", "10.2.1.4/24", "--no-multicast-route", &target]);
    assert_eq!(routes(web, "ethwe"), ["10.9.0.0/16", "default via 10.2.1.1"]);
    assert_eq!(told("multicast"), false);
    site.four_runs(&["attach", "10.2.1.4/24", "--mtu", "auto", &target]);
    assert_eq!((told("own_mtu"), told("mtu"), told("multicast")), (json!(null), json!(1450), json!(true)));
}

#[test]
fn ipv6_comes_only_when_it_is_asked_for_and_goes_again() {
    let site = Site::launched();
    let web = &site.web;
    let target = name(web);
    site.four_runs(&["attach", "fd00::4/64", &target]);
    assert_eq!(addresses(web, "ethwe"), ["fd00::4/64"]);
    assert_eq!((ipv6(web, "ethwe", "disable_ipv6"), ipv6(web, "ethwe", "accept_ra")), ("0".into(), "0".into()));
    assert_eq!(routes(web, "ethwe"), Vec::<String>::new(), "no IPv4, no IPv4 multicast");
    let mac = link(web, "ethwe")["address"].clone();
    site.four_runs(&["attach", "10.2.1.4/24", &target]);
    assert_eq!(addresses(web, "ethwe"), ["10.2.1.4/24", "fd00::4/64"]);
    assert_eq!(routes(web, "ethwe"), ["224.0.0.0/4"]);
    assert_eq!(link(web, "ethwe")["address"], mac);
    site.four_runs(&["detach", "fd00::4/64", &target]);
    assert_eq!(addresses(web, "ethwe"), ["10.2.1.4/24"]);
}

#[test]
fn attach_takes_every_setting() {
    let site = Site::launched();
    let (web, target) = (&site.web, name(&site.web));
    let settings = ["--interface", "eth7", "--mtu", "1300", "--mac", "02:00:00:00:00:07", "--gateway", "10.2.1.1"];
    let routed =
        ["--route", "10.9.0.0/16 via 10.2.1.2", "--route", "10.8.0.0/16", "--no-multicast-route", "--no-probe"];
    site.four_runs(&[&["attach"], &settings[..], &routed, &["10.2.1.4/24", &target]].concat());
    let inner = link(web, "eth7");
    assert_eq!((&inner["address"], &inner["mtu"]), (&"02:00:00:00:00:07".into(), &1300.into()), "{inner:#}");
    assert_eq!(host_end(&site.host, web, "eth7")["mtu"], 1300);
    assert_eq!(routes(web, "eth7"), ["10.8.0.0/16", "10.9.0.0/16 via 10.2.1.2", "default via 10.2.1.1"]);
    assert!(find_link(web, "ethwe").is_none());
    // Another interface of the same container.
    site.four_runs(&["attach", "10.4.1.4/24", &target]);
    assert_eq!(addresses(web, "ethwe"), ["10.4.1.4/24"]);
    site.four_runs(&["detach", "--interface", "eth7", &target]);
    assert_eq!((find_link(web, "eth7").is_none(), addresses(web, "ethwe")), (true, vec!["10.4.1.4/24".to_owned()]));
}

#[test]
fn settings_can_be_changed_in_place() {
    let site = Site::launched();
    let (web, target) = (&site.web, name(&site.web));
    site.host.weave(&["attach", "10.2.1.4/24", &target]).must();
    let number = index(web, "ethwe");
    site.four_runs(&["attach", "--mtu", "1300", "10.2.1.4/24", &target]);
    site.four_runs(&["attach", "--mac", "02:00:00:00:00:07", "10.2.1.4/24", &target]);
    site.four_runs(&["attach", "--gateway", "10.2.1.1", "10.2.1.4/24", &target]);
    site.four_runs(&["attach", "--route", "10.9.0.0/16 via 10.2.1.2", "10.2.1.4/24", &target]);
    assert_eq!(link(web, "ethwe")["address"], "02:00:00:00:00:07");
    assert_eq!((mtu(web, "ethwe"), index(web, "ethwe")), (1300, number));
    assert_eq!(routes(web, "ethwe"), ["10.9.0.0/16 via 10.2.1.2", "224.0.0.0/4", "default via 10.2.1.1"]);
    // What is not said again stays.
    report(&site.host, &["attach", "10.2.1.4/24", &target], 0);
}

#[test]
fn a_process_is_a_target_too() {
    let site = Site::launched();
    let before = Snapshot::of(&site.db);
    let mut sleeper = site.db.command("sleep").arg("1000").spawn().expect("sleep to start");
    let target = format!("pid:{}", sleeper.id());
    // nsenter needs a moment to become what it starts.
    let entered = || std::fs::read_link(format!("/proc/{}/ns/net", sleeper.id())).ok();
    let own = std::fs::read_link("/proc/self/ns/net").ok();
    assert!(crate::lab::wait_until(crate::lab::PATIENCE, || entered() != own));
    site.four_runs(&["attach", "10.2.1.5/24", &target]);
    assert_eq!(addresses(&site.db, "ethwe"), ["10.2.1.5/24"]);
    // It is the same container, whatever it is called.
    report(&site.host, &["attach", "10.2.1.5/24", &name(&site.db)], 0);
    site.four_runs(&["detach", &target]);
    sleeper.kill().and_then(|()| sleeper.wait()).expect("sleep to end");
    assert_same(&before, &Snapshot::of(&site.db));
    site.refused(&["attach", "10.2.1.5/24", &target]).says("not_found", &target, &["does not exist"]);
}

#[test]
fn neighbours_are_told_of_a_new_address() {
    let site = Site::launched();
    site.host.weave(&["attach", "10.2.1.5/24", "fd00::5/64", &name(&site.db)]).must();
    let sniffer = Sniffer::start(&site.db);
    site.host.weave(&["attach", "--no-probe", "10.2.1.4/24", "fd00::4/64", &name(&site.web)]).must();
    let mac = [0x0a, 0x57, 10, 2, 1, 4];
    // A gratuitous ARP: both addresses in it are the sender's (RFC 5227, section 3).
    let arp = |frame: &[u8]| frame[6..14] == [&mac[..], &[8, 6]].concat() && frame[28..32] == frame[38..42];
    assert!(sniffer.find_by(crate::lab::PATIENCE, arp).is_some(), "no gratuitous ARP");
    site.host.weave(&["attach", "--no-probe", "fd00::44/64", &name(&site.web)]).must();
    // An unsolicited neighbour advertisement: ICMPv6 type 136 to all nodes (RFC 4861, section 7.2.6).
    let advertisement = |frame: &[u8]| frame[..6] == [0x33, 0x33, 0, 0, 0, 1] && frame.get(54) == Some(&136);
    assert!(sniffer.find_by(crate::lab::PATIENCE, advertisement).is_some(), "no neighbour advertisement");
}

#[test]
fn multicast_of_containers_reaches_containers() {
    let site = Site::launched();
    site.host.weave(&["attach", "10.2.1.4/24", &name(&site.web)]).must();
    site.host.weave(&["attach", "10.2.1.5/24", &name(&site.db)]).must();
    // A new port of a bridge forwards a moment after it is up.
    assert!(site.web.await_ping("10.2.1.5".parse().expect("address")));
    let sniffer = Sniffer::start(&site.db);
    let marker = b"to everybody who listens";
    crate::lab::send_udp(&site.web, None, "239.1.2.3:7000".parse().expect("address"), marker);
    let got = sniffer.find(marker, crate::lab::PATIENCE).expect("a multicast packet");
    assert_eq!((got.interface.as_str(), &got.frame[..3]), ("ethwe", &[0x01, 0x00, 0x5e][..]));
}
