//! Single stories, told with names.

use std::collections::{BTreeMap, BTreeSet};

use weave_core::ErrorKind;
use weave_core::apply::Mode;
use weave_core::host::Owner;
use weave_core::observed::{Scope, Target};
use weave_core::ops::attachment;
use weave_core::spec::{Attach, ContainerRef};

use super::scene::{applied, apply, engine, faulty, foreign, identity, looks, lost_volumes, reached, read};
use crate::support::fixture::parse;
use crate::support::memory_host::{Faults, MemoryHost};

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
