//! Single stories, told with names.

use std::collections::{BTreeMap, BTreeSet};

use weave_core::ErrorKind;
use weave_core::apply::Mode;
use weave_core::host::Owner;
use weave_core::names;
use weave_core::observed::{Scope, Target};
use weave_core::ops::attachment;
use weave_core::plan::container::ContainerStep;
use weave_core::spec::{Attach, ContainerRef};

use super::scene::{applied, apply, engine, faulty, foreign, identity, looks, lost_volumes, reached, read};
use crate::support::fixture::parse;
use crate::support::memory_host::{Faults, MemoryHost, World};

const WEB: &str = "containers: {web: {image: 'db:1', ips: 10.2.1.4/24, options: {env: [A=1]}}}";

#[test]
fn what_does_not_stay_up_gives_way_to_what_was_there() {
    let world = reached(engine(), &[read(WEB)]);
    let host = MemoryHost::new(world.clone());
    let document = read("containers: {web: {image: 'db:1', ips: 10.2.1.4/24, options: {env: [EXIT=3]}}}");
    let report = applied(&host, &document, Mode::Apply).unwrap();
    let error = &report.errors[0];
    assert_eq!((report.errors.len(), error.subject.as_str(), error.kind), (1, "web", ErrorKind::ContainerNotRunning));
    assert!(error.message.contains("exit code 3") && error.message.contains("the old one is back"), "{error:?}");
    assert_eq!(looks(&world), looks(&host.world()));
    assert_eq!(identity(&world, "web"), identity(&host.world(), "web"));
    assert_eq!(world.engine.volumes.len(), host.world().engine.volumes.len());
}

/// It would show them otherwise than they were asked for, each time.
#[test]
fn podman_is_asked_for_no_container_and_those_that_run_are_attached() {
    let mut world = engine();
    world.engine.podman = true;
    let host = MemoryHost::new(world.clone());
    let document = read("containers: {web: {image: 'db:1', ips: 10.2.1.4/24}, other: {ips: 10.2.1.5/24}}\nrouter: {}");
    let report = applied(&host, &document, Mode::Apply).unwrap();
    let error = &report.errors[0];
    assert_eq!((report.errors.len(), error.kind), (1, ErrorKind::Unsupported), "{report:?}");
    assert_eq!(error.subject, "containers.web.image");
    assert!(error.message.contains("Podman"), "{error:?}");
    assert_eq!(report.state.unwrap().containers.unwrap().0[&parse("other")].addresses(), [parse("10.2.1.5/24")]);
    assert_eq!(identity(&host.world(), "web"), None);
    assert_eq!(identity(&host.world(), "other"), identity(&world, "other"));
}

#[test]
fn a_new_container_whose_address_is_taken_is_removed_again() {
    let owner = Owner {
        address: parse("10.2.1.4"),
        mac: parse("02:00:00:00:00:01"),
        peer: Some(parse("192.0.2.2")),
        link: None,
    };
    let host = faulty(&engine(), Faults { owners: vec![owner], ..Faults::default() });
    let report = applied(&host, &read(WEB), Mode::Apply).unwrap();
    assert_eq!((report.errors[0].subject.as_str(), report.errors[0].kind), ("web", ErrorKind::Conflict));
    assert_eq!(looks(&engine()), looks(&host.world()));
    assert_eq!(engine().engine.volumes.len(), host.world().engine.volumes.len());
}

#[test]
fn a_container_made_anew_keeps_its_data_and_its_addresses() {
    let world = reached(engine(), &[read(WEB)]);
    let host = MemoryHost::new(world.clone());
    let document = read("containers: {web: {image: 'db:1', options: {env: [A=2]}}}");
    let report = applied(&host, &document, Mode::Apply).unwrap();
    assert!(report.is_ok() && report.changed, "{report:?}");
    let (old, new) = (identity(&world, "web").unwrap(), identity(&host.world(), "web").unwrap());
    assert_ne!(old.0, new.0);
    assert_eq!(old.1, new.1);
    assert_eq!(report.state.unwrap().containers.unwrap().0[&parse("web")].addresses(), [parse("10.2.1.4/24")]);
    assert!(lost_volumes(&world, &host.world()).is_empty());
}

