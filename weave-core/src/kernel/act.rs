//! DO: the steps of a plan in their order. Those for the kernel that follow one another are done by one worker; those
//! for the engine and for a classic router come in between, each when its turn is.

use std::sync::Arc;

use super::execute::Worker;
use super::numbers::{Links, Numbers};
use super::{Kernel, job};
use crate::Result;
use crate::host::{Host, OnError, Outcome};
use crate::plan::Step;
use crate::plan::container::ContainerStep;
use crate::progress::Progress;

/// Steps that are done in a few milliseconds.
const FEW: usize = 64;

impl Kernel {
    pub(super) async fn act(&self, steps: Arc<Vec<Step>>, on_error: OnError) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(steps.len());
        let (mut links, mut started) = (None, None);
        while let Some(step) = steps.get(outcomes.len()) {
            let done = match step {
                Step::Engine(step) => {
                    if let ContainerStep::Start { name } = &**step {
                        started = Some(name.as_str());
                    }
                    self.act_on_container(step).await
                }
                Step::Control(step) => match on_error {
                    OnError::Stop => self.cancel.or("router", self.ask_router(step, started)).await,
                    // What is put back is waited for.
                    OnError::Continue => self.ask_router(step, started).await,
                },
                _ => {
                    let run = Run { steps: Arc::clone(&steps), begin: outcomes.len(), on_error };
                    outcomes.extend(self.run(run, &mut links).await);
                    if on_error == OnError::Stop && !matches!(outcomes.last(), Some(Outcome::Done)) {
                        break;
                    }
                    continue;
                }
            };
            let failed = done.is_err();
            outcomes.push(done.map_or_else(Outcome::Failed, |()| Outcome::Done));
            self.tell(&Progress::Steps { done: outcomes.len(), total: steps.len() });
            if failed && on_error == OnError::Stop {
                break;
            }
        }
        outcomes.resize(steps.len(), Outcome::Skipped);
        outcomes
    }

    async fn act_on_container(&self, step: &ContainerStep) -> Result<()> {
        for warning in self.execute_container(step).await? {
            tracing::warn!(%step, %warning, "the engine warns");
        }
        Ok(())
    }

    /// Does the steps for the kernel from where `run` begins to the next that is not for it. `links` go from one run to
    /// the next: a bridge may have been made or have gone.
    async fn run(&self, run: Run, links: &mut Option<Links>) -> Vec<Outcome> {
        let (count, host, watcher) = (run.own().len(), Arc::clone(&self.host), self.watcher.clone());
        let (held, links_now) = {
            let known = self.known();
            let all = || Links {
                numbers: Numbers::free(&known.indexes, 2 * run.steps.len()),
                indexes: known.bridges.clone(),
            };
            (Arc::clone(&known.held), links.take().unwrap_or_else(all))
        };
        let work = move || {
            let tell = |done| {
                if let Some(watcher) = &watcher {
                    watcher(&Progress::Steps { done: run.begin + done, total: run.steps.len() });
                }
            };
            Ok(Worker::new(host, held, links_now)?.run(run.own(), run.on_error, tell))
        };
        let done = match if count > FEW { job::start(&self.host, work) } else { job::soon(&self.host, work) } {
            Ok(job) => job.wait().await,
            Err(error) => Err(error),
        };
        match done {
            Ok((outcomes, links_then)) => {
                *links = Some(links_then);
                outcomes
            }
            Err(error) => {
                let mut outcomes = vec![Outcome::Failed(error)];
                outcomes.resize(count, Outcome::Skipped);
                outcomes
            }
        }
    }
}

/// Steps for the kernel that follow one another.
struct Run {
    steps: Arc<Vec<Step>>,
    begin: usize,
    on_error: OnError,
}

impl Run {
    fn own(&self) -> &[Step] {
        let rest = self.steps.get(self.begin..).unwrap_or_default();
        let is_other = |step: &Step| matches!(step, Step::Engine(_) | Step::Control(_));
        // The first is this run's in any case.
        let others = rest.iter().skip(1).position(is_other);
        others.map_or(rest, |others| rest.split_at(1 + others).0)
    }
}
