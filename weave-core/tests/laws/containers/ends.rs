//! Containers that end: at once, with `--rm`, or under those that are bound to them.

use serde_json::json;
use weave_core::ErrorKind;
use weave_core::apply::Mode;
use weave_core::plan::container::ContainerStep;
use weave_core::spec::HostDocument;

use super::nothing_is_left;
use super::scene::{applied, apply, engine, faulty, identity, looks, lost_volumes, reached, read};
use crate::support::memory_host::{Faults, MemoryHost, World};

fn web(options: &str) -> HostDocument {
    read(&format!("containers: {{web: {{image: 'db:1', options: {{{options}}}}}}}"))
}

#[test]
fn a_new_container_that_ends_at_once_is_an_error_with_its_last_words() {
    let host = MemoryHost::new(engine());
    for document in [web("env: [EXIT=3, 'SAYS=no such file']"), web("env: [EXIT=3, 'SAYS=no such file'], rm: true")] {
        let report = applied(&host, &document, Mode::Apply).unwrap();
        let error = &report.errors[0];
        let found = (report.errors.len(), error.subject.as_str(), error.kind, report.changed);
        assert_eq!(found, (1, "web", ErrorKind::ContainerNotRunning, false), "{report:?}");
        assert_eq!(error.left, Vec::<String>::new());
        let gone = document.containers.as_ref().is_some_and(|named| format!("{named:?}").contains("rm: Some(true)"));
        let expected: &[&str] = if gone { &["is gone"] } else { &["exit code 3", "no such file", "removed again"] };
        assert!(expected.iter().all(|words| error.message.contains(words)), "{error:?}");
        assert_eq!(looks(&engine()), looks(&host.world()));
        assert_eq!(engine().engine.volumes.len(), host.world().engine.volumes.len());
    }
}

#[test]
fn a_job_that_is_done_is_a_warning_and_starts_with_each_run() {
    let host = MemoryHost::new(engine());
    for _ in 0..2 {
        let report = applied(&host, &web("env: [EXIT=0, SAYS=done]"), Mode::Apply).unwrap();
        assert!(report.is_ok() && report.changed, "{report:?}");
        let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
        assert!(warning.contains("container web has ended already") && warning.contains("done"), "{warning}");
        assert!(report.steps.last().is_some_and(|step| step == "docker start web"), "{report:?}");
    }
    // And with other settings it is made anew.
    let report = applied(&host, &web("env: [EXIT=0, A=1]"), Mode::Apply).unwrap();
    assert!(report.is_ok() && report.warnings.len() == 1, "{report:?}");
    nothing_is_left(&host.world()).unwrap();
}

#[test]
fn what_ends_before_it_is_attached_or_in_the_place_of_a_service_is_undone() {
    let world = reached(engine(), &[web("env: [A=1]")]);
    let host = MemoryHost::new(world.clone());
    let report = applied(&host, &web("env: [EXIT=0]"), Mode::Apply).unwrap();
    assert!(report.errors[0].message.contains("the old one is back"), "{report:?}");
    assert_eq!(looks(&world), looks(&host.world()));

    let host = MemoryHost::new(engine());
    let document = read("containers: {web: {image: 'db:1', ips: 10.2.1.4/24, options: {env: [EXIT=0]}}}");
    let report = applied(&host, &document, Mode::Apply).unwrap();
    assert!(report.errors[0].message.contains("ended with exit code 0"), "{report:?}");
    assert_eq!(looks(&engine()), looks(&host.world()));
}

/// With and without `--rm`, after a change that needs a new container.
fn removed_as_it_stops() -> (World, HostDocument) {
    (reached(engine(), &[web("rm: true, env: [A=1]")]), web("rm: true, env: [A=2]"))
}

#[test]
fn one_that_goes_as_it_stops_is_made_anew_with_its_data() {
    let (world, document) = removed_as_it_stops();
    let check = applied(&MemoryHost::new(world.clone()), &document, Mode::Check).unwrap();
    assert!(check.warnings[0].contains("made with `--rm`"), "{check:?}");
    let host = MemoryHost::new(world.clone());
    let report = applied(&host, &document, Mode::Apply).unwrap();
    assert!(report.is_ok() && report.changed, "{report:?}");
    assert_eq!(report.steps, check.steps);
    assert!(lost_volumes(&world, &host.world()).is_empty());
    assert_eq!(identity(&world, "web").unwrap().1, identity(&host.world(), "web").unwrap().1);
    assert!(!applied(&host, &document, Mode::Apply).unwrap().changed);
    // It cannot be there and not run, and it can go.
    let stopped = read("containers: {web: {image: 'db:1', options: {env: [A=2]}, state: stopped, on_change: ignore}}");
    let report = applied(&host, &stopped, Mode::Apply).unwrap();
    assert_eq!(report.errors[0].kind, ErrorKind::Conflict, "{report:?}");
    let report = applied(&host, &read("containers: {web: {ensure: absent}}"), Mode::Apply).unwrap();
    assert!(report.is_ok() && report.changed, "{report:?}");
    assert!(!host.world().engine.containers.contains_key("web"));
}

