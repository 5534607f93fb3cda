//! What is: the whole host, or its attachments as lines.

mod classic;
mod latest;
mod peers;
mod router;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use classic::trouble;
pub use classic::{AllocationStatus, ClassicStatus};
pub use latest::LatestStatus;
pub use peers::{ConnectionStatus, PeerStatus};
pub use router::RouterStatus;

use super::Report;
use crate::Result;
use crate::apply::look;
use crate::host::Host;
use crate::names;
use crate::observed::{AttachedLink, ContainerScope, FirewallState, Observed, Scope, attached};
use crate::plan::{document, own_routes, published};
use crate::spec::{Cidr, Exposure, Mac, Publication, Route};

/// The arguments of `status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Look {
    /// Whether the registry is asked for the newest image of a router in a container (false): it may be far away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub latest: bool,
}

/// The label of the host itself in `ps`, as the classic script printed it.
pub const EXPOSE: &str = names::EXPOSE;

/// What `status` knows beyond the document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The version of weave.
    pub version: &'static str,
    /// The router and its bridge; nothing where there is no bridge.
    pub router: Option<RouterStatus>,
    /// The peers.
    pub peers: Vec<PeerStatus>,
    /// Addresses of the host on the network.
    pub exposures: Vec<Exposure>,
    /// Ports of the host that lead to the network.
    pub publications: Vec<Publication>,
    /// The packet filter.
    pub firewall: FirewallStatus,
    /// Interfaces of containers.
    pub attachments: Vec<AttachmentStatus>,
}

/// The packet filter as far as it concerns weave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FirewallStatus {
    /// Whether weave keeps its rules.
    pub manage: bool,
    /// Whether only peers reach the router's port.
    pub guarded: bool,
    /// Networks that are masqueraded.
    pub masquerade: Vec<String>,
    /// Chains that drop forwarded packets, and whether weave's accept stands there.
    pub forward: BTreeMap<String, bool>,
}

/// One interface of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttachmentStatus {
    /// The container's name, or how a bare namespace is named.
    pub container: String,
    /// The container's short id; empty for a bare namespace.
    pub id: String,
    /// The interface in it.
    pub interface: String,
    /// The host end.
    pub host_end: String,
    /// Its hardware address; nothing where the namespace could not be found.
    pub mac: Option<Mac>,
    /// Its addresses.
    pub ips: Vec<Cidr>,
    /// Its MTU.
    pub mtu: Option<u32>,
    /// The MTU of its own that was asked for; nothing where it follows the network's.
    pub own_mtu: Option<u32>,
    /// Next hop of the container's default route through it.
    pub gateway: Option<IpAddr>,
    /// Further routes through it.
    pub routes: Vec<Route>,
    /// Whether IPv4 multicast goes to the network.
    pub multicast: bool,
    /// Whether it is up.
    pub up: bool,
}

/// One line of `ps`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PsRow {
    /// Short id of the container, `netns:PATH`, or `weave:expose` for the host itself.
    pub id: String,
    /// Name of the container; empty for others.
    pub name: String,
    /// Hardware address.
    pub mac: Option<Mac>,
    /// Addresses.
    pub ips: Vec<Cidr>,
}

pub(super) async fn status<H: Host>(host: &H, spec: Look) -> Result<Report> {
    let scope = Scope { attachments: true, router: true, paths: true, firewall: true, ..Scope::default() };
    let mut observed = look(host, &scope).await.map_err(|error| error.op("status"))?;
    if observed.bridge().is_some() && observed.vxlan().is_none() && observed.router_port().is_none() {
        // Only the engine knows of a router in a container that was stopped. Without it there is still the rest.
        let routers = ContainerScope { routers: true, ..ContainerScope::default() };
        observed.containers = host.observe_containers(&routers).await.unwrap_or_default();
    }
    let mut status = describe(&observed, &scope);
    let mut warnings = Vec::new();
    if spec.latest {
        let router = status.router.as_mut().and_then(|router| router.classic.as_mut());
        match router.filter(|router| router.image.is_some()) {
            Some(router) => router.latest = latest::latest(host, router).await,
            None => warnings.push("`latest`: there is no container of a router, so no registry was asked".to_owned()),
        }
    }
    Ok(Report { warnings, ..Report::read("status", Some(document(&observed, &scope)), value(status)) })
}

