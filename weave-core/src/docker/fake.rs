//! A tiny engine for tests: canned answers over a unix socket.

use std::io::{Read, Write};
use std::ops::RangeInclusive;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::Engine;
use super::address::Address;

/// What becomes of a request.
pub(super) enum Reply {
    /// A status and a JSON body.
    Json(u16, String),
    /// These bytes, whatever they are.
    Raw(&'static [u8]),
    /// These bytes; then the connection stays open and nothing more comes.
    Hang(&'static [u8]),
}

/// A fake engine; its thread ends when the process does.
pub(super) struct FakeEngine {
    directory: tempfile::TempDir,
    paths: Arc<Mutex<Vec<String>>>,
}

impl FakeEngine {
    /// Answers each path by `answer`.
    pub(super) fn start(answer: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the socket");
        let listener = UnixListener::bind(directory.path().join("d.sock")).expect("a socket");
        let paths = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&paths);
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let path = read_path(&mut stream);
                seen.lock().expect("the list of paths").push(path.clone());
                match answer(&path) {
                    Reply::Json(status, body) => send(&mut stream, status, &body),
                    Reply::Raw(bytes) => drop(stream.write_all(bytes)),
                    Reply::Hang(bytes) => {
                        stream.write_all(bytes).expect("a client");
                        hanging.push(stream);
                    }
                }
            }
        });
        Self { directory, paths }
    }

    /// An engine that speaks API `oldest` to `newest` and refuses other versions as Docker does.
    pub(super) fn speaking(oldest: u16, newest: u16, answer: impl Fn(&str) -> Reply + Send + 'static) -> Self {
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
        Engine::new(Address::Unix(self.socket().display().to_string()), Duration::from_millis(300))
    }

    /// Its socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.directory.path().join("d.sock")
    }

    /// The paths that were asked for so far.
    pub(super) fn paths(&self) -> Vec<String> {
        self.paths.lock().expect("the list of paths").clone()
    }
}

fn read_path(stream: &mut UnixStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).expect("a request in ASCII");
    request.split(' ').nth(1).expect("a path").to_owned()
}

fn send(stream: &mut UnixStream, status: u16, body: &str) {
    let head =
        format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    // A client that gave up is none of the fake's business.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}
