//! The router in a container: what the engine and the router itself tell of it.

use std::collections::BTreeMap;

use ipnetwork::IpNetwork;
use serde::Serialize;

use super::latest::LatestStatus;
use super::peers::{ConnectionStatus, others};
use crate::classic::plain;
use crate::observed::{
    Container, IpamState, Observed, RouterIpam, RouterPortMark, RouterReport, Status as ContainerState,
};
use crate::plan::container::ROUTES;

/// What there is only of a router in a container. What the router or the engine did not tell is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClassicStatus {
    /// Name of its container.
    pub name: String,
    /// Short id of the container; null too where there is none.
    pub container_id: Option<String>,
    /// What the container does, in the engine's words: `running`, `exited`, …
    pub container_state: Option<ContainerState>,
    /// The image as it was named when the container was made.
    pub image: Option<String>,
    /// The id of the image that the container has (`sha256:…`).
    pub image_id: Option<String>,
    /// TCP port on 127.0.0.1 where it takes orders; null while it is stopped.
    pub control_port: Option<u16>,
    /// The router's version, such as `2.8.1`.
    pub version: Option<String>,
    /// The protocol that it speaks to others, with its oldest and newest version: `weave 1..2`.
    pub protocol: Option<String>,
    /// The name by which its peers know it.
    pub peer_name: Option<String>,
    /// What people call it.
    pub nickname: Option<String>,
    /// Whether it encrypts what goes to peers outside of the trusted subnets.
    pub encryption: Option<bool>,
    /// Whether it connects to peers of its peers.
    pub discovery: Option<bool>,
    /// Subnets with which it does not encrypt.
    pub trusted_subnets: Option<Vec<IpNetwork>>,
    /// The allocation of addresses; null too where it is off.
    pub allocation: Option<AllocationStatus>,
    /// How many connections it has, those that it still tries included, by their state.
    pub connections: Option<BTreeMap<String, usize>>,
    /// Connections to routers that are not among the peers: they connected to it, or it heard of them.
    pub others: Option<Vec<ConnectionStatus>>,
    /// What its registry has; only where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<LatestStatus>,
}

/// How a router allocates addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AllocationStatus {
    /// `idle`, `priming`, `awaiting_consensus`, `ready`, `waiting` or `unreachable`.
    pub state: IpamState,
    /// Why it gives none now; nothing where it does, or will at the first request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// Where addresses come from.
    pub range: IpNetwork,
    /// Where `net:default` takes them from.
    pub default_subnet: IpNetwork,
    /// How many addresses of the range are held on this host.
    pub held: u64,
}

/// The router behind a port of the bridge.
pub(super) fn of_port(observed: &Observed, mark: &RouterPortMark) -> ClassicStatus {
    let container = observed.containers.containers.get(&mark.container);
    let known = ClassicStatus { control_port: Some(mark.control), ..container.map(of_container).unwrap_or_default() };
    let known = ClassicStatus { name: mark.container.clone(), ..known };
    match report(observed) {
        Some(report) => told(report, mark.port, known),
        None => known,
    }
}

/// The router as the engine knows it.
pub(super) fn of_container(container: &Container) -> ClassicStatus {
    ClassicStatus {
        name: container.name.clone(),
        container_id: Some(container.id.get(..12).unwrap_or(&container.id).to_owned()),
        container_state: Some(container.status),
        image: container.config["Image"].as_str().map(str::to_owned),
        image_id: Some(container.image_id.clone()),
        ..ClassicStatus::default()
    }
}

/// The container of a router that has no port on the bridge.
pub(super) fn stopped(observed: &Observed) -> Option<&Container> {
    observed.containers.containers.values().find(|container| container.label(ROUTES) == Some(container.name.as_str()))
}

fn report(observed: &Observed) -> Option<&RouterReport> {
    observed.classic.as_ref().and_then(|classic| classic.report.as_ref().ok())
}

fn told(report: &RouterReport, port: u16, known: ClassicStatus) -> ClassicStatus {
    let mut connections = BTreeMap::new();
    for connection in &report.connections {
        *connections.entry(plain(&connection.state)).or_default() += 1;
    }
    let (oldest, newest) = (report.protocol_min, report.protocol_max);
    let versions = if oldest == newest { newest.to_string() } else { format!("{oldest}..{newest}") };
    ClassicStatus {
        version: Some(plain(&report.version)),
        protocol: Some(format!("weave {versions}")),
        peer_name: Some(plain(&report.name)),
        nickname: Some(plain(&report.nickname)),
        encryption: Some(report.encryption),
        discovery: Some(report.discovery),
        trusted_subnets: Some(report.trusted_subnets.clone()),
        allocation: report.ipam.as_ref().map(allocation),
        connections: Some(connections),
        others: Some(others(report, port)),
        ..known
    }
}

fn allocation(ipam: &RouterIpam) -> AllocationStatus {
    let why = match ipam.state {
        IpamState::Idle | IpamState::Ready => None,
        IpamState::Priming => Some("waits until the peers have divided the range"),
        IpamState::AwaitingConsensus => Some("too few peers answer to divide the range"),
        IpamState::Waiting => Some("all that it may give is given, and requests wait"),
        IpamState::Unreachable => Some("the whole range belongs to peers that cannot be reached"),
    };
    let RouterIpam { range, default_subnet, state, active, .. } = *ipam;
    AllocationStatus { state, why, range, default_subnet, held: active }
}

/// What keeps the router itself from its work: its container, or the router in it.
pub(crate) fn trouble(observed: &Observed, mark: &RouterPortMark) -> Option<String> {
    let name = &mark.container;
    let container = observed.containers.containers.get(name);
    match container.map(|container| (container.status, container.exit_code)) {
        // Where the engine was not there, nobody knows.
        None if observed.containers.api_minor.is_some() => return Some(format!("there is no container {name}")),
        None | Some((ContainerState::Running, _)) => {}
        Some((ContainerState::Paused, _)) => return Some(format!("container {name} is paused")),
        Some((ContainerState::Restarting, code)) => {
            return Some(format!("container {name} ends, and is started again and again (exit code {code})"));
        }
        Some((_, code)) => return Some(format!("container {name} does not run (exit code {code})")),
    }
    match &observed.classic.as_ref()?.report {
        Ok(report) => (!report.ready).then(|| "the router is still starting".to_owned()),
        Err(why) => Some(format!("the router does not answer: {why}")),
    }
}
