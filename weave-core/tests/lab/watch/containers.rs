//! Containers that start get their interfaces, and an engine may go and come back.

use nix::sys::signal::Signal;

use super::{METRICS, WEAVE, Watching, addresses, write};
use crate::lab::{Container, DockerOptions, Host, HostOptions, IMAGE, Lab, PATIENCE, wait_until};

struct Scene {
    _lab: Lab,
    host: Host,
}

impl Scene {
    fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let host = lab.add_host(HostOptions::default());
        host.start_docker(&DockerOptions::quiet());
        Self { _lab: lab, host }
    }
}

const DOCUMENT: &str = "\
router: {port: 6783}
peers: [192.0.2.2]
containers:
  web: {ip: 10.2.1.4/24}
  db: {ip: 10.2.1.5/24}
  late: {ip: 10.2.1.6/24}
";

#[track_caller]
fn attached(watching: &Watching, container: &Container, address: &str) {
    watching.wait(address, || {
        // It may be between two starts.
        container.inspect("{{.State.Running}}") == "true" && addresses(&container.netns(), "ethwe") == address
    });
}

#[test]
fn containers_that_start_get_their_interfaces() {
    let scene = Scene::new();
    let host = &scene.host;
    let web = host.run_container("web", &["--network=none"]);
    let watching = Watching::document(host, DOCUMENT);
    attached(&watching, &web, "10.2.1.4/24");
    // Restarted, killed and started, made after the watch began, and made anew under the same name.
    web.restart();
    attached(&watching, &web, "10.2.1.4/24");
    host.docker(&["kill", "web"]).must();
    host.docker(&["start", "web"]).must();
    attached(&watching, &web, "10.2.1.4/24");
    let db = host.run_container("db", &["--network=none"]);
    attached(&watching, &db, "10.2.1.5/24");
    web.remove();
    let web = host.run_container("web", &["--network=none"]);
    attached(&watching, &web, "10.2.1.4/24");
    // One that gets a name of the document.
    let other = host.run_container("other", &["--network=none"]);
    watching.settle();
    assert_eq!(addresses(&other.netns(), "ethwe"), "");
    host.docker(&["rename", "other", "late"]).must();
    attached(&watching, &host.container("late"), "10.2.1.6/24");
    // One that was paused has all it had.
    host.docker(&["pause", "web"]).must();
    watching.settle();
    host.docker(&["unpause", "web"]).must();
    attached(&watching, &web, "10.2.1.4/24");
    // Stopped by hand, it is nobody's fault.
    host.docker(&["stop", "web"]).must();
    watching.settle();
    assert!(!watching.log().contains("ERROR"), "{}", watching.log());
    assert_eq!(web.inspect("{{.State.Running}}"), "false");
    // Its end on the host goes with its namespace, when the kernel finds the time.
    watching.wait("two interfaces", || watching.count("weave_attachments") == 2);
    assert_eq!(watching.end(), 0);
}

/// As many as restart at once are served, and what was attached by hand stays.
#[test]
fn many_that_restart_at_once_are_all_served() {
    const MANY: u32 = 12;
    let scene = Scene::new();
    let host = &scene.host;
    let name = |number: u32| format!("c{number}");
    let containers: Vec<Container> =
        (0..MANY).map(|number| host.run_container(&name(number), &["--network=none"])).collect();
    let hand = host.run_container("hand", &["--network=none"]);
    let address = |number: u32| format!("10.2.1.{}/24", number + 10);
    let entries: String =
        (0..MANY).map(|number| format!("  {}: {{ip: {}}}\n", name(number), address(number))).collect();
    let watching = Watching::document(host, &format!("peers: [192.0.2.2]\ncontainers:\n{entries}"));
    host.weave(&["attach", "10.2.1.200/24", "hand"]).must();
    for round in 0..3 {
        // The command would restart them one after the other.
        std::thread::scope(|scope| containers.iter().for_each(|container| drop(scope.spawn(|| container.restart()))));
        for (number, container) in (0..MANY).zip(&containers) {
            attached(&watching, container, &address(number));
        }
        assert!(!watching.log().contains("ERROR"), "round {round}:\n{}", watching.log());
    }
    watching.settle();
    assert_eq!(addresses(&hand.netns(), "ethwe"), "10.2.1.200/24");
    // What is looked at is little beside what happened: at most as often as containers started, and a bit.
    let looks = watching.count("weave_convergences_total");
    assert!(looks <= u64::from(4 * MANY * 3), "{looks} looks:\n{}", watching.log());
    assert_eq!(watching.end(), 0);
}

