//! Containers of all sorts, both directions, and what is asked besides.

use serde_json::json;

use super::scene::{APP, Scene, files, listed};

#[test]
fn a_container_is_fetched_from_the_other_host() {
    let scene = Scene::new();
    scene.run(&["--restart=on-failure:3"]);
    let before = files(&scene.a);
    let done = scene.done(&scene.b, &["migrate", "web", "--from", &scene.a.docker_host()]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{done:#}");
    assert_eq!(files(&scene.b), before);
    assert!(scene.watcher.await_ping([10, 2, 1, 4].into()));
    let restart = scene.b.container("web").inspect("{{json .HostConfig.RestartPolicy}}");
    assert_eq!(restart.trim(), r#"{"Name":"on-failure","MaximumRetryCount":3}"#);
    let again = scene.done(&scene.b, &["migrate", "web", "--from", &scene.a.docker_host()]);
    assert_eq!((&again["changed"], &again["steps"]), (&false.into(), &json!([])), "{again:#}");
}

#[test]
fn one_that_does_not_run_and_one_without_addresses_go_too() {
    let scene = Scene::new();
    let make = ["create", "--name", "web", "--network=none", "--restart=always", "-v", "named:/named", APP];
    scene.a.docker(&[&make[..], &["sleep", "1000000"]].concat()).must();
    let done = scene.moved(&[]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web created".to_owned()), "{done:#}");
    assert_eq!(done["result"]["away_seconds"], json!(null), "{done:#}");
    assert_eq!(scene.b.container("web").inspect("{{.HostConfig.RestartPolicy.Name}}").trim(), "always");

    scene
        .a
        .docker(&["run", "-d", "--name", "bare", "--stop-signal=SIGKILL", "--network=none", APP, "sleep", "9999"])
        .must();
    scene.done(&scene.a, &["migrate", "bare", "--to", &scene.b.docker_host()]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "bare running, web created".to_owned()));
}

#[test]
fn the_old_one_can_be_kept_and_goes_back_under_its_name() {
    let scene = Scene::new();
    scene.run(&[]);
    let done = scene.moved(&["--keep-source", "--timeout", "1", "--no-live-copy"]);
    assert_eq!(
        (listed(&scene.a), listed(&scene.b)),
        ("web.weave-moved exited".to_owned(), "web running".to_owned()),
        "{done:#}"
    );
    let steps = done["steps"].as_array().expect("steps");
    assert!(steps.contains(&json!("docker stop --time 1 web")), "{done:#}");
    assert!(!steps.iter().any(|step| step.as_str().is_some_and(|step| step.contains("while it runs"))), "{done:#}");
    let again = scene.moved(&["--keep-source"]);
    assert_eq!(again["changed"], false, "{again:#}");
    // Its volume is still there, and nobody writes over that.
    let back = ["migrate", "web", "--from", &scene.b.docker_host()];
    let error = scene.refused(&scene.a, &back);
    assert_eq!((&error["kind"], &error["subject"]), (&"conflict".into(), &"named".into()), "{error:#}");
    assert_eq!(listed(&scene.b), "web running");
    scene.a.docker(&["rm", "-v", "web.weave-moved"]).must();
    scene.a.docker(&["volume", "rm", "named"]).must();
    scene.done(&scene.a, &back);
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()));
}

#[test]
fn several_interfaces_go_with_all_that_they_have() {
    let scene = Scene::new();
    scene.run(&[]);
    let second = "attach --interface eth7 --mtu 1400 --mac 02:00:00:00:00:07 --no-multicast-route --gateway 10.3.1.1 \
                  --route 10.9.0.0/16 10.3.1.4/24 fd00:3::4/64 web";
    scene.a.weave(&second.split_whitespace().collect::<Vec<_>>()).must();
    let shown = |host: &crate::lab::Host| {
        let output = host.weave(&["--json", "status"]).must();
        let status: serde_json::Value = serde_json::from_str(&output).expect("JSON");
        let mut rows = status["result"]["attachments"].as_array().expect("rows").clone();
        rows.retain(|row| row["container"] == "web");
        for row in &mut rows {
            for field in ["id", "host_end"] {
                row[field] = json!(null);
            }
        }
        rows.sort_by_key(|row| row["interface"].to_string());
        rows
    };
    let before = shown(&scene.a);
    assert_eq!(before.len(), 2);
    scene.moved(&[]);
    assert_eq!(shown(&scene.b), before);
    assert_eq!(shown(&scene.a), Vec::<serde_json::Value>::new());
}
