//! Good values, in all the ways in which people, templates and other languages write them.

use weave_core::ops::Operation;
use weave_core::spec::{HostDocument, from_value, from_yaml};

use super::read;

/// What is written in one way and in another.
const SAME: &[(&str, &str)] = &[
    ("connect {peers: 'a b'}", "connect {peers: [a, b]}"),
    ("connect {peers: 'a, b'}", "connect {peers: [a, b]}"),
    ("connect {peers: \"a,b\\n c\"}", "connect {peers: [a, b, c]}"),
    ("connect {peers: ''}", "connect {peers: []}"),
    ("connect {peers: {}}", "connect {peers: []}"),
    ("connect {peers: a, replace: false}", "connect {peers: [a]}"),
    ("connect {peers: '[2001:db8::2]:6783 [2001:db8::3]'}", "connect {peers: ['[2001:db8::2]:6783', '2001:db8::3']}"),
    ("launch {port: 6783.0}", "launch {port: 6783}"),
    ("launch {port: '6783'}", "launch {port: 6783}"),
    ("launch {port: ~}", "launch {}"),
    ("launch {vni: '7'}", "launch {vni: 7}"),
    ("launch {mtu: '1400'}", "launch {mtu: 1400}"),
    ("launch {mtu: 1400.0}", "launch {mtu: 1400}"),
    ("launch {underlay: 192.0.2.9/24}", "launch {underlay: 192.0.2.0/24}"),
    ("launch", "launch {}"),
    (
        "launch {kind: image, image: zettio/weave, args: '--log-level=debug --plugin', docker_options: --memory=1g}",
        "launch {kind: image, image: zettio/weave, args: '--log-level=debug --plugin', docker_options: {memory: 1g}}",
    ),
    ("launch {args: {}}", "launch {args: []}"),
    (
        "launch {kind: image, port: 6783, control_port: '6784', peers: 'host2:6790', pull: missing, discovery: true}",
        "launch {kind: image, port: 6783, control_port: 6784, peers: ['host2:6790'], pull: missing, discovery: true}",
    ),
    (
        "launch {name: weave, nickname: host-1, password_file: /etc/weave/password, peer_name: 02-00-00-00-00-0A}",
        "launch {name: weave, nickname: host-1, password_file: /etc/weave/password, peer_name: '02:00:00:00:00:0a'}",
    ),
    (
        "launch {trusted_subnets: '10.0.0.0/8, fd00::/64', ipalloc_range: 10.32.0.0/12}",
        "launch {trusted_subnets: [10.0.0.0/8, 'fd00::/64'], ipalloc_range: 10.32.0.0/12}",
    ),
    (
        "apply {document: {router: {kind: image, ipalloc_range: 10.32.0.0/30, ipalloc_default_subnet: 10.32.0.0/30}}}",
        "apply {document: {ensure: present, router: {kind: image, ipalloc_range: 10.32.0.0/30,
          ipalloc_default_subnet: 10.32.0.0/30}}}",
    ),
    (
        "launch {name: w2, docker_options: --name w2 --network host}",
        "launch {name: w2, docker_options: '--net=host --name=w2'}",
    ),
    ("attach {container: web, ips: net:default}", "attach {container: web, ips: ['net:default']}"),
    (
        "attach {container: web, ips: 'net:10.2.1.0/24 10.3.0.4/24', gateway: 10.2.1.1, routes: 10.9.0.0/16 via 10.3.0.1}",
        "attach {container: web, ips: [10.3.0.4/24, 'net:10.2.1.0/24'], gateway: 10.2.1.1,
          routes: [10.9.0.0/16 via 10.3.0.1]}",
    ),
    (
        "attach {container: web, ips: 'net:default', gateway: 10.32.0.1, routes: [10.9.0.0/16]}",
        "attach {container: web, ips: ['net:default'], gateway: 10.32.0.1, routes: 10.9.0.0/16}",
    ),
    (
        "apply {document: {containers: {web: {ip: 'net:default'}}}}",
        "apply {document: {containers: {web: {ips: ['net:default']}}}}",
    ),
    ("attach {container: web, ips: 'ip:10.2.1.4/24'}", "attach {container: web, ips: [10.2.1.4/24]}"),
    ("attach {container: /web, ips: 10.2.1.4/24}", "attach {container: web, ips: [10.2.1.4/24]}"),
    (
        "attach {container: 'netns:bare', ips: 10.2.1.4/24}",
        "attach {container: 'netns:/run/netns/bare', ips: [10.2.1.4/24]}",
    ),
    ("detach {container: web, ips: ~}", "detach {container: web}"),
    ("hide {ips: ~}", "hide"),
    (
        "publish {host_port: 8080, to: web, port: ~}",
        "publish {host_port: '8080', to: web, port: 8080.0, protocol: tcp}",
    ),
    ("unpublish {host_port: '53', protocol: udp}", "unpublish {host_port: 53, protocol: udp, host_ip: ~}"),
    (
        "apply {document: {publish: '8080:web:80 192.0.2.1:53:10.2.1.4:53/udp'}}",
        "apply {document: {publish: [{host_port: 8080, to: web, port: 80},
            {host_ip: 192.0.2.1, host_port: 53, to: 10.2.1.4, protocol: udp, masquerade: true}]}}",
    ),
    ("run {name: web, image: x, command: [sleep, 86400]}", "run {name: web, image: x, command: [sleep, '86400']}"),
    (
        "run {name: web, image: x, command: [a, 5.0, -1, 1.5]}",
        "run {name: web, image: x, command: [a, '5', '-1', '1.5']}",
    ),
    ("run {name: web, image: x, command: {}}", "run {name: web, image: x, command: []}"),
    ("run {name: web, image: x, options: [--cpus, 2]}", "run {name: web, image: x, options: [--cpus, '2']}"),
    (
        "apply {document: {hosts: {a: {}}, containers: {web: {host: a, image: x, options: [--cpus, 2]}}}}",
        "apply {document: {hosts: {a: {}}, containers: {web: {host: a, image: x, options: [--cpus, '2']}}}}",
    ),
    (
        "attach {container: web, ips: 10.2.1.4/24, multicast: true, probe: true, interface: ethwe}",
        "attach {container: web, ips: [10.2.1.4/24]}",
    ),
    (
        "attach {container: web, ips: 10.2.1.4/24, mac: 02-00-00-00-00-0A}",
        "attach {container: web, ips: 10.2.1.4/24, mac: '02:00:00:00:00:0a'}",
    ),
    (
        "attach {container: web, ips: 10.2.1.4/24, routes: [{to: 10.9.0.0/16, via: 10.2.1.1}]}",
        "attach {container: web, ips: 10.2.1.4/24, routes: ['10.9.0.0/16 via 10.2.1.1']}",
    ),
    (
        "attach {container: web, ips: 10.2.1.4/24, routes: [{to: 10.9.0.0/16}]}",
        "attach {container: web, ips: 10.2.1.4/24, routes: 10.9.0.0/16}",
    ),
    (
        "attach {container: web, ips: 10.2.1.4/24, routes: '10.9.0.0/16 via 10.2.1.1'}",
        "attach {container: web, ips: 10.2.1.4/24, routes: ['10.9.0.0/16 via 10.2.1.1']}",
    ),
    (
        "attach {container: web, ips: 10.2.1.4/24, routes: '10.9.0.0/16 via 10.2.1.1, 10.8.0.0/16'}",
        "attach {container: web, ips: 10.2.1.4/24, routes: ['10.9.0.0/16 via 10.2.1.1', 10.8.0.0/16]}",
    ),
    (
        "apply {document: {containers: {web: {ip: 10.2.1.4/24}}}}",
        "apply {document: {containers: {web: {ips: [10.2.1.4/24]}}}}",
    ),
    ("apply {document: {expose: 10.0.0.1/16}}", "apply {document: {expose: [{ip: 10.0.0.1/16, masquerade: true}]}}"),
    (
        "apply {document: {containers: {web: {image: 'nginx:1', ip: 10.0.1.16/29, options: -d, state: running}}}}",
        "apply {document: {containers: {web: {image: 'nginx:1', ips: [10.0.1.16/29], options: '-d', state: running}}}}",
    ),
    (
        "apply {document: {containers: {web: {ensure: absent}}, purge_containers: false}}",
        "apply {document: {containers: {web: {ensure: absent, multicast: true}}}}",
    ),
    ("apply {document: {}}", "apply {document: {ensure: present}}"),
    ("apply {document: {ensure: absent, router: {port: 0}}}", "apply {document: {ensure: absent, router: {port: 0}}}"),
];

