//! What is not moved with a container, and what may be in the way where it goes.

use serde_json::{Value, json};

use super::scene::{APP, Scene, WEAVE, listed, rest};
use crate::lab::{PATIENCE, wait_until};

/// A container that only has what `options` give it.
fn run(scene: &Scene, options: &[&str], script: &str) {
    let run = ["run", "-d", "--name", "web", "--network=none", "--stop-timeout=20"];
    scene.a.docker(&[&run[..], options, &[APP, "sh", "-c", script]].concat()).must();
}

const SLEEP: &str = "trap exit TERM; while :; do sleep 1; done";

/// The words of a refusal that touched nothing.
#[track_caller]
fn refused(scene: &Scene, options: &[&str], subject: &str, words: &[&str]) {
    let to = scene.b.docker_host();
    for check in [&["--check"][..], &[]] {
        let error = scene.refused(&scene.a, &[check, &["migrate", "web", "--to", &to], options].concat());
        conflict(&error, subject, words);
        // The engine removes what looked there a moment later.
        let none = || listed(&scene.b).is_empty();
        assert!(wait_until(PATIENCE, none), "{}: {error:#}", listed(&scene.b));
        assert_eq!(listed(&scene.a), "web running", "{error:#}");
        assert_eq!(scene.b.docker(&["volume", "ls", "-q"]).must(), "", "{error:#}");
    }
}

#[track_caller]
fn conflict(error: &Value, subject: &str, words: &[&str]) {
    assert_eq!((&error["kind"], &error["subject"]), (&json!("conflict"), &json!(subject)), "{error:#}");
    let text = format!("{} {}", error["message"], error["hint"]);
    assert!(words.iter().all(|word| text.contains(word)), "{words:?}: {error:#}");
}

#[test]
fn what_was_written_outside_of_volumes_is_not_lost_without_a_word() {
    let scene = Scene::new();
    run(&scene, &["-v", "named:/srv/named"], SLEEP);
    let write = |script: &str| scene.a.docker(&["exec", "web", "sh", "-c", script]).must();
    write("echo 1 >/tmp/passing; mkdir -p /run/web; echo 1 >/run/web/pid");
    write("mkdir /written; echo 1 >/written/a; echo 1 >/written/b; echo root:x:0:0::/:/bin/sh >/etc/passwd2");
    refused(&scene, &[], "web", &["/etc/passwd2, /written outside", "docker commit", "--without-changes"]);
    let done = scene.moved(&["--without-changes"]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{done:#}");
    // It has nothing of its own any more.
    scene.a.docker(&["volume", "rm", "named"]).must();
    scene.done(&scene.a, &["migrate", "web", "--from", &scene.b.docker_host()]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()));
}

#[test]
fn what_is_written_at_the_last_moment_is_noticed() {
    let scene = Scene::new();
    run(&scene, &["--restart=always"], "trap 'echo 1 >/late; exit' TERM; while :; do sleep 1; done");
    let error = scene.refused(&scene.a, &["migrate", "web", "--to", &scene.b.docker_host()]);
    conflict(&error, "web", &["/late outside", "--without-changes"]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()), "{error:#}");
}

/// Both hosts have the same files here, so that a directory with something in it is in the way of itself.
#[test]
fn nothing_of_the_target_host_is_written_over() {
    let scene = Scene::new();
    let dir = scene.a.dir().join("srv");
    std::fs::create_dir_all(&dir).expect("a directory");
    std::fs::write(dir.join("precious"), "precious").expect("a file");
    let path = dir.to_str().expect("UTF-8");
    let file = format!("{path}/precious");
    let remove = || {
        for host in [&scene.a, &scene.b] {
            host.docker(&["rm", "-f", "-v", "web"]);
            host.docker(&["volume", "rm", "-f", "data"]).must();
        }
    };
    run(&scene, &["-v", &format!("{path}:/d:ro")], SLEEP);
    refused(&scene, &["--binds"], path, &["already", "allowed: what is missing or empty", "without `--binds`"]);
    scene.moved(&[]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()));
    remove();
    run(&scene, &["-v", &format!("{file}:/f")], SLEEP);
    refused(&scene, &["--binds"], &file, &["already"]);
    remove();
    let volume = ["volume", "create", "--opt", "type=none", "--opt", "o=bind", "--opt"];
    scene.a.docker(&[&volume[..], &[&format!("device={path}"), "data"]].concat()).must();
    run(&scene, &["-v", "data:/data"], SLEEP);
    refused(&scene, &[], path, &["already", "--without-volumes"]);
    scene.moved(&["--without-volumes"]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()));
    remove();
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "precious");
    // What is the system's is used as it is.
    run(&scene, &["-v", "/etc/hostname:/h:ro", "-v", "/:/rootfs:ro"], SLEEP);
    let done = scene.moved(&["--binds"]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()));
    let warnings = done["warnings"].to_string();
    assert!(warnings.contains("/etc/hostname is the system's own") && warnings.contains("\"/ is"), "{done:#}");
    assert!(!done["steps"].to_string().contains("tar -"), "{done:#}");
}

#[test]
fn a_place_that_was_free_may_be_written_after_a_kill() {
    let scene = Scene::new();
    let dir = scene.a.dir().join("srv");
    let path = dir.to_str().expect("UTF-8");
    let to = scene.b.docker_host();
    let program = scene.a.dir().join("unguarded");
    std::fs::copy(WEAVE, &program).expect("a copy");
    for (options, is_known) in [(&["--binds"][..], true), (&[], false)] {
        std::fs::create_dir_all(&dir).expect("a directory");
        run(&scene, &["-v", &format!("{path}:/d")], SLEEP);
        let line = [&["--quiet", "migrate", "web", "--to", &to], options].concat();
        let mut command = scene.command_of(&program, &scene.a, &line);
        let killed = command.env("WEAVE_KILL_AT", "make_target after").status().expect("weave to start");
        assert_eq!((killed.code(), rest(&scene.b)), (None, "web created".to_owned()), "{options:?}");
        // As if it had been copied there.
        std::fs::create_dir_all(dir.join("copied")).expect("a directory");
        if is_known {
            scene.moved(&["--binds"]);
        } else {
            let error = scene.refused(&scene.a, &["migrate", "web", "--binds", "--to", &to]);
            conflict(&error, path, &["already"]);
            assert_eq!(listed(&scene.a), "web running");
            scene.moved(&[]);
        }
        assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{options:?}");
        scene.b.docker(&["rm", "-f", "web"]).must();
        std::fs::remove_dir_all(&dir).expect("the directory");
    }
}
