//! Programs of a host, run by its engine.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::super::program::start;
use super::super::program::{Program, Reach, run_there};
use super::super::{FileKind, check_tools, far_weave, kinds, sweep};
use super::lab::DockerOptions;
use super::{End, Scene, TOKEN, block_on};
use crate::apply::Mode;
use crate::{ErrorKind, Result};

fn program(script: &str, words: &[&str], reach: Reach) -> Program {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    Program { what: "try".to_owned(), script: script.to_owned(), words, mounts: Vec::new(), reach }
}

fn run(end: &End, script: &str, words: &[&str], reach: Reach) -> Result<String> {
    let said = block_on(run_there(end, TOKEN, &program(script, words, reach), None));
    said.map(|said| String::from_utf8(said.to_vec()).expect("text"))
}

#[test]
fn programs_of_the_host() {
    // Some engines give each container a first process of their own.
    let args = vec!["--init".to_owned()];
    let scene = Scene::with(&DockerOptions { args, ..DockerOptions::quiet() });
    what_comes_back(&scene);
    what_it_may_see(&scene);
    much_that_is_read_slowly(&scene);
    paths(&scene);
    block_on(check_tools(&scene.to, TOKEN)).expect("this machine has GNU tar");
    the_weave_of_the_other_host(&scene);
    leftovers(&scene);
    scene.is_clean();
}

fn what_comes_back(scene: &Scene) {
    let end = &scene.to;
    assert_eq!(run(end, "echo \"$1-$2\"", &["a b", "$c"], Reach::Files).expect("words"), "a b-$c\n");
    assert_eq!(run(end, ":", &[], Reach::Files).expect("nothing"), "");
    let input = Bytes::from(vec![7; 300_000]);
    let said = block_on(run_there(end, TOKEN, &program("cat", &[], Reach::Files), Some(input.clone())));
    assert_eq!(said.expect("the same"), input);
    let error = run(end, "echo no such thing >&2; exit 3", &[], Reach::Files).expect_err("it fails");
    assert!(error.message().contains("try: no such thing (exit code 3)"), "{error:?}");
    let error = run(end, "nosuch", &[], Reach::Files).expect_err("it is not there");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert!(error.next_step().is_some_and(|hint| hint.contains("install")), "{error:?}");
    let error = run(end, "kill -9 $PPID", &[], Reach::Files).expect_err("killed").to_string();
    assert!(error.contains("ended"), "{error}");
}

fn what_it_may_see(scene: &Scene) {
    let links = run(&scene.to, "ip -o link | wc -l", &[], Reach::Files).expect("links");
    assert_eq!(links.trim(), "1", "a network of its own");
    let file = scene.lab.dir().join("seen");
    std::fs::write(&file, "here").expect("a file");
    let path = file.to_str().expect("UTF-8");
    assert!(run(&scene.to, "cat \"$1\"", &[path], Reach::Files).is_err(), "the host's other files are not there");
    // The host as it is: its files, its network, and the right to change it.
    assert_eq!(run(&scene.to, "cat \"$1\"; echo there >\"$1\"", &[path], Reach::Host).expect("a file"), "here");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "there\n");
    let seen = run(&scene.to, "ip -o -4 address; ip link add weave-try type bridge", &[], Reach::Host).expect("links");
    assert!(seen.contains(&scene.there.v4().to_string()), "{seen}");
    scene.there.exec(&["ip", "link", "delete", "weave-try"]).must();
}

