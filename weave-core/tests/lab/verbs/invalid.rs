//! Values that cannot be meant: each field with at least one, on the command line and in documents.

use super::{Refusal, Site, name, refusal, refused, weave_with_input, write};

/// What is wrong, where, and words that say so.
type Case<'a> = (&'a str, &'a str, &'a [&'a str]);

#[test]
fn wrong_fields_of_documents() {
    let site = Site::launched();
    let cases: &[Case] = &[
        ("peer: [192.0.2.3]", "peer", &["`peer` is no field here", "did you mean `peers`?"]),
        ("Containers: {}", "Containers", &["allowed: ", "containers"]),
        ("router: {prot: 6784}", "router.prot", &["did you mean `port`?"]),
        ("firewall: {managed: true}", "firewall.managed", &["did you mean `manage`?"]),
        ("expose: [{ip: 10.2.1.1/24, masq: no}]", "expose[0].masq", &["masquerade"]),
        (
            "containers: {web: {ip: 10.2.1.4/24, gatway: 10.2.1.1}}",
            "containers.web.gatway",
            &["did you mean `gateway`?"],
        ),
        ("ensure: gone", "ensure", &["`gone`", "present", "absent"]),
        ("ensure: presnt", "ensure", &["did you mean `present`?"]),
        ("router: {kind: vlan}", "router.kind", &["`vlan`", "did you mean `vxlan`?"]),
        ("router: {port: 0}", "router.port", &["0 is no port", "1 to 65535"]),
        ("router: {port: 65536}", "router.port", &["65536", "1 to 65535"]),
        ("router: {port: weave}", "router.port", &["weave", "1 to 65535"]),
        ("router: {port: 6783.5}", "router.port", &["6783.5"]),
        ("router: {vni: 0}", "router.vni", &["0 is out of range", "1 to 16777215"]),
        ("router: {vni: 16777216}", "router.vni", &["16777216", "1 to 16777215"]),
        ("router: {mtu: 67}", "router.mtu", &["67 is out of range", "auto, or 68 to 65535"]),
        ("router: {mtu: 65536}", "router.mtu", &["65536"]),
        ("router: {mtu: big}", "router.mtu", &["`big` is no MTU"]),
        ("router: {kind: vxlan, nickname: one}", "router.nickname", &["`kind: image`"]),
        ("router: {password_file: password}", "router.password_file", &["no absolute path", "/etc/weave/password"]),
        ("router: {underlay: 'eth 0'}", "router.underlay", &["`eth 0`", "allowed: auto, an address"]),
        ("router: {underlay: 0.0.0.0}", "router.underlay", &["not the address of one host"]),
        ("router: {underlay: 192.0.2.0/33}", "router.underlay", &["`192.0.2.0/33` is no network"]),
        ("router: {bridge: a-name-that-is-too-long}", "router.bridge", &["1 to 15 letters"]),
        ("router: {bridge: a/b}", "router.bridge", &["`a/b` is no interface name"]),
        ("router: {bridge: vxlan-1}", "router.bridge", &["a name for tunnels"]),
        ("router: 5", "router", &["5"]),
        ("peers: [300.0.2.3]", "peers[0]", &["`300.0.2.3` is a mistyped address"]),
        ("peers: [192.0.2.3, '192.0.2.4:0']", "peers[1]", &["port 0"]),
        ("peers: [224.0.0.1]", "peers[0]", &["not the address of one host"]),
        ("peers: ['fe80::1']", "peers[0]", &["link-local"]),
        ("peers: [-host]", "peers[0]", &["neither an address nor a host name"]),
        ("peers: '192.0.2.3 192.0.2'", "peers[1]", &["`192.0.2` is a mistyped address"]),
        ("peers: {a: b}", "peers", &["is no list"]),
        ("expose: [10.2.1.1]", "expose[0]", &["`10.2.1.1` has no prefix length", "10.2.1.4/24"]),
        ("expose: [{ip: 10.2.1.1/24, masquerade: maybe}]", "expose[0].masquerade", &["maybe"]),
        ("firewall: {manage: 7}", "firewall.manage", &["7"]),
    ];
    all_refused(&site, cases);
}

#[test]
fn wrong_fields_of_containers_in_documents() {
    let site = Site::launched();
    let cases: &[Case] = &[
        ("{ips: [10.2.1.4]}", "ips[0]", &["`10.2.1.4` has no prefix length"]),
        ("{ips: [10.2.1.400/24]}", "ips[0]", &["`10.2.1.400/24` is not an address"]),
        ("{ips: [10.2.1.255/24]}", "ips[0]", &["is the broadcast address"]),
        ("{ips: [127.0.0.1/8]}", "ips[0]", &["no address that a host can have"]),
        ("{ips: ['net:10.2.1.4/24']}", "ips[0]", &["bits set behind its prefix", "net:default"]),
        ("{ips: [10.2.1.4/24, 10.2.1.4/16]}", "ips[1]", &["the same address"]),
        ("{}", "", &["ips"]),
        ("{ips: [10.2.1.4/24], interface: a/b}", "interface", &["`a/b` is no interface name"]),
        ("{ips: [10.2.1.4/24], interface: lo}", "interface", &["loopback"]),
        ("{ips: [10.2.1.4/24], mtu: 1}", "mtu", &["1 is out of range"]),
        ("{ips: ['fd00::4/64'], mtu: 1279}", "mtu", &["1279 is too small for IPv6", "1280"]),
        ("{ips: [10.2.1.4/24], mac: '0a:57'}", "mac", &["`0a:57` is not an Ethernet address"]),
        ("{ips: [10.2.1.4/24], mac: '01:00:5e:00:00:01'}", "mac", &["multicast"]),
        ("{ips: [10.2.1.4/24], gateway: 10.9.0.1}", "gateway", &["10.9.0.1 is in no network of `ips`"]),
        ("{ips: [10.2.1.4/24], gateway: 10.2.1.4}", "gateway", &["the container's own address"]),
        ("{ips: [10.2.1.4/24], gateway: up}", "gateway", &["up"]),
        ("{ips: [10.2.1.4/24], routes: [10.9.0.1/16]}", "routes[0]", &["bits set behind its prefix", "10.9.0.0/16"]),
        ("{ips: [10.2.1.4/24], routes: [0.0.0.0/0 via 10.2.1.1]}", "routes[0]", &["`gateway`"]),
        ("{ips: [10.2.1.4/24], routes: [10.9.0.0/16 via 10.7.0.1]}", "routes[0]", &["10.7.0.1 is in no network"]),
        ("{ips: [10.2.1.4/24], routes: [10.9.0.0/16 via 'fd00::1']}", "routes[0]", &[]),
        ("{ips: [10.2.1.4/24], routes: ['fd01::/64']}", "routes[0]", &["another family than all of `ips`"]),
        ("{ips: [10.2.1.4/24], multicast: 5}", "multicast", &["5"]),
        ("{ips: [10.2.1.4/24], probe: perhaps}", "probe", &["perhaps"]),
    ];
    let target = name(&site.web);
    let whole: Vec<_> = cases
        .iter()
        .map(|(text, field, words)| {
            let subject = format!("containers.{target}{}{field}", if field.is_empty() { "" } else { "." });
            (format!("containers: {{'{target}': {text}}}"), subject, *words)
        })
        .collect();
    let whole: Vec<Case> = whole.iter().map(|(text, field, words)| (text.as_str(), field.as_str(), *words)).collect();
    all_refused(&site, &whole);
}

/// All in one scene: whatever one of them touched would show.
#[track_caller]
fn all_refused(site: &Site, cases: &[Case]) {
    let before = site.scene().look();
    for (document, subject, words) in cases {
        // The container need not exist: what is written is judged first.
        let error = refused(&site.host, &["apply", &write(&site.host, document)]);
        assert_eq!((error.kind.as_str(), error.subject.as_str()), ("invalid_spec", *subject), "{document}: {error:?}");
        error.says("invalid_spec", subject, words);
    }
    site.scene().is_still(&before);
}

#[test]
fn documents_that_are_none() {
    let site = Site::launched();
    let before = site.scene().look();
    let (one, two) = (name(&site.web), name(&site.db));
    let cases = [
        ("peers: [".to_owned(), "document", "is no YAML"),
        ("- peers".to_owned(), "document", "is no map of fields"),
        ("just text".to_owned(), "document", "is no map of fields"),
        ("peers: []\npeers: []\n".to_owned(), "peers", "is given twice"),
        (
            format!("containers: {{'{one}': {{ip: 10.2.1.4/24}}, '{two}': {{ip: 10.2.1.4/16}}}}"),
            "",
            "each address once",
        ),
        (format!("expose: [10.2.1.4/24]\ncontainers: {{'{one}': {{ip: 10.2.1.4/24}}}}"), "", "each address once"),
        ("containers: {'a b': {ip: 10.2.1.4/24}}".to_owned(), "containers", "`a b` is no name of a container"),
        ("containers: {'pid:0': {ip: 10.2.1.4/24}}".to_owned(), "containers", "no process number"),
        ("containers: {'netns:./x': {ip: 10.2.1.4/24}}".to_owned(), "containers", "not absolute"),
    ];
    for (document, subject, word) in &cases {
        let check = |error: Refusal| {
            assert_eq!(error.kind, "invalid_spec", "{document}: {error:?}");
            assert!(error.subject.contains(subject) && error.message.contains(word), "{document}: {error:?}");
        };
        check(refused(&site.host, &["apply", &write(&site.host, document)]));
        check(refusal(&weave_with_input(&site.host, &["--json", "apply", "-"], document)));
    }
    let missing = site.lab.dir().join("missing.yaml");
    let missing = missing.to_str().expect("a path in UTF-8");
    refused(&site.host, &["apply", missing]).says("not_found", missing, &["there is no such file"]);
    site.scene().is_still(&before);
}

#[test]
fn wrong_words_on_the_command_line() {
    let site = Site::launched();
    let before = site.scene().look();
    let target = name(&site.web);
    let cases: &[(&[&str], &str, &str)] = &[
        (&["launch", "--port", "0"], "port", "1 to 65535"),
        (&["launch", "--port", "65536"], "port", "65536"),
        (&["launch", "--vni", "0"], "vni", "1 to 16777215"),
        (&["launch", "--mtu", "67"], "mtu", "68 to 65535"),
        (&["launch", "--mtu", "big"], "mtu", "`big` is no MTU"),
        (&["launch", "--underlay", "a b"], "underlay", "allowed: auto"),
        (&["launch", "--bridge", "a/b"], "bridge", "`a/b` is no interface name"),
        (&["launch", "--kind", "vxlan", "--image", "weaveworks/weave:2.8.1"], "image", "`kind: image`"),
        (&["launch", "--kind", "image", "--vni", "7"], "vni", "`kind: vxlan`"),
        (&["launch", "--kind", "image", "--ipalloc-range", "10.32.0.0/31"], "ipalloc_range", "at most /30"),
        (&["launch", "--kind", "image", "--", "--mtu=1400"], "args[0]", "the setting `mtu`"),
        (&["launch", "300.1.2.3"], "peers[0]", "mistyped address"),
        (&["connect", "192.0.2.3", "a_b!"], "peers[1]", "neither an address nor a host name"),
        (&["forget", "192.0.2.2:0"], "peers[0]", "port 0"),
        (&["attach", "10.2.1.4", &target], "ips[0]", "has no prefix length"),
        (&["attach", "10.2.1.4/24", "10.2.1.4/16", &target], "ips[1]", "the same address"),
        (&["attach", "net:10.2.1.0/31", &target], "ips[0]", "no two addresses"),
        (&["detach", "net:default", &target], "ips[0]", "allocated"),
        (&["attach", "10.2.1.4/24", "a b"], "container", "no name of a container"),
        (&["attach", "--mac", "xx", "10.2.1.4/24", &target], "mac", "not an Ethernet address"),
        (&["attach", "--mtu", "1", "10.2.1.4/24", &target], "mtu", "out of range"),
        (&["attach", "--interface", "lo", "10.2.1.4/24", &target], "interface", "loopback"),
        (&["attach", "--gateway", "10.9.0.1", "10.2.1.4/24", &target], "gateway", "in no network"),
        (&["attach", "--route", "10.9.0.1/16", "10.2.1.4/24", &target], "route", "10.9.0.0/16"),
        (&["detach", "10.2.1.400/24", &target], "ips[0]", "not an address"),
        (&["hide", "10.2.1.1"], "ips[0]", "has no prefix length"),
    ];
    for (args, subject, word) in cases {
        let error = refused(&site.host, args);
        assert_eq!((error.kind.as_str(), error.subject.as_str()), ("invalid_spec", *subject), "{args:?}: {error:?}");
        error.says("invalid_spec", subject, &[word]);
    }
    site.scene().is_still(&before);
}
