use std::collections::BTreeMap;

use super::plan::{UnitPlan, install, remove, remove_services, undo};
use super::texts::MARK;
use super::*;
use crate::ErrorKind;

fn wanted() -> Wanted {
    Wanted {
        program: "/usr/local/bin/weave".into(),
        built: "0.1.0: 1 bytes, of 2".into(),
        file: "/etc/weave/host.yaml".into(),
        host: None,
        bridge: "weave".into(),
        port: 6783,
        enable: true,
        start: true,
    }
}

/// A host with systemd and two of the other programs, of which one runs.
fn host() -> Units {
    Units {
        systemctl: true,
        running: true,
        neighbours: [Neighbour::Networkd, Neighbour::Udev].into(),
        awake: [Neighbour::Udev].into(),
        ..Units::default()
    }
}

/// The host after `steps`.
fn after(mut units: Units, steps: &[UnitStep]) -> Units {
    for step in steps {
        match step {
            UnitStep::Write { file, text } => drop(units.files.insert(*file, Found::Ours(text.clone()))),
            UnitStep::Remove(file) => drop(units.files.remove(file)),
            UnitStep::DaemonReload => units.services.values_mut().for_each(|state| state.stale = false),
            UnitStep::Reload(_) => {}
            UnitStep::Enable(service) => units.services.entry(*service).or_default().enabled = true,
            UnitStep::Disable(service) => units.services.entry(*service).or_default().enabled = false,
            UnitStep::Start(service) | UnitStep::Restart(service) => {
                units.services.entry(*service).or_default().activity = Activity::Running;
            }
            UnitStep::Stop(service) | UnitStep::ResetFailed(service) => {
                units.services.entry(*service).or_default().activity = Activity::Stopped;
            }
        }
    }
    units.services.retain(|service, _| units.files.contains_key(&UnitFile::Service(*service)));
    units
}

