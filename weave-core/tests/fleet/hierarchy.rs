//! Data of the 2014 module, as its users have them in their hierarchies.

use weave_core::spec::fleet::{Document, is_hierarchy, read_document, read_hierarchy, read_value};
use weave_core::spec::{HostDocument, from_yaml};

use super::compare;

/// What all hosts share.
const COMMON: &str = r#"---
weave::ensure: 'present'
weave::docker: '/usr/bin/docker'
weave::script: '/usr/local/bin/weave'
weave::container: 'weave'
weave::image: 'zettio/weave'
weave::docker_cluster_peers: '192.0.2.1 192.0.2.2 192.0.2.3'

docker_hosts_weave_dhcp:
  - hostname: dockerhost001.example.com
    ip: 10.0.0.1/16
  - hostname: dockerhost002.example.com
    ip: 10.0.0.2/16

dockerhosts_dhcp:
  pg.example.com:
    hostname: pg.example.com
    image: pg
    ip: 10.0.1.16/29
    host: dockerhost001
  wiki.example.com:
    hostname: wiki.example.com
    image: wiki
    ip: 10.0.1.33/29
    host: dockerhost002
  shop.example.com:
    hostname: shop.example.com
    image: wiki
    ip: 10.0.1.34/29
    host: dockerhost002
"#;

/// How images are run.
const IMAGES: &str = r#"---
docker::version: '1.3.0'
pg:
  ports:
    - '-p 5432:5432'
  docker_run_opts:
    - '--memory=2g'
    - '--restart=always'
    - '--name="DOMAIN"'
    - '-h DOMAIN'
  attach_volumes:
    - "-v /data/etc/postgresql/DOMAIN:/etc/postgresql"
    - "-v /data/postgresql:/var/lib/postgresql"
wiki:
  ports:
  docker_run_opts:
    - '-h DOMAIN'
  attach_volumes:
    - "-v /data/DOMAIN/log:/var/log/DOMAIN "
"#;

/// One host's own.
const NODE: &str = "---\nweave::docker_host_weave_ip: '10.0.0.1/16'\nntp::servers: [192.0.2.9]\n";

fn host(text: &str) -> HostDocument {
    from_yaml(text).unwrap()
}

#[test]
fn a_hierarchy_of_2014_is_a_fleet() {
    let layers = [("node.yaml", NODE), ("dhcp.yaml", COMMON), ("images.yaml", IMAGES)];
    let (fleet, warnings) = read_hierarchy(&layers, Some("dockerhost001")).accept().unwrap();
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let place =
        "dhcp.yaml:19:9: warning: dockerhosts_dhcp.pg.example.com.ip: 10.0.1.16/29 is the address of its network";
    assert!(warnings[0].starts_with(place), "{warnings:?}");

    let one = fleet.cut("dockerhost001").unwrap();
    let expected = host(
        r#"
        router: {}
        peers: [192.0.2.1, 192.0.2.2, 192.0.2.3]
        expose: 10.0.0.1/16
        containers:
          pg.example.com:
            ips: [10.0.1.16/29]
            image: pg
            options:
            - -p 5432:5432
            - --memory=2g
            - --restart=always
            - --name="pg.example.com"
            - -h pg.example.com
            - -v /data/etc/postgresql/pg.example.com:/etc/postgresql
            - -v /data/postgresql:/var/lib/postgresql
        "#,
    );
    assert_eq!(one, expected);
    one.validate().unwrap();

    let two = fleet.cut("dockerhost002.example.com").unwrap();
    let containers = two.containers.clone().unwrap();
    let names: Vec<String> = containers.0.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["shop.example.com", "wiki.example.com"]);
    for (name, container) in &containers.0 {
        let options = serde_json::to_string(&container.options).unwrap();
        assert!(options.contains(&format!("\"/data/{name}/log:/var/log/{name}\"")), "{options}");
    }
    two.validate().unwrap();
}

