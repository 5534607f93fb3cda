//! Containers and namespaces, named and found.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sched::{CloneFlags, unshare};

use super::lab::{Container, Lab, run};
use crate::docker::Found;
use crate::kernel::targets::{Answer, Tour, Wanted};
use crate::netns::{NetNs, uptime};
use crate::observed::{Scope, Target, TargetNet, TargetProblem};
use crate::plan::{Place, Step};
use crate::spec::ContainerRef;

fn found<'a>(observed: &'a crate::observed::Observed, name: &ContainerRef) -> &'a TargetNet {
    match observed.targets.get(name) {
        Some(Target::Found(inside)) => inside,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn the_inside_of_a_namespace_is_seen() {
    let container = Container::new();
    let lab = Lab::with_bridge(&[&container]);
    let (place, link) = (container.place(), Arc::<str>::from("ethwe"));
    lab.done(&[
        Step::CreateVeth(Box::new(container.veth("vethwe1"))),
        Step::AddAddress { place: place.clone(), link: link.clone(), address: "10.2.1.4/24".parse().expect("cidr") },
        Step::AddAddress { place: place.clone(), link: link.clone(), address: "fd00::4/64".parse().expect("cidr") },
        Step::SetUp { place: place.clone(), link: link.clone(), up: true },
        Step::AddRoute { place, link, route: "224.0.0.0/4".parse().expect("route") },
    ]);
    let observed = lab.look(&Scope { targets: vec![container.name()], ..Scope::default() });
    let inside = found(&observed, &container.name());
    let ethwe = inside.link("ethwe").expect("the interface");
    let host_end = observed.link("vethwe1").expect("the host end");
    assert_eq!((inside.netns.inode, inside.pid, &inside.id), (container.inode(), 0, &None));
    assert_eq!((ethwe.up, ethwe.peer_index), (true, Some(host_end.index)));
    assert_eq!(host_end.peer_index, Some(ethwe.index));
    let addresses: Vec<String> = inside.addresses_of(ethwe.index).map(|address| address.to_string()).collect();
    assert_eq!(addresses, ["10.2.1.4/24", "fd00::4/64"]);
    assert!(inside.routes.iter().any(|route| route.to.to_string() == "224.0.0.0/4" && !route.by_kernel));
}

#[test]
fn what_cannot_be_entered_has_its_reason() {
    let lab = Lab::new();
    let path = |path: &str| ContainerRef::Netns(Path::new(path).into());
    let cases = [
        (path("/run/netns/none-of-this-name"), TargetProblem::Missing),
        (path("/inode/1"), TargetProblem::Missing),
        (path("/proc/version"), TargetProblem::NotNetns),
        (path("/proc/self/ns/uts"), TargetProblem::NotNetns),
        (ContainerRef::Pid(i32::MAX as u32), TargetProblem::Missing),
    ];
    let targets = cases.iter().map(|(name, _)| name.clone()).collect();
    let observed = lab.look(&Scope { targets, ..Scope::default() });
    for (name, problem) in cases {
        assert_eq!(observed.targets.get(&name), Some(&Target::Problem(problem)), "{name}");
    }
}

#[test]
fn the_hosts_own_namespace_is_refused() {
    let lab = Lab::new();
    let thread = std::fs::read_link("/proc/thread-self").expect("a thread");
    let here = ContainerRef::Netns(PathBuf::from("/proc").join(thread).join("ns/net").into());
    let observed = lab.look(&Scope { targets: vec![here.clone()], ..Scope::default() });
    assert_eq!(observed.targets.get(&here), Some(&Target::Problem(TargetProblem::HostNetwork)));
}

/// A process in a network namespace of its own; killed when it goes out of scope.
struct Process(std::process::Child);

impl Process {
    fn start() -> Self {
        let start = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
            std::process::Command::new("sleep").arg("60").spawn().expect("sleep")
        };
        Self(std::thread::spawn(start).join().expect("a thread"))
    }

    fn name(&self) -> ContainerRef {
        ContainerRef::Pid(self.0.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_is_entered_and_its_end_noticed() {
    let process = Process::start();
    let lab = Lab::new();
    let scope = Scope { targets: vec![process.name()], ..Scope::default() };
    let observed = lab.look(&scope);
    assert_eq!(found(&observed, &process.name()).links, []);
    lab.done(&[Step::SetUp { place: Place::Target(process.name()), link: "lo".into(), up: true }]);
    let name = process.name();
    drop(process);
    assert_eq!(lab.look(&scope).targets.get(&name), Some(&Target::Problem(TargetProblem::Missing)));
}

#[test]
fn attachments_are_found_by_themselves() {
    let (by_path, by_scan) = (Container::new(), Process::start());
    let lab = Lab::with_bridge(&[&by_path]);
    let observed = lab.look(&Scope { targets: vec![by_path.name(), by_scan.name()], ..Scope::default() });
    let inode = found(&observed, &by_scan.name()).netns.inode;
    let mut scanned = by_path.veth("vethwe2");
    scanned.target = by_scan.name();
    scanned.mark = crate::observed::Mark::parse(&format!(
        "weave:attachment netns={inode} pid={} interface=ethwe id=3f2a name=web",
        std::process::id()
    ))
    .expect("a mark");
    lab.done(&[Step::CreateVeth(Box::new(by_path.veth("vethwe1"))), Step::CreateVeth(Box::new(scanned))]);

    let observed = lab.look(&Scope { attachments: true, ..Scope::default() });
    let web = ContainerRef::Container("web".into());
    assert_eq!(observed.targets.keys().collect::<Vec<_>>(), [&web, &by_path.name()]);
    assert!(found(&observed, &by_path.name()).link("ethwe").is_some());
    let inside = found(&observed, &web);
    assert_eq!((inside.netns.inode, inside.name.as_deref(), inside.id.as_deref()), (inode, Some("web"), Some("3f2a")));
    // Found so, they can be worked in.
    lab.done(&[Step::SetUp { place: Place::Target(web), link: "ethwe".into(), up: true }]);

    // Named so by the caller, they are not there twice.
    let observed = lab.look(&Scope { targets: vec![by_scan.name()], attachments: true, ..Scope::default() });
    assert_eq!(observed.targets.len(), 2);

    // A namespace that is nowhere to be seen, and one that is named by its number.
    run("ip link add v0 type veth peer name v1");
    let inode_name = ContainerRef::Netns(Path::new(&format!("/inode/{inode}")).into());
    let alias = "weave:attachment netns=1 pid=0 interface=ethwe name=lost";
    std::process::Command::new("ip").args(["link", "set", "v0", "alias", alias]).status().expect("ip");
    let observed = lab.look(&Scope { targets: vec![inode_name.clone()], attachments: true, ..Scope::default() });
    let lost = ContainerRef::Container("lost".into());
    assert_eq!(observed.targets.get(&lost), Some(&Target::Problem(TargetProblem::Missing)));
    assert_eq!(found(&observed, &inode_name).netns.inode, inode);
}

#[test]
fn more_namespaces_than_are_kept_open_can_be_worked_in() {
    let containers: Vec<Container> = (0..140).map(|_| Container::new()).collect();
    let lab = Lab::with_bridge(&containers.iter().collect::<Vec<_>>());
    let up: Vec<Step> = containers
        .iter()
        .map(|container| Step::SetUp { place: container.place(), link: "lo".into(), up: true })
        .collect();
    lab.done(&up);
    assert!(containers.iter().all(|container| container.inside(|| run("ip -br link")).contains("UNKNOWN")));
}

#[test]
fn a_missing_engine_does_not_matter_where_no_container_is_named() {
    let lab = Lab::new();
    assert!(lab.try_look(&Scope { attachments: true, ..Scope::default() }).is_ok());
}

fn web(pid: u32, started_at: &str) -> HashMap<String, Answer> {
    let (id, name, started_at) = ("3f2a".repeat(16), "web".to_owned(), started_at.to_owned());
    HashMap::from([("web".to_owned(), Ok(Found { id, name, pid, started_at, host_network: false, held: false }))])
}

/// Visits web, of which the engine gave `answers` at the time `asked`; what must be asked again, and what was seen.
fn visit(answers: HashMap<String, Answer>, asked: u64) -> Tour {
    let names = vec![ContainerRef::Container("web".into())];
    let enter = move || {
        let host = Arc::new(NetNs::current().expect("a namespace"));
        Tour::new(host, false).enter_all(&Wanted { names, answers, asked }, 0..1).expect("a visit")
    };
    std::thread::spawn(enter).join().expect("a thread")
}

#[test]
fn a_process_older_than_the_engines_answer_is_the_containers() {
    let process = Process::start();
    std::thread::sleep(std::time::Duration::from_millis(30));
    let tour = visit(web(process.0.id(), "t1"), uptime().expect("uptime"));
    assert_eq!(tour.doubtful, []);
    assert!(
        matches!(tour.visited.targets.values().next(), Some(Target::Found(inside)) if inside.pid == process.0.id())
    );
}

#[test]
fn a_younger_process_is_asked_for_again() {
    let process = Process::start();
    let name = ContainerRef::Container("web".into());
    let wanted = |answers| Wanted { names: vec![name.clone()], answers, asked: 0 };
    for (second, pid, again) in [("t1", process.0.id(), 0), ("t2", process.0.id(), 1), ("t1", 1, 1)] {
        let mut tour = visit(web(process.0.id(), "t1"), 0);
        assert_eq!(tour.doubtful, std::slice::from_ref(&name));
        let mut asked = wanted(web(pid, second));
        tour.confirm(&mut asked, &web(process.0.id(), "t1"));
        assert_eq!(asked.names.len(), again, "{second} {pid}");
    }
    // The engine insists on a process that nobody sees.
    let unseen = i32::MAX as u32;
    let mut tour = visit(web(unseen, "t1"), u64::MAX);
    let mut asked = wanted(web(unseen, "t1"));
    tour.confirm(&mut asked, &web(unseen, "t1"));
    assert_eq!(asked.names, std::slice::from_ref(&name), "it is asked for again, it may just have ended");
    assert!(matches!(tour.visited.targets.get(&name), Some(Target::Problem(TargetProblem::Engine(_)))));
}
