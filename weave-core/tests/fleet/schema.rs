//! The JSON Schemas: current, and of one mind with the types that read the documents.

use std::path::Path;

use serde_json::{Value, json};
use weave_core::spec::fleet::Fleet;
use weave_core::spec::{HostDocument, from_value, from_yaml, schema};

/// Where the schemas are kept, and what they have to be.
fn schemas() -> [(&'static str, Value); 2] {
    [("host", schema::host()), ("fleet", schema::fleet())]
}

/// `WEAVE_WRITE_SCHEMAS=1 cargo test schemas_are_current` writes them.
#[test]
fn the_schemas_are_current() {
    for (name, schema) in schemas() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"));
        assert!(!schema.to_string().contains("[`"), "a link of the documentation means nothing in a schema");
        let current = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("WEAVE_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(kept == current, "{} is not current: run this test with WEAVE_WRITE_SCHEMAS=1", path.display());
    }
}

/// Host documents that are taken.
const GOOD_HOSTS: &[&str] = &[
    "{}",
    include_str!("../../../examples/host.yaml"),
    "ensure: absent",
    r#"
ensure: present
router: {kind: vxlan, port: 6783, vni: 6783, mtu: auto}
peers: [192.0.2.1, 192.0.2.2]
expose: [10.0.0.1/16]
firewall: {manage: true}
containers:
  pg.example.com:
    ips: [10.0.1.16/29]
    image: pg.example.com
    options: '-d -h pg.example.com --memory=2g --restart=always -p 5432:5432 -v /data/pg:/var/lib/postgresql'
"#,
    "peers: 192.0.2.1 192.0.2.2",
    "expose: [{ip: 10.0.0.1/16, masquerade: false}, 'fd00::1/64']",
    "router: {port: '6783', vni: 7, mtu: 1400, underlay: eth0, bridge: weave}",
    "router: {kind: image, image: 'weaveworks/weave:2.8.1', name: weave, args: [--log-level=debug], docker_options: -m 1g,
      password_file: /etc/weave/password, nickname: one, peer_name: '02:00:00:00:00:01', trusted_subnets: 192.0.2.0/24,
      ipalloc_range: 10.32.0.0/12, ipalloc_default_subnet: 10.32.1.0/24, discovery: false, control_port: '6784',
      pull: always}\ncontainers: {web: {ips: ['net:default', 10.2.1.4/24, 'net:10.2.1.0/24']}, db: {ip: 'net:default'}}",
    "containers: {'netns:bare': {ip: 10.2.1.4/24}, 'pid:7': {ips: []}, /web: {ip: '10.2.1.4/24 fd00::4/64'}}",
    "containers: {web: {image: 'nginx:1', command: [a, b], options: {memory: 2g}, state: created, on_change: report,
      pull: never, attach: before_start, ensure: present}}\npurge_containers: true",
    "containers: {web: {ip: 10.2.1.4/24, mac: '02:00:00:00:00:01', gateway: 10.2.1.1, mtu: auto, multicast: false,
      routes: [10.9.0.0/16 via 10.2.1.1, {to: 10.8.0.0/16}], interface: eth9, probe: false}, old: {ensure: absent}}",
];

/// Host documents that neither the schema nor the types take.
const BAD_HOSTS: &[&str] = &[
    "pears: []",
    "ensure: gone",
    "router: {prot: 1}",
    "router: {port: x}",
    "router: {port: 99999}",
    "router: {mtu: big}",
    "router: {underlay: 5}",
    "router: {bridge: a/b}",
    "router: {kind: sleeve}",
    "router: {image: 5}",
    "router: {args: {a: b}}",
    "router: {docker_options: 7}",
    "router: {peer_name: host1}",
    "router: {trusted_subnets: [here]}",
    "router: {ipalloc_range: 10.32.0.0}",
    "router: {discovery: maybe}",
    "router: {control_port: 99999}",
    "router: {pull: often}",
    "router: {password: s3cret}",
    "containers: {web: {ips: ['net:somewhere']}}",
    "router: {bridge: a-name-that-is-too-long}",
    "peers: 5",
    "peers: [a b]",
    "expose: [10.0.0.1]",
    "expose: [{ip: 10.0.0.1/16, masq: true}]",
    "firewall: true",
    "firewall: {mange: true}",
    "containers: [web]",
    "containers: {a b: {ip: 10.2.1.4/24}}",
    "containers: {web: {ip: [10.2.1.4]}}",
    "containers: {web: {ip: 10.2.1.4/24, ips: 10.2.1.4/24}}",
    "containers: {web: {ip: 10.2.1.4/24, mtv: 5}}",
    "containers: {web: {ip: 10.2.1.4/24, mac: '02'}}",
    "containers: {web: {ip: 10.2.1.4/24, gateway: next door}}",
    "containers: {web: {ip: 10.2.1.4/24, routes: [{to: 10.9.0.0/16, via: 10.2.1.1, metric: 5}]}}",
    "containers: {web: {ip: 10.2.1.4/24, multicast: maybe}}",
    "containers: {web: {image: x, state: paused}}",
    "containers: {web: {image: x, options: 7}}",
    "containers: {web: {image: x, options: [[-t]]}}",
    "containers: {web: {image: x, options: [-t, true]}}",
    "containers: {web: {image: x, command: [echo, true]}}",
    "containers: {web: {image: x, command: [echo, null]}}",
    "containers: {web: {image: x, command: {a: b}}}",
    "containers: {web: {image: x, pull: sometimes}}",
    "purge_containers: later",
];

