//! The main job, shown on one machine: two Docker hosts, one network for their containers, and away with it again.
//!
//! Each host is a network namespace with an engine of its own, so the machine itself stays as it is. `make demo` builds
//! and runs it. Every line of output that begins with `|` was printed by the command above it.

#![allow(clippy::print_stdout, reason = "a demo is there to print")]

#[path = "../weave-core/tests/support/lab/mod.rs"]
mod lab;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lab::{Container, DockerOptions, ETHERTYPE_TEST, Host, HostOptions, Lab, Netns, Snapshot, Sniffer, assert_same};

const DB: &str = "10.2.1.1";
const WEB: &str = "10.2.1.2";

fn main() {
    let lab = Lab::new().with_weave(weave());
    title("Three hosts, each with its own Docker engine; two of them are to share a network");
    let hosts: Vec<Host> = (0..3).map(|_| lab.add_host(HostOptions::default())).collect();
    std::thread::scope(|scope| {
        for host in &hosts {
            scope.spawn(|| host.start_docker(&DockerOptions::default()));
        }
    });
    let [one, two, stranger] = &hosts[..] else { unreachable!("three hosts were made") };
    say(&format!("one has {}, two has {}, the stranger has {}", one.v4(), two.v4(), stranger.v4()));

    title("A container on each, started by `docker run` as ever");
    let db = docker_run(one, "one", "db");
    let web = docker_run(two, "two", "web");
    check("they cannot reach each other", !ping(&web, DB));
    let places = [one.netns().clone(), two.netns().clone(), db.netns(), web.netns()];
    let before = settled(&places);

    join(one, two, &db, &web);
    say_again(one);
    keep_out(stranger, one, &db);
    clean_up(&hosts, &places, &before);
    println!("\nThat was it: the machine is as it was.");
}

fn join(one: &Host, two: &Host, db: &Container, web: &Container) {
    title("One document for each host, and `weave apply`");
    document(one, "one", &host_document(one, two, "db", DB));
    document(two, "two", &host_document(one, two, "web", WEB));
    weave_on(one, "one", &["preflight"], 0);
    weave_on(one, "one", &["apply", "host.yaml"], 0);
    weave_on(two, "two", &["apply", "host.yaml"], 0);
    check("web reaches db across the hosts", web.netns().await_ping(address(DB)));
    check("db reaches web", db.netns().await_ping(address(WEB)));
    let mtu = 1450;
    check(
        &format!("packets of {mtu} bytes pass whole (don't-fragment set)"),
        web.netns().ping_sized(address(DB), mtu, true),
    );
    check("and one byte more does not fit", !web.netns().ping_sized(address(DB), mtu + 1, true));
    weave_on(one, "one", &["ps"], 0);
    weave_on(one, "one", &["status"], 0);
}

fn say_again(one: &Host) {
    title("Again: nothing to do");
    weave_on(one, "one", &["--detailed-exitcodes", "apply", "host.yaml"], 0);
    title("A second address in the document: first only asked what would be done");
    let text = std::fs::read_to_string(one.dir().join("host.yaml")).expect("the document that was just written");
    document(one, "one", &text.replace("[10.2.1.1/24]", "[10.2.1.1/24, 10.2.1.3/24]"));
    weave_on(one, "one", &["--check", "--diff", "--detailed-exitcodes", "apply", "host.yaml"], 2);
}

/// A host that nobody listed as a peer, with the same settings and every intention to join.
fn keep_out(stranger: &Host, one: &Host, db: &Container) {
    title("A stranger who knows everything but is nobody's peer");
    let spy = docker_run(stranger, "stranger", "spy");
    weave_on(stranger, "stranger", &["launch", &one.v4().to_string()], 0);
    weave_on(stranger, "stranger", &["attach", "10.2.1.66/24", "spy"], 0);
    check("its container cannot reach db", !ping(&spy, DB));
    let sniffer = Sniffer::start(&db.netns());
    let marker = b"a frame that was forged by the stranger";
    let frame = lab::ethernet(lab::BROADCAST, [0x0a, 0x57, 10, 2, 1, 66], ETHERTYPE_TEST, marker);
    lab::send_vxlan(stranger.netns(), (IpAddr::from(one.v4()), 6783).into(), 6783, &frame);
    check("nor does a forged frame arrive at db", sniffer.find(marker, Duration::from_millis(500)).is_none());
}

fn clean_up(hosts: &[Host], places: &[Netns], before: &[Snapshot]) {
    title("And away with it");
    let names = ["one", "two", "stranger"];
    for (host, name) in hosts.iter().zip(names) {
        weave_on(host, name, &["reset"], 0);
    }
    for (before, place) in before.iter().zip(places) {
        assert_same(before, &Snapshot::of(place));
    }
    say("links, addresses, routes, forwarding entries, nft, iptables and sysctls are as they were, inside and out");
    weave_on(&hosts[0], "one", &["--detailed-exitcodes", "reset"], 0);
}

/// The state of `places`, once the kernel has nothing more to do for the containers that were just started.
fn settled(places: &[Netns]) -> Vec<Snapshot> {
    let look = || places.iter().map(Snapshot::of).collect::<Vec<_>>();
    let mut last = look();
    for _ in 0..30 {
        std::thread::sleep(Duration::from_secs(2));
        let now = look();
        if now == last {
            return now;
        }
        last = now;
    }
    panic!("the hosts do not settle after their containers were started");
}

fn host_document(one: &Host, two: &Host, container: &str, ip: &str) -> String {
    format!(
        "# All hosts can have the same list of peers: a host leaves itself out.\n\
         peers: [{}, {}]\ncontainers:\n  {container}:\n    ips: [{ip}/24]\n",
        one.v4(),
        two.v4()
    )
}

fn document(host: &Host, name: &str, text: &str) {
    std::fs::write(host.dir().join("host.yaml"), text).expect("a file in the lab's directory");
    println!("\n{name}$ cat host.yaml");
    quote(text);
}

fn docker_run(host: &Host, name: &str, container: &str) -> Container {
    println!("\n{name}$ docker run -d --name {container} {} sleep 1000000", lab::IMAGE);
    host.run_container(container, &[])
}

fn weave_on(host: &Host, name: &str, args: &[&str], code: i32) {
    println!("\n{name}$ weave {}", args.join(" "));
    let mut command = host.weave_command(args);
    let output = command.current_dir(host.dir()).output().expect("the weave command to start");
    quote(&String::from_utf8_lossy(&output.stdout));
    quote(&String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "`weave {}` ended with {}", args.join(" "), output.status);
}

fn ping(from: &Container, to: &str) -> bool {
    from.netns().ping(address(to))
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The command that was built beside this example.
fn weave() -> PathBuf {
    let demo = std::env::current_exe().expect("a path to this program");
    let dir = demo.parent().and_then(|examples| examples.parent()).expect("a target directory");
    let weave = dir.join("weave");
    assert!(weave.exists(), "{} is missing: run `make demo`, which builds it", weave.display());
    weave
}

fn title(text: &str) {
    println!("\n== {text}");
}

fn say(text: &str) {
    println!("   {text}");
}

fn check(what: &str, holds: bool) {
    assert!(holds, "it does not hold: {what}");
    println!("   ok: {what}");
}

fn quote(text: &str) {
    for line in text.lines() {
        println!("| {line}");
    }
}
