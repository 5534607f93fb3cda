//! DO: what is asked of a classic router, on a thread in the host's namespace, where it listens.

use std::time::Duration;

use nix::libc::ECONNREFUSED;

use crate::classic::Control;
use crate::plan::ControlStep;
use crate::spec::{Cidr, IpRequest};
use crate::{Error, ErrorKind, Result};

/// How long a router may take for one answer. It looks up the names of its peers in that time.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a router may take to start.
const START: Duration = Duration::from_secs(30);

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
        ControlStep::Claim { id, address, .. } => router.claim(id, *address).map_err(|error| refused(error, *address)),
        ControlStep::Release { id, address, .. } => router.release(id, Some(address.ip())),
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
