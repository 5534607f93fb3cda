//! The packet filter.

use serde::{Deserialize, Serialize};

/// Who looks after the packet filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    /// Whether weave makes and keeps its rules (true). With false nothing of the packet filter is touched, and
    /// `preflight` says what has to be open.
    #[serde(default = "yes")]
    pub manage: bool,
}

fn yes() -> bool {
    true
}
