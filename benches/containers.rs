//! A hundred containers by one document, beside the docker client doing the same, on a real engine.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Bench;
use crate::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab};
use crate::measure::{Contender, medians, time};
use crate::raw::Result;
use crate::table::{Aim, Row};

/// What each container is told, by weave and by the client. Process 1 ignores SIGTERM unless it handles it.
const OPTIONS: [&str; 7] = [
    "--memory=64m",
    "--memory-swap=64m",
    "--env=A=1",
    "--label=team=blue",
    "--restart=always",
    "--stop-signal=SIGKILL",
    "-d",
];
const COMMAND: [&str; 2] = ["sleep", "1000000"];

/// How often each takes part: a round takes minutes.
const ROUNDS: usize = 3;

/// Measures all of it.
pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let count = if bench.quick { 20 } else { 100 };
    let rows = [
        format!("run {count} containers, by turns"),
        format!("run {count} containers, 8 at once"),
        format!("run {count}, unchanged"),
    ];
    if !rows.iter().any(|what| bench.wants(what)) {
        return Ok(());
    }
    let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::default());
    host.weave(&["launch"]).must();
    let site = Site::new(&host, count)?;
    // What a host that is in use has done long since.
    site.apply()?;
    if bench.wants(&rows[2]) {
        site.unchanged(bench, &rows[2])?;
    }
    site.remove()?;
    if rows[..2].iter().any(|what| bench.wants(what)) {
        site.run(bench, &rows)?;
    }
    Ok(())
}

/// The host, and what is asked of it.
struct Site<'a> {
    host: &'a Host,
    names: Vec<String>,
    document: String,
}

impl<'a> Site<'a> {
    fn new(host: &'a Host, count: usize) -> Result<Self> {
        let names: Vec<String> = (0..count).map(|number| format!("c{number:03}")).collect();
        let entries = names.iter().enumerate().map(|(number, name)| {
            let (options, command) = (OPTIONS.join(" "), COMMAND.join(" "));
            let address = number + 1;
            format!(
                "  {name}: {{ips: 10.2.1.{address}/24, image: '{IMAGE}', command: {command}, options: '{options}'}}\n"
            )
        });
        let document = host.dir().join("containers.yaml").display().to_string();
        std::fs::write(&document, format!("containers:\n{}", entries.collect::<String>()))?;
        Ok(Self { host, names, document })
    }

    fn weave(&self) -> Command {
        let mut weave = Command::new(env!("CARGO_BIN_EXE_weave"));
        weave.args(["apply", &self.document]).env("WEAVE_RUN_DIR", self.host.run_dir());
        weave
    }

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut docker = Command::new("docker");
        docker.args(arguments);
        docker
    }

    /// Runs a command on the host to its end; gives how long it took, and what it printed.
    fn spawn(&self, command: &mut Command) -> Result<(Duration, String)> {
        let line = format!("{command:?}");
        command.env("DOCKER_HOST", self.host.docker_host()).env("DOCKER_CONFIG", self.host.dir().join("docker-config"));
        command.stdin(Stdio::null());
        // On a thread that is on the host, so that no program for going there is part of what is measured.
        let (spent, done) = self.host.in_netns(|| time(|| Ok(command.output()?)).map_err(|error| error.to_string()))?;
        if done.status.success() {
            return Ok((spent, String::from_utf8_lossy(&done.stdout).into_owned()));
        }
        Err(format!("{line}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr).trim_end()).into())
    }

    /// All run, and those of weave are attached.
    fn check(&self, attached: bool) -> Result<()> {
        let running = self.spawn(&mut self.docker(&["ps", "-q"]))?.1.lines().count();
        let links = self.host.exec(&["ip", "-o", "link", "show", "master", "weave"]).must();
        let ends = links.lines().filter(|line| line.contains("vethwe")).count();
        let wanted = (self.names.len(), if attached { self.names.len() } else { 0 });
        if (running, ends) == wanted {
            return Ok(());
        }
        Err(format!("{running} containers run and {ends} are attached; wanted are {wanted:?}").into())
    }

    fn remove(&self) -> Result<()> {
        let names = self.names.iter().map(String::as_str);
        self.spawn(self.docker(&["rm", "-f", "-v"]).args(names))?;
        // The kernel takes namespaces away some time after the last process in them, and works on that.
        let links = || self.host.exec(&["ip", "-o", "link"]).stdout;
        if !crate::lab::wait_until(Duration::from_secs(60), || !links().contains("veth")) {
            return Err(format!("interfaces stay after their containers:\n{}", links()).into());
        }
        Ok(())
    }

    fn apply(&self) -> Result<Duration> {
        let spent = self.spawn(&mut self.weave())?.0;
        self.check(true)?;
        Ok(spent)
    }

    /// One `docker run` after the other, as a script has it.
    fn by_turns(&self) -> Result<Duration> {
        let (spent, ()) = time(|| {
            let run = |name: &String| {
                let name = ["run", "--name", name];
                self.spawn(&mut self.docker(&[&name[..], &OPTIONS, &[IMAGE], &COMMAND].concat())).map(drop)
            };
            self.names.iter().try_for_each(run)
        })?;
        self.check(false)?;
        Ok(spent)
    }

    /// Eight of them at once.
    fn at_once(&self) -> Result<Duration> {
        let names = self.names.join(" ");
        let line = format!(
            "echo {names} | xargs -n1 -P8 -I NAME -d ' ' sh -c 'docker run --name $(echo NAME) {} {IMAGE} {} >/dev/null'",
            OPTIONS.join(" "),
            COMMAND.join(" ")
        );
        let spent = self.spawn(Command::new("sh").args(["-c", &line]))?.0;
        self.check(false)?;
        Ok(spent)
    }

    fn run(&self, bench: &Bench, rows: &[String]) -> Result<()> {
        let fresh = |spent: Result<Duration>| {
            let spent = spent?;
            self.remove()?;
            Ok(spent)
        };
        let [turns, once, ours] = medians(
            bench.rounds(ROUNDS),
            [
                Contender::new(|| fresh(self.by_turns())),
                Contender::new(|| fresh(self.at_once())),
                Contender::new(|| fresh(self.apply())),
            ],
        )?;
        bench.report(&Row::times(&rows[0], turns, ours, None, Aim::AtMost(1.0)));
        bench.report(&Row::times(&rows[1], once, ours, None, Aim::AtMost(1.0)));
        Ok(())
    }

    /// A second apply finds nothing to do; the client lists all and looks at all.
    fn unchanged(&self, bench: &Bench, what: &str) -> Result<()> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let [theirs, ours] = medians(
            bench.rounds(15),
            [
                Contender::new(|| {
                    let listed = self.spawn(&mut self.docker(&["ps", "-a"]))?.0;
                    Ok(listed + self.spawn(self.docker(&["inspect"]).args(&names))?.0)
                }),
                Contender::new(|| {
                    let (spent, printed) = self.spawn(self.weave().arg("--detailed-exitcodes"))?;
                    if printed.is_empty() { Ok(spent) } else { Err(format!("it changed something: {printed}").into()) }
                }),
            ],
        )?;
        bench.report(&Row::times(what, theirs, ours, None, Aim::AtMost(1.0)));
        Ok(())
    }
}
