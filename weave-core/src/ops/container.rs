//! Containers that weave runs: made from data, changed when the data change, attached to the network.

use std::collections::BTreeSet;

use super::former::{self, Former};
use super::make::make;
use super::{Report, books, checked, classic};
use crate::apply::containers::{
    LaneDone, begin, came_to_nothing, finish, in_order, prove_started, resume, start, undo,
};
use crate::apply::{Expected, Mode, converge_locked};
use crate::host::Host;
use crate::names;
use crate::observed::ContainerScope;
use crate::plan::Intent;
use crate::plan::container::{ContainerIntent, ContainerLane, ROUTES, forget, plan_containers, warn_of_bonds};
use crate::spec::run::{AttachWhen, Presence, Pull};
use crate::spec::{ContainerRef, HostDocument, Named, Remove, Run, Settings};
use crate::{Error, ErrorKind, Result};

/// Runs a container: pulls its image when it is not there, makes the container, starts it, and attaches it. One that
/// is there is compared with what is asked, option by option; what can be changed in place is, else it is made anew and
/// keeps its volumes and addresses. Should the new one not start, the old one comes back.
///
/// # Errors
/// `InvalidSpec` for an option that is none; `NotFound` for an image that is nowhere; `Conflict` for a container of that
/// name that weave did not make and that has other settings; `Docker` with the engine's words; and all of
/// [`attach`](super::attachment::attach). Then everything is as it was.
pub async fn run<H: Host>(host: &H, spec: &Run, mode: Mode) -> Result<Report> {
    let container = spec.container().map_err(|error| error.op("run"))?;
    let attached = (container, spec.attached.clone());
    let document = HostDocument { containers: Some(Named([attached].into())), ..HostDocument::default() };
    alone(converge(host, "run", &document, mode).await)
}

/// Removes a container that weave made, and its interface. Its volumes stay.
///
/// # Errors
/// `Conflict` for a container that weave did not make.
pub async fn remove<H: Host>(host: &H, spec: &Remove, mode: Mode) -> Result<Report> {
    let attached = crate::spec::Attached { ensure: Presence::Absent, ..crate::spec::Attached::default() };
    let container = spec.container().map_err(|error| error.op("remove"))?;
    let document = HostDocument { containers: Some(Named([(container, attached)].into())), ..HostDocument::default() };
    alone(converge(host, "remove", &document, mode).await)
}

/// The error of the only container is that of the operation.
fn alone(done: Result<(Report, Vec<Error>)>) -> Result<Report> {
    let (report, errors) = done?;
    match errors.into_iter().next() {
        Some(error) => Err(error.op(report.operation)),
        None => Ok(report),
    }
}

/// Brings the host to what `document` says, containers first.
pub(super) async fn converge<H: Host>(
    host: &H,
    operation: &str,
    document: &HostDocument,
    mode: Mode,
) -> Result<(Report, Vec<Error>)> {
    converge_intent(host, operation, document, Intent::from(document), mode).await
}

/// The same, with an intent that was made of the document by somebody else.
pub(super) async fn converge_intent<H: Host>(
    host: &H,
    operation: &str,
    document: &HostDocument,
    intent: Intent,
    mode: Mode,
) -> Result<(Report, Vec<Error>)> {
    checked(operation, document.validate())?;
    let wanted = Wanted::of(document);
    let done = under_lock(host, operation, &wanted, intent, mode).await;
    done.map_err(|error| error.op(operation))
}

