//! The router's container among the steps of the plan.

use ipnetwork::IpNetwork;

use super::ClassicRouter;
use crate::observed::{Container, Observed};
use crate::plan::container::{
    ContainerIntent, ContainerLane, ContainerStep, Make, ROUTES, is_ours, nameless, plan_containers,
};
use crate::plan::{Change, Intent, Plan, Step};
use crate::{Error, ErrorKind, Result, names};

/// What is asked of the router's container.
#[derive(Debug, Clone)]
pub struct ClassicIntent {
    /// How it is run.
    pub make: Make,
    /// Whether it is given a password.
    pub encrypted: bool,
    /// The network that it allocates addresses from.
    pub range: Option<IpNetwork>,
    /// The part of it where no network is named; nothing for all of it.
    pub default_subnet: Option<IpNetwork>,
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
    /// Whether its container is a new one: it knows no peers from before.
    pub(in crate::plan) anew: bool,
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
        return Ok(in_place_of_another(observed, router, turn(lane, plan)?, plan));
    }
    let name = &router.mark.container;
    let Some(container) = observed.containers.containers.get(name) else {
        let message =
            format!("missing, and there is no container `{name}` to keep; allowed: such as weaveworks/weave:2.8.1");
        return Err(Error::new(ErrorKind::NotFound, "image", message).hint("say which `image` the router is run from"));
    };
    if !is_ours(container) && ports(container).control.is_none() {
        let message = "a container of that name exists that is no router, as far as its command tells";
        return Err(Error::new(ErrorKind::Conflict, name, message)
            .hint("give the router another `name`, and the `image` that it is run from"));
    }
    let mut turn = Turn::default();
    if !container.runs() {
        plan.change(Change::new("router", "state", "stopped", "running"));
        turn = Turn { start: vec![start(name)], starts: true, ..turn };
    }
    Ok(in_place_of_another(observed, router, turn, plan))
}

/// One that runs is started again where it takes frames from a link that is gone, or where another router was in its
/// place: that one goes.
fn in_place_of_another(observed: &Observed, router: &ClassicRouter, mut turn: Turn, plan: &mut Plan) -> Turn {
    let there = observed.router_port().map(|(_, mark)| mark.container);
    let name = &router.mark.container;
    let others: Vec<&Container> = others(observed, router, there.as_deref()).collect();
    let runs = observed.containers.containers.get(name).is_some_and(Container::runs);
    if !turn.starts && runs && (there.is_none() || others.iter().any(|other| other.runs())) {
        turn.start.splice(0..0, [stop(name), start(name)]);
        turn.starts = true;
    }
    for other in others {
        if other.runs() {
            // While the pair still says whose it is, for the run after one that is killed.
            turn.before.push(stop(&other.name));
        }
        if there.as_ref() != Some(&other.name) {
            plan.change(Change::new("router", "container", &other.name, name));
        }
        leave(other, &mut turn.after, &mut plan.warnings);
    }
    turn
}

/// Routers that were in its place: the one behind the pair, and those that weave made and that listen where it will.
fn others<'a>(
    observed: &'a Observed,
    router: &'a ClassicRouter,
    there: Option<&'a str>,
) -> impl Iterator<Item = &'a Container> {
    let mark = &router.mark;
    observed.containers.containers.values().filter(move |other| {
        let Ports { port, control } = ports(other);
        let clashes = other.label(ROUTES).is_some() && (port == Some(mark.port) || control == Some(mark.control));
        names::swapped(&other.name) != mark.container && (clashes || there == Some(&other.name))
    })
}

/// What becomes of a router's container that was stopped for good.
pub(super) fn leave(container: &Container, last: &mut Vec<Step>, warnings: &mut Vec<String>) {
    let name = &container.name;
    if is_ours(container) {
        last.push(remove(name));
        last.extend(nameless(container).map(|volume| engine(ContainerStep::DropVolume { volume })));
    } else {
        warnings.push(format!(
            "container {name} was stopped and stays, since weave did not make it: `docker rm {name}` removes it"
        ));
    }
}

/// Whether weave made it.
pub(super) fn is_own(container: &Container) -> bool {
    is_ours(container)
}

/// Whether it was made with a password: so much is known of one that does not answer.
pub(super) fn has_password(container: &Container) -> bool {
    let variables = container.config["Env"].as_array().into_iter().flatten().filter_map(|word| word.as_str());
    let mut values =
        variables.filter_map(|word| word.split_once('=').filter(|(name, _)| *name == names::PASSWORD_VARIABLE));
    values.any(|(_, value)| !value.is_empty())
}

/// The ports on a router's command line, as far as they are there.
pub(super) struct Ports {
    pub(super) port: Option<u16>,
    pub(super) control: Option<u16>,
}

pub(super) fn ports(container: &Container) -> Ports {
    let words = container.config["Cmd"].as_array().into_iter().flatten();
    let words: Vec<&str> = words.filter_map(|word| word.as_str()).collect();
    let said = |flag: &str| {
        let behind = words.iter().skip_while(|word| **word != flag).nth(1).copied();
        behind.or_else(|| words.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('=')))
    };
    Ports {
        port: said("--port").and_then(|port| port.parse().ok()),
        control: said("--http-addr").and_then(|address| address.rsplit_once(':')?.1.parse().ok()),
    }
}

fn start(name: &str) -> Step {
    engine(ContainerStep::Start { name: name.to_owned() })
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
    let anew = lane.before.iter().any(|step| matches!(step, ContainerStep::Create { .. }));
    let steps = |steps: Vec<ContainerStep>| steps.into_iter().map(engine).collect();
    let start: Vec<Step> = steps([start, lane.start].concat());
    Ok(Turn { starts: !start.is_empty(), anew, before: steps(lane.before), start, after: steps(lane.after) })
}

fn engine(step: ContainerStep) -> Step {
    Step::Engine(Box::new(step))
}

/// Stops it, as somebody does who wants it again.
pub(super) fn stop(name: &str) -> Step {
    engine(ContainerStep::Stop { name: name.to_owned() })
}

/// Removes it, and its nameless volume with what it knows.
fn remove(name: &str) -> Step {
    engine(ContainerStep::Remove { name: name.to_owned(), volumes: true })
}
