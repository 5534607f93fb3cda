//! The Docker engine, over bollard.
//!
//! Only what needs the engine is asked of it: which process a name or id stands for, and a few lists. All else about a
//! container's network is read from the kernel.

mod address;
mod client;
mod failure;
#[cfg(test)]
mod fake;
mod find;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bollard::query_parameters::{ListContainersOptions, ListNetworksOptions};
use ipnetwork::IpNetwork;

pub(crate) use client::Engine;
pub(crate) use find::Found;

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
}

/// A container in a list, running or not.
#[allow(dead_code, reason = "no operation shows it yet")]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Listed {
    /// Full id.
    pub(crate) id: String,
    /// First name, without the leading slash of the API.
    pub(crate) name: String,
    /// The engine's word for its state.
    pub(crate) state: String,
}

impl Engine {
    /// What the engine says of itself: `docker version`.
    pub(crate) async fn version(&self) -> Result<EngineVersion> {
        self.ask("ask for the version", |docker| async move { docker.version().await })
            .await
            .map(|version| EngineVersion {
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

    /// All containers, running or not: `docker ps --all`.
    #[allow(dead_code, reason = "no operation shows it yet")]
    pub(crate) async fn containers(&self) -> Result<Vec<Listed>> {
        let list = |docker: bollard::Docker| async move {
            let all = ListContainersOptions { all: true, filters: None::<HashMap<_, _>>, ..Default::default() };
            docker.list_containers(Some(all)).await
        };
        let containers = self.ask("list containers", list).await.map_err(|failure| failure.error)?;
        let listed = containers.into_iter().map(|container| {
            let name = container.names.unwrap_or_default().into_iter().next().unwrap_or_default();
            Listed {
                id: container.id.unwrap_or_default(),
                name: name.trim_start_matches('/').to_owned(),
                state: container.state.map(|state| state.to_string()).unwrap_or_default(),
            }
        });
        Ok(listed.collect())
    }
}
