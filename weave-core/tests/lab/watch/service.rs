//! A watch as a service: signals, the word to the service manager, logs.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{METRICS, Site, Watching, ask, write};
use crate::lab::PATIENCE;

/// A service manager that listens.
struct Manager {
    path: String,
    heard: Receiver<String>,
}

impl Manager {
    fn new(site: &Site) -> Self {
        let path = site.host.dir().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            let mut room = [0; 4096];
            while let Ok(length) = socket.recv(&mut room) {
                let text = String::from_utf8_lossy(&room[..length]).into_owned();
                if tell.send(text).is_err() {
                    break;
                }
            }
        });
        Self { path: path.display().to_string(), heard }
    }

    /// Waits until it is told this; all that it was told until then.
    #[track_caller]
    fn await_word(&self, word: &str) -> Vec<String> {
        let (deadline, mut all) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let text = self.heard.recv_timeout(left).unwrap_or_else(|_| panic!("no {word} in {all:?}"));
            let found = text.lines().any(|line| line.starts_with(word));
            all.extend(text.lines().map(str::to_owned));
            if found {
                return all;
            }
        }
    }
}

fn command(site: &Site, args: &[&str]) -> Command {
    let path = write(&site.host, &site.document());
    let mut command = site.host.weave_command(&["watch", "--metrics", METRICS, &path]);
    command.args(args);
    command
}

#[test]
fn the_service_manager_is_told() {
    let site = Site::new();
    let manager = Manager::new(&site);
    let mut command = command(&site, &[]);
    command.env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "400000");
    let watching = Watching::of(&site.host, &mut command);
    let words = manager.await_word("READY=1");
    // The first convergence was before it.
    assert!(site.host.exec(&["ip", "link", "show", "dev", "weave"]).ok(), "{words:?}");
    manager.await_word("STATUS=");
    manager.await_word("WATCHDOG=1");
    manager.await_word("WATCHDOG=1");
    watching.signal(Signal::SIGHUP);
    let words = manager.await_word("RELOADING=1");
    let again = manager.await_word("READY=1");
    assert!(words.iter().chain(&again).any(|word| word.starts_with("MONOTONIC_USEC=")), "{words:?} {again:?}");
    // A document that is not taken is an answer, too.
    write(&site.host, "nonsense: true\n");
    watching.signal(Signal::SIGHUP);
    manager.await_word("RELOADING=1");
    manager.await_word("READY=1");
    watching.signal(Signal::SIGTERM);
    manager.await_word("STOPPING=1");
    assert_eq!(watching.end_of_itself(), 0);
}

impl Watching {
    #[track_caller]
    fn end_of_itself(mut self) -> i32 {
        self.child.wait().expect("a child").code().unwrap_or(128)
    }
}

#[test]
fn what_was_begun_is_done_before_the_end_and_what_waits_is_not() {
    let site = Site::new();
    let watching = Watching::document(&site.host, &site.document());
    watching.settle();
    let before = site.look();
    // While somebody else has the lock, it waits, and ends at once all the same.
    let lock = std::fs::File::options().write(true).open(site.host.run_dir().join("lock")).expect("the lock");
    let held = nix::fcntl::Flock::lock(lock, nix::fcntl::FlockArg::LockExclusive).expect("the lock");
    std::fs::write(site.host.run_dir().join("lock"), "1 attach 1\n").expect("a signature");
    site.host.sh("ip link set weave down").must();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(watching.end(), 0);
    drop(held);
    // Ended in the middle, it has done all or nothing.
    for after in [0, 5, 10, 20, 40] {
        let watching = Watching::document(&site.host, &site.document());
        watching.settle();
        assert_eq!(site.look(), before);
        site.host.sh("nft delete table inet weave; ip address delete 10.2.1.1/24 dev weave").must();
        std::thread::sleep(Duration::from_millis(20 + after));
        assert_eq!(watching.end(), 0);
        let path = write(&site.host, &site.document());
        let left = site.host.weave(&["--check", "--detailed-exitcodes", "apply", &path]);
        assert!(matches!(left.code, 0 | 2), "{left}");
    }
}

#[test]
fn an_image_that_comes_in_is_given_up_at_the_end() {
    let site = Site::new();
    let (engine, begun) = crate::verbs::endless_engine(&site.host);
    let document = site.document() + "  app: {ip: 10.2.1.9/24, image: 'db1:5000/app:1'}\n";
    let mut command = site.host.weave_command(&["watch", &write(&site.host, &document)]);
    let watching = Watching::of(&site.host, command.env("DOCKER_HOST", engine));
    begun.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no image is fetched: {error}\n{}", watching.log()));
    assert_eq!(watching.end(), 0);
    // All else is done.
    assert_eq!(super::addresses(&site.host, "weave"), "10.2.1.1/24");
}

#[test]
fn logs_are_lines_or_json() {
    let site = Site::new();
    let watching = Watching::of(&site.host, &mut command(&site, &["--log", "json"]));
    watching.await_count("weave_convergences_total", 1);
    let log = watching.log();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["fields"]["message"].is_string() && line["level"].is_string(), "{line}");
    }
    assert!(log.contains("network: changed"), "{log}");
    drop(watching);
    // To the journal in its own words, and to whoever else inherits the name of its stream as to anybody.
    for (inherited, mark) in [(false, '<'), (true, '2')] {
        let mut command = command(&site, &[]);
        // The file that the next watch writes into.
        let about = std::fs::metadata(site.host.dir().join("watch.log")).expect("a log");
        let stream = if inherited { "8:1".to_owned() } else { format!("{}:{}", about.dev(), about.ino()) };
        let watching = Watching::of(&site.host, command.env("JOURNAL_STREAM", stream));
        watching.await_count("weave_convergences_total", 1);
        assert!(watching.log().lines().all(|line| line.starts_with(mark)), "{}", watching.log());
    }
    let watching = Watching::of(&site.host, &mut command(&site, &[]));
    watching.await_count("weave_convergences_total", 1);
    // Asked for anything else, it says what there is.
    assert_eq!(ask(&site.host, "GET", "/metrics").0, 200);
    assert_eq!(ask(&site.host, "GET", "/").0, 404);
    assert_eq!(ask(&site.host, "POST", "/metrics").0, 405);
}

#[test]
fn the_network_alone_is_counted_by_its_ports() {
    let site = Site::new();
    let watching = Watching::document(&site.host, &site.document());
    watching.settle();
    assert_eq!((watching.count("weave_peers"), watching.count("weave_attachments")), (2, 2));
    let received = || watching.count("weave_port_receive_bytes_total");
    let before = received();
    site.web.exec(&["ping", "-c", "3", "-i", "0.2", "-q", "10.2.1.5"]).must();
    assert!(received() > before, "{}", watching.metrics());
    let own = format!("container=\"{}\",interface=\"ethwe\"", super::name(&site.web));
    assert!(watching.metrics().contains(&own), "{}", watching.metrics());
    // Others may be let in, and are warned of.
    drop(watching);
    let path = write(&site.host, &site.document());
    let open = Watching::of(&site.host, &mut site.host.weave_command(&["watch", "--metrics", "0.0.0.0:9100", &path]));
    open.await_log("metrics are for everybody");
    open.await_count("weave_convergences_total", 1);
}
