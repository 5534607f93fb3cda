//! Between an exposed network and the rest of the world: the host's addresses stand for those of the others, both ways.

use std::net::{IpAddr, UdpSocket};

use super::common::{SOON, attached, changes, ip, lab, launch, tcp, weave};
use crate::lab::{Host, Lab, Netns};

/// A host that forwards, a container behind it with the host as gateway, and a host that knows nothing of weave.
struct Scene {
    hosts: Vec<Host>,
    container: Netns,
    // Dropped last: it takes the hosts with it.
    _lab: Lab,
}

const CONTAINER_V4: &str = "10.2.1.1";
const CONTAINER_V6: &str = "fd00:2:1::1";
const EXPOSED_V4: &str = "10.2.1.101";
const EXPOSED_V6: &str = "fd00:2:1::101";

impl Scene {
    fn new(options: &str) -> Self {
        let (lab, hosts) = lab(2);
        let (host, world) = (&hosts[0], &hosts[1]);
        launch(&hosts[..1]);
        // Docker switches it on in life.
        host.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1").must();
        weave(host, &format!("expose {options} {EXPOSED_V4}/24 {EXPOSED_V6}/64"));
        let container = lab.target("container");
        for (address, gateway) in
            [(format!("{CONTAINER_V4}/24"), EXPOSED_V4), (format!("{CONTAINER_V6}/64"), EXPOSED_V6)]
        {
            super::common::attach(host, &container, &format!("--gateway {gateway} {address}"));
        }
        world.exec(&["ip", "route", "add", "10.2.1.0/24", "via", &host.v4().to_string()]).must();
        world.exec(&["ip", "-6", "route", "add", "fd00:2:1::/64", "via", &host.v6().to_string()]).must();
        Self { hosts, container, _lab: lab }
    }

    /// Whom the world sees when the container calls, and whom the container sees when the world calls.
    fn seen(&self) -> [Option<IpAddr>; 4] {
        let world = &self.hosts[1];
        for address in [IpAddr::from(world.v4()), IpAddr::from(world.v6())] {
            self.container.await_ping(address);
        }
        [
            tcp(&self.container, world, world.v4().into()),
            tcp(world, &self.container, ip(CONTAINER_V4)),
            tcp(&self.container, world, world.v6().into()),
            tcp(world, &self.container, ip(CONTAINER_V6)),
        ]
    }

    fn plain(&self) -> [Option<IpAddr>; 4] {
        let world = &self.hosts[1];
        [Some(ip(CONTAINER_V4)), Some(world.v4().into()), Some(ip(CONTAINER_V6)), Some(world.v6().into())]
    }

    fn masked(&self) -> [Option<IpAddr>; 4] {
        let host = &self.hosts[0];
        [Some(host.v4().into()), Some(ip(EXPOSED_V4)), Some(host.v6().into()), Some(ip(EXPOSED_V6))]
    }
}

#[test]
fn an_exposed_network_is_masqueraded_both_ways_for_both_families() {
    let scene = Scene::new("");
    assert_eq!(scene.seen(), scene.masked());
    let host = &scene.hosts[0];
    assert!(changes(host, &format!("expose --without-masquerade {EXPOSED_V4}/24 {EXPOSED_V6}/64")));
    assert_eq!(scene.seen(), scene.plain(), "switched off");
}

#[test]
fn without_masquerade_everybody_is_seen_as_they_are() {
    let scene = Scene::new("--without-masquerade");
    assert_eq!(scene.seen(), scene.plain());
    assert!(changes(&scene.hosts[0], &format!("expose {EXPOSED_V4}/24 {EXPOSED_V6}/64")));
    assert_eq!(scene.seen(), scene.masked(), "switched on");
}

/// A bridge hands its frames to the packet filter, and multicast leaves the exposed network by its address alone.
#[test]
fn multicast_and_broadcast_keep_their_source() {
    let (lab, hosts) = lab(2);
    launch(&hosts);
    for (host, number) in hosts.iter().zip(101..) {
        host.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1").must();
        weave(host, &format!("expose 10.2.1.{number}/24"));
    }
    let sender = attached(&lab, &hosts[0], "sender", "10.2.1.1/24");
    let near = attached(&lab, &hosts[0], "near", "10.2.1.2/24");
    let far = attached(&lab, &hosts[1], "far", "10.2.1.3/24");
    assert!(sender.await_ping(ip("10.2.1.3")));
    for destination in ["239.1.1.1", "10.2.1.255", "255.255.255.255"] {
        let sockets = [&near, &far].map(listener);
        sender.in_netns(|| {
            let socket = UdpSocket::bind(("0.0.0.0", 0)).expect("a socket");
            socket.set_broadcast(true).expect("broadcast");
            // The limited broadcast has no route of its own.
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::BindToDevice, &"ethwe".into())
                .expect("the interface");
            socket.send_to(b"who is there", (ip(destination), 5001)).expect("a route");
        });
        for socket in sockets {
            let (_, from) = socket.recv_from(&mut [0; 64]).unwrap_or_else(|error| panic!("{destination}: {error}"));
            assert_eq!(from.ip(), ip("10.2.1.1"), "{destination}");
        }
    }
}

fn listener(netns: &Netns) -> UdpSocket {
    netns.bind(|| {
        let socket = UdpSocket::bind(("0.0.0.0", 5001))?;
        socket.join_multicast_v4(&[239, 1, 1, 1].into(), &[0, 0, 0, 0].into())?;
        socket.set_read_timeout(Some(SOON))?;
        Ok(socket)
    })
}
