//! What was done, and the way back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Converged, TRIES, died, in_words, is_former_self, look, taken_error};
use crate::host::{Host, OnError, Outcome};
use crate::observed::{NetnsId, Observed, Scope, Target, Touched};
use crate::plan::{ControlStep, Intent, Plan, Step, undo};
use crate::spec::ContainerRef;
use crate::{Error, ErrorKind, Result};

/// Links of the host that are worth to be asked for one by one, instead of all.
const FEW: usize = 16;

/// Steps that are little to keep in mind.
const FEW_STEPS: usize = 256;

/// Steps that were done together, as far as they were.
pub(super) struct Batch {
    pub(super) steps: Arc<Vec<Step>>,
    /// How many succeeded: those before the first that did not.
    pub(super) done: usize,
}

pub(super) struct Journal<'a, H> {
    host: &'a H,
    before: Observed,
    pub(super) batches: Vec<Batch>,
    /// The way back, where it was settled before the end.
    back: Option<Vec<Step>>,
    /// Where containers were at the first look, if those that start meanwhile are no reason to fail as a whole.
    seen: Option<BTreeMap<ContainerRef, (NetnsId, u32)>>,
    /// What cannot be undone, and is still to be done: a container that was replaced goes once everything else is
    /// proven. Until then it can come back.
    pub(super) last: Vec<Step>,
}

impl<'a, H: Host> Journal<'a, H> {
    pub(super) fn of(host: &'a H, before: Observed) -> Self {
        Self { host, before, batches: Vec::new(), back: None, seen: None, last: Vec::new() }
    }

    /// Takes note of where containers are: one that starts, or starts anew, from here on is in another place, and is left
    /// to the next run.
    pub(super) fn note_places(&mut self) {
        let found = |(name, target): (&ContainerRef, &Target)| match target {
            Target::Found(net) => Some((name.clone(), (net.netns, net.pid))),
            Target::Problem(_) => None,
        };
        self.seen = Some(self.before.targets.iter().filter_map(found).collect());
    }

    /// Whether a container is where it was at the first look, as far as that matters.
    fn is_same(&self, container: &ContainerRef, now: &Observed) -> bool {
        let (Some(seen), Some(Target::Found(net))) = (&self.seen, now.targets.get(container)) else { return true };
        seen.get(container) == Some(&(net.netns, net.pid))
    }

    /// Does all steps, which are many for a thousand containers: they go from the plan into the journal.
    pub(super) async fn run(
        &mut self,
        plan: &mut Plan,
        intent: &Intent,
        scope: &Scope,
    ) -> Result<(Vec<String>, Observed)> {
        self.execute(std::mem::take(&mut plan.base)).await?;
        self.probe(plan, intent).await?;
        let mut rest: Vec<Step> = Vec::with_capacity(plan.steps().count());
        rest.extend(plan.lanes.iter_mut().flat_map(|lane| std::mem::take(&mut lane.steps)));
        rest.append(&mut plan.last);
        self.last = rest.extract_if(.., |step| step.is_final()).collect();
        self.execute(rest).await?;
        self.resume(plan, intent, scope).await?;
        let touched = self.touched();
        let done = if touched.is_some() { self.told() } else { self.close() };
        Ok((done, self.verify(plan, intent, (scope, touched)).await?))
    }

    /// What can have changed of the host, where that is little: a few containers were worked on, or peers came or went.
    fn touched(&self) -> Option<Touched> {
        let steps = || self.batches.iter().flat_map(|batch| batch.steps.iter()).chain(&self.last);
        let mut touched = Touched::default();
        let little = steps().count() <= FEW_STEPS && steps().all(|step| step.touches(&mut touched));
        (little && touched.links.len() <= FEW).then_some(touched)
    }

