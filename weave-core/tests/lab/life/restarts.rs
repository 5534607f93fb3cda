//! The table of restarts: what an engine does to containers, and what they have of the network afterwards.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{WEAVE, Watch, addresses, index, mac, write};
use crate::lab::{Container, DockerOptions, Host, HostOptions, Lab, PATIENCE, wait_until};

const DOCUMENT: &str = "\
router: {}
peers: [192.0.2.2]
containers:
  web: {ip: 10.2.1.4/24}
  always: {ips: [10.2.1.5/24, \"fd00:2:1::5/64\"]}
  later: {ip: 10.2.1.6/24}
";

const ALWAYS: [&str; 2] = ["10.2.1.5/24", "fd00:2:1::5/64"];

struct Site {
    host: Host,
    web: Container,
    always: Container,
    document: String,
    _lab: Lab,
}

impl Site {
    /// Two containers that somebody else runs, of which the engine starts one again whenever it ends.
    fn new(options: &DockerOptions) -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let host = lab.add_host(HostOptions::default());
        host.start_docker(options);
        let web = host.run_container("web", &["--network=none"]);
        let always = host.run_container("always", &["--restart=always"]);
        let document = write(&host, DOCUMENT);
        Self { host, web, always, document, _lab: lab }
    }

    fn watched(&self) -> Watch {
        let watch = Watch::start(&self.host, &[&self.document]);
        watch.attaches(&self.web, &["10.2.1.4/24"]);
        watch.attaches(&self.always, &ALWAYS);
        watch
    }
}

/// Waits until it has another process than that.
#[track_caller]
fn runs_anew(container: &Container, before: u32) {
    let anew = || container.inspect("{{.State.Pid}}").parse().is_ok_and(|pid: u32| pid > 0 && pid != before);
    assert!(wait_until(PATIENCE, anew), "the engine does not start {}", container.name());
}

/// Kills the first process of a container, behind the engine's back.
fn crash(container: &Container) {
    let pid = Pid::from_raw(i32::try_from(container.pid()).expect("a pid"));
    kill(pid, Signal::SIGKILL).expect("a process to kill");
}

#[test]
fn containers_that_restart_have_their_interface_again() {
    let site = Site::new(&DockerOptions::quiet());
    let Site { host, web, always, .. } = &site;
    let watch = site.watched();
    let macs = (mac(web), mac(always));

    web.restart();
    watch.attaches(web, &["10.2.1.4/24"]);

    // Stopped by hand, it is nobody's to start; while another restarts there is time enough to do so.
    host.docker(&["stop", "web"]).must();
    always.restart();
    watch.attaches(always, &ALWAYS);
    assert_eq!(web.inspect("{{.State.Status}}"), "exited");
    host.docker(&["start", "web"]).must();
    watch.attaches(web, &["10.2.1.4/24"]);

    // A crash, which the engine mends by itself.
    for _ in 0..3 {
        let before = always.inspect("{{.RestartCount}}");
        crash(always);
        assert!(
            wait_until(PATIENCE, || always.inspect("{{.RestartCount}}") != before),
            "the engine does not restart it"
        );
        watch.attaches(always, &ALWAYS);
    }
    assert_eq!((mac(web), mac(always)), macs);

    // What leaves the namespace as it is leaves the interface as it is.
    let before = (index(web), index(always));
    for line in ["pause web", "unpause web", "update --memory 64m --memory-swap 64m web", "update --restart=no always"]
    {
        host.docker(&line.split(' ').collect::<Vec<_>>()).must();
        assert_eq!((index(web), index(always)), before, "{line}");
    }
    watch.stop();
    assert_eq!((index(web), index(always)), before, "it takes nothing with it");
    assert_eq!(host.weave(&["--detailed-exitcodes", "apply", &site.document]).code, 1, "`later` is not there yet");
    assert_eq!((index(web), index(always)), before);
}

/// Each stands by itself: one that restarts while the others are worked on is no reason to take those back.
#[test]
fn many_that_crash_at_once_come_back() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let names: Vec<String> = (1..=12).map(|number| format!("c{number}")).collect();
    let all: Vec<Container> =
        names.iter().map(|name| host.run_container(name, &["--network=none", "--restart=always"])).collect();
    let entry = |(number, name): (u32, &String)| format!("  {name}: {{ip: 10.2.1.{number}/24}}\n");
    let entries: String = (1..).zip(&names).map(entry).collect();
    let watch = Watch::start(&host, &[&write(&host, &format!("router: {{}}\ncontainers:\n{entries}"))]);
    let attached = || {
        for (number, container) in (1..).zip(&all) {
            watch.attaches(container, &[&format!("10.2.1.{number}/24")]);
        }
    };
    attached();
    for _ in 0..3 {
        let before: Vec<u32> = all.iter().map(Container::pid).collect();
        all.iter().for_each(crash);
        all.iter().zip(before).for_each(|(container, before)| runs_anew(container, before));
        attached();
    }
    assert!(!watch.told().contains("host: after all steps"), "{}", watch.told());
    watch.stop();
}

#[test]
fn a_name_is_what_counts_and_not_who_had_it() {
    let site = Site::new(&DockerOptions::quiet());
    let Site { host, web, .. } = &site;
    let watch = site.watched();
    // Another container gets a name that the document has.
    host.run_container("other", &["--network=none"]);
    host.docker(&["rename", "other", "later"]).must();
    let later = host.container("later");
    watch.attaches(&later, &["10.2.1.6/24"]);
    // One that has no name of the document any more keeps what it has, and has nothing after its next restart.
    let before = index(web);
    host.docker(&["rename", "web", "www"]).must();
    let renamed = host.container("www");
    assert_eq!(index(&renamed), before);
    renamed.restart();
    later.restart();
    watch.attaches(&later, &["10.2.1.6/24"]);
    assert!(addresses(&renamed.netns()).is_empty());
    host.docker(&["rename", "www", "web"]).must();
    watch.attaches(web, &["10.2.1.4/24"]);
    watch.stop();
}

#[test]
fn an_engine_that_is_killed_and_starts_again_finds_its_containers_attached() {
    let site = Site::new(&DockerOptions::quiet());
    let Site { host, web, always, .. } = &site;
    let mut watch = site.watched();
    let macs = (mac(web), mac(always));
    let before = always.pid();
    host.crash_docker();
    host.start_docker(&DockerOptions::quiet());
    // Without `live-restore` it ends what it finds, and starts what it shall: new namespaces, all of them.
    runs_anew(always, before);
    watch.attaches(always, &ALWAYS);
    assert_eq!(web.inspect("{{.State.Running}}"), "false");
    host.docker(&["start", "web"]).must();
    watch.attaches(web, &["10.2.1.4/24"]);
    assert_eq!((mac(web), mac(always)), macs);
    assert!(watch.is_running());
    watch.stop();
}

#[test]
fn an_engine_with_live_restore_takes_nothing_with_it() {
    let options = DockerOptions { args: vec!["--live-restore".to_owned()], ..DockerOptions::quiet() };
    let site = Site::new(&options);
    let Site { host, web, always, .. } = &site;
    let watch = site.watched();
    let before = (web.pid(), always.pid(), index(web), index(always));
    host.crash_docker();
    host.start_docker(&options);
    assert_eq!((web.pid(), always.pid(), index(web), index(always)), before);
    // And the watch hears of what happens now.
    web.restart();
    watch.attaches(web, &["10.2.1.4/24"]);
    crash(always);
    runs_anew(always, before.1);
    watch.attaches(always, &ALWAYS);
    watch.stop();
}
