//! The router: whether it does its work, and why not.

use std::net::IpAddr;

use serde::Serialize;

use super::classic::{self, ClassicStatus};
use crate::observed::{Link, Observed};
use crate::spec::Mac;

/// The router as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterStatus {
    /// `vxlan` or `image`.
    pub kind: &'static str,
    /// `running`; `stopped`; `down` when somebody set its device or bridge down, or when the router in a container does
    /// not do its work.
    pub state: &'static str,
    /// Why a router in a container is not `running`, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The bridge.
    pub bridge: String,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// MTU of the network in bytes.
    pub mtu: u32,
    /// Ports of the bridge in use, of 1023.
    pub ports: usize,
    /// The VXLAN device, or the port of the bridge that leads to the router in a container.
    pub device: Option<String>,
    /// The router's port: UDP, and TCP too where it is in a container.
    pub port: Option<u16>,
    /// Network identifier of a VXLAN.
    pub vni: Option<u32>,
    /// The host's address for the tunnel of a VXLAN.
    pub underlay: Option<IpAddr>,
    /// What there is only of a router in a container; its fields stand beside these.
    #[serde(flatten)]
    pub classic: Option<Box<ClassicStatus>>,
}

/// The router of the host; nothing where there is no bridge.
pub(super) fn router(observed: &Observed) -> Option<RouterStatus> {
    let (bridge, ..) = observed.bridge()?;
    let of_bridge = RouterStatus {
        kind: "vxlan",
        state: "stopped",
        why: None,
        bridge: bridge.name.clone(),
        mac: bridge.mac,
        mtu: bridge.mtu,
        ports: observed.links.iter().filter(|link| link.master == Some(bridge.index)).count(),
        device: None,
        port: None,
        vni: None,
        underlay: None,
        classic: None,
    };
    if let Some((link, info)) = observed.vxlan() {
        let works = link.up && bridge.up && link.master == Some(bridge.index);
        return Some(RouterStatus {
            state: if works { "running" } else { "down" },
            device: Some(link.name.clone()),
            port: Some(info.port),
            vni: Some(info.vni),
            underlay: info.local,
            ..of_bridge
        });
    }
    if let Some((port, mark)) = observed.router_port() {
        let mut troubles = troubles_of_links(observed, bridge, port);
        troubles.extend(classic::trouble(observed, &mark));
        return Some(RouterStatus {
            kind: "image",
            state: if troubles.is_empty() { "running" } else { "down" },
            why: (!troubles.is_empty()).then(|| troubles.join("; ")),
            device: Some(port.name.clone()),
            port: Some(mark.port),
            classic: Some(Box::new(classic::of_port(observed, &mark))),
            ..of_bridge
        });
    }
    let Some(container) = classic::stopped(observed) else { return Some(of_bridge) };
    let lost = || format!("container {} runs, and has no port on the bridge", container.name);
    let why = container.runs().then(lost);
    Some(RouterStatus { kind: "image", why, classic: Some(Box::new(classic::of_container(container))), ..of_bridge })
}

fn troubles_of_links(observed: &Observed, bridge: &Link, port: &Link) -> Vec<String> {
    let other = observed.other_end(port);
    let down = [Some(bridge), Some(port), other].into_iter().flatten().filter(|link| !link.up);
    let mut troubles: Vec<String> = down.map(|link| format!("{} is down", link.name)).collect();
    if port.master != Some(bridge.index) {
        troubles.push(format!("{} is no port of {}", port.name, bridge.name));
    }
    if other.is_none() {
        troubles.push(format!("{} leads nowhere: its other end is not in the host's namespace", port.name));
    }
    troubles
}
