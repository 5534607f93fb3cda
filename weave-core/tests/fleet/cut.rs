//! What a host's document is, cut out of the fleet's.

use weave_core::ErrorKind;
use weave_core::spec::fleet::Fleet;
use weave_core::spec::{HostDocument, from_yaml};

use super::fleet;

/// The fleet of the manual.
const MANUAL: &str = r#"
hosts:
  dockerhost001: {address: 192.0.2.1, weave_ip: 10.0.0.1/16}
  dockerhost002: {address: 192.0.2.2, weave_ip: 10.0.0.2/16}
containers:
  pg.example.com: {host: dockerhost001, ip: 10.0.1.21/24, image: pg}
  rt.example.com: {host: dockerhost002, ip: 10.0.1.31/24, image: rt}
images:
  pg:
    ports: ['-p 5432:5432']
    docker_run_opts: ['--memory=2g', '--restart=always', '--name="DOMAIN"', '-h DOMAIN']
    attach_volumes: ['-v /data/etc/postgresql/DOMAIN:/etc/postgresql']
  rt: {image: 'registry.example.com/rt:4.4', command: [rt-server, --name, DOMAIN], options: '-e URL=http://DOMAIN/'}
"#;

/// The host document that `text` is.
fn host(text: &str) -> HostDocument {
    from_yaml(text).unwrap()
}

#[test]
fn settings_of_a_router_in_a_container_are_the_hosts_own_or_the_fleets() {
    let fleet = fleet(
        "
        hosts:
          one: {address: 192.0.2.1, router: {nickname: first, trusted_subnets: [192.0.2.0/24], docker_options: -m 2g}}
          two: {address: 192.0.2.2}
        containers: {web: {host: two, ips: ['net:default', 10.0.1.4/24]}}
        subnets: [10.0.0.0/16]
        router: {kind: image, image: 'weaveworks/weave:2.8.1', args: --log-level=debug, nickname: all, discovery: false,
          docker_options: {memory: 1g, cpus: 2}, trusted_subnets: 198.51.100.0/24, password_file: /etc/weave/password}
        ",
    );
    let one = host(
        "
        router: {kind: image, image: 'weaveworks/weave:2.8.1', args: --log-level=debug, nickname: first, discovery: false,
          docker_options: --memory=2g, trusted_subnets: 192.0.2.0/24, password_file: /etc/weave/password,
          underlay: 192.0.2.1}
        peers: [192.0.2.1, 192.0.2.2]
        containers: {}
        ",
    );
    assert_eq!(fleet.cut("one").unwrap(), one);
    let two = fleet.cut("two").unwrap();
    assert_eq!(two.router.as_ref().and_then(|router| router.nickname.as_deref()), Some("all"));
    let written = serde_json::to_value(&two.containers).unwrap();
    assert_eq!(written["web"]["ips"], serde_json::json!(["10.0.1.4/24", "net:default"]));
}

#[test]
fn a_host_has_its_containers_with_their_images_and_all_peers() {
    let fleet = fleet(MANUAL);
    let one = host(
        r#"
        router: {underlay: 192.0.2.1}
        peers: [192.0.2.1, 192.0.2.2]
        expose: [10.0.0.1/16]
        containers:
          pg.example.com:
            ips: [10.0.1.21/24]
            image: pg
            options:
            - -p 5432:5432
            - --memory=2g
            - --restart=always
            - --name="pg.example.com"
            - -h pg.example.com
            - -v /data/etc/postgresql/pg.example.com:/etc/postgresql
        "#,
    );
    assert_eq!(fleet.cut("dockerhost001").unwrap(), one);
    let two = host(
        "
        router: {underlay: 192.0.2.2}
        peers: [192.0.2.1, 192.0.2.2]
        expose: [10.0.0.2/16]
        containers:
          rt.example.com:
            ips: [10.0.1.31/24]
            image: registry.example.com/rt:4.4
            command: [rt-server, --name, rt.example.com]
            options: -e URL=http://rt.example.com/
        ",
    );
    assert_eq!(fleet.cut("dockerhost002.example.com").unwrap(), two);
    for document in [one, two] {
        document.validate().unwrap();
    }
}

