//! Packets from container to container across two hosts, against a tunnel and bridge made by hand.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use weave_core::spec::{Attach, ContainerRef, Launch, List, Peer};
use weave_core::{Mode, ops};

use crate::Bench;
use crate::attachments::run_on_host;
use crate::by_hand::reaches;
use crate::measure::median;
use crate::raw::Result;
use crate::sandbox::{self, finish, namespaces, run, within};
use crate::table::{Aim, Figure, Row};

/// The port of `iperf3`.
const PORT: &str = "5201";

/// Where the second container is; the first has one less.
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 2, 1, 2);

/// Two hosts on one wire, a container on each.
struct Pair {
    containers: [PathBuf; 2],
    server: Option<Server>,
}

/// A running `iperf3`. It ends with the thread that started it, too.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures all of it.
pub(crate) fn measure(bench: &Bench) -> Result<()> {
    // UDP in packets that fill the overlay's MTU of 1450: 28 bytes are headers.
    let rows = [("traffic, TCP", &[][..]), ("traffic, UDP 1422 B", &["-u", "-b", "0", "-l", "1422"][..])];
    if !rows.iter().any(|(what, _)| bench.wants(what)) {
        return Ok(());
    }
    sandbox::inside(0, |_| {
        let pairs = [Pair::by_hand()?, Pair::ours()?];
        for (what, options) in rows {
            if bench.wants(what) {
                compare(bench, what, options, &pairs)?;
            }
        }
        Ok(())
    })
}

fn compare(bench: &Bench, what: &str, options: &[&str], pairs: &[Pair; 2]) -> Result<()> {
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..bench.rounds(21) {
        for turn in 0..2 {
            // By hand first, then weave first.
            let which = (turn + round) % 2;
            rates[which].push(pairs[which].rate(options)?);
        }
    }
    let [mut limit, mut ours] = rates;
    bench.report(&Row {
        what: what.to_owned(),
        limit: Some(Figure::Bits(median(&mut limit))),
        ours: Figure::Bits(median(&mut ours)),
        others: None,
        aim: Aim::AtLeast(0.97),
    });
    Ok(())
}

/// Two hosts whose `eth0` are the ends of one wire: 192.0.2.1 and 192.0.2.2.
fn hosts(name: &str) -> Result<[PathBuf; 2]> {
    let [one, two] = &namespaces(name, 2)?[..] else { return Err("two namespaces were asked for".into()) };
    let (first, second) = (format!("{name}0"), format!("{name}1"));
    run("ip", &["link", "add", "eth0", "netns", &first, "type", "veth", "peer", "name", "eth0", "netns", &second])?;
    for (number, host) in [one, two].into_iter().enumerate() {
        let address = format!("192.0.2.{}/24", number + 1);
        within(host, |_| {
            run("ip", &["link", "set", "lo", "up"])?;
            run("ip", &["address", "add", &address, "dev", "eth0"])?;
            run("ip", &["link", "set", "eth0", "up"])
        })?;
    }
    Ok([one.clone(), two.clone()])
}

impl Pair {
    fn by_hand() -> Result<Self> {
        let hosts = hosts("plain")?;
        let containers = two(namespaces("plain-c", 2)?)?;
        for (number, host) in (1..).zip(&hosts) {
            let script = format!(
                "link add br0 mtu 1450 type bridge mcast_snooping 0
                 link add vx0 mtu 1450 master br0 type vxlan id 6783 dstport 6783 local 192.0.2.{number} learning
                 link add c0 mtu 1450 master br0 up type veth peer name ethwe mtu 1450 netns plain-c{}
                 link set vx0 up\nlink set br0 up\n",
                number - 1
            );
            let flood = format!("fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.{}\n", 3 - number);
            within(host, |_| {
                finish(Command::new("ip").args(["-batch", "-"]), &script)?;
                finish(Command::new("bridge").args(["-batch", "-"]), &flood)
            })?;
        }
        for (number, container) in (1..).zip(&containers) {
            let script = format!("address add 10.2.1.{number}/24 dev ethwe\nlink set ethwe up\n");
            within(container, |_| finish(Command::new("ip").args(["-batch", "-"]), &script))?;
        }
        Self::ready(containers)
    }

    fn ours() -> Result<Self> {
        let hosts = hosts("weave")?;
        let containers = two(namespaces("weave-c", 2)?)?;
        for (number, (host, container)) in (1..).zip(hosts.iter().zip(&containers)) {
            let peer: Peer = format!("192.0.2.{}", 3 - number).parse()?;
            let launch = Launch { peers: Some([peer].into_iter().collect::<List<_>>()), ..Launch::default() };
            let attach =
                Attach::new(ContainerRef::Netns(container.as_path().into()), [format!("10.2.1.{number}/24").parse()?]);
            within(host, |_| {
                let _ = run_on_host!(|host| ops::router::launch(host, &launch, Mode::Apply))?;
                run_on_host!(|host| ops::attachment::attach(host, &attach, Mode::Apply)).map(drop)
            })?;
        }
        Self::ready(containers)
    }

    fn ready(containers: [PathBuf; 2]) -> Result<Self> {
        if !reaches(&containers[0], SERVER)? {
            return Err(format!("{} does not reach {SERVER}", containers[0].display()).into());
        }
        let mut pair = Self { containers, server: None };
        pair.serve()?;
        Ok(pair)
    }

    fn serve(&mut self) -> Result<()> {
        // Entering first and being told of the parent's death then: programs started from here must not outlive it.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "nsenter"]).arg(in_netns(&self.containers[1]));
        command.args(["iperf3", "--server", "--port", PORT]).stdin(Stdio::null()).stdout(Stdio::null());
        self.server = Some(Server(command.spawn()?));
        let deadline = Instant::now() + Duration::from_secs(10);
        let listens = || within(&self.containers[1], |_| run("ss", &["-Hltn", "sport", "=", PORT]));
        while listens()?.is_empty() {
            if Instant::now() > deadline {
                return Err("iperf3 does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Bits that arrive in a second, over a second.
    fn rate(&self, options: &[&str]) -> Result<f64> {
        let mut command = Command::new("nsenter");
        command.arg(in_netns(&self.containers[0])).args(["timeout", "30", "iperf3", "--client", &SERVER.to_string()]);
        command.args(["--port", PORT, "--time", "1", "--json", "--get-server-output"]).args(options);
        let report: Value = serde_json::from_str(&finish(&mut command, "")?)?;
        // With UDP the sum of the sender says what was sent; the server's own report what arrived.
        let end = &report["end"];
        let received = match &report["server_output_json"]["end"]["sum"] {
            sum if sum["bytes"].is_number() && !options.is_empty() => arrived(sum),
            _ => end["sum_received"]["bits_per_second"].as_f64(),
        };
        received.filter(|rate| *rate > 0.0).ok_or_else(|| format!("iperf3 reports nothing: {end}").into())
    }
}

/// The rate at which UDP arrived: what was sent, less what was lost.
fn arrived(sum: &Value) -> Option<f64> {
    let lost = sum["lost_percent"].as_f64()?;
    Some(sum["bits_per_second"].as_f64()? * (100.0 - lost) / 100.0)
}

fn in_netns(path: &Path) -> String {
    format!("--net={}", path.display())
}

fn two(paths: Vec<PathBuf>) -> Result<[PathBuf; 2]> {
    paths.try_into().map_err(|_| "two namespaces were asked for".into())
}
