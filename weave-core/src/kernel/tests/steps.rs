//! Every step, done and undone.

use serde_json::json;

use super::lab::{Container, Lab, bridge, link, run, shown, vxlan};
use crate::observed::{BridgeMark, Flood, Mark, Observed};
use crate::plan::{Place, Step, undo};
use crate::spec::Mac;

#[test]
fn a_bridge_is_made_marked_changed_and_deleted() {
    let lab = Lab::new();
    lab.done(&[bridge()]);
    let made = link("weave").expect("the bridge");
    assert_eq!(made["address"], "12:01:02:03:04:05");
    assert_eq!(
        (&made["mtu"], &made["ifalias"], &made["operstate"]),
        (&json!(1400), &json!("weave:bridge"), &json!("DOWN"))
    );
    let data = &made["linkinfo"]["info_data"];
    assert_eq!((&data["stp_state"], &data["mcast_snooping"]), (&json!(0), &json!(0)));

    let mark = Mark::Bridge(BridgeMark { mtu: Some(1400), firewall_unmanaged: true, ..BridgeMark::default() });
    let place = Place::Host;
    lab.done(&[
        Step::SetMark { link: "weave".into(), mark: Box::new(mark), before: None },
        Step::SetBridge { link: "weave".into(), stp: true, multicast_snooping: true, before: (false, false) },
        Step::SetMtu { place: place.clone(), link: "weave".into(), mtu: 1300, before: 1400 },
        Step::SetMac { place: place.clone(), link: "weave".into(), mac: Mac([2, 0, 0, 0, 0, 7]), before: Mac([0; 6]) },
        Step::SetUp { place, link: "weave".into(), up: true },
    ]);
    let changed = link("weave").expect("the bridge");
    assert_eq!(changed["ifalias"], "weave:bridge mtu=1400 firewall=unmanaged");
    assert_eq!((&changed["address"], &changed["mtu"]), (&json!("02:00:00:00:00:07"), &json!(1300)));
    let data = &changed["linkinfo"]["info_data"];
    assert_eq!((&data["stp_state"], &data["mcast_snooping"]), (&json!(1), &json!(1)));
    assert!(changed["flags"].as_array().is_some_and(|flags| flags.contains(&json!("UP"))));

    lab.done(&[Step::DeleteLink { link: "weave".into() }, Step::DeleteLink { link: "weave".into() }]);
    assert_eq!(link("weave"), None);
}

#[test]
fn a_tunnel_is_made_for_both_families() {
    for (local, key) in [("192.0.2.1", "local"), ("2001:db8::1", "local6")] {
        let lab = Lab::new();
        lab.done(&[bridge(), vxlan(local)]);
        let made = link("vxlan-6783").expect("the device");
        let data = &made["linkinfo"]["info_data"];
        assert_eq!((&made["master"], &made["mtu"]), (&json!("weave"), &json!(1400)));
        assert_eq!((&made["ifalias"], &data[key]), (&json!("weave:router"), &json!(local)));
        assert_eq!((&data["id"], &data["port"], &data["learning"]), (&json!(6783), &json!(6783), &json!(true)));
        assert!(made["flags"].as_array().is_some_and(|flags| !flags.contains(&json!("UP"))));
    }
}

#[test]
fn a_tunnel_is_changed_in_place_and_back() {
    for (locals, key) in [(["192.0.2.1", "192.0.2.9"], "local"), (["2001:db8::1", "2001:db8::9"], "local6")] {
        let lab = Lab::new();
        let [old, new] = locals.map(|local| local.parse().expect("address"));
        let flood = vec![Flood { address: new, port: Some(7000) }];
        let up = |up| Step::SetUp { place: Place::Host, link: "vxlan-6783".into(), up };
        lab.done(&[bridge(), vxlan(locals[0]), Step::AddFlood { link: "vxlan-6783".into(), peers: flood }, up(true)]);
        let before = link("vxlan-6783").expect("the device");
        let entries = || run("bridge fdb show dev vxlan-6783");
        let flooded = entries();
        assert!(flooded.contains("port 7000"), "{flooded}");
        let change = Step::SetTunnel { link: "vxlan-6783".into(), local: new, learning: false, before: (old, true) };
        lab.done(std::slice::from_ref(&change));
        let changed = link("vxlan-6783").expect("the device");
        let data = &changed["linkinfo"]["info_data"];
        assert_eq!((&data[key], &data["learning"]), (&json!(locals[1]), &json!(false)));
        assert_eq!((&data["id"], &data["port"]), (&json!(6783), &json!(6783)));
        assert_eq!((&changed["ifindex"], entries()), (&before["ifindex"], flooded.clone()));
        lab.done(&undo(&[&change], &Observed::default()));
        assert_eq!((link("vxlan-6783").as_ref(), entries()), (Some(&before), flooded));
    }
    let lab = Lab::new();
    lab.done(&[bridge(), vxlan("192.0.2.1")]);
    let local = "2001:db8::1".parse().expect("address");
    let before = ("192.0.2.1".parse().expect("address"), true);
    let error = lab.failed(Step::SetTunnel { link: "vxlan-6783".into(), local, learning: true, before });
    assert_eq!((error.subject(), error.raw_errno()), ("vxlan-6783", Some(nix::libc::EOPNOTSUPP)));
}

