//! The packet filter: weave's own nftables table, and its one accept in a chain of others.
//!
//! Everything here runs child processes in the network namespace of the calling thread, and blocks. What is said to
//! them and read from them is made by pure functions ([`table`], [`reading`], [`chains`], [`rules`], [`iptables`]);
//! [`run`] alone touches the host. No program is run that would make tables by being asked about them.

mod accept;
mod chains;
mod iptables;
mod look;
mod reading;
mod rules;
mod run;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use accept::{add_accept, delete_accept};
pub(crate) use look::look;

use run::Call;

use crate::Result;
use crate::names;
use crate::observed::WeaveTable;

/// Writes weave's own table anew, or removes it, in one transaction: packets see the old one or the new one.
///
/// The caller has looked, and does not ask for this where the table is somebody else's.
///
/// # Errors
/// `Firewall` with nft's words; `NotFound` where there is no nft. The table is then as it was.
pub(crate) fn set_table(after: Option<&WeaveTable>) -> Result<()> {
    let input = table::transaction(after).to_string();
    let subject = format!("table inet {}", names::TABLE);
    Call { subject: &subject, program: "nft", args: &["-j", "-f", "-"], input: &input }.text().map(drop)
}
