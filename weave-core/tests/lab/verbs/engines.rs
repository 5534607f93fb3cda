//! Containers of a real engine: how they are named, and which cannot be attached.
//!
//! One engine serves all of it, since it takes seconds to start; each part leaves the host as it found it.

use nix::sys::signal::Signal;

use super::kernel::{addresses, find_link, link};
use super::{Scene, WEAVE, four_runs, problem, refusal, refused, report, weave_through, write};
use crate::lab::{Container, DockerOptions, Host, HostOptions, Lab, PATIENCE, wait_until};

#[test]
fn containers_of_an_engine() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let web = host.run_container("web", &["--network=none"]);
    let db = host.run_container("db.example.com", &["--network=none"]);
    host.weave(&["launch", "192.0.2.2"]).must();
    named_in_every_way(&host, &web);
    taken_by_a_container(&host, &web, &db);
    printed_as_the_script_did(&host, &web, &db);
    sharing_a_namespace(&host, &web);
    on_the_network_of_the_host(&host);
    not_running(&host, &db);
    paused(&host, &db);
    missing_in_a_document(&host, &web);
    hanging(&host);
}

fn four(host: &Host, container: &Container, args: &[&str]) {
    four_runs(host, &Scene(vec![host.netns(), &container.netns()]), args);
}

fn named_in_every_way(host: &Host, web: &Container) {
    let id = web.inspect("{{.Id}}");
    for name in ["web", "/web", &id, &id[..12], &id[..4]] {
        four(host, web, &["attach", "10.2.1.4/24", name]);
        assert_eq!(link(&web.netns(), "ethwe")["address"], "0a:57:0a:02:01:04");
        // Whatever it is called, it is the same one.
        report(host, &["attach", "10.2.1.4/24", "web"], 0);
        report(host, &["attach", "10.2.1.4/24", &format!("pid:{}", web.pid())], 0);
        four(host, web, &["detach", name]);
        assert!(find_link(&web.netns(), "ethwe").is_none());
    }
    let document = format!("containers:\n  web: {{ip: 10.2.1.4/24}}\n  {}: {{ip: 10.2.1.5/24}}\n", &id[..12]);
    let done = report(host, &["apply", &write(host, &document)], 1);
    assert!(problem(&done).message.contains("is the same network namespace as"), "{done:#}");
    host.weave(&["detach", "web"]).must();
    // The engine takes what begins a name for no name.
    refused(host, &["attach", "10.2.1.4/24", "we"]).says("not_found", "we", &["does not exist", "docker ps -a"]);
}

fn taken_by_a_container(host: &Host, web: &Container, db: &Container) {
    host.weave(&["attach", "10.2.1.4/24", "web"]).must();
    let (inside, other) = (web.netns(), db.netns());
    let scene = Scene(vec![host.netns(), &inside, &other]);
    let error = scene.untouched(|| refused(host, &["attach", "10.2.1.4/24", db.name()]));
    error.says("conflict", db.name(), &["is taken by 0a:57:0a:02:01:04 on this host, container web"]);
}

fn printed_as_the_script_did(host: &Host, web: &Container, db: &Container) {
    let id = |container: &Container| container.inspect("{{.Id}}")[..12].to_owned();
    host.weave(&["attach", "10.2.1.4/24", "web"]).must();
    host.weave(&["attach", "ip:10.2.1.5/24", "10.3.1.5/16", db.name()]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    let bridge = link(host, "weave")["address"].as_str().expect("an address").to_owned();
    let (web_line, db_line) = (
        format!("{} 0a:57:0a:02:01:04 10.2.1.4/24", id(web)),
        format!("{} 0a:57:0a:02:01:05 10.2.1.5/24 10.3.1.5/16", id(db)),
    );
    let printed = host.weave(&["ps"]).must();
    let mut lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.remove(0), format!("weave:expose {bridge} 10.2.1.1/24"));
    lines.sort_unstable();
    let mut expected = [web_line.as_str(), db_line.as_str()];
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert_eq!(host.weave(&["ps", "weave:expose"]).must(), format!("weave:expose {bridge} 10.2.1.1/24\n"));
    assert_eq!(host.weave(&["ps", &id(web)]).must(), format!("{web_line}\n"));
    // With a name it is what was typed, as it was there.
    assert_eq!(host.weave(&["ps", "web"]).must(), "web 0a:57:0a:02:01:04 10.2.1.4/24\n");
    host.weave(&["detach", "web"]).must();
    host.weave(&["detach", db.name()]).must();
    host.weave(&["hide"]).must();
}

