//! What is written on the container that is made on the target.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::spec::Attach;

/// The label of what a move makes on the target: of the container it holds the [`Journal`], of volumes the move's id.
pub const MIGRATES: &str = "weave.migrates";

/// What cannot be seen of the source any more once it is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The move that made it, as [`Ends::id`](super::Ends) has it.
    #[serde(rename = "move", default)]
    pub id: String,
    /// The full id of the source's container.
    pub source: String,
    /// Whether it ran.
    pub ran: bool,
    /// Its restart policy.
    pub restart: Restart,
    /// Its interfaces on the network.
    pub interfaces: Vec<Attach>,
}

impl Journal {
    /// As the label's value.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the label's value; `None` for what weave did not write.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// A restart policy, as the engine has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// `no`, `always`, `unless-stopped`, `on-failure`.
    #[serde(rename = "Name")]
    pub name: String,
    /// Of `on-failure`, how often; 0 is without end.
    #[serde(rename = "MaximumRetryCount", default)]
    pub retries: i64,
}

impl Restart {
    /// None: the engine never starts it by itself.
    pub fn no() -> Self {
        Self { name: "no".to_owned(), retries: 0 }
    }

    /// That of a container's `HostConfig`.
    pub fn of(host_config: &Value) -> Self {
        let read: Option<Self> = serde_json::from_value(host_config["RestartPolicy"].clone()).ok();
        read.filter(|read| !read.name.is_empty()).unwrap_or_else(Self::no)
    }

    /// Whether the engine may start the container by itself.
    pub fn starts(&self) -> bool {
        !matches!(self.name.as_str(), "" | "no")
    }
}
