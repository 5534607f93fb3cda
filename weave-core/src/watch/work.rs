//! What is done when its time has come: under the lock, like every operation, and looking first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Work;
use super::decide::{Begun, Ended, Outcome};
use super::kept::Kept;
use crate::Result;
use crate::apply::{Converged, look};
use crate::host::Host;
use crate::kernel::Kernel;
use crate::netlink::drop_spares;
use crate::ops::Report;
use crate::ops::part::{self, WATCH};
use crate::plan::{Plan, published};
use crate::spec::{Attach, ContainerRef, HostDocument};

/// What shall be.
#[derive(Clone)]
pub(super) enum Wanted {
    /// A document.
    Document(Arc<HostDocument>),
    /// What was there, and what somebody made of it with weave since.
    Kept(Arc<Mutex<Kept>>),
}

impl Wanted {
    /// Whether an interface is wanted for a container of this id and name, which perhaps holds the network of another;
    /// by which name it is meant.
    pub(super) fn find(&self, id: &str, name: &str, holds: Option<&str>) -> Option<String> {
        match self {
            Self::Document(document) => {
                let containers = document.containers.iter().flat_map(|named| named.0.keys());
                let mut names = containers.filter_map(|container| match container {
                    ContainerRef::Container(own) => Some(&**own),
                    _ => None,
                });
                names.find(|own| Some(*own) == holds || *own == name || id.starts_with(own)).map(str::to_owned)
            }
            Self::Kept(kept) => inside(kept).has(id).then(|| id.to_owned()),
        }
    }

    /// Takes note that a container was removed.
    pub(super) fn forget(&self, id: &str) {
        if let Self::Kept(kept) = self {
            inside(kept).forget(id);
        }
    }
}

/// Nothing is left half written in it.
fn inside(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of it.
pub(super) struct Done {
    pub(super) result: Result<Box<Report>>,
    pub(super) took: Duration,
    found: Found,
    /// Whether anything was done to the kernel.
    acted: bool,
}

/// What was found besides what the report says.
#[derive(Default)]
struct Found {
    /// Whether somebody else had changed the host, which is news although nothing had to be done.
    news: bool,
    /// Whether ports of the host lead to containers, where that was looked at.
    publishes: Option<bool>,
}

impl Done {
    pub(super) fn ended(&self) -> Ended {
        let outcome = match &self.result {
            Err(_) => Outcome::Failed,
            Ok(report) if !report.is_ok() => Outcome::Partly,
            Ok(report) if report.changed || self.found.news => Outcome::Changed,
            Ok(_) => Outcome::Unchanged,
        };
        Ended { outcome, took: self.took, acted: self.acted, publishes: self.found.publishes }
    }
}

/// Does it. The future must be driven to its end, as that of every operation; only before it has the lock it may be
/// dropped.
pub(super) async fn perform(kernel: Arc<Kernel>, wanted: Wanted, begun: Begun) -> Done {
    let began = Instant::now();
    // Nothing of the last look stays, least of all open namespaces of containers that are gone. An engine that is away
    // has no long time for an answer.
    let mut kernel = if begun.engine { kernel.afresh() } else { kernel.in_a_hurry() };
    if begun.work == Work::Network && !begun.thorough {
        kernel.believe_marks();
    }
    let mut found = Found::default();
    let result = match wanted {
        Wanted::Document(document) => of_document(&kernel, &document, &begun, &mut found).await,
        Wanted::Kept(kept) => of_kept(&kernel, &kept, &begun, &mut found).await,
    };
    // Else a socket would keep the namespace of a container that has ended.
    drop_spares();
    let result = result.map(|report| Box::new(Report { state: None, ..report })).map_err(|error| error.op(WATCH));
    Done { result, took: began.elapsed(), found, acted: kernel.has_acted() }
}

async fn of_document(kernel: &Kernel, document: &HostDocument, begun: &Begun, found: &mut Found) -> Result<Report> {
    if begun.work == Work::Document {
        return part::document(kernel, document).await;
    }
    let _lock = kernel.lock(WATCH).await?;
    if begun.work == Work::Containers {
        let named = begun.started.iter().map(|name| ContainerRef::Container(name.as_str().into()));
        let wishes = named.filter_map(|name| Some(document.attached(&name)?.attach(name)));
        let wishes = wishes.filter(|wish| !wish.ips.is_empty()).collect();
        return Ok(part::told(part::attachments_locked(kernel, wishes).await?));
    }
    network(kernel, (document, Vec::new()), begun, found).await.map(part::told)
}

async fn of_kept(kernel: &Kernel, kept: &Mutex<Kept>, begun: &Begun, found: &mut Found) -> Result<Report> {
    let lock = kernel.lock(WATCH).await?;
    let is_stale = inside(kept).is_stale(lock.turn());
    found.news = is_stale;
    if is_stale {
        let scope = inside(kept).scope();
        let observed = look(kernel, &scope).await?;
        inside(kept).read(&observed, &scope);
    }
    inside(kept).keep_since(lock.turn());
    let host = inside(kept).host().cloned();
    let Some(host) = host else { return Ok(part::told(nothing())) };
    let done = if begun.work == Work::Containers && !is_stale {
        let wishes = inside(kept).attachments_of(&begun.started);
        part::attachments_locked(kernel, wishes).await?
    } else {
        let wishes = inside(kept).attachments();
        network(kernel, (&host, wishes), begun, found).await?
    };
    inside(kept).note(&done.observed);
    Ok(part::told(done))
}

/// The network of a document, and interfaces besides.
async fn network(
    kernel: &Kernel,
    (document, attachments): (&HostDocument, Vec<Attach>),
    begun: &Begun,
    found: &mut Found,
) -> Result<Converged> {
    let done = part::network_locked(kernel, document, attachments, begun.engine).await?;
    found.publishes = Some(!published(&done.observed).is_empty());
    Ok(done)
}

fn nothing() -> Converged {
    Converged { plan: Plan::default(), done: Vec::new(), observed: Default::default(), scope: Default::default() }
}
