//! What is refused leaves nothing behind.

use super::lab::{Container, Lab, bridge, link, run, shown, vxlan};
use crate::ErrorKind;
use crate::host::{OnError, Outcome};
use crate::observed::{AttachmentMark, Flood, Mark};
use crate::plan::{Place, Step};

#[test]
fn a_foreign_link_of_the_same_name_is_not_marked() {
    let lab = Lab::new();
    run("ip link add weave type bridge");
    let error = lab.failed(bridge());
    assert_eq!((error.kind(), error.raw_errno()), (ErrorKind::Conflict, Some(nix::libc::EEXIST)));
    assert!(error.to_string().starts_with("weave: ip link add weave address"), "{error}");
    assert_eq!(link("weave").expect("the foreign bridge").get("ifalias"), None);
}

#[test]
fn an_interface_of_the_same_name_in_the_container_leaves_no_host_end() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    container.inside(|| run("ip link add ethwe type bridge"));
    assert_eq!(lab.failed(Step::CreateVeth(Box::new(container.veth("vethwe1")))).kind(), ErrorKind::Conflict);
    assert_eq!(link("vethwe1"), None);
}

#[test]
fn a_link_that_cannot_be_marked_is_not_left() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    let mut new = container.veth("vethwe1");
    new.mark = Mark::Attachment(AttachmentMark {
        mtu: None,
        inode: 1,
        pid: 1,
        interface: "x".repeat(300).into(),
        id: String::new(),
        name: String::new(),
    });
    let error = lab.failed(Step::CreateVeth(Box::new(new)));
    assert!(error.to_string().contains("write its alias"), "{error}");
    assert_eq!((link("vethwe1"), container.inside(|| link("ethwe"))), (None, None));
}

#[test]
fn the_longest_mark_fits() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    let mut new = container.veth("vethwe1");
    let mark = AttachmentMark {
        mtu: None,
        inode: u64::MAX,
        pid: u32::MAX,
        interface: "x".repeat(15).into(),
        id: String::new(),
        name: "n"
            .repeat(255 - "weave:attachment netns=18446744073709551615 pid=4294967295 interface= name=".len() - 15),
    };
    new.mark = Mark::Attachment(mark);
    assert_eq!(new.mark.to_string().len(), 255);
    lab.done(&[Step::CreateVeth(Box::new(new.clone()))]);
    assert_eq!(link("vethwe1").expect("the host end")["ifalias"], new.mark.to_string());
}

#[test]
fn of_a_flood_list_all_or_none_is_added() {
    let lab = Lab::new();
    lab.done(&[bridge(), vxlan("192.0.2.1")]);
    let mut peers: Vec<Flood> =
        (0..1500u32).map(|n| Flood { address: std::net::Ipv4Addr::from(0x0a00_0001 + n).into(), port: None }).collect();
    // The device is for IPv4.
    peers.push(Flood { address: "2001:db8::1".parse().expect("address"), port: None });
    let error = lab.failed(Step::AddFlood { link: "vxlan-6783".into(), peers: peers.clone() });
    assert!(error.subject().contains("2001:db8::1"), "{error}");
    let entries = || {
        let entries = shown("bridge -j fdb show dev vxlan-6783");
        entries.iter().filter(|entry| entry["mac"] == "00:00:00:00:00:00").count()
    };
    assert_eq!(entries(), 0);
    peers.pop();
    lab.done(&[Step::AddFlood { link: "vxlan-6783".into(), peers: peers.clone() }]);
    assert_eq!(entries(), 1500);
    lab.done(&[Step::DeleteFlood { link: "vxlan-6783".into(), peers }]);
    assert_eq!(entries(), 0);
}

#[test]
fn a_group_with_links_of_others_is_not_deleted() {
    let lab = Lab::with_bridge(&[]);
    run("ip link add a0 type veth peer name a1");
    run("ip link add b0 group 9 type veth peer name b1");
    let error = lab.failed(Step::DeleteLinks { links: vec!["a0".into()], group: 9 });
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Conflict, "b0"));
    assert!(link("a0").is_some_and(|link| link["group"] == "default"));
    assert_eq!(lab.failed(Step::DeleteLinks { links: vec!["a0".into()], group: 0 }).kind(), ErrorKind::Conflict);
}

#[test]
fn a_group_that_cannot_be_deleted_is_dissolved() {
    let lab = Lab::with_bridge(&[]);
    run("ip link add a0 group 5 type veth peer name a1");
    // The loopback is no link that can be deleted, and the kernel then deletes none.
    let error = lab.failed(Step::DeleteLinks { links: vec!["a0".into(), "lo".into()], group: 9 });
    assert_eq!(error.raw_errno(), Some(nix::libc::EOPNOTSUPP));
    assert_eq!(error.report().left, Vec::<String>::new());
    assert!(link("a0").is_some_and(|link| link["group"] == "5"), "{:?}", link("a0"));
}

#[test]
fn steps_behind_a_failure_are_skipped_or_tried() {
    let lab = Lab::new();
    let up = |link: &str| Step::SetUp { place: Place::Host, link: link.into(), up: true };
    let steps = [up("lo"), up("gone"), bridge()];
    let outcomes = lab.execute(&steps, OnError::Stop);
    assert!(matches!(outcomes.as_slice(), [Outcome::Done, Outcome::Failed(_), Outcome::Skipped]), "{outcomes:?}");
    assert_eq!(link("weave"), None);
    let outcomes = lab.execute(&steps, OnError::Continue);
    assert!(matches!(outcomes.as_slice(), [Outcome::Done, Outcome::Failed(_), Outcome::Done]), "{outcomes:?}");
}

#[test]
fn a_container_that_was_not_looked_at_is_not_entered() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[]);
    let error = lab.failed(Step::CreateVeth(Box::new(container.veth("vethwe1"))));
    assert_eq!((error.kind(), link("vethwe1")), (ErrorKind::NotFound, None));
    let up = Step::SetUp { place: container.place(), link: "lo".into(), up: true };
    assert_eq!(lab.failed(up).kind(), ErrorKind::NotFound);
}

#[test]
fn a_used_port_is_explained() {
    let lab = Lab::new();
    lab.done(&[bridge(), vxlan("192.0.2.1")]);
    run("ip link set lo up");
    let socket = std::net::UdpSocket::bind("0.0.0.0:6783").expect("a socket");
    let error = lab.failed(Step::SetUp { place: Place::Host, link: "vxlan-6783".into(), up: true });
    assert_eq!(error.raw_errno(), Some(nix::libc::EADDRINUSE));
    assert!(error.next_step().is_some_and(|hint| hint.contains("port")), "{error:?}");
    drop(socket);
    // A process that another test is just starting may hold it a moment longer.
    let up = || Step::SetUp { place: Place::Host, link: "vxlan-6783".into(), up: true };
    let held = |outcome: Option<&Outcome>| matches!(outcome, Some(Outcome::Failed(error)) if error.raw_errno() == Some(nix::libc::EADDRINUSE));
    for _ in 0..1000 {
        if !held(lab.execute(&[up()], OnError::Stop).first()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    lab.done(&[up()]);
}
