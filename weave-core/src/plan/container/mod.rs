//! What has to be done with containers. Pure.
//!
//! ```text
//! (Run, request) -> Wish               what was asked: path -> value
//! (Wish, Container) -> [Difference]    compared by the table in `paths.rs`
//! (Make, Containers) -> left over from a killed run? put back first
//!                    -> absent: create; differs: update in place, or create anew beside it and swap; stopped: start
//! ```

mod alike;
mod bond;
mod compare;
mod held;
mod keep;
mod label;
mod leftover;
mod lookup;
mod make;
mod mounts;
mod moving;
mod paths;
mod recreate;
mod remove;
mod shape;
mod step;
#[cfg(test)]
mod tests;
mod update;
mod wish;

use std::collections::BTreeSet;

use serde_json::Value;

pub use bond::warn_of_bonds;
pub use compare::{Difference, compare};
pub(crate) use held::forget;
pub(crate) use keep::nameless;
pub use keep::{Kept, carry, kept};
pub use label::{ASKED, HOLDS, MADE, ROUTES, is_ours};
pub use make::Make;
pub use step::ContainerStep;
pub(crate) use step::Fetched;
pub use update::{InPlace, in_place};
pub use wish::Wish;

use super::Change;
use crate::observed::{Container, Containers};
use crate::spec::ContainerRef;
use crate::spec::run::{OnChange, Pull, RunState};
use crate::{Error, ErrorKind, names};

/// What shall become of a container.
#[derive(Debug, Clone)]
pub enum ContainerIntent {
    /// It is there, and as wished.
    Run(Box<Make>),
    /// It is not there.
    Remove(String),
}

impl ContainerIntent {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Run(make) => &make.wish.name,
            Self::Remove(name) => name,
        }
    }
}

/// What will be done with one container.
#[derive(Debug, Clone, Default)]
pub struct ContainerLane {
    /// Its name.
    pub name: String,
    /// Containers that have to be there before it.
    pub needs: BTreeSet<String>,
    /// Steps until it is there, before it gets its interface. They can be undone.
    pub before: Vec<ContainerStep>,
    /// Steps for the end of `before`, while it is planned.
    pub(crate) last: Vec<ContainerStep>,
    /// Steps once it has its interface, where that comes before its start: it starts. They can be undone.
    pub start: Vec<ContainerStep>,
    /// Steps once it runs and has its interface: what it replaced is removed.
    pub after: Vec<ContainerStep>,
    /// The same in the words of a document.
    pub changes: Vec<Change>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// Why nothing can be done.
    pub problem: Option<Error>,
    /// Whether it will have a process of its own, with a namespace that nobody has been in yet.
    pub fresh: bool,
    /// Whether it has a process in the end.
    pub runs: bool,
    /// Whether it has a network namespace in the end, where another container holds that.
    pub(crate) net: Option<bool>,
    /// Whether the one that is there had its interface before it started, and wants it so when it comes back.
    pub(crate) was_held: bool,
    /// Whether it ran until a run that was killed stopped it, and shall run again.
    pub(crate) resumes: bool,
    /// The ids that it has had: of the container of its name first, then of the one that this replaced.
    pub(crate) ids: Vec<String>,
    /// The ids of containers that go for good: the one that is removed, or that it takes the place of.
    pub(crate) gone: Vec<String>,
    /// Whether it takes the place of another, which must come back if it does not stay up.
    pub replaces: bool,
    /// What there is to say once the container that is there was stopped, if it does not come back then.
    pub(crate) burns: Option<String>,
}

impl ContainerLane {
    /// Whether everything is as wanted.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.start.is_empty() && self.after.is_empty()
    }

    /// Whether it can have interfaces in the end.
    pub(crate) fn has_net(&self) -> bool {
        self.net.unwrap_or(self.runs)
    }

    /// Whether a process ends, and with it the interfaces of the container.
    pub(crate) fn stops(&self) -> bool {
        self.before.iter().any(|step| matches!(step, ContainerStep::Stop { .. }))
    }

    /// What is removed goes with its nameless volumes, also those that it took over.
    pub(crate) fn with_volumes(&mut self, container: &Container) {
        for step in self.before.iter_mut().chain(&mut self.after) {
            if let ContainerStep::Remove { volumes, .. } = step {
                *volumes = true;
            }
        }
        if !self.is_empty() {
            self.after.extend(nameless(container).map(|volume| ContainerStep::DropVolume { volume }));
        }
    }

    /// What the caller calls it.
    pub fn container(&self) -> ContainerRef {
        ContainerRef::Container(self.name.as_str().into())
    }

    fn change(&mut self, field: &str, before: impl serde::Serialize, after: impl serde::Serialize) {
        self.changes.push(Change::new(format!("containers.{}", self.name), field.to_owned(), before, after));
    }
}

/// What changes of an image that is fetched.
pub(crate) const DIGEST: &str = "digest";

/// Digits of a short id, as `docker ps` shows it.
const ID_MIN: usize = 12;