/// What stands before the containers, what is said of the container, and what becomes of it.
const SETTLED: &[(&str, &str, &str)] = &[
    ("", "{ip: 10.0.1.4/24}", "{ip: 10.0.1.4/24}"),
    ("defaults: {mtu: 1400, probe: false}", "{ip: 10.0.1.4/24}", "{ip: 10.0.1.4/24, mtu: 1400, probe: false}"),
    (
        "defaults: {mtu: 1400, probe: false}",
        "{ip: 10.0.1.4/24, mtu: auto, probe: true}",
        "{ip: 10.0.1.4/24, mtu: auto}",
    ),
    // What needs an address or an image is no default for a container without.
    ("defaults: {mtu: 1400, pull: always}", "{image: x}", "{image: x, pull: always}"),
    ("defaults: {mtu: 1400, pull: always, options: -d}", "{ip: 10.0.1.4/24}", "{ip: 10.0.1.4/24, mtu: 1400}"),
    ("defaults: {image: 'x:1', state: created}", "{state: stopped}", "{image: 'x:1', state: stopped}"),
    ("defaults: {options: -d}\nimages: {x: {pull: never}}", "{image: x}", "{image: x, pull: never, options: -d}"),
    ("defaults: {options: -d}", "{image: x, options: [-e A=b]}", "{image: x, options: [-d, -e A=b]}"),
    // Lua writes an empty list as it writes an empty map.
    ("defaults: {options: -d}", "{image: x, options: {}, command: {}}", "{image: x, options: -d, command: []}"),
    (
        "defaults: {options: -d}\nimages: {x: {ports: ['-p 1:1'], options: '-h DOMAIN'}}",
        "{image: x, options: '-e A=DOMAIN', command: echo DOMAIN}",
        "{image: x, options: [-d, '-p 1:1', -h c, '-e A=DOMAIN'], command: echo DOMAIN}",
    ),
    (
        "images: {x: {options: {memory: 2g, env: [A=1]}, on_change: report}}",
        "{image: x, options: {memory: 4g, env: [B=2], init: true}, on_change: ignore}",
        "{image: x, options: {memory: 4g, env: [A=1, B=2], init: true}, on_change: ignore}",
    ),
    ("images: {x: {image: 'real:1', command: run DOMAIN}}", "{image: x}", "{image: 'real:1', command: run c}"),
    ("images: {x: {image: 'real:1', command: run}}", "{image: x, command: [a]}", "{image: 'real:1', command: [a]}"),
    ("defaults: {ensure: absent}", "{ip: 10.0.1.4/24}", "{ip: 10.0.1.4/24, ensure: absent}"),
    ("defaults: {ensure: latest}", "{image: x}", "{image: x, ensure: latest}"),
    ("defaults: {ensure: latest}", "{ip: 10.0.1.4/24}", "{ip: 10.0.1.4/24}"),
];

#[test]
fn a_container_takes_what_it_does_not_say_from_its_image_and_from_the_defaults() {
    for (before, own, expected) in SETTLED {
        let own = own.replacen('{', "{host: one, ", 1);
        let fleet = fleet(&format!("hosts: {{one: {{}}}}\n{before}\ncontainers:\n  c: {own}\n"));
        let cut = fleet.cut("one").unwrap();
        assert_eq!(cut.containers, host(&format!("containers: {{c: {expected}}}")).containers, "{before} {own}");
    }
}

#[test]
fn anchors_and_merges_are_understood() {
    let text = "
hosts: {one: &host {weave_ip: &ip 10.0.0.1/16}}
containers:
  a: &base {host: one, ip: 10.0.1.4/24, mtu: 1400}
  b: {<<: *base, ip: 10.0.1.5/24}
  c: {<<: [{mtu: 1300, ip: 10.0.1.6/24}, *base], probe: false}
";
    let expected = "
a: {ip: 10.0.1.4/24, mtu: 1400}
b: {ip: 10.0.1.5/24, mtu: 1400}
c: {ip: 10.0.1.6/24, mtu: 1300, probe: false}
";
    let cut = fleet(text).cut("one").unwrap();
    assert_eq!(cut.containers.unwrap(), from_yaml(expected).unwrap());
}

