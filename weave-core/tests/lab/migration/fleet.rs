//! A container of a fleet that is given another host.

use std::fs;

use serde_json::{Value, json};

use super::scene::{Scene, WEAVE, listed, rest};
use crate::lab::{Host, PATIENCE, wait_until};

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

#[test]
fn a_container_on_its_way_is_left_alone_on_both_hosts() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    apply(&scene, a, "a", &[]);
    // Under another name it does not take itself for the command, so that nobody starts the container again.
    let program = a.dir().join("unguarded");
    fs::hard_link(WEAVE, &program).or_else(|_| fs::copy(WEAVE, &program).map(drop)).expect("a copy");
    let to = b.docker_host();
    let mut command = scene.command_of(&program, a, &["--quiet", "migrate", "web", "--to", &to]);
    let status = command.env("WEAVE_KILL_AT", "last_pass after").status().expect("weave to start");
    assert_eq!(status.code(), None, "not killed");
    let halfway = ("web exited".to_owned(), "web created".to_owned());
    assert_eq!((rest(a), rest(b)), halfway);

    let text = "containers: {web: {ip: 10.2.1.4/24, image: 'app:1', command: sleep 1000000, \
                options: '--network=none --stop-signal=SIGKILL --restart=always -v named:/named'}}\n";
    for host in [a, b] {
        let file = host.dir().join("host.yaml");
        fs::write(&file, text).expect("a file");
        let file = file.display().to_string();
        for line in [&["apply", &file][..], &["apply", "--check", &file], &["rm", "web"]] {
            let output = scene.weave(host, line);
            let said = output.stdout.replace("\\n", " ");
            assert!(output.code == 1 && said.contains("is being moved to another host"), "{output}");
            assert_eq!((listed(a), listed(b)), halfway, "{}: {output}", host.name());
        }
    }
    scene.done(a, &["migrate", "web", "--to", &to, "--undo"]);
    assert_eq!((listed(a), listed(b)), ("web running".to_owned(), String::new()));
    for host in [a, b] {
        assert_eq!(host.docker(&["volume", "ls", "-q", "--filter", "label=weave.moves"]).must(), "");
    }
    let again = apply(&scene, a, "a", &[]);
    assert_eq!((&again["changed"], &again["errors"]), (&false.into(), &json!([])), "{again:#}");
}

#[test]
fn one_that_arrived_asks_no_other_host_any_more() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    apply(&scene, a, "a", &[]);
    let moved = apply(&scene, b, "b", &[]);
    assert_eq!(listed(b), "web running", "{moved:#}");
    b.docker(&["stop", "web"]).must();
    // The kernel takes a namespace away some time after the last process in it has ended.
    assert!(wait_until(PATIENCE, || !scene.watcher.ping([10, 2, 1, 4].into())), "it still answers");
    let silent = apply_with(&scene, b, "b", &[], "unix:///nowhere.sock");
    assert_eq!((listed(b), &silent["errors"]), ("web running".to_owned(), &json!([])), "{silent:#}");
}

#[test]
fn a_host_that_has_no_network_yet_fetches_a_container_at_once() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    apply(&scene, a, "a", &[]);
    b.weave(&["reset"]).must();
    let planned = apply(&scene, b, "b", &["--check"]);
    assert_eq!(planned["errors"], json!([]), "{planned:#}");
    assert_eq!((listed(a), listed(b)), ("web running".to_owned(), String::new()), "{planned:#}");
    let moved = apply(&scene, b, "b", &[]);
    assert_eq!(moved["errors"], json!([]), "{moved:#}");
    assert_eq!((listed(a), listed(b)), (String::new(), "web running".to_owned()), "{moved:#}");
    let again = apply(&scene, b, "b", &[]);
    assert_eq!((&again["changed"], &again["errors"]), (&false.into(), &json!([])), "{again:#}");
}
