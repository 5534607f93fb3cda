use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal;
use serde_json::json;

use super::*;
use crate::ErrorKind;
use crate::plan::Change;

/// `text` without colours.
pub(super) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// A report of nothing.
pub(super) fn report(operation: &str) -> Report {
    Report {
        operation: operation.to_owned(),
        check: false,
        changed: false,
        changes: Vec::new(),
        steps: Vec::new(),
        warnings: Vec::new(),
        errors: Vec::new(),
        state: None,
        result: None,
    }
}

fn read(operation: &str, result: serde_json::Value) -> Report {
    Report { result: Some(result), ..report(operation) }
}

fn attached() -> Report {
    let changes = vec![Change::new("containers.c1", "ips", (), ["10.2.1.4/24"])];
    Report { changed: true, changes, steps: vec!["ip link add".into()], ..report("attach") }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("sink").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        plain(&String::from_utf8(self.0.lock().expect("sink").clone()).expect("text"))
    }
}

/// A stream that takes nothing.
struct Refusing(Io);

impl Write for Refusing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

/// Exit code, stdout and stderr.
type Seen = (u8, String, String);

fn outcome_of(line: &str, outcome: Outcome) -> Seen {
    let (out, err) = (Sink::default(), Sink::default());
    let mut streams = Streams { out: Box::new(out.clone()), err: Box::new(err.clone()), refused: None };
    let words = line.split_whitespace().map(str::to_owned).collect();
    let code = run(words, &verbs::Process, |_, _, _| outcome, &mut streams);
    (code, out.text(), err.text())
}

fn seen(line: &str, result: Result<Report>) -> Seen {
    outcome_of(line, Outcome { result, signal: None })
}

fn expected(code: u8, out: &str, err: &str) -> Seen {
    (code, out.to_owned(), err.to_owned())
}

const PLAN: &str = "  + containers.c1.ips: 10.2.1.4/24\nDone: 1 added, 0 changed, 0 removed.\n";

#[test]
fn a_change_is_told_on_stderr_and_its_addresses_on_stdout() {
    let attach = "weave attach 10.2.1.4/24 c1";
    assert_eq!(seen(attach, Ok(attached())), expected(0, "10.2.1.4\n", PLAN));
    assert_eq!(seen(&format!("{attach} --detailed-exitcodes"), Ok(attached())), expected(2, "10.2.1.4\n", PLAN));
    assert_eq!(seen(&format!("{attach} -q"), Ok(attached())), expected(0, "10.2.1.4\n", ""));
    assert_eq!(
        seen(&format!("{attach} --detailed-exitcodes"), Ok(report("attach"))),
        expected(0, "10.2.1.4\n", "No changes. c1 is as wanted.\n")
    );
    let checked = Report { check: true, ..attached() };
    assert_eq!(
        seen(&format!("{attach} --check --detailed-exitcodes"), Ok(checked)),
        expected(2, "", "  + containers.c1.ips: 10.2.1.4/24\nPlan: 1 to add, 0 to change, 0 to remove.\n")
    );
}

