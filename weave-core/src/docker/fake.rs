//! A tiny engine for tests: canned answers over a unix socket.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::ops::RangeInclusive;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::Engine;
use super::address::Address;
use super::client::Patience;
use super::credentials::Keychain;

/// What becomes of a request.
pub(crate) enum Reply {
    /// A status and a JSON body.
    Json(u16, String),
    /// JSON, line by line, then the end.
    Lines(Vec<serde_json::Value>),
    /// These bytes, whatever they are.
    Raw(&'static [u8]),
    /// These bytes; then the connection stays open and nothing more comes.
    Hang(&'static [u8]),
}

/// A fake engine; its thread ends when the process does.
pub(crate) struct FakeEngine {
    directory: tempfile::TempDir,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl FakeEngine {
    /// Answers each path by `answer`.
    pub(crate) fn start(answer: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the socket");
        let listener = UnixListener::bind(directory.path().join("d.sock")).expect("a socket");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let Some(request) = read(&mut stream) else { continue };
                let path = request.path.clone();
                seen.lock().expect("the list of requests").push(request);
                match answer(&path) {
                    Reply::Json(status, body) => send(&mut stream, status, &body),
                    Reply::Lines(lines) => send_lines(&mut stream, &lines),
                    Reply::Raw(bytes) => drop(stream.write_all(bytes)),
                    Reply::Hang(bytes) => {
                        stream.write_all(bytes).expect("a client");
                        hanging.push(stream);
                        continue;
                    }
                }
                // A process that another test is just starting has a copy of the descriptor: dropping it ends nothing.
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        Self { directory, requests }
    }

    /// An engine that speaks API `oldest` to `newest` and refuses other versions as Docker does.
    pub(crate) fn speaking(oldest: u16, newest: u16, answer: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let too_old = format!("client version is too old. Minimum supported API version is 1.{oldest}");
        let too_new = format!("client version is too new. Maximum supported API version is 1.{newest}");
        Self::refusing(oldest..=newest, [too_old, too_new], answer)
    }

    /// An engine that speaks API 1.x for `spoken` and refuses older and newer ones in words of its own.
    pub(super) fn refusing(
        spoken: RangeInclusive<u16>,
        [too_old, too_new]: [String; 2],
        answer: impl Fn(&str) -> Reply + Send + 'static,
    ) -> Self {
        let (oldest, newest) = spoken.into_inner();
        Self::start(move |path| {
            if path == "/version" {
                let body = serde_json::json!({
                    "Version": "20.10.24", "ApiVersion": format!("1.{newest}"), "MinAPIVersion": format!("1.{oldest}"),
                });
                return Reply::Json(200, body.to_string());
            }
            let (minor, path) = path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')).expect("a version");
            match minor.parse::<u16>().expect("a number") {
                minor if minor < oldest => Reply::Json(400, serde_json::json!({"message": too_old}).to_string()),
                minor if minor > newest => Reply::Json(400, serde_json::json!({"message": too_new}).to_string()),
                _ => answer(path),
            }
        })
    }

    /// A client for it.
    pub(super) fn client(&self) -> Engine {
        self.client_with(Keychain::default())
    }

    /// A client with credentials.
    pub(super) fn client_with(&self, keychain: Keychain) -> Engine {
        let [answer, work] = [60, 240].map(Duration::from_secs);
        self.client_of(Patience { answer, registry: answer, work, silence: answer }, keychain)
    }

    /// A client for one that hangs: it gives up after a second, and after four of work.
    pub(super) fn hasty(&self) -> Engine {
        self.client_within(1, 4)
    }

    /// A client that waits so many seconds for an answer, and for work.
    pub(super) fn client_within(&self, answer: u64, work: u64) -> Engine {
        let [answer, work] = [answer, work].map(Duration::from_secs);
        self.client_of(Patience { answer, registry: answer, work, silence: answer }, Keychain::default())
    }

    fn client_of(&self, patience: Patience, keychain: Keychain) -> Engine {
        Engine::with_keychain(Address::Unix(self.socket().display().to_string()), patience, keychain)
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("d.sock")
    }

    /// The paths that were asked for so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.path).collect()
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("the list of requests").clone()
    }
}

/// A request, or nothing where the client went away before it asked.
fn read(stream: &mut UnixStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).is_ok_and(|read| read == 1) {
            head.push(byte[0]);
        } else {
            return None;
        }
    }
    let head = String::from_utf8(head).expect("a request in ASCII");
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let mut request = Request { method, path, headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).expect("a body of text");
    Some(request)
}

fn send_lines(stream: &mut UnixStream, lines: &[serde_json::Value]) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    let body: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn send(stream: &mut UnixStream, status: u16, body: &str) {
    let head =
        format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    // A client that gave up is none of the fake's business.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}
