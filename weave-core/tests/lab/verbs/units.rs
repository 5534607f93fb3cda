//! Units of systemd, which does not run here: a stand-in for `systemctl` keeps what it was told, and systemd's own
//! `systemd-analyze` reads what was written. Everything is below a directory of the lab.

mod changes;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Refusal, WEAVE, object, refusal, write};
use crate::lab::{DockerOptions, Host, HostOptions, Lab, Output};

/// What it keeps is in `state` beside it: `enabled-UNIT`, `active-UNIT`, `calls`; a line in `fails` is refused, and
/// `show-UNIT` is what it says of one.
const SYSTEMCTL: &str = r#"#!/bin/sh
state=$(dirname "$0")/state
line="$(basename "$0") $*"
case "$1" in
show)
    [ -e "$state/show-$3" ] && exec cat "$state/show-$3"
    [ -e "$state/enabled-$3" ] && echo UnitFileState=enabled || echo UnitFileState=disabled
    [ -e "$state/active-$3" ] && echo ActiveState=active || echo ActiveState=inactive
    [ -e "$state/stale" ] && echo NeedDaemonReload=yes || echo NeedDaemonReload=no
    exit 0 ;;
is-active) [ -e "$state/active-$2" ] && echo active || { echo inactive; exit 3; }; exit 0 ;;
esac
echo "$line" >>"$state/calls"
if [ -e "$state/fails" ] && grep -qxF "$line" "$state/fails"; then
    echo "Job for it failed because the control process exited with error code." >&2
    exit 1
fi
for unit; do :; done
case "$1" in
enable) touch "$state/enabled-$unit" ;;
disable) rm -f "$state/enabled-$unit" ;;
start | restart) touch "$state/active-$unit" ;;
stop) rm -f "$state/active-$unit" ;;
esac
"#;

const NET: &str = "etc/systemd/system/weave-net.service";
const WATCH: &str = "etc/systemd/system/weave-watch.service";

/// A host with systemd, as far as weave can tell.
struct Booted {
    host: Host,
    root: PathBuf,
    programs: PathBuf,
    document: String,
    _lab: Lab,
}

impl Booted {
    fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let host = lab.add_host(HostOptions::default());
        let (root, programs) = (host.dir().join("root"), host.dir().join("programs"));
        for directory in ["etc/systemd/system", "etc/NetworkManager", "run/systemd/system", "usr/lib/systemd"] {
            fs::create_dir_all(root.join(directory)).expect("a directory");
        }
        for program in ["systemd-networkd", "systemd-udevd"] {
            fs::write(root.join("usr/lib/systemd").join(program), "").expect("a file");
        }
        fs::create_dir_all(programs.join("state")).expect("a directory");
        for program in ["systemctl", "networkctl", "udevadm"] {
            crate::lab::program(&programs.join(program), SYSTEMCTL);
        }
        for neighbour in ["NetworkManager", "systemd-networkd", "systemd-udevd"] {
            fs::write(programs.join(format!("state/active-{neighbour}.service")), "").expect("a file");
        }
        let document = write(&host, "router: {bridge: br-weave, port: 7000}\npeers: [192.0.2.2]\n");
        Self { host, root, programs, document, _lab: lab }
    }

    fn weave(&self, args: &[&str]) -> Output {
        let mut command = self.host.weave_command(&[&["--json", "--detailed-exitcodes"], args].concat());
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").expect("a path"));
        run(command.env("WEAVE_ROOT", &self.root).env("PATH", path), args)
    }

    #[track_caller]
    fn report(&self, args: &[&str], code: i32) -> Value {
        let output = self.weave(args);
        assert_eq!(output.code, code, "{output}");
        object(&output)
    }

    #[track_caller]
    fn refused(&self, args: &[&str]) -> Refusal {
        refusal(&self.weave(args))
    }

    fn install(&self) -> Value {
        self.report(&["install-units", &self.document], 2)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// All files below the root, and all that systemd knows.
    fn state(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut state = files(&self.root);
        state.extend(files(&self.programs.join("state")).into_iter().filter(|(path, _)| !path.ends_with("calls")));
        state
    }

    /// What the programs were told since the last time.
    fn calls(&self) -> Vec<String> {
        let calls = self.programs.join("state/calls");
        let text = fs::read_to_string(&calls).unwrap_or_default();
        fs::write(calls, "").expect("a file");
        text.lines().map(str::to_owned).collect()
    }

    fn fail(&self, line: &str) {
        fs::write(self.programs.join("state/fails"), format!("{line}\n")).expect("a file");
    }
}

