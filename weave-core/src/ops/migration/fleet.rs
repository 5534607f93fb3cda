//! Containers of a fleet whose document has them on this host, and that still are on another one.

use super::{Report, migrate};
use crate::apply::Mode;
use crate::docker::Engine;
use crate::kernel::Kernel;
use crate::observed::{Container, ContainerScope};
use crate::ops::host;
use crate::plan::migration::{Journal, MIGRATES, Restart};
use crate::spec::{Ensure, HostDocument, Migrate};
use crate::{Error, ErrorKind, Result};

/// Fetches the containers that are to move here, and then makes the host what the document says.
///
/// A container that cannot be fetched is an error in the report, and nothing is done about it: another one like it might
/// run elsewhere.
///
/// # Errors
/// As [`host::apply`].
pub async fn apply(kernel: &Kernel, document: &HostDocument, mode: Mode) -> Result<Report> {
    if document.moves.fetched.is_empty() || document.ensure != Ensure::Present {
        return host::apply(kernel, document, mode).await;
    }
    let mut document = document.clone();
    let (mut reports, mut errors) = (Vec::new(), Vec::new());
    for (name, engines) in std::mem::take(&mut document.moves.fetched) {
        match fetch(kernel, &name, &engines, mode).await {
            Ok(None) => {}
            Ok(Some(report)) => {
                if mode == Mode::Check {
                    // What it will be like is known when it is here.
                    document.leave_out(&name);
                }
                reports.push(report);
            }
            Err(error) => {
                errors.push(error.op("apply").report());
                document.leave_out(&name);
            }
        }
    }
    let mut report = host::apply(kernel, &document, mode).await?;
    report.errors.extend(errors);
    for moved in reports.into_iter().rev() {
        report.changed |= moved.changed;
        report.changes.splice(..0, moved.changes);
        report.steps.splice(..0, moved.steps);
        report.warnings.splice(..0, moved.warnings);
    }
    Ok(report)
}

/// Fetches one, unless it is here or nowhere.
async fn fetch(kernel: &Kernel, name: &str, engines: &[String], mode: Mode) -> Result<Option<Report>> {
    let here = container(kernel.engine(), name).await?;
    if here.as_ref().is_some_and(has_arrived) {
        return Ok(None);
    }
    let mut found = Vec::new();
    for address in engines {
        let engine = Engine::elsewhere("engine", address, None, false)?;
        // Where nobody answers it may run.
        let there = container(&engine, name).await.map_err(|error| {
            let message = format!("whether it is still at {address} is not known: {error}");
            Error::new(ErrorKind::Docker, name, message).hint("`migrate: false` runs it here without asking")
        })?;
        found.extend(there.map(|_| address));
    }
    match found.as_slice() {
        [] => Ok(None),
        [address] => {
            let spec = Migrate { from: Some((*address).clone()), ..Migrate::new(name) };
            migrate(kernel, &spec, mode).await.map(Some)
        }
        several => {
            let all: Vec<&str> = several.iter().map(|address| address.as_str()).collect();
            let message = format!("is at {}; allowed: one of them", all.join(" and at "));
            Err(Error::new(ErrorKind::Conflict, name, message).hint("rename or remove those that are not meant"))
        }
    }
}

async fn container(engine: &Engine, name: &str) -> Result<Option<Container>> {
    let scope = ContainerScope { names: vec![name.to_owned()], ..ContainerScope::default() };
    Ok(engine.look_at_containers(&scope).await?.containers.remove(name))
}

/// Whether no move of it is under way: nobody has to be asked, then.
fn has_arrived(container: &Container) -> bool {
    match container.label(MIGRATES).and_then(Journal::read) {
        None => true,
        Some(journal) => container.runs() == journal.ran && Restart::of(&container.host_config) == journal.restart,
    }
}