/// Fleets, and what becomes of the host `one` apart from its containers.
const PARTS: &[(&str, &str)] = &[
    ("hosts: {one: {}}", "router: {}\npeers: []"),
    ("hosts: {one: {address: one.example.com}}", "router: {}\npeers: [one.example.com]"),
    ("hosts: {one: {address: 192.0.2.1, router: {underlay: eth1}}}", "router: {underlay: eth1}\npeers: [192.0.2.1]"),
    (
        "hosts: {one: {address: 192.0.2.1, router: {mtu: 1400}}}\nrouter: {mtu: 9000, vni: 7}\nfirewall: {manage: false}",
        "router: {mtu: 1400, vni: 7, underlay: 192.0.2.1}\npeers: [192.0.2.1]\nfirewall: {manage: false}",
    ),
    (
        "hosts: {one: {address: 192.0.2.1, firewall: {}}, two: {address: 192.0.2.2, ensure: absent}}\n\
         firewall: {manage: false}\npeers: [192.0.2.1, 198.51.100.1]\npurge_containers: true",
        "router: {underlay: 192.0.2.1}\npeers: [192.0.2.1, 198.51.100.1]\nfirewall: {manage: true}\n\
         purge_containers: true",
    ),
    // A peer is named with its port where that is another one.
    (
        "hosts: {one: {address: 192.0.2.1}, two: {address: 192.0.2.2, router: {port: 6784}}}",
        "router: {underlay: 192.0.2.1}\npeers: [192.0.2.1, '192.0.2.2:6784']",
    ),
    (
        "hosts: {one: {address: 192.0.2.1, router: {port: 6784}}, two: {address: 192.0.2.2}}\nrouter: {port: 7000}",
        "router: {underlay: 192.0.2.1, port: 6784}\npeers: [192.0.2.1, '192.0.2.2:7000']",
    ),
    (
        "hosts: {one: {weave_ip: [10.0.0.1/16, 10.9.0.1/16]}}\nexpose: {masquerade: false}",
        "router: {}\npeers: []\nexpose: [{ip: 10.0.0.1/16, masquerade: false}, {ip: 10.9.0.1/16, masquerade: false}]",
    ),
    (
        "hosts: {one: {weave_ip: 10.0.0.1/16, masquerade: true}}\nexpose: {masquerade: false}",
        "router: {}\npeers: []\nexpose: 10.0.0.1/16",
    ),
    ("hosts: {one: {ensure: purged}}", "ensure: purged\nrouter: {}\npeers: []"),
    ("hosts: {one: {}}\nensure: absent", "ensure: absent\nrouter: {}\npeers: []"),
    ("hosts: {one: {ensure: present}}\nensure: absent", "router: {}\npeers: []"),
];

#[test]
fn router_peers_and_exposures_are_the_hosts_own_or_everybodys() {
    for (text, expected) in PARTS {
        let cut = fleet(text).cut("one").unwrap();
        assert_eq!(cut, host(&format!("{expected}\ncontainers: {{}}")), "{text}");
    }
}

#[test]
fn a_host_that_is_not_there_is_answered_with_those_that_are() {
    let error = fleet(MANUAL).cut("dockerhost003").unwrap_err();
    assert_eq!((error.kind(), error.subject()), (ErrorKind::NotFound, "host"));
    assert!(error.message().contains("`dockerhost003` is none of the hosts; allowed: dockerhost001, dockerhost002"));
    assert_eq!(error.next_step(), Some("did you mean `dockerhost001`?"));
}

#[test]
fn a_fleet_is_written_and_read_again() {
    for text in std::iter::once(&MANUAL).chain(PARTS.iter().map(|(text, _)| text)) {
        let fleet = fleet(text);
        let written = serde_json::to_value(&fleet).unwrap();
        assert_eq!(weave_core::spec::from_value::<weave_core::spec::fleet::Fleet>(written).unwrap(), fleet);
        assert_eq!(self::fleet(&serde_json::to_string_pretty(&fleet).unwrap()), fleet);
    }
}

