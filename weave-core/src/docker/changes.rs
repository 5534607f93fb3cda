//! What a container has written into its own layer: `docker diff`.

use bollard::models::ChangeType;

use super::client::Engine;
use crate::Result;

/// A path that is not as the image has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The path, as the container sees it.
    pub(crate) path: String,
    /// Whether the image has it, too; a directory is changed by what is changed in it.
    pub(crate) of_image: bool,
}

impl Engine {
    /// All that the container `id` has of its own, outside of its mounts.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(crate) async fn changes(&self, id: &str) -> Result<Vec<Change>> {
        let ask = |docker: bollard::Docker| async move { docker.container_changes(id).await };
        // Some storage drivers look through all files.
        let all = self.ask_within(self.patience().work, "look for what it has written", ask).await;
        let all = all.map_err(|failure| failure.error)?.unwrap_or_default();
        Ok(all
            .into_iter()
            .map(|change| Change { path: change.path, of_image: change.kind != ChangeType::_1 })
            .collect())
    }
}