async fn under_lock<H: Host>(
    host: &H,
    operation: &str,
    wanted: &Wanted,
    mut intent: Intent,
    mode: Mode,
) -> Result<(Report, Vec<Error>)> {
    let _guard = match mode {
        Mode::Apply => Some(host.lock(operation).await?),
        Mode::Check => None,
    };
    classic::enter(host, &mut intent).await?;
    let planned = if wanted.is_empty() { Vec::new() } else { wanted.plan(host).await? };
    let mut former = Former::look(host, &planned).await?;
    let mut lanes = match mode {
        Mode::Apply => {
            former.write_down(host, &planned).await?;
            begin(host, planned).await
        }
        Mode::Check => in_order(planned).into_iter().flatten().map(LaneDone::planned).collect(),
    };
    let expected = match mode {
        Mode::Apply => Expected::default(),
        Mode::Check => expected(&lanes),
    };
    former.enter(&lanes, &mut intent);
    let served: BTreeSet<ContainerRef> =
        lanes.iter().filter(|lane| lane.error.is_some()).map(|lane| lane.lane.container()).collect();
    let network = match converge_locked(host, &intent, mode, &expected).await {
        Ok(network) => network,
        Err(error) => return Err(undo_all(host, &mut lanes, &mut former, error).await),
    };
    // Of a thousand containers this is large, and the report is, too.
    drop(intent);
    let problems = network.plan.problems.clone();
    let mut report = Report::of(operation, mode, network);
    if mode == Mode::Apply {
        prove_started(host, &mut lanes, &problems.iter().map(|(container, _)| container.clone()).collect()).await;
        unattached(host, &mut lanes, &problems).await;
        start(host, &mut lanes).await;
        finish(host, &mut lanes).await;
        former.give_back(host, &mut lanes, &served).await;
        resume(host, &mut lanes).await;
        former.strike_out(host, &lanes).await?;
        if wanted.gone {
            former::forget(host).await?;
        }
        wanted.verify(host, &mut lanes).await?;
    }
    let mut errors: Vec<Error> = lanes.iter().filter_map(|lane| lane.error.clone()).collect();
    let failed: BTreeSet<ContainerRef> =
        lanes.iter().filter(|lane| lane.error.is_some()).map(|lane| lane.lane.container()).collect();
    let others = problems.iter().filter(|(container, _)| !failed.contains(container));
    errors.extend(others.map(|(_, error)| error.clone()));
    report.add(&lanes, &errors);
    books::close(host, &lanes, mode, &mut report).await?;
    Ok((report, errors))
}

/// What will have become of containers when their interfaces are looked after.
fn expected(lanes: &[LaneDone]) -> Expected {
    let those = |which: fn(&ContainerLane) -> bool| {
        lanes.iter().filter(|lane| which(&lane.lane)).map(|lane| lane.lane.container()).collect()
    };
    Expected { fresh: those(|lane| lane.fresh), renewed: those(|lane| lane.replaces && !lane.fresh && lane.has_net()) }
}

/// A container that could not be attached is put back as it was.
async fn unattached<H: Host>(host: &H, lanes: &mut [LaneDone], problems: &[(ContainerRef, Error)]) {
    for lane in lanes.iter_mut().filter(|lane| lane.error.is_none() && lane.is_begun()) {
        let container = lane.lane.container();
        if let Some((_, error)) = problems.iter().find(|(name, _)| *name == container) {
            lane.fail(error.clone());
        }
    }
    undo(host, lanes).await;
}

async fn undo_all<H: Host>(host: &H, lanes: &mut [LaneDone], former: &mut Former, error: Error) -> Error {
    for lane in lanes.iter_mut() {
        lane.fail(error.clone());
    }
    undo(host, lanes).await;
    former.give_back(host, lanes, &BTreeSet::new()).await;
    resume(host, lanes).await;
    // The next run does it.
    let _ = former.strike_out(host, lanes).await;
    let left = lanes.iter().filter_map(|lane| lane.error.as_ref()).flat_map(|error| error.what_is_left().to_vec());
    let left: BTreeSet<String> = left.chain(error.what_is_left().to_vec()).collect();
    error.left(left.into_iter().collect())
}

/// What shall become of containers.
struct Wanted {
    runs: Vec<Settings>,
    removed: Vec<String>,
    /// Where others are purged: all that the document names, also those that weave only attaches.
    purge: Option<BTreeSet<String>>,
    /// Whether everything that weave made goes. Containers that it runs stay.
    gone: bool,
}