/// Data in one file, of the machine `one`, and the document of that host.
const SINGLE: &[(&str, &str)] = &[
    (
        "weave::docker_cluster_peers: [192.0.2.1, 192.0.2.2]\nweave::docker_host_weave_ip: 10.0.0.1/16",
        "router: {}\npeers: [192.0.2.1, 192.0.2.2]\nexpose: 10.0.0.1/16",
    ),
    (
        "weave::docker_cluster_peers_array: [192.0.2.1]\nweave::expose_ip: 10.0.0.9/16\n\
         weave::docker_host_weave_ip: 10.0.0.1/16",
        "router: {}\npeers: [192.0.2.1]\nexpose: 10.0.0.9/16",
    ),
    ("weave::ensure: purged", "ensure: purged\nrouter: {}\npeers: []"),
    ("weave::manage_firewall: 'true'", "router: {}\npeers: []\nfirewall: {manage: true}"),
    ("weave::manage_firewall: false", "router: {}\npeers: []\nfirewall: {manage: false}"),
    (
        "weave::router: {mtu: 1400}\nweave::expose: {masquerade: false}\nweave::docker_host_weave_ip: 10.0.0.1/16",
        "router: {mtu: 1400}\npeers: []\nexpose: [{ip: 10.0.0.1/16, masquerade: false}]",
    ),
    // Nobody listed the hosts: those count that containers are on.
    (
        "dockerhost_dhcp:\n  a: {hostname: a, image: x, ip: 10.0.1.4/24, host: one}\n  b: {ip: 10.0.1.5/24, host: two}\n\
         x: {docker_run_options: [-h DOMAIN]}\nweave::docker_cluster_peers: ''",
        "router: {}\npeers: []\ncontainers: {a: {ip: 10.0.1.4/24, image: x, options: [-h a]}}",
    ),
    (
        "docker_hosts_weave_dhcp: [{hostname: one.example.com, ip: 10.0.0.1/16}]\n\
         weave::docker_cluster_peers: 192.0.2.1\nweave::docker_host_weave_ip: 10.0.0.1/16",
        "router: {}\npeers: [192.0.2.1]\nexpose: 10.0.0.1/16",
    ),
];

#[test]
fn one_hosts_own_data_are_its_document() {
    for (text, expected) in SINGLE {
        assert!(is_hierarchy(&from_yaml(text).unwrap()));
        let reading = read_document("fleet.yaml", text, Some("one"));
        assert!(reading.findings.is_empty() || text.contains("two"), "{text}: {:?}", reading.findings);
        let Some(Document::Fleet(fleet)) = reading.document else { panic!("{text} is no fleet") };
        let mut expected = host(expected);
        expected.containers.get_or_insert_default();
        assert_eq!(fleet.cut("one").unwrap(), expected, "{text}");
        let value = read_value(from_yaml(text).unwrap(), Some("one"));
        assert_eq!(value.document, Some(Document::Fleet(fleet)), "{text}");
    }
}

/// What is wrong with old data is said of the old keys.
const WRONG: &[(&str, &[super::Expected])] = &[
    (
        "dockerhosts_dhcp:\n  a: {host: one, ip: 10.0.1.4/24, image: wick}\n  b: {host: one, ip: 10.0.1.4/24, img: x}\n\
         wicki: {ports: []}",
        &[
            (2, "dockerhosts_dhcp.a.image", "did you mean `wicki`?"),
            (3, "dockerhosts_dhcp.b.ip", "is given to"),
            (3, "dockerhosts_dhcp.b.img", "did you mean `image`?"),
        ],
    ),
    (
        "docker_hosts_weave_dhcp:\n- {hostname: one, ip: 10.0.0.1}\n- {ip: 10.0.0.2/16}\n- {hostname: one}\n\
         weave::docker_cluster_peers: 192.0.2.1",
        &[
            (2, "docker_hosts_weave_dhcp[0].ip", "has no prefix length"),
            (3, "docker_hosts_weave_dhcp[1]", "has no hostname"),
            (4, "docker_hosts_weave_dhcp[2].hostname", "`one` is given twice"),
        ],
    ),
    (
        "docker_hosts_weave_dhcp: [{hostname: one, ip: 10.0.0.1/16}]\nweave::docker_host_weave_ip: 10.0.0.2/16",
        &[(2, "weave::docker_host_weave_ip", "is not what docker_hosts_weave_dhcp gives one")],
    ),
    (
        "weave::docker_cluster_peer: x\nweave::ensure: gone\nweave::other::thing: 1\nweave::script: /opt/weave\n\
         dockerhost_dchp: {}\nother_dhcp: {}",
        &[
            (1, "weave::docker_cluster_peer", "did you mean `weave::docker_cluster_peers`?"),
            (2, "weave::ensure", "`gone` is not known"),
            (3, "~weave::other::thing", "is left alone"),
            (4, "~weave::script", "is not used"),
        ],
    ),
    (
        "dockerhosts_dhcp: {a: {host: one, hostname: b, ip: 10.0.1.4/24}}\ndocker_hosts_weave_dhcp: {}\n\
         dockerhost_dhcp: []",
        &[
            (1, "~dockerhosts_dhcp.a.hostname", "the container is called a, by its key"),
            (2, "docker_hosts_weave_dhcp", "is no list"),
            (3, "dockerhost_dhcp", "is no map"),
        ],
    ),
    ("dockerhost_dhcp: {}\ndockerhostz_dhcp: {}", &[(2, "dockerhostz_dhcp", "did you mean")]),
];

