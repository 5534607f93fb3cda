//! What is done when its time has come: under the lock, like every operation, and looking first.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Work;
use super::decide::{Begun, Outcome};
use super::kept::Kept;
use crate::Result;
use crate::apply::{Converged, look};
use crate::host::Host;
use crate::kernel::Kernel;
use crate::netlink::drop_spares;
use crate::ops::Report;
use crate::ops::part::{self, WATCH};
use crate::plan::Plan;
use crate::spec::{ContainerRef, HostDocument};

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
    /// Whether somebody else had changed the host, which is news although nothing had to be done.
    news: bool,
}

impl Done {
    pub(super) fn outcome(&self) -> Outcome {
        match &self.result {
            Err(_) => Outcome::Failed,
            Ok(report) if !report.is_ok() => Outcome::Partly,
            Ok(report) if report.changed || self.news => Outcome::Changed,
            Ok(_) => Outcome::Unchanged,
        }
    }
}

/// Does it. The future must be driven to its end, as that of every operation; only before it has the lock it may be
/// dropped.
pub(super) async fn perform(kernel: Arc<Kernel>, wanted: Wanted, begun: Begun) -> Done {
    let began = Instant::now();
    // Nothing of the last look stays, least of all open namespaces of containers that are gone.
    let Begun { work, started, thorough, .. } = begun;
    let mut kernel = kernel.afresh();
    if work == Work::Network && !thorough {
        kernel.believe_marks();
    }
    let mut news = false;
    let result = match wanted {
        Wanted::Document(document) => of_document(&kernel, &document, work, &started).await,
        Wanted::Kept(kept) => of_kept(&kernel, &kept, (work, &started), &mut news).await,
    };
    // Else a socket would keep the namespace of a container that has ended.
    drop_spares();
    let result = result.map(|report| Box::new(Report { state: None, ..report })).map_err(|error| error.op(WATCH));
    Done { result, took: began.elapsed(), news }
}

async fn of_document(
    kernel: &Kernel,
    document: &HostDocument,
    work: Work,
    started: &BTreeSet<String>,
) -> Result<Report> {
    if work == Work::Document {
        return part::document(kernel, document).await;
    }
    let _lock = kernel.lock(WATCH).await?;
    let done = match work {
        Work::Containers => {
            let named = started.iter().map(|name| ContainerRef::Container(name.as_str().into()));
            let wishes = named.filter_map(|name| Some(document.attached(&name)?.attach(name)));
            part::attachments_locked(kernel, wishes.filter(|wish| !wish.ips.is_empty()).collect()).await?
        }
        _ => part::network_locked(kernel, document, None).await?,
    };
    Ok(part::told(done))
}

async fn of_kept(
    kernel: &Kernel,
    kept: &Mutex<Kept>,
    (work, started): (Work, &BTreeSet<String>),
    news: &mut bool,
) -> Result<Report> {
    let lock = kernel.lock(WATCH).await?;
    let is_stale = inside(kept).is_stale(lock.turn());
    *news = is_stale;
    if is_stale {
        let scope = inside(kept).scope();
        let observed = look(kernel, &scope).await?;
        inside(kept).read(&observed, &scope);
    }
    inside(kept).keep_since(lock.turn());
    let host = inside(kept).host().cloned();
    let Some(host) = host else { return Ok(part::told(nothing())) };
    let done = if work == Work::Containers && !is_stale {
        let wishes = inside(kept).attachments_of(started);
        part::attachments_locked(kernel, wishes).await?
    } else {
        let wishes = inside(kept).attachments();
        part::network_locked(kernel, &host, wishes).await?
    };
    inside(kept).note(&done.observed);
    Ok(part::told(done))
}

fn nothing() -> Converged {
    Converged { plan: Plan::default(), done: Vec::new(), observed: Default::default(), scope: Default::default() }
}
