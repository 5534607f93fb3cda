//! Steps of a move as the command lines they equal.

use super::act::Run;
use crate::carry;
use crate::names;
use crate::plan::migration::{Move, Restart};

/// The lines that do the same as `step`.
pub(super) fn lines(run: &Run<'_>, step: &Move) -> Vec<String> {
    let name = &run.spec.name;
    let (from, to) = (run.from.docker(), run.to.docker());
    let image = || run.source.as_ref().and_then(|source| source.config["Image"].as_str()).unwrap_or_default();
    let update =
        |docker: &str, restart: &Restart| vec![format!("{docker} update --restart={} {name}", policy(restart))];
    match step {
        Move::CarryImage if run.image_was_there == Some(true) => Vec::new(),
        Move::CarryImage => vec![format!("{from} save {} | {to} load", image())],
        Move::MakeVolumes => {
            let volumes = run.named_volumes().unwrap_or_default();
            volumes.iter().map(|volume| format!("{to} volume create {volume}")).collect()
        }
        Move::MakeTarget => vec![format!("{to} create --name {name} {}  # as on {}", image(), run.from.name)],
        Move::FirstPass => passes(run, "while it runs"),
        Move::LastPass => passes(run, if run.wishes().live_copy { "what changed since" } else { "all" }),
        Move::HoldSource => update(&from, &Restart::no()),
        Move::StopSource => match run.spec.timeout {
            Some(seconds) => vec![format!("{from} stop --time {seconds} {name}")],
            None => vec![format!("{from} stop {name}")],
        },
        Move::StartTarget => vec![format!("{to} start {name}")],
        Move::AttachTarget => attachments(run, &run.to.name),
        Move::Prove => Vec::new(),
        Move::FreeTarget => run.journal().map(|journal| update(&to, &journal.restart)).unwrap_or_default(),
        Move::GiveUpSource if run.spec.remove_source => vec![format!("{from} rm {name}")],
        Move::GiveUpSource => vec![format!("{from} rename {name} {}", names::moved(name))],
        Move::HoldTarget => update(&to, &Restart::no()),
        Move::StopTarget => vec![format!("{to} stop {name}")],
        Move::StartSource => vec![format!("{from} start {name}")],
        Move::AttachSource => attachments(run, &run.from.name),
        Move::FreeSource { restart } => update(&from, restart),
        Move::RemoveTarget { .. } => vec![format!("{to} rm {name}")],
    }
}

fn passes(run: &Run<'_>, which: &str) -> Vec<String> {
    let mounts = run.source.as_ref().and_then(|source| source.mounts.as_array()).into_iter().flatten();
    let copied = mounts.filter(|mount| match mount["Type"].as_str() {
        Some("volume") => run.spec.volumes,
        Some("bind") => run.spec.binds && !mount["Source"].as_str().is_some_and(carry::is_system),
        _ => false,
    });
    let places = copied.filter_map(|mount| mount["Destination"].as_str());
    places.map(|place| format!("tar -cC {place} . | tar -xC {place}  # {}, {which}", run.spec.name)).collect()
}

fn attachments(run: &Run<'_>, host: &str) -> Vec<String> {
    let interfaces = run.journal().map(|journal| journal.interfaces.as_slice()).unwrap_or_default();
    let line = |attach: &crate::spec::Attach| {
        let ips: Vec<String> = attach.ips.iter().map(ToString::to_string).collect();
        format!("weave attach --interface {} {} {}  # on {host}", attach.interface, ips.join(" "), attach.container)
    };
    interfaces.iter().map(line).collect()
}

fn policy(restart: &Restart) -> String {
    match restart.retries {
        0 => restart.name.clone(),
        retries => format!("{}:{retries}", restart.name),
    }
}
