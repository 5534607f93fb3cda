//! Builds by an engine that is none: what is sent to it, and what becomes of its answers.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};

use super::{Engine, Request};
use crate::docker::address::Address;
use crate::docker::client::Patience;
use crate::docker::context::{Context, Dockerfile};
use crate::docker::credentials::Keychain;
use crate::progress::{Progress, Pull, Work};
use crate::{ErrorKind, Result, blocking};

/// An engine that serves one request: its head goes to whoever waits, the rest is for `serve`.
fn engine(directory: &Path, serve: impl FnOnce(BufReader<UnixStream>) + Send + 'static) -> (Engine, Receiver<String>) {
    let socket = directory.join("d.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let (give, first) = channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().expect("a connection").0);
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
        give.send(head).expect("somebody waits");
        serve(reader);
    });
    let keychain = Keychain { directory: Some(directory.to_owned()), path: Some(directory.as_os_str().to_owned()) };
    (Engine::with_keychain(Address::Unix(socket.display().to_string()), Patience::default(), keychain), first)
}

fn answer(reader: &mut BufReader<UnixStream>, status: u16, body: &str) {
    let head =
        format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    reader.get_mut().write_all((head + body).as_bytes()).expect("a client");
}

/// Reads a body to its end, and gives how long it was; nothing if it was broken off.
fn body(reader: &mut impl BufRead) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let size = usize::from_str_radix(line.trim(), 16).expect("a size");
        let read = std::io::copy(&mut reader.by_ref().take(size as u64 + 2), &mut std::io::sink()).expect("a piece");
        if read < size as u64 + 2 {
            return None;
        }
        length += size;
        if size == 0 {
            return Some(length);
        }
    }
}

/// A directory with a file of this size.
fn context(size: u64) -> (tempfile::TempDir, Context) {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("Dockerfile"), "FROM scratch\n").expect("written");
    File::create(directory.path().join("big")).and_then(|file| file.set_len(size)).expect("a file");
    let dockerfile = Dockerfile::Path("Dockerfile".to_owned());
    let context = Context::look(Some(directory.path()), &dockerfile, &[]).expect("a context");
    (directory, context)
}

fn build(engine: &Engine, context: Context) -> (Result<Vec<String>>, Vec<Progress>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = |progress: &Progress| told.lock().expect("a list").push(progress.clone());
    let request = Request {
        tag: "app:1".to_owned(),
        args: [("A".to_owned(), "b c".to_owned())].into(),
        target: "web".to_owned(),
        platform: "linux/arm64".to_owned(),
        pull: true,
        no_cache: true,
        ..Request::default()
    };
    let done = blocking::run(engine.build(request, context, &tell));
    (done, told.lock().expect("a list").clone())
}

#[test]
fn a_build_sends_everything_and_tells_of_its_steps() {
    let (sockets, (directory, context)) = (tempfile::tempdir().expect("a directory"), context(1 << 20));
    let hash = context.hash.to_string();
    let (engine, requests) = engine(sockets.path(), |mut reader| {
        // Silent for long enough to tell how much was sent.
        thread::sleep(Duration::from_secs(5));
        let length = body(&mut reader).expect("the whole body");
        assert!(length > 1 << 20, "only {length} bytes");
        let layer = |status: &str, bytes: u64| json!({"id": "a", "status": status, "progressDetail": {"current": bytes, "total": 9}});
        let lines = [
            json!({"stream": "Step 1/2 : FROM --platform=linux/arm64 db1/base AS web\n"}),
            layer("Pulling fs layer", 0),
            layer("Downloading", 3),
            layer("Pull complete", 0),
            json!({"stream": "Step 2/2 : LABEL a\n[Warning] old\n"}),
            json!({"stream": "Successfully built 0\n"}),
        ];
        answer(&mut reader, 200, &lines.map(|line| format!("{line}\r\n")).concat());
    });
    let (done, told) = build(&engine, context);
    assert_eq!(done.expect("built"), ["old"]);
    assert!(matches!(told[0], Progress::Context { bytes, total } if bytes <= total && total > 1 << 20), "{told:?}");
    let at = |done, bytes, total| Progress::Pull(Pull { image: "db1/base".into(), layers: 1, done, bytes, total });
    let (from, pull) = (Work::new("FROM", "--platform=linux/arm64 db1/base AS web"), Work::pull("db1/base"));
    let (first, second) = (Progress::Steps { done: 0, total: 2 }, Progress::Steps { done: 1, total: 2 });
    let label = Work::new("LABEL", "a");
    let wanted = [
        first,
        Progress::Begins(from.clone()),
        Progress::Begins(pull.clone()),
        at(0, 0, 0),
        at(0, 3, 9),
        at(1, 9, 9),
        Progress::Ends(pull),
        Progress::Ends(from),
        second,
        Progress::Begins(label.clone()),
        Progress::Ends(label),
    ];
    assert_eq!(told[told.iter().position(|news| *news == wanted[0]).expect("a step")..], wanted);
    let head = requests.recv().expect("a request");
    let label = format!("%22weave.context%22%3A%22{}%22", hash.replace(':', "%3A"));
    for word in [
        "/build?",
        "t=app%3A1",
        "%22A%22%3A%22b+c%22",
        "target=web",
        "platform=linux%2Farm64",
        "pull=true",
        "nocache=true",
        "forcerm=true",
        "dockerfile=Dockerfile",
        "version=1",
        &label,
    ] {
        assert!(head.contains(word), "{word} is missing: {head}");
    }
    assert!(!head.to_lowercase().contains("x-registry-config"), "{head}");
    drop(directory);
}