#[test]
fn stdout_of_the_verbs() {
    let none = |operation| Ok(report(operation));
    let hidden = Report {
        changed: true,
        changes: vec![Change::new("expose", "expose", ["10.2.1.1/24", "10.3.1.1/24"], json!([]))],
        ..report("hide")
    };
    let rows = json!([
        {"id": "weave:expose", "name": "", "mac": "12:00:00:00:00:01", "ips": ["10.2.1.1/24"]},
        {"id": "3f2a9c0d1e2f", "name": "web", "mac": "0a:57:0a:02:01:04", "ips": ["10.2.1.4/24", "10.2.2.4/24"]},
        {"id": "0d1e2f3f2a9c", "name": "gone", "mac": null, "ips": []},
    ]);
    let table = [
        ("weave -q detach 10.2.1.4/24 10.2.1.5/24 c1", none("detach"), "10.2.1.4 10.2.1.5\n"),
        ("weave -q detach c1", none("detach"), "\n"),
        ("weave -q expose ip:10.2.1.1/24", none("expose"), "10.2.1.1\n"),
        ("weave -q hide 10.2.1.1/24", none("hide"), "10.2.1.1\n"),
        ("weave -q hide", Ok(hidden), "10.2.1.1 10.3.1.1\n"),
        ("weave -q launch 192.0.2.2", none("launch"), ""),
        ("weave -q connect 192.0.2.2", none("connect"), ""),
        ("weave -q forget 192.0.2.2", none("forget"), ""),
        ("weave -q stop", none("stop"), ""),
        ("weave -q reset", none("reset"), ""),
        (
            "weave ps",
            Ok(read("ps", rows)),
            "weave:expose 12:00:00:00:00:01 10.2.1.1/24\n3f2a9c0d1e2f 0a:57:0a:02:01:04 10.2.1.4/24 10.2.2.4/24\n\
             0d1e2f3f2a9c -\n",
        ),
        ("weave ps c9", Ok(read("ps", json!([]))), ""),
        ("weave -q build -t app .", Ok(read("build", json!({"id": "sha256:00", "why": null}))), "sha256:00\n"),
        ("weave -q build -t app --check .", Ok(read("build", json!({"id": null, "why": "no image"}))), ""),
        (
            "weave facts",
            Ok(read("facts", json!({"weave_peers": ["192.0.2.2"], "weave_router_ip_on_docker_bridge": null}))),
            "weave_peers:\n- \"192.0.2.2\"\nweave_router_ip_on_docker_bridge: null\n",
        ),
        ("weave schema", Ok(read("schema", json!({"title": "t"}))), "{\n  \"title\": \"t\"\n}\n"),
        ("weave version", Ok(read("version", json!({"version": "0.1.0"}))), "weave 0.1.0\n"),
    ];
    for (line, result, out) in table {
        assert_eq!(seen(line, result), expected(0, out, ""), "{line}");
    }
}

#[test]
fn json_is_one_object_and_stderr_is_empty() {
    let (code, out, err) = seen("weave --json --detailed-exitcodes launch --nickname a", Ok(attached()));
    assert_eq!((code, err.as_str(), out.lines().count()), (2, "", 1));
    let object: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(object["changed"], true);
    assert_eq!(object["warnings"], json!(["--nickname is ignored: hosts are known by their underlay address"]));
    let usage = r#"{"operation":"attach","failed":true,"error":{"kind":"invalid_spec","op":"attach","subject":"container","message":"the container comes last","hint":"addresses first, the container last: `weave attach 10.2.1.4/24 c1`"}}"#;
    assert_eq!(
        seen("weave attach c1 10.2.1.4/24 --json", Ok(report("attach"))),
        expected(1, &format!("{usage}\n"), "")
    );
    let wrong = r#"{"operation":"stop","failed":true,"error":{"kind":"invalid_spec","op":"stop","subject":"wrong","message":"unexpected argument '--wrong' found"}}"#;
    assert_eq!(seen("weave stop --json --wrong", Ok(report("stop"))), expected(1, &format!("{wrong}\n"), ""));
}

#[test]
fn errors_say_what_to_do_whether_quiet_or_not() {
    let error = || {
        Error::new(ErrorKind::NotFound, "c1", "no such container")
            .op("attach")
            .hint("`docker ps -a` lists them")
            .left(vec!["ip link delete vethwe1 (busy)".into()])
    };
    let text = "error: attach: c1: no such container\n  not undone: ip link delete vethwe1 (busy)\n  \
                hint: `docker ps -a` lists them\n";
    for line in ["weave attach 10.2.1.4/24 c1", "weave -q attach 10.2.1.4/24 c1"] {
        assert_eq!(seen(line, Err(error())), expected(1, "", text));
    }
    let partly = Report { errors: vec![error().report()], warnings: vec!["mind this".into()], ..attached() };
    assert_eq!(
        seen("weave --detailed-exitcodes apply /dev/null", Ok(partly)),
        expected(1, "", &format!("warning: mind this\n{PLAN}{text}"))
    );
}

