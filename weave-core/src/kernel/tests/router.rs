//! What a classic router needs: its pair, offload, and steps of the engine among those of the kernel.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use serde_json::json;

use super::lab::{Container, Lab, bridge, link, run};
use crate::docker::fake::{FakeEngine, Reply};
use crate::host::{OnError, Outcome};
use crate::observed::{Mark, RouterPortMark, Scope};
use crate::plan::container::ContainerStep;
use crate::plan::{ControlStep, NewRouterPair, Place, Step, undo};
use crate::{ErrorKind, Progress};

fn pair() -> Step {
    Step::CreateRouterPair(Box::new(NewRouterPair {
        bridge_end: "vethwe-bridge".into(),
        router_end: "vethwe-pcap".into(),
        bridge: "weave".into(),
        mtu: 1400,
        mark: Mark::RouterPort(mark()),
    }))
}

fn mark() -> RouterPortMark {
    RouterPortMark { container: "weave".into(), control: 6784, port: 6783 }
}

fn up(link: &str) -> Step {
    Step::SetUp { place: Place::Host, link: link.into(), up: true }
}

fn offload(place: Place, link: &str, on: bool) -> Step {
    Step::SetOffload { place, link: link.into(), on, before: !on }
}

/// What `ethtool -k` says of a link in the namespace of the calling thread.
fn shown(link: &str, feature: &str) -> String {
    let output = Command::new("ethtool").args(["-k", link]).output().expect("ethtool is installed");
    let text = String::from_utf8(output.stdout).expect("text");
    let line = text.lines().find_map(|line| line.trim().strip_prefix(feature)?.strip_prefix(": "));
    // Behind it may stand what was asked for.
    let word = line.and_then(|line| line.split(' ').next());
    word.unwrap_or_else(|| panic!("no {feature} in {text}")).to_owned()
}

#[test]
fn the_pair_to_a_router_is_made_on_the_bridge_and_undone() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    lab.done(&[Step::CreateVeth(Box::new(container.veth("vethwe1")))]);
    let scope = Scope { targets: vec![container.name()], offload: true, ..Scope::default() };
    let before = lab.look(&scope);
    assert_eq!((before.router_port(), before.link("vethwe1").and_then(|link| link.tx_checksum)), (None, None));
    let steps = [
        up("weave"),
        pair(),
        offload(Place::Host, "vethwe-bridge", false),
        offload(container.place(), "ethwe", false),
        // Behind a step in a container: the thread has to come back.
        offload(Place::Host, "vethwe-pcap", false),
        up("vethwe-bridge"),
        up("vethwe-pcap"),
    ];
    lab.done(&steps);

    let port = link("vethwe-bridge").expect("the port");
    assert_eq!((&port["master"], &port["mtu"], &port["link"]), (&json!("weave"), &json!(1400), &json!("vethwe-pcap")));
    assert_eq!(port["ifalias"], "weave:router kind=image container=weave control=6784 port=6783");
    assert_eq!(
        (&port["operstate"], &port["linkinfo"]["info_slave_data"]["state"]),
        (&json!("UP"), &json!("forwarding"))
    );
    let other = link("vethwe-pcap").expect("the router's end");
    assert_eq!((&other["operstate"], &other["mtu"], other.get("master")), (&json!("UP"), &json!(1400), None));
    assert_eq!((other.get("ifalias"), &other["linkinfo"]["info_kind"]), (None, &json!("veth")));
    let features = |link: &str| [shown(link, "tx-checksumming"), shown(link, "tx-tcp-segmentation")];
    let off = ["off".to_owned(), "off".to_owned()];
    assert_eq!((features("vethwe-bridge"), features("vethwe-pcap")), (off.clone(), off.clone()));
    assert_eq!((container.inside(|| features("ethwe")), shown("vethwe1", "tx-checksumming").as_str()), (off, "on"));

    let seen = lab.look(&scope);
    let (port, marked) = seen.router_port().expect("the port");
    assert_eq!((&*port.name, marked, port.tx_checksum), ("vethwe-bridge", mark(), Some(false)));
    let other = seen.other_end(port).expect("the router's end");
    assert_eq!((&*other.name, other.tx_checksum), ("vethwe-pcap", Some(false)));
    let inner = seen.targets[&container.name()].clone();
    let crate::observed::Target::Found(net) = inner else { panic!("{inner:?}") };
    assert_eq!(net.link("ethwe").map(|link| link.tx_checksum), Some(Some(false)));
    // Where the port is, it matters to everybody.
    let plain = lab.look(&Scope { offload: false, ..scope.clone() });
    assert_eq!(plain.router_port().map(|(port, _)| port.tx_checksum), Some(Some(false)));

    // Removed and back again, as it was.
    let away = Step::DeleteLink { link: "vethwe-bridge".into() };
    lab.done(std::slice::from_ref(&away));
    assert_eq!((link("vethwe-bridge"), link("vethwe-pcap")), (None, None));
    lab.done(&undo(&[&away], &seen));
    let again = lab.look(&scope);
    let tell = |observed: &crate::observed::Observed| {
        let (port, mark) = observed.router_port().expect("the port");
        let other = observed.other_end(port).expect("the router's end");
        [port, other].map(|end| {
            let set = (end.ipv6_disabled, end.accept_ra, end.tx_checksum);
            (end.name.clone(), end.mtu, end.up, end.master, end.alias.clone(), set, mark.clone())
        })
    };
    assert_eq!(tell(&again), tell(&seen));

    lab.done(&undo(&steps.iter().collect::<Vec<_>>(), &before));
    assert_eq!((link("vethwe-bridge"), link("vethwe-pcap")), (None, None));
    assert_eq!(container.inside(|| features("ethwe")), ["on", "on"]);
}

