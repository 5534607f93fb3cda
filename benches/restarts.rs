//! Containers that all restart at once while `weave watch` runs: how long each is without its interface.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Bench;
use crate::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab};
use crate::measure::median;
use crate::raw::Result;
use crate::table::{Aim, Figure, Row};

/// How often all of them restart.
const ROUNDS: usize = 5;

/// How long the slowest may take before it counts as forgotten.
const LIMIT: Duration = Duration::from_secs(180);

/// How often all of them are looked at.
const PAUSE: Duration = Duration::from_millis(5);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Measures all of it.
pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let count = if bench.quick { 10 } else { 50 };
    let rows = [format!("restart {count} watched, median"), format!("restart {count} watched, worst")];
    if !rows.iter().any(|what| bench.wants(what)) {
        return Ok(());
    }
    let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let site = Site::new(&host, count)?;
    let (mut middles, mut worst) = (Vec::new(), Duration::ZERO);
    for _ in 0..bench.rounds(ROUNDS) {
        let mut waits = site.restart()?;
        worst = worst.max(waits.iter().copied().max().unwrap_or_default());
        middles.push(median(&mut waits));
    }
    for (what, ours) in rows.iter().zip([median(&mut middles), worst]) {
        let (what, ours) = (what.clone(), Figure::Time(ours));
        bench.report(&Row { what, limit: None, ours, others: None, aim: Aim::None });
    }
    Ok(())
}

/// A child that is ended when this goes.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only when it was collected already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A container that the engine starts again whenever it ends.
struct Watched {
    /// The file with the pids of its processes.
    pids: PathBuf,
    /// How `/proc/PID/net/fib_trie` shows its address.
    address: String,
}

impl Watched {
    /// Its first process, once there is one.
    fn pid(&self) -> Option<i32> {
        fs::read_to_string(&self.pids).ok()?.lines().next()?.parse().ok()
    }

    /// Whether a process of it is on a network with its address, which is there once the interface is up.
    fn is_attached(&self, pid: i32) -> bool {
        fs::read_to_string(format!("/proc/{pid}/net/fib_trie")).is_ok_and(|text| text.contains(&self.address))
    }
}

/// A host with such containers.
struct Site<'a> {
    host: &'a Host,
    containers: Vec<Watched>,
    names: Vec<String>,
    log: PathBuf,
    _watch: Ended,
}

impl<'a> Site<'a> {
    fn new(host: &'a Host, count: usize) -> Result<Self> {
        let names: Vec<String> = (1..=count).map(|number| format!("c{number:03}")).collect();
        let line = |(number, name): (usize, &String)| format!("  {name}: {{ip: 10.2.1.{number}/24}}\n");
        let document = host.dir().join("watched.yaml");
        fs::write(
            &document,
            format!("router: {{}}\ncontainers:\n{}", (1..).zip(&names).map(line).collect::<String>()),
        )?;
        let mut containers = Vec::new();
        for (number, name) in (1..).zip(&names) {
            let options = ["run", "-d", "--restart=always", "--network=none", "--stop-signal=SIGKILL", "--name", name];
            let id = host.docker(&[&options[..], &[IMAGE, "sleep", "1000000"]].concat()).must();
            let group = Path::new(host.name()).join(id.trim()).join("cgroup.procs");
            let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/devices"].map(|root| Path::new(root).join(&group));
            let pids = roots.into_iter().find(|file| file.exists()).ok_or("the engine has no control groups")?;
            containers.push(Watched { pids, address: format!("|-- 10.2.1.{number}\n") });
        }
        let log = host.dir().join("watch.log");
        let mut command = host.weave_command(&["watch", &document.display().to_string()]);
        let watch = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let site = Self { host, containers, names, log, _watch: Ended(watch) };
        site.attached(&vec![0; count])?;
        Ok(site)
    }

    /// When each is seen with its interface, in another process than `before`.
    fn attached(&self, before: &[i32]) -> Result<Vec<Duration>> {
        let mut seen: Vec<Option<Duration>> = vec![None; self.containers.len()];
        let start = Instant::now();
        loop {
            for ((container, before), seen) in self.containers.iter().zip(before).zip(&mut seen) {
                let is_there = || container.pid().is_some_and(|pid| pid != *before && container.is_attached(pid));
                if seen.is_none() && is_there() {
                    *seen = Some(SystemTime::now().duration_since(UNIX_EPOCH)?);
                }
            }
            if let Some(all) = seen.iter().copied().collect::<Option<Vec<_>>>() {
                return Ok(all);
            }
            if start.elapsed() > LIMIT {
                let count = seen.iter().flatten().count();
                let log = fs::read_to_string(&self.log)?;
                return Err(format!("after {LIMIT:?} {count} have their interface:\n{log}").into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Kills all of them at once; from the start of each, as the engine tells it, to its interface with its address.
    fn restart(&self) -> Result<Vec<Duration>> {
        let before: Vec<i32> = self.containers.iter().filter_map(Watched::pid).collect();
        for pid in &before {
            kill(Pid::from_raw(*pid), Signal::SIGKILL)?;
        }
        let seen = self.attached(&before)?;
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let started = self.host.docker(&[&["inspect", "--format", "{{.State.StartedAt}}"], &names[..]].concat()).must();
        let wait = |(seen, started): (&Duration, &str)| {
            let seen = Duration::from_nanos(u64::try_from(seen.as_nanos() % DAY.as_nanos()).ok()?);
            let started = time_of_day(started)?;
            // Midnight may have passed.
            let waited = (seen + DAY).checked_sub(started)?;
            let waited = waited.checked_sub(DAY).unwrap_or(waited);
            // The engine writes its time down a moment after the process is there.
            Some(if waited > DAY / 2 { Duration::ZERO } else { waited })
        };
        let waits: Option<Vec<Duration>> = seen.iter().zip(started.lines()).map(wait).collect();
        waits.ok_or_else(|| format!("what times are these: {started}").into())
    }
}

/// Of a time in UTC, such as `2026-01-31T12:00:00.123456789Z`, what the day has seen of it.
fn time_of_day(text: &str) -> Option<Duration> {
    let clock = text.split_once('T')?.1.trim_end_matches('Z');
    let mut parts = clock.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Duration::try_from_secs_f64(hours * 3600.0 + minutes * 60.0 + seconds).ok()
}
