//! As much of HTTP/1.1 as the control port needs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crate::api::{self, Scope};
use crate::misbehave::Misbehaviour;
use crate::router::Router;

/// From this size on, Go answers in chunks.
const CHUNKED: usize = 2048;

/// No request is longer.
const LARGEST: u64 = 1 << 20;

/// What was asked for.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    /// Of the address and of the body.
    form: Vec<(String, String)>,
}

impl Request {
    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// A header, by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
pub(crate) struct Response {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
}

impl Response {
    /// Text; where there is none, its kind is not told.
    pub(crate) fn text(body: String) -> Self {
        let plain = ("Content-Type", "text/plain; charset=utf-8");
        Self { status: 200, headers: if body.is_empty() { Vec::new() } else { vec![plain] }, body }
    }

    /// Data.
    pub(crate) fn json(body: String) -> Self {
        Self { status: 200, headers: vec![("Content-Type", "application/json")], body }
    }

    /// Numbers for Prometheus.
    pub(crate) fn metrics(body: String) -> Self {
        Self { status: 200, headers: vec![("Content-Type", "text/plain; version=0.0.4; charset=utf-8")], body }
    }

    /// A line that says what is wrong.
    pub(crate) fn error(status: u16, why: &str) -> Self {
        let headers = vec![("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")];
        Self { status, headers, body: format!("{why}\n") }
    }

    /// A status alone.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    /// The answer in bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            204 => "No Content",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            _ => "Internal Server Error",
        };
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (body, size) = (&self.body, self.body.len());
        let rest = match size {
            _ if self.status == 204 => "\r\n".to_owned(),
            CHUNKED.. => format!("Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"),
            _ => format!("Content-Length: {size}\r\n\r\n{body}"),
        };
        format!("HTTP/1.1 {} {reason}\r\n{headers}{rest}", self.status).into_bytes()
    }
}

/// Answers whoever connects, for ever.
pub(crate) fn serve(router: &Arc<Router>, listener: TcpListener, scope: Scope, misbehaviour: Option<Misbehaviour>) {
    let router = Arc::clone(router);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let router = Arc::clone(&router);
            thread::spawn(move || converse(&router, &stream, scope, misbehaviour));
        }
    });
}

/// One request after the other, until the caller has no more.
fn converse(router: &Router, stream: &TcpStream, scope: Scope, misbehaviour: Option<Misbehaviour>) {
    let Ok(read) = stream.try_clone() else { return };
    let mut lines = BufReader::new(read);
    while let Some(request) = request(&mut lines) {
        let response = api::answer(router, scope, &request, stream);
        let sent = match misbehaviour {
            Some(misbehaviour) => misbehaviour.answer(stream, &request, &response),
            None => (&mut &*stream).write_all(&response.bytes()),
        };
        if sent.is_err() || request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            return;
        }
    }
}

/// The next request; None at the end, and where there is none that could be understood.
fn request(lines: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    let mut next = |lines: &mut BufReader<TcpStream>| {
        line.clear();
        let size = lines.take(LARGEST).read_line(&mut line).ok()?;
        (size > 0).then(|| line.trim_end().to_owned())
    };
    let first = next(lines)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = next(lines)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = Vec::new();
    lines.take(length.unwrap_or(0).min(LARGEST)).read_to_end(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let form = [pairs(query), pairs(&String::from_utf8_lossy(&body))].concat();
    Some(Request { method, path: decoded(path, false), headers, form })
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (decoded(name, true), decoded(value, true))
    };
    text.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

/// Undoes `%20`, and in forms `+`.
fn decoded(text: &str, form: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(if form && *first == b'+' { b' ' } else { *first }));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
