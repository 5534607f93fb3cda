//! DO: runs a plan, keeps a journal of what succeeded, undoes backwards on an error, and looks again at the end.

mod allocate;
pub(crate) mod containers;
mod journal;
mod lanes;
mod lock;

use std::borrow::{Borrow, Cow};
use std::fmt::Write as _;
use std::sync::Arc;

use allocate::Settled;
use journal::{Batch, Journal};
pub(crate) use lock::is_held_by_another;
pub use lock::{Lock, run_dir};

use crate::host::{Host, Owner};
use crate::observed::{AttachmentMark, Observed, Scope, Target, TargetProblem};
use crate::plan::{Intent, Plan, Step, adopted, adoption, adoption_told, lost_peers, plan};
use crate::spec::ContainerRef;
use crate::{Error, ErrorKind, Result};

/// Whether to act, or to stop after the plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Do what is missing.
    #[default]
    Apply,
    /// Say what would be done, and touch nothing.
    Check,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Converged {
    /// What was planned. In [`Mode::Apply`] its steps were done, and stand in `done`.
    pub plan: Plan,
    /// What was done, each step as the command line it equals.
    pub done: Vec<String>,
    /// The host afterwards; in [`Mode::Check`], and when there was nothing to do, as it was found.
    pub observed: Observed,
    /// What was looked at.
    pub scope: Scope,
}

/// How often a disturbed look, or one that does not yet show what was done, is repeated.
const TRIES: usize = 3;

/// Brings `host` to `intent`, or says how it would.
///
/// The future must be driven to its end: dropped half-way, it undoes nothing, and the next run repairs.
///
/// # Errors
/// Whatever observing, planning and doing can say. Then everything that was done is undone; what could not be undone
/// is listed in the error.
pub async fn converge<H: Host>(host: &H, intent: &Intent, operation: &str, mode: Mode) -> Result<Converged> {
    let _guard = match mode {
        Mode::Apply => Some(host.lock(operation).await?),
        Mode::Check => None,
    };
    converge_locked(host, intent, mode, &Expected::default()).await
}

/// Containers of which only the plan is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// Those that are not started yet: they count as running, with nothing in their namespaces.
    pub(crate) fresh: Vec<ContainerRef>,
    /// Those that are made anew in the same namespace: they have an id that nobody knows.
    pub(crate) renewed: Vec<ContainerRef>,
}

/// [`converge`] for a caller that has the lock, or only checks.
pub(crate) async fn converge_locked<H: Host>(
    host: &H,
    intent: &Intent,
    mode: Mode,
    expected: &Expected,
) -> Result<Converged> {
    let mut scope = intent.scope();
    let mut before = look(host, &scope).await?;
    before.targets.extend((1..).zip(&expected.fresh).map(|(number, name)| (name.clone(), Target::fresh(number, name))));
    for name in &expected.renewed {
        if let Some(Target::Found(net)) = before.targets.get_mut(name) {
            net.id = Some("0".repeat(12));
        }
    }
    let lost = lost_peers(&before);
    if !lost.is_empty() {
        scope.peers.extend(lost);
        before = look(host, &scope).await?;
    }
    let marks = adoption(intent, &before);
    if mode == Mode::Apply && !marks.is_empty() {
        return Box::pin(adopt(host, intent, marks)).await;
    }
    adopted(&marks, &mut before);
    if mode == Mode::Apply && allocate::waits_for_router(intent, &before) {
        return Box::pin(in_two(host, intent, (before, scope))).await;
    }
    let mut intent = Cow::Borrowed(intent);
    let settled = if allocate::is_asked(&intent) {
        allocate::settle(host, intent.to_mut(), &mut before, mode).await?
    } else {
        Settled::default()
    };
    let (mut done, mut journal) = carry_out(host, &intent, (before, scope), mode, settled).await?;
    done.plan.begin_with(marks);
    journal.finish(done).await
}

/// Marks what is taken over, and then goes on as with what was weave's before.
async fn adopt<H: Host>(host: &H, intent: &Intent, marks: Vec<Step>) -> Result<Converged> {
    let mut journal = Journal::of(host, Observed::default());
    if let Err(error) = journal.execute(marks.clone()).await {
        return Err(journal.undo(error).await);
    }
    match converge_locked(host, intent, Mode::Apply, &Expected::default()).await {
        Ok(mut done) => {
            done.done.splice(0..0, in_words(&marks));
            done.plan.changes.splice(0..0, adoption_told(&marks));
            Ok(done)
        }
        Err(error) => Err(journal.undo(error).await),
    }
}

/// The router first, and then who asks it for addresses.
async fn in_two<H: Host>(host: &H, intent: &Intent, (before, scope): (Observed, Scope)) -> Result<Converged> {
    let router = allocate::without_requests(intent);
    let (mut first, mut journal) =
        carry_out(host, &router, (before, scope.clone()), Mode::Apply, Settled::default()).await?;
    let mut intent = intent.clone();
    let second = async {
        let mut before = look(host, &scope).await?;
        let settled = allocate::settle(host, &mut intent, &mut before, Mode::Apply).await?;
        let (done, mut journal) = carry_out(host, &intent, (before, scope.clone()), Mode::Apply, settled).await?;
        journal.finish(done).await
    };
    match second.await {
        Ok(second) => {
            journal.last.retain(|step| !second.done.contains(&step.to_string()));
            first.plan.join(second.plan);
            first.done.extend(second.done);
            journal.finish(Converged { observed: second.observed, ..first }).await
        }
        Err(error) => Err(journal.undo(error).await),
    }
}