/// Decides what has to be done with each of `intents`, and with all containers that weave made and that are not `named`,
/// where that is given.
pub fn plan_containers(
    intents: &[ContainerIntent],
    named: Option<&BTreeSet<String>>,
    observed: &Containers,
) -> Vec<ContainerLane> {
    let mut renewed = BTreeSet::new();
    let mut lanes = all(intents, &renewed, observed);
    loop {
        let now: BTreeSet<String> = lanes.iter().filter(|lane| lane.replaces).map(|lane| lane.name.clone()).collect();
        if now == renewed {
            break;
        }
        renewed = now;
        lanes = all(intents, &renewed, observed);
    }
    if let Some(named) = named {
        let is_router = |container: &Container| container.label(ROUTES).is_some();
        let made = observed.containers.values().filter(|container| is_ours(container) && !is_router(container));
        // What holds a network goes with the one that it holds it for.
        let own = |container: &Container| {
            held::holds(container).unwrap_or_else(|| names::swapped(&container.name)).to_owned()
        };
        // Named by its id, it is named, too.
        let is_named = |container: &Container| {
            let name = own(container);
            named
                .iter()
                .any(|other| *other == name || other.len() >= ID_MIN && container.id.starts_with(other.as_str()))
        };
        let (named, unnamed): (Vec<_>, Vec<_>) = made.partition(|container| is_named(container));
        let named: BTreeSet<String> = named.into_iter().map(own).collect();
        let unnamed: BTreeSet<String> = unnamed.into_iter().map(own).collect();
        for name in unnamed.difference(&named) {
            let mut lane = ContainerLane { name: name.clone(), ..ContainerLane::default() };
            lane.problem = remove::steps(name, observed, &mut lane).err();
            lanes.push(lane);
        }
    }
    moving::leave(lanes, observed)
}

/// Plans each by itself. Containers that are `renewed` are made anew, and so are those that are bound to them.
fn all(intents: &[ContainerIntent], renewed: &BTreeSet<String>, observed: &Containers) -> Vec<ContainerLane> {
    let one = |intent: &ContainerIntent| {
        let mut lane = ContainerLane { name: intent.name().to_owned(), ..ContainerLane::default() };
        let planned = match intent {
            ContainerIntent::Run(make) => run(make, renewed, observed, &mut lane),
            ContainerIntent::Remove(name) => remove::steps(name, observed, &mut lane),
        };
        if let Err(error) = planned {
            lane = ContainerLane { name: lane.name, problem: Some(error), ..ContainerLane::default() };
        }
        lane
    };
    intents.iter().map(one).collect()
}

fn run(make: &Make, renewed: &BTreeSet<String>, observed: &Containers, lane: &mut ContainerLane) -> Result<(), Error> {
    if let Some(holder) = &make.holder {
        return held::run(make, holder, renewed, observed, lane);
    }
    single(make, renewed, observed, lane)?;
    held::release(make, observed, lane);
    Ok(())
}

