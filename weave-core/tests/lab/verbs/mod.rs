//! Every verb of the `weave` command, judged by what the kernel then shows and never by what weave says of itself.
//!
//! Bare namespaces play the containers wherever an engine makes no difference: they are a hundred times quicker.

mod attachments;
mod before_start;
mod builds;
mod classic;
mod classic_addresses;
mod classic_router;
mod classic_rules;
mod containers;
mod documents;
mod drift;
mod endings;
mod engines;
mod exposures;
mod facts;
mod foreign;
mod gate;
mod hierarchies;
mod interrupts;
mod invalid;
mod kernel;
mod kills;
mod peers;
mod privileges;
mod probes;
mod progress;
mod publications;
mod pulls;
mod refused;
mod restarts;
mod routers;
mod units;

pub(crate) use interrupts::endless_engine;

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::lab::{Host, HostOptions, Lab, Netns, Output, PATIENT, Snapshot, assert_same};

/// The command under test.
const WEAVE: &str = env!("CARGO_BIN_EXE_weave");

/// One host and two bare namespaces on it. Peers are only named: most tests need none that answers.
struct Site {
    lab: Lab,
    host: Host,
    web: Netns,
    db: Netns,
}

impl Site {
    fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let host = lab.add_host(HostOptions::default());
        let (web, db) = (lab.target("web"), lab.target("db"));
        Self { lab, host, web, db }
    }

    /// With a router that has one peer.
    fn launched() -> Self {
        let site = Self::new();
        site.host.weave(&["launch", "192.0.2.2"]).must();
        site
    }

    /// Everything that a verb could touch.
    fn scene(&self) -> Scene<'_> {
        Scene(vec![self.host.netns(), &self.web, &self.db])
    }

    /// The host, and those of its namespaces that a command line or document names: to look at all costs more time.
    fn concerned(&self, args: &[&str]) -> Scene<'_> {
        let document = args.last().filter(|_| args.contains(&"apply")).and_then(|path| fs::read_to_string(path).ok());
        let text = args.join(" ") + &document.unwrap_or_default();
        let named = [&self.web, &self.db].into_iter().filter(|netns| text.contains(&name(netns)));
        Scene(std::iter::once(self.host.netns()).chain(named).collect())
    }

    /// The four runs of a verb.
    #[track_caller]
    fn four_runs(&self, args: &[&str]) -> Value {
        four_runs(&self.host, &self.concerned(args), args)
    }

    /// The four runs of a document.
    #[track_caller]
    fn apply_four(&self, document: &str) -> Value {
        self.four_runs(&["apply", &write(&self.host, document)])
    }

    /// Applies a document, which has to change something.
    #[track_caller]
    fn apply(&self, document: &str) -> Value {
        report(&self.host, &["apply", &write(&self.host, document)], 2)
    }

    /// A refusal that touched nothing.
    #[track_caller]
    fn refused(&self, args: &[&str]) -> Refusal {
        self.concerned(args).untouched(|| refused(&self.host, args))
    }

    /// A document's refusal that touched nothing.
    #[track_caller]
    fn refused_document(&self, document: &str) -> Refusal {
        self.refused(&["apply", &write(&self.host, document)])
    }
}

/// How a bare namespace is named to weave.
fn name(netns: &Netns) -> String {
    format!("netns:{}", netns.netns_path().display())
}

/// Writes a document where the host can read it.
fn write(host: &Host, document: &str) -> String {
    let path = host.dir().join("host.yaml");
    fs::write(&path, document).expect("a file in the lab's directory");
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// Namespaces that are looked at together.
struct Scene<'a>(Vec<&'a Netns>);

impl Scene<'_> {
    fn look(&self) -> Vec<Snapshot> {
        self.0.iter().map(|netns| Snapshot::of(netns)).collect()
    }

    #[track_caller]
    fn is_still(&self, before: &[Snapshot]) {
        before.iter().zip(self.look()).for_each(|(before, now)| assert_same(before, &now));
    }

    /// Does something that may change nothing here.
    #[track_caller]
    fn untouched<T>(&self, job: impl FnOnce() -> T) -> T {
        let before = self.look();
        let result = job();
        self.is_still(&before);
        result
    }
}

/// Runs weave with `--json` and reads its one object; `code` is its exit code under `--detailed-exitcodes`.
#[track_caller]
fn report(host: &Host, args: &[&str], code: i32) -> Value {
    let output = host.weave(&[&["--json", "--detailed-exitcodes"], args].concat());
    assert_eq!(output.code, code, "{output}");
    object(&output)
}

