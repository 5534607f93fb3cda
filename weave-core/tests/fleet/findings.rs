//! Everything that is wrong is found at once, with its line and key.

use weave_core::ErrorKind;
use weave_core::spec::fleet::{read_document, read_fleet, read_host};
use weave_core::spec::{Finding, from_yaml};

use super::{Expected, compare};

/// Two hosts, in lines 1 to 3.
const HOSTS: &str = "hosts:
  one: {address: 192.0.2.1, weave_ip: 10.0.0.1/16}
  two: {address: 192.0.2.2, weave_ip: 10.0.0.2/16}
";

/// What is written behind [`HOSTS`] from line 4 on, and what is found.
const BEHIND: &[(&str, &[Expected])] = &[
    ("migrate: true", &[(4, "migrate", "no host says where the others reach its engine")]),
    ("containers:\n  a: {host: one, ip: 10.0.1.4/24}", &[]),
    (
        "containers:\n  a: {host: one, ip: 10.0.1.4/24}\n  b: {host: two, ip: 10.0.1.4/24}",
        &[(6, "containers.b.ip", "10.0.1.4/24 is given to containers.a too")],
    ),
    (
        "containers:\n  a:\n    host: one\n    ips:\n    - 10.0.1.5/24\n    - 10.0.0.2/16",
        &[(9, "containers.a.ips[1]", "is given to hosts.two too")],
    ),
    (
        "containers:\n  a: {host: one, ips: [10.0.1.4/24, 10.0.1.4/24]}",
        &[(5, "containers.a.ips[1]", "has the same address as 10.0.1.4/24")],
    ),
    ("containers:\n  a: {host: one, ip: 10.0.1.4/24}\n  b: {host: one, ip: 10.0.1.4/24, ensure: absent}", &[]),
    ("containers:\n  a: {host: one, ip: 10.0.1.255/24}", &[(5, "containers.a.ip", "broadcast address of its network")]),
    (
        "containers:\n  a: {host: one, ips: [10.0.1.4/24, 'net:10.9.0.0/24', 'net:10.0.2.0/24', 'net:default']}\n\
         subnets: [10.0.0.0/16]",
        &[(5, "containers.a.ips[1]", "net:10.9.0.0/24 is outside of the subnets; allowed: networks in 10.0.0.0/16")],
    ),
    (
        "  three: {address: 192.0.2.3, router: {kind: image}}\nrouter: {vni: 7}",
        &[(4, "hosts.three.router.vni", "`vni` is for kind vxlan")],
    ),
    (
        "router: {kind: image, image: 'weaveworks/weave:2.8.1', args: [--mtu]}",
        &[(4, "router.args[0]", "the setting `mtu`")],
    ),
    (
        "containers:\n  a: {host: one, ip: 10.0.1.16/29}",
        &[(5, "~containers.a.ip", "10.0.1.16/29 is the address of its network itself")],
    ),
    (
        "containers:\n  a: {host: one, ip: 10.0.1.4/24}\n  b: {host: one, ip: 10.0.1.255/16, gateway: 10.0.0.1}",
        &[(6, "containers.b.ip", "is the broadcast address of 10.0.1.0/24 of containers.a")],
    ),
    (
        "subnets: [10.0.0.0/16]\ncontainers:\n  a: {host: one, ip: 10.1.1.4/24}\n  b: {host: one, ip: 10.0.1.4/8}",
        &[
            (6, "containers.a.ip", "10.1.1.4/24 is outside of the subnets; allowed: addresses in 10.0.0.0/16"),
            (6, "~containers.a.ip", "has no way back to 10.0.1.4/8 of containers.b"),
            (7, "containers.b.ip", "10.0.1.4/8 is outside of the subnets"),
        ],
    ),
    (
        "subnets: '10.0.0.0/16 10.0.1.0/24 10.0.0.0/16'",
        &[(4, "~subnets[1]", "10.0.1.0/24 lies inside 10.0.0.0/16"), (4, "~subnets[2]", "10.0.0.0/16 lies inside")],
    ),
    ("subnets:\n- 10.0.0.1/16", &[(5, "subnets[0]", "the network is 10.0.0.0/16")]),
    (
        "containers:\n  a: {host: one, ip: 10.0.1.4/24}\n  b: {host: two, ip: 10.0.2.4/16}",
        &[(5, "~containers.a.ip", "10.0.1.4/24 has no way back to 10.0.2.4/16 of containers.b")],
    ),
    ("containers:\n  a: {host: one, ip: 10.0.1.4/24, gateway: 10.0.1.1}\n  b: {host: two, ip: 10.0.2.4/16}", &[]),
    ("containers:\n  a: {host: one, ip: 10.0.1.4/24, routes: 10.0.0.0/16}\n  b: {host: two, ip: 10.0.2.4/16}", &[]),
    ("containers:\n  a: {host: one, ip: 10.0.1.4/24}\n  b: {host: two, ip: 10.0.1.5/16}", &[]),
    (
        "containers:\n  a: {host: tow, ip: 10.0.1.4/24}\n  b: {host: elsewhere, ip: 10.0.1.5/24}\n  c: {ip: 10.0.1.6/24}",
        &[
            (5, "containers.a.host", "did you mean `two`?"),
            (6, "containers.b.host", "`elsewhere` is none of the hosts; allowed: one, two"),
            (7, "containers.c", "has no host; allowed: `host:` with one of one, two"),
        ],
    ),
    ("containers:\n  a: {host: two.example.com, ip: 10.0.1.4/24}", &[]),
    (
        "containers:\n  a: {host: one, image: pgg}\n  b: {host: one, image: nginx}\n  c: {host: one, image: 'pg:9'}\n\
         images:\n  pg: {}",
        &[
            (5, "containers.a.image", "did you mean `pg`? the engine's own image is written `pgg:latest`"),
            (6, "~containers.b.image", "taken for the engine's own image"),
        ],
    ),
    ("containers:\n  a: {host: one, image: nginx}", &[]),
    (
        "containers:\n  a: {host: one, image: 'a b'}\n  b: {host: one, image: x}\nimages:\n  x: {image: '-v'}",
        &[(5, "containers.a.image", "`a b` is no image"), (8, "images.x.image", "`-v` is no image")],
    ),
    (
        "containers:\n  a: {host: one, options: -d}\n  b: {host: one, ip: 10.0.1.4/24, state: stopped}",
        &[
            (5, "containers.a", "neither addresses nor an image are given"),
            (5, "containers.a.options", "is of no use in a container that weave does not run"),
            (6, "containers.b.state", "is of no use in a container that weave does not run"),
        ],
    ),
    (
        "containers:\n  a: {host: one, image: x, gateway: 10.0.0.1}\n  'pid:7': {host: one, image: x}",
        &[
            (5, "containers.a.gateway", "is of no use without an address"),
            (6, "containers.pid:7.image", "is no container of the engine"),
        ],
    ),
    (
        "containers:\n  a:\n    host: one\n    ipz: 10.0.1.4/24\n    mtu: big\n    gateway: [x]\n    ip: 10.0.1.4/24",
        &[
            (7, "containers.a.ipz", "did you mean `ip`?"),
            (8, "containers.a.mtu", "`big` is no MTU"),
            (9, "containers.a.gateway", "does not fit"),
        ],
    ),
    (
        "containers:\n  a: {host: one, ips: [x, 10.0.1.4/24, z]}",
        &[(5, "containers.a.ips[0]", "`x`"), (5, "containers.a.ips[2]", "`z`")],
    ),
    (
        "containers:\n  a: {host: one, ips: 'x, 10.0.1.4/24 z'}\npeers: a b! c,d?",
        &[
            (5, "containers.a.ips[0]", "`x`"),
            (5, "containers.a.ips[2]", "`z`"),
            (6, "peers[1]", "`b!`"),
            (6, "peers[3]", "`d?`"),
        ],
    ),
    (
        "containers:\n  a: {host: one, ip: 10.0.1.4/24, routes: '10.9.0.0/16 via x, 10.8.0.0/16'}",
        &[(5, "containers.a.routes[0]", "10.9.0.0/16 via x")],
    ),
    (
        "containers:\n  a: {host: one, ip: '10.0.1.4/24 10.0.1.4/24'}",
        &[(5, "containers.a.ip[1]", "has the same address")],
    ),
    ("containers:\n  a b: {host: one, ip: 10.0.1.4/24}", &[(5, "containers.a b", "is no name of a container")]),
    (
        "containers:\n  a: {host: one, ip: 10.0.1.4/24}\n  /a: {host: one, ip: 10.0.1.5/24}",
        &[(6, "containers./a", "is given twice, in two spellings")],
    ),
    (
        "containers:\n  a: {host: one, ip: 10.0.1.4/24}\n  a: {host: one, ip: 10.0.1.5/24}",
        &[(6, "containers.a", "is given twice (the first time in line 5)")],
    ),
    ("containers: [a]", &[(4, "containers", "is no map")]),
    ("containers:\nimages:\nrouter:\ndefaults:\nsubnets:\nensure:", &[]),
    ("subnet:\npeers:", &[(4, "subnet", "did you mean `subnets`?")]),
    ("containres: {}", &[(4, "containres", "did you mean `containers`?")]),
    (
        "router: {port: 0}\nfirewall: {manage: maybe}",
        &[(4, "router.port", "0 is no port"), (5, "firewall.manage", "\"maybe\" does not fit")],
    ),
    ("peers: [10.0.7.7, 192.0.2.9]", &[(4, "peers[0]", "10.0.7.7 is in the overlay's own network 10.0.0.0/16")]),
    ("defaults: {ip: 10.0.1.4/24, mtu: 9}", &[(4, "defaults.ip", "is no default")]),
    (
        "defaults: {options: [-d]}\nimages:\n  x: {options: {memory: 2g}}\ncontainers:\n  a: {host: one, image: x}",
        &[(8, "containers.a.options", "are words in one place and a map in another")],
    ),
    (
        // What comes through a merge is wrong where it is written; what does not go together, where it is used.
        "containers:\n  a: &a {host: one, mtu: big, ip: 10.0.1.4/24}\n  b: {<<: *a, ip: 10.0.1.5/24}\n  c: {<<: *a}",
        &[
            (5, "containers.a.mtu", "`big` is no MTU"),
            (5, "containers.b.mtu", "`big` is no MTU"),
            (5, "containers.c.mtu", "`big` is no MTU"),
            (7, "containers.c.ip", "is given to containers.a too"),
        ],
    ),
];

