//! A gate before an engine: it counts what the engine is told to do, and at one of these orders weave is killed.
//!
//! What only asks (`GET`, `HEAD`) changes nothing and does not count. So every state that a kill can leave an engine in
//! is reached, each once, whatever the machine's speed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::lab::{Host, PATIENCE, wait_until};

/// When weave is killed, counted from the order at which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The engine never hears of it.
    Before,
    /// The engine has heard of it, and may be busy with it for a while.
    During,
    /// The engine has done it, and weave does not hear of that.
    After,
}

/// A gate before the engine of a host.
pub(super) struct Gate {
    path: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    engine: PathBuf,
    run: Mutex<Run>,
    closed: AtomicBool,
}

/// One run of weave.
#[derive(Default)]
struct Run {
    weave: Option<Child>,
    /// Orders until the one at which it is killed, and when.
    kill: Option<(usize, Moment)>,
    orders: Vec<String>,
}

impl Shared {
    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(&self) {
        if let Some(weave) = &mut self.run().weave {
            // It is not collected yet, so the number is its own.
            weave.kill().expect("a child to kill");
        }
    }

    /// Whether weave is to be killed at this order.
    fn passes(&self, line: &str) -> Option<Moment> {
        let mut run = self.run();
        run.orders.push(line.to_owned());
        match &mut run.kill {
            Some((0, moment)) => Some(*moment),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }
}

impl Gate {
    pub(super) fn new(host: &Host) -> Self {
        let path = host.dir().join("gate.sock");
        let engine = host.docker_host().trim_start_matches("unix://").into();
        let shared = Arc::new(Shared { engine, run: Mutex::default(), closed: AtomicBool::new(false) });
        let listener = UnixListener::bind(&path).expect("a socket");
        let inside = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if inside.closed.load(Ordering::SeqCst) {
                    return;
                }
                let inside = Arc::clone(&inside);
                thread::spawn(move || serve(client, &inside));
            }
        });
        Self { path, shared }
    }

    /// Runs weave and kills it at its order number `at`, counted from 0. The orders that it gave, the last of them being
    /// the one at which it was killed; `None` if it came to its end before.
    pub(super) fn kill(&self, host: &Host, args: &[&str], at: usize, moment: Moment) -> Option<Vec<String>> {
        let mut command = host.weave_command(args);
        command.env("DOCKER_HOST", format!("unix://{}", self.path.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        {
            let mut run = self.shared.run();
            let weave = Some(command.spawn().expect("weave to start"));
            *run = Run { weave, kill: Some((at, moment)), orders: Vec::new() };
        }
        let ended = wait_until(PATIENCE, || {
            let mut run = self.shared.run();
            let weave = run.weave.as_mut().expect("weave");
            weave.try_wait().expect("a child").is_some()
        });
        assert!(ended, "weave does not end: {:?}", self.shared.run().orders);
        let mut run = std::mem::take(&mut *self.shared.run());
        let status = run.weave.as_mut().expect("weave").wait().expect("a child");
        match status.code() {
            None => Some(run.orders),
            Some(code) => {
                assert_eq!(code, 0, "weave, which was not killed: {:?}", run.orders);
                None
            }
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.kill();
        // Wakes the listener; it may be gone already.
        let _ = UnixStream::connect(&self.path);
    }
}

/// Hands the requests of one connection to the engine, and its answers back.
fn serve(client: UnixStream, shared: &Arc<Shared>) {
    let Ok(mut engine) = UnixStream::connect(&shared.engine) else { return };
    let (Ok(mut back), Ok(mut answers)) = (client.try_clone(), engine.try_clone()) else { return };
    let deaf = Arc::new(AtomicBool::new(false));
    let (inside, is_deaf) = (Arc::clone(shared), Arc::clone(&deaf));
    let answering = thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(count @ 1..) = answers.read(&mut bytes) {
            if is_deaf.load(Ordering::SeqCst) {
                inside.kill();
                return;
            }
            if back.write_all(&bytes[..count]).is_err() {
                return;
            }
        }
        // The engine ends what it has no more to say on.
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut client = BufReader::new(client);
    while let Some((line, request)) = request(&mut client) {
        let moment = if line.starts_with("GET ") || line.starts_with("HEAD ") { None } else { shared.passes(&line) };
        match moment {
            Some(Moment::Before) => {
                shared.kill();
                break;
            }
            Some(Moment::After) => deaf.store(true, Ordering::SeqCst),
            Some(Moment::During) | None => {}
        }
        if engine.write_all(&request).is_err() {
            break;
        }
        if moment == Some(Moment::During) {
            shared.kill();
            break;
        }
    }
    if !deaf.load(Ordering::SeqCst) {
        // As the kernel does it for a program that is gone.
        let _ = engine.shutdown(Shutdown::Both);
    }
    let _ = answering.join();
    let _ = engine.shutdown(Shutdown::Both);
}

/// The next request of a connection: its first line, and all of it.
fn request(client: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if client.read_until(b'\n', &mut request).ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let field = |name: &str| {
        head.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    assert_eq!(field("transfer-encoding"), None, "a request whose length is not said: {head}");
    let length = field("content-length").map_or(0, |length| length.parse().expect("a length"));
    let from = request.len();
    request.resize(from + length, 0);
    client.read_exact(&mut request[from..]).ok()?;
    Some((head.lines().next().unwrap_or_default().to_owned(), request))
}