#[test]
fn a_refusal_at_once_is_not_kept_waiting_by_the_rest_of_the_context() {
    let (sockets, (_directory, context)) = (tempfile::tempdir().expect("a directory"), context(64 << 20));
    let (engine, _first) = engine(sockets.path(), |mut reader| {
        answer(&mut reader, 400, r#"{"message":"invalid platform"}"#);
        // It neither reads on nor hangs up.
        thread::sleep(Duration::from_secs(30));
    });
    let begun = Instant::now();
    let error = build(&engine, context).0.expect_err("a refusal");
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Docker, "invalid platform"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_file_that_changed_meanwhile_breaks_the_stream_off_and_is_the_reason() {
    let (sockets, (directory, context)) = (tempfile::tempdir().expect("a directory"), context(1 << 20));
    fs::write(directory.path().join("big"), "small").expect("written");
    let (tell, told) = channel();
    let (engine, _first) = engine(sockets.path(), move |mut reader| {
        tell.send(body(&mut reader)).expect("somebody waits");
    });
    let error = build(&engine, context).0.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.message().contains("/big was changed while it was sent"), "{error}");
    assert_eq!(told.recv(), Ok(None), "the engine must not take it for whole");
}

#[test]
fn an_engine_that_hangs_up_is_named() {
    let (sockets, (_directory, context)) = (tempfile::tempdir().expect("a directory"), context(1 << 20));
    let (engine, _first) = engine(sockets.path(), drop);
    let error = build(&engine, context).0.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Docker, "{error}");
    assert!(error.message().contains("build the image: cannot talk to the Docker engine"), "{error}");
}

/// What is sent of the credentials there are, by registry, for a build of `dockerfile` that `serve` answers.
fn sent(dockerfile: &str, words: &'static str) -> (Value, Result<Vec<String>>) {
    let sockets = tempfile::tempdir().expect("a directory");
    let config = json!({
        "auths": {
            "https://index.docker.io/v1/": {"username": "hub", "password": "?>~"}, "db1:5000": {"auth": "bWU6c2VjcmV0"},
            "other.example": {"username": "other", "password": "x"},
        },
        "credHelpers": {"broken.example": "broken"},
    });
    fs::write(sockets.path().join("config.json"), config.to_string()).expect("a file");
    let text = Dockerfile::Text(dockerfile.to_owned());
    let context = Context::look(None, &text, &[]).expect("a context");
    let step = dockerfile.replace('\n', "");
    let (engine, requests) = engine(sockets.path(), move |mut reader| {
        body(&mut reader).expect("the whole body");
        let begun = json!({"stream": format!("Step 1/1 : {step}\n")});
        let lines = [
            begun,
            if words.is_empty() { json!({}) } else { json!({"error": words, "errorDetail": {"message": words}}) },
        ];
        answer(&mut reader, 200, &lines.map(|line| format!("{line}\r\n")).concat());
    });
    let (done, _) = build(&engine, context);
    let head = requests.recv().expect("a request");
    let header = head.lines().filter_map(|line| line.split_once(": "));
    let header = header.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("x-registry-config"));
    let read = |value: &str| serde_json::from_slice(&URL_SAFE.decode(value).expect("base64")).expect("JSON");
    (header.map_or(Value::Null, |(_, value)| read(value)), done)
}

#[test]
fn credentials_are_sent_for_the_registries_that_are_needed() {
    let (hub, db1, other) = (json!(["hub", "?>~"]), json!(["me", "secret"]), json!(["other", "x"]));
    for (dockerfile, wanted) in [
        ("FROM scratch\n", Value::Null),
        ("FROM nobody.example/app\n", Value::Null),
        ("FROM busybox\n", json!({"https://index.docker.io/v1/": hub})),
        ("FROM db1:5000/base\n", json!({"db1:5000": db1})),
        // Nobody knows which: all of them.
        ("FROM $BASE\n", json!({"https://index.docker.io/v1/": hub, "db1:5000": db1, "other.example": other})),
    ] {
        let (mut found, done) = sent(dockerfile, "");
        done.expect("built");
        for (registry, key) in found.as_object_mut().into_iter().flatten() {
            assert_eq!(key["serveraddress"], registry.as_str());
            *key = json!([key["username"], key["password"]]);
        }
        assert_eq!(found, wanted, "{dockerfile}");
    }
}

#[test]
fn a_base_that_is_kept_from_us_says_what_to_do() {
    let denied = "pull access denied for broken.example/app, repository does not exist or may require 'docker login'";
    let (_, done) = sent("FROM broken.example/app\n", denied);
    let error = done.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(error.message(), format!("Step 1/1 : FROM broken.example/app: {denied}"));
    assert!(error.next_step().is_some_and(|hint| hint.contains("`docker login broken.example`")), "{error:?}");
    let (_, done) = sent("RUN echo denied: no\n", "denied: no");
    assert_eq!(done.expect_err("refused").kind(), ErrorKind::Docker);
}