#[test]
fn a_container_of_somebody_else_is_left_alone() {
    let mut world = engine();
    foreign(&mut world, "web");
    let host = MemoryHost::new(world.clone());
    for text in [WEB, "containers: {web: {ensure: absent}}"] {
        let report = applied(&host, &read(text), Mode::Apply).unwrap();
        assert_eq!((report.errors[0].subject.as_str(), report.errors[0].kind), ("web", ErrorKind::Conflict));
    }
    let report = applied(&host, &read("containers: {}\npurge_containers: true"), Mode::Apply).unwrap();
    assert!(report.is_ok() && !report.changed);
    assert_eq!(host.asked().containers, []);
}

#[test]
fn only_what_weave_made_and_nobody_names_is_purged() {
    let both = "containers: {web: {image: 'db:1', ips: 10.2.1.4/24}, api: {image: 'app:1'}, db: {image: 'db:1'}}";
    let world = reached(engine(), &[read(both)]);
    let host = MemoryHost::new(world.clone());
    // Named for its addresses alone, it is named all the same.
    let document = read("containers: {web: {ips: 10.2.1.5/24}, api: {image: 'app:1'}}\npurge_containers: true");
    let report = applied(&host, &document, Mode::Apply).unwrap();
    assert!(report.is_ok(), "{report:?}");
    let names: Vec<String> = host.world().engine.containers.keys().cloned().collect();
    assert_eq!(names, ["api", "other", "web"]);
    assert!(lost_volumes(&world, &host.world()).is_empty());
}

#[test]
fn what_was_given_by_hand_comes_back_after_a_kill_on_the_way_back() {
    let world = reached(engine(), &[read(WEB)]);
    // The document does not name the address, and what it asks for does not stay up.
    let failing = read("containers: {web: {image: 'db:1', options: {env: [EXIT=3]}}}");
    let good = read("containers: {web: {image: 'db:1', options: {env: [A=1]}}}");
    let whole = MemoryHost::new(world.clone());
    assert!(!applied(&whole, &failing, Mode::Apply).unwrap().is_ok());
    assert_eq!(looks(&world), looks(&whole.world()));
    for at in 0..=whole.asked().steps() {
        let killed = faulty(&world, Faults { killed: Some(at), ..Faults::default() });
        apply(&killed, &failing, Mode::Apply);
        // It fails again, or is taken back.
        let world_then = reached(killed.world().clone(), std::slice::from_ref(&failing));
        for world_then in [killed.world().clone(), world_then] {
            let host = MemoryHost::new(world_then);
            let report = applied(&host, &good, Mode::Apply).unwrap();
            assert!(report.is_ok(), "killed after {at} steps: {report:?}");
            assert_eq!(looks(&world), looks(&host.world()), "killed after {at} steps");
            assert!(host.world().owed.is_empty());
        }
    }
}

/// All interfaces of `web` with their addresses and routes.
fn interfaces(host: &MemoryHost) -> BTreeMap<String, String> {
    let container: ContainerRef = parse("web");
    let mut observed = host.world().observe(&Scope { targets: vec![container.clone()], ..Scope::default() });
    let Some(Target::Found(net)) = observed.targets.remove(&container) else { panic!("web does not run") };
    let own = net.links.iter().filter(|link| link.name.starts_with("eth"));
    let shown = own.map(|link| {
        let addresses: BTreeSet<String> = net.addresses_of(link.index).map(|address| address.to_string()).collect();
        let routes = net.routes.iter().filter(|route| route.ifindex == link.index);
        let routes: BTreeSet<String> = routes.map(|route| format!("{} via {:?}", route.to, route.via)).collect();
        (link.name.to_string(), format!("{:?} {addresses:?} {routes:?}", link.mac))
    });
    shown.collect()
}

