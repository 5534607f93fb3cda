//! What a person sees while weave works, at a terminal that is none, and what a pipe gets.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use serde_json::{Value, json};

use super::{Host, Lab, WEAVE, write};
use crate::lab::{DockerOptions, HostOptions, IMAGE};

/// What was seen on the terminal, and what came out of the pipe that is stdout.
fn at_a_terminal(command: &mut Command) -> (String, String) {
    let size = Winsize { ws_row: 24, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).expect("a terminal");
    let seen = read(pty.master);
    command.env("TERM", "xterm").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(pty.slave);
    let done = command.spawn().and_then(std::process::Child::wait_with_output).expect("weave to run");
    // The command holds the other end of the terminal, too.
    command.stderr(Stdio::null());
    (seen.join().expect("a reader"), String::from_utf8(done.stdout).expect("UTF-8"))
}

/// Reads until nobody is at the other end.
fn read(master: OwnedFd) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let (mut master, mut seen, mut piece) = (File::from(master), Vec::new(), [0; 4096]);
        // A terminal that nobody holds any more is an error, not an end.
        while let Ok(read @ 1..) = master.read(&mut piece) {
            seen.extend_from_slice(&piece[..read]);
        }
        String::from_utf8_lossy(&seen).into_owned()
    })
}

/// What stands on the terminal in the end, below the last line that was wiped, without colours.
fn last(seen: &str) -> String {
    let rest = seen.rsplit("\u{1b}[2K").next().unwrap_or_default();
    ["\u{1b}[0m", "\u{1b}[1m"].iter().fold(rest.to_owned(), |text, colour| text.replace(colour, ""))
}

fn host(lab: &Lab) -> Host {
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    host.weave(&["launch", "192.0.2.2"]).must();
    host
}

fn document(host: &Host, from: u8, prefix: &str) -> String {
    let one = |number: u8| {
        format!(
            "  {prefix}{number}: {{ips: 10.2.1.{}/24, image: '{IMAGE}', command: sleep 1000000, options: --stop-signal=SIGKILL}}\n",
            from + number
        )
    };
    write(host, &format!("containers:\n{}", (0..8).map(one).collect::<String>()))
}

#[test]
fn containers_are_counted_on_a_terminal_and_nowhere_else() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = host(&lab);
    let first = document(&host, 1, "a");
    let (seen, out) = at_a_terminal(&mut host.weave_command(&["apply", &first]));
    assert!(seen.contains("/8 containers") && seen.contains("start a"), "{seen}");
    assert!(last(&seen).contains("Done: ") && !last(&seen).contains("/8"), "{seen}");
    assert!(!out.contains('\u{1b}') && !out.contains("/8"), "{out}");
    for (number, words) in [["-q", "apply"], ["--json", "apply"]].into_iter().enumerate() {
        let next = document(&host, 20 * (number as u8 + 1), ["b", "c"][number]);
        let (seen, _) = at_a_terminal(&mut host.weave_command(&[words[0], words[1], &next]));
        assert_eq!(seen, "", "{words:?}");
    }
    // Both of them pipes.
    let done = host.weave(&["apply", &document(&host, 100, "d")]);
    assert!(done.ok() && !done.stderr.contains('\u{1b}') && !done.stderr.contains("/8"), "{done}");
    assert!(done.stderr.contains("Done: "), "{done}");
}

#[test]
fn steps_of_a_build_are_counted_on_a_terminal() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = host(&lab);
    let context = host.dir().join("context");
    fs::create_dir_all(&context).expect("a directory");
    fs::write(context.join("Dockerfile"), format!("FROM {IMAGE}\nRUN sleep 5\n")).expect("a file");
    let args = ["build", "-t", "app:1", context.to_str().expect("a path in UTF-8")];
    let (seen, out) = at_a_terminal(&mut host.weave_command(&args));
    assert!(seen.contains("1/3 steps") && seen.contains("RUN sleep 5"), "{seen}");
    assert!(out.starts_with("sha256:") && out.lines().count() == 1, "{out}");
    assert!(last(&seen).contains("Done: "), "{seen}");
}

/// An engine that has nothing, and whose registry is slow.
fn slow_engine(host: &Host) -> String {
    let path = host.dir().join("slow.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(|| serve(stream.expect("a connection")));
        }
    });
    format!("unix://{}", path.display())
}

fn serve(stream: UnixStream) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let stream = reader.get_mut();
    // Whoever asks may be gone.
    let mut send = |text: &str| drop(stream.write_all(text.as_bytes()));
    let json = "Content-Type: application/json\r\nConnection: close\r\n";
    if head.contains("/_ping") || head.contains("/containers/json") {
        send(&format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 2\r\n\r\n[]"));
    } else if head.contains("/images/create") {
        send(&format!("HTTP/1.1 200 OK\r\n{json}\r\n"));
        let layer = |id: &str, status: &str, current: u64| json!({"id": id, "status": status, "progressDetail": {"current": current, "total": 40_000_000}});
        let mut lines = vec![layer("a", "Already exists", 0), layer("b", "Pulling fs layer", 0)];
        lines.extend((1..=10).map(|part| layer("b", "Downloading", part * 4_000_000)));
        lines.push(json!({"error": "no space left", "errorDetail": {"message": "no space left"}}));
        for (number, line) in lines.iter().enumerate() {
            send(&format!("{line}\r\n"));
            // The last but one of the parts stands long enough to be drawn for sure.
            thread::sleep(Duration::from_millis(if number == 10 { 5000 } else { 150 }));
        }
    } else {
        let body = json!({"message": "No such container or image"}).to_string();
        send(&format!("HTTP/1.1 404 Not Found\r\n{json}Content-Length: {}\r\n\r\n{body}", body.len()));
    }
}

#[test]
fn bytes_of_an_image_are_counted_on_a_terminal() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.weave(&["launch", "192.0.2.2"]).must();
    let engine = slow_engine(&host);
    let args = ["run", "10.2.1.4/24", "--name", "web", "db1:5000/app:1"];
    let (seen, _) = at_a_terminal(host.weave_command(&args).env("DOCKER_HOST", &engine));
    for words in ["0/1 containers", "36.00 MB/40.00 MB", "db1:5000/app:1: 1 of 2 layers"] {
        assert!(seen.contains(words), "no {words}: {seen}");
    }
    assert!(last(&seen).contains("no space left"), "{seen}");
    // Both of them pipes, and for machines.
    let mut command = host.weave_command(&[&["--json"], &args[..]].concat());
    let done = command.env("DOCKER_HOST", &engine).stdin(Stdio::null()).output().expect("weave to run");
    let told: Value = serde_json::from_slice(&done.stdout).expect("one object");
    assert_eq!((&told["failed"], String::from_utf8_lossy(&done.stderr).as_ref()), (&true.into(), ""), "{told:#}");
}
