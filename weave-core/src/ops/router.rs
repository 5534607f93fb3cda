//! What carries frames between hosts.

use super::{Report, change, checked, classic};
use crate::Result;
use crate::apply::Mode;
use crate::host::Host;
use crate::plan::{Intent, RouterIntent};
use crate::spec::Launch;

/// Launches the router: the bridge, the VXLAN device bound to the underlay, the guard of its port, and its peers.
///
/// Settings that are not given stay as they are, or take their defaults when the router is made. Peers are added to
/// those it has. What has to change is changed in place where the kernel can; another port, VNI or underlay address
/// makes the VXLAN device anew, with its peers.
///
/// # Errors
/// `InvalidSpec` for a bad value; `Conflict` where something foreign has the name of the bridge or the tunnel;
/// `NotFound` where no address for the tunnel is to be found, or `nft` is missing; `Unsupported` where the MTU of the
/// underlay leaves nothing for the overlay.
pub async fn launch<H: Host>(host: &H, spec: &Launch, mode: Mode) -> Result<Report> {
    checked("launch", spec.validate())?;
    let mut intent = Intent::from(spec);
    classic::enter(host, &mut intent).await.map_err(|error| error.op("launch"))?;
    change(host, "launch", intent, mode).await
}

/// Stops carrying frames between hosts. The bridge, its attachments and exposures stay; containers of this host still
/// reach each other. Peers and settings of the tunnel are gone: `launch` or `apply` names them again.
///
/// # Errors
/// As every change.
pub async fn stop<H: Host>(host: &H, mode: Mode) -> Result<Report> {
    change(host, "stop", Intent { router: RouterIntent::Stopped, ..Intent::default() }, mode).await
}