#[test]
fn everything_wrong_behind_two_hosts_is_found_with_line_and_key() {
    let mut wrong = Vec::new();
    for (text, expected) in BEHIND {
        let reading = read_fleet("fleet.yaml", &format!("{HOSTS}{text}\n"));
        if let Err(found) = compare(&reading.findings, expected) {
            wrong.push(format!("{text}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whole documents.
const WHOLE: &[(&str, &[Expected])] = &[
    ("hosts:", &[(1, "hosts", "no host is named")]),
    ("hosts: {one: {}}", &[]),
    ("hosts:\n  one: {}\n  two: {address: two.example.com}", &[(2, "hosts.one", "has no address")]),
    ("hosts:\n  one: {}\n  two: {address: two.example.com}\npeers: 192.0.2.1", &[]),
    ("hosts:\n  one: {ensure: absent}\n  two: {address: two.example.com}", &[]),
    (
        "hosts:\n  one: {address: 192.0.2.1}\n  two: {address: 192.0.2.1}\n  four: {address: Four}\n  five: {address: four}",
        &[
            (3, "hosts.two.address", "192.0.2.1 is the address of hosts.one too"),
            (4, "hosts.four.address", "four is the address of hosts.five too"),
        ],
    ),
    (
        "hosts:\n  one: {address: 192.0.2.256}\n  two: {address: 192.0.2.2, weave_ip: 10.0.0.0.2/16, adress: x}",
        &[
            (2, "hosts.one.address", "is a mistyped address"),
            (3, "hosts.two.weave_ip", "is not an address"),
            (3, "hosts.two.adress", "did you mean `address`?"),
        ],
    ),
    (
        "hosts:\n  one: {address: '192.0.2.1:6784'}",
        &[(2, "hosts.one.address", "a port of its own is written `router: {port: 6784}`")],
    ),
    (
        "hosts:\n  one: {address: 10.0.0.9, weave_ip: 10.0.0.1/16}",
        &[(2, "hosts.one.address", "10.0.0.9 is in the overlay's own network 10.0.0.0/16 of hosts.one")],
    ),
    (
        "hosts:\n  one: {address: 192.0.2.1, weave_ip: [10.0.0.1/16, 10.0.0.1/8]}",
        &[(2, "hosts.one.weave_ip[1]", "is given to hosts.one too")],
    ),
    (
        "hosts:\n  one: {router: {vni: 0}, firewall: true}",
        &[(2, "hosts.one.router.vni", "0"), (2, "hosts.one.firewall", "true")],
    ),
    ("hosts:\n  a b: {}", &[(2, "hosts.a b", "is no host name")]),
    ("hosts:\n  one: 7", &[(2, "hosts.one", "is no map")]),
    ("- a", &[(1, "", "is no map of fields")]),
    ("hosts: [\n", &[(1, "document", "is no YAML")]),
    ("hosts: {one: {}}\n---\nhosts: {}", &[(3, "document", "it holds several documents")]),
    ("hosts: {one: {}}\nhosts: {two: {}}", &[(2, "hosts", "is given twice (the first time in line 1)")]),
];

#[test]
fn everything_wrong_with_a_fleet_is_found_with_line_and_key() {
    let mut wrong = Vec::new();
    for (text, expected) in WHOLE {
        if let Err(found) = compare(&read_fleet("fleet.yaml", text).findings, expected) {
            wrong.push(format!("{text}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Documents of one host.
const HOST: &[(&str, &[Expected])] = &[
    ("", &[]),
    (
        "router: {port: 0}\npeers: [a b]\ncontainers:\n  web:\n    ip: 10.2.1.4\n    mtv: 5",
        &[
            (1, "router.port", "0 is no port"),
            (2, "peers[0]", "a b"),
            (5, "containers.web.ip", "has no prefix length"),
            (6, "containers.web.mtv", "did you mean `mtu`?"),
        ],
    ),
    (
        "expose: 10.0.0.1/16\ncontainers:\n  a: {ip: 10.0.0.1/16}\n  b: {image: x, state: runing, pull: 1}\n  c: {options: -d}",
        &[
            (3, "containers.a.ip", "is given to expose[0] too"),
            (4, "containers.b.state", "did you mean `running`?"),
            (4, "containers.b.pull", "1"),
            (5, "containers.c", "neither addresses nor an image"),
            (5, "containers.c.options", "is of no use"),
        ],
    ),
    ("ensure: absent\nrouter: {port: 0}", &[]),
];

#[test]
fn everything_wrong_with_a_host_is_found_with_line_and_key() {
    let mut wrong = Vec::new();
    for (text, expected) in HOST {
        if let Err(found) = compare(&read_host("fleet.yaml", text).findings, expected) {
            wrong.push(format!("{text}\n{found}"));
        }
        assert_eq!(read_document("fleet.yaml", text, None).findings, read_host("fleet.yaml", text).findings);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_error_carries_all_findings_and_says_how_many_there_are() {
    let text = "hosts:\n  one: {adress: 192.0.2.1}\nrouter: {port: 0}\nsubnets: 10.0.0.0/16 10.0.0.0/16\n";
    let error = read_fleet("fleet.yaml", text).accept().unwrap_err();
    assert_eq!((error.kind(), error.subject()), (ErrorKind::InvalidSpec, "hosts.one.adress"));
    assert!(error.message().ends_with("(fleet.yaml:2:9), and 1 more error"), "{error}");
    assert_eq!(error.next_step(), Some("did you mean `address`?"));
    let report = error.report();
    assert_eq!(report.findings.len(), 3);
    let shown: Vec<String> = report.findings.iter().map(Finding::to_string).collect();
    assert_eq!(shown[1], "fleet.yaml:3:16: router.port: 0 is no port; allowed: 1 to 65535");
    assert!(shown[2].starts_with("fleet.yaml:4:10: warning: subnets[1]: 10.0.0.0/16 lies inside"), "{}", shown[2]);
}

#[test]
fn a_fleet_that_was_no_text_has_the_same_findings_without_lines() {
    for (text, _) in BEHIND {
        let text = format!("{HOSTS}{text}\n");
        let Ok(value) = from_yaml::<serde_json::Value>(&text) else { continue };
        let bare = |findings: Vec<Finding>| {
            let mut bare: Vec<_> =
                findings.into_iter().map(|found| (found.level, found.subject, found.message)).collect();
            bare.sort();
            bare
        };
        let read = weave_core::spec::fleet::read_value(value, None).findings;
        assert!(read.iter().all(|finding| finding.line.is_none() && finding.file.is_none()));
        assert_eq!(bare(read), bare(read_fleet("fleet.yaml", &text).findings), "{text}");
    }
}
