//! Containers whose process finds the network when it starts, on a real engine: each start writes down what it sees
//! first, before anything else.

use std::fs;

use nix::sys::signal::Signal;

use super::containers::{engine, fields, four, inspect};
use super::kernel::addresses;
use super::{Host, Lab, WEAVE, object, refused, report, write};
use crate::lab::{Container, DockerOptions, HostOptions, IMAGE, Output, PATIENCE, wait_until};

/// Each start writes another file, so that none hides what an earlier one saw.
const SEE: &str = "n=$(ls /proof | wc -l); ip addr show dev ethwe > /proof/$n 2>&1; exec sleep 1000000";

struct Site {
    _lab: Lab,
    host: Host,
    other: Host,
    volume: String,
}

impl Site {
    fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let (host, other) = (lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default()));
        let proof = host.dir().join("proof");
        fs::create_dir_all(&proof).expect("a directory");
        host.start_docker(&DockerOptions::default());
        for (host, peer) in [(&host, &other), (&other, &host)] {
            host.weave(&["launch", &peer.v4().to_string()]).must();
        }
        let volume = format!("{}:/proof", proof.display());
        Self { _lab: lab, host, other, volume }
    }

    fn web<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let base = ["run", "--attach", "before_start", "10.2.1.4/24", "--name", "web", "--stop-signal=SIGKILL"];
        [&base, ["-v", &self.volume, "--restart=always"].as_slice(), more, &[IMAGE, "sh", "-c", SEE]].concat()
    }

    /// What the process saw at its start number `n`, from 0.
    #[track_caller]
    fn saw(&self, n: usize) {
        let path = self.host.dir().join("proof").join(n.to_string());
        let seen = || fs::read_to_string(&path).unwrap_or_default();
        assert!(wait_until(PATIENCE, || seen().lines().count() > 2), "start {n}: {:?}", seen());
        let seen = seen();
        assert!(seen.contains(",UP,LOWER_UP") && seen.contains("inet 10.2.1.4/24 "), "start {n}: {seen}");
        assert!(!path.with_file_name((n + 1).to_string()).exists(), "it started more often");
    }

    fn names(&self) -> String {
        let mut names: Vec<String> =
            self.host.docker(&["ps", "-a", "--format", "{{.Names}}"]).must().lines().map(str::to_owned).collect();
        names.sort();
        names.join(" ")
    }
}

#[test]
fn the_interface_is_there_at_each_start() {
    let site = Site::new();
    let (host, web) = (&site.host, site.host.container("web"));
    four(host, &site.web(&[]));
    site.saw(0);
    let id = || (inspect(host, "web", "{{.Id}}"), inspect(host, "web.weave-net", "{{.Id}}"));
    let first = id();
    web.restart();
    site.saw(1);
    host.docker(&["stop", "web"]).must();
    // While it is stopped its namespace is there, and goes by its name.
    report(host, &["attach", "10.2.1.5/24", "web"], 2);
    report(host, &["detach", "10.2.1.5/24", "web"], 2);
    host.docker(&["start", "web"]).must();
    site.saw(2);
    // A crash.
    host.exec(&["kill", "-9", &web.pid().to_string()]).must();
    site.saw(3);
    report(host, &site.web(&[]), 0);
    assert_eq!(id(), first);

    // It is one container to whoever asks, and answers from the other host.
    let short = &first.0[..12];
    let rows = host.weave(&["ps"]).must();
    assert_eq!(rows.lines().filter(|row| row.contains("10.2.1.4/24")).count(), 1, "{rows}");
    assert!(rows.contains(short) && !rows.contains(&first.1[..12]), "{rows}");
    let status = object(&host.weave(&["--json", "status"]));
    assert_eq!(status["result"]["attachments"].as_array().map(Vec::len), Some(1), "{status:#}");
    assert_eq!(status["result"]["attachments"][0]["container"], "web");
    site.other.weave(&["expose", "10.2.1.9/24"]).must();
    assert!(site.other.netns().await_ping("10.2.1.4".parse().expect("address")));

    // What is not of the network leaves the namespace alone.
    assert_eq!(fields(&four(host, &site.web(&["--memory=64m", "--memory-swap=64m"]))), ["memory", "memory_swap"]);
    assert_eq!(id(), first);
    let env = ["--memory=64m", "--memory-swap=64m", "-e", "A=1"];
    assert_eq!(fields(&four(host, &site.web(&env))), ["env"]);
    assert_eq!(id().1, first.1);
    assert_ne!(id().0, first.0);
    assert!(host.weave(&["ps"]).must().contains(&id().0[..12]), "its mark tells of the one that was");
    site.saw(4);
    // What is of the network does not.
    let done = four(host, &site.web(&[&env, ["-p", "8080:80", "-h", "www"].as_slice()].concat()));
    assert_eq!(fields(&done), ["hostname", "publish", "network", "ips"], "{done:#}");
    assert_ne!(id().1, first.1);
    site.saw(5);
    assert_eq!(web.exec(&["hostname"]).must().trim(), "www");
    assert!(host.exec(&["ss", "-Hltn"]).must().contains(":8080 "), "the port is published");
    assert_eq!(site.names(), "web web.weave-net");
    four(host, &["rm", "web"]);
    assert_eq!(site.names(), "");
    let images = || host.docker(&["images", "--format", "{{.Repository}}"]).must();
    assert!(images().contains("weave-holder"));
    report(host, &["reset"], 2);
    assert!(!images().contains("weave-holder"), "{}", images());
    report(host, &["reset"], 0);
}