impl Wanted {
    fn of(document: &HostDocument) -> Self {
        let containers = document.containers.iter().flat_map(|named| &named.0);
        let absent = |(name, attached): (&ContainerRef, &crate::spec::Attached)| match name {
            ContainerRef::Container(name) if attached.ensure == Presence::Absent => Some(name.to_string()),
            _ => None,
        };
        let named = |name: &ContainerRef| match name {
            ContainerRef::Container(name) => Some(name.to_string()),
            _ => None,
        };
        let gone = document.ensure != crate::spec::Ensure::Present;
        Self {
            runs: containers.clone().filter_map(|(name, attached)| attached.run(name)).filter(|_| !gone).collect(),
            removed: containers.clone().filter_map(absent).filter(|_| !gone).collect(),
            purge: (document.purge_containers && !gone)
                .then(|| containers.filter_map(|(name, _)| named(name)).chain(document.moves.left.clone()).collect()),
            gone,
        }
    }

    fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.removed.is_empty() && self.purge.is_none() && !self.gone
    }

    async fn plan<H: Host>(&self, host: &H) -> Result<Vec<ContainerLane>> {
        if self.gone {
            let images = vec![names::HOLDER_IMAGE.to_owned()];
            let scope = ContainerScope { holders: true, routers: true, images, ..ContainerScope::default() };
            // Where there is no engine, it has no image.
            let observed = host.observe_containers(&scope).await.unwrap_or_default();
            let routers = observed.containers.values().filter(|container| container.label(ROUTES).is_some());
            let gone: Vec<_> = routers.map(|router| ContainerIntent::Remove(router.name.clone())).collect();
            let mut lanes = plan_containers(&gone, None, &observed);
            for lane in &mut lanes {
                if let Some(router) = observed.containers.get(&lane.name) {
                    lane.with_volumes(router);
                }
            }
            return Ok(forget(&observed).into_iter().chain(lanes).collect());
        }
        let observed = host.observe_containers(&self.scope()).await?;
        let mut lanes = Vec::new();
        let mut intents: Vec<ContainerIntent> = Vec::new();
        for run in &self.runs {
            match make(run, &observed) {
                Ok(make) => intents.push(ContainerIntent::Run(Box::new(make))),
                Err(error) => {
                    lanes.push(ContainerLane {
                        name: run.name.clone(),
                        problem: Some(error),
                        ..ContainerLane::default()
                    });
                }
            }
        }
        intents.extend(self.removed.iter().cloned().map(ContainerIntent::Remove));
        lanes.extend(plan_containers(&intents, self.purge.as_ref(), &observed));
        if lanes.iter().any(ContainerLane::ends) {
            let scope = ContainerScope { bonds: true, ..ContainerScope::default() };
            warn_of_bonds(&mut lanes, &host.observe_containers(&scope).await?.bonds);
        }
        Ok(lanes)
    }

    fn scope(&self) -> ContainerScope {
        let names = self.runs.iter().map(|run| &run.name).chain(&self.removed).cloned().collect();
        let mut images: BTreeSet<&str> = self.runs.iter().map(|run| &*run.image).collect();
        if self.runs.iter().any(|run| run.attach == AttachWhen::BeforeStart) {
            images.insert(names::HOLDER_IMAGE);
        }
        let latest: BTreeSet<&String> =
            self.runs.iter().filter(|run| run.pull == Pull::Always).map(|run| &run.image).collect();
        ContainerScope {
            names,
            ours: self.purge.is_some(),
            holders: false,
            images: images.into_iter().map(str::to_owned).collect(),
            latest: latest.into_iter().cloned().collect(),
            moves: true,
            ..ContainerScope::default()
        }
    }

    /// Looks again: planning once more must find nothing to do.
    async fn verify<H: Host>(&self, host: &H, lanes: &mut [LaneDone]) -> Result<()> {
        if self.gone || lanes.iter().all(|lane| lane.done.is_empty()) {
            return Ok(());
        }
        for again in self.plan(host).await? {
            let Some(lane) = lanes.iter_mut().find(|lane| lane.lane.name == again.name && lane.error.is_none()) else {
                continue;
            };
            let step = again.before.iter().chain(&again.start).chain(&again.after).next();
            if let (Some(step), false, false) = (step, lane.done.is_empty(), lane.ended) {
                if came_to_nothing(lane, &again) {
                    continue;
                }
                let message = format!("after all steps this is still to do: {step}");
                let error = Error::new(ErrorKind::VerifyFailed, &again.name, message);
                lane.error = Some(error.hint("something else on this host may be changing the same container"));
            }
        }
        Ok(())
    }
}