fn sharing_a_namespace(host: &Host, web: &Container) {
    let side = host.run_container("side", &["--network=container:web"]);
    four(host, web, &["attach", "10.2.1.4/24", "side"]);
    assert_eq!(addresses(&web.netns(), "ethwe"), ["10.2.1.4/24"]);
    report(host, &["attach", "10.2.1.4/24", "web"], 0);
    side.remove();
    assert_eq!(addresses(&web.netns(), "ethwe"), ["10.2.1.4/24"]);
    four(host, web, &["detach", "web"]);
}

fn hanging(host: &Host) {
    host.signal_docker(Signal::SIGSTOP);
    let arguments = ["--json", "attach", "10.2.1.4/24", "web"];
    let output = weave_through(host, &["env", "WEAVE_ENGINE_TIMEOUT=0.5"], &arguments);
    host.signal_docker(Signal::SIGCONT);
    let error = refusal(&output);
    assert!(error.message.contains("did not answer within 0.5 s"), "{error:?}");
}

fn on_the_network_of_the_host(host: &Host) {
    let hosted = host.run_container("hosted", &["--network=host"]);
    let beside = host.run_container("beside", &["--network=container:hosted"]);
    for name in ["hosted", "beside"] {
        for verb in ["attach", "detach"] {
            let error = Scene(vec![host.netns()]).untouched(|| refused(host, &[verb, "10.2.1.4/24", name]));
            error.says("conflict", name, &["shares the network of the host", "--network=host", "weave expose"]);
        }
    }
    beside.remove();
    hosted.remove();
}

fn not_running(host: &Host, db: &Container) {
    host.weave(&["attach", "10.2.1.5/24", db.name()]).must();
    host.docker(&["stop", db.name()]).must();
    // Its interface went with its namespace, a moment later.
    let gone = || {
        super::kernel::links(host)
            .iter()
            .all(|link| link["linkinfo"]["info_slave_kind"] != "bridge" || link["ifname"] == "vxlan-6783")
    };
    assert!(wait_until(PATIENCE, gone));
    for verb in ["attach", "detach"] {
        let error = Scene(vec![host.netns()]).untouched(|| refused(host, &[verb, "10.2.1.5/24", db.name()]));
        error.says("container_not_running", db.name(), &["is not running", "exited", "docker start db.example.com"]);
    }
    host.docker(&["start", db.name()]).must();
    let made = host.docker(&["create", "--name", "made", crate::lab::IMAGE]);
    made.must();
    let error = refused(host, &["attach", "10.2.1.6/24", "made"]);
    error.says("container_not_running", "made", &["created"]);
    host.docker(&["rm", "made"]).must();
}

fn paused(host: &Host, db: &Container) {
    host.docker(&["pause", db.name()]).must();
    four(host, db, &["attach", "10.2.1.5/24", db.name()]);
    four(host, db, &["detach", db.name()]);
    host.docker(&["unpause", db.name()]).must();
}

fn missing_in_a_document(host: &Host, web: &Container) {
    let path = write(host, "containers:\n  nosuch: {ip: 10.2.1.3/24}\n  web: {ip: 10.2.1.4/24}\n");
    let done = report(host, &["apply", &path], 1);
    problem(&done).says("not_found", "nosuch", &["does not exist", "docker ps -a"]);
    assert_eq!(addresses(&web.netns(), "ethwe"), ["10.2.1.4/24"]);
    let told = host.weave(&["apply", &path]);
    assert_eq!(told.code, 1, "{told}");
    assert!(told.stderr.contains("nosuch") && told.stderr.contains("does not exist"), "{told}");
    let state = report(host, &["status"], 0)["state"]["containers"].clone();
    assert_eq!(state, serde_json::json!({"web": {"ips": ["10.2.1.4/24"]}}));
    // A container that is asked to have nothing and is not there is not served either.
    report(host, &["apply", &write(host, "containers: {nosuch: {ips: []}}\n")], 1);
}
