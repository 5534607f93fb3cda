//! What has to be done with units. Pure.

use serde_json::Value;

use super::texts::Wanted;
use super::{Activity, Found, Neighbour, Service, UnitFile, UnitStep, Units};
use crate::plan::Change;
use crate::{Error, ErrorKind, Result};

/// What will be done.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct UnitPlan {
    /// In this order.
    pub(crate) steps: Vec<UnitStep>,
    /// The same for people.
    pub(crate) changes: Vec<Change>,
    /// What the operator should know.
    pub(crate) warnings: Vec<String>,
}

/// The subject of changes and errors.
const SUBJECT: &str = "units";

/// What makes the units as they are wanted.
///
/// # Errors
/// `Unsupported` without systemd, `Conflict` where somebody else has a file in weave's place.
pub(crate) fn install(wanted: &Wanted, units: &Units) -> Result<UnitPlan> {
    if !units.systemctl {
        return Err(Error::new(ErrorKind::Unsupported, SUBJECT, "the program `systemctl` is missing: systemd does not run this host")
            .hint("have what starts this host run `weave apply --only network FILE` before the engine, and keep `weave watch FILE` running after it"));
    }
    let mut plan = UnitPlan::default();
    let files = UnitFile::all().filter(|file| match file {
        UnitFile::Service(_) => true,
        UnitFile::Neighbour(neighbour) => units.neighbours.contains(neighbour),
    });
    let mut reload = units.services.values().any(|service| service.stale);
    let mut told: Vec<Neighbour> = Vec::new();
    let mut written: Vec<Service> = Vec::new();
    for file in files {
        let text = wanted.text(file);
        match units.files.get(&file) {
            Some(Found::Ours(there)) if *there == text => continue,
            Some(Found::Foreign { masked }) => return Err(foreign(file, *masked)),
            _ => {}
        }
        plan.changes.push(rewritten(file, units.ours(file), &text));
        plan.steps.push(UnitStep::Write { file, text });
        match file {
            UnitFile::Service(service) => {
                reload = true;
                written.push(service);
            }
            UnitFile::Neighbour(neighbour) => told.push(neighbour),
        }
    }
    if units.running {
        plan.reload(reload, written.is_empty());
    }
    // What changes its interfaces must know before there are any.
    plan.tell(units, told);
    if wanted.enable {
        for service in Service::ALL.into_iter().filter(|service| !units.service(*service).enabled) {
            plan.turn(service, "enabled", false);
            plan.steps.push(UnitStep::Enable(service));
        }
    }
    if wanted.start && units.running {
        for service in Service::ALL {
            let state = units.service(service);
            if state.activity != Activity::Running {
                plan.turn(service, "running", false);
                plan.steps.push(UnitStep::Start(service));
            } else if state.stale || written.contains(&service) {
                plan.steps.push(UnitStep::Restart(service));
            }
        }
    }
    if wanted.start && !units.running {
        plan.warnings.push("systemd does not run here: the units are not started, the next boot does it".to_owned());
    }
    Ok(plan)
}

/// What takes them away, and leaves what is not weave's.
pub(crate) fn remove(units: &Units) -> UnitPlan {
    take_away(units, |_| true)
}

/// What takes the units away from a host whose network stays: so does what keeps others off it. NetworkManager would
/// take the ports off the bridge as soon as it may.
pub(crate) fn remove_services(units: &Units) -> UnitPlan {
    let mut plan = take_away(units, |file| matches!(file, UnitFile::Service(_)));
    let kept: Vec<&str> = UnitFile::all()
        .filter(|file| matches!(file, UnitFile::Neighbour(_)) && units.ours(*file).is_some())
        .map(UnitFile::path)
        .collect();
    if !kept.is_empty() {
        plan.warnings.push(format!(
            "{} stay: without them others take the network, which is still there, for their own; `weave reset` removes both",
            kept.join(", ")
        ));
    }
    plan
}