#[test]
fn what_means_the_same_is_the_same() {
    for (one, other) in SAME {
        let [one, other] = [one, other].map(|text| read(text).unwrap_or_else(|error| panic!("{text}: {error:?}")));
        assert_eq!(one, other);
    }
}

#[test]
fn what_is_read_is_written_and_read_again() {
    for text in SAME.iter().flat_map(|(one, other)| [one, other]) {
        let operation = read(text).unwrap();
        let mut written = serde_json::to_value(&operation).unwrap();
        let name = written.as_object_mut().unwrap().remove("operation").unwrap();
        assert_eq!(name, operation.name());
        assert_eq!(Operation::from_parts(operation.name(), written).unwrap(), operation);
    }
}

#[test]
fn an_empty_document_and_json_are_yaml() {
    assert_eq!(from_yaml::<HostDocument>("").unwrap(), HostDocument::default());
    assert_eq!(from_yaml::<HostDocument>("# nothing\n---\n").unwrap(), HostDocument::default());
    let json = r#"{"router": {"port": 6784}, "peers": ["192.0.2.2"]}"#;
    let yaml = "router:\n  port: 6784\npeers:\n- 192.0.2.2\n";
    assert_eq!(from_yaml::<HostDocument>(json).unwrap(), from_yaml::<HostDocument>(yaml).unwrap());
    let value = serde_json::from_str(json).unwrap();
    assert_eq!(from_value::<HostDocument>(value).unwrap(), from_yaml(yaml).unwrap());
}

#[test]
fn every_operation_is_known_by_its_name() {
    for name in Operation::NAMES {
        let arguments = match *name {
            "attach" => "{container: web, ips: 10.2.1.4/24}",
            "detach" | "announce" => "{container: web}",
            "build" => "{tag: app, context: .}",
            "expose" => "{ips: 10.0.0.1/16}",
            "publish" => "{host_port: 8080, to: web}",
            "unpublish" => "{host_port: 8080}",
            "run" => "{name: web, image: nginx}",
            "remove" => "{name: web}",
            "migrate" => "{name: web, to: 'ssh://b'}",
            "apply" => "{document: {}}",
            _ => "{}",
        };
        assert_eq!(read(&format!("{name} {arguments}")).unwrap().name(), *name);
    }
    assert_eq!(Operation::from_parts("stop", serde_json::Value::Null).unwrap().name(), "stop");
}
