//! The classic router: a weave router container, asked and told over its HTTP control port on loopback.
//!
//! ```text
//! GET    /status               200 once it is ready
//! GET    /report               all that it knows
//! POST   /connect, /forget     peer=HOST&peer=HOST[&replace=true]
//! GET    /ip                   who holds which address
//! POST   /ip/ID[/NET/LEN]      an address for ID
//! PUT    /ip/ID/ADDRESS/LEN    this address for ID
//! DELETE /ip/ID[/ADDRESS]      give it back
//! GET    /ipinfo/defaultsubnet where addresses come from
//! ```
//!
//! Recorded exchanges with a real router are in `tests/data/weave-router`.

mod control;
mod exchange;
mod report;
#[cfg(test)]
mod tests;

pub(crate) use control::Control;
pub(crate) use exchange::plain;
#[cfg(test)]
pub(crate) use report::parse as parse_report;
