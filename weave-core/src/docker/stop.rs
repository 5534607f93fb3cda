//! Stopping a container.

use std::time::Duration;

use bollard::query_parameters::StopContainerOptions;

use super::act::known;
use super::client::Engine;
use super::refusal;
use crate::Result;
use crate::observed::Container;

/// How long the engine waits for a container that was asked to stop, when nobody says otherwise.
const STOP_TIMEOUT: i64 = 10;

/// The seconds that a container has between its stop signal and SIGKILL; a negative number is for ever.
pub(crate) fn stop_timeout(container: &Container) -> i64 {
    container.config["StopTimeout"].as_i64().unwrap_or(STOP_TIMEOUT)
}

impl Engine {
    /// Stops a container: its stop signal, and SIGKILL after so many seconds, or after its own stop timeout.
    ///
    /// # Errors
    /// In the engine's words.
    pub(crate) async fn stop_within(&self, name: &str, seconds: Option<u32>) -> Result<()> {
        let name = known(name)?;
        let found = self.container(name).await?;
        let own = found.as_ref().map_or(STOP_TIMEOUT, stop_timeout);
        let timeout = seconds.map_or(own, i64::from);
        // A negative one means that the engine waits until it stops by itself.
        let deadline = u64::try_from(timeout).ok().map(|seconds| Duration::from_secs(seconds) + self.patience().work);
        let options = seconds
            .map(|seconds| StopContainerOptions { t: i32::try_from(seconds).ok(), ..StopContainerOptions::default() });
        let order = |docker: bollard::Docker| async move { docker.stop_container(name, options).await };
        let stopped = self.order(deadline, &format!("stop {name}"), order).await;
        stopped.map_err(|failure| refusal::of(name, "stop", failure))
    }
}
