//! Published ports, judged by packets: from outside, from the host itself, from its containers, from those of another
//! host and from the target itself, with an engine whose filter drops what it does not know.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use super::calls::{Speak, over_tcp, over_udp};
use super::common::{NEVER, attach, changes, document, ip, launch, report, text, weave};
use crate::lab::{
    Container, DockerOptions, Host, HostOptions, Lab, Netns, PATIENCE, Snapshot, assert_same, send_vxlan, wait_until,
};

const WEB_V4: &str = "10.2.1.1";
const WEB_V6: &str = "fd00:2:1::1";
const FAR_V4: &str = "10.2.1.3";
const FAR_V6: &str = "fd00:2:1::3";
const HOST_V4: &str = "10.2.1.101";
const HOST_V6: &str = "fd00:2:1::101";

/// Two hosts with weave, the first with an engine, and one that knows nothing of either.
struct Scene {
    hosts: Vec<Host>,
    web: Container,
    near: Container,
    far: Netns,
    // Dropped last: it takes the hosts with it.
    lab: Lab,
}

impl Scene {
    fn new() -> Self {
        let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
        let hosts: Vec<Host> = (0..3).map(|_| lab.add_host(HostOptions::default())).collect();
        let [one, two, _] = &hosts[..] else { panic!("three hosts") };
        one.start_docker(&DockerOptions::default());
        one.sh("sysctl -qw net.ipv6.conf.all.forwarding=1; ip6tables-nft -P FORWARD DROP").must();
        two.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1").must();
        let (web, near) = (one.run_container("web", &[]), one.run_container("near", &[]));
        let far = lab.target("far");
        Self { hosts, web, near, far, lab }
    }

    /// The network, with everybody in it.
    fn join(&self) {
        launch(&self.hosts[..2]);
        weave(&self.hosts[0], &format!("expose {HOST_V4}/24 {HOST_V6}/64"));
        weave(&self.hosts[1], "expose 10.2.1.102/24 fd00:2:1::102/64");
        // Containers have no way over IPv6 but the network's; over IPv4 they have the engine's.
        for (name, gateway, ips) in [("web", HOST_V6, [WEB_V4, WEB_V6]), ("near", HOST_V6, ["10.2.1.2", "fd00:2:1::2"])]
        {
            weave(&self.hosts[0], &format!("attach --no-probe --gateway {gateway} {}/24 {}/64 {name}", ips[0], ips[1]));
        }
        attach(&self.hosts[1], &self.far, &format!("--gateway 10.2.1.102 {FAR_V4}/24"));
        attach(&self.hosts[1], &self.far, &format!("--gateway fd00:2:1::102 {FAR_V6}/64"));
        for (from, to) in
            [(&self.far, HOST_V4), (&self.far, HOST_V6), (&self.web.netns(), FAR_V4), (&self.web.netns(), FAR_V6)]
        {
            assert!(from.await_ping(ip(to)), "{to}");
        }
    }

    fn one(&self) -> &Host {
        &self.hosts[0]
    }

    fn outside(&self) -> &Netns {
        &self.hosts[2]
    }

    /// From where, and at which addresses of the first host: all that there is of one family.
    fn vantages(&self, v4: bool) -> Vec<(&'static str, Netns, Vec<IpAddr>)> {
        let one = self.one();
        let (underlay, exposed): (IpAddr, IpAddr) =
            if v4 { (one.v4().into(), ip(HOST_V4)) } else { (one.v6().into(), ip(HOST_V6)) };
        let local = [underlay, exposed, ip("127.0.0.1")];
        vec![
            ("outside", self.outside().clone(), vec![underlay]),
            ("the host itself", one.netns().clone(), local[..if v4 { 3 } else { 2 }].to_vec()),
            ("a container here", self.near.netns(), vec![underlay, exposed]),
            ("a container there", self.far.clone(), vec![underlay, exposed]),
            ("the web server", self.web.netns(), vec![underlay, exposed]),
        ]
    }

