//! SIGKILL while a real engine works: the next run finishes what the killed one began.

use std::fs;

use serde_json::json;

use super::gate::{Gate, Moment};
use super::kernel::addresses;
use super::{WEAVE, object, report, write};
use crate::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab};

const MOMENTS: [Moment; 3] = [Moment::Before, Moment::During, Moment::After];

/// A host with a container that has what can be lost: volumes with and without a name, and an interface that no
/// document names.
struct Scene {
    host: Host,
    gate: Gate,
    volumes: String,
    _lab: Lab,
}

impl Scene {
    fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let host = lab.add_host(HostOptions::default());
        host.start_docker(&DockerOptions::quiet());
        host.weave(&["launch", "192.0.2.2"]).must();
        let gate = Gate::new(&host);
        let scene = Self { host, gate, volumes: String::new(), _lab: lab };
        report(&scene.host, &["apply", &scene.document(0)], 2);
        let write = "echo nameless >/data/file; echo named >/named/file";
        scene.host.docker(&["exec", "web", "sh", "-c", write]).must();
        scene.host.weave(&["attach", "--interface", "eth7", "10.3.1.4/24", "web"]).must();
        let volumes = scene.host.docker(&["volume", "ls", "-q"]).must();
        assert_eq!(volumes.lines().count(), 2);
        Self { volumes, ..scene }
    }

    fn document(&self, number: usize) -> String {
        let text = format!(
            "containers:\n  web:\n    ip: 10.2.1.4/24\n    image: {IMAGE}\n    command: sleep 1000000\n    \
             options: --stop-signal=SIGKILL --restart=always -v /data -v named:/named -e A={number}\n"
        );
        write(&self.host, &text)
    }

    /// The next run after a kill, and the one after that.
    #[track_caller]
    fn repair(&self, args: &[&str], course: &str) {
        let output = self.host.weave(&[&["--json"], args].concat());
        assert_eq!(output.code, 0, "{course}: {output}");
        let done = object(&output);
        for list in ["changes", "steps"] {
            assert_eq!(done["changed"] == false, done[list] == json!([]), "{course}: {done:#}");
        }
        let again = object(&self.host.weave(&[&["--json"], args].concat()));
        assert_eq!((&again["changed"], &again["steps"]), (&false.into(), &json!([])), "{course}: {again:#}");
        assert!(!self.host.run_dir().join("owed.json").exists(), "{course}: more is owed");
    }

    /// The container as document number `number` wants it, with all that it had.
    #[track_caller]
    fn is_whole(&self, number: usize, course: &str) {
        let host = &self.host;
        assert_eq!(listed(host), "web running", "{course}");
        let shown = host.docker(&["exec", "web", "sh", "-c", "cat /data/file /named/file; echo $A"]).must();
        assert_eq!(shown, format!("nameless\nnamed\n{number}\n"), "{course}");
        assert_eq!(host.docker(&["volume", "ls", "-q"]).must(), self.volumes, "{course}");
        let inside = host.container("web").netns();
        assert_eq!(addresses(&inside, "ethwe"), ["10.2.1.4/24"], "{course}");
        assert_eq!(addresses(&inside, "eth7"), ["10.3.1.4/24"], "{course}");
    }
}

/// All containers, with what they are doing.
fn listed(host: &Host) -> String {
    host.docker(&["ps", "-a", "--format", "{{.Names}} {{.State}}"]).must().trim().to_owned()
}

#[test]
fn a_container_that_was_being_made_anew_is_there_after_the_next_run() {
    let scene = Scene::new();
    let mut number = 0;
    for moment in MOMENTS {
        for at in 0.. {
            number += 1;
            let document = scene.document(number);
            let killed = scene.gate.kill(&scene.host, &["apply", &document], at, moment);
            let course = format!("killed {moment:?} {killed:#?}");
            if let Some(orders) = &killed {
                assert_eq!(orders.len(), at + 1, "{course}");
            }
            scene.repair(&["apply", &document], &course);
            scene.is_whole(number, &course);
            if killed.is_none() {
                // Made, stopped, renamed twice, started, removed.
                assert_eq!(at, 6, "orders");
                break;
            }
        }
    }
}

#[test]
fn a_container_that_was_being_made_or_removed_is_there_or_gone_after_the_next_run() {
    let scene = Scene::new();
    let (host, present) = (&scene.host, scene.document(1));
    let absent = host.dir().join("absent.yaml").display().to_string();
    fs::write(&absent, "containers: {web: {ensure: absent}}\n").expect("a file");
    for moment in MOMENTS {
        for at in 0.. {
            let killed = scene.gate.kill(host, &["apply", &absent], at, moment);
            let course = format!("removal, killed {moment:?} {killed:#?}");
            scene.repair(&["apply", &absent], &course);
            assert_eq!(listed(host), "", "{course}");
            let made = scene.gate.kill(host, &["apply", &present], at, moment);
            let course = format!("killed {moment:?} {made:#?}");
            scene.repair(&["apply", &present], &course);
            assert_eq!(listed(host), "web running", "{course}");
            assert_eq!(addresses(&host.container("web").netns(), "ethwe"), ["10.2.1.4/24"], "{course}");
            if killed.is_none() && made.is_none() {
                assert_eq!(at, 2, "orders");
                break;
            }
        }
    }
}
