//! Options that exclude each other: the error names both.

use super::{line, refusal};

const LINES: &[(&str, &str, &str)] = &[
    ("--rm --restart always", "--rm", "--restart"),
    ("--rm --restart on-failure", "--rm", "--restart"),
    ("--no-healthcheck --health-cmd x", "--no-healthcheck", "--health-cmd"),
    ("--no-healthcheck --health-interval 1s", "--no-healthcheck", "--health-interval"),
    ("--no-healthcheck --health-timeout 1s", "--no-healthcheck", "--health-timeout"),
    ("--no-healthcheck --health-retries 1", "--no-healthcheck", "--health-retries"),
    ("--no-healthcheck --health-start-period 1s", "--no-healthcheck", "--health-start-period"),
    ("--no-healthcheck --health-start-interval 1s", "--no-healthcheck", "--health-start-interval"),
    ("--log-driver none --log-opt a=b", "--log-driver=none", "--log-opt"),
    ("--uts host -h name", "--uts=host", "--hostname"),
    ("--memory-swap 1g", "--memory-swap", "--memory"),
    ("--memory 2g --memory-swap 1g", "--memory-swap", "--memory"),
    ("--memory 1g --memory-reservation 2g", "--memory-reservation", "--memory"),
    ("--cpus 1 --cpu-period 100000", "--cpus", "--cpu-period"),
    ("--cpus 1 --cpu-quota 100000", "--cpus", "--cpu-quota"),
    ("--network a --network a", "--network", "`a`"),
    ("--network a --network name=a,alias=b", "--network", "`a`"),
    ("--network host --network a", "--network=a", "--network=host"),
    ("--network bridge --network-alias a", "--network-alias", "bridge"),
    ("--network-alias a", "--network-alias", "default"),
    ("--network name=bridge,alias=a", "--network-alias", "bridge"),
    ("--network name=a,alias=b --network-alias c", "--network-alias", "--network=name=a,alias="),
    ("--network name=a,ip=10.0.0.1 --ip 10.0.0.2", "--ip", "--network=name=a,ip="),
    ("--network name=a,ip6=fd00::1 --ip6 fd00::2", "--ip6", "--network=name=a,ip6="),
    (
        "--network name=a,mac-address=02:00:00:00:00:01 --mac-address 02:00:00:00:00:02",
        "--mac-address",
        "--network=name=a,mac-address=",
    ),
    (
        "--network name=a,link-local-ip=fe80::1 --link-local-ip fe80::2",
        "--link-local-ip",
        "--network=name=a,link-local-ip=",
    ),
    ("--network container:web -p 80", "--network=container:web", "--publish"),
    ("--network container:web -P", "--network=container:web", "--publish-all"),
    ("--network container:web --expose 80", "--network=container:web", "--expose"),
    ("--network container:web -h a", "--network=container:web", "--hostname"),
    ("--network container:web --dns 1.1.1.1", "--network=container:web", "--dns"),
    ("--network container:web --add-host a:1.1.1.1", "--network=container:web", "--add-host"),
    ("--network container:web --link a", "--network=container:web", "--link"),
    ("--network host --link a", "--network=host", "--link"),
    ("--network host --mac-address 02:00:00:00:00:01", "--network=host", "--mac-address"),
    ("--memory 5m", "--memory", "6m"),
    ("--memory-swappiness 101", "--memory-swappiness", "101"),
    ("--oom-score-adj 1001", "--oom-score-adj", "1001"),
    ("--health-retries -1", "--health-retries", "-1"),
    ("--blkio-weight 5", "--blkio-weight", "5"),
];

#[test]
fn every_contradiction_names_both_sides() {
    let mut wrong = Vec::new();
    for (text, one, other) in LINES {
        let error = refusal(text);
        let message = error.message();
        if !message.contains(one) || !message.contains(other) || !message.contains("allowed") {
            wrong.push(format!("{text}\n    {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_only_looks_like_one_is_none() {
    for text in [
        "--rm --restart no",
        "--rm=false --restart always",
        "--no-healthcheck --health-interval 0",
        "--no-healthcheck=false --health-cmd x",
        "--memory-swap -1",
        "--memory 1g --memory-swap -1",
        "--cpus 1 --cpu-quota 0",
        "--network a --network b",
        "--network name=a,ip=10.0.0.1 --network-alias c",
        "--network a --network name=b,alias=c --network-alias d",
        "--network host -p 80 -h name",
        "--log-driver none",
    ] {
        assert!(line(text).is_ok(), "{text}: {:?}", line(text));
    }
}
