//! The Docker engine, over bollard.
//!
//! Only what needs the engine is asked of it: which process a name or id stands for, and a few lists. All else about a
//! container's network is read from the kernel.

pub(crate) mod about;
mod act;
mod address;
mod bonds;
pub(crate) mod brief;
pub(crate) mod build;
pub(crate) mod changes;
mod client;
mod client_side;
#[cfg(test)]
mod clients;
mod connect;
pub(crate) mod context;
pub(crate) mod create;
mod credentials;
mod elsewhere;
mod events;
mod facts;
mod failure;
#[cfg(test)]
pub(crate) mod fake;
mod find;
pub(crate) mod holder;
mod log;
mod look;
pub(crate) mod podman;
mod pull;
mod reference;
mod refusal;
mod ssh;
mod stop;
#[cfg(test)]
pub(crate) mod tests;
mod timeout;
mod transfer;
mod version;
pub(crate) mod volume;
pub(crate) mod wish;

use bollard::query_parameters::ListNetworksOptions;
use ipnetwork::IpNetwork;

pub(crate) use client::Engine;
pub(crate) use events::{ContainerEvent, Events, Happened};
pub(crate) use find::Found;
pub(crate) use stop::stop_timeout;
pub(crate) use timeout::engine_timeout;
pub use wish::wish;

use crate::Result;

/// What the engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct EngineVersion {
    /// The release, such as `20.10.24`.
    pub(crate) version: String,
    /// The newest API it speaks.
    pub(crate) api_version: String,
    /// The oldest API it speaks.
    pub(crate) min_api_version: String,
    /// Whether it is Podman.
    pub(crate) podman: bool,
}

impl Engine {
    /// What the engine says of itself: `docker version`.
    pub(crate) async fn version(&self) -> Result<EngineVersion> {
        self.ask("ask for the version", |docker| async move { docker.version().await })
            .await
            .map(|version| EngineVersion {
                podman: podman::is_podman(&version),
                version: version.version.unwrap_or_default(),
                api_version: version.api_version.unwrap_or_default(),
                min_api_version: version.min_api_version.unwrap_or_default(),
            })
            .map_err(|failure| failure.error)
    }

    /// The engine's networks with their subnets: `docker network ls` and `inspect`.
    ///
    /// A subnet that is none (foreign drivers write what they like) is left out; this list serves to find overlaps.
    pub(crate) async fn networks(&self) -> Result<Vec<(String, Vec<IpNetwork>)>> {
        let networks = self
            .ask("list networks", |docker| async move { docker.list_networks(None::<ListNetworksOptions>).await })
            .await
            .map_err(|failure| failure.error)?;
        let listed = networks.into_iter().map(|network| {
            let pools = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
            let subnets = pools.into_iter().filter_map(|pool| pool.subnet?.parse().ok()).collect();
            (network.name.unwrap_or_default(), subnets)
        });
        Ok(listed.collect())
    }
}
