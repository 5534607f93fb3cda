//! SIGKILL at every step of a move: never do both containers run, and the next run ends with exactly one.

use std::fs;
use std::path::Path;

use super::lives::Lives;
use super::scene::{APP, Scene, WEAVE, listed};
use crate::lab::{Host, PATIENCE, wait_until};

/// Steps at which it is killed, and whether the source may have stopped by then.
const MOMENTS: [(&str, bool); 14] = [
    ("carry_image before", false),
    ("make_volumes after", false),
    ("make_target after", false),
    ("first_pass during", false),
    ("hold_source after", false),
    ("stop_source during", true),
    ("stop_source after", true),
    ("last_pass during", true),
    ("last_pass after", true),
    ("start_target during", true),
    ("start_target after", true),
    ("attach_target after", true),
    ("free_target after", true),
    ("give_up_source after", true),
];

/// A container that takes a second to stop, and everybody who saw it run.
struct Watched {
    scene: Scene,
    lives: Option<Lives>,
}

impl Watched {
    fn new() -> Self {
        Self { scene: Scene::new(), lives: None }
    }

    fn run(&mut self) {
        let scene = &self.scene;
        self.lives = Some(Lives::of("web", [&scene.a, &scene.b]));
        let script = "trap 'sleep 1; exit' TERM; while :; do sleep 1; done";
        let run = ["run", "-d", "--name", "web", "--network=none", "--restart=always", "--stop-timeout=3"];
        scene.a.docker(&[&run[..], &["-v", "named:/named", APP, "sh", "-c", script]].concat()).must();
        scene.a.weave(&["attach", "--no-probe", "10.2.1.4/24", "web"]).must();
        scene.a.docker(&["exec", "web", "sh", "-c", "echo kept >/named/file"]).must();
    }

    /// Kills a move at a moment.
    fn kill(&self, program: &Path, moment: &str) {
        let to = self.scene.b.docker_host();
        let mut command = self.scene.command_of(program, &self.scene.a, &["--quiet", "migrate", "web", "--to", &to]);
        command.env("WEAVE_KILL_AT", moment);
        let status = command.status().expect("weave to start");
        assert_eq!(status.code(), None, "{moment}: not killed");
    }

    /// What the container may have written over there stays when the guard has undone the move, and nobody writes over it.
    #[track_caller]
    fn has_kept(&self, moment: &str) {
        let Scene { a, b, .. } = &self.scene;
        let at_work = |host: &Host| host.docker(&["ps", "-aq", "--filter", "name=weave-moving-web"]).must();
        assert!(wait_until(PATIENCE, || (at_work(a) + &at_work(b)).is_empty()), "{moment}: the guard does not end");
        let kept = b.docker(&["volume", "ls", "-q"]).must();
        let has_run = ["start_target after", "attach_target after", "free_target after"].contains(&moment);
        // That depends on how far the engine was.
        if moment != "start_target during" {
            assert_eq!(kept, if has_run { "named\n" } else { "" }, "{moment}");
        }
        if !kept.is_empty() {
            let error = self.scene.refused(a, &["migrate", "web", "--to", &b.docker_host()]);
            assert_eq!(
                (&error["kind"], &error["subject"]),
                (&"conflict".into(), &"named".into()),
                "{moment}: {error:#}"
            );
            b.docker(&["volume", "rm", "named"]).must();
        }
    }

    /// One run, and that it has all it had.
    #[track_caller]
    fn ends_well(&self, moment: &str) {
        let done = self.scene.moved(&[]);
        assert_eq!(
            (listed(&self.scene.a), listed(&self.scene.b)),
            (String::new(), "web running".to_owned()),
            "{moment}"
        );
        self.lives.as_ref().expect("lives").were_never_two(2, moment);
        let web = self.scene.b.container("web");
        assert_eq!(web.exec(&["cat", "/named/file"]).must(), "kept\n", "{moment}: {done:#}");
        assert_eq!(web.inspect("{{.HostConfig.RestartPolicy.Name}}").trim(), "always", "{moment}");
        assert!(self.scene.watcher.await_ping([10, 2, 1, 4].into()), "{moment}: its address is lost");
        let again = self.scene.moved(&[]);
        assert_eq!(again["changed"], false, "{moment}: {again:#}");
        for host in [&self.scene.a, &self.scene.b] {
            host.docker(&["rm", "-f", "-v", "web"]).must();
            host.docker(&["volume", "rm", "-f", "named"]).must();
            let rest = host.docker(&["volume", "ls", "-q"]).must() + &host.docker(&["ps", "-aq"]).must();
            assert_eq!(rest, "", "{moment}: something is left");
        }
    }
}

#[test]
fn a_guard_starts_the_container_again_when_weave_is_killed() {
    let mut watched = Watched::new();
    for (moment, _) in MOMENTS.into_iter().filter(|(moment, stops)| *stops && !moment.starts_with("give_up")) {
        watched.run();
        watched.kill(Path::new(WEAVE), moment);
        let scene = &watched.scene;
        let back = wait_until(PATIENCE, || listed(&scene.a) == "web running" && listed(&scene.b).is_empty());
        assert!(back, "{moment}: {} / {}", listed(&scene.a), listed(&scene.b));
        assert!(scene.watcher.await_ping([10, 2, 1, 4].into()), "{moment}: it is not attached again");
        let policy = || scene.a.container("web").inspect("{{.HostConfig.RestartPolicy.Name}}");
        assert!(wait_until(PATIENCE, || policy().trim() == "always"), "{moment}: {}", policy());
        watched.has_kept(moment);
        watched.ends_well(moment);
    }
}

#[test]
fn the_next_run_goes_on_where_no_guard_is() {
    let mut watched = Watched::new();
    // Under another name it does not take itself for the command.
    let program = watched.scene.a.dir().join("unguarded");
    fs::hard_link(WEAVE, &program).or_else(|_| fs::copy(WEAVE, &program).map(drop)).expect("a copy");
    for (moment, _) in MOMENTS {
        watched.run();
        watched.kill(&program, moment);
        watched.ends_well(moment);
    }
}
