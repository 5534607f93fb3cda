//! The router's container among the steps of the plan.

use super::ClassicRouter;
use crate::observed::Observed;
use crate::plan::container::{ContainerIntent, ContainerLane, ContainerStep, Make, plan_containers};
use crate::plan::{Change, Intent, Plan, Step};
use crate::{Error, ErrorKind, Result};

/// What is asked of the router's container.
#[derive(Debug, Clone)]
pub struct ClassicIntent {
    /// How it is run.
    pub make: Make,
    /// Whether it is given a password.
    pub encrypted: bool,
    /// What the operator should know of it.
    pub warnings: Vec<String>,
}

/// The steps for the container, in the order of the plan.
#[derive(Debug, Default)]
pub(in crate::plan) struct Turn {
    /// While the network is still as it was: its image comes, and it is made.
    pub(in crate::plan) before: Vec<Step>,
    /// Once the bridge and its port are there.
    pub(in crate::plan) start: Vec<Step>,
    /// At the end: what it replaced goes.
    pub(in crate::plan) after: Vec<Step>,
    /// Whether its process is a new one.
    pub(in crate::plan) starts: bool,
}

/// Plans the container.
///
/// # Errors
/// As for all containers; `NotFound` where there is none and no image is said.
pub(in crate::plan) fn prepare(
    intent: &Intent,
    observed: &Observed,
    router: &ClassicRouter,
    plan: &mut Plan,
) -> Result<Turn> {
    if let Some(wanted) = &intent.classic {
        plan.warnings.extend(wanted.warnings.iter().cloned());
        let wanted = ContainerIntent::Run(Box::new(wanted.make.clone()));
        let Some(lane) = plan_containers(&[wanted], None, &observed.containers).pop() else {
            return Ok(Turn::default());
        };
        return turn(lane, plan);
    }
    let name = &router.mark.container;
    let Some(container) = observed.containers.containers.get(name) else {
        let message =
            format!("missing, and there is no container `{name}` to keep; allowed: such as weaveworks/weave:2.8.1");
        return Err(Error::new(ErrorKind::NotFound, "image", message).hint("say which `image` the router is run from"));
    };
    if container.runs() {
        return Ok(Turn::default());
    }
    plan.change(Change::new("router", "state", "stopped", "running"));
    let start = vec![engine(ContainerStep::Start { name: name.clone() })];
    Ok(Turn { start, starts: true, ..Turn::default() })
}

fn turn(mut lane: ContainerLane, plan: &mut Plan) -> Result<Turn> {
    if let Some(problem) = lane.problem.take() {
        return Err(problem);
    }
    plan.warnings.append(&mut lane.warnings);
    plan.changes.extend(lane.changes.drain(..).map(|change| Change { subject: "router".to_owned(), ..change }));
    let is_start = |step: &ContainerStep| matches!(step, ContainerStep::Start { .. });
    let at = lane.before.iter().position(is_start);
    let start = lane.before.split_off(at.unwrap_or(lane.before.len()));
    let steps = |steps: Vec<ContainerStep>| steps.into_iter().map(engine).collect();
    let start: Vec<Step> = steps([start, lane.start].concat());
    Ok(Turn { starts: !start.is_empty(), before: steps(lane.before), start, after: steps(lane.after) })
}

fn engine(step: ContainerStep) -> Step {
    Step::Engine(Box::new(step))
}

/// Stops it, as somebody does who wants it again.
pub(super) fn stop(name: &str) -> Step {
    engine(ContainerStep::Stop { name: name.to_owned() })
}

/// Removes it, and its nameless volume with what it knows.
pub(super) fn remove(name: &str) -> Step {
    engine(ContainerStep::Remove { name: name.to_owned(), volumes: true })
}