/// An engine that takes connections and is silent, as one that is only about to start, keeps nobody waiting.
#[test]
fn an_engine_that_is_silent_is_not_waited_for() {
    let scene = Scene::new();
    let host = &scene.host;
    let web = host.run_container("web", &["--network=none"]);
    host.signal_docker(Signal::SIGSTOP);
    let path = write(host, DOCUMENT);
    let printed = host.weave(&["apply", "--only", "network", &path]);
    assert!(printed.ok() && printed.stderr.contains("until the engine can be asked"), "{printed}");
    let reset = host.weave_command(&["reset"]).env("WEAVE_ENGINE_TIMEOUT", "1").output().expect("weave to start");
    assert!(reset.status.success(), "{reset:?}");
    let mut command = host.weave_command(&["watch", "--metrics", METRICS, &path]);
    let watching = Watching::of(host, command.env("WEAVE_ENGINE_TIMEOUT", "10"));
    watching.await_log("has not answered for 2 s");
    watching.wait("the bridge", || host.exec(&["ip", "link", "show", "master", "weave"]).stdout.contains("vxlan-6783"));
    host.signal_docker(Signal::SIGCONT);
    attached(&watching, &web, "10.2.1.4/24");
    watching.wait("the engine", || watching.count("weave_engine_connected") == 1);
    assert_eq!(watching.end(), 0);
}

/// One that hangs later, with its connections open, counts as away after a while.
#[test]
fn an_engine_that_falls_silent_is_away() {
    let scene = Scene::new();
    let host = &scene.host;
    let web = host.run_container("web", &["--network=none"]);
    let path = write(host, DOCUMENT);
    let mut command = host.weave_command(&["watch", "--metrics", METRICS, &path]);
    let watching = Watching::of(host, command.env("WEAVE_ENGINE_TIMEOUT", "5"));
    attached(&watching, &web, "10.2.1.4/24");
    host.signal_docker(Signal::SIGSTOP);
    let away = || watching.count("weave_engine_connected") == 0;
    // It has ten seconds for a sign of life, and five more for an answer.
    assert!(wait_until(PATIENCE, away), "{}", watching.log());
    host.signal_docker(Signal::SIGCONT);
    watching.wait("the engine", || watching.count("weave_engine_connected") == 1);
    assert_eq!(watching.end(), 0);
}

/// A container that publishes reaches itself through the port of the host, also after it was started anew.
#[test]
fn the_host_end_of_a_published_container_is_as_before_its_restart() {
    let scene = Scene::new();
    let host = &scene.host;
    let web = host.run_container("web", &["--network=none"]);
    let text = DOCUMENT.replace("containers:", "expose: [10.2.1.1/24]\npublish: ['8080:web:80']\ncontainers:");
    let watching = Watching::document(host, &text);
    let is_hairpin = || host.exec(&["bridge", "-d", "link", "show"]).stdout.contains("hairpin on");
    attached(&watching, &web, "10.2.1.4/24");
    watching.wait("the hairpin", is_hairpin);
    for _ in 0..3 {
        watching.settle();
        web.restart();
        attached(&watching, &web, "10.2.1.4/24");
        watching.wait("the hairpin", is_hairpin);
    }
    assert_eq!(watching.end(), 0);
}