#[test]
fn several_interfaces_of_one_container_come_back_each_with_its_own() {
    let host = MemoryHost::new(reached(engine(), &[read(WEB)]));
    let mut attach = Attach::new(parse("web"), [parse("10.3.1.4/24"), parse("fd00:3::4/64")]);
    attach.interface = parse("eth7");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(runtime.block_on(attachment::attach(&host, &attach, Mode::Apply)).unwrap().changed);
    let before = interfaces(&host);
    assert_eq!(before.len(), 2, "{before:?}");
    let id = identity(&host.world(), "web");
    let document = read("containers: {web: {image: 'db:1', ips: 10.2.1.4/24, options: {env: [A=2]}}}");
    let report = applied(&host, &document, Mode::Apply).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_ne!(identity(&host.world(), "web"), id);
    assert_eq!(interfaces(&host), before);
    assert!(!applied(&host, &document, Mode::Apply).unwrap().changed);
}

#[test]
fn the_route_for_multicast_goes_to_the_interface_that_the_document_names() {
    let bare = read("{router: {}, containers: {web: {image: 'db:1', options: {env: [A=1]}}}}");
    let host = MemoryHost::new(reached(engine(), &[bare]));
    let mut attach = Attach::new(parse("web"), [parse("10.3.1.4/24")]);
    attach.interface = parse("eth7");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(runtime.block_on(attachment::attach(&host, &attach, Mode::Apply)).unwrap().changed);
    assert!(interfaces(&host)["eth7"].contains("224.0.0.0/4"));
    let document = read("containers: {web: {image: 'db:1', ips: 10.2.1.4/24, options: {env: [A=2]}}}");
    let report = applied(&host, &document, Mode::Apply).unwrap();
    assert!(report.is_ok(), "{report:?}");
    let after = interfaces(&host);
    assert!(after["ethwe"].contains("224.0.0.0/4") && !after["eth7"].contains("224.0.0.0/4"), "{after:?}");
    assert!(!applied(&host, &document, Mode::Apply).unwrap().changed);
}

#[test]
fn a_link_to_a_container_that_goes_is_no_obstacle_wherever_it_fails() {
    let both = "{db: {image: 'app:1', options: {}}, web: {image: 'app:1', options: {link: ['db:base']}}}";
    let stopped = "{db: {image: 'app:1', options: {}, state: stopped}}";
    let world = reached(engine(), &[both, stopped].map(|text| read(&format!("containers: {text}"))));
    let document = read("{containers: {web: {image: 'app:1', options: {}}}, purge_containers: true}");
    super::failure::everywhere(&world, &document).unwrap();
    super::kill::everywhere(&world, &document).unwrap();
}

const HELD: &str = "containers: {web: {image: 'db:1', ips: 10.2.1.4/24, attach: before_start, options: {env: [A=1], publish: ['80:80']}}}";

/// The steps that a document needs, and the world afterwards.
fn steps(world: &World, text: &str) -> (Vec<String>, World) {
    let host = MemoryHost::new(world.clone());
    let report = applied(&host, &read(text), Mode::Apply).unwrap();
    assert!(report.is_ok(), "{:?}", report.errors);
    let short = |step: &String| step.split(" --").next().unwrap_or_default().to_owned();
    let steps = report.steps.iter().filter(|step| step.starts_with("docker")).map(short).collect();
    let world = host.world().clone();
    (steps, world)
}

#[test]
fn a_held_container_is_attached_before_it_starts() {
    let host = MemoryHost::new(engine());
    assert!(applied(&host, &read(HELD), Mode::Apply).unwrap().is_ok());
    // What waits for its start has its interface by then.
    let asked = host.asked();
    let start = ContainerStep::Start { name: "web".to_owned() };
    let at = asked.containers.iter().position(|step| *step == start).unwrap();
    assert_eq!(at, asked.containers.len() - 1, "{:#?}", asked.containers);
    let killed = faulty(&engine(), Faults { killed: Some(asked.steps() - 1), ..Faults::default() });
    assert!(apply(&killed, &read(HELD), Mode::Apply).is_none());
    let look = looks(&killed.world())["web"].clone();
    assert_eq!((look.runs, &look.attached["ips"]), (false, &serde_json::json!(["10.2.1.4/24"])));
}

