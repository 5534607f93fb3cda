//! Addresses of the host itself on the network.

use super::{Report, change, checked};
use crate::Result;
use crate::apply::Mode;
use crate::host::Host;
use crate::plan::Intent;
use crate::spec::{Expose, Hide};

/// Gives the host addresses on the network (`ip address add … dev weave`), and by default masquerades packets between
/// their networks and everything else, both ways, as the classic script did.
///
/// # Errors
/// `NotFound` while there is no bridge; `InvalidSpec` for a network that takes in an address of the underlay;
/// `Conflict` for an address that the host has elsewhere.
pub async fn expose<H: Host>(host: &H, spec: &Expose, mode: Mode) -> Result<Report> {
    checked("expose", spec.validate())?;
    change(host, "expose", Intent::from(spec), mode).await
}

/// Takes addresses of the host from the network, all of them where none is given.
///
/// # Errors
/// `InvalidSpec` for an address that is exposed with another prefix length.
pub async fn hide<H: Host>(host: &H, spec: &Hide, mode: Mode) -> Result<Report> {
    change(host, "hide", Intent::from(spec), mode).await
}
