//! Addresses that a router allocates: asked for before anything is planned, so that the plan knows them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Mode;
use crate::host::Host;
use crate::observed::{NetnsId, Observed, Target};
use crate::plan::{AttachmentIntent, Books, ControlStep, Intent, RouterIntent, Step, holder};
use crate::spec::{Attach, Cidr, ContainerRef};
use crate::{Error, ErrorKind, Result};

/// Whether an address is asked for that nobody can give yet, because the router only comes, or comes back, with this very
/// intent.
pub(super) fn waits_for_router(intent: &Intent, before: &Observed) -> bool {
    let fit = Books::of(before).is_some_and(|books| books.fit(intent));
    let silent = before.classic.as_ref().is_some_and(|classic| classic.report.is_err());
    let returns = silent && matches!(intent.router, RouterIntent::Needed | RouterIntent::Present(_));
    !fit && (intent.will_allocate() || returns) && intent.attachments.iter().any(asks)
}

/// Whether anybody asks for an address.
pub(super) fn is_asked(intent: &Intent) -> bool {
    intent.attachments.iter().any(asks)
}

/// The same without those that ask for addresses.
pub(super) fn without_requests(intent: &Intent) -> Intent {
    let attachments = intent.attachments.iter().filter(|wish| !asks(wish)).cloned().collect();
    Intent { attachments, ..intent.clone() }
}

fn asks(wish: &AttachmentIntent) -> bool {
    match wish {
        AttachmentIntent::Add(spec) | AttachmentIntent::Exact(spec) => !spec.ips.requests.is_empty(),
        AttachmentIntent::Remove(_) => false,
    }
}

/// What came of the requests.
#[derive(Default)]
pub(super) struct Settled {
    /// What equals the allocations: done already, to be undone with the rest.
    pub(super) claims: Vec<Step>,
    /// Who got no address, and why.
    pub(super) problems: Vec<(ContainerRef, Error)>,
}

/// Puts the addresses that were allocated in the place of requests. A check asks for nothing, and leaves the request.
///
/// # Errors
/// As the router says; then nothing is allocated.
pub(super) async fn settle<H: Host>(
    host: &H,
    intent: &mut Intent,
    before: &mut Observed,
    mode: Mode,
) -> Result<Settled> {
    let mut settled = Settled::default();
    if !Books::of(before).is_some_and(|books| books.fit(intent)) {
        if mode == Mode::Apply && intent.will_allocate() {
            let why = before.classic.as_ref().and_then(|classic| classic.report.as_ref().err());
            let why = why.map_or("the router does not allocate from the range that it was given", String::as_str);
            return Err(Error::new(ErrorKind::Router, "ipalloc_range", why).hint("`docker logs` shows its own words"));
        }
        return Ok(settled);
    }
    let twice = twice(intent, before);
    for wish in intent.attachments.iter_mut().filter(|wish| asks(wish)) {
        let (AttachmentIntent::Add(spec) | AttachmentIntent::Exact(spec)) = wish else { continue };
        // The plan refuses one of its names, and what is asked for under it would be nobody's.
        if twice.contains(&spec.container) {
            spec.ips.requests.clear();
            let message = "is named twice, and it is not clear which of its names asks for an address";
            let error = Error::invalid(format!("containers.{}", spec.container), message);
            settled.problems.push((spec.container.clone(), error.hint("name each container once")));
            continue;
        }
        let Err(error) = one(host, spec, before, mode, &mut settled.claims).await else { continue };
        if !intent.each_by_itself {
            release(host, settled.claims).await;
            return Err(error);
        }
        settled.problems.push((spec.container.clone(), error));
    }
    let failed = |wish: &AttachmentIntent| settled.problems.iter().any(|(name, _)| name == wish.container());
    intent.attachments.retain(|wish| !failed(wish));
    Ok(settled)
}

/// Containers whose namespace has another name in `intent`, too.
fn twice(intent: &Intent, before: &Observed) -> BTreeSet<ContainerRef> {
    let mut names: BTreeMap<NetnsId, BTreeSet<&ContainerRef>> = BTreeMap::new();
    for wish in &intent.attachments {
        if let Some(Target::Found(net)) = before.targets.get(wish.container()) {
            names.entry(net.netns).or_default().insert(wish.container());
        }
    }
    names.into_values().filter(|names| names.len() > 1).flatten().cloned().collect()
}

async fn one<H: Host>(
    host: &H,
    spec: &mut Attach,
    before: &mut Observed,
    mode: Mode,
    claims: &mut Vec<Step>,
) -> Result<()> {
    let Some(Target::Found(net)) = before.targets.get(&spec.container) else { return Ok(()) };
    let id = holder(net);
    let Some(books) = Books::of(before) else { return Ok(()) };
    let control = books.control;
    let mut left = Vec::new();
    let mut new: Vec<Cidr> = Vec::new();
    for request in &spec.ips.requests {
        books.check(*request)?;
    }
    for request in std::mem::take(&mut spec.ips.requests) {
        match Books::of(before).and_then(|books| books.allocated(&id, request)) {
            Some(address) => spec.ips.addresses.0.push(address),
            None if mode == Mode::Check => left.push(request),
            None => match host.allocate(control, &id, request).await {
                Ok(address) => {
                    spec.ips.addresses.0.push(address);
                    new.push(address);
                    let (id, address) = (id.clone(), Some(address));
                    claims.push(Step::Control(Box::new(ControlStep::Allocate { control, id, request, address })));
                }
                Err(error) => return Err(error.within(&format!("containers.{}", spec.container))),
            },
        }
    }
    spec.ips.requests = left;
    spec.ips.addresses.0.dedup();
    if let Some(owned) = before.classic.as_mut().and_then(|classic| classic.owned.as_mut()) {
        owned.entry(id).or_default().extend(new);
    }
    Ok(())
}

/// Gives back what was allocated for something that comes to nothing.
pub(super) async fn release<H: Host>(host: &H, claims: Vec<Step>) {
    let back: Vec<Step> = claims
        .iter()
        .rev()
        .filter_map(|step| match step {
            Step::Control(claim) => claim.undo().map(|back| Step::Control(Box::new(back))),
            _ => None,
        })
        .collect();
    // What cannot be given back is claimed again by the next run, under the same name.
    drop(host.execute(Arc::new(back), crate::host::OnError::Continue).await);
}