#[test]
fn a_pair_that_cannot_be_made_leaves_nothing() {
    let lab = Lab::with_bridge(&[]);
    run("ip link add vethwe-pcap type bridge");
    let error = lab.failed(pair());
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Conflict, "vethwe-bridge"));
    assert_eq!(link("vethwe-bridge"), None);
    run("ip link delete vethwe-pcap");
    let mark = Mark::RouterPort(RouterPortMark { container: "n".repeat(300), ..mark() });
    let Step::CreateRouterPair(mut new) = pair() else { panic!("a pair") };
    new.mark = mark;
    let error = lab.failed(Step::CreateRouterPair(new));
    assert!(error.to_string().contains("write its alias"), "{error}");
    assert_eq!((link("vethwe-bridge"), link("vethwe-pcap")), (None, None));
}

#[test]
fn a_kernel_that_does_not_switch_offload_says_so() {
    let lab = Lab::with_bridge(&[]);
    let error = lab.failed(offload(Place::Host, "gone", false));
    assert_eq!((error.subject(), error.raw_errno()), ("gone", Some(nix::libc::ENODEV)));
    assert!(error.message().starts_with("ethtool -K gone tx off: "), "{error}");
    // Nobody can switch that of the loopback.
    let error = lab.failed(offload(Place::Host, "lo", false));
    assert_eq!((error.subject(), error.raw_errno()), ("lo", Some(nix::libc::EOPNOTSUPP)));
    assert!(error.next_step().is_some_and(|hint| hint.contains("classic router")), "{error:?}");
    let error = lab.failed(offload(Place::Host, &"n".repeat(40), false));
    assert_eq!(error.raw_errno(), Some(nix::libc::ENODEV));
}

