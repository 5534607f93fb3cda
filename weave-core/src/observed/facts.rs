//! What a host is able to do, found out by trying.

use ipnetwork::IpNetwork;
use serde::Serialize;

/// What a preflight check found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HostFacts {
    /// Release of the kernel.
    pub kernel: String,
    /// Features that were tried in a scratch namespace.
    pub abilities: Vec<Ability>,
    /// Capabilities that this process lacks: `CAP_NET_ADMIN`, …
    pub missing_capabilities: Vec<String>,
    /// The engine, when it answered.
    pub engine: Option<EngineFacts>,
    /// Why it did not.
    pub engine_error: Option<String>,
}

/// One feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ability {
    /// `bridge`, `vxlan`, `veth`, `netns`, `nft`.
    pub name: String,
    /// Why it does not work; nothing when it does.
    pub missing: Option<String>,
}

/// The Docker engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EngineFacts {
    /// Where it was asked.
    pub address: String,
    /// Its version.
    pub version: String,
    /// Whether it is Podman.
    pub podman: bool,
    /// The newest API version it speaks.
    pub api_version: String,
    /// The oldest API version it speaks.
    pub min_api_version: String,
    /// Its networks and their subnets.
    pub networks: Vec<EngineNetwork>,
}

/// A network of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineNetwork {
    /// Its name.
    pub name: String,
    /// Its subnets.
    pub subnets: Vec<IpNetwork>,
}