fn words(plan: &UnitPlan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

#[test]
fn all_is_written_before_systemd_hears_of_it_and_then_nothing_is_left_to_do() {
    let plan = install(&wanted(), &host()).expect("a plan");
    assert_eq!(
        words(&plan),
        [
            "install -D -m 0644 - /etc/systemd/system/weave-net.service",
            "install -D -m 0644 - /etc/systemd/system/weave-watch.service",
            "install -D -m 0644 - /etc/systemd/network/10-weave.network",
            "install -D -m 0644 - /etc/systemd/network/10-weave.link",
            "systemctl daemon-reload",
            "udevadm control --reload",
            "systemctl enable weave-net.service",
            "systemctl enable weave-watch.service",
            "systemctl start weave-net.service",
            "systemctl start weave-watch.service",
        ]
    );
    let there = after(host(), &plan.steps);
    assert_eq!(install(&wanted(), &there).expect("a plan"), UnitPlan::default());
    let gone = remove(&there);
    assert_eq!(
        words(&gone),
        [
            "systemctl stop weave-watch.service",
            "systemctl disable weave-watch.service",
            "systemctl stop weave-net.service",
            "systemctl disable weave-net.service",
            "rm /etc/systemd/system/weave-net.service",
            "rm /etc/systemd/system/weave-watch.service",
            "rm /etc/systemd/network/10-weave.network",
            "rm /etc/systemd/network/10-weave.link",
            "systemctl daemon-reload",
            "udevadm control --reload",
        ]
    );
    assert_eq!(after(there.clone(), &gone.steps), host());
    assert_eq!(remove(&host()), UnitPlan::default());
    // With the network stays what keeps others off it, once and for all.
    let kept = remove_services(&there);
    let services = words(&gone).into_iter().filter(|step| !step.contains("10-weave") && !step.contains("udevadm"));
    assert_eq!(words(&kept), services.collect::<Vec<_>>());
    assert!(kept.warnings[0].contains("/etc/systemd/network/10-weave.link stay"), "{:?}", kept.warnings);
    let left = after(there, &kept.steps);
    assert_eq!(left.files.len(), 2);
    let again = remove_services(&left);
    assert_eq!((again.steps, again.changes.len(), again.warnings), (Vec::new(), 0, kept.warnings));
    assert_eq!(after(left.clone(), &remove(&left).steps), host());
    assert_eq!(remove_services(&host()), UnitPlan::default());
}

#[test]
fn what_changed_is_read_and_started_anew() {
    let there = after(host(), &install(&wanted(), &host()).expect("a plan").steps);
    let other = Wanted { host: Some("one".into()), ..wanted() };
    let plan = install(&other, &there).expect("a plan");
    let commands: Vec<String> = words(&plan).into_iter().filter(|line| line.starts_with("systemctl")).collect();
    assert_eq!(
        commands,
        ["systemctl daemon-reload", "systemctl restart weave-net.service", "systemctl restart weave-watch.service"]
    );
    let lines = |value: &serde_json::Value| value.to_string();
    assert!(lines(&plan.changes[0].before).contains("apply --only network \\\"/etc"), "{:?}", plan.changes);
    assert!(lines(&plan.changes[0].after).contains("--host \\\"one\\\""), "{:?}", plan.changes);
    // A run that was killed before systemd heard of it.
    let mut stale = there;
    stale.services.insert(Service::Watch, ServiceState { enabled: true, activity: Activity::Running, stale: true });
    let plan = install(&wanted(), &stale).expect("a plan");
    assert_eq!(words(&plan), ["systemctl daemon-reload", "systemctl restart weave-watch.service"]);
    assert!(!plan.changes.is_empty());
}

#[test]
fn another_program_starts_the_unit_anew_that_keeps_running_it() {
    let there = after(host(), &install(&wanted(), &host()).expect("a plan").steps);
    let upgraded = Wanted { built: "0.2.0: 1 bytes, of 3".into(), ..wanted() };
    let plan = install(&upgraded, &there).expect("a plan");
    assert_eq!(
        words(&plan),
        [
            "install -D -m 0644 - /etc/systemd/system/weave-watch.service",
            "systemctl daemon-reload",
            "systemctl restart weave-watch.service",
        ]
    );
    assert_eq!(install(&upgraded, &after(there, &plan.steps)).expect("a plan"), UnitPlan::default());
}

#[test]
fn a_unit_that_ends_again_and_again_does_not_run() {
    let there = after(host(), &install(&wanted(), &host()).expect("a plan").steps);
    let with = |activity| {
        let mut units = there.clone();
        units.services.insert(Service::Watch, ServiceState { enabled: true, activity, stale: false });
        units
    };
    for activity in [Activity::Failing, Activity::Failed, Activity::Stopped] {
        let plan = install(&wanted(), &with(activity)).expect("a plan");
        assert_eq!(words(&plan), ["systemctl start weave-watch.service"], "{activity:?}");
    }
    for (activity, first) in [
        (Activity::Failing, "systemctl stop weave-watch.service"),
        (Activity::Running, "systemctl stop weave-watch.service"),
        (Activity::Failed, "systemctl reset-failed weave-watch.service"),
        (Activity::Stopped, "systemctl disable weave-watch.service"),
    ] {
        assert_eq!(words(&remove(&with(activity)))[0], first);
    }
}

/// Somebody has removed the file of a unit, and systemd goes on with it.
#[test]
fn a_unit_that_goes_on_without_its_file_is_stopped_or_started_anew() {
    let mut there = after(host(), &install(&wanted(), &host()).expect("a plan").steps);
    there.files.remove(&UnitFile::Service(Service::Watch));
    there.services.insert(Service::Watch, ServiceState { enabled: false, activity: Activity::Running, stale: true });
    let plan = install(&wanted(), &there).expect("a plan");
    assert_eq!(
        words(&plan),
        [
            "install -D -m 0644 - /etc/systemd/system/weave-watch.service",
            "systemctl daemon-reload",
            "systemctl enable weave-watch.service",
            "systemctl restart weave-watch.service",
        ]
    );
    let gone = words(&remove(&there));
    assert_eq!(gone[..2], ["systemctl stop weave-watch.service", "systemctl stop weave-net.service"]);
    assert!(gone.contains(&"systemctl daemon-reload".to_owned()), "{gone:?}");
}

#[test]
fn what_is_not_asked_for_is_left_as_it_is() {
    let quiet = Wanted { enable: false, start: false, ..wanted() };
    let plan = install(&quiet, &host()).expect("a plan");
    assert!(words(&plan).iter().all(|line| !line.contains("enable") && !line.contains("start")), "{plan:?}");
    let there = after(host(), &install(&wanted(), &host()).expect("a plan").steps);
    assert_eq!(install(&quiet, &there).expect("a plan"), UnitPlan::default());
    // Where systemd does not run, as in an image that is being made, the next boot starts them.
    let image = Units { running: false, awake: BTreeSet::default(), ..host() };
    let plan = install(&wanted(), &image).expect("a plan");
    assert!(words(&plan).contains(&"systemctl enable weave-watch.service".to_owned()));
    assert!(words(&plan).iter().all(|line| !line.contains("start") && !line.contains("reload")), "{plan:?}");
    assert!(plan.warnings[0].contains("the next boot does it"), "{plan:?}");
}

#[test]
fn what_is_of_others_is_a_conflict_and_stays() {
    for file in UnitFile::all() {
        let mut units = Units { neighbours: Neighbour::ALL.into(), ..host() };
        units.files.insert(file, Found::Foreign { masked: false });
        let error = install(&wanted(), &units).expect_err("foreign");
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Conflict, file.path()));
        assert_eq!(remove(&units), UnitPlan::default());
        units.files.insert(file, Found::Foreign { masked: true });
        let error = install(&wanted(), &units).expect_err("masked");
        assert!(error.next_step().is_some_and(|hint| hint.contains("systemctl unmask")), "{error:?}");
    }
    let error = install(&wanted(), &Units::default()).expect_err("no systemd");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.next_step().is_some_and(|hint| hint.contains("weave watch FILE")), "{error:?}");
    // What is of a program that is not there is not written.
    let units = Units { neighbours: BTreeSet::default(), ..host() };
    assert!(words(&install(&wanted(), &units).expect("a plan")).iter().all(|line| !line.contains("10-weave")));
}