fn take_away(units: &Units, is_meant: impl Fn(&UnitFile) -> bool) -> UnitPlan {
    let mut plan = UnitPlan::default();
    let ours = |file: &UnitFile| units.ours(*file).is_some();
    let there = |one: &Service| ours(&UnitFile::Service(*one)) || units.services.contains_key(one);
    let services: Vec<Service> = Service::ALL.into_iter().rev().filter(there).collect();
    if units.systemctl {
        for service in services.iter().copied() {
            let activity = units.service(service).activity;
            if units.running && activity.goes_on() {
                plan.turn(service, "running", true);
                plan.steps.push(UnitStep::Stop(service));
            }
            if units.running && activity == Activity::Failed {
                plan.steps.push(UnitStep::ResetFailed(service));
            }
            // systemd refuses to disable one that has no file.
            if units.service(service).enabled && ours(&UnitFile::Service(service)) {
                plan.turn(service, "enabled", true);
                plan.steps.push(UnitStep::Disable(service));
            }
        }
    }
    let mut told = Vec::new();
    for file in UnitFile::all().filter(ours).filter(is_meant) {
        plan.changes.push(Change::new(SUBJECT, file.name(), file.path(), ()));
        plan.steps.push(UnitStep::Remove(file));
        if let UnitFile::Neighbour(neighbour) = file {
            told.push(neighbour);
        }
    }
    if units.systemctl && units.running {
        plan.reload(!services.is_empty(), false);
        plan.tell(units, told);
    }
    plan
}

/// What puts everything back that `done` has changed of `before`.
pub(crate) fn undo(done: &[UnitStep], before: &Units) -> Vec<UnitStep> {
    let mut first = Vec::new();
    let mut files = Vec::new();
    let mut last = Vec::new();
    let mut reload = false;
    for step in done.iter().rev() {
        match step {
            UnitStep::Start(service) => first.push(UnitStep::Stop(*service)),
            UnitStep::Enable(service) => first.push(UnitStep::Disable(*service)),
            UnitStep::Write { file, .. } | UnitStep::Remove(file) => {
                reload |= matches!(file, UnitFile::Service(_));
                files.push(match before.ours(*file) {
                    Some(text) => UnitStep::Write { file: *file, text: text.to_owned() },
                    None => UnitStep::Remove(*file),
                });
            }
            UnitStep::DaemonReload | UnitStep::ResetFailed(_) => {}
            UnitStep::Disable(service) => last.push(UnitStep::Enable(*service)),
            UnitStep::Stop(service) => last.push(UnitStep::Start(*service)),
            UnitStep::Restart(_) | UnitStep::Reload(_) => last.push(step.clone()),
        }
    }
    let reload = (reload && before.running).then_some(UnitStep::DaemonReload);
    first.into_iter().chain(files).chain(reload).chain(last).collect()
}

impl UnitPlan {
    fn turn(&mut self, service: Service, what: &str, before: bool) {
        let name = service.name().trim_end_matches(".service");
        self.changes.push(Change::new(SUBJECT, format!("{name}.{what}"), before, !before));
    }

    /// Has systemd read the units; `alone` where nothing else would tell of it.
    fn reload(&mut self, needed: bool, alone: bool) {
        if needed {
            self.steps.push(UnitStep::DaemonReload);
        }
        if needed && alone {
            self.changes.push(Change::new(SUBJECT, "loaded", "older files", "the files that are there"));
        }
    }

    fn tell(&mut self, units: &Units, neighbours: Vec<Neighbour>) {
        let awake = neighbours.into_iter().filter(|neighbour| units.awake.contains(neighbour));
        self.steps.extend(awake.map(UnitStep::Reload));
    }
}

fn foreign(file: UnitFile, masked: bool) -> Error {
    let error = |message: &str| Error::new(ErrorKind::Conflict, file.path(), message);
    if masked {
        return error("is masked: somebody forbids this unit")
            .hint(format!("`systemctl unmask {}` allows it", file.name()));
    }
    error("is there, and was not written by weave").hint(
        "move it away and run this again; settings of your own belong into a drop-in, such as \
         /etc/systemd/system/weave-watch.service.d/own.conf",
    )
}

/// A file that is new by its path; of one that changes, the lines that differ.
fn rewritten(file: UnitFile, before: Option<&str>, after: &str) -> Change {
    let Some(before) = before else { return Change::new(SUBJECT, file.name(), (), file.path()) };
    let without = |text: &str, other: &str| -> Value {
        let other: Vec<&str> = other.lines().collect();
        text.lines().filter(|line| !other.contains(line)).collect::<Vec<_>>().into()
    };
    Change::new(SUBJECT, file.name(), without(before, after), without(after, before))
}
