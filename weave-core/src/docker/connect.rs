//! Connecting a container to one more network: `docker network connect`.

use bollard::models::{EndpointSettings, NetworkConnectRequest};
use serde_json::Value;

use super::act::whole;
use super::client::Engine;
use super::refusal;
use crate::Result;

impl Engine {
    /// Connects a container to a network of the engine; `endpoint` as in a request for a container.
    ///
    /// # Errors
    /// In the engine's words.
    pub(crate) async fn connect_to(&self, container: &str, network: &str, endpoint: &Value) -> Result<()> {
        let endpoint: EndpointSettings = whole(container, endpoint)?;
        let body = NetworkConnectRequest { container: container.to_owned(), endpoint_config: Some(endpoint) };
        let order = |docker: bollard::Docker| async move { docker.connect_network(network, body).await };
        let what = format!("connect to network {network}");
        let connected = self.order(Some(self.patience().work), &what, order).await;
        connected.map_err(|failure| refusal::of(container, &what, failure))
    }
}