#[test]
fn every_half_way_is_put_back() {
    let there = after(host(), &install(&wanted(), &host()).expect("a plan").steps);
    let other = Wanted { bridge: "br-weave".into(), ..wanted() };
    for (before, plan) in [
        (host(), install(&wanted(), &host()).expect("a plan")),
        (there.clone(), install(&other, &there).expect("a plan")),
        (there.clone(), remove(&there)),
    ] {
        for length in 0..=plan.steps.len() {
            let done = &plan.steps[..length];
            let back = undo(done, &before);
            assert_eq!(after(after(before.clone(), done), &back), before, "{done:?}: {back:?}");
        }
    }
}

#[test]
fn without_systemctl_the_files_go_all_the_same() {
    let there = after(host(), &install(&wanted(), &host()).expect("a plan").steps);
    let bare = Units { systemctl: false, running: false, services: BTreeMap::new(), ..there };
    assert!(words(&remove(&bare)).iter().all(|line| line.starts_with("rm ")), "{bare:?}");
    assert_eq!(remove(&bare).steps.len(), 4);
}

#[test]
fn words_are_as_systemd_reads_them() {
    let odd = Wanted {
        program: "/opt/of \"this\" $host/weave".into(),
        file: "/etc/100%h $HOME\\x.yaml".into(),
        host: Some("a b".into()),
        ..wanted()
    };
    let text = odd.text(UnitFile::Service(Service::Watch));
    let line = r#"ExecStart="/opt/of \"this\" $host/weave" watch --host "a b" "/etc/100%%h $$HOME\\x.yaml""#;
    assert!(text.lines().any(|one| one == line), "{text}");
}

#[test]
fn every_file_says_whose_it_is_and_names_the_interfaces_of_the_document() {
    let custom = Wanted { bridge: "br-weave".into(), port: 7000, ..wanted() };
    for file in UnitFile::all() {
        let text = custom.text(file);
        assert_eq!(text.lines().next(), Some(MARK));
        let names = ["br-weave", "vxlan-7000", "vxlan-7000b", "vethwe*"];
        let named = match file {
            UnitFile::Service(_) => continue,
            UnitFile::Neighbour(Neighbour::NetworkManager) => {
                let names = names.map(|name| format!("interface-name:{name}")).join(";");
                format!("[keyfile]\nunmanaged-devices+={names}\n")
            }
            UnitFile::Neighbour(Neighbour::Networkd) => format!("[Match]\nName={}\n", names.join(" ")),
            UnitFile::Neighbour(Neighbour::Udev) => format!("[Match]\nOriginalName={}\n", names.join(" ")),
        };
        assert!(text.contains(&named), "{text}");
    }
}