pub(super) async fn ps<H: Host>(host: &H, only: &[String]) -> Result<Report> {
    let scope = Scope { attachments: true, ..Scope::default() };
    let observed = look(host, &scope).await.map_err(|error| error.op("ps"))?;
    let rows: Vec<PsRow> = rows(&observed)
        .into_iter()
        .filter_map(|row| {
            if only.is_empty() {
                return Some(row);
            }
            let asked = only.iter().find(|asked| is_row(&row, asked))?;
            // The classic script labels a line with what was typed, as long as an id is. It knew no paths.
            let id = if row.id == *asked { row.id } else { asked.chars().take(12).collect() };
            Some(PsRow { id, ..row })
        })
        .collect();
    Ok(Report::read("ps", None, value(rows)))
}

fn is_row(row: &PsRow, asked: &str) -> bool {
    row.id == asked
        || row.name == asked
        || (asked.len() >= 12 && !row.id.is_empty() && asked.starts_with(&row.id))
        || (asked.len() < 12 && asked.len() >= 4 && row.id.starts_with(asked))
}

fn value(data: impl Serialize) -> Value {
    serde_json::to_value(data).unwrap_or(Value::Null)
}

fn rows(observed: &Observed) -> Vec<PsRow> {
    let host = observed.bridge().map(|(bridge, ..)| PsRow {
        id: EXPOSE.to_owned(),
        name: String::new(),
        mac: bridge.mac,
        ips: observed.addresses_of(bridge.index).collect(),
    });
    let containers = attachments(observed).into_iter().map(|attachment| {
        let named = !attachment.id.is_empty();
        PsRow {
            id: if named { attachment.id } else { attachment.container.clone() },
            name: if named { attachment.container } else { String::new() },
            mac: attachment.mac,
            ips: attachment.ips,
        }
    });
    host.into_iter().chain(containers).collect()
}

pub(super) fn attachments(observed: &Observed) -> Vec<AttachmentStatus> {
    let mut found: Vec<AttachmentStatus> = attached(observed).into_iter().map(attachment).collect();
    found.sort_by(|a, b| a.container.cmp(&b.container));
    found
}

fn attachment(attached: AttachedLink<'_>) -> AttachmentStatus {
    let AttachedLink { host, mark, inner } = attached;
    let own = inner.map(|(link, net)| own_routes(net, link.index)).unwrap_or_default();
    AttachmentStatus {
        container: mark.container().to_string(),
        id: if mark.id.starts_with('/') { String::new() } else { mark.id.clone() },
        interface: mark.interface.to_string(),
        host_end: host.name.clone(),
        mac: inner.and_then(|(link, _)| link.mac),
        ips: inner.map(|(link, net)| net.addresses_of(link.index).collect()).unwrap_or_default(),
        mtu: inner.map(|(link, _)| link.mtu),
        own_mtu: mark.mtu,
        gateway: own.gateway,
        routes: own.others,
        multicast: own.multicast,
        up: host.up && inner.is_some_and(|(link, _)| link.up),
    }
}

/// What there is to say of what was seen.
pub(crate) fn describe(observed: &Observed, scope: &Scope) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION"),
        router: router::router(observed),
        peers: peers::peers(observed),
        exposures: document(observed, scope).expose.unwrap_or_default().0,
        publications: published(observed),
        firewall: firewall(observed),
        attachments: attachments(observed),
    }
}

/// The peers' addresses, and the names of those that a router in a container was told by name.
pub(super) fn addresses_of_peers(observed: &Observed) -> Vec<String> {
    peers::peers(observed).into_iter().map(|peer| peer.address).collect()
}

fn firewall(observed: &Observed) -> FirewallStatus {
    let manage = observed.bridge().is_some_and(|(.., mark)| !mark.firewall_unmanaged);
    let Some(state) = &observed.firewall else { return FirewallStatus { manage, ..FirewallStatus::default() } };
    let port = observed.vxlan().map(|(_, info)| info.port).or(observed.router_port().map(|(_, mark)| mark.port));
    FirewallStatus {
        manage,
        guarded: port.is_some() && state.table.as_ref().is_some_and(|table| table.port == port),
        masquerade: state.table.iter().flat_map(|table| &table.masquerade).map(ToString::to_string).collect(),
        forward: forward(state),
    }
}

fn forward(state: &FirewallState) -> BTreeMap<String, bool> {
    state
        .forward
        .iter()
        .filter(|chain| chain.drops || !chain.accepts.is_empty())
        .map(|chain| (format!("{} {} {}", chain.family, chain.table, chain.chain), !chain.accepts.is_empty()))
        .collect()
}

/// The version of weave, and the defaults that two hosts must share.
pub(super) fn version() -> Report {
    let facts = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "port": names::PORT,
        "vni": names::VNI,
    });
    Report::read("version", None, facts)
}