#[test]
fn only_the_half_that_differs_is_made_anew() {
    let (_, world) = steps(&engine(), HELD);
    let ids = |world: &World| ["web", "web.weave-net"].map(|name| identity(world, name).unwrap().0);
    let (done, env) = steps(&world, &HELD.replace("A=1", "A=2"));
    assert_eq!(ids(&env)[1], ids(&world)[1], "{done:#?}");
    assert_ne!(ids(&env)[0], ids(&world)[0]);
    assert!(!done.iter().any(|step| step.contains("weave-net")), "{done:#?}");
    let (done, memory) = steps(&world, &HELD.replace("env:", "restart: always, env:"));
    assert_eq!(
        (ids(&memory), done),
        (ids(&world), vec!["docker update RestartPolicy={\"Name\":\"always\"} web".to_owned()])
    );
    let (done, publish) = steps(&world, &HELD.replace("80:80", "81:80"));
    assert_ne!(ids(&publish)[0], ids(&world)[0]);
    assert_ne!(ids(&publish)[1], ids(&world)[1]);
    let wanted = [
        "docker create", // web.weave-net.weave-new
        "docker stop web",
        "docker stop web.weave-net",
        "docker rename web.weave-net web.weave-net.weave-old",
        "docker rename web.weave-net.weave-new web.weave-net",
        "docker start web.weave-net",
        "docker create", // web.weave-new
        "docker rename web web.weave-old",
        "docker rename web.weave-new web",
        "docker start web",
        "docker rm -f web.weave-old",
        "docker rm -f web.weave-net.weave-old",
    ];
    assert_eq!(done, wanted);
}

#[test]
fn a_container_whose_holder_ended_starts_again_with_its_interface() {
    let (_, mut world) = steps(&engine(), HELD);
    world.execute_container(&ContainerStep::Stop { name: "web.weave-net".to_owned() }).unwrap();
    let (done, after) = steps(&world, HELD);
    assert_eq!(done, ["docker stop web", "docker start web.weave-net", "docker start web"]);
    assert_eq!(looks(&after)["web"].attached["ips"], serde_json::json!(["10.2.1.4/24"]));
    // Somebody started it again himself: nobody is in its new namespace.
    world.execute_container(&ContainerStep::Start { name: "web.weave-net".to_owned() }).unwrap();
    let (done, after) = steps(&world, HELD);
    assert_eq!(done, ["docker stop web", "docker start web"]);
    assert_eq!(looks(&after)["web"].attached["ips"], serde_json::json!(["10.2.1.4/24"]));
    assert_eq!(steps(&after, HELD).0, [""; 0]);
}

#[test]
fn the_holder_comes_and_goes_with_the_choice() {
    let (_, world) = steps(&engine(), HELD);
    let (_, after) = steps(&world, &HELD.replace("attach: before_start, ", ""));
    assert_eq!(after.engine.containers.keys().collect::<Vec<_>>(), ["other", "web"]);
    let (_, back) = steps(&after, HELD);
    assert_eq!(back.engine.containers.keys().collect::<Vec<_>>(), ["other", "web", "web.weave-net"]);
    let (_, stopped) = steps(&back, &HELD.replace("attach:", "state: stopped, attach:"));
    assert!(!looks(&stopped)["web"].runs && !looks(&stopped)["web.weave-net"].runs);
    for gone in ["containers: {web: {ensure: absent}}", "purge_containers: true\ncontainers: {}"] {
        let (_, gone) = steps(&back, gone);
        assert_eq!(gone.engine.containers.keys().collect::<Vec<_>>(), ["other"]);
    }
}

