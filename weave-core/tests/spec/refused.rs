//! Bad values: the kind, the exact field, the value, and what would be allowed.

use weave_core::ErrorKind;
use weave_core::spec::{HostDocument, from_yaml};

use super::{read, refusal};

/// What is written, the field that is named, and what of the value the text repeats.
const VALUES: &[(&str, &str, &str)] = &[
    ("launch {kind: sleeve}", "kind", "sleeve"),
    ("launch {port: 0}", "port", "0"),
    ("launch {port: 65536}", "port", "65536"),
    ("launch {port: -1}", "port", "-1"),
    ("launch {port: 6783.5}", "port", "6783.5"),
    ("launch {port: http}", "port", "http"),
    ("launch {port: [6783]}", "port", "6783"),
    ("launch {vni: 0}", "vni", "0"),
    ("launch {vni: 16777216}", "vni", "16777216"),
    ("launch {vni: x}", "vni", "x"),
    ("launch {mtu: 67}", "mtu", "67"),
    ("launch {mtu: 65536}", "mtu", "65536"),
    ("launch {mtu: big}", "mtu", "big"),
    ("launch {mtu: -1}", "mtu", "-1"),
    ("launch {mtu: true}", "mtu", "true"),
    ("launch {underlay: 192.0.2.0/33}", "underlay", "192.0.2.0/33"),
    ("launch {underlay: 0.0.0.0}", "underlay", "0.0.0.0"),
    ("launch {underlay: a-name-that-is-too-long}", "underlay", "a-name-that-is-too-long"),
    ("launch {underlay: 5}", "underlay", "5"),
    ("launch {bridge: weave/0}", "bridge", "weave/0"),
    ("launch {bridge: vxlan-7}", "bridge", "vxlan-7"),
    ("launch {bridge: lo}", "bridge", "lo"),
    ("launch {bridge: 7}", "bridge", "7"),
    ("launch {kind: vxlan, image: 'weaveworks/weave:2.8.1'}", "image", "`image` is for kind image; allowed: with"),
    ("launch {kind: vxlan, pull: never, discovery: false}", "discovery", "`discovery` is for kind image"),
    ("launch {kind: image, vni: 7}", "vni", "`vni` is for kind vxlan"),
    ("launch {image: '-v'}", "image", "`-v` is no image"),
    ("launch {image: 5}", "image", "5"),
    ("launch {name: a b}", "name", "`a b` is no name of a container"),
    ("launch {name: /weave}", "name", "/weave"),
    ("launch {name: 'pid:7'}", "name", "pid:7"),
    ("launch {args: --no-fastdp}", "args", "`--no-fastdp` is what weave gives the router"),
    (
        "launch {args: '--log-level debug -mtu=1400'}",
        "args",
        "`--mtu` is what weave gives the router; allowed: the setting",
    ),
    ("launch {args: [--plugin, 192.0.2.2]}", "args[1]", "`192.0.2.2` would be a peer of the router"),
    ("launch {args: [--name, a]}", "args[0]", "the setting `peer_name`"),
    ("launch {args: \"--log-level 'debug\"}", "args", "has a quote or backslash without its end"),
    ("launch {args: {a: b}}", "args", "is no command; allowed: a line, or a list of words"),
    ("launch {docker_options: --memry=1g}", "docker_options", "--memry"),
    ("launch {docker_options: --name db}", "docker_options", "`--name db` is not `weave`"),
    ("launch {name: w2, docker_options: {name: weave}}", "docker_options", "`--name weave` is not `w2`"),
    ("launch {pull: never, docker_options: --pull always}", "docker_options", "`--pull always` contradicts"),
    ("launch {docker_options: --network bridge}", "docker_options", "`--network bridge` is not the host's"),
    ("launch {docker_options: -e WEAVE_PASSWORD=x}", "docker_options", "WEAVE_PASSWORD"),
    ("launch {docker_options: 5}", "docker_options", "5"),
    ("launch {password_file: password}", "password_file", "`password` is no absolute path of a file"),
    ("launch {password_file: /etc/weave/}", "password_file", "/etc/weave/"),
    ("launch {password_file: [a]}", "password_file", "sequence"),
    ("launch {nickname: my host}", "nickname", "`my host` is no nickname"),
    ("launch {nickname: ''}", "nickname", "``"),
    ("launch {peer_name: host1}", "peer_name", "host1"),
    ("launch {peer_name: '01:00:00:00:00:01'}", "peer_name", "multicast"),
    ("launch {trusted_subnets: 10.0.0.0}", "trusted_subnets", "`10.0.0.0` has no prefix length"),
    ("launch {trusted_subnets: [10.0.0.0/8, 10.0.0.1/8]}", "trusted_subnets[1]", "`10.0.0.1/8` has bits set"),
    ("launch {ipalloc_range: 10.32.0.0/31}", "ipalloc_range", "`10.32.0.0/31` has no two addresses"),
    ("launch {ipalloc_range: 0.0.0.0/0}", "ipalloc_range", "`0.0.0.0/0` takes in the whole address space"),
    ("launch {ipalloc_range: 'fd00::/64'}", "ipalloc_range", "`fd00::/64` is no IPv4 network"),
    ("launch {ipalloc_range: 10.32.0.1/12}", "ipalloc_range", "`10.32.0.1/12` has bits set"),
    ("launch {ipalloc_default_subnet: 10.32.0.0/31}", "ipalloc_default_subnet", "10.32.0.0/31"),
    (
        "launch {ipalloc_range: 10.32.0.0/12, ipalloc_default_subnet: 10.2.0.0/16}",
        "ipalloc_default_subnet",
        "10.2.0.0/16 is not in the `ipalloc_range` 10.32.0.0/12",
    ),
    (
        "launch {ipalloc_range: 10.32.0.0/12, ipalloc_default_subnet: 10.32.0.0/11}",
        "ipalloc_default_subnet",
        "10.32.0.0/11",
    ),
    ("launch {discovery: sometimes}", "discovery", "sometimes"),
    ("launch {control_port: 0}", "control_port", "0"),
    ("launch {control_port: 65536}", "control_port", "65536"),
    ("launch {port: 7000, control_port: 7000}", "control_port", "7000 is the router's own `port` too"),
    ("launch {kind: image, port: 6784}", "control_port", "6784"),
    ("launch {kind: image, control_port: 6783}", "control_port", "6783"),
    ("launch {pull: often}", "pull", "often"),
    ("apply {document: {router: {kind: vxlan, args: --plugin}}}", "document.router.args", "`args` is for kind image"),
    ("apply {document: {router: {args: [a]}}}", "document.router.args[0]", "`a` would be a peer"),
    ("attach {container: web, ips: ['net:']}", "ips[0]", "`net:` has no prefix length"),
    ("attach {container: web, ips: [10.2.1.4/24, 'net:10.2.1.4/24']}", "ips[1]", "`net:10.2.1.4/24` has bits set"),
    ("attach {container: web, ips: 'net:10.2.1.0/31'}", "ips", "has no two addresses"),
    ("attach {container: web, ips: 'net:fd00::/64'}", "ips", "is no IPv4 network"),
    (
        "attach {container: web, ips: 'net:default 10.2.1.4/24 net:default'}",
        "ips[2]",
        "`net:default` is asked for twice",
    ),
    ("attach {container: web, ips: 'net:10.2.1.0/24', gateway: 10.3.0.1}", "gateway", "10.3.0.1"),
    ("attach {container: web, ips: 'net:default', gateway: 'fd00::1'}", "gateway", "fd00::1"),
    ("attach {container: web, ips: 'net:default', routes: ['fd00::/64']}", "routes[0]", "fd00::/64"),
    ("announce {ips: []}", "ips", "leave it out"),
    ("announce {ips: [10.2.1.4]}", "ips[0]", "10.2.1.4"),
    ("detach {container: web, ips: ['net:default']}", "ips[0]", "net:default"),
    ("expose {ips: 'net:default'}", "ips", "net:default"),
    ("launch {firewall: {manage: maybe}}", "firewall.manage", "maybe"),
    ("launch {peers: '192.0.2.2 192.0.2.256'}", "peers[1]", "192.0.2.256"),
    ("launch {peers: [192.0.2.2, 192.0.2.256]}", "peers[1]", "192.0.2.256"),
    ("launch {peers: [192.0.2.2, 5]}", "peers[1]", "5"),
    ("attach {container: web, ips: '10.2.1.4/24, x'}", "ips[1]", "x"),
    ("apply {document: {peers: 'a b!'}}", "document.peers[1]", "b!"),
    ("launch {peers: {a: b}}", "peers", "a"),
    ("launch {peers: true}", "peers", "true"),
    ("connect {peers: ['192.0.2.2:0']}", "peers[0]", "192.0.2.2:0"),
    ("connect {peers: ['host:99999']}", "peers[0]", "host:99999"),
    ("connect {peers: [-host]}", "peers[0]", "-host"),
    ("connect {peers: [224.0.0.1]}", "peers[0]", "224.0.0.1"),
    ("connect {peers: ['fe80::1']}", "peers[0]", "fe80::1"),
    ("connect {peers: ['[::zz]']}", "peers[0]", "[::zz]"),
    ("connect {peers: [a], replace: 3}", "replace", "3"),
    ("forget {peers: 10.2.1}", "peers", "10.2.1"),
    ("attach {container: '-web', ips: 10.2.1.4/24}", "container", "-web"),
    ("attach {container: 'netns:', ips: 10.2.1.4/24}", "container", "netns:"),
    ("attach {container: 'pid:0', ips: 10.2.1.4/24}", "container", "pid:0"),
    ("attach {container: 5, ips: 10.2.1.4/24}", "container", "5"),
    ("attach {container: web, ips: []}", "ips", ""),
    ("attach {container: web, ips: [10.2.1.4]}", "ips[0]", "10.2.1.4"),
    ("attach {container: web, ips: [10.2.1.4/24, 10.2.1.256/24]}", "ips[1]", "10.2.1.256/24"),
    ("attach {container: web, ips: [10.2.1.4/24, 10.2.1.4/16]}", "ips[1]", "10.2.1.4/16"),
    ("attach {container: web, ips: [10.2.1.255/24]}", "ips[0]", "10.2.1.255/24"),
    ("attach {container: web, ips: [127.0.0.1/8]}", "ips[0]", "127.0.0.1/8"),
    ("attach {container: web, ips: [10.2.1.4/0]}", "ips[0]", "10.2.1.4/0"),
    ("attach {container: web, ips: 7}", "ips", "7"),
    ("attach {container: web, ips: 10.2.1.4/24, interface: lo}", "interface", "lo"),
    ("attach {container: web, ips: 10.2.1.4/24, interface: 'a b'}", "interface", "a b"),
    ("attach {container: web, ips: 10.2.1.4/24, mtu: 50}", "mtu", "50"),
    ("attach {container: web, ips: 'fd00::4/64', mtu: 1279}", "mtu", "1279"),
    ("attach {container: web, ips: 10.2.1.4/24, mac: '01:00:00:00:00:01'}", "mac", "01:00:00:00:00:01"),
    ("attach {container: web, ips: 10.2.1.4/24, mac: '02:00'}", "mac", "02:00"),
    ("attach {container: web, ips: 10.2.1.4/24, mac: '02:00:00:00:00:+1'}", "mac", "02:00:00:00:00:+1"),
    ("attach {container: web, ips: 10.2.1.4/24, gateway: 10.3.0.1}", "gateway", "10.3.0.1"),
    ("attach {container: web, ips: 10.2.1.4/24, gateway: 10.2.1.4}", "gateway", "10.2.1.4"),
    ("attach {container: web, ips: 10.2.1.4/24, gateway: nobody}", "gateway", "nobody"),
    ("attach {container: web, ips: 10.2.1.4/24, routes: [10.9.0.1/16]}", "routes[0]", "10.9.0.1/16"),
    ("attach {container: web, ips: 10.2.1.4/24, routes: [0.0.0.0/0 via 10.2.1.1]}", "routes[0]", "0.0.0.0/0"),
    ("attach {container: web, ips: 10.2.1.4/24, routes: [10.9.0.0/16 via 10.3.0.1]}", "routes[0]", "10.3.0.1"),
    ("attach {container: web, ips: 10.2.1.4/24, routes: ['fd00::/64']}", "routes[0]", "fd00::/64"),
    ("attach {container: web, ips: 10.2.1.4/24, routes: [10.9.0.0/16 through x]}", "routes[0]", "through x"),
    ("attach {container: web, ips: 10.2.1.4/24, routes: [{to: 10.9.0.0/16, via: 'fd00::1'}]}", "routes[0]", "fd00::1"),
    (
        "attach {container: web, ips: 10.2.1.4/24, routes: [10.8.0.0/16, 10.8.0.0/16 via 10.2.1.1]}",
        "routes[1]",
        "10.8.0.0/16",
    ),
    ("attach {container: web, ips: 10.2.1.4/24, routes: [10.2.1.0/24]}", "routes[0]", "10.2.1.0/24"),
    ("attach {container: web, ips: 10.2.1.4/24, routes: [224.0.0.0/4]}", "routes[0]", "224.0.0.0/4"),
    ("attach {container: web, ips: 10.2.1.4/24, multicast: 2}", "multicast", "2"),
    ("attach {container: web, ips: 10.2.1.4/24, probe: later}", "probe", "later"),
    ("detach {container: web, ips: [x]}", "ips[0]", "x"),
    ("detach {container: web, ips: []}", "ips", "leave it out"),
    ("detach {container: web, ips: ''}", "ips", "leave it out"),
    ("detach {container: web, ips: {}}", "ips", "leave it out"),
    ("detach {container: web, interface: 'a/b'}", "interface", "a/b"),
    ("expose {ips: []}", "ips", ""),
    ("expose {ips: 10.0.0.1}", "ips", "10.0.0.1"),
    ("expose {ips: [10.0.0.1/16, 10.0.0.1/8]}", "ips[1]", "10.0.0.1/8"),
    ("expose {ips: 10.0.0.1/16, masquerade: 5}", "masquerade", "5"),
    ("hide {ips: [10.0.0.1/33]}", "ips[0]", "10.0.0.1/33"),
    ("hide {ips: []}", "ips", "leave it out"),
    ("apply {document: {router: 5}}", "document.router", "a map of fields"),
    ("apply {document: [1]}", "document", "no map"),
    ("apply {document: {hosts: [1]}}", "document.hosts", "no map"),
    ("apply {file: ''}", "file", "is empty"),
    ("apply {file: /}", "file", "/: is a directory"),
    ("run {name: web, image: x, command: [echo, true]}", "command[1]", "`true` is no word"),
    ("run {name: web, image: x, command: [echo, ~]}", "command[1]", "'null'"),
    ("run {name: web, image: x, command: [[a]]}", "command[0]", "sequence"),
    ("run {name: web, image: x, command: true}", "command", "true"),
    ("run {name: web, image: x, options: [--init, false]}", "options[1]", "'false'"),
    ("run {name: web, image: x, options: [~]}", "options[0]", "'null'"),
    (
        "apply {document: {containers: {web: {image: x, command: [echo, a, false]}}}}",
        "document.containers.web.command[2]",
        "'false'",
    ),
    (
        "apply {document: {hosts: {a: {}}, containers: {web: {host: a, image: x, options: [-t, true]}}}}",
        "document.containers.web.options[1]",
        "'true'",
    ),
    ("ps {containers: 5}", "containers", "5"),
    ("apply {document: {ensure: gone}}", "document.ensure", "gone"),
    ("apply {document: {router: {port: 0}}}", "document.router.port", "0"),
    ("apply {document: {router: {vni: 77777777}}}", "document.router.vni", "77777777"),
    ("apply {document: {router: {mtu: 10}}}", "document.router.mtu", "10"),
    ("apply {document: {peers: [a b]}}", "document.peers[0]", "a b"),
    ("apply {document: {expose: [10.0.0.1]}}", "document.expose[0]", "10.0.0.1"),
    ("apply {document: {expose: [{ip: 10.0.0.1}]}}", "document.expose[0].ip", "10.0.0.1"),
    ("apply {document: {expose: [10.0.0.1/16, 10.0.0.1/8]}}", "document.expose[1]", "10.0.0.1/8"),
    ("apply {document: {firewall: true}}", "document.firewall", "true"),
    ("apply {document: {containers: [web]}}", "document.containers", "no map"),
    ("apply {document: {containers: {'a b': {ips: []}}}}", "document.containers.a b", "a b"),
    ("apply {document: {containers: {web: {ips: [1.2.3]}}}}", "document.containers.web.ips[0]", "1.2.3"),
    (
        "apply {document: {containers: {web: {ips: 10.2.1.4/24, gateway: 1.1.1.1}}}}",
        "document.containers.web.gateway",
        "1.1.1.1",
    ),
    (
        "apply {document: {containers: {a: {ip: 10.2.1.4/24}, b: {ip: 10.2.1.4/16}}}}",
        "document.containers.b.ip",
        "10.2.1.4/16",
    ),
    ("apply {document: {containers: {web: {mtu: 1400}}}}", "document.containers.web", ""),
    ("apply {document: {containers: {web: {image: x, mtu: 1400}}}}", "document.containers.web.mtu", ""),
    ("apply {document: {containers: {web: {image: '-v'}}}}", "document.containers.web.image", "-v"),
    ("apply {document: {containers: {web: {image: x, options: --name db}}}}", "document.containers.web.options", "db"),
    ("apply {document: {containers: {web: {image: 5}}}}", "document.containers.web.image", "5"),
    ("apply {document: {containers: {web: {ips: [], options: -d}}}}", "document.containers.web.options", ""),
    ("apply {document: {containers: {web: {ips: [], pull: never}}}}", "document.containers.web.pull", ""),
    (
        "apply {document: {containers: {web: {image: x, ensure: latest, pull: never}}}}",
        "document.containers.web.pull",
        "never",
    ),
    (
        "apply {document: {containers: {web: {image: x, ensure: latest, options: --pull missing}}}}",
        "document.containers.web.pull",
        "missing",
    ),
    ("apply {document: {containers: {web: {ips: [], ensure: latest}}}}", "document.containers.web.ensure", ""),
    ("apply {document: {containers: {web: {image: x, ensure: newest}}}}", "document.containers.web.ensure", "newest"),
    ("apply {document: {containers: {web: {image: x, options: 5}}}}", "document.containers.web.options", "5"),
    ("apply {document: {containers: {web: {image: x, command: {run: a}}}}}", "document.containers.web.command", ""),
    ("apply {document: {containers: {'pid:7': {image: x}}}}", "document.containers.pid:7.image", "pid:7"),
    ("apply {document: {containers: {'pid:7': {ensure: absent}}}}", "document.containers.pid:7.ensure", "pid:7"),
    ("publish {host_port: 65536, to: web}", "host_port", "65536"),
    ("publish {host_port: 80, to: web, port: x}", "port", "x"),
    ("publish {host_port: 80, to: a b}", "to", "a b"),
    ("publish {host_port: 80, to: web, protocol: icmp}", "protocol", "icmp"),
    ("publish {host_port: 80, to: web, host_ip: here}", "host_ip", "here"),
    ("apply {document: {publish: ['80:web']}}", "document.publish[0]", "80:web"),
    ("apply {document: {publish: ['80:web:80', '80:db:80']}}", "document.publish[1]", "80/tcp"),
    ("apply {document: {publish: ['0.0.0.0:80:web:80']}}", "document.publish[0].host_ip", "0.0.0.0"),
    ("apply {document: {publish: ['80:web:80'], firewall: {manage: false}}}", "document.publish", "manage"),
    (
        "apply {document: {publish: ['80:web:80'], containers: {db: {image: x, options: -p 80:90}}}}",
        "document.containers.db.options",
        "publish[0]",
    ),
    ("apply {document: {purge_containers: later}}", "document.purge_containers", "later"),
    (
        "apply {document: {containers: {web: {ip: 10.2.1.4/24}, /web: {ip: 10.2.1.5/24}}}}",
        "document.containers./web",
        "/web",
    ),
];