/// The engine drops what was not read two seconds after the end; the end waits for that.
fn much_that_is_read_slowly(scene: &Scene) {
    let size = 8 << 20;
    let much = program("head -c \"$1\" /dev/zero", &[&size.to_string()], Reach::Files);
    let read = block_on(async {
        let mut running = start(&scene.to, TOKEN, &much, false).await?;
        let mut read = 0;
        while let Some(piece) = running.next().await? {
            if read == 0 {
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
            read += piece.len();
        }
        running.said.ended(&scene.to).map(|()| read)
    });
    assert_eq!(read.expect("all of it"), size);
}

fn paths(scene: &Scene) {
    let dir = scene.lab.dir().display();
    let all: Vec<String> = vec![
        format!("{dir}"),
        format!("{dir}/seen"),
        scene.there.docker_host()[7..].to_owned(),
        format!("{dir}/nosuch"),
    ];
    let found = block_on(kinds(&scene.to, TOKEN, &all)).expect("a look");
    let found: Vec<FileKind> = all.iter().map(|path| found[path]).collect();
    assert_eq!(found, [FileKind::Directory, FileKind::File, FileKind::Special, FileKind::Missing]);
}

/// A program in the place of weave, which says what it was asked.
fn the_weave_of_the_other_host(scene: &Scene) {
    let end = End::with_variables(&scene.to.engine, "PATH=/usr/bin:/bin").expect("variables");
    let ask = |end: &End, mode| block_on(far_weave(end, TOKEN, "attach", &json!({"container": "it's"}), mode));
    let error = ask(&end, Mode::Apply).expect_err("no weave");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert!(error.next_step().is_some_and(|hint| hint.contains("/usr/local/bin")), "{error:?}");
    let bin = scene.lab.dir().join("bin");
    std::fs::create_dir(&bin).expect("a directory");
    let variables = format!("PATH={}:/usr/bin:/bin WEAVE_RUN_DIR='/run/a b'", bin.display());
    let end = End::with_variables(&scene.to.engine, &variables).expect("variables");
    let weave = |script: &str| {
        let path = bin.join("weave");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    };
    weave(
        r#"printf '{"asked": "%s %s %s %s", "docker": "%s", "run": "%s", "arguments": %s}' "$1" "$2" "$3" "$4" "$DOCKER_HOST" "$WEAVE_RUN_DIR" "$5""#,
    );
    let told = ask(&end, Mode::Check).expect("a report");
    assert_eq!(told["asked"], "--json --check call attach");
    assert_eq!(told["docker"], scene.there.docker_host());
    assert_eq!((&told["run"], &told["arguments"]["container"]), (&json!("/run/a b"), &json!("it's")));
    weave(
        r#"echo '{"failed": true, "error": {"kind": "conflict", "op": "attach", "subject": "web", "message": "taken", "hint": "look"}}'; exit 1"#,
    );
    let error = ask(&end, Mode::Apply).expect_err("a conflict");
    assert_eq!((error.kind(), error.subject(), error.next_step()), (ErrorKind::Conflict, "web", Some("look")));
    assert!(error.to_string().starts_with("attach on "), "{error}");
    weave(r#"echo '{"errors": [{"kind": "of_the_future", "subject": "web", "message": "half"}]}'; exit 1"#);
    assert_eq!(ask(&end, Mode::Apply).expect_err("half").kind(), ErrorKind::Docker);
    weave("echo gone wrong >&2; exit 9");
    let error = ask(&end, Mode::Apply).expect_err("a crash");
    assert!(error.message().contains("gone wrong (exit code 9)"), "{error}");
    weave("echo nonsense");
    assert!(ask(&end, Mode::Apply).expect_err("no JSON").message().contains("no sense"));
}

/// What a run that was killed leaves.
fn leftovers(scene: &Scene) {
    let left = |script: &str| {
        let program = program(script, &[], Reach::Files);
        let begun = block_on(async { start(&scene.to, TOKEN, &program, false).await?.next().await });
        begun.expect("begun").expect("a piece");
    };
    // It waits for whoever reads, and goes by itself when nobody does.
    left("echo short");
    scene.is_clean();
    left("cat /dev/zero");
    let label = format!("weave.carries={TOKEN}");
    let args = ["create", "--label", &label, "--name", "left", "busybox", "sleep", "1000000"];
    scene.there.docker(&args).must();
    scene.there.docker(&["volume", "create", "--label", &label, "left"]).must();
    scene.there.docker(&["volume", "create", "--label", "weave.carries=other", "other"]).must();
    block_on(sweep(&scene.to, TOKEN)).expect("swept");
    block_on(sweep(&scene.to, TOKEN)).expect("nothing to sweep");
    assert_eq!(scene.there.docker(&["volume", "ls", "-q"]).must().trim(), "other");
}
