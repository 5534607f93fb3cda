//! Steps of a classic router and their way back, on a host made of memory.

use serde_json::json;
use weave_core::observed::{BridgeMark, Image, LinkKind, Mark, Observed, RouterPortMark, Scope};
use weave_core::plan::container::ContainerStep;
use weave_core::plan::{ControlStep, NewBridge, NewRouterPair, Place, Step, undo};
use weave_core::spec::ContainerRef;

use crate::support::fixture::{docker, parse};
use crate::support::memory_host::World;

const CONTROL: u16 = 6784;

fn engine(step: ContainerStep) -> Step {
    Step::Engine(Box::new(step))
}

fn control(step: ControlStep) -> Step {
    Step::Control(Box::new(step))
}

fn up(link: &str) -> Step {
    Step::SetUp { place: Place::Host, link: link.into(), up: true }
}

fn offload(place: Place, link: &str) -> Step {
    Step::SetOffload { place, link: link.into(), on: false, before: true }
}

fn create(name: &str) -> Step {
    let body = json!({
        "Image": "weaveworks/weave:2.8.1",
        "Cmd": ["--http-addr", "127.0.0.1:6784", "--ipalloc-range", "10.32.0.0/12"],
        "HostConfig": {"NetworkMode": "host", "Binds": ["weave-db:/weavedb"]},
    });
    let line = format!("docker create --name {name} weaveworks/weave:2.8.1");
    engine(ContainerStep::Create { name: name.to_owned(), platform: None, body, line })
}

fn start(name: &str) -> Step {
    engine(ContainerStep::Start { name: name.to_owned() })
}

fn stop(name: &str) -> Step {
    engine(ContainerStep::Stop { name: name.to_owned() })
}

fn peers(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn claim(id: &str, address: &str) -> Step {
    control(ControlStep::Claim { control: CONTROL, id: id.to_owned(), address: parse(address), insist: true })
}

/// From a host without a router to one with it.
fn launch() -> Vec<Step> {
    vec![
        Step::CreateBridge(Box::new(NewBridge {
            name: "weave".into(),
            mac: parse("12:01:02:03:04:05"),
            mtu: 1438,
            mark: Mark::Bridge(BridgeMark::default()),
        })),
        Step::CreateRouterPair(Box::new(NewRouterPair {
            bridge_end: "vethwe-bridge".into(),
            router_end: "vethwe-pcap".into(),
            bridge: "weave".into(),
            mtu: 1438,
            mark: Mark::RouterPort(RouterPortMark { container: "weave".to_owned(), control: CONTROL, port: 6783 }),
        })),
        offload(Place::Host, "vethwe-bridge"),
        offload(Place::Target(parse("web")), "eth0"),
        up("vethwe-bridge"),
        up("vethwe-pcap"),
        create("weave"),
        start("weave"),
        control(ControlStep::Ready { control: CONTROL }),
        control(ControlStep::Connect { control: CONTROL, peers: peers(&["192.0.2.2", "host2"]) }),
        claim("weave:expose", "10.32.0.1/12"),
    ]
}

fn world() -> World {
    let mut world = docker();
    world.engine.images.insert("weaveworks/weave:2.8.1".to_owned(), Image::default());
    world
}

fn run(world: &mut World, steps: &[Step]) {
    for step in steps {
        world.execute(step).unwrap_or_else(|errno| panic!("{step}: error {errno}"));
    }
}

fn look(world: &World) -> Observed {
    let targets: Vec<ContainerRef> = vec![parse("web")];
    world.observe(&Scope { targets, offload: true, ..Scope::default() })
}

fn containers(world: &World) -> Vec<(String, bool)> {
    world.engine.containers.iter().map(|(name, made)| (name.clone(), made.container.runs())).collect()
}

/// Does `steps` on `world` as far as any of them, and finds it after the way back as it was before.
fn there_and_back(world: &World, steps: &[Step]) {
    for count in 0..=steps.len() {
        let mut changed = world.clone();
        let before = look(&changed);
        let done = &steps[..count];
        run(&mut changed, done);
        run(&mut changed, &undo(&done.iter().collect::<Vec<_>>(), &before));
        let (was, is) = (world.portrait(), changed.portrait());
        assert!(was == is, "after {count} steps: {}", was.difference(&is));
        assert_eq!(containers(&changed), containers(world), "after {count} steps");
    }
}

#[test]
fn a_launch_is_undone_from_wherever_it_stops() {
    there_and_back(&world(), &launch());
}

#[test]
fn a_removal_is_undone_from_wherever_it_stops() {
    let mut launched = world();
    run(&mut launched, &launch());
    let release =
        ControlStep::Release { control: CONTROL, id: "weave:expose".to_owned(), address: parse("10.32.0.1/12") };
    let steps = [
        control(release),
        control(ControlStep::Forget { control: CONTROL, peers: peers(&["192.0.2.2"]) }),
        stop("weave"),
        Step::DeleteLink { link: "vethwe-bridge".into() },
        Step::DeleteLink { link: "weave".into() },
    ];
    there_and_back(&launched, &steps);
    let mut changed = launched.clone();
    run(&mut changed, &steps);
    assert_eq!((changed.host.index("vethwe-pcap").is_err(), changed.router(CONTROL)), (true, None));
}

#[test]
fn a_router_that_starts_again_is_waited_for() {
    let mut launched = world();
    run(&mut launched, &launch());
    let before = look(&launched);
    let back = |steps: &[Step]| undo(&steps.iter().collect::<Vec<_>>(), &before);
    let ready = || control(ControlStep::Ready { control: CONTROL });
    let connect = || control(ControlStep::Connect { control: CONTROL, peers: peers(&["192.0.2.2", "host2"]) });
    let claimed = || claim("weave:expose", "10.32.0.1/12");
    assert_eq!(back(&[stop("weave")]), [start("weave"), ready(), connect(), claimed()]);
    assert_eq!(back(&[stop("weave.weave-old")]), [start("weave.weave-old"), ready(), connect(), claimed()]);
    assert_eq!(back(&[stop("web")]), [start("web")]);
    assert_eq!(back(&[start("weave")]), [stop("weave")]);
}

#[test]
fn the_pair_is_made_again_as_it_was() {
    let mut launched = world();
    run(&mut launched, &launch());
    let before = look(&launched);
    let away = Step::DeleteLink { link: "vethwe-bridge".into() };
    let lines: Vec<String> = undo(&[&away], &before).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines[..2],
        [
            "ip link add vethwe-bridge mtu 1438 master weave type veth peer name vethwe-pcap mtu 1438",
            "ethtool -K vethwe-bridge tx off",
        ]
    );
    assert!(lines.contains(&"ip link set vethwe-bridge up".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"ip link set vethwe-pcap up".to_owned()), "{lines:#?}");
    // The router needs it off, also where nobody looked; the other end is as it is born.
    let mut unseen = launched.observe(&Scope::default());
    unseen.links.iter_mut().for_each(|link| link.tx_checksum = None);
    let offload = |observed: &Observed| -> Vec<Step> {
        undo(&[&away], observed).into_iter().filter(|step| matches!(step, Step::SetOffload { .. })).collect()
    };
    assert_eq!(offload(&unseen), [self::offload(Place::Host, "vethwe-bridge")]);
    launched.execute(&self::offload(Place::Host, "vethwe-pcap")).unwrap();
    assert_eq!(offload(&look(&launched)).len(), 2);
}

