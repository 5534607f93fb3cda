//! What no engine of the labs shows: other releases, and what a request cannot say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Recreation, recreation};
use crate::docker::about::About;
use crate::observed::Container;
use crate::{ErrorKind, Result};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn engine(api_minor: u16) -> About {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let networks = ["bridge", "host", "none", "mesh", "other"].map(|name| (name.to_owned(), format!("id-{name}")));
    About {
        hostname: "db1".into(),
        arch: "x86_64".into(),
        runtimes: set(&["runc"]),
        volume_drivers: set(&["local"]),
        log_drivers: set(&["json-file"]),
        networks: BTreeMap::from(networks),
        remap: None,
        api_minor,
        podman: false,
    }
}

fn source(config: Value, host: Value, networks: Value) -> Container {
    Container { id: ID.into(), name: "web".into(), config, host_config: host, networks, ..Container::default() }
}

fn like(source: &Container, api_minor: u16) -> Result<Recreation> {
    recreation(source, "img:1", &Value::Null, &engine(44), &engine(api_minor))
}

#[test]
fn with_podman_nothing_is_moved() {
    let podman = About { podman: true, ..engine(41) };
    let web = source(json!({}), json!({}), json!({}));
    for (from, to) in [(engine(44), podman.clone()), (podman, engine(44))] {
        let error = recreation(&web, "img:1", &Value::Null, &from, &to).expect_err("a request");
        assert!(error.kind() == ErrorKind::Unsupported && error.message().contains("Podman"), "{error:?}");
    }
}

#[test]
fn networks_go_into_the_request_or_come_afterwards() {
    let place = |extra: Value| {
        let mut place = json!({"IPAddress": "10.0.0.9", "MacAddress": "02:42:00:00:00:01", "EndpointID": "e", "NetworkID": "n",
            "Aliases": [&ID[..12]], "IPAMConfig": {}, "DriverOpts": null, "DNSNames": ["web"], "GwPriority": 0});
        place.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
        place
    };
    let networks = json!({
        "mesh": place(json!({"IPAMConfig": {"IPv4Address": "10.0.0.9"}, "Aliases": ["db", &ID[..12]]})),
        "other": place(json!({"GwPriority": 3})),
    });
    let web = source(json!({"MacAddress": ""}), json!({"NetworkMode": "mesh"}), networks);
    let first = json!({"IPAMConfig": {"IPv4Address": "10.0.0.9"}, "Aliases": ["db"]});
    let old = like(&web, 41).expect("a request");
    assert_eq!(old.body["NetworkingConfig"]["EndpointsConfig"], json!({"mesh": first}));
    assert_eq!(old.networks, BTreeMap::from([("other".to_owned(), json!({"GwPriority": 3}))]));
    let told = Container { config: json!({"MacAddress": "02:42:0a:09:00:05"}), ..web };
    let error = like(&told, 41).expect_err("a request cannot say it");
    assert!(error.kind() == ErrorKind::Unsupported && error.message().contains("MAC"), "{error:?}");
    let new = like(&told, 44).expect("a request");
    let mut with_mac = first.clone();
    with_mac["MacAddress"] = "02:42:0a:09:00:05".into();
    assert_eq!(new.body["NetworkingConfig"]["EndpointsConfig"], json!({"mesh": with_mac, "other": {"GwPriority": 3}}));
    assert_eq!((&new.body["MacAddress"], new.networks.is_empty()), (&Value::Null, true));
    // By its id, which is another one over there.
    let by_id = source(json!({}), json!({"NetworkMode": "n"}), json!({"mesh": place(json!({}))}));
    assert_eq!(like(&by_id, 44).expect("a request").body["HostConfig"]["NetworkMode"], "mesh");
    let plain = source(json!({}), json!({"NetworkMode": "default"}), json!({"bridge": place(json!({}))}));
    let plain = like(&plain, 44).expect("a request");
    assert_eq!((&plain.body["NetworkingConfig"], plain.networks.is_empty()), (&Value::Null, true));
}

