//! What cannot be moved, and what is undone.

use std::path::Path;

use serde_json::Value;

use super::scene::{APP, Scene, WEAVE, files, listed};
use crate::lab::{DockerOptions, Host, exec, wait_until};

/// A disk without room in the place of the volumes of a host's engine, as long as this lives.
struct NoRoom(String);

impl NoRoom {
    fn on(host: &Host) -> Self {
        let volumes = host.dir().join("docker/volumes").display().to_string();
        assert!(Path::new(&volumes).is_dir(), "no volumes in {volumes}");
        exec(&["mount", "-t", "tmpfs", "-o", "size=256k", "none", &volumes]).must();
        Self(volumes)
    }
}

impl Drop for NoRoom {
    fn drop(&mut self) {
        exec(&["umount", &self.0]);
    }
}

#[test]
fn a_full_disk_over_there_leaves_the_container_where_it_is() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let before = files(&scene.a);
    let full = NoRoom::on(&scene.b);
    let error = scene.refused(&scene.a, &["migrate", "web", "--to", &scene.b.docker_host()]);
    let text = format!("{} {}", error["message"], error["hint"]);
    assert!(text.contains("No space left on device"), "{error:#}");
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()), "{error:#}");
    let left = scene.b.docker(&["volume", "ls", "-q"]).must();
    assert_eq!(left, "", "{error:#} {}", scene.b.docker(&["volume", "inspect", left.trim()]));
    assert!(scene.watcher.await_ping([10, 2, 1, 4].into()));
    drop(full);
    scene.moved(&[]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()));
    assert_eq!(files(&scene.b), before);
}

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

#[test]
fn an_engine_that_goes_while_the_container_is_away_does_not_keep_it_away() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let to = scene.b.docker_host();
    let mut command = scene.command(&scene.a, &["--json", "migrate", "web", "--to", &to]);
    command.stdout(std::process::Stdio::piped());
    let weave = command.spawn().expect("weave to start");
    let away = || listed(&scene.a).contains("web exited");
    assert!(wait_until(std::time::Duration::from_secs(60), away), "it does not stop");
    scene.b.signal_docker(nix::sys::signal::Signal::SIGKILL);
    let done = weave.wait_with_output().expect("weave to end");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert_eq!(listed(&scene.a), "web running", "{said}");
    let policy = scene.a.container("web").inspect("{{.HostConfig.RestartPolicy.Name}}");
    assert_eq!(policy.trim(), "always", "{said}");
    assert!(scene.watcher.await_ping([10, 2, 1, 4].into()), "{said}");
    // What it left is no hindrance once the engine is back.
    scene.b.start_docker(&DockerOptions::quiet());
    scene.moved(&[]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()));
}

#[test]
fn an_address_that_somebody_else_has_over_there_is_not_taken() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let watcher = format!("netns:{}", scene.watcher.netns_path().display());
    scene.b.weave(&["attach", "--no-probe", "--mac", "02:00:00:00:00:09", "10.2.1.4/24", &watcher]).must();
    let error = scene.refused(&scene.a, &["migrate", "web", "--to", &scene.b.docker_host()]);
    assert_eq!(error["kind"], "conflict", "{error:#}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("10.2.1.4 is taken by")), "{error:#}");
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()), "{error:#}");
}

#[test]
fn a_move_that_was_begun_can_be_given_up() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let before = files(&scene.a);
    let to = scene.b.docker_host();
    // Under another name it does not take itself for the command, so that there is no guard.
    let program = scene.a.dir().join("unguarded");
    std::fs::copy(WEAVE, &program).expect("a copy");
    let mut command = scene.command_of(&program, &scene.a, &["--quiet", "migrate", "web", "--to", &to]);
    let killed = command.env("WEAVE_KILL_AT", "start_target after").status().expect("weave to start");
    assert_eq!(killed.code(), None);
    let halfway = ("web exited".to_owned(), "web running".to_owned());
    // What kept others out goes a moment later.
    wait_until(std::time::Duration::from_secs(60), || (listed(&scene.a), listed(&scene.b)) == halfway);
    assert_eq!((listed(&scene.a), listed(&scene.b)), halfway);
    let undo = ["migrate", "web", "--undo", "--to", &to];
    let planned = scene.done(&scene.a, &[&["--check"], &undo[..]].concat());
    let done = scene.done(&scene.a, &undo);
    assert_eq!(planned["steps"], done["steps"], "it did not do what it had said");
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()), "{done:#}");
    assert_eq!(files(&scene.a), before);
    assert!(scene.watcher.await_ping([10, 2, 1, 4].into()));
    assert_eq!(scene.done(&scene.a, &undo)["changed"], false);
}
