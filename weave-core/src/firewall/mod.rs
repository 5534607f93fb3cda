//! The packet filter: weave's own nftables table, and its accepts in chains of others.
//!
//! Everything here runs child processes in the network namespace of the calling thread, and blocks. What is said to
//! them and read from them is made by pure functions ([`table`], [`reading`], [`chains`], [`rules`], [`iptables`]);
//! [`run`] alone touches the host, and [`direct`], which asks the kernel without a program what is asked each time. No
//! program is run that would make tables by being asked about them.

mod accept;
mod chains;
mod direct;
mod flows;
mod input;
mod iptables;
mod look;
mod nfnetlink;
mod publish;
mod reading;
mod router;
mod rules;
mod run;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use accept::{add_accept, delete_accept};
pub(crate) use direct::publishes;
pub(crate) use flows::forget as forget_flows;
pub(crate) use input::inputs;
pub(crate) use look::{Look, published};
pub(crate) use router::{drop_router_rules, router_rules};

use run::Call;

use crate::Result;
use crate::names;
use crate::observed::WeaveTable;

/// Makes weave's own table say `after`, or removes it, in one transaction: packets see the old one or the new one.
///
/// The caller has looked, and does not ask for this where the table is somebody else's. `before` is what it saw, if it
/// was as weave writes it: then new peers alone are added. Else the table is written anew.
///
/// # Errors
/// `Firewall` with nft's words; `NotFound` where there is no nft. The table is then as it was.
pub(crate) fn set_table(before: Option<&WeaveTable>, after: Option<&WeaveTable>) -> Result<()> {
    let subject = format!("table inet {}", names::TABLE);
    let transact = |commands: &serde_json::Value| {
        Call { subject: &subject, program: "nft", args: &["-j", "-f", "-"], input: &commands.to_string() }.text()
    };
    let added = before.zip(after).and_then(|(before, after)| table::addition(before, after));
    // Refused where the table has gone meanwhile.
    if added.is_some_and(|commands| transact(&commands).is_ok()) {
        return Ok(());
    }
    transact(&table::transaction(after)).map(drop)
}
