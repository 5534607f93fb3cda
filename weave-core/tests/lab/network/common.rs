//! What the tests of the network share: hosts with the command, namespaces that play containers, traffic.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::lab::{Host, HostOptions, Lab, Netns, Snapshot};

/// How long a packet may take that is expected; on a busy machine a wake-up alone can take a tenth of a second.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// How long a packet is waited for that must not come.
pub(crate) const NEVER: Duration = Duration::from_millis(300);

/// UDP port and network identifier of the router.
pub(crate) const PORT: u16 = 6783;

/// A lab that knows the command, with hosts that have no engine.
pub(crate) fn lab(hosts: usize) -> (Lab, Vec<Host>) {
    let lab = Lab::new().with_weave(env!("CARGO_BIN_EXE_weave"));
    let hosts = (0..hosts).map(|_| lab.add_host(HostOptions::default())).collect();
    (lab, hosts)
}

/// An address.
#[track_caller]
pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

/// Runs the command; it must succeed.
#[track_caller]
pub(crate) fn weave(host: &Host, line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    host.weave(&words).must()
}

/// Runs the command; its report as data, and whether it succeeded.
#[track_caller]
pub(crate) fn report(host: &Host, line: &str) -> Value {
    let words: Vec<_> = std::iter::once("--json").chain(line.split_whitespace()).collect();
    let output = host.weave(&words);
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("no report ({error}): {output}"))
}

/// The error of a command that must fail.
#[track_caller]
pub(crate) fn error(host: &Host, line: &str) -> Value {
    let report = report(host, line);
    let error = report.get("error").cloned().or_else(|| report["errors"].get(0).cloned());
    error.unwrap_or_else(|| panic!("`weave {line}` should have failed: {report:#}"))
}

/// A text in a report.
#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value:#}"))
}

/// Whether a command changes something; it must succeed.
#[track_caller]
pub(crate) fn changes(host: &Host, line: &str) -> bool {
    let words: Vec<_> = std::iter::once("--detailed-exitcodes").chain(line.split_whitespace()).collect();
    let output = host.weave(&words);
    match output.code {
        0 => false,
        2 => true,
        _ => panic!("{output}"),
    }
}

/// Writes a document and gives its path.
#[track_caller]
pub(crate) fn document(host: &Host, text: &str) -> String {
    let path = host.dir().join("host.yaml");
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    path.display().to_string()
}

/// Applies a document; it must succeed. Whether it changed something.
#[track_caller]
pub(crate) fn apply(host: &Host, text: &str) -> bool {
    changes(host, &format!("apply {}", document(host, text)))
}

/// A namespace that plays a container, attached to a host. The addresses are looked for first only where a test is
/// about that: it takes a tenth of a second each.
#[track_caller]
pub(crate) fn attached(lab: &Lab, host: &Host, name: &str, ips: &str) -> Netns {
    let target = lab.target(name);
    attach(host, &target, ips);
    target
}

/// Attaches a namespace; `ips` may hold options, too.
#[track_caller]
pub(crate) fn attach(host: &Host, target: &Netns, ips: &str) {
    weave(host, &format!("attach --no-probe {ips} {}", reference(target)));
}

/// What the command calls a namespace.
pub(crate) fn reference(target: &Netns) -> String {
    format!("netns:{}", target.name())
}

/// The underlay addresses of all hosts, as the command takes them.
pub(crate) fn peers(hosts: &[Host]) -> String {
    hosts.iter().map(|host| host.v4().to_string()).collect::<Vec<_>>().join(" ")
}

/// The same for IPv6.
pub(crate) fn peers_v6(hosts: &[Host]) -> String {
    hosts.iter().map(|host| host.v6().to_string()).collect::<Vec<_>>().join(" ")
}

/// Launches a full mesh.
#[track_caller]
pub(crate) fn launch(hosts: &[Host]) {
    for host in hosts {
        weave(host, &format!("launch {}", peers(hosts)));
    }
}

/// Bytes that a TCP connection carries in each direction: more than any queue on the way holds.
const LOAD: usize = 1 << 18;

/// Whether a TCP connection carries data both ways, and with which address the listener saw its caller.
pub(crate) fn tcp(from: &Netns, to: &Netns, address: IpAddr) -> Option<IpAddr> {
    let listener = to.in_netns(|| TcpListener::bind((address, 0))).unwrap_or_else(|error| panic!("{address}: {error}"));
    let address = listener.local_addr().unwrap_or_else(|error| panic!("{address}: {error}"));
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| from.in_netns(|| call(address)));
        // An unreachable listener would wait for ever: only one that is reached accepts.
        if !caller.join().unwrap_or(false) {
            return None;
        }
        let (stream, caller) = listener.accept().ok()?;
        drop(stream);
        Some(caller.ip())
    })
}

/// Connects; the listener's kernel accepts before anybody calls `accept`.
fn call(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, SOON).is_ok()
}

/// Whether a TCP connection carries a load both ways, whole.
pub(crate) fn transfer(from: &Netns, to: &Netns, address: IpAddr) -> bool {
    let listener = to.in_netns(|| TcpListener::bind((address, 0))).unwrap_or_else(|error| panic!("{address}: {error}"));
    let address = listener.local_addr().unwrap_or_else(|error| panic!("{address}: {error}"));
    let Ok(caller) = from.in_netns(|| TcpStream::connect_timeout(&address, SOON)) else { return false };
    let Ok((called, _)) = listener.accept() else { return false };
    std::thread::scope(|scope| {
        let there = scope.spawn(|| echo(&called));
        let back = send_and_read(&caller);
        there.join().is_ok_and(|echoed| echoed) && back
    })
}

fn echo(mut stream: &TcpStream) -> bool {
    let mut all = Vec::new();
    let read = stream.set_read_timeout(Some(SOON)).is_ok() && stream.read_to_end(&mut all).is_ok();
    read && stream.write_all(&all).is_ok() && stream.shutdown(Shutdown::Write).is_ok()
}

fn send_and_read(mut stream: &TcpStream) -> bool {
    let load: Vec<u8> = (0..LOAD).map(|at| (at % 251) as u8).collect();
    let mut back = Vec::new();
    let sent = stream.write_all(&load).is_ok() && stream.shutdown(Shutdown::Write).is_ok();
    let read = stream.set_read_timeout(Some(SOON)).is_ok() && stream.read_to_end(&mut back).is_ok();
    sent && read && back == load
}

/// All that could be there of one section of a namespace's state.
pub(crate) fn section(netns: &Netns, name: &str) -> Vec<String> {
    Snapshot::of(netns).section(name).to_vec()
}

/// One link as `ip` shows it; nothing where there is none of that name.
pub(crate) fn link(netns: &Netns, name: &str) -> Option<Value> {
    let output = netns.exec(&["ip", "-d", "-j", "link", "show", "dev", name]);
    let links: Value = serde_json::from_str(&output.stdout).ok()?;
    links.get(0).cloned()
}

/// The MTU of a link.
#[track_caller]
pub(crate) fn link_mtu(netns: &Netns, name: &str) -> u64 {
    let link = link(netns, name).unwrap_or_else(|| panic!("no link {name} in {}", netns.name()));
    link["mtu"].as_u64().expect("a link has an MTU")
}

/// The Ethernet address of a container's interface.
#[track_caller]
pub(crate) fn mac(netns: &Netns) -> String {
    let link = link(netns, "ethwe").unwrap_or_else(|| panic!("{} is not attached", netns.name()));
    link["address"].as_str().expect("a link has an address").to_owned()
}
