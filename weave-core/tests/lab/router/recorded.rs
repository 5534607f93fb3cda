//! Every recorded exchange with the real router, in the situation in which it was recorded, in the same order.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::exchange::{Answer, ask, await_established, lab, with, with_env};
use super::shape::{metrics, shape};
use crate::lab::{Host, PATIENCE, RouterProcess, UNDERLAY, wait_until};

/// How many there are; none is left out.
const ALL: usize = 56;

struct Exchange {
    name: String,
    request: Value,
    response: Value,
}

impl Exchange {
    fn number(&self) -> usize {
        self.name[..2].parse().unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// Which of the two routers was asked: the one that was dialled, or the one that dialled.
    fn at_dialler(&self) -> bool {
        matches!(self.number(), 8 | 20 | 30..=41 | 51 | 52)
    }

    fn ask(&self, host: &Host) -> Option<Answer> {
        let text = |field: &str| self.request[field].as_str().unwrap_or_default();
        let form = self.request["form"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let form: Vec<_> = form.collect();
        ask(host, text("method"), text("path"), self.request["accept"].as_str(), &form)
    }

    /// What is compared: status, kind and body.
    fn expected(&self) -> [String; 4] {
        let header = |name: &str| self.response["headers"][name].as_str().unwrap_or_default().to_owned();
        let text = |field: &str| self.response[field].as_str().unwrap_or_default();
        [text("status").to_owned(), header("Content-Type"), header("X-Content-Type-Options"), self.shape(text("body"))]
    }

    fn got(&self, answer: &Answer) -> [String; 4] {
        let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        let body = self.shape(&answer.body);
        [answer.status.clone(), header("Content-Type"), header("X-Content-Type-Options"), body]
    }

    fn shape(&self, body: &str) -> String {
        if self.request["path"] == "/metrics" { metrics(body) } else { shape(body) }
    }

    /// Repeats the exchange; what only looks is repeated, since routers need a moment to see each other.
    #[track_caller]
    fn repeat(&self, host: &Host) {
        let mut got = self.ask(host).unwrap_or_else(|| panic!("{}: nobody listens", self.name));
        if self.request["method"] == "GET" {
            wait_until(PATIENCE, || {
                let same = self.got(&got) == self.expected();
                got = if same { got.clone() } else { self.ask(host).unwrap_or_default() };
                same
            });
        }
        for (got, expected) in self.got(&got).iter().zip(self.expected()) {
            let only = |these: &str, those: &str| {
                let lines = these.lines().filter(|line| !those.lines().any(|other| other == *line));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            let differ = (only(got, &expected), only(&expected, got));
            assert!(*got == expected, "{}: only here, only there: {differ:#?}\n{got}", self.name);
        }
    }
}

/// The exchanges with these numbers, in order.
fn exchanges(numbers: std::ops::RangeInclusive<usize>) -> Vec<Exchange> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weave-router");
    let files = fs::read_dir(&dir).unwrap_or_else(|e| panic!("read {}: {e}", dir.display())).flatten();
    let files = files.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let read = |path: &Path| {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
        let mut data: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Exchange { name, request: data["request"].take(), response: data["response"].take() }
    };
    let mut all: Vec<_> = files.map(|path| read(&path)).collect();
    all.sort_by_key(Exchange::number);
    assert!(all.iter().map(Exchange::number).eq(1..=ALL), "the recorded exchanges are numbered 1 to {ALL}");
    all.into_iter().filter(|exchange| numbers.contains(&exchange.number())).collect()
}

/// The addresses of the recorded routers, and two where nobody answers.
fn address(hosts: &[Host]) {
    for (host, ip) in hosts.iter().zip(["192.168.78.1", "192.168.78.2"]) {
        host.add_address(UNDERLAY, &format!("{ip}/24"));
    }
    // Known to the kernel, so that an attempt to reach them never comes to an end.
    let dead = |ip| format!("ip neighbour add {ip} lladdr 02:00:00:00:00:99 dev {UNDERLAY} nud permanent");
    hosts[1].sh(&[dead("192.168.78.9"), dead("192.168.78.10")].join(" && ")).must();
}

/// Asks both routers what was asked of the recorded ones.
#[track_caller]
fn repeat(hosts: &[Host], numbers: std::ops::RangeInclusive<usize>) {
    for exchange in exchanges(numbers) {
        exchange.repeat(&hosts[usize::from(exchange.at_dialler())]);
    }
}

fn start(hosts: &[Host], args: &str, passwords: [&str; 2]) -> [RouterProcess; 2] {
    let one = hosts[0].start_router(&with_env(args, "WEAVE_PASSWORD", passwords[0]));
    let two = hosts[1].start_router(&with_env(&format!("{args} 192.168.78.1"), "WEAVE_PASSWORD", passwords[1]));
    [one, two]
}

#[test]
fn without_encryption_and_with_allocation() {
    let (_lab, hosts) = lab(2);
    address(&hosts);
    let _routers = start(&hosts, "--ipalloc-range 10.32.0.0/12", ["", ""]);
    hosts.iter().for_each(|host| await_established(host, 1));
    repeat(&hosts, 1..=38);
    // The recorded attempts had failed by then. An attempt that lasts is shown, also when its target is forgotten.
    let gone = |ip| format!("ip neighbour delete {ip} dev {UNDERLAY}");
    hosts[1].sh(&[gone("192.168.78.9"), gone("192.168.78.10")].join(" && ")).must();
    repeat(&hosts, 39..=43);
}

#[test]
fn with_a_password_and_without_allocation() {
    let (_lab, hosts) = lab(2);
    address(&hosts);
    let _routers = start(&hosts, "", ["one", "one"]);
    hosts.iter().for_each(|host| await_established(host, 1));
    // The recorded router had heard its bridge.
    hosts[0].sh("ip address add 10.9.9.1/24 dev weave").must();
    hosts[0].ping([10, 9, 9, 2].into());
    repeat(&hosts, 44..=50);
}

#[test]
fn with_different_passwords() {
    let (_lab, hosts) = lab(2);
    address(&hosts);
    let _routers = start(&hosts, "", ["one", "another"]);
    super::exchange::await_page(&hosts[1], "/status/connections", |page| page.contains("failed"));
    repeat(&hosts, 51..=52);
}

#[test]
fn with_too_few_routers_to_divide_the_range() {
    let (_lab, hosts) = lab(2);
    let _router = hosts[0].start_router(&with("--ipalloc-range 10.32.0.0/12 192.0.2.2"));
    super::exchange::await_page(&hosts[0], "/status/connections", |page| page.contains("failed"));
    repeat(&hosts, 53..=56);
}

#[test]
fn a_router_alone_is_ready_at_once() {
    let (_lab, hosts) = lab(1);
    let _router = hosts[0].start_router(&with("--trusted-subnets 10.0.0.0/8,192.0.2.0/24 --no-discovery"));
    super::exchange::await_page(&hosts[0], "/status", |page| {
        let lines = [
            " TrustedSubnets: 10.0.0.0/8, 192.0.2.0/24\n",
            "  PeerDiscovery: disabled\n",
            "Connections: 0\n",
            "Peers: 1\n",
        ];
        lines.iter().all(|line| page.contains(line))
    });
}
