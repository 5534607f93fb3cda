//! What the planner decides, case by case.

mod attachment;
mod classic;
mod firewall;
mod publish;
mod router;
mod router_container;
mod router_refused;
mod underlay;

use weave_core::apply::Mode;
use weave_core::ops::Report;
use weave_core::{Error, Result};

use crate::laws::op::Op;
use crate::support::memory_host::{MemoryHost, World};

/// Runs `op`, written as for [`Op::read`].
fn run(world: &World, op: &str) -> Result<(Report, World)> {
    let host = MemoryHost::new(world.clone());
    let report = Op::read(op).run(&host, Mode::Apply)?;
    let world = host.world().clone();
    Ok((report, world))
}

/// Runs `op`, which must be refused with all of `words` in what it says, and change nothing.
fn refused(world: &World, op: &str, words: &[&str]) -> Error {
    let host = MemoryHost::new(world.clone());
    let error = match Op::read(op).run(&host, Mode::Apply) {
        Ok(report) => panic!("{op} was done: {:#?}", report.steps),
        Err(error) => error,
    };
    let said = format!(
        "{} {}: {} [{}]",
        error.kind().name(),
        error.subject(),
        error.message(),
        error.next_step().unwrap_or_default()
    );
    for word in words {
        assert!(said.contains(word), "{op}: `{word}` is not in: {said}");
    }
    assert!(host.asked().forward.is_empty(), "{op}: {:?}", host.asked().forward);
    error
}
