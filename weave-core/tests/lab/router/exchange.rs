//! HTTP with a router's control port, and routers to talk to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::lab::{Host, HostOptions, Lab, PATIENCE, RouterOptions, wait_until};

/// The control port.
const CONTROL: u16 = 6784;

/// More than any answer; it is read no further.
pub(super) const LARGEST: usize = 1 << 24;

/// A router's answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    /// A header by name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.to_owned();
        let headers =
            lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let mut answer = Self { status, headers, body: body.to_owned() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = whole(body)?;
        }
        Some(answer)
    }
}

/// What chunks make up.
fn whole(mut chunks: &str) -> Option<String> {
    let mut all = String::new();
    loop {
        let (size, rest) = chunks.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(all);
        }
        all.push_str(rest.get(..size)?);
        chunks = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

/// Opens a connection to the control port of a host, sends a request and gives what came within a time, as soon as it is
/// enough; None while nobody listens.
pub(super) fn send(host: &Host, request: &str, limit: Duration, enough: usize) -> Option<Vec<u8>> {
    let address = SocketAddr::from(([127, 0, 0, 1], CONTROL));
    let mut stream = host.in_netns(|| TcpStream::connect(address)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let (deadline, mut bytes, mut part) = (Instant::now() + limit, Vec::new(), vec![0; 1 << 16]);
    while bytes.len() < enough {
        let left = deadline.saturating_duration_since(Instant::now());
        // What came before the time was over is the answer.
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            break;
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(size) => bytes.extend_from_slice(&part[..size]),
        }
    }
    Some(bytes)
}

/// One exchange; None while nobody listens.
pub(super) fn ask(host: &Host, method: &str, path: &str, accept: Option<&str>, form: &[String]) -> Option<Answer> {
    let fields = form.iter().map(|field| field.replace(' ', "%20").replace(':', "%3A")).collect::<Vec<_>>().join("&");
    let accept = accept.map(|kind| format!("Accept: {kind}\r\n")).unwrap_or_default();
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let length = fields.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{accept}{kind}\r\n");
    let bytes = send(host, &format!("{head}Content-Length: {length}\r\n\r\n{fields}"), PATIENCE, LARGEST)?;
    Some(
        Answer::parse(&bytes)
            .unwrap_or_else(|| panic!("no answer to {method} {path}: {:?}", String::from_utf8_lossy(&bytes))),
    )
}

/// The body of `GET path`; empty while nobody listens.
pub(super) fn get(host: &Host, path: &str) -> String {
    ask(host, "GET", path, None, &[]).map(|answer| answer.body).unwrap_or_default()
}

/// Waits until a page says something.
#[track_caller]
pub(super) fn await_page(host: &Host, path: &str, wanted: impl Fn(&str) -> bool) {
    let mut last = String::new();
    let came = wait_until(PATIENCE, || {
        last = get(host, path);
        wanted(&last)
    });
    assert!(came, "{path} of {} is still:\n{last}", host.name());
}

/// Waits until a host's router is connected to so many.
#[track_caller]
pub(super) fn await_established(host: &Host, count: usize) {
    await_page(host, "/status/connections", |page| page.matches(" established ").count() == count);
}

/// Hosts with bridges for routers.
pub(super) fn lab(count: usize) -> (Lab, Vec<Host>) {
    let lab = Lab::new();
    let hosts: Vec<_> = (0..count).map(|_| lab.add_host(HostOptions::default())).collect();
    hosts.iter().for_each(Host::add_router_bridge);
    (lab, hosts)
}

/// Options with more words on the command line.
pub(super) fn with(args: &str) -> RouterOptions {
    RouterOptions { args: args.split_whitespace().map(str::to_owned).collect(), ..RouterOptions::default() }
}

/// The same with a variable.
pub(super) fn with_env(args: &str, name: &str, value: &str) -> RouterOptions {
    RouterOptions { env: vec![(name.to_owned(), value.to_owned())], ..with(args) }
}