/// What the document wants and cannot have stands, however fine the network is; and what starts meanwhile is served.
#[test]
fn a_document_that_fails_is_told_as_long_as_it_does() {
    let scene = Scene::new();
    let host = &scene.host;
    let web = host.run_container("web", &["--network=none"]);
    let text = format!("{DOCUMENT}  app: {{ip: 10.2.1.9/24, image: 'no-such-image:1', pull: never}}\n");
    let watching = Watching::document(host, &text);
    watching.await_log("no-such-image");
    // Mostly the next try of the document is farther away than a look at the network.
    watching.wait("a look at the network", || {
        host.sh("ip link set weave down").must();
        let is_up = || host.exec(&["ip", "-o", "link", "show", "up", "dev", "weave"]).stdout.contains("weave");
        wait_until(PATIENCE, is_up) && watching.count("weave_drift_total") > 1
    });
    web.restart();
    attached(&watching, &web, "10.2.1.4/24");
    assert_eq!(watching.count("weave_problems"), 1, "{}", watching.metrics());
    let log = watching.log();
    assert_eq!((log.matches("no-such-image").count(), log.matches("as it should be again").count()), (1, 0), "{log}");
    host.docker(&["tag", IMAGE, "no-such-image:1"]).must();
    // It waits for its own next try, or for this.
    watching.signal(Signal::SIGHUP);
    watching.await_log("all is as it should be again");
    watching.wait("the metrics", || watching.count("weave_problems") == 0);
    assert_eq!(watching.end(), 0);
}

#[test]
fn an_engine_goes_and_comes_back() {
    let scene = Scene::new();
    let host = &scene.host;
    let document = format!(
        "router: {{port: 6783}}\npeers: [192.0.2.2]\ncontainers:\n  web: {{ip: 10.2.1.4/24, image: {IMAGE}, command: \
         sleep 1000000, options: '--network=none --stop-signal=SIGKILL --restart=always'}}\n"
    );
    let watching = Watching::document(host, &document);
    let web = host.container("web");
    attached(&watching, &web, "10.2.1.4/24");
    assert_eq!(watching.count("weave_engine_connected"), 1);
    host.stop_docker();
    watching.wait("its end", || watching.count("weave_engine_connected") == 0);
    // The network is kept meanwhile.
    host.sh("ip link delete weave").must();
    watching.wait("the bridge", || host.exec(&["ip", "link", "show", "master", "weave"]).stdout.contains("vxlan-6783"));
    host.start_docker(&DockerOptions::quiet());
    attached(&watching, &web, "10.2.1.4/24");
    watching.wait("the engine", || watching.count("weave_engine_connected") == 1);
    assert!(watching.log().contains("without the engine"), "{}", watching.log());
    // A container that weave runs is not started again by itself, once somebody stopped it.
    watching.settle();
    host.docker(&["stop", "web"]).must();
    watching.settle();
    assert_eq!(web.inspect("{{.State.Running}}"), "false");
    assert_eq!(watching.end(), 0);
}

#[test]
fn a_container_that_cannot_be_served_is_told_once_and_the_others_are() {
    let scene = Scene::new();
    let host = &scene.host;
    let web = host.run_container("web", &["--network=none"]);
    let taken = host.run_container("taken", &["--network=none"]);
    let path = write(host, &(DOCUMENT.to_owned() + "  taken: {ip: 10.2.1.4/24, probe: false, interface: lo}\n"));
    let refused = host.weave(&["watch", &path]).must_fail();
    assert!(refused.contains("lo"), "{refused}");
    // The interface is there, and not weave's.
    taken.netns().sh("ip link add ethwe type veth peer name other").must();
    let watching = Watching::document(host, &(DOCUMENT.to_owned() + "  taken: {ip: 10.2.1.9/24}\n"));
    attached(&watching, &web, "10.2.1.4/24");
    watching.await_log("weave did not make");
    let db = host.run_container("db", &["--network=none"]);
    attached(&watching, &db, "10.2.1.5/24");
    web.restart();
    attached(&watching, &web, "10.2.1.4/24");
    watching.await_count("weave_convergences_total", 6);
    assert_eq!(watching.log().matches("weave did not make").count(), 1, "{}", watching.log());
    taken.netns().sh("ip link delete ethwe").must();
    attached(&watching, &taken, "10.2.1.9/24");
    watching.await_log("all is as it should be again");
}