#[test]
fn what_is_wrong_with_old_data_is_said_of_the_old_keys() {
    let mut wrong = Vec::new();
    for (text, expected) in WRONG {
        if let Err(found) = compare(&read_document("fleet.yaml", text, Some("one")).findings, expected) {
            wrong.push(format!("{text}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_address_of_nobody_in_particular_is_refused() {
    let text = "weave::docker_host_weave_ip: 10.0.0.1/16\ndockerhosts_dhcp: {}\nweave::ensure: present\n";
    let findings = read_document("fleet.yaml", text, None).findings;
    let (nowhere, placed): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.line.is_none());
    compare(&placed, &[(1, "weave::docker_host_weave_ip", "it is not said whose")]).unwrap();
    assert!(nowhere.iter().all(|finding| finding.message.starts_with("no host is named")), "{nowhere:?}");
}

#[test]
fn a_machine_that_is_not_listed_is_no_host_unless_it_has_data_of_its_own() {
    let listed =
        "docker_hosts_weave_dhcp: [{hostname: one, ip: 10.0.0.1/16}]\nweave::docker_cluster_peers: 192.0.2.1\n";
    let hosts = |text: &str| match read_document("fleet.yaml", text, Some("two")).accept().unwrap().0 {
        Document::Fleet(fleet) => fleet.hosts.into_keys().collect::<Vec<_>>().join(" "),
        other => panic!("{other:?}"),
    };
    assert_eq!(hosts(listed), "one");
    assert_eq!(hosts(&format!("{listed}weave::docker_host_weave_ip: 10.0.0.2/16\n")), "one two");
    assert_eq!(hosts("weave::docker_cluster_peers: 192.0.2.1\n"), "two");
}

#[test]
fn of_a_key_that_several_files_have_the_first_counts() {
    let special = "weave::docker_cluster_peers: 192.0.2.1\nx: {docker_run_opts: [-t]}\n";
    let general = "weave::docker_cluster_peers: 192.0.2.2\nx: {ports: [-P]}\nweave::ensure: absent\n\
                   dockerhosts_dhcp: {c: {host: one, image: x, ip: 10.0.1.4/24}}\n";
    let (fleet, _) = read_hierarchy(&[("a", special), ("b", general)], Some("one")).accept().unwrap();
    let expected = "ensure: absent\nrouter: {}\npeers: [192.0.2.1]\n\
                    containers: {c: {ip: 10.0.1.4/24, image: x, options: [-t]}}";
    assert_eq!(fleet.cut("one").unwrap(), host(expected));
    let broken = [("a", special), ("b", "weave::ensure: [\n"), ("c", "weave::ensure: gone\n")];
    let places: Vec<_> = read_hierarchy(&broken, Some("one")).findings.iter().map(|finding| finding.place()).collect();
    assert_eq!(places, ["b:1:16", "c:1:16"]);
}

#[test]
fn image_and_container_of_old_are_the_routers_that_is_one_in_a_container() {
    for (old, expected, unused) in [
        ("weave::image: zettio/weave\nweave::router: {kind: image}", "{kind: image, image: zettio/weave}", 0),
        (
            "weave::image: zettio/weave\nweave::weave_image_tag: '0.8'\nweave::container: w2\nweave::router: {kind: image}",
            "{kind: image, image: 'zettio/weave:0.8', name: w2}",
            0,
        ),
        (
            "weave::weave_image: 'registry:5000/weave:1'\nweave::weave_image_tag: '2'\nweave::router: {kind: image}",
            "{kind: image, image: 'registry:5000/weave:1'}",
            1,
        ),
        (
            "weave::image: zettio/weave:0.8\nweave::router: {kind: image, image: 'weaveworks/weave:2.8.1', name: w3}",
            "{kind: image, image: 'weaveworks/weave:2.8.1', name: w3}",
            1,
        ),
        ("weave::image: zettio/weave:0.8\nweave::router: {mtu: 1400}", "{mtu: 1400}", 1),
    ] {
        let text = format!("{old}\nweave::docker_cluster_peers: 192.0.2.1\n");
        let (fleet, warnings) = read_hierarchy(&[("a", &text)], Some("one")).accept().unwrap();
        assert_eq!(fleet.cut("one").unwrap().router, host(&format!("router: {expected}")).router, "{old}");
        assert_eq!(warnings.len(), unused, "{old}: {warnings:?}");
    }
}
