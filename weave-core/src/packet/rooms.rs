//! Network namespaces for tests: each is a thread that does what it is told inside.

use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use nix::sched::{CloneFlags, unshare};

type Job = Box<dyn FnOnce() + Send>;

/// A network namespace; it is gone when this is dropped.
pub(super) struct Room {
    thread: i32,
    jobs: Sender<Job>,
}

impl Room {
    /// A new namespace with its loopback up.
    pub(super) fn new() -> Self {
        let (jobs, inbox) = channel::<Job>();
        let (sender, thread) = channel();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root: unshare a network namespace");
            sender.send(nix::unistd::gettid().as_raw()).expect("somebody waits for the thread");
            inbox.into_iter().for_each(|job| job());
        });
        let room = Self { thread: thread.recv().expect("these tests need root"), jobs };
        room.ip("link set lo up");
        room
    }

    /// Does `job` inside and waits for what it says.
    pub(super) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, answer) = channel();
        self.jobs.send(Box::new(move || drop(sender.send(job())))).expect("the room stands");
        answer.recv().expect("the job did not panic")
    }

    /// Runs a program inside; it must succeed. Its output.
    pub(super) fn sh(&self, line: &str) -> String {
        let line = line.to_owned();
        self.run(move || {
            let done = Command::new("sh").args(["-ec", &line]).output().expect("a shell");
            assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
            String::from_utf8(done.stdout).expect("text")
        })
    }

    /// `ip …` inside.
    pub(super) fn ip(&self, arguments: &str) -> String {
        self.sh(&format!("ip {arguments}"))
    }

    /// Number of a link inside.
    pub(super) fn ifindex(&self, link: &'static str) -> u32 {
        self.run(move || nix::net::if_::if_nametoindex(link).expect("the link"))
    }

    /// A room that is joined by `ethwe` with this MAC to the bridge `weave` here.
    pub(super) fn container(&self, port: &str, mac: &str) -> Self {
        let container = Self::new();
        let peer = format!("ethwe address {mac} netns {}", container.thread);
        self.ip(&format!("link add {port} type veth peer name {peer}"));
        self.ip(&format!("link set {port} master weave up"));
        container.ip("link set ethwe up");
        // The port is enabled a moment after the link: else the first frame may be lost.
        for _ in 0..3000 {
            if self.sh(&format!("bridge link show dev {port}")).contains("state forwarding") {
                return container;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{port} does not forward");
    }
}
