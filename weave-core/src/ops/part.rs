//! The part of a document that needs no engine: the network alone.

use std::borrow::Cow;

use super::{Report, checked, classic, container};
use crate::apply::{Converged, Expected, Mode, converge_locked, look};
use crate::host::Host;
use crate::observed::{ContainerScope, Scope};
use crate::plan::{AttachmentIntent, Intent, RouterIntent};
use crate::spec::{Attach, ContainerRef, Ensure, HostDocument};
use crate::{Result, names};

/// What a watch is called where operations are.
pub(crate) const WATCH: &str = "watch";

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

/// All of a document, for a watch: containers that do not run although weave does not run them are no problem. Those
/// that a fleet moves here are fetched by `apply` alone, since that may take hours.
pub(crate) async fn document<H: Host>(host: &H, document: &HostDocument) -> Result<Report> {
    let (document, absent) = without_those_to_fetch(host, document).await?;
    let (mut report, _) = container::converge_intent(host, WATCH, &document, intent(&document), Mode::Apply).await?;
    let told = |name| format!("{name} is to move here, which a watch does not do: run `weave apply` with the document");
    report.warnings.extend(absent.into_iter().map(told));
    Ok(report)
}

/// The document without containers that would have to be fetched, and which those are.
async fn without_those_to_fetch<'a, H: Host>(
    host: &H,
    document: &'a HostDocument,
) -> Result<(Cow<'a, HostDocument>, Vec<String>)> {
    let names: Vec<String> = document.moves.fetched.keys().cloned().collect();
    if names.is_empty() {
        return Ok((Cow::Borrowed(document), names));
    }
    let scope = ContainerScope { names: names.clone(), ..ContainerScope::default() };
    let there = host.observe_containers(&scope).await?.containers;
    let absent: Vec<String> = names.into_iter().filter(|name| !there.contains_key(name)).collect();
    let mut document = document.clone();
    for name in &absent {
        document.leave_out(name);
    }
    Ok((Cow::Owned(document), absent))
}

/// The network of a document, and these attachments besides, for a watch that has the lock. With the `engine`, a router
/// in a container and its peers belong to it.
pub(crate) async fn network_locked<H: Host>(
    host: &H,
    document: &HostDocument,
    attachments: impl IntoIterator<Item = Attach>,
    engine: bool,
) -> Result<Converged> {
    let attachments: Vec<_> = attachments.into_iter().map(AttachmentIntent::Exact).collect();
    let wish = |part: &HostDocument| {
        let mut intent = intent(part);
        intent.attachments.extend_from_slice(&attachments);
        intent
    };
    let mut with_router = None;
    if engine && document.router_in_container() {
        match bring(host, wish(&document.network_with_router())).await {
            Ok(done) => return Ok(done),
            Err(error) => with_router = Some(error),
        }
    }
    // A router that cannot be served is no reason to leave all else.
    let (part, warning) = cut(host, document).await?;
    let mut rest = wish(&part);
    if document.router_in_container() && rest.router == RouterIntent::Needed {
        // There is a bridge, and whatever else belongs to the router waits for it.
        rest.router = RouterIntent::Leave;
    }
    match (bring(host, rest).await, with_router) {
        (Ok(mut done), None) => {
            done.plan.warnings.extend(warning);
            Ok(done)
        }
        (Ok(mut done), Some(error)) => {
            let name = document.router.as_ref().and_then(|router| router.name.as_deref()).unwrap_or(names::ROUTER);
            done.plan.problems.push((ContainerRef::Container(name.into()), error));
            Ok(done)
        }
        (Err(_), Some(error)) | (Err(error), None) => Err(error),
    }
}

async fn bring<H: Host>(host: &H, mut intent: Intent) -> Result<Converged> {
    classic::enter(host, &mut intent).await?;
    converge_locked(host, &intent, Mode::Apply, &Expected::default()).await
}

/// Interfaces of containers alone, for a watch that has the lock. Where there is no network yet, they are problems.
pub(crate) async fn attachments_locked<H: Host>(host: &H, attachments: Vec<Attach>) -> Result<Converged> {
    let attachments = attachments.into_iter().map(AttachmentIntent::Exact).collect();
    let intent = Intent { attachments, each_by_itself: true, only_running: true, ..Intent::default() };
    converge_locked(host, &intent, Mode::Apply, &Expected::default()).await
}

/// The report of a watch, which has no use for the state.
pub(crate) fn told(done: Converged) -> Report {
    Report { state: None, ..Report::of(WATCH, Mode::Apply, done) }
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
fn intent(part: &HostDocument) -> Intent {
    Intent { only_running: true, ..Intent::from(part) }
}
