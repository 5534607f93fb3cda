//! The part of a document that needs no engine: the network alone.

use super::{Report, checked, container};
use crate::Result;
use crate::apply::{Converged, Expected, Mode, converge_locked, look};
use crate::host::Host;
use crate::observed::Scope;
use crate::plan::Intent;
use crate::spec::{Ensure, HostDocument};

/// What a router in a container waits for.
const LEFT_OUT: &str = "the network of a router in a container is left to a run with the engine, and there is none yet";

/// `apply` of the network alone.
pub(super) async fn network<H: Host>(host: &H, document: &HostDocument, mode: Mode) -> Result<Report> {
    const APPLY: &str = "apply";
    checked(APPLY, document.validate())?;
    let (part, warning) = cut(host, document).await.map_err(|error| error.op(APPLY))?;
    let (mut report, _) = container::converge_intent(host, APPLY, &part, intent(&part), mode).await?;
    report.warnings.extend(warning);
    Ok(report)
}

/// The same for a caller that has the lock.
pub(crate) async fn network_locked<H: Host>(host: &H, document: &HostDocument) -> Result<Converged> {
    let (part, warning) = cut(host, document).await?;
    let mut done = converge_locked(host, &intent(&part), Mode::Apply, &Expected::default()).await?;
    done.plan.warnings.extend(warning);
    Ok(done)
}

/// What is done of the document now.
async fn cut<H: Host>(host: &H, document: &HostDocument) -> Result<(HostDocument, Option<String>)> {
    let waits = document.ensure == Ensure::Present && document.router_in_container();
    if waits && look(host, &Scope::default()).await?.bridge().is_none() {
        return Ok((HostDocument::default(), Some(LEFT_OUT.to_owned())));
    }
    Ok((document.network_only(), None))
}

/// What a document without containers that are run is after.
pub(crate) fn intent(part: &HostDocument) -> Intent {
    Intent { only_running: true, ..Intent::from(part) }
}
