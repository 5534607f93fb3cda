//! A second look at what was touched shows the same as one at everything.

use std::net::IpAddr;
use std::sync::Arc;

use super::lab::{Container, Lab, bridge, run, vxlan};
use crate::observed::{Flood, Scope, Touched};
use crate::plan::{NewVeth, Step};
use crate::spec::Route;

/// Does the steps, and looks again in both ways.
fn same(lab: &Lab, scope: &Scope, steps: &[Step]) {
    let before = lab.look(scope);
    let mut touched = Touched::default();
    assert!(steps.iter().all(|step| step.touches(&mut touched)), "all of them say what they touch");
    lab.done(steps);
    let (again, whole) = (lab.look_again(scope, &before, &touched), lab.look(scope));
    assert_eq!(again, whole);
    assert_ne!(again, before, "something has changed");
}

#[test]
fn a_container_is_attached_changed_and_detached() {
    let (old, new) = (Container::new(), Container::new());
    let lab = Lab::with_bridge(&[]);
    for command in
        ["ip link set weave up", "ip address add 10.2.1.99/24 dev weave", "ip link add x type veth peer name y"]
    {
        run(command);
    }
    let scope = Scope { targets: vec![old.name(), new.name()], attachments: true, ..Scope::default() };
    lab.look(&scope);
    let (place, link) = (new.place(), Arc::<str>::from("ethwe"));
    let address = "10.2.1.4/24".parse().expect("an address");
    let narrow = NewVeth { mtu: 1300, ..new.veth("vethwenew") };
    let up = Step::SetUp { place: place.clone(), link: link.clone(), up: true };
    same(
        &lab,
        &scope,
        &[
            Step::CreateVeth(Box::new(old.veth("vethweold"))),
            Step::CreateVeth(Box::new(narrow)),
            Step::AddAddress { place: place.clone(), link: link.clone(), address },
            up,
            Step::Announce { place: place.clone(), link: link.clone(), addresses: vec![address.ip()] },
        ],
    );
    let route = Route { to: "192.0.2.0/24".parse().expect("a network"), via: None };
    same(
        &lab,
        &scope,
        &[
            Step::SetMtu { place: place.clone(), link: link.clone(), mtu: 1280, before: 1300 },
            Step::AddRoute { place: place.clone(), link: link.clone(), route },
        ],
    );
    same(&lab, &scope, &[Step::DeleteAddress { place, link, address }]);
}

#[test]
fn peers_come_and_go() {
    let lab = Lab::new();
    for command in ["ip link add u0 type veth peer name u1", "ip address add 192.0.2.1/24 dev u0", "ip link set u0 up"]
    {
        run(command);
    }
    lab.done(&[bridge(), vxlan("192.0.2.1")]);
    let scope = Scope { router: true, ..Scope::default() };
    let link = Arc::<str>::from("vxlan-6783");
    let peer = |last: u8| Flood { address: IpAddr::from([192, 0, 2, last]), port: None };
    same(&lab, &scope, &[Step::AddFlood { link: link.clone(), peers: vec![peer(2), peer(3)] }]);
    same(&lab, &scope, &[Step::DeleteFlood { link, peers: vec![peer(2)] }]);
}

#[test]
fn what_has_gone_is_not_there() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    lab.done(&[Step::CreateVeth(Box::new(container.veth("vethwex")))]);
    let scope = Scope { targets: vec![container.name()], ..Scope::default() };
    let before = lab.look(&scope);
    run("ip link delete vethwex");
    let touched = Touched { links: ["vethwex".into(), "weave".into()].into(), flood: false };
    assert_eq!(lab.look_again(&scope, &before, &touched), lab.look(&scope));
}