const GOOD_FLEETS: &[&str] = &[
    "{}",
    include_str!("../../../examples/fleet.yaml"),
    r#"
hosts:
  dockerhost001: {address: 192.0.2.1, weave_ip: 10.0.0.1/16}
  dockerhost002: {address: two.example.com, weave_ip: [10.0.0.2/16], masquerade: false, ensure: absent,
    router: {port: 6784}, firewall: {manage: false}}
containers:
  pg.example.com: {host: dockerhost001, ip: 10.0.1.21/24, image: pg}
  rt.example.com: {host: dockerhost002, ips: [10.0.1.31/24], image: rt, options: {memory: 1g}}
images:
  pg:
    ports: ['-p 5432:5432']
    docker_run_opts: ['--memory=2g', '--restart=always', '--name="DOMAIN"', '-h DOMAIN']
    attach_volumes: ['-v /data/etc/postgresql/DOMAIN:/etc/postgresql']
  rt: {image: 'rt:4', command: [sleep, 86400], ports: , pull: always, on_change: ignore}
defaults: {mtu: 1400, host: dockerhost001}
subnets: [10.0.0.0/16]
peers: 198.51.100.1
router: {vni: 7}
firewall: {manage: true}
expose: {masquerade: true}
purge_containers: false
ensure: present
"#,
];

const BAD_FLEETS: &[&str] = &[
    "hosts: [one]",
    "host: {}",
    "hosts: {one: {adress: 192.0.2.1}}",
    "hosts: {one: {address: 5}}",
    "hosts: {one: {weave_ip: [10.0.0.1]}}",
    "hosts: {one: {router: {prot: 1}}}",
    "containers: {a: {hst: one}}",
    "containers: {a: {ip: 10.0.1.4/24, ips: 10.0.1.4/24}}",
    "containers: {a: {state: paused}}",
    "images: {a: {prots: []}}",
    "images: {a: {ports: [[5]]}}",
    "subnets: [ten]",
    "expose: {masq: true}",
    "defaults: {mtu: big}",
];

#[test]
fn what_the_types_take_the_schema_takes_and_what_they_refuse_it_refuses() {
    let [(_, host), (_, fleet)] = schemas();
    let hosts = jsonschema::validator_for(&host).unwrap();
    let fleets = jsonschema::validator_for(&fleet).unwrap();
    let value = |text: &&str| from_yaml::<Value>(text).unwrap_or_else(|_| serde_json::from_str(text).unwrap());
    for value in GOOD_HOSTS.iter().map(value) {
        assert!(hosts.is_valid(&value), "{value}: {}", hosts.validate(&value).unwrap_err());
        from_value::<HostDocument>(value).unwrap();
    }
    for value in GOOD_FLEETS.iter().map(value) {
        assert!(fleets.is_valid(&value), "{value}: {}", fleets.validate(&value).unwrap_err());
        from_value::<Fleet>(value).unwrap();
    }
    for value in BAD_HOSTS.iter().map(value) {
        assert!(!hosts.is_valid(&value), "{value}");
        assert!(from_value::<HostDocument>(value.clone()).is_err(), "{value}");
    }
    for value in BAD_FLEETS.iter().map(value) {
        assert!(!fleets.is_valid(&value), "{value}");
        assert!(from_value::<Fleet>(value.clone()).is_err(), "{value}");
    }
}

#[test]
fn no_map_of_the_schemas_takes_an_unknown_key() {
    fn closed(schema: &Value, path: &str, open: &mut Vec<String>) {
        if let Some(map) = schema.as_object() {
            if map.contains_key("properties") && map.get("additionalProperties") != Some(&json!(false)) {
                open.push(path.to_owned());
            }
            for (key, value) in map {
                closed(value, &format!("{path}/{key}"), open);
            }
        }
        for item in schema.as_array().into_iter().flatten() {
            closed(item, &format!("{path}/[]"), open);
        }
    }
    for (name, schema) in schemas() {
        let mut open = Vec::new();
        closed(&schema, name, &mut open);
        assert!(open.is_empty(), "{open:?}");
    }
}
