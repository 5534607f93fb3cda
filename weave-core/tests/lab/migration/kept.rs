//! What a container wrote on the target is never written over, whatever becomes of its move.

use std::fs;

use serde_json::{Value, json};

use super::scene::{APP, Scene, WEAVE, listed};

/// A move of `web` to the second host that was killed right after the start there, without a guard.
fn killed(scene: &Scene) {
    // Under another name it does not take itself for the command, so that there is no guard.
    let program = scene.a.dir().join("unguarded");
    fs::hard_link(WEAVE, &program).or_else(|_| fs::copy(WEAVE, &program).map(drop)).expect("a copy");
    let to = scene.b.docker_host();
    let mut command = scene.command_of(&program, &scene.a, &["--quiet", "migrate", "web", "--to", &to]);
    let status = command.env("WEAVE_KILL_AT", "start_target after").status().expect("weave to start");
    assert_eq!(status.code(), None, "not killed");
}

/// The next move is refused, and what is there stays as it is.
#[track_caller]
fn is_not_written_over(scene: &Scene) {
    let error = scene.refused(&scene.a, &["migrate", "web", "--to", &scene.b.docker_host()]);
    assert_eq!((&error["kind"], &error["subject"]), (&"conflict".into(), &"named".into()), "{error:#}");
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()), "{error:#}");
    let shown = scene.b.docker(&["run", "--rm", "--network=none", "-v", "named:/named", APP, "cat", "/named/file"]);
    assert_eq!(shown.must(), "newer\n", "{error:#}");
}

fn run(scene: &Scene, volume: &str) {
    let run = ["run", "-d", "--name", "web", "--network=none", "--restart=always", "--stop-signal=SIGKILL", "-v"];
    scene.a.docker(&[&run[..], &[volume, APP, "sleep", "1000000"]].concat()).must();
}

fn says(report: &Value, words: &str) -> bool {
    report["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|line| line.as_str().is_some_and(|line| line.contains(words)))
}

#[test]
fn what_an_undo_keeps_is_told_and_nobodys_to_write_over() {
    let scene = Scene::new();
    run(&scene, "named:/named");
    killed(&scene);
    scene.b.docker(&["exec", "web", "sh", "-c", "echo newer >/named/file"]).must();
    let undone = scene.done(&scene.a, &["migrate", "web", "--undo", "--to", &scene.b.docker_host()]);
    assert!(says(&undone, "kept: volume named on"), "{undone:#}");
    is_not_written_over(&scene);
    scene.b.docker(&["volume", "rm", "named"]).must();
    scene.moved(&[]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()));
}

#[test]
fn what_a_move_that_ended_has_made_is_nobodys_to_write_over() {
    let scene = Scene::new();
    run(&scene, "named:/named");
    scene.moved(&["--keep-source"]);
    scene.b.docker(&["exec", "web", "sh", "-c", "echo newer >/named/file"]).must();
    // Back by hand.
    scene.b.docker(&["rm", "-f", "web"]).must();
    scene.a.docker(&["rename", "web.weave-moved", "web"]).must();
    scene.a.docker(&["start", "web"]).must();
    is_not_written_over(&scene);
}

#[test]
fn a_volume_without_a_name_that_was_written_to_stays_when_the_move_begins_anew() {
    let scene = Scene::new();
    run(&scene, "/data");
    killed(&scene);
    scene.b.docker(&["exec", "web", "sh", "-c", "echo newer >/data/file"]).must();
    let volume = scene.b.docker(&["volume", "ls", "-q", "--filter", "dangling=false"]).must();
    scene.b.docker(&["stop", "web"]).must();
    scene.a.docker(&["start", "web"]).must();
    let moved = scene.moved(&[]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{moved:#}");
    let volume = volume.trim();
    assert!(!volume.is_empty() && says(&moved, &format!("kept: volume {volume} on")), "{moved:#}");
    let mount = format!("{volume}:/data");
    let shown = scene.b.docker(&["run", "--rm", "--network=none", "-v", &mount, APP, "cat", "/data/file"]);
    assert_eq!(shown.must(), "newer\n");
    assert!(!scene.b.docker(&["exec", "web", "cat", "/data/file"]).ok(), "the new one has what the source had");
}

#[test]
fn one_that_arrived_without_ever_running_is_not_removed_for_the_next_of_its_name() {
    let scene = Scene::new();
    scene.a.docker(&["create", "--name", "web", "--network=none", "-v", "/data", APP, "sleep", "1000000"]).must();
    scene.a.docker(&["cp", "/etc/hostname", "web:/data/file"]).must();
    scene.moved(&[]);
    let id = || scene.b.docker(&["inspect", "-f", "{{.Id}} {{.Mounts}}", "web"]).must();
    let arrived = id();
    run(&scene, "named:/named");
    let error = scene.refused(&scene.a, &["migrate", "web", "--to", &scene.b.docker_host()]);
    assert_eq!((&error["kind"], &error["subject"]), (&json!("conflict"), &json!("web")), "{error:#}");
    assert_eq!(id(), arrived, "{error:#}");
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), "web created".to_owned()));
}
