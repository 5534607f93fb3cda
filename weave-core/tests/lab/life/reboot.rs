//! A reboot, played: everything of a host is gone but its disk, and then systemd would run what stands in the units.

use std::fs;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{WEAVE, Watch, link, mac, write};
use crate::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab, PATIENCE, PATIENT, wait_until};

/// What systemd would run for a unit, with the privileges that the unit leaves it.
#[track_caller]
fn command(host: &Host, unit: &str) -> Command {
    let text = fs::read_to_string(host.dir().join("root/etc/systemd/system").join(unit)).expect("a unit");
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no {key} in {text}"))
    };
    assert_eq!(value("NoNewPrivileges"), "yes");
    let kept = value("CapabilityBoundingSet").split(' ').map(|name| format!(",+{}", &name.to_lowercase()[4..]));
    let set: String = std::iter::once("--bounding-set=-all".to_owned()).chain(kept).collect();
    let words: Vec<&str> = value("ExecStart").split(' ').map(|word| word.trim_matches('"')).collect();
    assert_eq!(words[0], WEAVE);
    let mut command = host.command("setpriv");
    command.args(["--no-new-privs", &set]).args(words);
    command.env("WEAVE_RUN_DIR", host.run_dir()).env("DOCKER_HOST", host.docker_host()).env(PATIENT.0, PATIENT.1);
    command
}

/// What systemd does first; the engine does not run yet.
#[track_caller]
fn boot(host: &Host) {
    let done = command(host, "weave-net.service").output().expect("weave to start");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn watch(host: &Host) -> Watch {
    Watch::of(host, command(host, "weave-watch.service"))
}

/// Power fails: nobody is told, and nothing is left in order.
fn cut_power(host: &Host) {
    let ids = host.docker(&["ps", "-q"]).must();
    let pids: Vec<i32> = ids
        .split_whitespace()
        .map(|id| host.docker(&["inspect", "--format", "{{.State.Pid}}", id]).must().trim().parse().expect("a pid"))
        .collect();
    host.crash_docker();
    for pid in pids {
        // They are shot by an engine that goes, if they have not gone yet.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

#[test]
fn a_host_that_boots_has_its_network_before_the_engine_and_its_containers_at_once() {
    let lab = Lab::new().with_weave(WEAVE);
    let (host, far) = (lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default()));
    let there = lab.target("there");
    far.weave(&["launch", "192.0.2.1"]).must();
    far.weave(&["attach", "10.2.1.9/24", &format!("netns:{}", there.netns_path().display())]).must();
    host.start_docker(&DockerOptions::default());
    let document = write(
        &host,
        &format!(
            "router: {{}}\npeers: [192.0.2.1, 192.0.2.2]\nexpose: [10.2.1.1/24]\ncontainers:\n  \
             web: {{ip: 10.2.1.4/24, image: '{IMAGE}', command: sleep 1000000, options: --restart=always --stop-signal=SIGKILL}}\n  \
             db: {{ip: 10.2.1.5/24}}\n"
        ),
    );
    host.run_container("db", &["--restart=unless-stopped", "--network=none"]);
    let install = host.weave_command(&["-q", "install-units", &document, "--no-start", "--no-enable"]);
    install_below(&host, install);
    let mut running = watch(&host);
    let (web, db) = (host.container("web"), host.container("db"));
    assert!(wait_until(PATIENCE, || host.docker(&["inspect", "web"]).ok()), "{}", running.told());
    running.attaches(&web, &["10.2.1.4/24"]);
    running.attaches(&db, &["10.2.1.5/24"]);
    let (macs, volumes) = ((mac(&web), mac(&db)), web.inspect("{{.Id}}"));
    for orderly in [true, false] {
        if orderly {
            running.stop();
        } else {
            cut_power(&host);
            drop(running);
        }
        host.stop_docker();
        host.reboot();
        assert!(!host.sh("ip link").must().contains("vethwe"));

        boot(&host);
        // The network is there, and not one container.
        assert_eq!(link(&host, "weave", "operstate"), "UP");
        assert!(host.await_ping("10.2.1.9".parse().expect("an address")), "the host is not exposed");
        assert!(host.sh("nft list table inet weave").must().contains("192.0.2.2"));
        boot(&host);

        host.start_docker(&DockerOptions::default());
        running = watch(&host);
        assert!(wait_until(PATIENCE, || super::netns(&db).is_some() && super::netns(&web).is_some()));
        running.attaches(&web, &["10.2.1.4/24"]);
        running.attaches(&db, &["10.2.1.5/24"]);
        assert_eq!((mac(&web), mac(&db)), macs);
        assert_eq!(web.inspect("{{.Id}}"), volumes, "it is the same container");
        for address in ["10.2.1.4", "10.2.1.5", "10.2.1.1"] {
            let address = address.parse().expect("an address");
            assert!(there.await_ping(address), "{address} is not reached from the other host:\n{}", running.told());
        }
    }
    running.stop();
}

/// Writes the units below a directory of the lab. There is no systemd, and a stand-in says yes to all.
fn install_below(host: &Host, mut install: Command) {
    let programs = host.dir().join("programs");
    fs::create_dir_all(&programs).expect("a directory");
    crate::lab::program(&programs.join("systemctl"), "#!/bin/sh\nexit 0\n");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").expect("a path"));
    let done = install.env("WEAVE_ROOT", host.dir().join("root")).env("PATH", path).output().expect("weave to start");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
