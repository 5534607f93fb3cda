//! Images that a real engine builds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::{WEAVE, object, refused, report, weave_with_input};
use crate::lab::{DockerOptions, Entrance, Host, HostOptions, IMAGE, Lab, PATIENCE, REGISTRY, Registry, wait_until};

const DOCKERFILE: &str = "\
FROM busybox:latest
ARG COLOUR=none
COPY . /app
RUN echo \"$COLOUR\" > /colour
";

/// A directory to build from, and the words that build it.
struct Site<'a> {
    host: &'a Host,
    context: PathBuf,
}

impl Site<'_> {
    fn write(&self, path: &str, text: &str) {
        let path = self.context.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["build", "-t", "app:1"], more, &[self.context.to_str().expect("a path in UTF-8")]].concat()
    }

    /// Check, apply, check, apply; the reason has to be `why`.
    #[track_caller]
    fn four(&self, more: &[&str], why: &str) -> Value {
        let args = self.args(more);
        let check = [&["--check"], args.as_slice()].concat();
        let before = self.id();
        let planned = report(self.host, &check, 2);
        assert_eq!(self.id(), before, "a check builds nothing");
        assert_eq!(planned["result"]["id"], Value::Null, "{planned:#}");
        let done = report(self.host, &args, 2);
        assert_eq!((&done["changes"], &done["steps"]), (&planned["changes"], &planned["steps"]), "not as it had said");
        for told in [&planned, &done] {
            assert!(told["result"]["why"].as_str().is_some_and(|told| told.contains(why)), "{told:#}");
            assert_eq!(told["changes"][0]["subject"], "images.app:1", "{told:#}");
        }
        assert_ne!(self.id(), before, "{done:#}");
        assert_eq!(done["result"]["id"], self.id().as_str(), "{done:#}");
        let label = self.inspect("{{index .Config.Labels \"weave.context\"}}");
        assert_eq!(done["changes"][0]["after"], label.as_str(), "{done:#}");
        for args in [&check, &args] {
            self.unchanged(args);
        }
        done
    }

    #[track_caller]
    fn unchanged(&self, args: &[&str]) {
        let id = self.id();
        let again = report(self.host, args, 0);
        assert_eq!((&again["changed"], &again["result"]["id"]), (&false.into(), &id.as_str().into()), "{again:#}");
        assert_eq!(self.id(), id);
    }

    fn inspect(&self, format: &str) -> String {
        self.host.docker(&["image", "inspect", "--format", format, "app:1"]).stdout.trim().to_owned()
    }

    fn id(&self) -> String {
        self.inspect("{{.Id}}")
    }

    fn inside(&self, args: &[&str]) -> String {
        self.host.docker(&[&["run", "--rm", "--network=none", "app:1"], args].concat()).must()
    }

    /// Containers of builds that were left lying about.
    fn left(&self) -> String {
        self.host.docker(&["ps", "-aq"]).must()
    }
}

#[test]
fn images_of_an_engine() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let site = Site { host: &host, context: host.dir().join("context") };
    site.write("Dockerfile", DOCKERFILE);
    site.write(".dockerignore", "*.log\n!keep.log\n");
    for file in ["a", "b.log", "keep.log", "deep/c.log"] {
        site.write(file, file);
    }
    built_once(&site);
    built_again_for_what_differs(&site);
    built_by_somebody_else(&site);
    failing(&site);
    killed(&site);
    without_a_directory(&host);
    large(&site);
}

fn built_once(site: &Site<'_>) {
    let done = site.four(&[], "there is no image of that name");
    assert_eq!(done["changes"][0]["before"], Value::Null);
    let files = site.inside(&["find", "/app", "-type", "f"]);
    let mut files: Vec<&str> = files.lines().collect();
    files.sort_unstable();
    assert_eq!(files, ["/app/.dockerignore", "/app/Dockerfile", "/app/a", "/app/deep/c.log", "/app/keep.log"]);
    assert_eq!(site.inside(&["cat", "/colour"]), "none\n");
    // The id alone, as `docker build -q` prints it.
    assert_eq!(site.host.weave(&site.args(&["-q"])).must(), format!("{}\n", site.id()));
}