#[test]
fn links_of_a_held_container_lead_from_its_holder() {
    let text =
        "containers: {db: {image: 'db:1'}, web: {image: 'db:1', attach: before_start, options: {link: ['db:base']}}}";
    let (_, world) = steps(&engine(), text);
    assert!(looks(&world)["web"].runs);
    assert_eq!(steps(&world, text).0, [""; 0]);
    // The one that they lead to is another by now, and so are both that are bound to it.
    let (done, _) = steps(&world, &text.replace("db: {image: 'db:1'}", "db: {image: 'db:1', options: {env: [A=1]}}"));
    assert!(done.contains(&"docker rm -f web.weave-net.weave-old".to_owned()), "{done:#?}");
}

#[test]
fn what_could_not_be_attached_does_not_start() {
    let (_, mut world) = steps(&engine(), HELD);
    world.execute_container(&ContainerStep::Stop { name: "web".to_owned() }).unwrap();
    let address = parse("10.2.1.5");
    let owner = Owner { address, mac: parse("02:00:00:00:00:01"), peer: Some(parse("192.0.2.2")), link: None };
    let host = faulty(&world, Faults { owners: vec![owner], ..Faults::default() });
    let report = applied(&host, &read(&HELD.replace("1.4/24", "1.5/24")), Mode::Apply).unwrap();
    assert_eq!((report.errors[0].subject.as_str(), report.errors[0].kind), ("web", ErrorKind::Conflict));
    assert_eq!(host.asked().containers, []);
}

#[test]
fn the_image_of_holders_goes_with_the_last_of_them() {
    let (_, world) = steps(&engine(), HELD);
    let reset = "ensure: absent";
    let (_, kept) = steps(&world, reset);
    assert!(kept.engine.images.contains_key(names::HOLDER_IMAGE) && looks(&kept)["web"].runs);
    let (_, empty) = steps(&kept, "containers: {web: {ensure: absent}}");
    assert_eq!(steps(&empty, reset).0, [format!("docker rmi {}", names::HOLDER_IMAGE)]);
}

#[test]
fn held_containers_may_need_each_other() {
    let text = "containers: {api: {image: 'db:1', attach: before_start, options: {pid: 'container:web'}}, \
                web: {image: 'db:1', attach: before_start}}";
    let host = MemoryHost::new(engine());
    assert!(applied(&host, &read(text), Mode::Apply).unwrap().is_ok());
    let starts = ["web", "api"].map(|name| ContainerStep::Start { name: name.to_owned() });
    assert!(host.asked().containers.ends_with(&starts), "{:#?}", host.asked().containers);
    let world = host.world().clone();
    let (done, after) = steps(&world, &text.replace("web: {image: 'db:1',", "web: {image: 'app:1',"));
    assert!(done.contains(&"docker rm -f api.weave-old".to_owned()), "{done:#?}");
    assert!(looks(&after)["api"].runs && looks(&after)["web"].runs);
}

#[test]
fn an_image_comes_in_once_however_many_need_it() {
    let many: String = (0..20).map(|number| format!("  c{number}: {{image: 'app:3'}}\n")).collect();
    let document = read(&format!("containers:\n{many}  db: {{image: 'db:1'}}"));
    let is_pull = |step: &&ContainerStep| matches!(step, ContainerStep::Pull { .. });
    let host = MemoryHost::new(engine());
    let report = applied(&host, &document, Mode::Apply).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_eq!(host.asked().containers.iter().filter(is_pull).count(), 1);
    assert_eq!(report.steps.iter().filter(|step| *step == "docker pull app:3").count(), 1);
    assert_eq!(report.changes.iter().filter(|change| change.subject == "images.app:3").count(), 1);

    // And where it does not come, nobody has it.
    let mut world = engine();
    world.engine.registry.clear();
    let host = MemoryHost::new(world);
    let report = applied(&host, &document, Mode::Apply).unwrap();
    assert_eq!((report.errors.len(), host.asked().containers.iter().filter(is_pull).count()), (20, 1));
    assert!(host.world().engine.containers.contains_key("db"));
}