/// An engine that refuses to start `bad`.
fn engine() -> FakeEngine {
    FakeEngine::speaking(24, 48, |path| match path {
        "_ping" => Reply::Json(200, "OK".into()),
        path if path.contains("/bad/") => Reply::Json(500, r#"{"message":"no such luck"}"#.into()),
        _ => Reply::Raw(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
    })
}

fn start(name: &str) -> Step {
    Step::Engine(Box::new(ContainerStep::Start { name: name.into() }))
}

#[test]
fn steps_of_the_engine_come_in_their_turn() {
    let fake = engine();
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = std::sync::Arc::clone(&told);
    let socket = format!("unix://{}", fake.socket().display());
    let lab = Lab::talking_to(
        &socket,
        std::sync::Arc::new(move |news: &Progress| {
            listener.lock().expect("the list").push(news.clone());
        }),
    );
    lab.done(&[bridge()]);
    // The numbers of links that are known now are wrong once the bridge was made anew.
    lab.look(&Scope::default());
    told.lock().expect("the list").clear();
    let steps =
        [Step::DeleteLink { link: "weave".into() }, bridge(), start("one"), pair(), start("two"), start("three")];
    lab.done(&steps);
    assert_eq!(link("vethwe-bridge").expect("the port")["master"], "weave");
    let started: Vec<String> = fake.paths().into_iter().filter(|path| path.ends_with("/start")).collect();
    assert_eq!(started, ["one", "two", "three"].map(|name| format!("/v1.48/containers/{name}/start")));
    let told: Vec<String> = told
        .lock()
        .expect("the list")
        .iter()
        .map(|news| match news {
            Progress::Steps { done, total } => format!("{done}/{total}"),
            Progress::Begins(_) => "begins".to_owned(),
            Progress::Ends(_) => "ends".to_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    let expected = ["1/6", "2/6", "begins", "ends", "3/6", "4/6", "begins", "ends", "5/6", "begins", "ends", "6/6"];
    assert_eq!(told, expected);
}

#[test]
fn the_engine_refuses_a_step_as_the_kernel_does() {
    let fake = engine();
    let lab = Lab::talking_to(&format!("unix://{}", fake.socket().display()), std::sync::Arc::new(|_: &Progress| ()));
    let short = |outcomes: Vec<Outcome>| -> Vec<String> {
        let word = |outcome| match outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Failed(error) => format!("{:?}", error.kind()),
            Outcome::Skipped => "skipped".to_owned(),
        };
        outcomes.into_iter().map(word).collect()
    };
    let steps = [bridge(), start("bad"), pair(), start("good"), up("vethwe-bridge")];
    assert_eq!(short(lab.execute(&steps, OnError::Stop)), ["done", "Docker", "skipped", "skipped", "skipped"]);
    assert_eq!((link("vethwe-bridge"), fake.paths().iter().any(|path| path.contains("good"))), (None, false));
    let steps = &steps[1..];
    assert_eq!(short(lab.execute(steps, OnError::Continue)), ["Docker", "done", "done", "done"]);
    let steps = [pair(), start("good"), up("vethwe-bridge")];
    assert_eq!(short(lab.execute(&steps, OnError::Stop)), ["Conflict", "skipped", "skipped"]);
    assert_eq!(short(lab.execute(&steps, OnError::Continue)), ["Conflict", "done", "done"]);
    assert_eq!(short(lab.execute(&[], OnError::Stop)), [""; 0]);
}

/// A router on 127.0.0.1 in the namespace of the calling thread that answers each request by `answer`, and tells what it
/// was asked. Its thread ends after `count` requests.
fn router(count: usize, answer: fn(&str) -> &'static str) -> (u16, thread::JoinHandle<Vec<String>>) {
    run("ip link set lo up");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let serve = move || {
        let mut asked = Vec::new();
        for stream in listener.incoming().take(count) {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let (mut first, mut length) = (String::new(), 0);
            stream.read_line(&mut first).expect("a request");
            for line in stream.by_ref().lines().map(|line| line.expect("a header")).take_while(|line| !line.is_empty())
            {
                let value = line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned);
                length = value.map_or(length, |value| value.parse().expect("a length"));
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).expect("a body");
            let line = first.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
            let said = format!("HTTP/1.1 {}\r\nConnection: close\r\n\r\n", answer(&line));
            stream.get_mut().write_all(said.as_bytes()).expect("an answer");
            asked.push(format!("{line} {}", String::from_utf8(body).expect("text")).trim_end().to_owned());
        }
        asked
    };
    (port, thread::spawn(serve))
}

fn control(step: ControlStep) -> Step {
    Step::Control(Box::new(step))
}

#[test]
fn a_router_is_asked_in_the_namespace_of_the_host() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    lab.done(&[Step::CreateVeth(Box::new(container.veth("vethwe1")))]);
    let (control, asked) = router(6, |line| match line.starts_with("DELETE") {
        true => "204 No Content",
        false => "200 OK",
    });
    let (id, address) = ("f00d".to_owned(), "10.32.0.1/12".parse().expect("address"));
    let peers = vec!["192.0.2.2".to_owned(), "host 3".to_owned()];
    lab.done(&[
        self::control(ControlStep::Ready { control }),
        // The thread is elsewhere afterwards.
        Step::SetUp { place: container.place(), link: "ethwe".into(), up: true },
        self::control(ControlStep::Connect { control, peers: peers.clone() }),
        self::control(ControlStep::Claim { control, id: id.clone(), address, insist: true }),
        self::control(ControlStep::Release { control, id, address }),
        self::control(ControlStep::Forget { control, peers }),
    ]);
    assert_eq!(
        asked.join().expect("the router"),
        [
            "GET /status",
            "POST /connect peer=192.0.2.2&peer=host%203",
            // Whether anybody has divided the range.
            "GET /report",
            "PUT /ip/f00d/10.32.0.1/12",
            "DELETE /ip/f00d/10.32.0.1",
            "POST /forget peer=192.0.2.2&peer=host%203",
        ]
    );
}

#[test]
fn a_router_that_refuses_a_peer_keeps_none_of_them() {
    let lab = Lab::new();
    let (control, asked) = router(2, |line| match line.ends_with("/connect") {
        true => "400 Bad Request",
        false => "200 OK",
    });
    let step = ControlStep::Connect { control, peers: vec!["192.0.2.2".into(), "nobody".into()] };
    let steps = [self::control(step.clone()), bridge()];
    let outcomes = lab.execute(&steps, OnError::Stop);
    assert!(matches!(&outcomes[..], [Outcome::Failed(_), Outcome::Skipped]), "{outcomes:?}");
    let asked = asked.join().expect("the router");
    assert_eq!(asked, ["POST /connect peer=192.0.2.2&peer=nobody", "POST /forget peer=192.0.2.2&peer=nobody"]);
    // Nobody listens any more: nothing was done, so nothing is left.
    let error = lab.failed(self::control(step));
    assert_eq!((error.kind(), error.raw_errno()), (ErrorKind::Router, Some(nix::libc::ECONNREFUSED)));
    assert!(error.what_is_left().is_empty(), "{error:?}");
    assert_eq!(link("weave"), None);
}