/// One container, whether it is what holds the network of another or not.
fn single(
    make: &Make,
    renewed: &BTreeSet<String>,
    observed: &Containers,
    lane: &mut ContainerLane,
) -> Result<(), Error> {
    let (wish, settings) = (&make.wish, &make.settings);
    let needs = make.needs();
    lane.needs = needs.values().flatten().cloned().collect();
    let present = leftover::put_back(&wish.name, observed, lane);
    let pulled = pull(make, observed, lane)?;
    let Some(container) = present else {
        create(make, lane);
        return Ok(());
    };
    // Should this fail, the old one needs what it was bound to.
    lane.needs.extend(linked(container));
    let mut differences = compare(wish, container, observed.images.get(&wish.image).filter(|_| !pulled));
    if pulled && !differences.iter().any(|difference| difference.option == "image") {
        differences.insert(0, newer_image(wish, container));
    }
    // The engine binds to the container, not to its name: the one that comes has another id.
    for (option, needs) in needs.iter().filter(|_| is_ours(container)) {
        let anew: Vec<&String> = needs.iter().filter(|need| renewed.contains(*need)).collect();
        if !anew.is_empty() && !differences.iter().any(|difference| difference.option == *option) {
            let after = format!("{}, made anew", anew.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "));
            differences.push(Difference {
                option: (*option).to_owned(),
                before: serde_json::json!(anew),
                after: after.into(),
            });
        }
    }
    if !differences.is_empty() && change(make, container, &differences, lane)? {
        return Ok(());
    }
    lane.runs = container.runs();
    let last = std::mem::take(&mut lane.last);
    match (settings.state, container.runs()) {
        (state, false) if state == RunState::Running || state == RunState::Created && lane.resumes => {
            lane.before.push(ContainerStep::Start { name: wish.name.clone() });
            lane.change("state", "stopped", "running");
            (lane.fresh, lane.runs) = (true, true);
        }
        (RunState::Stopped, true) if container.goes_when_it_stops() => {
            let message = "it was made with `--rm`, and the engine would remove it as it stops";
            return Err(Error::new(ErrorKind::Conflict, &wish.name, message)
                .hint("remove it with `ensure: absent`, or leave it as it is with `state: created`"));
        }
        (RunState::Stopped, true) => {
            lane.before.push(ContainerStep::Stop { name: wish.name.clone() });
            lane.change("state", "running", "stopped");
            lane.runs = false;
        }
        _ => {}
    }
    lane.before.extend(last);
    Ok(())
}

/// Containers that one is linked to: `/db:/web/alias`.
fn linked(container: &Container) -> impl Iterator<Item = String> {
    let links = container.host_config["Links"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    links.filter_map(|link| Some(link.split(':').next()?.trim_start_matches('/').to_owned()))
}

/// Fetches the image where that is wished for. Whether another one comes than is there, or was not there.
fn pull(make: &Make, observed: &Containers, lane: &mut ContainerLane) -> Result<bool, Error> {
    let wish = &make.wish;
    let image = observed.images.get(&wish.image);
    if wish.image == names::HOLDER_IMAGE {
        // It is made here, and always the same.
        lane.before.extend(image.is_none().then(|| ContainerStep::Load { image: wish.image.clone() }));
        return Ok(false);
    }
    let missing = |why: &str| Error::new(ErrorKind::NotFound, &wish.image, format!("the image is not there{why}"));
    let wanted = match (make.settings.pull, image) {
        (Pull::Never, None) => {
            let hint = "load it with `docker load` or `docker pull`, or leave out `pull: never`";
            return Err(missing(", and `pull: never` forbids to fetch it").hint(hint));
        }
        (Pull::Never, Some(_)) | (Pull::Missing, Some(_)) => false,
        (Pull::Missing, None) => true,
        (Pull::Always, image) => match (observed.latest.get(&wish.image), image) {
            (Some(Ok(latest)), Some(image)) => !image.digests.iter().any(|digest| digest.ends_with(latest.as_str())),
            (Some(Err(why)), _) => {
                let message = format!("ask the registry for its newest: {why}");
                return Err(Error::new(ErrorKind::Docker, &wish.image, message).hint(
                    "see that the registry is in reach and `docker login` was done, or leave out `pull: always`",
                ));
            }
            _ => true,
        },
    };
    if wanted {
        lane.before.push(ContainerStep::Pull { image: wish.image.clone(), platform: wish.platform.clone() });
        let before = image.and_then(|image| image.digests.first()).cloned();
        lane.changes.push(Change::new(format!("images.{}", wish.image), DIGEST, before, "pulled"));
    }
    Ok(wanted && image.is_some())
}

fn newer_image(wish: &Wish, container: &Container) -> Difference {
    let after = format!("a newer {}", wish.image);
    Difference { option: "image".to_owned(), before: container.image_id.clone().into(), after: after.into() }
}

fn create(make: &Make, lane: &mut ContainerLane) {
    let (wish, settings) = (&make.wish, &make.settings);
    lane.before.push(ContainerStep::Create {
        name: wish.name.clone(),
        platform: wish.platform.clone(),
        body: wish.request(),
        line: make.line(&wish.name),
    });
    lane.change("image", (), &wish.image);
    if settings.state == RunState::Running {
        lane.before.push(ContainerStep::Start { name: wish.name.clone() });
        (lane.fresh, lane.runs) = (true, true);
    }
    lane.change("state", (), settings.state);
}

/// Makes differences good. Whether that is all there is to do.
fn change(
    make: &Make,
    container: &Container,
    differences: &[Difference],
    lane: &mut ContainerLane,
) -> Result<bool, Error> {
    let wish = &make.wish;
    let options: BTreeSet<&str> = differences.iter().map(|difference| difference.option.as_str()).collect();
    let options = options.into_iter().collect::<Vec<_>>().join(", ");
    match make.settings.on_change {
        OnChange::Ignore => return Ok(false),
        OnChange::Report => {
            let warning = format!("container {} was made with other settings ({options}) and stays so", wish.name);
            lane.warnings.push(warning);
            return Ok(false);
        }
        OnChange::Recreate => {}
    }
    if !is_ours(container) {
        let message = format!("a container that weave did not make has other settings: {options}");
        return Err(Error::new(ErrorKind::Conflict, &wish.name, message)
            .hint("remove it (`docker rm`), choose another name, or leave it as it is with `on_change: ignore`"));
    }
    for difference in differences {
        let (before, after) = masked(difference);
        lane.change(&difference.option, before, after);
    }
    if let Some(InPlace { after, before, lasting }) = in_place(wish, container, differences) {
        let update = ContainerStep::Update { name: wish.name.clone(), after, before };
        // What cannot be taken back comes last.
        if lasting.is_empty() {
            lane.before.push(update);
        } else {
            lane.last.push(update);
        }
        return Ok(false);
    }
    recreate::steps(make, container, lane);
    Ok(true)
}

/// Variables hold secrets: their values are not shown.
fn masked(difference: &Difference) -> (Value, Value) {
    let mask = |value: &Value| match value {
        Value::Object(variables) if difference.option == "env" => {
            variables.keys().map(|name| (name.clone(), Value::from("…"))).collect()
        }
        _ => value.clone(),
    };
    (mask(&difference.before), mask(&difference.after))
}