    /// Whom `target` saw, for each way to the port, or what failed.
    fn seen(&self, target: (&Netns, SocketAddr), port: u16, speak: Speak) -> Vec<(String, Result<IpAddr, String>)> {
        let ways = self.vantages(target.1.is_ipv4()).into_iter();
        let dial = |(name, from, addresses): (&str, Netns, Vec<IpAddr>)| {
            let one = |ip: IpAddr| (format!("{name} at {ip}"), speak(&from, target, (ip, port).into()));
            addresses.into_iter().map(one).collect::<Vec<_>>()
        };
        ways.flat_map(dial).collect()
    }
}

fn at(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(super::common::ip(ip), port)
}

#[track_caller]
fn all_see(host: &Host, seen: &[(String, Result<IpAddr, String>)], who: &str) {
    for (way, found) in seen {
        assert!(*found == Ok(ip(who)), "{way}: {found:?}\n{}", circumstances(host));
    }
}

/// What may tell why something did not come through.
fn circumstances(host: &Host) -> String {
    host.sh("ip neighbour; bridge link; conntrack -L 2>&1; cat /proc/net/softnet_stat").stdout
}

fn route_localnet(host: &Host) -> String {
    host.exec(&["cat", "/proc/sys/net/ipv4/conf/weave/route_localnet"]).must().trim().to_owned()
}

/// One story, because an engine takes long to start.
#[test]
fn a_published_port_is_reached_from_everywhere_and_by_nobody_after() {
    let scene = Scene::new();
    let (one, web) = (scene.one(), scene.web.netns());
    let bare = Snapshot::of(one);
    scene.join();
    let joined = Snapshot::of(one);
    // The filter of the engine drops, or this proves nothing.
    scene.outside().sh(&format!("ip route add 10.2.1.0/24 via {}", one.v4())).must();
    scene.outside().sh(&format!("ip -6 route add fd00:2:1::/64 via {}", one.v6())).must();
    let straight = || [scene.outside().ping(ip(WEB_V4)), scene.outside().ping(ip(WEB_V6))];
    assert_eq!(straight(), [false; 2]);

    for line in ["publish 8080:80 web", "publish --udp 5353:53 web"] {
        assert!(changes(one, line), "{line}");
        assert!(!changes(one, line), "{line}: a second time changes nothing");
    }
    for (who, port, inside, speak) in [
        (WEB_V4, 8080, 80, over_tcp as Speak),
        (WEB_V6, 8080, 80, over_tcp),
        (WEB_V4, 5353, 53, over_udp),
        (WEB_V6, 5353, 53, over_udp),
    ] {
        let seen = scene.seen((&web, at(who, inside)), port, speak);
        all_see(one, &seen, if ip(who).is_ipv4() { HOST_V4 } else { HOST_V6 });
    }
    assert_eq!((straight(), route_localnet(one)), ([false; 2], "1".to_owned()), "nothing else passes");

    // A container of another host.
    weave(one, &format!("publish 8081 {FAR_V4}"));
    weave(one, &format!("publish --udp 8081 {FAR_V6}"));
    for (inside, exposed, speak) in [(FAR_V4, HOST_V4, over_tcp as Speak), (FAR_V6, HOST_V6, over_udp)] {
        let seen = scene.seen((&scene.far, at(inside, 8081)), 8081, speak);
        // What came through the tunnel would have to go back through it: see the manual.
        let back = |way: &str| way == format!("a container there at {exposed}");
        all_see(one, &seen.into_iter().filter(|(way, _)| !back(way)).collect::<Vec<_>>(), exposed);
    }

    // What the engine publishes by itself goes on as it does.
    let busy = one.run_container("busy", &["-p", "8090:90"]);
    let inside = busy.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
    let busy_net = busy.netns();
    for from in [scene.outside(), one.netns(), &scene.near.netns()] {
        let reaches = || over_tcp(from, (&busy_net, at("0.0.0.0", 90)), (one.v4(), 8090).into()).is_ok();
        // The engine does not wait for the kernel to let its bridge forward to a new container.
        assert!(wait_until(PATIENCE, reaches), "{inside} from {}\n{}", from.name(), circumstances(one));
    }
    busy.remove();

    for line in ["unpublish 8080", "unpublish --udp 5353", "unpublish 8081", "unpublish --udp 8081"] {
        assert!(changes(one, line), "{line}");
        assert!(!changes(one, line), "{line}: a second time changes nothing");
    }
    for who in [WEB_V4, WEB_V6] {
        for (way, found) in scene.seen((&web, at(who, 80)), 8080, over_tcp) {
            assert!(found.is_err(), "{way}: {found:?}");
        }
    }
    assert_same(&joined, &Snapshot::of(one));
    weave(one, "publish 8080:80 web");
    weave(one, "reset");
    assert_same(&bare, &Snapshot::of(one));
    drop(scene.lab);
}

