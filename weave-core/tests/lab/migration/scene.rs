//! Two hosts with engines, a container on one of them, and somebody on the network who watches.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab, Netns, Output, PATIENCE, PATIENT, wait_until};

/// What is listed once helpers are gone: the engine removes them a moment after they ended.
pub(super) fn rest(host: &Host) -> String {
    let helpers = ["ps", "-aq", "--filter", "label=weave.carries"];
    wait_until(PATIENCE, || host.docker(&helpers).must().is_empty());
    listed(host)
}

/// The command under test.
pub(super) const WEAVE: &str = env!("CARGO_BIN_EXE_weave");

/// The image of the container, which only the first host has.
pub(super) const APP: &str = "app:1";

/// What is in its volumes, as `find` and `sha256sum` tell it.
const TELL: &str = "cd $0 && find . -exec stat -c '%n %F %u:%g %a %s %Y' {} + | sort && \
                    find . -type f -exec sha256sum {} + | sort && find . -type l -exec readlink {} + | sort";

/// Two hosts with engines that are peers of each other.
pub(super) struct Scene {
    pub(super) a: Host,
    pub(super) b: Host,
    /// A namespace on the second host.
    pub(super) watcher: Netns,
    // Dropped last: it takes the hosts with it.
    _lab: Lab,
}

impl Scene {
    pub(super) fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let [a, b] = [(); 2].map(|()| lab.add_host(HostOptions::default()));
        for (host, peer) in [(&a, &b), (&b, &a)] {
            host.start_docker(&DockerOptions::quiet());
            host.weave(&["launch", &peer.v4().to_string()]).must();
        }
        let watcher = lab.target("watcher");
        b.weave(&["attach", "--no-probe", "10.2.1.9/24", &format!("netns:{}", watcher.netns_path().display())]).must();
        let scene = Self { a, b, watcher, _lab: lab };
        scene.a.docker(&["run", "--name", "base", "--network=none", IMAGE, "true"]).must();
        scene.a.docker(&["commit", "base", APP]).must();
        scene.a.docker(&["rm", "base"]).must();
        scene
    }

    /// Runs the container `web` on the first host, with addresses, and files of every sort in a volume with and one
    /// without a name.
    pub(super) fn run(&self, options: &[&str]) {
        let run = [
            "run",
            "-d",
            "--name",
            "web",
            "--stop-signal=SIGKILL",
            "--network=none",
            "-v",
            "/data",
            "-v",
            "named:/named",
        ];
        self.a.docker(&[&run, options, &[APP, "sleep", "1000000"]].concat()).must();
        self.a.weave(&["attach", "10.2.1.4/24", "web"]).must();
        self.fill();
    }

    /// Files of every sort.
    pub(super) fn fill(&self) {
        let files = "echo plain >$0/plain; mkdir -p $0/deep/er; echo deep >$0/deep/er/file; chmod 600 $0/deep/er/file
            ln -s ../gone $0/link; ln $0/plain $0/hard; chown 12345:54321 $0/hard; mkfifo $0/pipe; chmod 2775 $0/deep
            dd if=/dev/urandom of=$0/big bs=64k count=16 2>/dev/null; echo ' odd' >\"$0/a b
c\"; dd if=/dev/zero of=$0/sparse bs=1 count=1 seek=10000000 2>/dev/null; touch -d '2001-02-03 04:05:06' $0/plain";
        for place in ["/data", "/named"] {
            self.a.docker(&["exec", "web", "sh", "-c", files, place]).must();
        }
    }

    /// Runs weave on one host, which reaches the engine of the other.
    pub(super) fn command(&self, on: &Host, args: &[&str]) -> Command {
        self.command_of(Path::new(WEAVE), on, args)
    }

    /// The same of a program that is a copy of it.
    pub(super) fn command_of(&self, program: &Path, on: &Host, args: &[&str]) -> Command {
        let other = if on.name() == self.a.name() { &self.b } else { &self.a };
        let programs = Path::new(WEAVE).parent().expect("a directory").display();
        let mut command = on.command(program.to_str().expect("a path in UTF-8"));
        command.args(args).env("WEAVE_RUN_DIR", on.run_dir()).env("DOCKER_HOST", on.docker_host());
        command.env(PATIENT.0, PATIENT.1);
        let path = format!("PATH={programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let (run_dir, engine) = (other.run_dir(), other.docker_host());
        command.env("WEAVE_THERE", format!("WEAVE_RUN_DIR={} DOCKER_HOST={engine} {path}", run_dir.display()));
        command
    }

    pub(super) fn weave(&self, on: &Host, args: &[&str]) -> Output {
        let mut command = self.command(on, &[&["--json"], args].concat());
        let done = command.output().expect("weave to start");
        Output {
            line: format!("weave {}", args.join(" ")),
            code: done.status.code().unwrap_or(137),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// The report of a run that has to succeed.
    #[track_caller]
    pub(super) fn done(&self, on: &Host, args: &[&str]) -> Value {
        let output = self.weave(on, args);
        assert_eq!(output.code, 0, "{output}");
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
    }

    /// The error of a run that has to fail.
    #[track_caller]
    pub(super) fn refused(&self, on: &Host, args: &[&str]) -> Value {
        let output = self.weave(on, args);
        assert_eq!(output.code, 1, "{output}");
        let said: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"));
        said["error"].clone()
    }

    /// Moves `web` from the first host to the second, told to the first.
    #[track_caller]
    pub(super) fn moved(&self, options: &[&str]) -> Value {
        let to = self.b.docker_host();
        self.done(&self.a, &[&["migrate", "web", "--to", &to], options].concat())
    }
}

/// All containers of a host, with what they are doing.
#[track_caller]
pub(super) fn listed(host: &Host) -> String {
    let shown = host.docker(&["ps", "-a", "--format", "{{.Names}} {{.State}}"]).must();
    let mut lines: Vec<&str> = shown.lines().collect();
    lines.sort_unstable();
    lines.join(", ")
}

/// What is in the volumes of the container `web`.
#[track_caller]
pub(super) fn files(host: &Host) -> String {
    ["/data", "/named"].map(|place| host.docker(&["exec", "web", "sh", "-c", TELL, place]).must()).concat()
}
