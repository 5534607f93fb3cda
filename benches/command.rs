//! The command as an operator runs it, engine and all, beside the engine's own way to add a network.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Bench;
use crate::lab::{Container, DockerOptions, Host, HostOptions, Lab};
use crate::measure::{Contender, medians, time};
use crate::raw::Result;
use crate::table::{Aim, Figure, Row};

/// What it has to stay under.
const MOST: Duration = Duration::from_millis(20);

/// Measures all of it.
pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let what = "`weave attach` of a container";
    if !bench.wants(what) {
        return Ok(());
    }
    let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::default());
    let count = bench.rounds(20);
    let containers: Vec<_> = (0..count).map(|n| host.run_container(&format!("c{n}"), &["--network=none"])).collect();
    let others: Vec<_> = (0..count).map(|n| host.run_container(&format!("d{n}"), &[])).collect();
    host.weave(&["launch"]).must();
    host.docker(&["network", "create", "beside"]).must();
    // What a host that is in use has done long since.
    let warm = host.run_container("warm", &["--network=none"]);
    host.weave(&["attach", "--no-probe", "10.2.2.1/24", warm.name()]).must();
    let row = host.in_netns(|| compare(what, &host, &containers, &others))?;
    for (index, container) in containers.iter().enumerate() {
        let shown = container.exec(&["ip", "address", "show", "ethwe"]).must();
        if !shown.contains(&format!("inet {}", address(index))) {
            return Err(format!("{} has no {}:\n{shown}", container.name(), address(index)).into());
        }
    }
    bench.report(&row);
    Ok(())
}

fn address(index: usize) -> String {
    format!("10.2.1.{}/24", index + 1)
}

/// On a thread that is on the host, so that no program for going there is part of what is measured.
fn compare(what: &str, host: &Host, containers: &[Container], others: &[Container]) -> Result<Row> {
    let (mut attached, mut connected) = (containers.iter().enumerate(), others.iter());
    let socket = host.docker_host().replace("unix://", "");
    let [floor, ours, docker] = medians(
        containers.len(),
        [
            Contender::new(|| Ok(time(|| inspect(&socket, "warm"))?.0)),
            Contender::new(|| {
                let (index, container) = attached.next().ok_or("a container for each round")?;
                let mut weave = Command::new(env!("CARGO_BIN_EXE_weave"));
                weave.args(["attach", "--no-probe", &address(index), container.name()]);
                spawn(weave.env("WEAVE_RUN_DIR", host.run_dir()).env("DOCKER_HOST", host.docker_host()))
            }),
            Contender::new(|| {
                let mut docker = Command::new("docker");
                let container = connected.next().ok_or("a container for each round")?;
                docker.args(["network", "connect", "beside", container.name()]);
                spawn(docker.env("DOCKER_HOST", host.docker_host()))
            }),
        ],
    )?;
    Ok(Row {
        what: what.to_owned(),
        limit: Some(Figure::Time(floor)),
        ours: Figure::Time(ours),
        others: Some(Figure::Time(docker)),
        aim: Aim::Under(Figure::Time(MOST)),
    })
}

/// Runs a command from its start to its end.
fn spawn(command: &mut Command) -> Result<Duration> {
    let line = format!("{command:?}");
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (spent, status) = time(|| Ok(quiet.status()?))?;
    if status.success() { Ok(spent) } else { Err(format!("{line}: {status}").into()) }
}

/// The least that anybody needs who wants to know where a container is: one question to the engine.
fn inspect(socket: &str, container: &str) -> Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    write!(stream, "GET /containers/{container}/json HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"Pid\":") {
        Ok(())
    } else {
        Err(format!("the engine answers {}", answer.lines().next().unwrap_or_default()).into())
    }
}