/// Clients keep their addresses where that was asked for, except those to whom the answer would go past the host.
#[test]
fn without_masquerade_clients_are_seen_as_they_are() {
    let (lab, hosts) = super::common::lab(3);
    let [one, two, outside] = &hosts[..] else { panic!("three hosts") };
    one.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1").must();
    launch(&hosts[..2]);
    weave(one, &format!("expose {HOST_V4}/24 {HOST_V6}/64"));
    let web = lab.target("web");
    attach(one, &web, &format!("--gateway {HOST_V4} {WEB_V4}/24"));
    attach(one, &web, &format!("--gateway {HOST_V6} {WEB_V6}/64"));
    let far = super::common::attached(&lab, two, "far", &format!("{FAR_V4}/24 {FAR_V6}/64"));
    assert!(far.await_ping(ip(WEB_V4)) && far.await_ping(ip(WEB_V6)));
    weave(one, &format!("publish --without-masquerade 8080:80 {}", super::common::reference(&web)));
    for (inside, at_host, exposed, client) in [
        (WEB_V4, IpAddr::from(one.v4()), HOST_V4, IpAddr::from(outside.v4())),
        (WEB_V6, one.v6().into(), HOST_V6, outside.v6().into()),
    ] {
        let target = (&web, at(inside, 80));
        let seen = |from: &Netns, to: IpAddr| over_tcp(from, target, (to, 8080).into());
        assert_eq!(seen(outside, at_host), Ok(client), "outside");
        assert_eq!(seen(&far, ip(exposed)), Ok(ip(exposed)), "a neighbour, who would get the answer directly");
        assert_eq!(seen(&web, ip(exposed)), Ok(ip(exposed)), "itself");
        assert_eq!(seen(one, at_host), Ok(ip(exposed)), "the host");
        if inside == WEB_V4 {
            assert_eq!(seen(one, ip("127.0.0.1")), Ok(ip(exposed)), "the host's loopback");
        }
    }
}

/// With `route_localnet` a neighbour could reach what listens on the host's loopback (CVE-2020-8558).
#[test]
fn the_hosts_loopback_stays_its_own() {
    let (_lab, hosts) = super::common::lab(2);
    let [one, two] = &hosts[..] else { panic!("two hosts") };
    one.sh("sysctl -qw net.ipv4.ip_forward=1").must();
    launch(&hosts);
    weave(one, &format!("expose {HOST_V4}/24"));
    weave(one, &format!("publish 8080:80 {WEB_V4}"));
    assert_eq!(route_localnet(one), "1");
    let private = one.bind(|| UdpSocket::bind("127.0.0.1:9999"));
    private.set_read_timeout(Some(NEVER)).expect("a limit");
    let mac = super::common::link(one, "weave").expect("a bridge")["address"].as_str().expect("an address").to_owned();
    let reaches = |from: [u8; 4], tries: usize| {
        let frame = datagram(&mac, from, [127, 0, 0, 1], 9999);
        (0..tries).any(|_| {
            send_vxlan(two, (one.v4(), super::common::PORT).into(), super::common::PORT.into(), &frame);
            private.recv(&mut [0; 64]).is_ok()
        })
    };
    assert!(!reaches([10, 2, 1, 66], 3), "a neighbour");
    assert!(!reaches([127, 0, 0, 1], 3), "a neighbour that says it is the host");
    one.sh("nft flush chain inet weave localnet").must();
    assert!(reaches([10, 2, 1, 66], 100), "without the guard it is reached, or this proves nothing");
    weave(one, &format!("publish 8080:80 {WEB_V4}"));
    assert!(!reaches([10, 2, 1, 66], 3), "the guard is put back, and what is published with it");
    weave(one, "unpublish 8080");
    assert_eq!(route_localnet(one), "0");
}

