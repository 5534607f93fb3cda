//! Other hosts of the network.

use super::{Report, change, checked};
use crate::apply::Mode;
use crate::host::Host;
use crate::plan::Intent;
use crate::spec::{Connect, Forget};
use crate::{Error, Result};

/// Adds peers, or with `replace` makes those given the only ones.
///
/// For each it equals `bridge fdb append 00:00:00:00:00:00 dev vxlan-6783 dst PEER`, the set of addresses that may
/// send to the tunnel's port, and the MTU of the whole network when the path to a new peer is narrower.
///
/// # Errors
/// `NotFound` while no router runs, or for a name that does not resolve; `InvalidSpec` for a peer of the other address
/// family, or inside a network of the containers.
pub async fn connect<H: Host>(host: &H, spec: &Connect, mode: Mode) -> Result<Report> {
    if spec.peers.is_empty() && !spec.replace {
        return Err(Error::invalid("peers", "no peer is given; allowed: one or more, or `replace: true`").op("connect"));
    }
    change(host, "connect", Intent::from(spec), mode).await
}

/// Takes peers away. It works while the peer is down, and a peer that is not there is no error.
///
/// # Errors
/// `NotFound` for a name that does not resolve: give the address that `status` shows.
pub async fn forget<H: Host>(host: &H, spec: &Forget, mode: Mode) -> Result<Report> {
    let given = if spec.peers.is_empty() {
        Err(Error::invalid("peers", "no peer is given; allowed: one or more"))
    } else {
        Ok(())
    };
    checked("forget", given)?;
    change(host, "forget", Intent::from(spec), mode).await
}
