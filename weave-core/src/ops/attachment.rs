//! Interfaces of containers on the network.

use super::{Report, change, checked};
use crate::Result;
use crate::apply::Mode;
use crate::host::Host;
use crate::plan::{AttachmentIntent, Intent};
use crate::spec::{Attach, Detach};

/// Gives a container addresses on the network, besides those it has, and the interface `ethwe` if it has none.
///
/// The network is asked first whether somebody has the addresses (RFC 5227); a tenth of a second for all together.
///
/// # Errors
/// `NotFound` for a container that does not exist, or while there is no bridge; `ContainerNotRunning`; `Conflict` for
/// a container on the host's network, an interface that weave did not make, an address that is taken.
pub async fn attach<H: Host>(host: &H, spec: &Attach, mode: Mode) -> Result<Report> {
    checked("attach", spec.validate())?;
    change(host, "attach", Intent::from(spec), mode).await
}

/// [`attach`] for many containers in one go: one look, one probe, one verification for all of them.
///
/// # Errors
/// As [`attach`]; then nothing is attached.
pub async fn attach_all<H: Host>(host: &H, specs: &[Attach], mode: Mode) -> Result<Report> {
    for (index, spec) in specs.iter().enumerate() {
        checked("attach", spec.validate().map_err(|error| error.within(&format!("[{index}]"))))?;
    }
    let attachments = specs.iter().cloned().map(AttachmentIntent::Add).collect();
    change(host, "attach", Intent { attachments, ..Intent::default() }, mode).await
}

/// Takes addresses from a container, all of them where none is given, and the interface with the last one.
///
/// # Errors
/// `NotFound` and `ContainerNotRunning` for the container; `InvalidSpec` for an address that it has with another
/// prefix length; `Conflict` for an interface that weave did not make.
pub async fn detach<H: Host>(host: &H, spec: &Detach, mode: Mode) -> Result<Report> {
    change(host, "detach", Intent::from(spec), mode).await
}

/// [`detach`] for many containers in one go: their interfaces are removed in one message.
///
/// # Errors
/// As [`detach`]; then nothing is detached.
pub async fn detach_all<H: Host>(host: &H, specs: &[Detach], mode: Mode) -> Result<Report> {
    let attachments = specs.iter().cloned().map(AttachmentIntent::Remove).collect();
    change(host, "detach", Intent { attachments, ..Intent::default() }, mode).await
}
