//! Containers that restart, end and die, between runs and in the middle of one.

use std::process::Stdio;
use std::time::Duration;

use super::kernel::{addresses, link, links};
use super::{Refusal, Scene, WEAVE, four_runs, report, write};
use crate::lab::{Container, DockerOptions, Host, HostOptions, Lab, Netns, PATIENCE, wait_until};

/// How many containers go into the batch of which one dies.
const BATCH: usize = 6;

#[test]
fn containers_that_restart_and_die() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    host.weave(&["launch", "192.0.2.2"]).must();
    restarted(&host);
    host.weave(&["reset"]).must();
    host.weave(&["launch", "192.0.2.2"]).must();
    let containers: Vec<Container> =
        (0..BATCH).map(|n| host.run_container(&format!("c{n}"), &["--network=none"])).collect();
    for round in 0..8 {
        died_meanwhile(&host, &containers, Duration::from_millis(round * 6));
    }
    died_before_a_verb(&host, &containers[0]);
    // The engine stops; what is there stays, and namespaces by path still work.
    let kept = containers[1].netns();
    let kept = kept.netns_path().to_str().expect("a path in UTF-8").to_owned();
    host.weave(&["attach", "10.2.1.201/24", &format!("netns:{kept}")]).must();
    report(&host, &["attach", "10.2.1.201/24", "c1"], 0);
}

/// A restart makes another namespace: the interface is gone, and the next run makes it as it was.
fn restarted(host: &Host) {
    let web = host.run_container("web", &["--network=none"]);
    let path = write(host, "peers: [192.0.2.2]\ncontainers: {web: {ip: 10.2.1.4/24}}\n");
    report(host, &["apply", &path], 2);
    let mac = link(&web.netns(), "ethwe")["address"].clone();
    for damage in ["restart", "kill"] {
        match damage {
            "restart" => web.restart(),
            _ => {
                host.docker(&["kill", "web"]).must();
                host.docker(&["start", "web"]).must();
            }
        }
        assert!(super::kernel::find_link(&web.netns(), "ethwe").is_none());
        // Else it goes in the middle of the runs, which are compared.
        assert!(wait_until(PATIENCE, || ports(host).len() == 1), "{:?}", ports(host));
        four_runs(host, &Scene(vec![host.netns(), &web.netns()]), &["apply", &path]);
        assert_eq!(link(&web.netns(), "ethwe")["address"], mac);
        assert_eq!(addresses(&web.netns(), "ethwe"), ["10.2.1.4/24"]);
        assert!(wait_until(PATIENCE, || ports(host).len() == 2), "{:?}", ports(host));
    }
    web.remove();
    let done = report(host, &["apply", &path], 1);
    super::problem(&done).says("not_found", "web", &["does not exist"]);
    assert!(wait_until(PATIENCE, || ports(host).len() == 1), "{:?}", ports(host));
}

/// Ports of the bridge.
fn ports(host: &Netns) -> Vec<String> {
    let ports = links(host).into_iter().filter(|link| link["master"] == "weave");
    ports.filter_map(|link| link["ifname"].as_str().map(str::to_owned)).collect()
}

/// One container of a batch is killed `after` the batch was started: it was attached, or it is named in an error; the
/// others are served, and nothing of it stays.
fn died_meanwhile(host: &Host, containers: &[Container], after: Duration) {
    let victim = &containers[BATCH / 2];
    let lines = containers.iter().enumerate().map(|(n, container)| {
        // Without the waiting of a probe the kill falls among the steps as often as not.
        let probe = n % 2 == 0;
        format!("  {}: {{ip: 10.2.1.{}/24, probe: {probe}}}\n", container.name(), n + 10)
    });
    let path = write(host, &format!("containers:\n{}", lines.collect::<String>()));
    let process = victim.pid();
    let mut command = host.weave_command(&["--json", "--detailed-exitcodes", "apply", &path]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("weave to start");
    std::thread::sleep(after);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(process).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("a process to kill");
    let output = child.wait_with_output().expect("weave to end");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let done: serde_json::Value = serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    match output.status.code() {
        Some(1) => {
            let error = super::problem(&done);
            // The engine may not have heard of it yet.
            if error.kind == "docker" && error.message.contains("cannot be seen") {
                assert_eq!(error.subject, victim.name(), "{error:?}");
            } else {
                is_death(&error, victim.name());
            }
        }
        // It died after the last look.
        Some(2) => {}
        other => panic!("{other:?} after {after:?}: {done:#}"),
    }
    let others = || containers.iter().enumerate().filter(|(n, _)| *n != BATCH / 2);
    for (n, container) in others() {
        assert_eq!(addresses(&container.netns(), "ethwe"), [format!("10.2.1.{}/24", n + 10)], "{done:#}");
    }
    assert!(wait_until(PATIENCE, || ports(host).len() == BATCH), "{:?}\n{done:#}", ports(host));
    assert!(wait_until(PATIENCE, || victim.inspect("{{.State.Running}}") == "false"));
    // Its namespace is gone, and so is all that weave made for it: the next run has nothing to do but for the dead.
    let again = report(host, &["apply", &path], 1);
    is_death(&super::problem(&again), victim.name());
    assert_eq!(again["changed"], false, "{again:#}");
    host.docker(&["start", victim.name()]).must();
    report(host, &["apply", &path], 2);
    assert_eq!(ports(host).len(), BATCH + 1);
    for container in containers {
        host.weave(&["detach", container.name()]).must();
    }
}

#[track_caller]
fn is_death(error: &Refusal, name: &str) {
    assert_eq!((error.kind.as_str(), error.subject.as_str()), ("container_not_running", name), "{error:?}");
    assert!(error.message.contains("is not running"), "{error:?}");
}

fn died_before_a_verb(host: &Host, container: &Container) {
    host.weave(&["attach", "10.2.1.4/24", container.name()]).must();
    host.docker(&["kill", container.name()]).must();
    assert!(wait_until(PATIENCE, || ports(host).len() == 1), "{:?}", ports(host));
    is_death(&super::refused(host, &["detach", container.name()]), container.name());
    report(host, &["launch"], 0);
    report(host, &["status"], 0);
    host.docker(&["start", container.name()]).must();
    report(host, &["detach", container.name()], 0);
}
