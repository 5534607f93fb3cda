use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::ErrorKind;
use crate::cli::args::Cli;

#[derive(Default)]
struct Given(Vec<(&'static str, &'static str)>);

impl Surroundings for Given {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn hostname(&self) -> String {
        "dockerhost001.example.com".to_owned()
    }

    fn text(&self, file: &str) -> Result<String> {
        self.variable(file).ok_or_else(|| Error::new(ErrorKind::NotFound, file, "there is no such file"))
    }
}

fn parse(line: &str, given: &Given) -> Result<Operation> {
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
    operation(&cli.verb, given)
}

/// What of the operation is not its default.
fn told(line: &str, given: &Given) -> Value {
    let operation = parse(line, given).unwrap_or_else(|error| panic!("{line}: {error:?}"));
    serde_json::to_value(operation).expect("serialises")
}

fn attach(ips: &[&str], more: Value) -> Value {
    let mut value = json!({
        "operation": "attach", "container": "c1", "ips": ips, "interface": "ethwe", "multicast": true, "probe": true,
    });
    if let (Some(all), Some(more)) = (value.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    value
}

#[test]
fn classic_invocations() {
    let table = [
        (
            "weave migrate web --to ssh://root@b --binds --keep-source --timeout 5",
            json!({
                "operation": "migrate", "name": "web", "to": "ssh://root@b", "insecure": false, "volumes": true,
                "binds": true, "changes": true, "live_copy": true, "timeout": 5, "remove_source": false, "undo": false,
            }),
        ),
        ("weave announce c1", json!({"operation": "announce", "container": "c1"})),
        ("weave announce 10.2.1.4/24", json!({"operation": "announce", "ips": ["10.2.1.4/24"]})),
        ("weave announce 10.2.1.4/24 c1", json!({"operation": "announce", "container": "c1", "ips": ["10.2.1.4/24"]})),
        (
            "weave install-units --no-start",
            json!({
                "operation": "install_units", "file": "/etc/weave/host.yaml", "enable": true, "start": false,
                "state": "present",
            }),
        ),
        (
            "weave install-units --no-enable --host one --program /opt/weave /srv/fleet.yaml",
            json!({
                "operation": "install_units", "file": "/srv/fleet.yaml", "host": "one", "program": "/opt/weave",
                "enable": false, "start": true, "state": "present",
            }),
        ),
        (
            "weave install-units --remove",
            json!({
                "operation": "install_units", "file": "/etc/weave/host.yaml", "enable": true, "start": true,
                "state": "absent",
            }),
        ),
        (
            "weave run --attach before_start 10.2.1.4/24 --name web --memory 64m nginx sleep 1",
            json!({
                "operation": "run", "name": "web", "ips": ["10.2.1.4/24"], "image": "nginx", "attach": "before_start",
                "command": ["sleep", "1"], "options": {"memory": "64m"},
            }),
        ),
        (
            "weave run --attach=after_start --name web nginx",
            json!({"operation": "run", "name": "web", "image": "nginx", "options": {}}),
        ),
        ("weave launch", json!({"operation": "launch"})),
        ("weave launch 192.0.2.1 host2:6784", json!({"operation": "launch", "peers": ["192.0.2.1", "host2:6784"]})),
        (
            "weave launch --port 6784 --vni 7 --mtu auto --host 192.0.2.1 --bridge br0 --no-firewall",
            json!({
                "operation": "launch", "port": 6784, "vni": 7, "mtu": "auto", "underlay": "192.0.2.1",
                "bridge": "br0", "firewall": {"manage": false},
            }),
        ),
        (
            "weave launch --kind image --image weaveworks/weave:2.8.1 --name w2 --pull always --docker-options --memory=1g \
             --password-file /etc/weave/password --trusted-subnets 10.0.0.0/8,192.0.2.0/24 --nickname one \
             --peer-name 02:00:00:00:00:01 --ipalloc-range 10.32.0.0/12 --ipalloc-default-subnet 10.32.1.0/24 \
             --no-discovery --control-port 6790 host2:6783 -- --log-level=debug --plugin",
            json!({
                "operation": "launch", "kind": "image", "image": "weaveworks/weave:2.8.1", "name": "w2",
                "pull": "always", "docker_options": {"memory": "1g"}, "password_file": "/etc/weave/password",
                "trusted_subnets": ["10.0.0.0/8", "192.0.2.0/24"], "nickname": "one",
                "peer_name": "02:00:00:00:00:01", "ipalloc_range": "10.32.0.0/12",
                "ipalloc_default_subnet": "10.32.1.0/24", "discovery": false, "control_port": 6790,
                "peers": ["host2:6783"], "args": ["--log-level=debug", "--plugin"],
            }),
        ),
        ("weave launch --no-discovery --discovery", json!({"operation": "launch", "discovery": true})),
        ("weave launch --no-firewall --firewall", json!({"operation": "launch", "firewall": {"manage": true}})),
        ("weave connect --replace 192.0.2.2", json!({"operation": "connect", "peers": ["192.0.2.2"], "replace": true})),
        ("weave connect 192.0.2.2", json!({"operation": "connect", "peers": ["192.0.2.2"], "replace": false})),
        ("weave forget 192.0.2.2 host3", json!({"operation": "forget", "peers": ["192.0.2.2", "host3"]})),
        ("weave expose 10.2.1.1/24", json!({"operation": "expose", "ips": ["10.2.1.1/24"], "masquerade": true})),
        (
            "weave expose 10.2.1.1/24 --without-masquerade",
            json!({"operation": "expose", "ips": ["10.2.1.1/24"], "masquerade": false}),
        ),
        ("weave hide", json!({"operation": "hide"})),
        ("weave ps weave:expose c1", json!({"operation": "ps", "containers": ["weave:expose", "c1"]})),
        ("weave --check --json -q status", json!({"operation": "status"})),
        ("weave status targets", json!({"operation": "status"})),
        ("weave status --latest", json!({"operation": "status", "latest": true})),
        ("weave stop", json!({"operation": "stop"})),
        ("weave reset --check", json!({"operation": "reset"})),
        ("weave version", json!({"operation": "version"})),
        ("weave preflight", json!({"operation": "preflight"})),
    ];
    for (line, expected) in table {
        assert_eq!(told(line, &Given::default()), expected, "{line}");
    }
}

#[test]
fn attachments() {
    let table = [
        ("weave attach 10.2.1.4/24 c1", attach(&["10.2.1.4/24"], json!({}))),
        ("weave attach ip:10.2.1.4/24 ip:10.2.2.4/24 c1", attach(&["10.2.1.4/24", "10.2.2.4/24"], json!({}))),
        ("weave attach c1", attach(&["net:default"], json!({}))),
        ("weave attach net:10.2.1.0/24 10.2.2.4/24 c1", attach(&["10.2.2.4/24", "net:10.2.1.0/24"], json!({}))),
        ("weave attach 10.2.1.4/24 --no-multicast-route c1", attach(&["10.2.1.4/24"], json!({"multicast": false}))),
        (
            "weave attach --no-multicast --no-probe --mtu 1400 --interface eth1 10.2.1.4/24 c1",
            attach(&["10.2.1.4/24"], json!({"multicast": false, "probe": false, "mtu": 1400, "interface": "eth1"})),
        ),
        (
            "weave attach 10.2.1.4/24 c1 --gateway 10.2.1.1 --route 10.9.0.0/16 --route 10.8.0.0/16",
            attach(&["10.2.1.4/24"], json!({"gateway": "10.2.1.1", "routes": ["10.9.0.0/16", "10.8.0.0/16"]})),
        ),
        (
            "weave detach 10.2.1.4/24 c1",
            json!({"operation": "detach", "container": "c1", "ips": ["10.2.1.4/24"], "interface": "ethwe"}),
        ),
        (
            "weave detach netns:/run/netns/c1",
            json!({"operation": "detach", "container": "netns:/run/netns/c1", "interface": "ethwe"}),
        ),
    ];
    for (line, expected) in table {
        assert_eq!(told(line, &Given::default()), expected, "{line}");
    }
}

#[test]
fn published_ports() {
    let table = [
        ("weave publish 8080:80 web", json!({"operation": "publish", "host_port": 8080, "to": "web", "port": 80})),
        (
            "weave publish --udp --host-ip 192.0.2.1 --without-masquerade 53 10.2.1.4",
            json!({
                "operation": "publish", "host_port": 53, "to": "10.2.1.4", "port": 53, "protocol": "udp",
                "host_ip": "192.0.2.1", "masquerade": false,
            }),
        ),
        (
            "weave publish --protocol SCTP 7 fd00::4",
            json!({
                "operation": "publish", "host_port": 7, "to": "fd00::4", "port": 7, "protocol": "sctp",
            }),
        ),
        ("weave unpublish 8080", json!({"operation": "unpublish", "host_port": 8080})),
        (
            "weave unpublish --sctp --host-ip 192.0.2.1 8080",
            json!({"operation": "unpublish", "host_port": 8080, "protocol": "sctp", "host_ip": "192.0.2.1"}),
        ),
    ];
    for (line, expected) in table {
        assert_eq!(told(line, &Given::default()), expected, "{line}");
    }
}

#[test]
fn a_document_is_read_from_its_file() {
    let given = Given(vec![("host.yaml", "peers: 192.0.2.1 192.0.2.2\n"), ("-", "{\"ensure\": \"absent\"}")]);
    assert_eq!(
        told("weave apply host.yaml", &given),
        json!({"operation": "apply", "document": {"ensure": "present", "peers": ["192.0.2.1", "192.0.2.2"]}}),
    );
    assert_eq!(told("weave apply -", &given), json!({"operation": "apply", "document": {"ensure": "absent"}}));
    let old = Given(vec![
        ("node.yaml", "weave::docker_host_weave_ip: 10.0.0.1/16\n"),
        ("dhcp.yaml", "---\nweave::docker_cluster_peers: '192.0.2.1 192.0.2.2'\n"),
        ("images.yaml", "---\npg: {docker_run_opts: [-d]}\n"),
    ]);
    let told_of = told("weave apply --host one node.yaml dhcp.yaml images.yaml", &old);
    assert_eq!(told_of["document"]["peers"], json!(["192.0.2.1", "192.0.2.2"]), "{told_of:#}");
    assert_eq!(told_of["document"]["hosts"]["one"]["weave_ip"], json!(["10.0.0.1/16"]), "{told_of:#}");
    assert_eq!(told_of["document"]["images"]["pg"]["docker_run_opts"], json!(["-d"]), "{told_of:#}");
    let error = parse("weave apply host.yaml -", &given).expect_err("two documents");
    assert!(error.to_string().contains("host.yaml, - are no data of the 2014 Puppet module"), "{error}");
    let error = parse("weave apply none.yaml", &given).expect_err("missing");
    assert_eq!(error.to_string(), "apply: none.yaml: there is no such file");
}

#[test]
fn launch_takes_the_classic_variables_where_no_option_is_given() {
    let given = Given(vec![("WEAVE_PORT", "6785"), ("WEAVE_MTU", "1300")]);
    assert_eq!(told("weave launch", &given), json!({"operation": "launch", "port": 6785, "mtu": 1300}));
    assert_eq!(told("weave launch --port 1 --mtu 2", &given), json!({"operation": "launch", "port": 1, "mtu": 2}));
    let given = Given(vec![("WEAVE_PORT", "x")]);
    let error = parse("weave launch", &given).expect_err("no port");
    assert_eq!(error.to_string(), "launch: WEAVE_PORT: `x` is no port; allowed: 1 to 65535");
}

#[test]
fn wrong_words_are_answered_with_the_right_ones() {
    let table = [
        (
            "weave attach c1 10.2.1.4/24",
            "attach: container: the container comes last",
            "addresses first, the container last: `weave attach 10.2.1.4/24 c1`",
        ),
        (
            "weave detach c1 10.2.1.4/24 ip:10.2.2.4/24",
            "detach: container: the container comes last",
            "addresses first, the container last: `weave detach 10.2.1.4/24 ip:10.2.2.4/24 c1`",
        ),
        (
            "weave attach 10.2.1.4/24",
            "attach: container: the last word is the container, and `10.2.1.4/24` is an address",
            "addresses first, the container last: `weave attach 10.2.1.4/24 CONTAINER`",
        ),
        (
            "weave attach net:here c1",
            "attach: ips[0]: `net:here` has no prefix length; allowed: net:default, or net: and a network \
             (net:10.2.1.0/24)",
            "addresses first, then one container",
        ),
        (
            "weave detach net:default c1",
            "detach: ips[0]: `net:default` asks for an allocated address; allowed: an address and a prefix length such as \
             10.2.1.4/24 or fd00::4/64",
            "an address is allocated for a container only: `weave attach net:default CONTAINER`",
        ),
        (
            "weave launch --kind image --trusted-subnets 10.0.0.0/8,here",
            "launch: trusted_subnets[1]: `here` has no prefix length; allowed: a network such as 10.0.0.0/16 or fd00::/64",
            "",
        ),
        (
            "weave launch --kind image --docker-options --memry=1g",
            "launch: docker_options: --memry: `--memry` is no option here; did you mean `--memory`?; allowed: the options of \
             `docker run`",
            "",
        ),
        (
            "weave attach 10.2.1.4 c1",
            "attach: ips[0]: `10.2.1.4` has no prefix length; allowed: an address and a prefix length such as 10.2.1.4/24 \
             or fd00::4/64",
            "addresses first, then one container",
        ),
        (
            "weave expose",
            "expose: ips: no address is given; allowed: one or more such as 10.2.1.1/24",
            "say which: `weave expose 10.2.1.1/24`",
        ),
        (
            "weave publish web 8080:80",
            "publish: host_port: `web` is no port; allowed: 1 to 65535",
            "the port of the host first, then where to: `weave publish 8080:80 web`",
        ),
        (
            "weave status dns",
            "status: `dns` is no part of it; allowed: nothing, or `targets`",
            "`weave status` shows everything, `--json` in full",
        ),
    ];
    for (line, expected, hint) in table {
        let error = parse(line, &Given::default()).expect_err(line);
        assert_eq!(error.to_string(), expected, "{line}");
        assert_eq!(error.next_step().unwrap_or_default(), hint, "{line}");
    }
}

#[test]
fn documents_that_are_shown_are_right() {
    let readme = include_str!("../../../README.md");
    // Those of Ansible and Salt are data of theirs, and have tests of their own.
    let readme = readme.split("## From Rust").next().unwrap_or_default();
    let shown = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut read = 0;
    let examples = [include_str!("../../../examples/host.yaml"), include_str!("../../../examples/fleet.yaml")];
    for text in shown.chain(examples) {
        let apply = Apply::from_text("shown.yaml", text, None, "dockerhost001")
            .unwrap_or_else(|error| panic!("{error:?}:\n{text}"));
        assert_eq!(apply.warnings, Vec::<String>::new(), "{text}");
        read += 1;
    }
    assert_eq!(read, 8);
}

#[test]
fn everything_that_is_wrong_with_a_document_is_shown() {
    let text = "hosts:\n  a: {address: 192.0.2.1}\ncontainers:\n  pg: {host: b, ip: 10.0.1.1/16, optoins: -d}\n";
    let error = parse("weave apply fleet.yaml", &Given(vec![("fleet.yaml", text)])).expect_err("refused");
    let shown = crate::cli::output::error(&error.report());
    for words in ["fleet.yaml:4:14: containers.pg.host: `b` is none", "did you mean `a`", "`optoins` is no field"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn the_readme_names_every_command() {
    use clap::CommandFactory;
    let readme = include_str!("../../../README.md");
    for command in Cli::command().get_subcommands() {
        assert!(readme.contains(&format!("`weave {}", command.get_name())), "{}", command.get_name());
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(readme.contains(&format!("--{option}")), "{} --{option}", command.get_name());
        }
    }
}

#[test]
fn a_build_is_said_as_for_docker() {
    let given = Given(vec![("-", "FROM scratch\n")]);
    for (line, wanted) in [
        ("weave build -t app .", json!({"context": "."})),
        (
            "weave build --tag app:1 -f docker/Web .",
            json!({"tag": "app:1", "context": ".", "dockerfile": "docker/Web"}),
        ),
        ("weave build -t app -f ./src/docker/Web ./src", json!({"context": "./src", "dockerfile": "docker/Web"})),
        ("weave build -t app -", json!({"content": "FROM scratch\n"})),
        ("weave build -t app -f - src", json!({"context": "src", "content": "FROM scratch\n"})),
        (
            "weave build -t app --build-arg A=b --build-arg HOME --label l=m --target web --platform linux/arm64 --pull \
             --no-cache .",
            json!({"context": ".", "build_args": ["A=b", "HOME"], "labels": ["l=m"], "target": "web",
                   "platform": "linux/arm64", "pull": true, "no_cache": true}),
        ),
    ] {
        let mut expected = json!({"operation": "build", "tag": "app"});
        if let (Some(all), Some(more)) = (expected.as_object_mut(), wanted.as_object()) {
            all.extend(more.clone());
        }
        assert_eq!(told(line, &given), expected, "{line}");
    }
    let error = parse("weave build -t app --build-arg =b .", &given).expect_err("a refusal");
    assert_eq!((error.subject(), error.report().op.as_deref()), ("build_args[0]", Some("build")));
}

#[test]
fn an_operation_is_called_by_its_name() {
    let given = Given(vec![("-", r#"{"container": "c1", "ips": ["10.2.1.4/24"]}"#)]);
    assert_eq!(told("weave call attach -", &given), attach(&["10.2.1.4/24"], json!({})));
    assert_eq!(told(r#"weave call ps {"containers":"c1"}"#, &given), json!({"operation": "ps", "containers": ["c1"]}));
    assert_eq!(told("weave call status", &given), json!({"operation": "status"}));
    for (line, op, subject, hint) in [
        ("weave call atach {}", "call", "operation", Some("did you mean `attach`?")),
        ("weave call attach {", "call", "ARGUMENTS", None),
        (r#"weave call attach {"container":"c1","ips":["10.2.1.4/99"]}"#, "attach", "ips[0]", None),
    ] {
        let error = parse(line, &given).expect_err(line).report();
        assert_eq!((error.kind, error.op.as_deref(), &*error.subject), (ErrorKind::InvalidSpec, Some(op), subject));
        assert!(hint.is_none() || error.hint.as_deref() == hint, "{line}: {:?}", error.hint);
    }
}

#[test]
fn facts_hide_secrets_unless_told_otherwise() {
    let given = Given::default();
    assert_eq!(told("weave facts", &given), json!({"operation": "facts", "mask_env": true}));
    assert_eq!(told("weave facts --show-env", &given), json!({"operation": "facts", "mask_env": false}));
    assert_eq!(told("weave schema", &given), json!({"operation": "schema", "document": "host"}));
    assert_eq!(told("weave schema fleet", &given), json!({"operation": "schema", "document": "fleet"}));
}