#[test]
fn the_flood_list_grows_and_shrinks() {
    for (local, peers) in [("192.0.2.1", ["192.0.2.2", "192.0.2.3"]), ("2001:db8::1", ["2001:db8::2", "2001:db8::3"])] {
        let lab = Lab::new();
        let flood = |peer: &str, port| Flood { address: peer.parse().expect("address"), port };
        let both = vec![flood(peers[0], None), flood(peers[1], Some(7000))];
        lab.done(&[bridge(), vxlan(local), Step::AddFlood { link: "vxlan-6783".into(), peers: both.clone() }]);
        let entries = || -> Vec<(String, String)> {
            let entries = shown("bridge -j fdb show dev vxlan-6783");
            let flood = entries.iter().filter(|entry| entry["mac"] == "00:00:00:00:00:00");
            flood.map(|entry| (entry["dst"].as_str().unwrap_or("").into(), entry["port"].to_string())).collect()
        };
        assert_eq!(entries(), [(peers[0].into(), "null".into()), (peers[1].to_owned(), "7000".to_owned())]);
        lab.done(&[Step::DeleteFlood { link: "vxlan-6783".into(), peers: both[1..].to_vec() }]);
        assert_eq!(entries(), [(peers[0].to_owned(), "null".to_owned())]);
        lab.done(&[Step::DeleteFlood { link: "vxlan-6783".into(), peers: both.clone() }]);
        assert_eq!(entries(), []);
        lab.done(&[Step::DeleteFlood { link: "gone".into(), peers: both }]);
    }
}

#[test]
fn a_container_is_attached_and_detached() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    let new = container.veth("vethwe1");
    lab.done(&[Step::CreateVeth(Box::new(new.clone()))]);
    let outer = link("vethwe1").expect("the host end");
    assert_eq!((&outer["master"], &outer["mtu"]), (&json!("weave"), &json!(1400)));
    assert_eq!(outer["ifalias"], new.mark.to_string());
    assert!(outer["flags"].as_array().is_some_and(|flags| flags.contains(&json!("UP"))));
    let inner = container.inside(|| link("ethwe")).expect("the interface");
    assert_eq!((&inner["address"], &inner["mtu"]), (&json!("0a:57:0a:02:01:04"), &json!(1400)));
    assert_eq!(inner["operstate"], "DOWN");
    for end in [outer, inner] {
        assert_eq!((&end["num_tx_queues"], &end["num_rx_queues"]), (&json!(1), &json!(1)));
    }

    lab.done(&[Step::DeleteLink { link: "vethwe1".into() }]);
    assert_eq!(container.inside(|| link("ethwe")), None);
    // Again, as after a failure: numbers of links that were gone are not used again.
    lab.done(&[Step::CreateVeth(Box::new(new))]);
}

#[test]
fn addresses_and_routes_come_and_go() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    let (place, ethwe) = (container.place(), || "ethwe".into());
    let address =
        |text: &str| Step::AddAddress { place: place.clone(), link: ethwe(), address: text.parse().expect("cidr") };
    let route =
        |text: &str| Step::AddRoute { place: place.clone(), link: ethwe(), route: text.parse().expect("route") };
    lab.done(&[
        Step::CreateVeth(Box::new(container.veth("vethwe1"))),
        Step::SetUp { place: Place::Host, link: "weave".into(), up: true },
        address("10.2.1.4/24"),
        address("10.2.1.5/24"),
        address("fd00::4/64"),
        Step::SetUp { place: place.clone(), link: ethwe(), up: true },
        route("224.0.0.0/4"),
        route("10.9.0.0/16 via 10.2.1.1"),
        route("fd01::/64 via fd00::1"),
        route("fd02::/64"),
    ]);
    let addresses = || container.inside(|| run("ip -br address show dev ethwe"));
    for expected in ["10.2.1.4/24", "10.2.1.5/24", "fd00::4/64"] {
        assert!(addresses().contains(expected), "{expected} in {}", addresses());
    }
    let v6 = container.inside(|| run("ip -6 address show dev ethwe scope global"));
    assert!(v6.contains("nodad") && !v6.contains("tentative"), "{v6}");
    let routes = || container.inside(|| run("ip route show proto static") + &run("ip -6 route show proto static"));
    for expected in
        ["224.0.0.0/4 dev ethwe scope link", "10.9.0.0/16 via 10.2.1.1", "fd01::/64 via fd00::1", "fd02::/64 dev"]
    {
        assert!(routes().contains(expected), "{expected} in {}", routes());
    }

    let no_address =
        |text: &str| Step::DeleteAddress { place: place.clone(), link: ethwe(), address: text.parse().expect("cidr") };
    let no_route =
        |text: &str| Step::DeleteRoute { place: place.clone(), link: ethwe(), route: text.parse().expect("route") };
    let away = [
        no_route("224.0.0.0/4"),
        no_route("10.9.0.0/16 via 10.2.1.1"),
        no_route("fd01::/64 via fd00::1"),
        no_route("fd02::/64"),
        // The first of its network: the second must stay.
        no_address("10.2.1.4/24"),
        no_address("fd00::4/64"),
    ];
    lab.done(&away);
    assert_eq!(routes(), "");
    assert!(addresses().contains("10.2.1.5/24") && !addresses().contains("10.2.1.4/24"), "{}", addresses());
    lab.done(&away);
    lab.done(&[Step::DeleteLink { link: "vethwe1".into() }]);
    lab.done(&away);
}

