//! What options say against their container's own fields, against each other's ports, and of containers that are not
//! there.

use weave_core::spec::fleet::{read_fleet, read_host};
use weave_core::spec::run::Pull;
use weave_core::spec::{ContainerRef, HostDocument, Options};

use super::{Expected, compare, fleet};

const TAKEN: &str = "of the host is published by containers.a too; allowed: each port once";

/// Containers of one host from line 2 on.
const HOST: &[(&str, &[Expected])] = &[
    // A name of its own.
    ("a: {image: x, options: '--name=\"a\" -d'}", &[]),
    ("a: {image: x, options: {name: /a}}", &[]),
    (
        "a: {image: x, options: '--name b'}",
        &[(2, "containers.a.options", "`--name b` is not `a`, the name that the container has here")],
    ),
    // When its image is pulled.
    ("a: {image: x, options: --pull always}", &[]),
    ("a: {image: x, pull: always, options: --pull=always}", &[]),
    (
        "a: {image: x, pull: never, options: --pull always}",
        &[(2, "containers.a.pull", "`never` contradicts `--pull always` of the options")],
    ),
    ("a: {image: x, options: --pull sometimes}", &[(2, "containers.a.options", "allowed: always, missing, never")]),
    // Removed as it stops.
    ("a: {image: x, options: --rm}", &[]),
    ("a: {image: x, options: --rm, state: created}", &[]),
    ("a: {image: x, options: --rm, state: stopped}", &[(2, "containers.a.state", "exclude each other")]),
    ("a: {image: x, options: --rm --restart always}", &[(2, "containers.a.options", "`--rm` and `--restart` exclude")]),
    // What only the client would do.
    ("a: {image: x, options: -dit --detach-keys ctrl-a --sig-proxy=false}", &[]),
    ("a: {image: x, options: --cidfile /tmp/a}", &[(2, "containers.a.options", "allowed: a name, by which the id")]),
    ("a: {image: x, options: -a stdout}", &[(2, "containers.a.options", "allowed: `docker attach`")]),
    // Ports.
    (
        "a: {image: x, options: -p 80:80}\n  b: {image: x, options: -p 80:8080}\n  c: {image: x, options: [-d, -p 80:1]}",
        &[
            (3, "containers.b.options", "port 80/tcp of the host is published by containers.a too"),
            (4, "containers.c.options", TAKEN),
        ],
    ),
    (
        "a: {image: x, options: -p 8000-8010:8000-8010}\n  b: {image: x, options: -p 8009-8012:1-4 -p 8000:9}",
        &[
            (3, "containers.b.options", "port 8009-8010/tcp of the host"),
            (3, "containers.b.options", "port 8000/tcp of the host"),
        ],
    ),
    ("a: {image: x, options: -p 53:53}\n  b: {image: x, options: -p 53:53/udp}", &[]),
    ("a: {image: x, options: -p 127.0.0.1:80:80}\n  b: {image: x, options: -p 127.0.0.2:80:80}", &[]),
    (
        "a: {image: x, options: -p 127.0.0.1:80:80}\n  b: {image: x, options: -p 0.0.0.0:80:80}",
        &[(3, "containers.b.options", TAKEN)],
    ),
    ("a: {image: x, options: '-p [::1]:80:80'}\n  b: {image: x, options: -p 0.0.0.0:80:80}", &[]),
    (
        "a: {image: x, options: '-p [::1]:80:80'}\n  b: {image: x, options: {publish: ['80:80']}}",
        &[(3, "containers.b.options", TAKEN)],
    ),
    // What the engine chooses, what does not run, and what is not passed on.
    ("a: {image: x, options: -p 80}\n  b: {image: x, options: -p 80}\n  c: {image: x, options: -p 0:80}", &[]),
    ("a: {image: x, options: -p 8000-8010:80}\n  b: {image: x, options: -p 8000-8010:80}", &[]),
    ("a: {image: x, options: -p 80:80}\n  b: {image: x, options: -p 80:80, state: stopped}", &[]),
    ("a: {image: x, options: -p 80:80}\n  b: {image: x, options: -p 80:80, ensure: absent}", &[]),
    ("a: {image: x, options: -p 80:80}\n  b: {image: x, options: -p 80:80 --net host}", &[]),
    // Others that have to be there.
    ("a: {image: x, options: '--link b:base --volumes-from b:ro'}\n  b: {image: x, options: '--net container:a'}", &[]),
    (
        "a: {image: x, options: --link b --volumes-from c:ro}\n  d: {image: x, options: --net container:e}",
        &[
            (2, "~containers.a.options", "`b`, which `--link` names, is no container of this document"),
            (2, "~containers.a.options", "`c`, which `--volumes-from` names"),
            (3, "~containers.d.options", "`e`, which `--network` names"),
        ],
    ),
];

#[test]
fn everything_wrong_between_containers_of_a_host_is_found_at_once() {
    let mut wrong = Vec::new();
    for (text, expected) in HOST {
        let text = format!("containers:\n  {text}\n");
        if let Err(found) = compare(&read_host("fleet.yaml", &text).findings, expected) {
            wrong.push(format!("{text}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn containers_of_a_fleet_meet_only_on_their_own_host() {
    let text = "hosts: {one: {address: 192.0.2.1}, two: {address: 192.0.2.2}}
containers:
  a: {host: one, image: web}
  b: {host: two, image: web}
  c: {host: one.example.com, image: web, options: --link b}
  d: {host: one, image: web, options: '--name=e'}
  e: {host: three, image: web}
images:
  web: {image: 'x:1', ports: ['-p 80:80'], docker_run_opts: ['--name=\"DOMAIN\"']}
";
    let expected: &[Expected] = &[
        (5, "containers.c.options", TAKEN),
        (5, "~containers.c.options", "`b`, which `--link` names, is on two, and is not reached from here"),
        (6, "containers.d.options", TAKEN),
        (6, "containers.d.options", "`--name e` is not `d`"),
        (7, "containers.e.host", "`three` is none of the hosts"),
    ];
    let mut found = read_fleet("fleet.yaml", text).findings;
    found.sort_by(|one, other| (one.line, &one.message).cmp(&(other.line, &other.message)));
    let mut expected = expected.to_vec();
    expected.swap(0, 1);
    expected.swap(2, 3);
    compare(&found, &expected).unwrap();
}

#[test]
fn options_of_the_client_become_fields() {
    let document = |text: &str| weave_core::spec::from_yaml::<HostDocument>(text).unwrap();
    let run = |document: &HostDocument| {
        let name = ContainerRef::Container("a".into());
        document.containers.as_ref().unwrap().0[&name].run(&name).unwrap()
    };
    let settings = run(&document("containers: {a: {image: x, options: '--name a --pull always --rm -d'}}"));
    assert_eq!(settings.pull, Pull::Always);
    assert_eq!(settings.options, Options { rm: Some(true), ..Options::default() });
    assert_eq!(run(&document("containers: {a: {image: x, options: -d}}")).pull, Pull::Missing);
    let fleet =
        fleet("hosts: {one: {}}\ncontainers: {a: {host: one, image: pg}}\nimages: {pg: {options: --pull=never}}");
    assert_eq!(run(&fleet.cut("one").unwrap()).pull, Pull::Never);
}