fn run(command: &mut Command, args: &[&str]) -> Output {
    let done = command.stdin(Stdio::null()).output().expect("weave to start");
    Output {
        line: format!("weave {}", args.join(" ")),
        code: done.status.code().unwrap_or(137),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            // A link that leads nowhere has a text, too.
            let text = fs::read(&path).or_else(|_| fs::read_link(&path).map(|to| to.display().to_string().into()));
            all.insert(path, text.expect("a file"));
        }
    }
    all
}

#[test]
fn units_are_written_enabled_started_and_removed_again() {
    let booted = Booted::new();
    let before = booted.state();
    let args = ["install-units", &booted.document];
    let planned = booted.report(&[&["--check"], &args[..]].concat(), 2);
    assert_eq!((booted.state(), booted.calls()), (before.clone(), Vec::new()));
    let done = booted.report(&args, 2);
    assert_eq!((&planned["changes"], &planned["steps"]), (&done["changes"], &done["steps"]));
    assert_eq!(
        booted.calls(),
        [
            "systemctl daemon-reload",
            "systemctl reload NetworkManager.service",
            "networkctl --no-pager reload",
            "udevadm control --reload",
            "systemctl enable weave-net.service",
            "systemctl enable weave-watch.service",
            "systemctl start weave-net.service",
            "systemctl start weave-watch.service",
        ]
    );
    let there = booted.state();
    for check in [&["--check"][..], &[]] {
        let again = booted.report(&[check, &args[..]].concat(), 0);
        assert_eq!((&again["changed"], &again["steps"]), (&false.into(), &serde_json::json!([])));
    }
    assert_eq!((booted.state(), booted.calls()), (there, Vec::new()));
    verified(&booted, &[NET, WATCH]);
    for (path, line) in [
        (NET, format!("ExecStart=\"{WEAVE}\" apply --only network \"{}\"", booted.document)),
        (NET, "Before=docker.service".to_owned()),
        (WATCH, format!("ExecStart=\"{WEAVE}\" watch \"{}\"", booted.document)),
        ("etc/systemd/network/10-weave.network", "Name=br-weave vxlan-7000 vxlan-7000b vethwe*".to_owned()),
        ("etc/systemd/network/10-weave.link", "MACAddressPolicy=none".to_owned()),
    ] {
        assert!(booted.text(path).lines().any(|one| one == line), "{line}: {}", booted.text(path));
    }
    // Away by the verb, by a reset, and by a document; each leaves nothing.
    let absent = booted.host.dir().join("absent.yaml").display().to_string();
    fs::write(&absent, "ensure: absent\n").expect("a file");
    for args in [&["install-units", "--remove"][..], &["reset"], &["apply", &absent]] {
        let planned = booted.report(&[&["--check"], args].concat(), 2);
        let done = booted.report(args, 2);
        assert_eq!((&planned["changes"], &planned["steps"]), (&done["changes"], &done["steps"]));
        assert_eq!(booted.state(), before, "{args:?}");
        assert_eq!(
            booted.calls()[..2],
            ["systemctl stop weave-watch.service", "systemctl disable weave-watch.service"]
        );
        booted.report(args, 0);
        booted.install();
        booted.calls();
    }
}

/// NetworkManager takes the ports off a bridge that it may have: what tells it not to goes with the network, not before.
#[test]
fn what_keeps_others_off_stays_as_long_as_the_network() {
    let booted = Booted::new();
    let before = booted.state();
    booted.install();
    booted.host.weave(&["launch", "192.0.2.2"]).must();
    let planned = booted.report(&["--check", "install-units", "--remove"], 2);
    let done = booted.report(&["install-units", "--remove"], 2);
    assert_eq!((&planned["changes"], &planned["warnings"]), (&done["changes"], &done["warnings"]));
    assert!(done["warnings"].to_string().contains("`weave reset` removes both"), "{done:#}");
    assert!(!booted.root.join(NET).exists() && !booted.root.join(WATCH).exists());
    assert!(booted.text("etc/systemd/network/10-weave.network").contains("vxlan-7000"));
    booted.report(&["install-units", "--remove"], 0);
    booted.report(&["reset"], 2);
    assert_eq!(booted.state(), before);
}