#[test]
fn every_bad_value_is_named_with_its_field_and_what_is_allowed() {
    let mut wrong = Vec::new();
    for (text, subject, value) in VALUES {
        let Err(error) = read(text) else {
            wrong.push(format!("{text}\n    was read"));
            continue;
        };
        let message = error.message();
        let right = error.kind() == ErrorKind::InvalidSpec
            && error.subject() == *subject
            && message.contains(value)
            && message.contains("allowed");
        if !right {
            wrong.push(format!("{text}\n    {}: {message}", error.subject()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is written, the field that is named, the value, and the nearest right name.
const NAMES: &[(&str, &str, &str, Option<&str>)] = &[
    ("lanch", "operation", "lanch", Some("launch")),
    ("attatch", "operation", "attatch", Some("attach")),
    ("zzzzzzzz", "operation", "zzzzzzzz", None),
    ("launch {prot: 1}", "prot", "prot", Some("port")),
    ("launch {peer: a}", "peer", "peer", Some("peers")),
    ("launch {firewall: {mange: true}}", "firewall.mange", "mange", Some("manage")),
    ("launch {kind: vxlam}", "kind", "vxlam", Some("vxlan")),
    ("launch {kind: imago}", "kind", "imago", Some("image")),
    ("launch {password: s3cret}", "password", "password", Some("password_file")),
    ("launch {nick_name: a}", "nick_name", "nick_name", Some("nickname")),
    ("launch {pull: allways}", "pull", "allways", Some("always")),
    ("apply {document: {router: {imag: a}}}", "document.router.imag", "imag", Some("image")),
    ("schema {document: hots}", "document", "hots", Some("host")),
    ("run {name: web, image: x, state: runing}", "state", "runing", Some("running")),
    ("stop {now: true}", "now", "now", None),
    ("connect {peer: a}", "peer", "peer", Some("peers")),
    ("attach {container: web, ipz: 10.2.1.4/24}", "ipz", "ipz", Some("ips")),
    ("attach {container: web, ips: 10.2.1.4/24, getaway: 10.2.1.1}", "getaway", "getaway", Some("gateway")),
    ("detach {container: web, gateway: 10.2.1.1}", "gateway", "gateway", None),
    ("expose {ips: 10.0.0.1/16, masqerade: false}", "masqerade", "masqerade", Some("masquerade")),
    ("apply {document: {ensure: presnt}}", "document.ensure", "presnt", Some("present")),
    ("apply {document: {pears: a}}", "document.pears", "pears", Some("peers")),
    ("apply {document: {router: {prot: 1}}}", "document.router.prot", "prot", Some("port")),
    ("apply {document: {expose: [{ip: 10.0.0.1/16, masq: false}]}}", "document.expose[0].masq", "masq", None),
    (
        "apply {document: {containers: {web: {image: x, state: runing}}}}",
        "document.containers.web.state",
        "runing",
        Some("running"),
    ),
    ("apply {document: {containers: {web: {ips: [], mtv: 5}}}}", "document.containers.web.mtv", "mtv", Some("mtu")),
];

#[test]
fn every_unknown_name_is_answered_with_the_nearest() {
    let mut wrong = Vec::new();
    for (text, subject, value, near) in NAMES {
        let error = refusal(text);
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let right = error.kind() == ErrorKind::InvalidSpec
            && error.subject() == *subject
            && error.message().contains(value)
            && (error.message().contains("allowed:") || *subject == "now")
            && error.next_step() == hint.as_deref();
        if !right {
            wrong.push(format!("{text}\n    {}: {} [{:?}]", error.subject(), error.message(), error.next_step()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_missing_is_named() {
    for (text, field) in [
        ("attach {ips: 10.2.1.4/24}", "container"),
        ("attach {container: web}", "ips"),
        ("detach", "container"),
        ("expose", "ips"),
        ("publish {to: web}", "host_port"),
        ("publish {host_port: 80}", "to"),
        ("remove", "name"),
        ("run {image: x}", "name"),
        ("build", "tag"),
        ("apply", "document"),
    ] {
        let error = refusal(text);
        assert_eq!(error.kind(), ErrorKind::InvalidSpec);
        assert!(error.message().contains(&format!("missing field `{field}`")), "{text}: {error}");
        assert_eq!(error.subject(), field, "{text}");
    }
    let error = refusal("apply {file: /nonexistent/host.yaml}");
    assert_eq!((error.kind(), error.subject()), (ErrorKind::NotFound, "file"));
    assert_eq!(error.message(), "/nonexistent/host.yaml: there is no such file");
}

#[test]
fn a_document_that_is_none_says_so() {
    for text in
        ["- a\n- b", "just words", "7", "a: [", "peers: a\npeers: b", "containers: {web: {ips: []}, web: {ips: []}}"]
    {
        let error = from_yaml::<HostDocument>(text).unwrap_err();
        assert_eq!((error.kind(), error.subject()), (ErrorKind::InvalidSpec, "document"), "{text}: {error}");
    }
}
