//! The three ways to write options.

use super::super::Options;
use super::{document, line};

/// Documents that mean the same as a line.
const SAME: &[(&str, &str)] = &[
    ("options: '-d -m 2g'", "--memory 2g"),
    ("options: ''", ""),
    ("options:", ""),
    ("options: {}", ""),
    ("options: []", ""),
    ("options: ['-p 5432:5432', '--memory=2g']", "-p 5432:5432 --memory=2g"),
    ("options: [-p, '5432:5432', --memory, 2g]", "-p 5432:5432 --memory=2g"),
    ("options: [-p, 5432, --cpus, 1.5]", "-p 5432 --cpus 1.5"),
    ("options: ['--label \"a=b', 'c\"']", "--label 'a=b c'"),
    ("options: {memory: 2g, publish: ['5432:5432']}", "-p 5432:5432 --memory=2g"),
    ("options: {memory: 2147483648, publish: 5432}", "-p 5432 --memory=2g"),
    ("options: {memory: 2147483648.0}", "--memory=2g"),
    ("options: {cpus: 1.5, cpu-shares: '512'}", "--cpus 1.5 -c 512"),
    ("options: {publish: [80, '443:443']}", "-p 80 -p 443:443"),
    ("options: {publish: null, memory: null, tty: null}", ""),
    ("options: {publish: {}}", ""),
    ("options: {env: {A: b, N: 5, E: '', CALLER: null, T: true}}", "-e A=b -e N=5 -e E= -e CALLER -e T=true"),
    ("options: {env: A=b c}", "-e 'A=b c'"),
    ("options: {label: {a: b}, log_opt: {max-size: 10m}}", "-l a=b --log-opt max-size=10m"),
    ("options: {sysctl: {net.core.somaxconn: 1024}}", "--sysctl net.core.somaxconn=1024"),
    ("options: {ulimit: {nofile: '1:2'}, tmpfs: {/a: size=1m}}", "--ulimit nofile=1:2 --tmpfs /a:size=1m"),
    ("options: {add_host: {db: '::1'}}", "--add-host db=::1"),
    ("options: {device_read_bps: {/dev/sda: 1mb}}", "--device-read-bps /dev/sda:1mb"),
    (
        "options: {mount: [{type: bind, source: '/a,b', target: /c, readonly: true}]}",
        "--mount 'type=bind,\"source=/a,b\",target=/c,readonly'",
    ),
    (
        "options: {mount: {target: /c, volume_label: {a: b, c: d}, volume_nocopy: false}}",
        "--mount target=/c,volume-label=a=b,volume-label=c=d,volume-nocopy=false",
    ),
    (
        "options: {network: [{name: mesh, alias: [a, b], ip: 10.3.0.4}, other]}",
        "--network name=mesh,alias=a,alias=b,ip=10.3.0.4 --network other",
    ),
    ("options: {gpus: {count: all}}", "--gpus all"),
    ("options: {gpus: 2}", "--gpus 2"),
    ("options: {net: host, cpuset: 0-1, dns_opt: a}", "--network host --cpuset-cpus 0-1 --dns-option a"),
    ("options: {cap-add: NET_ADMIN, read-only: yes}", "--cap-add NET_ADMIN --read-only"),
    ("options: {tty: 'true', init: 0}", "-t --init=false"),
    ("options: {restart: no}", "--restart no"),
    ("options: {restart: false}", "--restart no"),
    ("options: {user: 1000, hostname: pg}", "-u 1000 -h pg"),
    ("options: {detach: true, quiet: false, memory: 1g}", "-m 1g"),
];

#[test]
fn a_document_means_the_same_as_a_line() {
    let mut wrong = Vec::new();
    for (yaml, text) in SAME {
        let expected = line(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        match document(yaml) {
            Ok(options) if options == expected => {}
            other => wrong.push(format!("{yaml}\n    {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A document, the place that is named, and what the text says.
const REFUSED: &[(&str, &str, &str)] = &[
    ("options: 5", "options", "string"),
    ("options: '--memory=lots'", "options", "--memory: `lots` is no size"),
    ("options: '-p 80 -p x:y'", "options", "--publish: `x:y`"),
    ("options: '--memroy=2g'", "options", "did you mean `--memory`?"),
    ("options: '-d pg.example.com'", "options", "`pg.example.com` is no option"),
    ("options: '-d -- x'", "options", "`x` is no option"),
    ("options: '--name \"pg'", "options", "quote"),
    ("options: ['-p 80', 5]", "options", "`5` is no option"),
    ("options: ['-p 80', [5]]", "options[1]", "sequence"),
    ("options: ['-p 80', true]", "options[1]", "put it in quotes"),
    ("options: {memory: lots}", "options.memory", "`lots` is no size"),
    ("options: {memory: [2g]}", "options.memory", "2g"),
    ("options: {publish: [80, x]}", "options.publish[1]", "`x`"),
    ("options: {publish: [80, [81]]}", "options.publish[1]", "81"),
    ("options: {publish: {80: 81}}", "options.publish", "map"),
    ("options: {env: {A: [b]}}", "options.env", "`A`"),
    ("options: {mount: [{type: bind, soruce: /a}]}", "options.mount[0]", "soruce"),
    ("options: {mount: {target: {a: [b]}}}", "options.mount", "target"),
    ("options: {tty: maybe}", "options.tty", "maybe"),
    ("options: {tty: []}", "options.tty", "true, false"),
    ("options: {memroy: 2g}", "options", "did you mean `memory`?"),
    ("options: {cap_ad: x}", "options", "did you mean `cap_add`?"),
    ("options: {attach: stdin}", "options", "attach"),
    ("options: {disable_content_trust: false}", "options", "signatures"),
    ("options: {net: a, network: b}", "options", "duplicate field `network`"),
    ("options: {rm: true, restart: always}", "options", "`--rm` and `--restart`"),
    ("options: '--rm --restart always'", "options", "`--rm` and `--restart`"),
];

#[test]
fn a_bad_document_is_answered_with_the_place() {
    let mut wrong = Vec::new();
    for (yaml, place, words) in REFUSED {
        match document(yaml) {
            Err(error) if error.subject() == *place && error.message().contains(words) => {}
            other => wrong.push(format!("{yaml}\n    {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_what_was_given_is_written_out() {
    assert_eq!(serde_json::to_value(Options::default()).expect("JSON"), serde_json::json!({}));
    let options = line("-dit -m 2g -c 512 -p 80 -e A=b --rm=false").expect("options");
    let expected = serde_json::json!({
        "memory": "2g", "cpu_shares": 512, "interactive": true, "tty": true, "rm": false, "publish": ["80"],
        "env": ["A=b"],
    });
    assert_eq!(serde_json::to_value(options).expect("JSON"), expected);
}