#[test]
fn usage_errors_exit_with_one_and_help_with_zero() {
    for (line, needle) in [
        ("weave", "Usage: weave"),
        ("weave atach", "error: unknown weave command `atach`; allowed: apply, run, rm, migrate, launch, "),
        ("weave atach", "\n  hint: did you mean `weave attach`?\n"),
        ("weave run 10.2.1.4/24 -ti ubuntu", "hint: give it one: `weave run 10.2.1.4/24 --name NAME ubuntu`"),
        ("weave run 10.2.1.4/24 --attach before_start --name web nginx", "is weave's own and no option of docker"),
        ("weave start web", "hint: use `weave run`, or `docker start`, then"),
        ("weave attach", "required arguments were not provided"),
        ("weave stop now", "unexpected argument 'now' found"),
        ("weave schema hots", "error: schema: document: `hots` is not known; allowed: host, fleet\n"),
        ("weave schema hots", "\n  hint: did you mean `host`?\n"),
        ("weave --color alway status", "color: `alway` is not known; allowed: auto, always, never\n"),
        ("weave run --pull alwys --name a x", "--pull: `alwys` is not known; allowed: always, missing, never"),
        ("weave status target", "`target` is no part of it; allowed: nothing, or `targets`"),
        ("weave connect 192.0.2.2 '192.0.2.3", "peers[1]: `'192.0.2.3` "),
        ("weave launch --mtu much", "`much` is no MTU; allowed: auto, or 68 to 65535"),
    ] {
        let (code, out, err) = seen(line, Ok(report("stop")));
        assert_eq!((code, out.as_str()), (1, ""), "{line}");
        assert!(err.contains(needle), "{line}: {err}");
    }
    for (line, needle) in [
        ("weave help", "Usage: weave"),
        ("weave --help", "Exit codes: 0 done"),
        ("weave attach --help", "weave attach [OPTIONS] [ADDRESS]... CONTAINER"),
        ("weave launch --help", "Options of a router in a container (--kind image):"),
        ("weave expose -h", "--without-masquerade"),
        ("weave --version", concat!("weave ", env!("CARGO_PKG_VERSION"), "\n")),
    ] {
        let (code, out, err) = seen(line, Ok(report("stop")));
        assert_eq!((code, err.as_str()), (0, ""), "{line}");
        assert!(out.contains(needle), "{line}: {out}");
    }
}

#[test]
fn status_and_preflight_fail_where_scripts_ask_them() {
    let status = |state: &str| Ok(read("status", json!({"router": {"state": state}, "peers": []})));
    assert_eq!(seen("weave status targets", status("running")), expected(0, "", ""));
    assert_eq!(
        seen("weave status targets", status("stopped")),
        expected(1, "", "error: status: router: is not running\n  hint: start it with `weave launch`\n")
    );
    let findings = |level: &str| {
        Ok(read("preflight", json!({"findings": [{"subject": "nft", "level": level, "message": "x", "hint": ""}]})))
    };
    assert_eq!(
        seen("weave preflight", findings("warn")),
        expected(0, "warn  nft  x\n", "Preflight: 0 ok, 1 to look at, 0 failed.\n")
    );
    assert_eq!(seen("weave -q preflight", findings("fail")).0, 1);
}

#[test]
fn an_interrupted_operation_says_how_it_ended() {
    let outcome = Outcome { result: Ok(attached()), signal: Some(Signal::SIGINT) };
    let warning = "warning: interrupted by SIGINT; the operation was finished all the same\n";
    assert_eq!(
        outcome_of("weave attach 10.2.1.4/24 c1", outcome),
        expected(130, "10.2.1.4\n", &format!("{PLAN}{warning}"))
    );
    let error = Error::new(ErrorKind::Kernel, "", "interrupted before anything was changed").op("attach");
    let outcome = Outcome { result: Err(error), signal: Some(Signal::SIGTERM) };
    assert_eq!(
        outcome_of("weave attach 10.2.1.4/24 c1", outcome),
        expected(143, "", "error: attach: interrupted before anything was changed\n")
    );
}

#[test]
fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is_one() {
    for (kind, expected) in [(Io::BrokenPipe, 0), (Io::StorageFull, 1)] {
        let mut streams = Streams { out: Box::new(Refusing(kind)), err: Box::new(Sink::default()), refused: None };
        let words = vec!["weave".to_owned(), "version".to_owned()];
        let version = |_: &Operation, _: Mode, _: &Flags| Outcome {
            result: Ok(read("version", json!({"version": "0.1.0"}))),
            signal: None,
        };
        assert_eq!(run(words, &verbs::Process, version, &mut streams), expected);
    }
}