#[test]
fn what_a_container_has_of_its_host_stays_there() {
    for (mode, hostname, wanted) in
        [("host", "db1", Value::Null), ("host", "mine", json!("mine")), ("default", "db1", json!("db1"))]
    {
        let web = source(json!({"Hostname": hostname}), json!({"NetworkMode": mode}), json!({}));
        assert_eq!(like(&web, 44).expect("a request").body["Hostname"], wanted, "{mode} {hostname}");
    }
    let web = source(json!({"Hostname": "db1"}), json!({"NetworkMode": "none", "UTSMode": "host"}), json!({}));
    assert_eq!(like(&web, 44).expect("a request").body["Hostname"], Value::Null);
    // The engine's own lists stay its own; an empty one was asked for.
    let lists = json!({"MaskedPaths": ["/proc/kcore"], "ReadonlyPaths": [], "ConsoleSize": [24, 80]});
    let host = like(&source(json!({}), lists, json!({})), 44).expect("a request").body["HostConfig"].take();
    assert_eq!(host, json!({"ReadonlyPaths": [], "NetworkMode": "default"}));
}

#[test]
fn what_was_taken_away_of_the_image_stays_away() {
    let image = json!({"Entrypoint": ["/bin/echo"], "Env": ["PATH=/bin", "GONE=1", "KEPT=1"]});
    let web = source(json!({"Entrypoint": null, "Env": ["PATH=/bin", "KEPT=2"]}), json!({}), json!({}));
    let body = recreation(&web, "img:1", &image, &engine(44), &engine(44)).expect("a request").body;
    assert_eq!((&body["Entrypoint"], &body["Image"]), (&json!([""]), &json!("img:1")));
    assert_eq!(body["Env"], json!(["PATH=/bin", "KEPT=2", "GONE"]));
}

#[test]
fn what_cannot_be_said_is_refused() {
    let refused = |config: Value, host: Value, words: &str, kind: ErrorKind| {
        let error = like(&source(config, host, json!({})), 44).expect_err(words);
        assert_eq!((error.kind(), error.subject()), (kind, "web"), "{error:?}");
        assert!(error.message().contains(words), "{error:?}");
    };
    use ErrorKind::{NotFound, Unsupported};
    refused(json!({"OfTheFuture": {"a": 1}}), json!({}), "`OfTheFuture`", Unsupported);
    refused(json!({}), json!({"Runtime": "kata"}), "runtime kata", NotFound);
    refused(json!({}), json!({"LogConfig": {"Type": "splunk"}}), "log driver splunk", NotFound);
    refused(json!({}), json!({"NetworkMode": "nosuch"}), "network nosuch", NotFound);
    let all = json!({"NetworkMode": "nosuch", "Runtime": "kata"});
    refused(json!({}), all, "network nosuch; runtime kata", NotFound);
    let linked = json!({"mesh": {"Links": ["db:db"]}});
    let error = like(&source(json!({}), json!({"NetworkMode": "mesh"}), linked), 44).expect_err("a link");
    assert!(error.kind() == Unsupported && error.message().contains("--link"), "{error:?}");
    // What says nothing is no loss.
    let nothing = json!({"OfThePast": 0, "AlsoPast": "", "ShmSize": 0, "LogConfig": {"Type": "none", "Config": {}}});
    like(&source(json!({"OfThePast": [], "Image": "other"}), nothing, json!({})), 44).expect("a request");
}

#[test]
fn what_it_has_of_the_host_is_named() {
    let host = json!({
        "Binds": ["/srv/web:/web:ro", "data:/data", "/srv/web:/again"],
        "Mounts": [{"Type": "bind", "Source": "/etc/conf", "Target": "/c"}, {"Type": "volume", "Source": "more", "Target": "/m"},
            {"Type": "volume", "Target": "/nameless"}, {"Type": "tmpfs", "Target": "/t"}],
        "Devices": [{"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm", "CgroupPermissions": "rwm"}],
    });
    let made = like(&source(json!({}), host, json!({})), 44).expect("a request");
    assert_eq!(made.volumes, ["data", "more"]);
    assert_eq!(made.binds, ["/etc/conf", "/srv/web"]);
    assert_eq!(made.devices, ["/dev/kvm"]);
}
