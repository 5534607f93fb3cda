//! Ctrl-C: what takes long is given up, and what was begun is undone.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::classic_router::{host_with_engine, launch};
use super::{Scene, WEAVE};
use crate::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab, PATIENCE, wait_until};

/// Interrupts the command once `has_begun`: what it says, and its exit code.
fn interrupted(command: &mut Command, has_begun: impl FnMut() -> bool) -> (String, Option<i32>) {
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("weave to run");
    let begun = wait_until(PATIENCE, has_begun);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("weave to run");
    let out = child.wait_with_output().expect("output");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(begun, "it did not begin: {said}");
    (said, out.status.code())
}

#[test]
fn a_router_that_is_not_ready_is_not_waited_for() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = host_with_engine(&lab);
    let runs = || host.docker(&["inspect", "-f", "{{.State.Running}}", "weave"]).stdout.trim() == "true";
    let args = [&launch(&["192.0.2.2"])[..], &["--docker-options", "--env=ROUTER_MISBEHAVES=mute"]].concat();
    let (said, code) = Scene(vec![host.netns()]).untouched(|| interrupted(&mut host.weave_command(&args), runs));
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("interrupted: finishing or undoing") && !said.contains("within"), "{said}");
    assert!(!host.docker(&["inspect", "weave"]).ok(), "the container stays");
}

#[test]
fn a_build_is_given_up() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let context = host.dir().join("context");
    fs::create_dir_all(&context).expect("a directory");
    fs::write(context.join("Dockerfile"), format!("FROM {IMAGE}\nRUN sleep 1000\n")).expect("a file");
    let works = || !host.docker(&["ps", "-q"]).stdout.trim().is_empty();
    let args = ["build", "-t", "app:1", context.to_str().expect("a path in UTF-8")];
    let (said, code) = interrupted(&mut host.weave_command(&args), works);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("images.app:1: interrupted"), "{said}");
    assert!(!host.docker(&["image", "inspect", "app:1"]).ok());
    assert!(wait_until(PATIENCE, || !works()), "the engine goes on building");
}

/// An engine that begins to fetch an image and comes to no end with it; it tells when it begins.
pub(crate) fn endless_engine(host: &Host) -> (String, mpsc::Receiver<()>) {
    let path = host.dir().join("endless.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let (begins, begun) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let begins = begins.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.expect("a connection"));
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let stream = reader.get_mut();
                let json = "Content-Type: application/json\r\nConnection: close\r\n";
                let answer = if head.contains("/_ping") || head.contains("/containers/json") {
                    format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 2\r\n\r\n[]")
                } else if head.contains("/images/create") || head.contains("/events") {
                    format!("HTTP/1.1 200 OK\r\n{json}\r\n")
                } else {
                    format!("HTTP/1.1 404 Not Found\r\n{json}Content-Length: 16\r\n\r\n{{\"message\":\"no\"}}")
                };
                // Whoever asks may be gone.
                drop(stream.write_all(answer.as_bytes()));
                if head.contains("/images/create") {
                    let _ = begins.send(());
                }
                if head.contains("/images/create") || head.contains("/events") {
                    // Until the other side closes.
                    let _ = reader.read_line(&mut head);
                }
            });
        }
    });
    (format!("unix://{}", path.display()), begun)
}

#[test]
fn an_image_that_comes_in_is_given_up() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.weave(&["launch", "192.0.2.2"]).must();
    let (engine, begun) = endless_engine(&host);
    let args = ["run", "10.2.1.4/24", "--name", "web", "db1:5000/app:1"];
    let (said, code) = Scene(vec![host.netns()])
        .untouched(|| interrupted(host.weave_command(&args).env("DOCKER_HOST", &engine), || begun.try_recv().is_ok()));
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("db1:5000/app:1: interrupted"), "{said}");
}