/// Standard output as the one JSON object that it has to be.
#[track_caller]
fn object(output: &Output) -> Value {
    let value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("no JSON object: {e}\n{output}"));
    assert!(matches!(value, Value::Object(_)), "{output}");
    value
}

/// Check, apply, check, apply: says truly what it would do, does it, and then has nothing to do.
#[track_caller]
fn four_runs(host: &Host, scene: &Scene<'_>, args: &[&str]) -> Value {
    let check = [&["--check"], args].concat();
    let before = scene.look();
    let planned = report(host, &check, 2);
    assert_eq!((&planned["check"], &planned["changed"]), (&true.into(), &true.into()), "{planned:#}");
    scene.is_still(&before);
    let done = report(host, args, 2);
    assert_eq!((&done["check"], &done["changed"]), (&false.into(), &true.into()), "{done:#}");
    assert_eq!(planned["changes"], done["changes"], "it did not do what it had said");
    assert_eq!(planned["steps"], done["steps"], "it did not do what it had said");
    assert!(!is_empty(&done["changes"]) && !is_empty(&done["steps"]), "{done:#}");
    let after = scene.look();
    assert!(before.iter().zip(&after).any(|(before, after)| before != after), "nothing happened: {done:#}");
    for (args, checks) in [(check.as_slice(), true), (args, false)] {
        let again = report(host, args, 0);
        assert_eq!((&again["check"], &again["changed"]), (&checks.into(), &false.into()), "{again:#}");
        assert!(is_empty(&again["changes"]) && is_empty(&again["steps"]), "{again:#}");
        assert_eq!(again["state"], done["state"]);
    }
    scene.is_still(&after);
    done
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_some_and(Vec::is_empty)
}

/// An error as `--json` prints it.
#[derive(Debug)]
struct Refusal {
    kind: String,
    subject: String,
    message: String,
    hint: String,
}

impl Refusal {
    fn of(error: &Value) -> Self {
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        Self { kind: text("kind"), subject: text("subject"), message: text("message"), hint: text("hint") }
    }

    /// Panics unless it is of this kind, about this, and says all of `words`, in its message or its hint.
    #[track_caller]
    fn says(&self, kind: &str, subject: &str, words: &[&str]) {
        assert_eq!((self.kind.as_str(), self.subject.as_str()), (kind, subject), "{self:?}");
        for word in words {
            assert!(self.message.contains(word) || self.hint.contains(word), "`{word}` is missing: {self:?}");
        }
    }
}

/// Runs weave, which has to refuse, on standard output and to people.
#[track_caller]
fn refused(host: &Host, args: &[&str]) -> Refusal {
    refusal(&host.weave(&[&["--json"], args].concat()))
}

/// The error in the output of a `weave --json` that failed.
#[track_caller]
fn refusal(output: &Output) -> Refusal {
    assert_eq!(output.code, 1, "should have failed: {output}");
    let object = object(output);
    assert_eq!(object["failed"], true, "{output}");
    assert!(object["operation"].is_string(), "{output}");
    let refusal = Refusal::of(&object["error"]);
    assert!(!refusal.message.is_empty(), "{output}");
    refusal
}

/// The error in a report whose other parts were done.
#[track_caller]
fn problem(report: &Value) -> Refusal {
    let errors = report["errors"].as_array().expect("a list of errors");
    assert_eq!(errors.len(), 1, "{report:#}");
    Refusal::of(&errors[0])
}

/// Runs weave through other programs (`setpriv`, `env`, …), which get its command line as their last arguments.
#[track_caller]
fn weave_through(host: &Host, wrapper: &[&str], args: &[&str]) -> Output {
    let run_dir = format!("WEAVE_RUN_DIR={}", host.run_dir().display());
    let docker_host = format!("DOCKER_HOST={}", host.docker_host());
    let patient = format!("{}={}", PATIENT.0, PATIENT.1);
    host.exec(&[&["env", &run_dir, &docker_host, &patient], wrapper, &[WEAVE], args].concat())
}

/// Runs weave with a document on standard input.
#[track_caller]
fn weave_with_input(host: &Host, args: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut command: Command = host.weave_command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("weave to start");
    // Dropped at the end of the statement, which is the end of the input.
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("weave to read its input");
    let done = child.wait_with_output().expect("weave to end");
    Output {
        line: format!("weave {}", args.join(" ")),
        code: done.status.code().unwrap_or(137),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}