fn built_again_for_what_differs(site: &Site<'_>) {
    site.write("b.log", "left out");
    site.write("more.log", "left out");
    site.unchanged(&site.args(&[]));
    site.unchanged(&site.args(&["--no-cache"]));

    site.write("a", "other");
    site.four(&[], "has changed");
    assert_eq!(site.inside(&["cat", "/app/a"]), "other");

    fs::set_permissions(site.context.join("a"), fs::Permissions::from_mode(0o751)).expect("a mode");
    site.four(&[], "has changed");
    assert_eq!(site.inside(&["stat", "-c", "%a %u:%g %Y", "/app/a"]), "751 0:0 0\n");

    let done = site.four(&["--build-arg", "COLOUR=red", "--label", "team=blue"], "has changed");
    assert_eq!(site.inside(&["cat", "/colour"]), "red\n");
    assert_eq!(site.inspect("{{.Config.Labels.team}}"), "blue");
    assert!(!done["steps"].to_string().contains("red"), "{done:#}");

    let warned = report(site.host, &site.args(&["--build-arg", "TYPO=1"]), 2);
    assert!(warned["warnings"].to_string().contains("TYPO"), "{warned:#}");
    let unset = report(site.host, &site.args(&["--build-arg", "WEAVE_NOT_SET"]), 2);
    assert!(unset["warnings"].to_string().contains("WEAVE_NOT_SET is not set"), "{unset:#}");
    site.unchanged(&site.args(&[]));
}

fn built_by_somebody_else(site: &Site<'_>) {
    site.host.docker(&["tag", "busybox:latest", "app:1"]).must();
    let done = report(site.host, &site.args(&[]), 2);
    assert_eq!(done["changes"][0]["before"], "unknown", "{done:#}");
    assert!(done["result"]["why"].as_str().is_some_and(|why| why.contains("somebody else")), "{done:#}");
}

fn failing(site: &Site<'_>) {
    let good = site.id();
    site.write("Bad", "FROM busybox:latest\nRUN echo first && echo 'no such colour' >&2 && exit 7\n");
    let bad = site.args(&["-f", "Bad"]);
    refused(site.host, &bad).says(
        "docker",
        "images.app:1",
        // The engine reads both outputs of a step, in whatever order.
        &["Step 2/3 : RUN echo first", "returned a non-zero code: 7", "it printed last: ", "no such colour"],
    );
    assert_eq!(site.left(), "", "containers of a failed step are removed");
    site.write("Bad", "FORM busybox\n");
    refused(site.host, &bad).says("docker", "images.app:1", &["unknown instruction"]);
    refused(site.host, &site.args(&["--target", "nowhere"])).says("docker", "images.app:1", &["nowhere"]);
    fs::remove_file(site.context.join("Bad")).expect("a file");
    refused(site.host, &bad).says("not_found", "dockerfile", &["/Bad: there is no such file", "`content`"]);
    let a = site.context.join("a").display().to_string();
    refused(site.host, &["build", "-t", "app:1", &a]).says("invalid_spec", "context", &["is no directory"]);
    refused(site.host, &["build", "-t", "App", "."]).says("invalid_spec", "tag", &["lower case"]);
    assert_eq!(site.id(), good, "a build that failed leaves the image as it was");
    // Bad is gone: it was part of what is sent.
    site.unchanged(&site.args(&[]));
}

