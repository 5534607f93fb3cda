//! Ports of the host that lead to containers of the network, on this host or on another.

use super::{Report, change, checked};
use crate::Result;
use crate::apply::Mode;
use crate::host::Host;
use crate::plan::Intent;
use crate::spec::{Publication, Unpublish};

/// Publishes a port: what comes to it at the host, from elsewhere, from the host itself or from its containers, goes to a
/// container (`nft add rule … fib daddr type local tcp dport 8080 dnat ip to 10.2.1.4:80`, as `docker run -p` does it).
///
/// # Errors
/// `NotFound` while there is no bridge, for a container that is not there or has no address, and where the host has no
/// address in the container's network; `Conflict` for a port that a program of the host listens on, or that is published
/// on an address besides; `InvalidSpec` for a port of the router; `Unsupported` where the host passes no packets on
/// (`net.ipv4.ip_forward`), or weave does not look after the packet filter.
pub async fn publish<H: Host>(host: &H, spec: &Publication, mode: Mode) -> Result<Report> {
    checked("publish", spec.validate())?;
    change(host, "publish", Intent::from(spec), mode).await
}

/// Takes a published port back. TCP connections over it that are there stay until they end; flows of UDP are forgotten
/// (`conntrack -D -p udp --orig-port-dst 53 -r 10.2.1.4`).
///
/// # Errors
/// `InvalidSpec` where no port is named.
pub async fn unpublish<H: Host>(host: &H, spec: &Unpublish, mode: Mode) -> Result<Report> {
    checked("unpublish", spec.validate())?;
    change(host, "unpublish", Intent::from(spec), mode).await
}