#[test]
fn the_example_is_a_fleet_without_a_fault() {
    let fleet = fleet(include_str!("../../../examples/fleet.yaml"));
    let on = |host: &str| fleet.cut(host).unwrap().containers.map_or(0, |containers| containers.0.len());
    assert_eq!(fleet.hosts.keys().map(|host| on(host)).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(fleet.containers.0.len(), 4);
    let container = &fleet.cut("dockerhost003").unwrap().containers.unwrap().0[&"shop.example.com".parse().unwrap()];
    let expected = r#"{"ips":["10.0.1.32/16"],"mtu":1400,"image":"registry.example.com/web:7","options":{"env":["SHOP=yes"],"hostname":"shop.example.com","memory":"1g","publish":["8080:80"],"volume":["/data/shop.example.com/www:/var/www"]},"on_change":"report"}"#;
    assert_eq!(serde_json::to_string(container).unwrap(), expected);
}

const PUBLISHING: &str = "
hosts:
  a:
    {address: 192.0.2.1, weave_ip: [10.0.0.1/16, 'fd00::1/64'], publish: ['80:web:8080', '81:db:81', '82:app:82',
     '192.0.2.1:83:db:83/udp', '84:10.0.9.9:84', '85:elsewhere:85']}
  b: {address: 192.0.2.2, weave_ip: 10.0.0.2/16}
  c: {address: 192.0.2.3, publish: []}
publish: ['80:db:80', {host_port: 90, to: web, masquerade: false}]
containers:
  web: {host: a, ip: 10.0.1.1/16}
  db: {host: b, ips: [10.9.0.1/24, 10.0.1.2/16, 'fd00::2/64']}
  app: {host: b, ips: [10.9.0.2/24]}
";

/// A host is told of its own containers by name, and of others by the address that it can reach, in each family.
#[test]
fn published_ports_lead_to_containers_of_other_hosts() {
    let fleet: Fleet = from_yaml(PUBLISHING).unwrap();
    let published = |host: &str| -> Vec<String> {
        fleet.cut(host).unwrap().publish.unwrap().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        published("a"),
        [
            "80:web:8080",
            "81:10.0.1.2:81",
            "81:[fd00::2]:81",
            "82:10.9.0.2:82",
            "192.0.2.1:83:10.0.1.2:83/udp",
            "84:10.0.9.9:84",
            "85:elsewhere:85",
            "90:web:90 without masquerade",
        ]
    );
    assert_eq!(published("b"), ["80:db:80", "90:10.0.1.1:90 without masquerade"]);
    // Without an address of its own it takes what there is, and is told on the host.
    assert_eq!(published("c"), ["80:10.9.0.1:80", "80:[fd00::2]:80", "90:10.0.1.1:90 without masquerade"]);
    let silent: Fleet = from_yaml("hosts: {a: {address: 192.0.2.1}}").unwrap();
    assert_eq!(silent.cut("a").unwrap().publish, None);
}

#[test]
fn what_is_wrong_with_published_ports_is_found_in_the_whole() {
    let findings = |text: &str| -> Vec<String> {
        let fleet: Fleet = from_yaml(text).unwrap();
        fleet.validate_all().iter().filter(|one| one.is_error()).map(ToString::to_string).collect()
    };
    assert_eq!(findings(PUBLISHING), [] as [&str; 0]);
    for (publish, words) in [
        ("['80:web:80', '80:db:80']", "hosts.a.publish[1]: port 80/tcp of the host is published by publish[0] too"),
        ("['80:127.0.0.1:80']", "hosts.a.publish[0].to: 127.0.0.1 is the address of no container"),
        ("['80:late:80']", "hosts.a.publish[0].to: late is on another host and has no address there"),
        ("['[2001:db8::1]:80:db:80']", "hosts.a.publish[0].to: db is on another host and has no address there"),
        ("['8080:db:80']", "containers.busy.options: port 8080/tcp of the host is that of publish[0]"),
    ] {
        let text = format!(
            "hosts: {{a: {{address: 192.0.2.1, publish: {publish}}}, b: {{address: 192.0.2.2}}}}
containers:
  db: {{host: b, ip: 10.0.1.2/16}}
  late: {{host: b, image: x:1}}
  busy: {{host: a, image: x:1, options: -p 8080:80}}
"
        );
        let found = findings(&text);
        assert!(found.len() == 1 && found[0].contains(words), "{words}: {found:#?}");
    }
    let unmanaged = "hosts: {a: {address: 192.0.2.1, firewall: {manage: false}, publish: ['80:10.0.0.9:80']}}";
    assert!(findings(unmanaged)[0].contains("hosts.a.publish: needs the packet filter"), "{:?}", findings(unmanaged));
}

#[test]
fn a_container_that_moves_is_fetched_by_its_host_and_left_by_the_others() {
    let text = |all: &str, web: &str| {
        format!(
            "hosts: {{one: {{address: 192.0.2.1, engine: 'ssh://one'}}, two: {{address: 192.0.2.2, engine: 'ssh://two'}},
              three: {{address: 192.0.2.3}}}}\nmigrate: {all}\ncontainers:
              web: {{host: two, ip: 10.0.1.4/24{web}}}\n  db: {{host: one, ip: 10.0.1.5/24}}\n"
        )
        .replace("\n              web", "\n  web")
    };
    let moves = |text: &str, host: &str| fleet(text).cut(host).unwrap().moves;
    let web = ("web".to_owned(), vec!["ssh://one".to_owned()]);
    let all = moves(&text("true", ""), "two");
    assert_eq!(all.fetched.into_iter().collect::<Vec<_>>(), std::slice::from_ref(&web));
    assert_eq!(all.left.into_iter().collect::<Vec<_>>(), ["db"]);
    let one = moves(&text("false", ", migrate: true"), "two");
    assert_eq!((one.fetched.into_iter().collect::<Vec<_>>(), one.left.len()), (vec![web], 0));
    let third = moves(&text("true", ", migrate: false"), "three");
    assert_eq!((third.fetched.len(), third.left.into_iter().collect::<Vec<_>>()), (0, vec!["db".to_owned()]));
    assert_eq!(moves(&text("false", ""), "two"), weave_core::spec::fleet::Moves::default());
}