    /// What a router knew when it was stopped is only seen once it runs again: peers that are not wanted by now, and
    /// addresses that it does not know of.
    async fn resume(&mut self, plan: &mut Plan, intent: &Intent, scope: &Scope) -> Result<()> {
        let is_ready = |step: &Step| matches!(step, Step::Control(step) if matches!(**step, ControlStep::Ready { .. }));
        if !self.batches.iter().flat_map(|batch| batch.steps.iter()).any(is_ready) {
            return Ok(());
        }
        let now = self.look_again(scope, None).await?;
        let rest = crate::plan::plan(intent, &now)?;
        self.before.paths = now.paths;
        let is_known = |container: &ContainerRef| plan.problems.iter().any(|(other, _)| other == container);
        let lanes = rest.lanes.into_iter().filter(|lane| !is_known(&lane.container));
        let steps: Vec<Step> = rest.base.into_iter().chain(lanes.flat_map(|lane| lane.steps)).collect();
        if !steps.is_empty() {
            plan.changes.extend(rest.changes);
        }
        self.execute(steps).await
    }

    /// A name may resolve to another address a moment later, ten thousand ways take their time to look up, and no step
    /// changes which ports are published where those were asked for alone: what was asked for was settled at the first
    /// look.
    async fn look_again(&mut self, scope: &Scope, touched: Option<&Touched>) -> Result<Observed> {
        let again = Scope { names: Vec::new(), paths: false, published: false, ..scope.clone() };
        let mut now = match touched {
            None => look(self.host, &again).await?,
            Some(touched) => {
                let part = Scope { firewall: false, ..again.clone() };
                match Box::pin(self.host.observe_again(&part, &self.before, touched)).await {
                    Err(error) if error.is_transient() => look(self.host, &again).await?,
                    seen => Observed { firewall: self.before.firewall.clone(), ..seen? },
                }
            }
        };
        now.names.clone_from(&self.before.names);
        now.recalled.clone_from(&self.before.recalled);
        now.paths = std::mem::take(&mut self.before.paths);
        now.published.clone_from(&self.before.published);
        Ok(now)
    }

    /// Does what cannot be undone.
    pub(super) async fn finish(&mut self, mut done: Converged) -> Result<Converged> {
        let mut last = std::mem::take(&mut self.last);
        done.done.extend(in_words(last.iter()));
        let litter: Vec<Step> = last.extract_if(.., |step| step.is_litter()).collect();
        if let Err(error) = self.execute(last).await {
            return Err(self.undo(error).await);
        }
        let litter = Arc::new(litter);
        // What is in nobody's way is no reason to go back, which nobody could by now.
        for outcome in self.host.execute(Arc::clone(&litter), OnError::Continue).await {
            if let Outcome::Failed(error) = outcome {
                done.plan.warnings.push(format!("it stays: {error}"));
            }
        }
        Ok(done)
    }

