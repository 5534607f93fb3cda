//! Builds by an engine that is none: what is sent to it, and what becomes of its answers.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{Engine, Progress, Request};
use crate::docker::context::{Context, Dockerfile};
use crate::{ErrorKind, Result, blocking};

/// An engine that serves one request: its first line goes to whoever waits, the rest is for `serve`.
fn engine(directory: &Path, serve: impl FnOnce(BufReader<UnixStream>) + Send + 'static) -> (Engine, Receiver<String>) {
    let socket = directory.join("d.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let (give, first) = channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().expect("a connection").0);
        let mut line = String::new();
        reader.read_line(&mut line).expect("a request");
        give.send(line).expect("somebody waits");
        while reader.read_line(&mut String::new()).is_ok_and(|read| read > 2) {}
        serve(reader);
    });
    (Engine::connect(Some(&format!("unix://{}", socket.display()))).expect("an engine"), first)
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
    let tell = |progress| told.lock().expect("a list").push(progress);
    let request = Request {
        tag: "app:1".to_owned(),
        args: [("A".to_owned(), "b c".to_owned())].into(),
        target: "web".to_owned(),
        platform: "linux/arm64".to_owned(),
        pull: true,
        no_cache: true,
        ..Request::default()
    };
    let done = blocking::run(engine.build(request, context, tell));
    (done, told.lock().expect("a list").clone())
}

#[test]
fn a_build_sends_everything_and_tells_of_its_steps() {
    let (sockets, (directory, context)) = (tempfile::tempdir().expect("a directory"), context(1 << 20));
    let hash = context.hash.to_string();
    let (engine, first) = engine(sockets.path(), |mut reader| {
        // Silent for long enough to tell how much was sent.
        thread::sleep(Duration::from_millis(500));
        let length = body(&mut reader).expect("the whole body");
        assert!(length > 1 << 20, "only {length} bytes");
        let lines = ["Step 1/2 : FROM scratch\\n", "Step 2/2 : LABEL a\\n[Warning] old\\n", "Successfully built 0\\n"];
        answer(&mut reader, 200, &lines.map(|line| format!("{{\"stream\":\"{line}\"}}\r\n")).concat());
    });
    let (done, told) = build(&engine, context);
    assert_eq!(done.expect("built"), ["old"]);
    assert!(matches!(told[0], Progress::Sent(sent, whole) if sent <= whole && whole > 1 << 20), "{told:?}");
    assert!(told.ends_with(&[Progress::Steps(0, 2), Progress::Steps(1, 2)]), "{told:?}");
    let line = first.recv().expect("a request");
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
        assert!(line.contains(word), "{word} is missing: {line}");
    }
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
