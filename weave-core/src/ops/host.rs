//! The host as a whole.

use super::{Report, change, container, preflight, status};
use crate::Result;
use crate::apply::Mode;
use crate::host::Host;
use crate::plan::{Intent, RouterIntent};
use crate::spec::HostDocument;

/// Makes the host what the document says: exact for what it names, silent about what it does not name.
///
/// A container that cannot be served is an error in the report, and everything else is done.
///
/// # Errors
/// As the verbs for its parts; then the host is as it was.
pub async fn apply<H: Host>(host: &H, document: &HostDocument, mode: Mode) -> Result<Report> {
    container::converge(host, "apply", document, mode).await.map(|(report, _)| report)
}

/// Removes everything that weave made, and nothing else; the same as `ensure: absent`.
///
/// # Errors
/// As every change.
pub async fn reset<H: Host>(host: &H, mode: Mode) -> Result<Report> {
    change(host, "reset", Intent { router: RouterIntent::Absent, ..Intent::default() }, mode).await
}

/// What is: router, peers, exposures, packet filter, attachments. Its `state` is a document that `apply` accepts.
///
/// # Errors
/// `PermissionDenied` without the privilege to look into the containers.
pub async fn status<H: Host>(host: &H) -> Result<Report> {
    status::status(host).await
}

/// The attachments, a row each, the host itself first; only those named in `only` unless it is empty.
///
/// # Errors
/// As [`status()`].
pub async fn ps<H: Host>(host: &H, only: &[String]) -> Result<Report> {
    status::ps(host, only).await
}

/// The version of weave, and the defaults that all hosts share.
pub fn version() -> Report {
    status::version()
}

/// Whether the host is fit: kernel, privileges, engine, who drops forwarded frames, overlapping networks, MTU, ports
/// left on the bridge. Its `result` is `{findings: [{subject, level, message, hint}]}` with levels ok, warn and fail.
///
/// # Errors
/// Only when the host cannot be looked at at all.
pub async fn preflight<H: Host>(host: &H) -> Result<Report> {
    preflight::preflight(host).await
}