#[test]
fn each_step_is_the_command_line_that_it_equals() {
    let lines: Vec<String> = launch().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines[1..],
        [
            "ip link add vethwe-bridge mtu 1438 master weave type veth peer name vethwe-pcap mtu 1438",
            "ethtool -K vethwe-bridge tx off",
            "[web] ethtool -K eth0 tx off",
            "ip link set vethwe-bridge up",
            "ip link set vethwe-pcap up",
            "docker create --name weave weaveworks/weave:2.8.1",
            "docker start weave",
            "curl --retry 30 --retry-connrefused http://127.0.0.1:6784/status",
            "curl -X POST http://127.0.0.1:6784/connect -d peer=192.0.2.2 -d peer=host2",
            "curl -X PUT http://127.0.0.1:6784/ip/weave:expose/10.32.0.1/12",
        ]
    );
    let on = Step::SetOffload { place: Place::Host, link: "vethwe-bridge".into(), on: true, before: false };
    assert_eq!(on.to_string(), "ethtool -K vethwe-bridge tx on");
    let same = Step::SetOffload { place: Place::Host, link: "vethwe-bridge".into(), on: false, before: false };
    assert_eq!(
        (undo(&[&on], &Observed::default()), undo(&[&same], &Observed::default())),
        (vec![offload(Place::Host, "vethwe-bridge")], Vec::new())
    );
}

#[test]
fn a_router_answers_while_its_container_runs() {
    let mut world = world();
    let ready = control(ControlStep::Ready { control: CONTROL });
    let connect = control(ControlStep::Connect { control: CONTROL, peers: peers(&["192.0.2.2"]) });
    assert!(world.execute(&ready).is_err());
    run(&mut world, &[create("weave")]);
    assert!(world.execute(&ready).is_err());
    run(&mut world, &[start("weave"), ready.clone(), connect, claim("a", "10.32.0.1/12"), claim("a", "10.32.0.1/12")]);
    assert!(world.execute(&claim("b", "10.32.0.1/12")).is_err(), "somebody has it");
    run(&mut world, &[stop("weave")]);
    assert!(world.execute(&ready).is_err());
    assert_eq!(world.router(CONTROL), None);
    // A container that starts again takes up what it wrote down.
    run(&mut world, &[start("weave"), ready.clone()]);
    let router = world.router(CONTROL).unwrap();
    assert_eq!((router.peers.len(), router.owned.len()), (1, 1));
    // In a new one the router begins without peers, and has the addresses.
    let remove = ContainerStep::Remove { name: "weave".to_owned(), volumes: true };
    run(&mut world, &[stop("weave"), engine(remove), create("weave"), start("weave"), ready]);
    let router = world.router(CONTROL).unwrap();
    assert_eq!((router.peers.len(), router.owned.len()), (0, 1));
}

#[test]
fn only_a_port_of_the_bridge_leads_to_a_router() {
    let mut world = world();
    assert_eq!(look(&world).router_port(), None);
    run(&mut world, &launch()[..2]);
    let seen = look(&world);
    let (port, mark) = seen.router_port().unwrap();
    assert_eq!((port.name.as_str(), mark.container.as_str()), ("vethwe-bridge", "weave"));
    assert_eq!(seen.other_end(port).map(|end| end.name.as_str()), Some("vethwe-pcap"));
    assert_eq!(seen.link("vethweb").and_then(|link| seen.other_end(link)), None, "its other end is elsewhere");
    // Somebody wrote it on a link of another kind.
    let alias = seen.link("vethwe-bridge").and_then(|link| link.alias.clone());
    world.remove((0, port.index));
    let dummy = world.host.add_link("other", LinkKind::Other("dummy".to_owned()), None, 1500).unwrap();
    world.host.link(dummy).alias = alias;
    assert_eq!(look(&world).router_port(), None);
    assert_eq!(look(&world).vxlan(), None);
}
