//! What cannot be moved, and what is undone.

use serde_json::Value;

use super::scene::{APP, Scene, files, listed};

/// The kind of an error, its subject, and all of its words.
#[track_caller]
fn says(error: &Value, kind: &str, subject: &str, words: &[&str]) {
    assert_eq!((error["kind"].as_str(), error["subject"].as_str()), (Some(kind), Some(subject)), "{error:#}");
    let text = format!("{} {}", error["message"], error["hint"]);
    for word in words {
        assert!(text.contains(word), "`{word}`: {error:#}");
    }
}

#[test]
fn what_fails_before_the_end_leaves_the_container_as_it_was() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let before =
        (files(&scene.a), scene.a.docker(&["inspect", "-f", "{{.Id}} {{.HostConfig.RestartPolicy}}", "web"]).must());
    let to = scene.b.docker_host();
    let stays = |course: &str| {
        let now = (
            files(&scene.a),
            scene.a.docker(&["inspect", "-f", "{{.Id}} {{.HostConfig.RestartPolicy}}", "web"]).must(),
        );
        assert!(now == before, "{course}");
        assert_eq!(listed(&scene.a), "web running", "{course}");
        assert_eq!(scene.b.docker(&["volume", "ls", "-q"]).must(), "", "{course}");
        let volumes = scene.a.docker(&["volume", "ls", "-q"]).must();
        assert_eq!(volumes.lines().count(), 2, "{course}: {volumes}");
        assert!(scene.watcher.await_ping([10, 2, 1, 4].into()), "{course}");
    };
    // Its name.
    scene.b.docker(&["create", "--name", "web", "--network=none", "busybox:latest"]).must();
    says(
        &scene.refused(&scene.a, &["migrate", "web", "--to", &to]),
        "conflict",
        "web",
        &["name is taken", "docker rename"],
    );
    assert_eq!(listed(&scene.b), "web created");
    scene.b.docker(&["rm", "web"]).must();
    stays("its name is taken");
    // Its volume.
    scene.b.docker(&["volume", "create", "named"]).must();
    says(&scene.refused(&scene.a, &["migrate", "web", "--to", &to]), "conflict", "named", &["already", "volume rm"]);
    assert_eq!(scene.b.docker(&["volume", "ls", "-q"]).must(), "named\n");
    scene.b.docker(&["volume", "rm", "named"]).must();
    stays("its volume is taken");
    // No network there.
    scene.b.weave(&["stop"]).must();
    says(
        &scene.refused(&scene.a, &["migrate", "web", "--to", &to]),
        "not_found",
        "web",
        &["router of", "weave launch"],
    );
    scene.b.weave(&["launch", &scene.a.v4().to_string()]).must();
    stays("no router");
    // Not peers of each other: only the proof can tell.
    scene.a.weave(&["forget", &scene.b.v4().to_string()]).must();
    scene.b.weave(&["forget", &scene.a.v4().to_string()]).must();
    let error = scene.refused(&scene.a, &["migrate", "web", "--to", &to]);
    says(&error, "verify_failed", "web", &["does not answer to 10.2.1.4/24", "peers of each other"]);
    scene.a.weave(&["connect", &scene.b.v4().to_string()]).must();
    scene.b.weave(&["connect", &scene.a.v4().to_string()]).must();
    assert_eq!(listed(&scene.b), "");
    stays("it does not answer");
}

#[test]
fn one_that_does_not_stay_up_over_there_comes_back() {
    let scene = Scene::new();
    // It ends where its volume is empty.
    scene.a.docker(&["run", "--rm", "--network=none", "-v", "named:/named", APP, "touch", "/named/mark"]).must();
    let script = "[ -e /named/mark ] && exec sleep 1000000; echo there is no mark; exit 7";
    let run = ["run", "-d", "--name", "web", "--network=none", "--stop-signal=SIGKILL", "-v", "named:/named", APP];
    scene.a.docker(&[&run[..], &["sh", "-c", script]].concat()).must();
    scene.a.weave(&["attach", "10.2.1.4/24", "web"]).must();
    let error = scene.refused(&scene.a, &["migrate", "web", "--without-volumes", "--to", &scene.b.docker_host()]);
    says(&error, "container_not_running", "web", &["exit code 7", "there is no mark"]);
    assert_eq!(listed(&scene.a), "web running", "{error:#}");
    assert!(scene.watcher.await_ping([10, 2, 1, 4].into()));
    assert_eq!(listed(&scene.b), "", "{error:#}");
}

#[test]
fn what_cannot_be_elsewhere_is_said_before_anything_is_done() {
    let scene = Scene::new();
    let to = scene.b.docker_host();
    let migrate = |name: &str| scene.refused(&scene.a, &["migrate", name, "--to", &to]);
    says(&migrate("nobody"), "not_found", "nobody", &["neither"]);
    scene.a.docker(&["run", "-d", "--rm", "--name", "rm", "--network=none", APP, "sleep", "9999"]).must();
    says(&migrate("rm"), "unsupported", "rm", &["--rm"]);
    scene.a.docker(&["run", "-d", "--name", "frozen", "--network=none", APP, "sleep", "9999"]).must();
    scene.a.docker(&["pause", "frozen"]).must();
    says(&migrate("frozen"), "conflict", "frozen", &["paused", "unpause"]);
    let own = scene.refused(&scene.a, &["migrate", "frozen", "--to", &scene.a.docker_host()]);
    says(&own, "invalid_spec", "to", &["engine of this host"]);
    let away = scene.refused(&scene.a, &["migrate", "frozen", "--to", "unix:///nowhere.sock"]);
    assert_eq!(away["kind"], "docker", "{away:#}");
    scene.b.docker(&["run", "-d", "--name", "elsewhere", "--network=none", "busybox:latest", "sleep", "9999"]).must();
    assert_eq!(scene.done(&scene.a, &["migrate", "elsewhere", "--to", &to])["changed"], false);
    assert_eq!(listed(&scene.a), "frozen paused, rm running");
}
