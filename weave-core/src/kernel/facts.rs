//! What this host is able to do, for the preflight check.

use super::preflight::KernelAbilities;
use super::{Kernel, job};
use crate::Result;
use crate::observed::{EngineFacts, EngineNetwork, HostFacts};

impl Kernel {
    pub(super) async fn look_at_facts(&self) -> HostFacts {
        let tried = job::start(&self.host, || Ok(KernelAbilities::try_out()));
        let engine = self.engine_facts().await;
        let tried = match tried {
            Ok(job) => job.wait().await.unwrap_or_default(),
            Err(_) => KernelAbilities::default(),
        };
        let (engine, engine_error) = match engine {
            Ok(engine) => (Some(engine), None),
            Err(error) => (None, Some(error.to_string())),
        };
        HostFacts {
            kernel: tried.kernel,
            abilities: tried.abilities,
            missing_capabilities: tried.missing_capabilities,
            engine,
            engine_error,
        }
    }

    async fn engine_facts(&self) -> Result<EngineFacts> {
        let version = self.engine.version().await?;
        let networks = self.engine.networks().await?;
        Ok(EngineFacts {
            address: self.engine.address(),
            version: version.version,
            podman: version.podman,
            api_version: version.api_version,
            min_api_version: version.min_api_version,
            networks: networks.into_iter().map(|(name, subnets)| EngineNetwork { name, subnets }).collect(),
        })
    }
}
