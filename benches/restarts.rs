//! Containers that all restart at once while `weave watch` runs: how long each is without its interface.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Bench;
use crate::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab, wait_until};
use crate::measure::median;
use crate::raw::Result;
use crate::table::{Aim, Figure, Row};

/// How often all of them restart.
const ROUNDS: usize = 5;

/// How long the slowest may take before it counts as forgotten.
const LIMIT: Duration = Duration::from_secs(60);

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

/// A host with containers that the engine starts again whenever they end.
struct Site<'a> {
    host: &'a Host,
    names: Vec<String>,
    _watch: Ended,
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

impl<'a> Site<'a> {
    fn new(host: &'a Host, count: usize) -> Result<Self> {
        let names: Vec<String> = (0..count).map(|number| format!("c{number:03}")).collect();
        let line = |(number, name): (usize, &String)| format!("  {name}: {{ip: 10.2.1.{}/24}}\n", number + 1);
        let entries: String = names.iter().enumerate().map(line).collect();
        let document = host.dir().join("watched.yaml");
        fs::write(&document, format!("router: {{}}\ncontainers:\n{entries}"))?;
        for name in &names {
            let options = ["run", "-d", "--restart=always", "--network=none", "--stop-signal=SIGKILL", "--name", name];
            host.docker(&[&options[..], &[IMAGE, "sleep", "1000000"]].concat()).must();
        }
        let mut command = host.weave_command(&["watch", &document.display().to_string()]);
        let log = File::create(host.dir().join("watch.log"))?;
        let watch = Ended(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?);
        let site = Self { host, names, _watch: watch };
        if !wait_until(LIMIT, || site.ends().len() == count) {
            return Err(format!("{} of {count} containers are attached", site.ends().len()).into());
        }
        Ok(site)
    }

    /// Host ends by the names of their containers, as numbers of links.
    fn ends(&self) -> BTreeMap<String, u32> {
        let shown = self.host.exec(&["ip", "-j", "link", "show", "master", "weave"]).stdout;
        let links: Vec<serde_json::Value> = serde_json::from_str(&shown).unwrap_or_default();
        let end = |link: &serde_json::Value| {
            let name = link["ifalias"].as_str()?.split(' ').find_map(|word| word.strip_prefix("name="))?;
            Some((name.to_owned(), u32::try_from(link["ifindex"].as_u64()?).ok()?))
        };
        links.iter().filter_map(end).collect()
    }

    /// Pid and start of each container.
    fn started(&self) -> Result<Vec<(i32, Duration)>> {
        let format = "{{.State.Pid}} {{.State.StartedAt}}";
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let shown = self.host.docker(&[&["inspect", "--format", format], &names[..]].concat()).must();
        let read = |line: &str| {
            let (pid, at) = line.split_once(' ')?;
            Some((pid.parse().ok()?, time_of_day(at)?))
        };
        let all: Option<Vec<_>> = shown.lines().map(read).collect();
        all.ok_or_else(|| format!("what is this: {shown}").into())
    }

    /// Kills all of them at once; from the start of each, as the engine tells it, to its interface being up.
    ///
    /// The kernel tells of a host end that has its carrier once both ends are up, which is weave's last act but one.
    fn restart(&self) -> Result<Vec<Duration>> {
        let before = self.ends();
        let pids: Vec<i32> = self.started()?.into_iter().map(|(pid, _)| pid).collect();
        let log = self.host.dir().join("links.log");
        let mut monitor = self.host.command("ip");
        monitor
            .args(["-ts", "-o", "monitor", "link"])
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(File::create(&log)?);
        let monitor = Ended(monitor.spawn()?);
        // It listens a moment after it was started; a link of its own shows when.
        let hears = wait_until(LIMIT, || {
            self.host.sh("ip link add probe type bridge && ip link del probe").must();
            fs::read_to_string(&log).is_ok_and(|text| text.contains("probe"))
        });
        if !hears {
            return Err("`ip monitor` does not tell of links".into());
        }
        for pid in pids {
            kill(Pid::from_raw(pid), Signal::SIGKILL)?;
        }
        let anew = || {
            let now = self.ends();
            self.names.iter().all(|name| now.get(name).is_some_and(|index| before.get(name) != Some(index)))
        };
        if !wait_until(LIMIT, anew) {
            return Err(format!("not all have their interface again after {LIMIT:?}").into());
        }
        // What was told last may still be on its way.
        std::thread::sleep(Duration::from_millis(300));
        drop(monitor);
        let (ends, told) = (self.ends(), fs::read_to_string(&log)?);
        let mut waits = Vec::new();
        for (name, (_, start)) in self.names.iter().zip(self.started()?) {
            let index = ends.get(name).ok_or_else(|| format!("{name} has lost its interface"))?;
            let is_up = |line: &&str| line.contains(&format!(" {index}: vethwe")) && line.contains("LOWER_UP");
            let line =
                told.lines().find(is_up).ok_or_else(|| format!("nothing was told of the interface of {name}"))?;
            let up = time_of_day(line).ok_or_else(|| format!("no time in {line}"))?;
            // Midnight may have passed.
            waits.push(up.checked_sub(start).unwrap_or_else(|| up + DAY - start));
        }
        Ok(waits)
    }
}

/// Of a text that begins with a time in UTC, such as `2026-01-31T12:00:00.123456789Z`, what the day has seen of it.
fn time_of_day(text: &str) -> Option<Duration> {
    let clock = text.split_once('T')?.1.split([']', 'Z']).next()?;
    let mut parts = clock.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Duration::try_from_secs_f64(hours * 3600.0 + minutes * 60.0 + seconds).ok()
}
