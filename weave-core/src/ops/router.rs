//! What carries frames between hosts.

use super::{Report, change, checked, classic};
use crate::Result;
use crate::apply::Mode;
use crate::host::Host;
use crate::plan::{Intent, RouterIntent};
use crate::spec::Launch;

/// Launches the router. Of kind `vxlan`: the bridge, the VXLAN device bound to the underlay, the guard of its port, and
/// its peers. Of kind `image`: the bridge, the pair of links between it and the router, the router's container with the
/// least that it needs, the guard of its ports, and its peers, which are told to it over its control port.
///
/// Settings that are not given stay as they are, or take their defaults when the router is made. Those of a container
/// are given as a whole, with its `image`; without an image the container that is there stays as it is, and a network
/// that the classic script made is taken over. Peers are added to those it has. What has to change is changed in place
/// where the kernel can; another port, VNI or underlay address makes the VXLAN device anew, with its peers, and another
/// setting the container. Another `kind` moves the network over: containers keep their interfaces and addresses.
///
/// # Errors
/// `InvalidSpec` for a bad value; `Conflict` where something foreign has the name of the bridge, the tunnel or the
/// container; `NotFound` where no address for the tunnel is to be found, where `nft` is missing, or an image is nowhere;
/// `Unsupported` where the MTU of the underlay leaves nothing for the overlay; `Router` and `Timeout` where the router in
/// the container does not come up or refuses; `Docker` with the engine's words. Then everything is as it was.
pub async fn launch<H: Host>(host: &H, spec: &Launch, mode: Mode) -> Result<Report> {
    checked("launch", spec.validate())?;
    let mut intent = Intent::from(spec);
    classic::enter(host, &mut intent).await.map_err(|error| error.op("launch"))?;
    change(host, "launch", intent, mode).await
}

/// Stops carrying frames between hosts. The bridge, its attachments and exposures stay; containers of this host still
/// reach each other. Peers and settings of the tunnel are gone: `launch` or `apply` names them again. A router in a
/// container is stopped and stays, with what it knows.
///
/// # Errors
/// As every change.
pub async fn stop<H: Host>(host: &H, mode: Mode) -> Result<Report> {
    change(host, "stop", Intent { router: RouterIntent::Stopped, ..Intent::default() }, mode).await
}
