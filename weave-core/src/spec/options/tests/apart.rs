//! Which half of a container that is attached before its start has which option.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{Options, field_names};
use crate::spec::from_value;

/// What the one that holds the network has.
const NET: [&str; 16] = [
    "add_host",
    "dns",
    "dns_option",
    "dns_search",
    "domainname",
    "expose",
    "hostname",
    "ip",
    "ip6",
    "link",
    "link_local_ip",
    "mac_address",
    "network",
    "network_alias",
    "publish",
    "publish_all",
];

fn read(line: &str) -> Options {
    from_value(Value::from(line)).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn fields(options: &Options) -> BTreeSet<String> {
    let Ok(Value::Object(fields)) = serde_json::to_value(options) else { panic!("no map") };
    fields.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn each_option_is_in_one_half() {
    let lines = [
        "--add-host a:10.0.0.1",
        "--dns 10.0.0.1",
        "--dns-option ndots:1",
        "--dns-search example.com",
        "--domainname nis",
        "--expose 80",
        "--hostname web",
        "--network net --ip 10.0.0.1",
        "--network net --ip6 fd00::1",
        "--link db",
        "--network net --link-local-ip 169.254.1.1",
        "--mac-address 02:00:00:00:00:01",
        "--network none",
        "--network net --network-alias db",
        "--publish 80:80",
        "--publish-all",
    ];
    for (line, field) in lines.iter().zip(NET) {
        let (net, own) = read(line).apart();
        assert!(fields(&net).contains(field) && fields(&own).is_empty(), "{line}: {net:?} {own:?}");
    }
    let mut unread = Vec::new();
    for field in field_names().filter(|field| !NET.contains(field) && !["sysctl", "userns"].contains(field)) {
        let flag = from_value::<Options>(serde_json::json!({field: true}));
        let texts = [
            "1",
            "500",
            "a",
            "80m",
            "1s",
            "a=b",
            "host",
            "/a:/a",
            "no",
            "missing",
            "linux",
            "c 1:1 r",
            "all",
            "always",
            "/dev/sda:500",
            "/dev/sda:1m",
            "/dev/null",
            "type=bind,src=/a,dst=/a",
            "nofile=1",
            "private",
            "default",
            "/a",
            "seccomp=unconfined",
            "on-failure",
        ];
        let mut given = texts.iter().map(|text| from_value::<Options>(serde_json::json!({field: text})));
        let options = flag.or_else(|why| given.find(Result::is_ok).unwrap_or(Err(why)));
        let Ok(options) = options else {
            unread.push(field);
            continue;
        };
        let (net, own) = options.clone().apart();
        assert_eq!((&own, fields(&net).len()), (&options, 0), "{field}");
    }
    // Only together with memory.
    assert_eq!(unread, ["memory_swap"]);
}

#[test]
fn settings_of_the_kernel_are_told_apart() {
    let (net, own) = read("--sysctl net.core.somaxconn=9 --sysctl kernel.sem=1 --userns host").apart();
    assert_eq!(
        serde_json::to_value(&net).expect("a map"),
        serde_json::json!({"sysctl": ["net.core.somaxconn=9"], "userns": "host"})
    );
    assert_eq!(
        serde_json::to_value(&own).expect("a map"),
        serde_json::json!({"sysctl": ["kernel.sem=1"], "userns": "host"})
    );
}

#[test]
fn the_other_half_may_join_a_container() {
    let line = "-h web --domainname d --dns 10.0.0.1 --add-host a:10.0.0.1 -p 80:80 --expose 81 --link db --net bridge -e A=1 \
                --mac-address 02:00:00:00:00:01 --memory 64m";
    let (net, mut own) = read(line).apart();
    net.validate().expect("options");
    own.join("web.weave-net");
    own.validate().expect("options");
    assert_eq!(fields(&own), ["env", "memory", "network"].map(str::to_owned).into());
}