#[test]
fn without_its_network_it_does_not_start() {
    let site = Site::new();
    let host = &site.host;
    report(host, &site.web(&[]), 2);
    site.saw(0);
    // The engine dies with all of its containers, and starts again what has to be started.
    let pids = ["web", "web.weave-net"].map(|name| host.container(name).pid().to_string());
    host.signal_docker(Signal::SIGKILL);
    host.exec(&[["kill", "-9"].as_slice(), &pids.each_ref().map(String::as_str)].concat()).must();
    assert!(wait_until(PATIENCE, || !host.docker(&["version"]).ok()), "the engine answers");
    host.start_docker(&DockerOptions::default());
    // `cannot join network of …`, since Docker 27 `cannot join network namespace of …`.
    let error = host.docker(&["start", "web"]).must_fail();
    assert!(error.contains("of a non running container"), "{error}");
    assert_eq!(inspect(host, "web", "{{.State.Running}}"), "false");
    four(host, &site.web(&[]));
    site.saw(1);
    // Its holder is stopped by hand, with all that ran.
    host.docker(&["stop", "web.weave-net"]).must();
    host.docker(&["restart", "web"]).must_fail();
    four(host, &site.web(&[]));
    site.saw(2);
    // Or started anew while it runs: it would be alone in the old namespace.
    host.docker(&["restart", "web.weave-net"]).must();
    four(host, &site.web(&[]));
    site.saw(3);
}

#[test]
fn what_does_not_start_gives_way() {
    let site = Site::new();
    let host = &site.host;
    let wrong = |more: &[&'static str]| -> Vec<String> {
        let base = ["run", "--attach", "before_start", "10.2.1.4/24", "--name", "web"];
        [base.as_slice(), more, &[IMAGE, "no-such-program"]].concat().into_iter().map(str::to_owned).collect()
    };
    let words = |words: &[String]| -> Output { host.weave(&words.iter().map(String::as_str).collect::<Vec<_>>()) };
    words(&wrong(&[])).must_fail();
    assert_eq!(site.names(), "");
    report(host, &site.web(&[]), 2);
    site.saw(0);
    let all = || (engine_ids(host), addresses(&web(host).netns(), "ethwe"));
    let before = all();
    // Only the container, and both.
    for (n, more) in [["-e", "A=1"].as_slice(), &["-p", "8080:80"]].into_iter().enumerate() {
        let output = words(&wrong(more)).must_fail();
        assert!(output.contains("no-such-program"), "{output}");
        assert_eq!(all(), before);
        // The old one started again, and found its interface.
        site.saw(n + 1);
        report(host, &site.web(&[]), 0);
    }
    // By the choice alone.
    let after: Vec<&str> =
        site.web(&[]).into_iter().filter(|word| !["--attach", "before_start"].contains(word)).collect();
    assert_eq!(fields(&four(host, &after)), ["attach", "ips"]);
    assert_eq!(site.names(), "web");
    assert_eq!(fields(&four(host, &site.web(&[]))), ["attach", "ips"]);
    assert_eq!(site.names(), "web web.weave-net");
}

#[test]
fn what_cannot_be_held_is_said_before_anything_is_touched() {
    let site = Site::new();
    let host = &site.host;
    host.run_container("other", &[]);
    let before = engine(host);
    for (words, field) in [
        (["--net", "host"].as_slice(), "network"),
        (&["--net", "container:other"], "network"),
        (&["-P"], "publish_all"),
        (&["--rm", "--restart=no"], "rm"),
    ] {
        let error = refused(host, &site.web(words));
        assert_eq!(error.subject, format!("containers.web.options.{field}"));
        assert!(error.message.contains("before_start") && error.message.contains("allowed"), "{error:?}");
    }
    let document = format!(
        "containers:\n  web: {{image: '{IMAGE}', attach: before_start}}\n  db: {{image: '{IMAGE}', options: '--link web'}}\n"
    );
    let error = refused(host, &["apply", &write(host, &document)]);
    assert_eq!(error.subject, "containers.db.options.link");
    assert_eq!(engine(host), before);
    // Without a network of the engine it can.
    report(host, &site.web(&["--net", "none"]), 2);
    site.saw(0);
}

fn web(host: &Host) -> Container {
    host.container("web")
}

fn engine_ids(host: &Host) -> String {
    host.docker(&["ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}} {{.Status}}"])
        .must()
        .lines()
        .map(|line| {
            // How long it is up is no matter.
            line.split(" Up").next().unwrap_or_default().to_owned() + "\n"
        })
        .collect()
}
