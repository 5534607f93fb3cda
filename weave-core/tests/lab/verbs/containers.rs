//! Containers that weave runs, on a real engine: judged by `docker inspect`, by the kernel, and by pings.

use std::fs;

use serde_json::{Value, json};

use super::kernel::{addresses, find_link, link};
use super::{Host, Lab, WEAVE, problem, refused, report, write};
use crate::lab::{DockerOptions, HostOptions, IMAGE, PATIENCE, Snapshot, assert_same, wait_until};

pub(super) fn site() -> (Lab, Host) {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    host.weave(&["launch", "192.0.2.2"]).must();
    (lab, host)
}

/// All that the engine says of its containers, without what changes by itself.
pub(super) fn engine(host: &Host) -> String {
    let ids = host.docker(&["ps", "-aq", "--no-trunc"]).must();
    let lines = ids.split_whitespace().map(|id| {
        let shown = "{{.Id}} {{.Name}} {{.State.Status}} {{.State.StartedAt}} {{json .Config}} {{json .HostConfig}}";
        host.docker(&["inspect", "--format", shown, id]).must()
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.join("\n")
}

pub(super) fn inspect(host: &Host, name: &str, what: &str) -> String {
    host.docker(&["inspect", "--format", what, name]).must().trim().to_owned()
}

/// Waits until the kernel has taken the namespaces of containers that ended away, and with them the host ends.
#[track_caller]
pub(super) fn settle(host: &Host) {
    // The pair of a router in a container is another matter.
    let is_end = |line: &&str| line.contains("vethwe") && !line.contains("vethwe-");
    let ends = || host.exec(&["ip", "-o", "link"]).must().lines().filter(is_end).count();
    let running = || host.weave(&["ps"]).must().lines().filter(|line| line.contains(" 0a:57:")).count();
    assert!(wait_until(PATIENCE, || ends() == running()), "{}", host.exec(&["ip", "-o", "link"]).must());
}

/// Check, apply, check, apply; the first check and all that follows the first apply touch nothing.
#[track_caller]
pub(super) fn four(host: &Host, args: &[&str]) -> Value {
    settle(host);
    let check = [&["--check"], args].concat();
    let (kernel, containers) = (Snapshot::of(host.netns()), engine(host));
    let planned = report(host, &check, 2);
    assert_same(&kernel, &Snapshot::of(host.netns()));
    assert_eq!(engine(host), containers);
    let done = report(host, args, 2);
    assert_eq!(planned["changes"], done["changes"], "it did not do what it had said");
    assert_ne!(engine(host), containers, "nothing happened: {done:#}");
    settle(host);
    let (kernel, containers) = (Snapshot::of(host.netns()), engine(host));
    for args in [check.as_slice(), args] {
        let again = report(host, args, 0);
        assert_eq!((&again["changes"], &again["steps"]), (&json!([]), &json!([])), "{again:#}");
    }
    assert_same(&kernel, &Snapshot::of(host.netns()));
    assert_eq!(engine(host), containers);
    done
}

/// What a change is about.
pub(super) fn fields(report: &Value) -> Vec<&str> {
    report["changes"].as_array().expect("changes").iter().filter_map(|change| change["field"].as_str()).collect()
}

#[test]
fn a_container_is_run_changed_and_removed() {
    let (_lab, host) = site();
    let base = ["run", "10.2.1.4/24", "--name", "web", "--stop-signal=SIGKILL", "-v", "/data", "-e", "A=1"];
    let run = |more: &[&'static str]| [&base, more, &[IMAGE, "sleep", "1000000"]].concat();
    four(&host, &run(&["--memory=64m", "--memory-swap=64m"]));
    let web = host.container("web");
    assert_eq!(addresses(&web.netns(), "ethwe"), ["10.2.1.4/24"]);
    assert_eq!(inspect(&host, "web", "{{.HostConfig.Memory}} {{.Config.StopSignal}}"), "67108864 SIGKILL");
    let (id, volume) = (inspect(&host, "web", "{{.Id}}"), inspect(&host, "web", "{{(index .Mounts 0).Name}}"));
    host.docker(&["exec", "web", "sh", "-c", "echo kept > /data/file"]).must();

    // In place.
    let done = four(&host, &run(&["--memory=128m", "--memory-swap=128m"]));
    assert_eq!(fields(&done), ["memory", "memory_swap"]);
    assert_eq!(inspect(&host, "web", "{{.Id}} {{.HostConfig.Memory}}"), format!("{id} 134217728"));

    // Anew, with its volume and address.
    let done = four(&host, &run(&["--memory=128m", "--memory-swap=128m", "-e", "B=secret"]));
    // The new one's interface is new, too.
    assert_eq!(fields(&done), ["env", "ips"]);
    assert!(!done.to_string().contains("secret"), "{done:#}");
    assert_ne!(inspect(&host, "web", "{{.Id}}"), id);
    assert_eq!(inspect(&host, "web", "{{(index .Mounts 0).Name}}"), volume);
    assert_eq!(host.docker(&["exec", "web", "cat", "/data/file"]).must().trim(), "kept");
    assert_eq!(addresses(&host.container("web").netns(), "ethwe"), ["10.2.1.4/24"]);
    assert_eq!(host.docker(&["ps", "-a", "--format", "{{.Names}}"]).must().trim(), "web");

    // Stopped by hand.
    host.docker(&["stop", "web"]).must();
    let done = four(&host, &run(&["--memory=128m", "--memory-swap=128m", "-e", "B=secret"]));
    assert!(fields(&done).contains(&"state"), "{done:#}");
    assert_eq!(addresses(&host.container("web").netns(), "ethwe"), ["10.2.1.4/24"]);

    four(&host, &["rm", "web"]);
    assert_eq!(host.docker(&["ps", "-aq"]).must(), "");
    assert_eq!(host.docker(&["volume", "ls", "-q"]).must().trim(), volume, "volumes stay");
}

#[test]
fn what_does_not_start_gives_way_to_what_was_there() {
    let (_lab, host) = site();
    let run = |command: &[&'static str]| {
        let base = ["run", "10.2.1.4/24", "--name", "web", "--stop-signal=SIGKILL", IMAGE];
        [&base, command].concat()
    };
    // The first one is gone again.
    refused(&host, &run(&["no-such-program"])).says("not_found", "web", &["no-such-program", "command"]);
    assert_eq!(host.docker(&["ps", "-aq"]).must(), "");
    report(&host, &run(&["sleep", "1000000"]), 2);
    let id = inspect(&host, "web", "{{.Id}}");
    for (command, word) in
        [(["no-such-program"].as_slice(), "no-such-program"), (&["sh", "-c", "exit 3"], "exit code 3")]
    {
        let error = refused(&host, &run(command));
        assert!(error.message.contains(word), "{error:?}");
        assert_eq!(inspect(&host, "web", "{{.Id}} {{.State.Running}}"), format!("{id} true"));
        assert_eq!(host.docker(&["ps", "-a", "--format", "{{.Names}}"]).must().trim(), "web");
        assert_eq!(addresses(&host.container("web").netns(), "ethwe"), ["10.2.1.4/24"]);
    }
    // An address that somebody has.
    let taken = ["run", "10.2.1.4/24", "--name", "db", IMAGE, "sleep", "1000000"];
    refused(&host, &taken).says("conflict", "db", &["10.2.1.4", "web"]);
    assert_eq!(host.docker(&["ps", "-a", "--format", "{{.Names}}"]).must().trim(), "web");
}

#[test]
fn containers_of_others_are_left_alone() {
    let (_lab, host) = site();
    host.run_container("web", &["-e", "A=1"]);
    let before = engine(&host);
    let run = |value: &'static str| ["run", "--name", "web", "-e", value, IMAGE, "sleep", "1000000"];
    report(&host, &run("A=1"), 0);
    refused(&host, &run("A=2")).says("conflict", "web", &["env", "docker rm"]);
    refused(&host, &["rm", "web"]).says("conflict", "web", &["did not make"]);
    report(&host, &["apply", &write(&host, "purge_containers: true\ncontainers: {}\n")], 0);
    let kept = format!("containers: {{web: {{image: '{IMAGE}', options: '-e A=2', on_change: report}}}}");
    let done = report(&host, &["apply", &write(&host, &kept)], 0);
    assert!(done["warnings"].to_string().contains("env"), "{done:#}");
    assert_eq!(engine(&host), before);
    // Its addresses are weave's to give.
    report(&host, &["run", "10.2.1.4/24", "--name", "web", IMAGE, "sleep", "1000000"], 2);
    assert_eq!(addresses(&host.container("web").netns(), "ethwe"), ["10.2.1.4/24"]);
}

#[test]
fn a_document_runs_purges_and_reports_one_by_one() {
    let (_lab, host) = site();
    let container =
        |rest: &str| format!("{{image: '{IMAGE}', command: sleep 1000000, options: '--stop-signal=SIGKILL', {rest}}}");
    let (web, db) = (container("ip: 10.2.1.4/24"), container("ip: 10.2.1.5/24"));
    let both = format!("containers:\n  web: {web}\n  db: {db}\n");
    four(&host, &["apply", &write(&host, &both)]);
    // One that cannot be made is an error of its own.
    let wrong = format!("containers:\n  web: {web}\n  db: {db}\n  no: {{image: 'nowhere:1', pull: never}}\n");
    let done = report(&host, &["apply", &write(&host, &wrong)], 1);
    problem(&done).says("not_found", "nowhere:1", &["pull: never"]);
    // What is not named stays, until that is asked for.
    let only = format!("containers:\n  web: {web}\n");
    report(&host, &["apply", &write(&host, &only)], 0);
    four(&host, &["apply", &write(&host, &format!("purge_containers: true\n{only}"))]);
    assert_eq!(host.docker(&["ps", "-a", "--format", "{{.Names}}"]).must().trim(), "web");
    four(&host, &["apply", &write(&host, "containers: {web: {ensure: absent}}")]);
    assert!(find_link(host.netns(), "weave").is_some());
    assert_eq!(host.docker(&["ps", "-aq"]).must(), "");
}

#[test]
fn one_document_brings_up_the_containers_of_two_hosts() {
    let lab = Lab::new().with_weave(WEAVE);
    let hosts = [lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default())];
    let fleet = format!(
        "hosts:\n  dockerhost001: {{address: 192.0.2.1, weave_ip: 10.0.0.1/16}}\n  \
         dockerhost002: {{address: 192.0.2.2, weave_ip: 10.0.0.2/16}}\n\
         containers:\n  pg.example.com: {{host: dockerhost001, ip: 10.0.1.21/24, image: pg}}\n  \
         rt.example.com: {{host: dockerhost002, ip: 10.0.1.31/24, image: pg}}\n\
         images:\n  pg:\n    image: '{IMAGE}'\n    command: sleep 1000000\n    \
         docker_run_opts: ['--memory=64m', '--name=\"DOMAIN\"', '-h DOMAIN', '--stop-signal=SIGKILL']\n    \
         attach_volumes: ['-v DOMAIN-data:/var/lib/postgresql']\n"
    );
    for host in &hosts {
        host.start_docker(&DockerOptions::default());
        let path = write(host, &fleet);
        report(host, &["apply", &path], 2);
        report(host, &["apply", &path], 0);
        fs::remove_file(path).expect("the file");
    }
    let (pg, rt) = (hosts[0].container("pg.example.com"), hosts[1].container("rt.example.com"));
    assert_eq!(inspect(&hosts[0], "pg.example.com", "{{.Config.Hostname}}"), "pg.example.com");
    assert_eq!(inspect(&hosts[1], "rt.example.com", "{{(index .Mounts 0).Name}}"), "rt.example.com-data");
    assert!(pg.netns().await_ping("10.0.1.31".parse().expect("address")));
    assert!(rt.netns().await_ping("10.0.1.21".parse().expect("address")));
    assert_eq!(link(&pg.netns(), "ethwe")["mtu"], 1450);
    assert!(wait_until(PATIENCE, || hosts[0].weave(&["ps"]).must().contains("10.0.1.21/24")));
}
