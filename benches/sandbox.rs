//! A host of its own to measure on: network, mounts and `/run` that vanish with this process, however it ends.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

use crate::raw::{Result, Socket};

/// The host's address for tunnels.
pub(crate) const UNDERLAY: &str = "192.0.2.1";

/// Where peers are (RFC 2544's range for benchmarks).
pub(crate) const PEERS: &str = "198.18.0.0/15";

/// A host with bare network namespaces that play containers.
pub(crate) struct Sandbox {
    pub(crate) targets: Vec<PathBuf>,
}

/// Runs `job` on a thread that is on a host of its own; programs that it starts are there, too.
pub(crate) fn inside<T: Send>(targets: usize, job: impl FnOnce(&Sandbox) -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let work = || {
            unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)?;
            job(&Sandbox::furnish(targets)?)
        };
        scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Sandbox {
    fn furnish(count: usize) -> Result<Self> {
        let none: Option<&str> = None;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
        // Names of namespaces, weave's lock and the packet filter's lock are all there.
        mount(none, "/run", Some("tmpfs"), MsFlags::empty(), none)?;
        fs::create_dir("/run/netns")?;
        run("ip", &["link", "set", "lo", "up"])?;
        let sandbox = Self { targets: namespaces("target", count)? };
        // A device that needs no module: the underlay's far end stays unused.
        run("ip", &["link", "add", "eth0", "type", "veth", "peer", "name", "far0"])?;
        run("ip", &["link", "set", "far0", "up"])?;
        run("ip", &["link", "set", "eth0", "up"])?;
        run("ip", &["address", "add", &format!("{UNDERLAY}/24"), "dev", "eth0"])?;
        run("ip", &["route", "add", PEERS, "dev", "eth0"])?;
        Ok(sandbox)
    }
}

/// Makes named namespaces, without IPv6 on the interfaces that they will get.
pub(crate) fn namespaces(name: &str, count: usize) -> Result<Vec<PathBuf>> {
    let make = |number: usize| -> Result<PathBuf> {
        let path = PathBuf::from(format!("/run/netns/{name}{number}"));
        unshare(CloneFlags::CLONE_NEWNET)?;
        File::create(&path)?;
        let none: Option<&str> = None;
        mount(Some("/proc/thread-self/ns/net"), &path, none, MsFlags::MS_BIND, none)?;
        fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")?;
        Ok(path)
    };
    on_a_thread(|| (0..count).map(make).collect())
}

/// Runs `job` on a thread that may go from namespace to namespace.
pub(crate) fn on_a_thread<T: Send>(job: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| scope.spawn(job).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

/// Brings the calling thread into a namespace, and opens a socket there.
pub(crate) fn enter(path: &Path) -> Result<Socket> {
    setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?;
    Socket::open()
}

/// Runs `job` in a namespace.
pub(crate) fn within<T: Send>(path: &Path, job: impl FnOnce(Socket) -> Result<T> + Send) -> Result<T> {
    on_a_thread(|| job(enter(path)?))
}

/// Runs a program; what it has to say about its failure is the error.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<String> {
    finish(Command::new(program).args(arguments), "")
}

/// Runs a program with a script on its standard input, and takes its time.
pub(crate) fn timed(program: &str, arguments: &[&str], script: &str) -> Result<Duration> {
    let start = Instant::now();
    finish(Command::new(program).args(arguments), script)?;
    Ok(start.elapsed())
}

/// Runs a command to its end; its output, or an error with what it said.
pub(crate) fn finish(command: &mut Command, script: &str) -> Result<String> {
    let line = format!("{command:?}");
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(|error| format!("start {line}: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(script.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{line}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()).into())
}