#[test]
fn a_port_is_taken_out_and_put_in() {
    let lab = Lab::with_bridge(&[]);
    run("ip link add p0 type veth peer name p1");
    let master =
        |bridge: Option<&str>| Step::SetMaster { link: "p0".into(), bridge: bridge.map(Into::into), before: None };
    lab.done(&[master(Some("weave"))]);
    assert_eq!(link("p0").expect("the port")["master"], "weave");
    lab.done(&[master(None)]);
    assert_eq!(link("p0").expect("the port").get("master"), None);
}

#[test]
fn ipv6_is_switched_where_the_link_is() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    lab.done(&[Step::CreateVeth(Box::new(container.veth("vethwe1")))]);
    let read =
        |link: &str| std::fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{link}/disable_ipv6")).expect("IPv6");
    let set = |place: Place, link: &str, value| Step::SetIpv6 {
        place,
        link: link.into(),
        key: "disable_ipv6",
        value,
        before: 1 - value,
    };
    lab.done(&[set(container.place(), "ethwe", 1), set(Place::Host, "vethwe1", 1)]);
    assert_eq!((container.inside(|| read("ethwe")), read("vethwe1")), ("1\n".into(), "1\n".into()));
    lab.done(&[set(Place::Host, "vethwe1", 0), set(container.place(), "ethwe", 0)]);
    assert_eq!((container.inside(|| read("ethwe")), read("vethwe1")), ("0\n".into(), "0\n".into()));
    let error = lab.failed(set(Place::Host, "gone", 1));
    assert_eq!((error.subject(), error.raw_errno()), ("gone", Some(nix::libc::ENOENT)));
}

#[test]
fn many_links_go_at_once() {
    let lab = Lab::with_bridge(&[]);
    let containers: Vec<Container> = (0..40).map(|_| Container::new()).collect();
    for container in &containers {
        lab.look(&crate::observed::Scope { targets: vec![container.name()], ..Default::default() });
        lab.done(&[Step::CreateVeth(Box::new(container.veth(&format!("v{}", container.inode()))))]);
    }
    run("ip link add other type veth peer name other1");
    let mut links: Vec<_> = containers.iter().map(|container| format!("v{}", container.inode()).into()).collect();
    links.push("gone".into());
    lab.done(&[Step::DeleteLinks { links: links.clone(), group: 4711 }]);
    let mut left: Vec<String> = shown("ip -j link").iter().map(|link| link["ifname"].to_string()).collect();
    left.sort();
    assert_eq!(left, ["\"lo\"", "\"other\"", "\"other1\"", "\"weave\""]);
    lab.done(&[Step::DeleteLinks { links, group: 4711 }]);
}

#[test]
fn the_firewall_and_announcements_are_reached() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    let addresses = vec!["10.2.1.4".parse().expect("address")];
    lab.done(&[
        Step::CreateVeth(Box::new(container.veth("vethwe1"))),
        Step::SetUp { place: Place::Host, link: "weave".into(), up: true },
        Step::AddAddress {
            place: container.place(),
            link: "ethwe".into(),
            address: "10.2.1.4/24".parse().expect("cidr"),
        },
        Step::SetUp { place: container.place(), link: "ethwe".into(), up: true },
        Step::Announce { place: Place::Target(container.name()), link: "ethwe".into(), addresses },
        // Behind a step in a container: the thread has to come back.
        Step::SetTable { after: None, before: None },
    ]);
}
