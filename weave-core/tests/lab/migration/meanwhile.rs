//! What others do while a container moves: interrupt it, look, move it, too, or start it.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::halted::Halted;
use super::scene::{Scene, files, listed};
use crate::lab::Host;

fn labelled(host: &Host, label: &str) -> String {
    host.docker(&["volume", "ls", "-q", "--filter", &format!("label={label}")]).must()
}

/// Nobody moves it, and nothing tells of a move.
#[track_caller]
fn is_over(scene: &Scene, course: &str) {
    for host in [&scene.a, &scene.b] {
        let left = ["weave.moves", "weave.carries"].map(|label| labelled(host, label)).concat();
        let holders = host.docker(&["ps", "-aq", "--filter", "name=weave-moving-web"]).must();
        assert_eq!(left + &holders, "", "{course}: {}", host.name());
    }
}

#[test]
fn a_move_that_is_interrupted_before_the_container_stops_is_undone() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let before = files(&scene.a);
    for (moment, signal) in [
        ("carry_image before", Signal::SIGINT),
        ("make_volumes after", Signal::SIGTERM),
        ("first_pass before", Signal::SIGTERM),
        ("hold_source after", Signal::SIGHUP),
    ] {
        let halted = Halted::at(&scene, moment);
        halted.tell(signal);
        let (said, code) = halted.goes_on();
        assert_eq!(code, Some(128 + signal as i32), "{moment}: {said}");
        assert!(said.contains("web: interrupted") && !said.contains("before anything"), "{moment}: {said}");
        assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()), "{moment}: {said}");
        let policy = scene.a.container("web").inspect("{{.HostConfig.RestartPolicy.Name}}");
        assert_eq!(policy.trim(), "always", "{moment}: {said}");
        assert_eq!(scene.b.docker(&["volume", "ls", "-q"]).must(), "", "{moment}: {said}");
        is_over(&scene, moment);
    }
    assert_eq!(files(&scene.a), before);
    scene.moved(&[]);
    assert_eq!(files(&scene.b), before);
}

#[test]
fn a_move_that_is_interrupted_while_the_container_is_away_comes_to_its_end() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let before = files(&scene.a);
    let halted = Halted::at(&scene, "stop_source after");
    halted.tell(Signal::SIGTERM);
    let (said, code) = halted.goes_on();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.contains("finished all the same"), "{said}");
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{said}");
    assert_eq!(files(&scene.b), before);
    is_over(&scene, "finished");
}

#[test]
fn a_plan_leaves_a_move_alone_that_is_under_way() {
    let scene = Scene::new();
    scene.run(&[]);
    let halted = Halted::at(&scene, "first_pass after");
    let served = labelled(&scene.a, "weave.carries");
    assert!(served.starts_with("weave-carry-"), "{served}");
    scene.done(&scene.a, &["--check", "migrate", "web", "--to", &scene.b.docker_host()]);
    assert_eq!(labelled(&scene.a, "weave.carries"), served);
    let (said, code) = halted.goes_on();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn two_do_not_move_one_container() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let before = files(&scene.a);
    let halted = Halted::at(&scene, "hold_source after");
    let shown = || {
        [&scene.a, &scene.b].map(|host| {
            let web = host.docker(&["inspect", "-f", "{{.Id}} {{.State.Status}} {{.HostConfig.RestartPolicy}}", "web"]);
            web.must() + &host.docker(&["volume", "ls", "-q"]).must()
        })
    };
    let (halfway, from) = (shown(), scene.a.docker_host());
    // From the other end; the first has its own lock, and knows nothing of this one's.
    for options in [&[][..], &["--undo"]] {
        let line = [&["migrate", "web", "--from", &from], options].concat();
        let error = scene.refused(&scene.b, &line);
        assert_eq!((&error["kind"], &error["subject"]), (&"conflict".into(), &"web".into()), "{error:#}");
        let words = format!("is being moved by process {} on ", halted.pid());
        assert!(error["message"].as_str().is_some_and(|text| text.contains(&words)), "{error:#}");
        assert_eq!(shown(), halfway, "{error:#}");
    }
    let (said, code) = halted.goes_on();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{said}");
    assert_eq!(files(&scene.b), before);
    is_over(&scene, "finished");
}

/// Shells that wait for the end of a move to this engine.
fn guards(engine: &str) -> usize {
    let guards = |entry: fs::DirEntry| {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains("weave-guard") && words.contains(engine)
    };
    fs::read_dir("/proc").expect("processes").flatten().map(guards).filter(|is_one| *is_one).count()
}

#[test]
fn whoever_started_it_on_the_other_side_decides_and_no_guard_does() {
    let scene = Scene::new();
    scene.run(&["--restart=always"]);
    let to = scene.b.docker_host();
    let halted = Halted::at(&scene, "start_target after");
    assert_eq!(guards(&to), 1);
    scene.a.docker(&["start", "web"]).must();
    let (said, code) = halted.goes_on();
    assert!(code == Some(1) && said.contains("runs on both"), "{said}");
    assert_eq!(guards(&to), 0, "{said}");
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), "web running".to_owned()), "{said}");
    // The one on the source counts.
    scene.b.docker(&["stop", "web"]).must();
    let undone: Value = scene.done(&scene.a, &["migrate", "web", "--undo", "--to", &to]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()), "{undone:#}");
    is_over(&scene, "undone");
}
