//! Many containers at once are announced to those who were there before, and to nobody else.

use std::sync::Arc;

use super::lab::{Container, Lab, run, shown};
use crate::observed::Scope;
use crate::plan::{NewVeth, Place, Step};
use crate::spec::{Cidr, Mac};

/// More than are announced one by one.
const MANY: usize = 20;

fn address(last: usize) -> Cidr {
    format!("10.2.1.{last}/24").parse().expect("cidr")
}

fn mac(last: usize) -> Mac {
    Mac([0x0a, 0x57, 10, 2, 1, last as u8])
}

/// The steps that attach a container.
fn attach(container: &Container, last: usize) -> Vec<Step> {
    let (place, link) = (container.place(), Arc::<str>::from("ethwe"));
    let new = NewVeth { mac: mac(last), ..container.veth(&format!("vethwe{last}")) };
    vec![
        Step::CreateVeth(Box::new(new)),
        Step::AddAddress { place: place.clone(), link: link.clone(), address: address(last) },
        Step::SetUp { place: place.clone(), link: link.clone(), up: true },
        Step::Announce { place, link, addresses: vec![address(last).ip()] },
    ]
}

#[test]
fn who_was_there_hears_of_many_and_the_bridge_knows_their_ports() {
    let (old, new) = (Container::new(), (0..MANY).map(|_| Container::new()).collect::<Vec<_>>());
    let lab = Lab::with_bridge(&[]);
    let up = Step::SetUp { place: Place::Host, link: "weave".into(), up: true };
    lab.done(&[up]);
    lab.look(&Scope { targets: vec![old.name()], ..Scope::default() });
    lab.done(&attach(&old, 4));
    // Old news, of all three who remember: the container, the host and the bridge.
    run("ip link add elsewhere type veth peer name other");
    run("ip link set elsewhere master weave up");
    run("ip link set other up");
    // The bridge takes no entry for a port that does not forward yet.
    for _ in 0..3000 {
        if run("bridge link show dev elsewhere").contains("state forwarding") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    run("ip address add 10.2.1.99/24 dev weave");
    let stale = |device: &str| {
        run(&format!("ip neighbour replace 10.2.1.10 lladdr 02:00:00:00:00:09 nud stale dev {device}"));
        run(&format!("ip neighbour replace 10.2.1.11 lladdr 02:00:00:00:00:09 nud stale dev {device}"));
    };
    old.inside(|| stale("ethwe"));
    run("ip neighbour replace 10.2.1.11 lladdr 02:00:00:00:00:09 nud stale dev weave");
    run(&format!("bridge fdb replace {} dev elsewhere master dynamic", mac(10)));

    lab.look(&Scope { targets: new.iter().map(Container::name).collect(), ..Scope::default() });
    let steps: Vec<Step> = (10..).zip(&new).flat_map(|(last, container)| attach(container, last)).collect();
    lab.done(&steps);

    let known =
        |shown: String, last| shown.contains(&format!("10.2.1.{last} dev")) && shown.contains(&mac(last).to_string());
    let inside = old.inside(|| run("ip neighbour show"));
    assert!(known(inside.clone(), 10) && known(inside.clone(), 11), "{inside}");
    assert!(known(run("ip neighbour show"), 11), "the host remembers another");
    let entries = shown("bridge -j fdb show br weave");
    for last in 10..10 + MANY {
        let mut entries = entries.iter().filter(|entry| entry["mac"] == mac(last).to_string());
        assert!(entries.any(|entry| entry["ifname"] == format!("vethwe{last}")), "{last}");
    }
    // The kernel's own announcement was only needed where the host remembered.
    let notify = || std::fs::read_to_string("/proc/sys/net/ipv4/conf/ethwe/arp_notify").expect("a switch");
    assert_eq!((new[0].inside(notify).trim(), new[1].inside(notify).trim()), ("0", "1"));
}
