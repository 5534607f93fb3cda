//! One HTTP exchange on loopback, which ends in time whoever listens there.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::config::Config;
use ureq::http::header::{ACCEPT, CONTENT_TYPE};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, http};

use crate::{Error, ErrorKind, Result};

/// More than this is no answer of a router. Its report has 0.3 kB for each connection of each peer, so 12 MB for 200
/// peers that are all connected, and more connections than that it does not take (`--conn-limit`).
const MOST_BYTES: u64 = 32 << 20;

/// More than this is no head of an answer.
const MOST_HEAD: usize = 64 << 10;

/// How many letters of the router's words an error repeats.
const MOST_WORDS: usize = 200;

/// What may stand in a path or a form as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request, and what to call it in an error.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// What is attempted: `connect to 192.0.2.2`.
    pub(super) what: String,
    pub(super) method: &'static str,
    /// Path, encoded where that is needed.
    pub(super) path: String,
    /// Whether JSON is wanted; the report is a template's otherwise.
    pub(super) json: bool,
    /// Fields of a form.
    pub(super) form: Option<Vec<(&'a str, &'a str)>>,
}

impl Request<'_> {
    pub(super) fn new(what: impl Into<String>, method: &'static str, path: impl Into<String>) -> Self {
        Self { what: what.into(), method, path: path.into(), json: false, form: None }
    }

    fn content(&self) -> Option<String> {
        let field = |(name, value): &(&str, &str)| format!("{name}={}", encoded(value));
        self.form.as_ref().map(|form| form.iter().map(field).collect::<Vec<_>>().join("&"))
    }
}

/// What the router answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks whoever listens on `port` of 127.0.0.1 and reads the whole answer, within `patience`.
///
/// The socket is made on the calling thread, so in its network namespace.
///
/// # Errors
/// `Timeout`; `Router` when nobody listens or what is heard is no HTTP, or too much. An answer of any status is none.
pub(super) fn exchange(port: u16, patience: Duration, request: &Request<'_>) -> Result<Answer> {
    let config = Agent::config_builder()
        .timeout_global(Some(patience))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .max_response_header_size(MOST_HEAD)
        // The environment's proxy is none for this host.
        .proxy(None)
        .user_agent(concat!("weave/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = Agent::with_parts(config, DefaultConnector::new(), Loopback(port));
    answer(&agent, port, request).map_err(|cause| failure(port, patience, &request.what, cause))
}

/// There is nothing to look up. The client's own way is a thread for each exchange.
#[derive(Debug)]
struct Loopback(u16);

impl Resolver for Loopback {
    fn resolve(&self, _: &http::Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from((Ipv4Addr::LOCALHOST, self.0)));
        Ok(addresses)
    }
}

fn answer(agent: &Agent, port: u16, request: &Request<'_>) -> Result<Answer, ureq::Error> {
    let mut head =
        http::Request::builder().method(request.method).uri(format!("http://127.0.0.1:{port}{}", request.path));
    if request.json {
        head = head.header(ACCEPT, "application/json");
    }
    let mut response = match request.content() {
        Some(form) => agent.run(head.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)?)?,
        None => agent.run(head.body(())?)?,
    };
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec()?;
    Ok(Answer { status, body })
}

/// Words for `cause`, met while doing `what`.
fn failure(port: u16, patience: Duration, what: &str, cause: ureq::Error) -> Error {
    let error = match &cause {
        ureq::Error::Timeout(_) => {
            let text = format!("{what}: the weave router did not answer within {} s", patience.as_secs_f32());
            Error::new(ErrorKind::Timeout, subject(port), text).hint(LOOK)
        }
        ureq::Error::Io(io) => {
            let text = format!("{what}: cannot talk to the weave router: {io}");
            Error::new(ErrorKind::Router, subject(port), text)
                .errno(io.raw_os_error())
                .hint("does the router's container run? `docker ps` shows it, `weave launch` starts it")
        }
        ureq::Error::BodyExceedsLimit(_) => {
            let text = format!("{what}: the answer is longer than {} MiB", MOST_BYTES >> 20);
            Error::new(ErrorKind::Router, subject(port), text).hint(STRANGER)
        }
        _ => {
            let text = format!("{what}: the answer is not that of a weave router: {}", plain(&cause.to_string()));
            Error::new(ErrorKind::Router, subject(port), text).hint(STRANGER)
        }
    };
    error.source(cause)
}

const LOOK: &str = "look at the log of the router's container: `docker logs weave`";
pub(super) const STRANGER: &str = "does something else listen on the router's control port? `ss -ltnp` shows who does";

/// The error for an answer that is a refusal, or makes no sense.
pub(super) fn refusal(port: u16, what: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Router, subject(port), format!("{what}: {why}"))
}

/// The error for an answer that cannot be read.
pub(super) fn nonsense(port: u16, what: &str, why: impl std::fmt::Display) -> Error {
    let why = plain(&why.to_string());
    refusal(port, what, format_args!("the answer of the weave router makes no sense: {why}")).hint(STRANGER)
}

/// The error for a deadline that passed while the router was asked over and over.
pub(super) fn never_ready(port: u16, within: Duration, last: &str) -> Error {
    let text = format!("the weave router was not ready within {} s: {last}", within.as_secs_f32());
    Error::new(ErrorKind::Timeout, subject(port), text).hint(LOOK)
}

/// Where the router was looked for.
fn subject(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// `text` as it may stand in a path or a form.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The router's own words: its lines in one, without control characters, and not at length.
pub(super) fn words(body: &[u8]) -> String {
    // What is left out is not looked at.
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * MOST_WORDS)]);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let plain = plain(&lines.join("; "));
    if plain.is_empty() { "no reason given".to_owned() } else { plain }
}

/// At most [`MOST_WORDS`] letters, control characters escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut letters = text.chars();
    let mut plain = String::new();
    for letter in letters.by_ref().take(MOST_WORDS) {
        if letter.is_control() {
            plain.extend(letter.escape_default());
        } else {
            plain.push(letter);
        }
    }
    if letters.next().is_some() {
        plain.push('…');
    }
    plain
}
