//! DO: what is asked of a classic router, on a thread in the host's namespace, where it listens.

use std::thread;
use std::time::{Duration, Instant};

use nix::libc::ECONNREFUSED;

use crate::classic::Control;
use crate::observed::{IpamState, RouterReport};
use crate::plan::ControlStep;
use crate::spec::{Cidr, IpRequest};
use crate::{Error, ErrorKind, Result};

/// How long a router may take for one answer. It looks up the names of its peers in that time.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a router may take to start.
const START: Duration = Duration::from_secs(30);

/// How long routers that are up may take to divide the range, once one of them wants a part of it.
const DIVISION: Duration = Duration::from_secs(3);

/// Between two looks whether they have.
const PAUSE: Duration = Duration::from_millis(100);

/// Does one step wholly or not at all. Blocks.
///
/// # Errors
/// `Timeout`; `Router` when nobody listens or the router refuses; `InvalidSpec` for an id that no path can have.
pub(super) fn act(step: &ControlStep) -> Result<()> {
    let router = Control::new(step.control(), PATIENCE);
    match step {
        ControlStep::Ready { .. } => router.ready(START),
        ControlStep::Connect { peers, .. } => {
            router.connect(peers, false).map_err(|error| without(&router, step, peers, error))
        }
        ControlStep::Forget { peers, .. } => router.forget(peers),
        ControlStep::Allocate { control, id, request, .. } => allocate(*control, id, *request).map(drop),
        ControlStep::Claim { id, address, insist, .. } => match claim(&router, id, *address) {
            Err(error) if !insist && error.raw_errno().is_none() => Ok(()),
            done => done.map_err(|error| refused(error, *address)),
        },
        ControlStep::Release { id, address, .. } => release(&router, id, *address),
    }
}

/// A claim of a part of the range waits at the router until more than half of the routers have met, however long that
/// takes. Who switches hosts one after the other cannot wait for it at the first one: it is put off then.
fn claim(router: &Control, id: &str, address: Cidr) -> Result<()> {
    let undivided = |report: RouterReport| {
        let ipam = report.ipam.filter(|ipam| ipam.range.contains(address.ip()))?;
        Some(ipam.state).filter(|state| !state.is_divided())
    };
    let state = match router.report() {
        Ok(report) => undivided(report),
        Err(error) if error.kind() == ErrorKind::Timeout => return Err(error),
        // One that makes no sense says nothing against the claim.
        Err(_) => None,
    };
    let Some(state) = state else { return router.claim(id, address) };
    let asker = Control::new(router.port(), DIVISION);
    // Those who were asked before have been waited for.
    let deadline = Instant::now() + if state == IpamState::Idle { DIVISION } else { Duration::ZERO };
    loop {
        // What is wrong with it the claim itself says.
        drop(asker.begin(id, address));
        if undivided(router.report()?).is_none() {
            return router.claim(id, address);
        }
        if Instant::now() >= deadline {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
}

/// What it does not hold is released already, such as a claim that was put off.
fn release(router: &Control, id: &str, address: Cidr) -> Result<()> {
    let Err(error) = router.release(id, Some(address.ip())) else { return Ok(()) };
    let holds = |held: &Vec<Cidr>| held.iter().any(|other| other.ip() == address.ip());
    match router.owned() {
        Ok(Some(owned)) if !owned.get(id).is_some_and(holds) => Ok(()),
        _ => Err(error),
    }
}

/// A claim that the router refuses is somebody else's.
fn refused(error: Error, address: Cidr) -> Error {
    if error.kind() != ErrorKind::Router || error.raw_errno().is_some() {
        return error;
    }
    Error::new(ErrorKind::Conflict, address.to_string(), error.message())
        .hint("give another address, or ask the router for one: net:default")
}

/// Asks for an address.
pub(super) fn allocate(control: u16, id: &str, request: IpRequest) -> Result<Cidr> {
    let subnet = match request {
        IpRequest::Default => None,
        IpRequest::Within(network) => Some(network),
    };
    // The first one waits until the routers have agreed who may give which part of the range.
    Control::new(control, START).allocate(id, subnet)
}

/// A router that refuses one peer, since its name is not found, connects to the others nevertheless.
fn without(router: &Control, step: &ControlStep, peers: &[String], error: Error) -> Error {
    match router.forget(peers) {
        Ok(()) => error,
        Err(again) if again.raw_errno() == Some(ECONNREFUSED) => error,
        Err(again) => error.left(step.undo().map(|back| format!("{back} ({again})")).into_iter().collect()),
    }
}
