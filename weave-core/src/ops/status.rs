//! What is: the whole host, or its attachments as lines.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use super::Report;
use crate::Result;
use crate::apply::look;
use crate::host::Host;
use crate::names;
use crate::observed::{AttachedLink, FirewallState, Flood, Observed, Scope, attached};
use crate::plan::{document, own_routes};
use crate::spec::{Cidr, Exposure, Mac, Route};

/// The label of the host itself in `ps`, as the classic script printed it.
pub const EXPOSE: &str = "weave:expose";

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
    /// The packet filter.
    pub firewall: FirewallStatus,
    /// Interfaces of containers.
    pub attachments: Vec<AttachmentStatus>,
}

/// The router as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterStatus {
    /// `vxlan`.
    pub kind: &'static str,
    /// `running`, `stopped`, or `down` when somebody set its device or bridge down.
    pub state: &'static str,
    /// The bridge.
    pub bridge: String,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// MTU of the network in bytes.
    pub mtu: u32,
    /// Ports of the bridge in use, of 1023.
    pub ports: usize,
    /// The VXLAN device.
    pub device: Option<String>,
    /// Its UDP port.
    pub port: Option<u16>,
    /// Its network identifier.
    pub vni: Option<u32>,
    /// The host's address for the tunnel.
    pub underlay: Option<IpAddr>,
}

/// What is known of a peer. VXLAN has no sessions: nothing says that it is alive but what was learned from its frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// Its address.
    pub address: IpAddr,
    /// Its port, where it differs from ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The interface towards it; nothing where there is no route.
    pub interface: Option<String>,
    /// MTU of the path to it, as far as the host knows.
    pub mtu: Option<u32>,
    /// Hardware addresses learned behind it in the last five minutes.
    pub learned: usize,
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

pub(super) async fn status<H: Host>(host: &H) -> Result<Report> {
    let scope = Scope { attachments: true, router: true, paths: true, firewall: true, ..Scope::default() };
    let observed = look(host, &scope).await.map_err(|error| error.op("status"))?;
    Ok(Report::read("status", Some(document(&observed, &scope)), value(describe(&observed, &scope))))
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

fn describe(observed: &Observed, scope: &Scope) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION"),
        router: router(observed),
        peers: observed.flood.iter().map(|flood| peer(observed, flood)).collect(),
        exposures: document(observed, scope).expose.unwrap_or_default().0,
        firewall: firewall(observed),
        attachments: attachments(observed),
    }
}

fn router(observed: &Observed) -> Option<RouterStatus> {
    let (bridge, ..) = observed.bridge()?;
    let tunnel = observed.vxlan();
    Some(RouterStatus {
        kind: "vxlan",
        state: match tunnel {
            None => "stopped",
            Some((link, _)) if link.up && bridge.up && link.master == Some(bridge.index) => "running",
            Some(_) => "down",
        },
        bridge: bridge.name.clone(),
        mac: bridge.mac,
        mtu: bridge.mtu,
        ports: observed.links.iter().filter(|link| link.master == Some(bridge.index)).count(),
        device: tunnel.map(|(link, _)| link.name.clone()),
        port: tunnel.map(|(_, info)| info.port),
        vni: tunnel.map(|(_, info)| info.vni),
        underlay: tunnel.and_then(|(_, info)| info.local),
    })
}

fn peer(observed: &Observed, flood: &Flood) -> PeerStatus {
    let path = observed.paths.get(&flood.address);
    let link = path.and_then(|path| observed.link_at(path.ifindex));
    PeerStatus {
        address: flood.address,
        port: flood.port,
        interface: link.map(|link| link.name.clone()),
        mtu: path.and_then(|path| path.mtu).or(link.map(|link| link.mtu)),
        learned: observed.learned.get(&flood.address).copied().unwrap_or(0),
    }
}

fn firewall(observed: &Observed) -> FirewallStatus {
    let manage = observed.bridge().is_some_and(|(.., mark)| !mark.firewall_unmanaged);
    let Some(state) = &observed.firewall else { return FirewallStatus { manage, ..FirewallStatus::default() } };
    let port = observed.vxlan().map(|(_, info)| info.port);
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
