//! `apply --only network`: what can be done before there is an engine.

use serde_json::Value;

use super::{Site, WEAVE, addresses, write};
use crate::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab, Snapshot, assert_same};

fn report(host: &Host, args: &[&str], code: i32) -> Value {
    let output = host.weave(&[&["--json", "--detailed-exitcodes", "apply", "--only", "network"], args].concat());
    assert_eq!(output.code, code, "{output}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[test]
fn the_network_comes_without_an_engine() {
    let site = Site::new();
    let host = &site.host;
    let path = write(
        host,
        &(site.document()
            + &format!(
                "  api: {{ip: 10.2.1.7/24, image: {IMAGE}}}\n  app: {{ip: 10.2.1.8/24}}\n  old: {{ensure: absent}}\n\
                        purge_containers: true\n"
            )),
    );
    let before = site.look();
    let checked = report(host, &["--check", &path], 2);
    site.look().iter().zip(&before).for_each(|(now, before)| assert_same(before, now));
    let done = report(host, &[&path], 2);
    assert_eq!(done["changes"], checked["changes"]);
    assert_eq!(done["errors"], Value::Array(Vec::new()));
    let warnings: Vec<&str> = done["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(
        warnings.iter().filter(|words| words.contains("until the engine can be asked")).count(),
        1,
        "{warnings:?}"
    );
    assert_eq!((addresses(host, "weave"), addresses(&site.web, "ethwe")), ("10.2.1.1/24".into(), "10.2.1.4/24".into()));
    let after = site.look();
    assert_eq!(report(host, &[&path], 0)["changed"], false);
    site.look().iter().zip(&after).for_each(|(now, after)| assert_same(after, now));
    let refused = host.weave(&["apply", "--only", "everything", &path]).must_fail();
    assert!(refused.contains("everything") && refused.contains("network"), "{refused}");
}

#[test]
fn a_router_in_a_container_is_left_to_the_engine() {
    let site = Site::new();
    let host = &site.host;
    let path = write(
        host,
        &format!(
            "router: {{kind: image, image: {IMAGE}}}\npeers: [192.0.2.2]\n{}",
            site.document().split_once("expose").map(|(_, rest)| format!("expose{rest}")).expect("a document")
        ),
    );
    let before = Snapshot::of(host);
    let done = report(host, &[&path], 0);
    assert!(done["warnings"].to_string().contains("left to a run with the engine"), "{done:#}");
    assert_same(&before, &Snapshot::of(host));
}

#[test]
fn only_containers_that_run_are_attached_and_none_is_touched() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let web = host.run_container("web", &["--network=none"]);
    let still = host.run_container("still", &["--network=none"]);
    host.docker(&["stop", "still"]).must();
    let path = write(
        &host,
        &format!(
            "peers: [192.0.2.2]\npurge_containers: true\ncontainers:\n  web: {{ip: 10.2.1.4/24, image: other}}\n  still: {{ip: \
                  10.2.1.5/24}}\n  new: {{ip: 10.2.1.6/24, image: {IMAGE}}}\n"
        ),
    );
    let id = web.inspect("{{.Id}}");
    let done = report(&host, &[&path], 2);
    assert_eq!(
        (&done["errors"], &done["warnings"]),
        (&Value::Array(Vec::new()), &Value::Array(Vec::new())),
        "{done:#}"
    );
    assert_eq!(addresses(&web.netns(), "ethwe"), "10.2.1.4/24");
    assert_eq!(web.inspect("{{.Id}}"), id);
    assert_eq!(still.inspect("{{.State.Running}}"), "false");
    assert!(!host.docker(&["container", "inspect", "new"]).ok());
    // Once it runs, it is attached.
    host.docker(&["start", "still"]).must();
    report(&host, &[&path], 2);
    assert_eq!(addresses(&still.netns(), "ethwe"), "10.2.1.5/24");
    report(&host, &[&path], 0);
}

#[test]
fn a_port_to_a_container_that_only_the_engine_knows_is_left_out_without_one() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    let text = "router: {}\npeers: [192.0.2.2]\nexpose: [10.2.1.1/24]\npublish: ['8080:other:80']\n";
    let path = write(&host, text);
    let done = report(&host, &[&path], 2);
    assert_eq!(done["errors"], Value::Array(Vec::new()), "{done:#}");
    let left_out = |done: &Value| done["warnings"].to_string().contains("once a run finds its addresses");
    assert!(left_out(&done), "{done:#}");
    assert_eq!(addresses(&host, "weave"), "10.2.1.1/24");
    // An engine that answers knows no such container: for all of the document that is a fault.
    host.start_docker(&DockerOptions::quiet());
    let again = report(&host, &[&path], 0);
    assert!(left_out(&again), "{again:#}");
    let failed = host.weave(&["--json", "apply", &path]);
    assert_eq!(failed.code, 1, "{failed}");
    assert!(failed.stdout.contains("not_found"), "{failed}");
}
