//! An engine that makes nothing and remembers what it was asked to make.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value as Json;

/// The newest API that it says it speaks: that of Docker 28.
const API: &str = "1.51";

/// The fake engine; its thread ends when the process does.
pub(super) struct Recorder {
    directory: tempfile::TempDir,
    created: Arc<Mutex<HashMap<String, Created>>>,
}

/// A request to make a container.
#[derive(Debug, Clone)]
pub(super) struct Created {
    pub(super) query: String,
    pub(super) body: Json,
}

impl Recorder {
    pub(super) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the socket");
        let listener = UnixListener::bind(directory.path().join("d.sock")).expect("a socket");
        let created = Arc::new(Mutex::new(HashMap::new()));
        let seen = Arc::clone(&created);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(stream.expect("a connection"), &seen));
            }
        });
        Self { directory, created }
    }

    /// `docker run --detach` with the words of `line` and an image's name that no other line has.
    pub(super) fn run(&self, program: &Path, line: &str, image: &str, command: &[&str]) -> Output {
        let words = shlex::split(line).expect("words");
        Command::new(program)
            .arg("-H")
            .arg(format!("unix://{}", self.directory.path().join("d.sock").display()))
            .args(["run", "--detach"])
            .args(words)
            .arg(image)
            .args(command)
            .current_dir(self.base())
            .env_clear()
            .env("HOME", self.base())
            .env("CALLER", "of the test")
            .output()
            .expect("the docker client")
    }

    /// Where the client stands.
    pub(super) fn base(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// What was to be made of `image`.
    pub(super) fn created(&self, image: &str) -> Option<Created> {
        self.created.lock().expect("the requests").get(image).cloned()
    }
}

fn serve(stream: UnixStream, created: &Mutex<HashMap<String, Created>>) {
    let mut reader = BufReader::new(stream);
    while let Some((method, path, length)) = head(&mut reader) {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let (status, answer) = answer(&path, &body, created);
        let answer = if method == "HEAD" { String::new() } else { answer };
        let text = format!(
            "HTTP/1.1 {status} Status\r\nApi-Version: {API}\r\nOstype: linux\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        if reader.get_mut().write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// Method, path and the length of the body; nothing when the client is gone.
fn head(reader: &mut impl BufRead) -> Option<(String, String, usize)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some(_) => {}
            None => return Some((method, path, length)),
        }
    }
}

fn answer(path: &str, body: &[u8], created: &Mutex<HashMap<String, Created>>) -> (u16, String) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    match path.rsplit_once("/containers/") {
        Some((_, "create")) => {
            let body: Json = serde_json::from_slice(body).expect("JSON");
            let image = body["Image"].as_str().expect("an image").to_owned();
            created.lock().expect("the requests").insert(image, Created { query: query.to_owned(), body });
            (201, r#"{"Id": "f00d", "Warnings": []}"#.to_owned())
        }
        Some((_, start)) if start.ends_with("/start") => (204, String::new()),
        Some((_, wait)) if wait.ends_with("/wait") => (200, r#"{"StatusCode": 0}"#.to_owned()),
        _ if path == "/_ping" => (200, "OK".to_owned()),
        _ if path.ends_with("/version") => (200, format!(r#"{{"Version": "28.5.0", "ApiVersion": "{API}"}}"#)),
        _ => (200, "{}".to_owned()),
    }
}