/// Plans, does what is missing, and looks again. What was settled is done already, and is undone with the rest.
async fn carry_out<'a, H: Host>(
    host: &'a H,
    intent: &Intent,
    (before, scope): (Observed, Scope),
    mode: Mode,
    Settled { claims, problems }: Settled,
) -> Result<(Converged, Journal<'a, H>)> {
    let mut plan = match plan(intent, &before) {
        Ok(plan) => plan,
        Err(error) => {
            allocate::release(host, claims).await;
            return Err(error);
        }
    };
    plan.problems.extend(problems);
    if mode == Mode::Check || plan.is_empty() && claims.is_empty() {
        let nothing = Journal::of(host, Observed::default());
        return Ok((Converged { plan, done: Vec::new(), observed: before, scope }, nothing));
    }
    let mut journal = Journal::of(host, before);
    if intent.each_by_itself {
        journal.note_places();
    }
    if !claims.is_empty() {
        journal.batches.push(Batch { done: claims.len(), steps: Arc::new(claims) });
    }
    match journal.run(&mut plan, intent, &scope).await {
        Ok((done, observed)) => Ok((Converged { plan, done, observed, scope }, journal)),
        Err(error) => Err(journal.undo(error).await),
    }
}

/// Looks, again if the kernel says that the answer was disturbed.
pub async fn look<H: Host>(host: &H, scope: &Scope) -> Result<Observed> {
    let mut tries = TRIES;
    loop {
        tries -= 1;
        // Boxed, as a look is long, and would be moved with every operation that waits for it.
        match Box::pin(host.observe(scope)).await {
            Err(error) if error.is_transient() && tries > 0 => {}
            result => return result,
        }
    }
}

/// Steps as the command lines they equal.
pub fn in_words<S: Borrow<Step>>(steps: impl IntoIterator<Item = S>) -> impl Iterator<Item = String> {
    let mut text = String::new();
    steps.into_iter().map(move |step| {
        text.clear();
        // Written once and copied, a text takes no more room than it needs. Writing to a `String` cannot fail.
        let _ = write!(text, "{}", step.borrow());
        text.clone()
    })
}

/// Whether it is the container itself that answers, from the namespace of its last run: the kernel takes one away some
/// time after the last process in it has ended, and until then it answers.
fn is_former_self(container: &ContainerRef, owner: &Owner, observed: &Observed) -> bool {
    let Some(Target::Found(now)) = observed.targets.get(container) else { return false };
    // By whatever it is called: name, or id.
    let is_its = |mark: &AttachmentMark| {
        let by_id = now.id.as_ref().is_some_and(|id| !mark.id.is_empty() && id.starts_with(&mark.id));
        (by_id || mark.container() == *container) && mark.inode != now.netns.inode
    };
    let mut former = observed.attachments().filter(|(_, mark)| is_its(mark));
    match &owner.link {
        Some(link) => former.any(|(host_end, _)| host_end.name == *link),
        // It went between its answer and the look at who that was.
        None => owner.peer.is_none() && former.next().is_some(),
    }
}

/// How an error says that an address was found on another host.
pub(crate) const BEHIND_PEER: &str = "behind peer";

fn taken_error(container: &ContainerRef, owner: &Owner, observed: &Observed) -> Error {
    let place = match (&owner.peer, &owner.link) {
        (Some(peer), _) => format!(" {BEHIND_PEER} {peer}"),
        (None, Some(link)) => {
            let name = observed.attachments().find(|(host, _)| host.name == *link).map(|(_, mark)| mark.container());
            name.map_or_else(
                || format!(" on this host behind {link}"),
                |name| format!(" on this host, container {name}"),
            )
        }
        (None, None) => String::new(),
    };
    let message = format!("{} is taken by {}{place}", owner.address, owner.mac);
    Error::new(ErrorKind::Conflict, container.to_string(), message)
        .hint("give another address, or detach it there; `probe: false` (`--no-probe`) attaches without asking")
}

/// A container that ended meanwhile is a problem of its own.
fn died(plan: &mut Plan, intent: &Intent, now: &Observed) -> Result<()> {
    let gone = |lane: &crate::plan::Lane| match now.targets.get(&lane.container) {
        Some(Target::Problem(problem @ (TargetProblem::NotRunning(_) | TargetProblem::Missing))) => {
            Some((lane.container.clone(), problem.clone()))
        }
        _ => None,
    };
    let dead: Vec<_> = plan.lanes.iter().filter_map(gone).collect();
    for (container, problem) in dead {
        let message = format!("{problem}: it ended while it was worked on");
        let error = Error::new(ErrorKind::ContainerNotRunning, container.to_string(), message)
            .hint("start it and run this again");
        if !intent.each_by_itself {
            return Err(error);
        }
        plan.drop_lane(&container, error);
        if intent.only_running {
            plan.problems.pop();
        }
    }
    Ok(())
}
