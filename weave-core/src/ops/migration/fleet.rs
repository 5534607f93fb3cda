//! Containers of a fleet whose document has them on this host, and that still are on another one.

use super::act::Run;
use super::{Report, under_lock};
use crate::apply::Mode;
use crate::docker::Engine;
use crate::kernel::Kernel;
use crate::observed::{Container, ContainerScope};
use crate::ops::host;
use crate::spec::{Ensure, HostDocument, Migrate};
use crate::{Error, ErrorKind, Result};

/// Makes the host what the document says, and fetches the containers that are to move here.
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
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for (name, engines) in std::mem::take(&mut document.moves.fetched) {
        match find(kernel, &name, &engines).await {
            Ok(None) => {}
            Ok(Some(address)) => found.push((name, address)),
            Err(error) => {
                errors.push(error.op("apply").report());
                document.leave_out(&name);
            }
        }
    }
    if found.is_empty() {
        let mut report = host::apply(kernel, &document, mode).await?;
        report.errors.extend(errors);
        return Ok(report);
    }
    // They come into a network, which this host may not have yet.
    let mut first = document.clone();
    found.iter().for_each(|(name, _)| first.leave_out(name));
    let mut reports = vec![host::apply(&kernel.afresh(), &first, mode).await?];
    kernel.let_go();
    for (name, address) in found {
        match fetch(kernel, &name, address, mode, document.router.is_some()).await {
            Ok(report) => reports.push(report),
            Err(error) => {
                errors.push(error.op("apply").report());
                document.leave_out(&name);
            }
        }
    }
    // What they will be like here is known when they are.
    let last = if mode == Mode::Check { reports.remove(0) } else { host::apply(kernel, &document, mode).await? };
    let mut all = join(last, reports, mode);
    all.errors.extend(errors);
    Ok(all)
}

/// One report of several, in the order in which it was or will be done: `last` with those that were done before it, or
/// that are done after it, in a plan.
fn join(last: Report, others: Vec<Report>, mode: Mode) -> Report {
    let mut all = last;
    let (mut changes, mut steps, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let own = (std::mem::take(&mut all.changes), std::mem::take(&mut all.steps), std::mem::take(&mut all.warnings));
    let mut parts: Vec<_> = others.into_iter().map(|other| (other.changes, other.steps, other.warnings)).collect();
    parts.insert(if mode == Mode::Check { 0 } else { parts.len() }, own);
    for part in parts {
        changes.extend(part.0);
        steps.extend(part.1);
        warnings.extend(part.2);
    }
    // The same is said of the host before and after.
    let mut said = std::collections::BTreeSet::new();
    warnings.retain(|warning| said.insert(warning.clone()));
    all.changed = !steps.is_empty();
    Report { changes, steps, warnings, ..all }
}

async fn fetch(kernel: &Kernel, name: &str, from: String, mode: Mode, network_comes: bool) -> Result<Report> {
    let spec = Migrate { from: Some(from), ..Migrate::new(name) };
    let mut run = Run::new(kernel, &spec)?;
    run.network_comes = network_comes && mode == Mode::Check;
    under_lock(run, mode).await
}

/// Where one is to be fetched from; nowhere if it is here, or on no host.
async fn find(kernel: &Kernel, name: &str, engines: &[String]) -> Result<Option<String>> {
    let scope = ContainerScope { names: vec![name.to_owned()], moves: true, ..ContainerScope::default() };
    let here = kernel.engine().look_at_containers(&scope).await?;
    if here.containers.contains_key(name) && !here.moves.contains(name) {
        // Whatever becomes of it here is no matter of other hosts any more.
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
        [address] => Ok(Some((*address).clone())),
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
