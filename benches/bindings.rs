//! What Python and Ansible add to an operation.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Bench;
use crate::attachments::{attach_ours, detach_ours, launch, run_on_host};
use crate::by_hand::{PREFIX, address, addresses};
use crate::measure::{Contender, medians, time};
use crate::raw::Result;
use crate::sandbox::{self, Sandbox, finish};
use crate::table::{Aim, Row};

const FROM_PYTHON: &str = "weave_py.attach";
const FROM_ANSIBLE: &str = "weave.net.host, 100 attached";

/// How many containers a task attaches.
const MANY: usize = 100;

/// Measures all of it.
pub(crate) fn measure(bench: &Bench) -> Result<()> {
    if ![FROM_PYTHON, FROM_ANSIBLE].iter().any(|what| bench.wants(what)) {
        return Ok(());
    }
    let tools = Tools::find()?;
    sandbox::inside(MANY, |sandbox| {
        let _ = run_on_host!(|host| launch(host, true))?;
        if bench.wants(FROM_PYTHON) {
            from_python(bench, &tools, sandbox)?;
        }
        if bench.wants(FROM_ANSIBLE) {
            from_ansible(bench, &tools, sandbox)?;
        }
        Ok(())
    })
}

/// Python with the package, made by `make bench`.
struct Tools(PathBuf);

impl Tools {
    fn find() -> Result<Self> {
        let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python-release/bin");
        let missing = ["python", "ansible-playbook"].iter().map(|name| bin.join(name)).find(|path| !path.exists());
        match missing {
            Some(path) => Err(format!("there is no {}: `make bench` makes it", path.display()).into()),
            None => Ok(Self(bin)),
        }
    }
}

fn target(sandbox: &Sandbox, index: usize) -> Value {
    json!(format!("netns:{}", sandbox.targets[index].display()))
}

/// A process that has loaded the package.
struct Python {
    child: Child,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start(tools: &Tools) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/bindings.py");
        let mut child = Command::new(tools.0.join("python"))
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("start python: {error}"))?;
        let (Some(words), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("python has no pipes".into());
        };
        Ok(Self { child, words, answers: BufReader::new(answers) })
    }

    fn call(&mut self, name: &str, arguments: &Value) -> Result<Duration> {
        writeln!(self.words, "{}", json!([name, arguments]))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(Duration::from_micros(line.trim().parse().map_err(|_| format!("python says `{}`", line.trim()))?))
    }

    fn end(self) -> Result<()> {
        let Self { mut child, words, .. } = self;
        drop(words);
        if child.wait()?.success() { Ok(()) } else { Err("python failed".into()) }
    }
}

/// The limit is the same operation, called in this process.
fn from_python(bench: &Bench, tools: &Tools, sandbox: &Sandbox) -> Result<()> {
    let targets = &sandbox.targets[..1];
    let mut python = Python::start(tools)?;
    let container = target(sandbox, 0);
    let [limit, ours] = medians(
        bench.rounds(15),
        [
            Contender::new(|| {
                let spent = attach_ours(targets, false)?;
                detach_ours(targets)?;
                Ok(spent)
            }),
            Contender::new(|| {
                let ip = format!("{}/{PREFIX}", address(0));
                let spent = python.call("attach", &json!({"container": container, "ips": ip, "probe": false}))?;
                if addresses(targets)? != 1 {
                    return Err("python attached nothing".into());
                }
                python.call("detach", &json!({"container": container}))?;
                Ok(spent)
            }),
        ],
    )?;
    python.end()?;
    bench.report(&Row::times(FROM_PYTHON, limit, ours, None, Aim::None));
    Ok(())
}

/// The limit is a task that does nothing; `others` are as many tasks as containers.
fn from_ansible(bench: &Bench, tools: &Tools, sandbox: &Sandbox) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let attached = |index: usize| json!({"ips": [format!("{}/{PREFIX}", address(index))], "probe": false});
    let all: serde_json::Map<String, Value> = (0..MANY)
        .map(|index| (target(sandbox, index).as_str().unwrap_or_default().to_owned(), attached(index)))
        .collect();
    let nothing = json!({"ansible.builtin.ping": {}});
    let one = json!({"weave.net.host": {"document": {"containers": all}}});
    let single = |index| {
        let mut arguments = attached(index);
        arguments["container"] = target(sandbox, index);
        json!({"weave.net.attachment": arguments})
    };
    let each: Vec<Value> = (0..MANY).map(single).collect();
    let play = |tasks: Vec<Value>, attaches: bool| -> Result<Duration> {
        let spent = play(tools, directory.path(), tasks)?;
        if attaches {
            match addresses(&sandbox.targets)? {
                MANY => detach_ours(&sandbox.targets)?,
                there => return Err(format!("{there} of {MANY} targets have an address").into()),
            };
        }
        Ok(spent)
    };
    let [limit, ours, others] = medians(
        bench.rounds(3),
        [
            Contender::new(|| play(vec![nothing.clone()], false)),
            Contender::new(|| play(vec![one.clone()], true)),
            Contender::seldom(1, || play(each.clone(), true)),
        ],
    )?;
    bench.report(&Row::times(FROM_ANSIBLE, limit, ours, Some(others), Aim::None));
    Ok(())
}

fn play(tools: &Tools, directory: &Path, tasks: Vec<Value>) -> Result<Duration> {
    let file = directory.join("play.yml");
    let play = json!([{
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": false,
        "vars": {"ansible_python_interpreter": tools.0.join("python")},
        "tasks": tasks,
    }]);
    std::fs::write(&file, play.to_string())?;
    let mut command = Command::new(tools.0.join("ansible-playbook"));
    command.args(["-i", "localhost,"]).arg(&file).env("ANSIBLE_HOME", directory).env("HOME", directory);
    Ok(time(|| finish(&mut command, ""))?.0)
}
