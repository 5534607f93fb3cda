//! The host as a whole.

use super::{Facts, Report, checked, container, facts, part, preflight, status, units};
use crate::Result;
use crate::apply::Mode;
use crate::host::Host;
use crate::kernel::Kernel;
use crate::spec::{Ensure, HostDocument, Part};

/// Makes the host what the document says: exact for what it names, silent about what it does not name.
///
/// A container that cannot be served is an error in the report, and everything else is done.
///
/// # Errors
/// As the verbs for its parts; then the host is as it was.
pub async fn apply<H: Host>(host: &H, document: &HostDocument, mode: Mode) -> Result<Report> {
    if document.ensure != Ensure::Present {
        return gone(host, "apply", document, mode).await;
    }
    container::converge(host, "apply", document, mode).await.map(|(report, _)| report)
}

/// [`apply`], or only a part of it. With [`Part::Network`] no container is run, removed or purged; those that do not run
/// are left out without a word, as all of them are, with one warning, where the engine cannot be asked; a port published
/// to one of them stays as it is, with a warning. A router in a
/// container is left to a run with the engine: while there is no bridge, nothing is done for it. This is what brings a
/// network back before the engine starts.
///
/// # Errors
/// As [`apply`].
pub async fn apply_part<H: Host>(host: &H, document: &HostDocument, part: Part, mode: Mode) -> Result<Report> {
    match part {
        Part::All => apply(host, document, mode).await,
        Part::Network => part::network(host, document, mode).await,
    }
}

/// Removes everything that weave made, and nothing else; the same as `ensure: absent`. Containers that weave runs stay,
/// without their interfaces. The units of [`units::install`] are stopped and removed first.
///
/// # Errors
/// As every change.
pub async fn reset<H: Host>(host: &H, mode: Mode) -> Result<Report> {
    let document = HostDocument { ensure: Ensure::Absent, ..HostDocument::default() };
    gone(host, "reset", &document, mode).await
}

/// The units first: as long as they run, they put back what is removed.
async fn gone<H: Host>(host: &H, operation: &str, document: &HostDocument, mode: Mode) -> Result<Report> {
    checked(operation, document.validate())?;
    let units = units::remove_all(host, operation, mode).await?;
    match container::converge(host, operation, document, mode).await {
        Ok((mut report, _)) => {
            report.add_units(&units);
            Ok(report)
        }
        Err(error) => Err(units.undo(host, error).await),
    }
}

/// What is: router, peers, exposures, packet filter, attachments. Its `state` is a document that `apply` accepts.
///
/// # Errors
/// `PermissionDenied` without the privilege to look into the containers.
pub async fn status<H: Host>(host: &H) -> Result<Report> {
    status_with(host, status::Look::default()).await
}

/// [`status()`], and with `latest` whether the registry has a newer image than the router in a container runs: in the
/// `result` as `router.latest`. `pull: always` in the router's settings is what brings it.
///
/// # Errors
/// As [`status()`]. A registry that does not answer is none: `router.latest.why` has its words.
pub async fn status_with<H: Host>(host: &H, spec: status::Look) -> Result<Report> {
    status::status(host, spec).await
}

/// The attachments, a row each, the host itself first; only those named in `only` unless it is empty.
///
/// # Errors
/// As [`status()`].
pub async fn ps<H: Host>(host: &H, only: &[String]) -> Result<Report> {
    status::ps(host, only).await
}

/// What config management wants to know of a host, in one call. Its `result` has the three facts of the 2014 Puppet
/// module, under their names, and two more; each stands for itself:
///
/// - `docker_hosted_containers`: every container, running or not, by name, as `docker inspect` shows it; besides
///   `container_ids` (short), `container_count`, and the host's name as `docker_host`. Values of environment variables
///   are hidden unless `mask_env` is false.
/// - `weave_networked_containers`: those with an interface on the network: `by_host` (the container's name), `by_ip`
///   (with its prefix length, as `ps` prints it), `by_mac`, `by_container_id`; the lists `hostnames`, `weave_ips`,
///   `mac_addresses`, `container_ids`, `container_count`; and the host itself as `docker_host`.
/// - `weave_router_ip_on_docker_bridge`: where the router is reached from Docker's own bridge. For a router in a
///   container with an address of its own it is that container's address there. The router in the kernel is the host
///   itself, and one in a container has the host's network and listens on all its addresses, so it is the host's address
///   on that bridge (`docker0`). Null where no router runs, or there is no such bridge.
/// - `weave_peers`: the addresses of the peers; of a router in a container, those that it was told.
/// - `weave_versions`: `weave`, `engine`, `api` (the engine's newest) and `kernel`; `router` where one runs in a
///   container and answers.
///
/// Without an engine its parts are empty, and a warning says why.
///
/// # Errors
/// As [`status()`].
pub async fn facts(host: &Kernel, spec: Facts) -> Result<Report> {
    facts::facts(host, spec).await
}

/// The version of weave, and the defaults that all hosts share.
pub fn version() -> Report {
    status::version()
}

/// Whether the host is fit: kernel, privileges, engine, who drops forwarded frames, overlapping networks, MTU, ports
/// left on the bridge; of a router in a container also whether it answers, its capabilities, who else has its ports, and
/// checksums. Its `result` is `{findings: [{subject, level, message, hint}]}` with levels ok, warn and fail.
///
/// # Errors
/// Only when the host cannot be looked at at all.
pub async fn preflight<H: Host>(host: &H) -> Result<Report> {
    preflight::preflight(host).await
}