/// What systemd itself says of units; the documentation of others is not installed.
#[track_caller]
fn verified(booted: &Booted, units: &[&str]) {
    let paths = units.iter().map(|unit| booted.root.join(unit));
    let done =
        Command::new("systemd-analyze").args(["--man=no", "verify"]).args(paths).output().expect("systemd-analyze");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert_eq!((done.status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn what_is_of_others_stays() {
    let booted = Booted::new();
    let foreign = [NET, WATCH, "etc/NetworkManager/conf.d/90-weave.conf", "etc/systemd/network/10-weave.link"];
    for path in foreign {
        let place = booted.root.join(path);
        fs::create_dir_all(place.parent().expect("a directory")).expect("a directory");
        fs::write(&place, "# mine\n[Unit]\n").expect("a file");
        let before = booted.state();
        let words = ["was not written by weave", "move it away"];
        booted.refused(&["install-units", &booted.document]).says("conflict", &format!("/{path}"), &words);
        booted.report(&["reset"], 0);
        assert_eq!((booted.state(), booted.calls()), (before, Vec::new()));
        fs::remove_file(place).expect("a file");
    }
    symlink("/dev/null", booted.root.join(WATCH)).expect("a link");
    let hint = ["is masked", "systemctl unmask weave-watch.service"];
    booted.refused(&["install-units", &booted.document]).says("conflict", &format!("/{WATCH}"), &hint);
    fs::remove_file(booted.root.join(WATCH)).expect("a link");
    // A drop-in of the operator, beside and after.
    let own = booted.root.join("etc/systemd/system/weave-watch.service.d/own.conf");
    fs::create_dir_all(own.parent().expect("a directory")).expect("a directory");
    fs::write(&own, "[Service]\nWatchdogSec=0\n").expect("a file");
    let before = booted.state();
    booted.install();
    booted.report(&["reset"], 2);
    assert_eq!(booted.state(), before);
    // Without systemd there is nothing to install, and a reset does not say a word of it.
    fs::remove_file(booted.programs.join("systemctl")).expect("a program");
    let words = ["systemctl", "weave watch FILE"];
    let bare = ["env", "PATH=/nonexistent", WEAVE, "--json"];
    let run = |args: &[&str]| {
        booted.host.exec(&[&["env", &format!("WEAVE_ROOT={}", booted.root.display())], &bare[..], args].concat())
    };
    refusal(&run(&["install-units", &booted.document])).says("unsupported", "units", &words);
    // The machine's own units are about the machine's own network.
    let elsewhere = booted.host.weave(&["--json", "--check", "install-units", &booted.document]);
    refusal(&elsewhere).says("unsupported", "units", &["network namespace", "as root on the host itself"]);
}

#[test]
fn a_unit_that_does_not_come_up_leaves_all_as_it_was() {
    let booted = Booted::new();
    let orders = booted.report(&["--check", "install-units", &booted.document], 2);
    let orders: Vec<String> = orders["steps"].as_array().expect("steps").iter().filter_map(told).collect();
    let before = booted.state();
    for order in orders.iter().filter(|order| !is_courtesy(order)) {
        booted.fail(order);
        let error = booted.refused(&["install-units", &booted.document]);
        error.says("verify_failed", "units", &[order, "the control process exited"]);
        fs::remove_file(booted.programs.join("state/fails")).expect("a file");
        assert_eq!(booted.state(), before, "{order}");
    }
    // One that was there before comes back with its old text.
    booted.install();
    let there = booted.state();
    fs::write(&booted.document, "router: {bridge: other}\n").expect("a document");
    booted.fail("systemctl restart weave-watch.service");
    let changed = booted.report(&["install-units", &booted.document], 2);
    // Only the names of interfaces changed, and no unit.
    assert!(changed["steps"].as_array().expect("steps").iter().all(|step| !step.to_string().contains("restart")));
    booted.refused(&["install-units", &booted.document, "--program", "/nonexistent/weave"]).says(
        "not_found",
        "program",
        &["there is no such file"],
    );
    let now = booted.state();
    booted.refused(&["install-units", &booted.document, "--program", "/bin/true"]).says(
        "verify_failed",
        "units",
        &["restart"],
    );
    fs::remove_file(booted.programs.join("state/fails")).expect("a file");
    let with = |state: &BTreeMap<PathBuf, Vec<u8>>| state.iter().filter(|(path, _)| !path.ends_with("fails")).count();
    assert_eq!(with(&now), there.len());
    assert_eq!(booted.text(WATCH).matches("/bin/true").count(), 0);
    // A neighbour that does not listen is only told of.
    booted.report(&["reset"], 2);
    booted.fail("udevadm control --reload");
    let done = booted.report(&["install-units", &booted.document], 2);
    assert!(done["warnings"].to_string().contains("udevadm control --reload"), "{done:#}");
}

fn told(step: &Value) -> Option<String> {
    step.as_str().filter(|step| !step.starts_with("install ")).map(str::to_owned)
}

fn is_courtesy(order: &str) -> bool {
    order.contains(" reload") || order.contains("--reload")
}

#[test]
fn the_document_is_read_before_anything_is_written() {
    let booted = Booted::new();
    let before = booted.state();
    let fleet = "hosts:\n  one: {address: 192.0.2.1}\n  two: {address: 192.0.2.2}\nrouter: {port: 7001}\n";
    for (text, args, kind, subject, words) in [
        ("router: {prot: 1}\n", &[][..], "invalid_spec", "router.prot", "port"),
        ("ensure: absent\n", &[], "conflict", "file", "should not be on this host"),
        (fleet, &["--host", "three"], "not_found", "host", "three"),
        ("router: {}\n", &["--host", "one"], "invalid_spec", "host", "not of a fleet"),
    ] {
        fs::write(&booted.document, text).expect("a document");
        let error = booted.refused(&[&["install-units", &booted.document], args].concat());
        error.says(kind, subject, &[words]);
    }
    fs::write(&booted.document, fleet).expect("a document");
    let missing = format!("{}.yaml", booted.document);
    booted.refused(&["install-units", &missing]).says("not_found", "file", &["there is no such file"]);
    assert_eq!((booted.state(), booted.calls()), (before, Vec::new()));
    // One that somebody else brings later.
    let done = booted.report(&["install-units", &missing, "--no-start", "--no-enable"], 2);
    assert!(done["warnings"].to_string().contains("is not there yet"), "{done:#}");
    assert_eq!(booted.calls().iter().filter(|call| call.contains("weave-")).count(), 0);
    // A host of a fleet.
    booted.report(&["install-units", &booted.document, "--host", "one"], 2);
    for (unit, verb) in [(NET, "apply --only network"), (WATCH, "watch")] {
        let line = format!("{verb} --host \"one\" \"{}\"", booted.document);
        assert!(booted.text(unit).contains(&line), "{}", booted.text(unit));
    }
    assert!(booted.text("etc/systemd/network/10-weave.link").contains("vxlan-7001 "));
}

#[test]
fn an_image_that_does_not_run_yet_has_them_enabled_by_systemctl_itself() {
    let booted = Booted::new();
    fs::remove_dir_all(booted.root.join("run/systemd")).expect("a directory");
    fs::remove_dir_all(&booted.programs).expect("a directory");
    let mut command = booted.host.weave_command(&["--json", "install-units", &booted.document]);
    let done = object(&run(command.env("WEAVE_ROOT", &booted.root), &["install-units"]));
    assert!(done["warnings"].to_string().contains("the next boot does it"), "{done:#}");
    for unit in [NET, WATCH] {
        let name = unit.rsplit('/').next().expect("a name");
        let wants = booted.root.join("etc/systemd/system/multi-user.target.wants").join(name);
        assert_eq!(fs::read_link(&wants).expect("a link"), Path::new("/").join(unit));
    }
    let mut reset = booted.host.weave_command(&["--json", "--detailed-exitcodes", "reset"]);
    assert_eq!(run(reset.env("WEAVE_ROOT", &booted.root), &["reset"]).code, 2);
    assert!(files(&booted.root.join("etc")).is_empty());
}

#[test]
fn the_capabilities_of_the_units_are_enough() {
    let booted = Booted::new();
    booted.report(&["install-units", &booted.document, "--no-start", "--no-enable"], 2);
    let line = booted.text(WATCH);
    let line = line.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet=")).expect("a line");
    let set: String =
        line.split(' ').map(|name| format!(",+{}", name.trim_start_matches("CAP_").to_lowercase())).collect();
    let host = &booted.host;
    // An engine that drops forwarded packets, a document that only its owner can read, and an image to build.
    host.start_docker(&DockerOptions::default());
    let own = host.dir().join("own");
    fs::create_dir_all(own.join("context")).expect("a directory");
    fs::write(own.join("context/Dockerfile"), "FROM scratch\n").expect("a file");
    let text = "router: {}\npeers: [192.0.2.2]\nexpose: [10.2.1.1/24]\ncontainers:\n  web: {ip: 10.2.1.4/24, image: 'busybox:latest', command: sleep 1000}\n";
    fs::write(own.join("host.yaml"), text).expect("a file");
    let owned = format!("chown -R 1000:1000 '{0}' && chmod -R go-rwx '{0}'", own.display());
    host.sh(&owned).must();
    let (bounding, file) = (format!("--bounding-set=-all{set}"), own.join("host.yaml").display().to_string());
    let confined = ["setpriv", "--no-new-privs", bounding.as_str()];
    for args in [&["apply", &file][..], &["apply", &file], &["status"], &["reset"]] {
        super::weave_through(host, &confined, args).must();
    }
    assert!(!host.sh("nft list tables").must().contains("inet weave"));
}
