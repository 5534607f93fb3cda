//! Everything that the engine tells of its containers, in its own words.

use std::sync::Arc;

use bollard::errors::Error as ApiError;
use bollard::query_parameters::ListContainersOptions;
use futures_util::TryStreamExt;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::client::Engine;
use super::failure::Failure;
use crate::Result;

/// Questions under way at once.
const AT_ONCE: usize = 16;

impl Engine {
    /// Every container, running or not, as `docker inspect` shows it.
    pub(crate) async fn inspect_all(&self) -> Result<Vec<Value>> {
        let options = ListContainersOptions { all: true, ..ListContainersOptions::default() };
        let list = |docker: bollard::Docker| {
            let options = options.clone();
            async move { docker.list_containers(Some(options)).await }
        };
        let listed = self.ask("list containers", list).await.map_err(|failure| failure.error)?;
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        let mut lookups = JoinSet::new();
        for id in listed.into_iter().filter_map(|container| container.id) {
            let (engine, gate) = (self.clone(), Arc::clone(&gate));
            lookups.spawn(async move {
                // It is never closed.
                let _permit = gate.acquire().await;
                engine.in_its_words(&format!("look at container {id}"), format!("/containers/{id}/json")).await
            });
        }
        let mut found = Vec::new();
        while let Some(done) = lookups.join_next().await {
            // One that was removed since it was listed is not there.
            if let Ok(answer) = done
                && let Some(container) = answer?
            {
                found.push(container);
            }
        }
        Ok(found)
    }

    /// The link of the network that containers have where none is given them (`docker0`); nothing where there is none.
    pub(crate) async fn bridge(&self) -> Result<Option<String>> {
        let network = self.in_its_words("look at network bridge", "/networks/bridge".to_owned()).await?;
        Ok(network.and_then(|network| Some(network["Options"]["com.docker.network.bridge.name"].as_str()?.to_owned())))
    }

    /// An answer as it is; nothing for what does not exist.
    ///
    /// bollard drops what its own release of the API does not know, old fields that others still read among them.
    async fn in_its_words(&self, what: &str, path: String) -> Result<Option<Value>> {
        let answer = self.ask(what, |docker| {
            // Only archives are handed out as they come, so one is asked for, at another path.
            let docker = self.sent_to(docker, path.clone());
            async move {
                let pieces: Vec<_> = docker.export_container("any").try_collect().await?;
                serde_json::from_slice(&pieces.concat()).map_err(|err| ApiError::JsonSerdeError { err })
            }
        });
        match answer.await {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure { status: Some(404), .. }) => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }
}
