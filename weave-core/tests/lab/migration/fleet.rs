//! A container of a fleet that is given another host.

use std::fs;

use serde_json::{Value, json};

use super::scene::{Scene, listed};
use crate::lab::Host;

/// Applies the fleet on one host, with the container on `on`.
fn apply(scene: &Scene, host: &Host, on: &str, options: &[&str]) -> Value {
    let engine = scene.a.docker_host();
    apply_with(scene, host, on, options, &engine)
}

fn apply_with(scene: &Scene, host: &Host, on: &str, options: &[&str], engine: &str) -> Value {
    let (a, b) = (&scene.a, &scene.b);
    let text = format!(
        "hosts:\n  a: {{address: {}, engine: '{engine}'}}\n  b: {{address: {}, engine: '{}'}}\n\
         migrate: true\npurge_containers: true\ncontainers:\n  web:\n    host: {on}\n    ip: 10.2.1.4/24\n    \
         image: app:1\n    command: sleep 1000000\n    \
         options: --network=none --stop-signal=SIGKILL --restart=always -v named:/named\n",
        a.v4(),
        b.v4(),
        b.docker_host()
    );
    let file = host.dir().join("fleet.yaml");
    fs::write(&file, text).expect("a file");
    let name = if host.name() == a.name() { "a" } else { "b" };
    let file = file.display().to_string();
    let output = scene.weave(host, &[options, &["apply", "--host", name, &file]].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[test]
fn a_container_that_is_given_another_host_goes_there_with_its_files() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let web = |host: &Host| listed(host) == "web running";
    let made = apply(&scene, a, "a", &[]);
    assert!(web(a) && made["errors"] == json!([]), "{made:#}");
    a.docker(&["exec", "web", "sh", "-c", "echo kept >/named/file"]).must();
    let nothing = apply(&scene, b, "a", &[]);
    assert!(web(a) && listed(b).is_empty(), "{nothing:#}");

    // The old host leaves it alone, though it purges others.
    let old = apply(&scene, a, "b", &[]);
    assert_eq!((&old["changed"], web(a)), (&false.into(), true), "{old:#}");
    // Where the old host does not answer, no second one is made.
    let silent = apply_with(&scene, b, "b", &[], "unix:///nowhere.sock");
    assert_eq!(silent["errors"][0]["subject"], "web", "{silent:#}");
    assert!(web(a) && listed(b).is_empty(), "{silent:#}");

    let planned = apply(&scene, b, "b", &["--check"]);
    assert!(web(a) && listed(b).is_empty(), "{planned:#}");
    let moved = apply(&scene, b, "b", &[]);
    assert!(listed(a).is_empty() && web(b), "{moved:#}");
    assert_eq!(planned["steps"], moved["steps"], "it did not do what it had said");
    assert_eq!(b.docker(&["exec", "web", "cat", "/named/file"]).must(), "kept\n");
    assert!(scene.watcher.await_ping([10, 2, 1, 4].into()));
    for host in [a, b] {
        let again = apply(&scene, host, "b", &[]);
        assert_eq!((&again["changed"], &again["errors"]), (&false.into(), &json!([])), "{again:#}");
    }
}