/// A frame with a datagram, as a neighbour on the network could send it.
fn datagram(mac: &str, from: [u8; 4], to: [u8; 4], port: u16) -> Vec<u8> {
    let mac: Vec<u8> = mac.split(':').map(|byte| u8::from_str_radix(byte, 16).expect("hex")).collect();
    let payload = b"a stranger";
    let udp_length = u16::try_from(8 + payload.len()).expect("short");
    let udp = [&4711u16.to_be_bytes()[..], &port.to_be_bytes(), &udp_length.to_be_bytes(), &[0, 0], payload].concat();
    let length = (20 + udp_length).to_be_bytes();
    let mut header = [0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, 17, 0, 0].to_vec();
    header.extend([from, to].concat());
    let sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).expect("no second carry");
    header[10..12].copy_from_slice(&(!folded).to_be_bytes());
    let to: [u8; 6] = mac.try_into().expect("six bytes");
    crate::lab::ethernet(to, [0x0a, 0x57, 10, 2, 1, 66], 0x0800, &[header, udp].concat())
}

/// A document says all of it, and its containers' own addresses: nobody is asked for them.
#[test]
fn a_document_publishes_to_its_own_containers_without_the_engine() {
    let (lab, hosts) = super::common::lab(2);
    let (one, outside) = (&hosts[0], &hosts[1]);
    one.sh("sysctl -qw net.ipv4.ip_forward=1").must();
    let web = lab.target("web");
    let with = |publish: &str| {
        let name = super::common::reference(&web);
        format!(
            "router: {{}}\nexpose: [{HOST_V4}/24]\npublish: {publish}\ncontainers:\n  {name}: {{ip: {WEB_V4}/24}}\n"
        )
    };
    let list = format!("['8080:{}:80', {{host_port: 8081, to: {WEB_V4}, port: 80}}]", super::common::reference(&web));
    assert!(super::common::apply(one, &with(&list)));
    assert!(!super::common::apply(one, &with(&list)));
    let call = |port: u16| over_tcp(outside, (&web, at(WEB_V4, 80)), (one.v4(), port).into());
    assert_eq!((call(8080), call(8081)), (Ok(ip(HOST_V4)), Ok(ip(HOST_V4))));
    let state = report(one, "status")["state"]["publish"].clone();
    assert_eq!(
        state,
        serde_json::json!([{"host_port": 8080, "to": WEB_V4, "port": 80}, {"host_port": 8081, "to": WEB_V4, "port": 80}])
    );
    assert!(super::common::apply(one, &with("[]")));
    assert!(call(8080).is_err());
    assert_eq!(route_localnet(one), "0");
    // A program that listens is not deaf all of a sudden: the port is left to it, and everything else is done.
    let program = one.bind(|| TcpListener::bind("0.0.0.0:8080"));
    let path = document(one, &with(&list));
    let told = report(one, &format!("apply {path}"));
    assert_eq!(told["changed"], true, "{told:#}");
    assert!(told["warnings"].to_string().contains("port 8080/tcp of the host is in use"), "{told:#}");
    assert_eq!(call(8081), Ok(ip(HOST_V4)));
    let error = super::common::error(one, &format!("publish 8080:80 {WEB_V4}"));
    assert_eq!((text(&error, "kind"), text(&error, "subject")), ("conflict", "host_port"), "{error:#}");
    drop(program);
    // Somebody may hold it for a moment longer: see `Netns::bind`.
    let is_published = || {
        super::common::apply(one, &with(&list));
        report(one, "status")["state"]["publish"].to_string().contains("8080")
    };
    assert!(wait_until(PATIENCE, is_published));
    assert_eq!(call(8080), Ok(ip(HOST_V4)));
}
