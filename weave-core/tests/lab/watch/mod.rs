//! `weave watch` on real kernels and real engines: judged by what the kernel then shows, what the log says, and what is
//! counted.

mod containers;
mod drift;
mod files;
mod kept;
mod names;
mod part;
mod rest;
mod router;
mod service;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{Host, HostOptions, Lab, Netns, PATIENCE, Snapshot, wait_until};

/// The command under test.
const WEAVE: &str = env!("CARGO_BIN_EXE_weave");

/// A port for metrics; each lab host has all of them for itself.
const METRICS: &str = "9100";

/// A watch that runs.
struct Watching {
    host: Host,
    child: Child,
    log: PathBuf,
}

impl Watching {
    /// Begins to watch, with metrics.
    fn begin(host: &Host, args: &[&str]) -> Self {
        let mut command = host.weave_command(&["watch", "--metrics", METRICS]);
        command.args(args);
        Self::of(host, &mut command)
    }

    /// The same with a command of the caller's.
    fn of(host: &Host, command: &mut Command) -> Self {
        let log = host.dir().join("watch.log");
        let file = File::create(&log).expect("a log");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn().expect("weave to start");
        Self { host: host.clone(), child, log }
    }

    /// Begins to watch a document, and waits until it is brought about.
    #[track_caller]
    fn document(host: &Host, text: &str) -> Self {
        let watching = Self::begin(host, &[&write(host, text)]);
        watching.await_count("weave_convergences_total", 1);
        watching
    }

    /// What it has written so far.
    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// Waits for something, and says what the log says if it does not come.
    #[track_caller]
    fn wait(&self, what: &str, done: impl FnMut() -> bool) {
        assert!(wait_until(PATIENCE, done), "{what} does not come:\n{}", self.log());
    }

    #[track_caller]
    fn await_log(&self, text: &str) {
        self.wait(text, || self.log().contains(text));
    }

    /// What is counted; nothing while nobody answers.
    fn metrics(&self) -> String {
        ask(&self.host, "GET", "/metrics").1
    }

    /// The sum of all that is counted under a name.
    fn count(&self, name: &str) -> u64 {
        let text = self.metrics();
        let own = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        own.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    #[track_caller]
    fn await_count(&self, name: &str, least: u64) {
        self.wait(&format!("{least} of {name}"), || self.count(name) >= least);
    }

    /// Waits until nothing is done any more for a while.
    #[track_caller]
    fn settle(&self) {
        let mut before = u64::MAX;
        self.wait("rest", || {
            std::thread::sleep(Duration::from_millis(700));
            let now = self.count("weave_convergences_total");
            now == std::mem::replace(&mut before, now)
        });
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        kill(pid, signal).expect("a process to signal");
    }

    /// Ends it as a service manager does; its exit code.
    #[track_caller]
    fn end(mut self) -> i32 {
        self.signal(Signal::SIGTERM);
        let mut code = None;
        let ended = wait_until(PATIENCE, || {
            code = self.child.try_wait().expect("a child").map(|status| status.code().unwrap_or(128));
            code.is_some()
        });
        assert!(ended, "it does not end:\n{}", self.log());
        code.unwrap_or(128)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the server of metrics answers: status and text; nothing while nobody listens.
fn ask(host: &Host, method: &str, path: &str) -> (u16, String) {
    let asked = host.in_netns(|| -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", METRICS.parse().expect("a port")))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    let answer = asked.unwrap_or_default();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    (head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0), body.to_owned())
}

/// A host without an engine, and two namespaces that play containers.
struct Site {
    _lab: Lab,
    host: Host,
    web: Netns,
    db: Netns,
}

impl Site {
    fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let host = lab.add_host(HostOptions::default());
        let (web, db) = (lab.target("web"), lab.target("db"));
        Self { _lab: lab, host, web, db }
    }

    /// Router, peers, an exposure, and both attached.
    fn document(&self) -> String {
        format!(
            "router: {{port: 6783}}\npeers: [192.0.2.2, 192.0.2.3]\nexpose: [10.2.1.1/24]\ncontainers:\n  {}: {{ips: \
             [10.2.1.4/24, 'fd00::4/64']}}\n  {}: {{ips: [10.2.1.5/24]}}\n",
            name(&self.web),
            name(&self.db)
        )
    }

    fn look(&self) -> Vec<Snapshot> {
        [self.host.netns(), &self.web, &self.db].into_iter().map(Snapshot::of).collect()
    }
}

/// How a bare namespace is named to weave.
fn name(netns: &Netns) -> String {
    format!("netns:{}", netns.netns_path().display())
}

/// Writes a document as an editor does: a new file in the place of the old one.
fn write(host: &Host, document: &str) -> String {
    let (path, new) = (host.dir().join("host.yaml"), host.dir().join("host.yaml.new"));
    fs::write(&new, document).expect("a file in the lab's directory");
    fs::rename(&new, &path).expect("a file in the lab's directory");
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// The addresses of an interface, as `ip` prints them.
fn addresses(netns: &Netns, interface: &str) -> String {
    let printed = netns.exec(&["ip", "-o", "-4", "address", "show", "dev", interface]).stdout;
    let words: Vec<&str> = printed.split_whitespace().collect();
    let found: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "inet").map(|pair| pair[1]).collect();
    found.join(" ")
}
