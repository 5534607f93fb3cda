//! Single stories, told with names.

use weave_core::ErrorKind;
use weave_core::apply::Mode;
use weave_core::host::Owner;
use weave_core::plan::container::ContainerStep;

use super::scene::{applied, engine, faulty, foreign, identity, looks, lost_volumes, reached, read};
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
