//! Peers by name, and on ports of their own.

use std::process::Command;

use super::common::{attached, error, ip, lab, report, text, weave};
use crate::lab::Host;

/// Runs the command with a file of names of its own: the machine's is hidden in a mount namespace that ends with it.
#[track_caller]
fn weave_knowing(host: &Host, names: &str, line: &str) -> String {
    let file = host.dir().join("hosts");
    std::fs::write(&file, names).expect("a file in the lab's directory");
    let inner = host.weave_command(&line.split_whitespace().collect::<Vec<_>>());
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]);
    command.arg(&file).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.output().expect("unshare");
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`weave {line}`: {printed}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn peers_are_found_by_name_and_the_own_name_is_left_out() {
    let (lab, hosts) = lab(2);
    let names: String = hosts
        .iter()
        .zip(["one", "two"])
        .map(|(host, name)| format!("{} {name}.example.com\n{} {name}.example.com\n", host.v4(), host.v6()))
        .collect();
    for host in &hosts {
        weave_knowing(host, &names, "launch one.example.com two.example.com");
    }
    let known = report(&hosts[0], "status")["result"]["peers"].clone();
    assert_eq!(known.as_array().map(Vec::len), Some(1), "one address for each peer: {known}");
    assert_eq!(text(&known[0], "address"), hosts[1].v4().to_string());
    let one = attached(&lab, &hosts[0], "one", "10.2.1.1/24");
    attached(&lab, &hosts[1], "two", "10.2.1.2/24");
    assert!(one.await_ping(ip("10.2.1.2")));
    weave_knowing(&hosts[0], &names, "forget two.example.com");
    assert!(!one.ping(ip("10.2.1.2")), "a peer that was forgotten by name");
}

#[test]
fn a_name_that_nobody_knows_is_an_error_that_touches_nothing() {
    let (_lab, hosts) = lab(1);
    let error = error(&hosts[0], "launch nobody.invalid");
    assert_eq!(text(&error, "kind"), "not_found");
    assert_eq!(text(&error, "subject"), "peers[0]");
    assert!(text(&error, "message").contains("nobody.invalid"), "{error}");
    assert!(super::common::link(&hosts[0], "weave").is_none());
}

/// Containers answer: what a router learns must lead back to the port that the other listens on.
#[test]
fn hosts_listen_on_ports_of_their_own() {
    let (lab, hosts) = lab(2);
    weave(&hosts[0], &format!("launch --port 7001 {}:7002", hosts[1].v4()));
    weave(&hosts[1], &format!("launch --port 7002 {}:7001", hosts[0].v4()));
    let one = attached(&lab, &hosts[0], "one", "10.2.1.1/24");
    let two = attached(&lab, &hosts[1], "two", "10.2.1.2/24");
    assert!(one.await_ping(ip("10.2.1.2")));
    assert!(two.await_ping(ip("10.2.1.1")));
    assert!(super::common::transfer(&two, &one, ip("10.2.1.1")));
}