#[test]
fn wherever_that_fails_or_is_killed_the_next_run_does_it_with_its_data() {
    let (world, document) = removed_as_it_stops();
    let whole = MemoryHost::new(world.clone());
    assert!(applied(&whole, &document, Mode::Apply).unwrap().is_ok());
    let steps = whole.asked().containers;
    let stop = steps.iter().position(|step| matches!(step, ContainerStep::Stop { .. })).unwrap();
    for (at, step) in steps.iter().enumerate() {
        let failed = faulty(&world, Faults { container: Some(at), ..Faults::default() });
        let report = applied(&failed, &document, Mode::Apply).unwrap();
        assert_eq!(report.errors.len(), 1, "{step}: {report:?}");
        if at <= stop {
            assert_eq!(looks(&world), looks(&failed.world()), "{step}");
            assert_eq!(identity(&world, "web"), identity(&failed.world(), "web"));
        } else {
            assert!(report.errors[0].left[0].contains("made with --rm"), "{step}: {report:?}");
        }
        let killed = faulty(&world, Faults { killed: Some(at), ..Faults::default() });
        assert!(apply(&killed, &document, Mode::Apply).is_none());
        for broken in [failed, killed] {
            assert!(lost_volumes(&world, &broken.world()).is_empty(), "{step}");
            let again = MemoryHost::new(broken.world().clone());
            let report = applied(&again, &document, Mode::Apply).unwrap();
            assert!(report.is_ok(), "{step}: {report:?}");
            assert_eq!(looks(&whole.world()), looks(&again.world()), "{step}");
            assert_eq!(identity(&world, "web").unwrap().1, identity(&again.world(), "web").unwrap().1);
            nothing_is_left(&again.world()).unwrap();
        }
    }
}

#[test]
fn whoever_is_bound_to_one_that_ends_is_told_of() {
    let mut world = reached(engine(), &[read("containers: {db: {image: 'db:1'}}")]);
    let body = json!({"Image": "app:1", "HostConfig": {"Links": ["db:database"]}});
    let create = ContainerStep::Create { name: "shop".into(), platform: None, body, line: String::new() };
    world.execute_container(&create).unwrap();
    world.execute_container(&ContainerStep::Start { name: "shop".into() }).unwrap();
    let anew = "db: {image: 'db:1', options: {env: [A=2]}}";
    let documents = [format!("containers: {{{anew}}}"), "containers: {db: {ensure: absent}}".to_owned()];
    for document in documents {
        for mode in [Mode::Check, Mode::Apply] {
            let report = applied(&MemoryHost::new(world.clone()), &read(&document), mode).unwrap();
            let warned = |warning: &String| warning.contains("container shop is bound to db by `--link`");
            assert_eq!(report.warnings.iter().filter(|warning| warned(warning)).count(), 1, "{document}: {report:?}");
        }
    }
    // One that weave makes anew, too, is not.
    let both = |env: &str| {
        read(&format!(
            "containers: {{db: {{image: 'db:1', options: {{env: [{env}]}}}}, web: {{image: 'app:1', options: {{link: db}}}}}}"
        ))
    };
    let host = MemoryHost::new(reached(engine(), &[both("A=1")]));
    let report = applied(&host, &both("A=2"), Mode::Apply).unwrap();
    assert!(report.is_ok() && report.warnings.is_empty(), "{report:?}");
}

#[test]
fn a_change_that_comes_to_nothing_is_told_once_and_not_as_a_change() {
    let mut world = reached(engine(), &[web("cpu_shares: 256, pids_limit: 10")]);
    world.engine.inert.insert("CpuShares");
    let host = MemoryHost::new(world);
    let document = web("cpu_shares: 512, pids_limit: 20");
    for changed in [true, false] {
        let report = applied(&host, &document, Mode::Apply).unwrap();
        assert!(report.is_ok(), "{report:?}");
        assert_eq!((report.changed, report.changes.len()), (changed, usize::from(changed)), "{report:?}");
        let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
        assert!(warning.contains("container web") && warning.contains("cpu_shares"), "{warning}");
    }
}