fn killed(site: &Site<'_>) {
    let good = site.id();
    site.write("Dockerfile", "FROM busybox:latest\nRUN touch /begun && sleep 3\nRUN echo done > /done\n");
    let args = site.args(&[]);
    // While the engine is asked, while the context is sent, while a step runs.
    for moment in [0, 30, 200, 1500] {
        let mut command = site.host.weave_command(&args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("weave to start");
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().expect("weave to kill");
        child.wait().expect("weave to end");
        assert_eq!(site.id(), good, "killed after {moment} ms");
    }
    assert!(wait_until(PATIENCE, || site.left().is_empty()), "left: {}", site.left());
    report(site.host, &args, 2);
    assert_eq!(site.inside(&["cat", "/done"]), "done\n");
    site.unchanged(&args);
}

fn without_a_directory(host: &Host) {
    let args = ["--json", "build", "-t", "alone", "-"];
    let text = "FROM busybox:latest\nLABEL kind=alone\n";
    let done = object(&weave_with_input(host, &args, text));
    assert_eq!(done["changed"], true, "{done:#}");
    assert_eq!(done["steps"][0], "docker build -t alone -");
    let label = host.docker(&["image", "inspect", "--format", "{{.Config.Labels.kind}}", "alone"]);
    assert_eq!(label.must(), "alone\n");
    let again = object(&weave_with_input(host, &args, text));
    assert_eq!((&again["changed"], &again["result"]["id"]), (&false.into(), &done["result"]["id"]), "{again:#}");
    let other = object(&weave_with_input(host, &args, &format!("{text}LABEL more=1\n")));
    assert_eq!(other["changed"], true, "{other:#}");
}

/// A context is not held in memory.
fn large(site: &Site<'_>) {
    const SIZE: u64 = 128 << 20;
    site.write("Dockerfile", "FROM busybox:latest\nCOPY big /big\n");
    let big = fs::File::create(site.context.join("big")).expect("a file");
    big.set_len(SIZE).expect("a size");
    let limit = (64_u64 << 20).to_string();
    let args = [&["--json"], site.args(&[]).as_slice()].concat();
    let limited = super::weave_through(site.host, &["prlimit", &format!("--data={limit}")], &args);
    assert_eq!(object(&limited)["changed"], true, "{limited}");
    assert_eq!(site.inside(&["stat", "-c", "%s", "/big"]), format!("{SIZE}\n"));
    fs::remove_file(site.context.join("big")).expect("a file");
}

#[test]
fn a_base_that_is_not_for_everybody() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let _registry = Registry::start(&host, Entrance::Password);
    let base = format!("{REGISTRY}/team/base:1");
    let home = host.dir().join("docker-config");
    Registry::log_in(&home);
    host.docker(&["tag", IMAGE, &base]).must();
    host.docker(&["push", &base]).must();
    let context = host.dir().join("context");
    fs::create_dir_all(&context).expect("a directory");
    let build = |dockerfile: &str, home: &str| {
        host.docker(&["rmi", "-f", IMAGE, &base, "app:1"]);
        fs::write(context.join("Dockerfile"), dockerfile).expect("a file");
        let mut command = host.weave_command(&["--json", "build", "-t", "app:1", context.to_str().expect("UTF-8")]);
        let done = command.env("DOCKER_CONFIG", host.dir().join(home)).stdin(Stdio::null()).output().expect("weave");
        serde_json::from_slice::<Value>(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
    };
    let plain = format!("FROM {base}\nRUN echo built > /built\n");
    let hidden = format!("ARG BASE={base}\nFROM $BASE\nRUN echo hidden > /built\n");
    let copied = format!("FROM scratch\nCOPY --from={base} / /\nRUN echo copied > /built\n");
    for (dockerfile, wanted) in [(&plain, "built\n"), (&hidden, "hidden\n"), (&copied, "copied\n")] {
        let denied = build(dockerfile, "nobody");
        assert_eq!(denied["failed"], true, "{denied:#}");
        assert!(denied["error"]["message"].as_str().is_some_and(|words| words.contains("team/base")), "{denied:#}");
        let done = build(dockerfile, "docker-config");
        assert_eq!(done["changed"], true, "{done:#}");
        assert_eq!(host.docker(&["run", "--rm", "--network=none", "app:1", "cat", "/built"]).must(), wanted);
    }
    let denied = build(&plain, "nobody");
    assert_eq!(denied["error"]["kind"], "permission_denied", "{denied:#}");
    assert!(
        denied["error"]["hint"].as_str().is_some_and(|hint| hint.contains("docker login 127.0.0.1:5000")),
        "{denied:#}"
    );
}
