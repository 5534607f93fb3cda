//! The public verbs, each in the module of its noun: `router::launch`, `peer::connect`, `attachment::attach`,
//! `exposure::expose`, `publication::publish`, `host::apply`. Each says what should be; it looks, plans, does only what is missing, and
//! reports. [`Operation`] is the table of all of them, for callers that hold a name and a table of arguments.

pub mod announcement;
mod apply;
pub mod attachment;
mod books;
mod classic;
pub mod container;
pub mod exposure;
mod facts;
pub(crate) mod file;
mod former;
pub mod host;
pub mod image;
mod make;
pub mod migration;
mod operation;
pub(crate) mod part;
pub mod peer;
pub mod preflight;
pub mod publication;
mod report;
pub mod router;
mod schema;
pub mod status;
pub mod units;

pub use apply::Apply;
pub use facts::Facts;
pub use operation::{Nothing, Operation, Ps};
pub use report::Report;
pub use schema::{Document, Schema, schema};

use crate::apply::{Mode, converge};
use crate::host::Host;
use crate::plan::Intent;
use crate::{Error, Result};

/// What all changing verbs do.
async fn change<H: Host>(host: &H, operation: &str, intent: Intent, mode: Mode) -> Result<Report> {
    let done = converge(host, &intent, operation, mode).await.map_err(|error| error.op(operation))?;
    drop(intent);
    Ok(Report::of(operation, mode, done))
}

/// An error of a spec, with the operation it was for.
fn checked(operation: &str, valid: Result<()>) -> Result<()> {
    valid.map_err(|error: Error| error.op(operation))
}
