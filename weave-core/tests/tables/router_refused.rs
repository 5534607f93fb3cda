//! A router in a container that cannot be, and what of others stands in its way.

use std::collections::BTreeSet;

use super::router_container::{LAUNCHED, containers};
use super::{refused, run};
use crate::laws::op::after_all;
use crate::support::classic::{foreign_container, foreign_link, host};

#[test]
fn what_cannot_be_is_refused_before_anything_is_touched() {
    let (empty, classic) = (host(), after_all(host(), &[LAUNCHED]));
    let vxlan = after_all(host(), &["launch {peers: 192.0.2.2}"]);
    for (world, op, words) in [
        (&empty, "launch {kind: image}", &["not_found", "image", "no container `weave`"][..]),
        (&empty, "launch {kind: image, nickname: alpha}", &["invalid", "image", "`nickname` is given"]),
        (&empty, "launch {nickname: alpha}", &["image", "`nickname` is given"]),
        (&vxlan, "launch {control_port: 7000}", &["control_port", "for kind image", "of kind vxlan", "kind: image"]),
        (&classic, "launch {vni: 7}", &["vni", "for kind vxlan", "of kind image", "kind: vxlan"]),
        (&vxlan, "attach {container: web, ips: 'net:default'}", &["unsupported", "ipalloc_range"]),
        (&classic, "launch {image: 'nowhere.example.com/weave:1', pull: never}", &["not_found", "nowhere.example.com"]),
        (
            &empty,
            "launch {image: 'weaveworks/weave:2.8.1', password_file: /nonexistent}",
            &["password_file", "no such file"],
        ),
    ] {
        refused(world, op, words);
    }
}

#[test]
fn what_is_not_weaves_stays() {
    let mut world = host();
    foreign_container(&mut world, "weave");
    let launch = "launch {image: 'weaveworks/weave:2.8.1'}";
    refused(&world, launch, &["conflict", "weave did not make"]);
    refused(&world, "launch {kind: image}", &["conflict", "no router"]);
    let (_, reset) = run(&world, "reset").unwrap();
    assert_eq!(containers(&reset), BTreeSet::from(["weave".to_owned()]));
    for name in ["vethwe-bridge", "vethwe-pcap"] {
        let mut world = host();
        foreign_link(&mut world, name);
        refused(&world, launch, &["conflict", name, "ip link delete"]);
        let (_, reset) = run(&world, "reset").unwrap();
        assert!(reset.host.index(name).is_ok());
    }
}