    pub(super) async fn execute(&mut self, steps: Vec<Step>) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        let steps = Arc::new(steps);
        let outcomes = self.host.execute(Arc::clone(&steps), OnError::Stop).await;
        let (mut done, mut failed) = (0, None);
        for (step, outcome) in steps.iter().zip(outcomes) {
            match outcome {
                Outcome::Done => {
                    tracing::debug!(%step, "done");
                    done += 1;
                }
                Outcome::Failed(error) => {
                    tracing::debug!(%step, %error, "failed");
                    failed.get_or_insert(error);
                }
                Outcome::Skipped => {}
            }
        }
        self.batches.push(Batch { steps, done });
        failed.map_or(Ok(()), Err)
    }

    /// Refuses containers whose addresses somebody else has.
    async fn probe(&self, plan: &mut Plan, intent: &Intent) -> Result<()> {
        let addresses: Vec<_> = plan.lanes.iter().flat_map(|lane| lane.probe.iter().copied()).collect();
        if addresses.is_empty() {
            return Ok(());
        }
        for owner in self.host.probe(&plan.bridge, &addresses).await? {
            let taken = plan.lanes.iter().find(|lane| lane.probe.contains(&owner.address));
            let Some(container) = taken.map(|lane| lane.container.clone()) else { continue };
            if is_former_self(&container, &owner, &self.before) {
                continue;
            }
            let error = taken_error(&container, &owner, &self.before);
            if !intent.each_by_itself {
                return Err(error);
            }
            plan.drop_lane(&container, error);
        }
        Ok(())
    }

    /// The same, and makes room.
    ///
    /// With a thousand new containers, the first look and the steps are large, and the way back is one step: it is
    /// settled now, and they go before the host is looked at again. What was removed is large on the way back.
    fn close(&mut self) -> Vec<String> {
        let removes = |step: &Step| matches!(step, Step::DeleteLink { .. } | Step::DeleteLinks { .. });
        if self.batches.iter().flat_map(|batch| batch.steps.iter()).any(removes) {
            return self.told();
        }
        self.back = Some(self.way_back());
        let Observed { names, recalled, paths, published, .. } = std::mem::take(&mut self.before);
        self.before = Observed { names, recalled, paths, published, ..Observed::default() };
        let mut done = Vec::with_capacity(self.batches.iter().map(|batch| batch.steps.len()).sum());
        for batch in std::mem::take(&mut self.batches) {
            done.extend(in_words(Arc::unwrap_or_clone(batch.steps)));
        }
        done
    }

    /// Says in words what was done.
    fn told(&self) -> Vec<String> {
        in_words(self.batches.iter().flat_map(|batch| batch.steps.iter())).collect()
    }

    /// Steps that put everything back, last first.
    fn way_back(&self) -> Vec<Step> {
        let done: Vec<&Step> = self.batches.iter().flat_map(|batch| batch.steps.iter().take(batch.done)).collect();
        undo(&done, &self.before)
    }

    /// Looks again: planning once more must find nothing to do.
    async fn verify(
        &mut self,
        plan: &mut Plan,
        intent: &Intent,
        (scope, touched): (&Scope, Option<Touched>),
    ) -> Result<Observed> {
        let mut left = String::new();
        for attempt in 0..TRIES {
            // What is not as it should be is looked at as a whole.
            let now = self.look_again(scope, touched.as_ref().filter(|_| attempt == 0)).await?;
            died(plan, intent, &now)?;
            let rest = crate::plan::plan(intent, &now)?;
            if !intent.only_running {
                self.refuse_started_anew(plan, &rest, &now);
            }
            let refused: BTreeSet<&ContainerRef> = plan.problems.iter().map(|(container, _)| container).collect();
            let counts = |container| !refused.contains(container) && self.is_same(container, &now);
            let lanes = rest.lanes.iter().filter(|lane| counts(&lane.container));
            let missing = rest
                .base
                .iter()
                .chain(lanes.flat_map(|lane| &lane.steps))
                .chain(&rest.last)
                .find(|step| !step.is_final() && !step.may_fail());
            match missing {
                None => {
                    plan.put_off(rest.warnings);
                    return Ok(now);
                }
                Some(step) => left = step.to_string(),
            }
            self.before.paths = now.paths;
        }
        Err(Error::new(ErrorKind::VerifyFailed, "host", format!("after all steps this is still to do: {left}"))
            .hint("something else on this host may be changing the same things; run it again, and look at the logs"))
    }

    /// A container that started anew meanwhile, as one does that fails again and again, lost what was done in it; that is
    /// its own problem, and no reason to take all the others back.
    fn refuse_started_anew(&self, plan: &mut Plan, rest: &Plan, now: &Observed) {
        let moved = |container: &&ContainerRef| !self.is_same(container, now);
        let lanes = rest.lanes.iter().filter(|lane| !lane.steps.is_empty());
        for container in lanes.map(|lane| &lane.container).filter(moved) {
            if plan.problems.iter().any(|(refused, _)| refused == container) {
                continue;
            }
            let message = "it started anew while it was worked on, and its interface went with its last run";
            let error = Error::new(ErrorKind::ContainerNotRunning, container.to_string(), message).hint(
                "run this again; see its log if it keeps starting anew; `weave watch` attaches it whenever it starts",
            );
            plan.drop_lane(container, error);
        }
    }

    /// Puts everything back; goes on where something cannot be put back, and says so.
    pub(super) async fn undo(&mut self, error: Error) -> Error {
        let steps = Arc::new(self.back.take().unwrap_or_else(|| self.way_back()));
        let outcomes = self.host.execute(Arc::clone(&steps), OnError::Continue).await;
        let failed = steps.iter().zip(outcomes).filter_map(|(step, outcome)| match outcome {
            Outcome::Failed(why) => Some(format!("{step} ({why})")),
            Outcome::Done | Outcome::Skipped => None,
        });
        let left = error.what_is_left().iter().cloned().chain(failed).collect();
        error.left(left)
    }
}
