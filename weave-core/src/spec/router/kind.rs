//! What carries frames.

use serde::{Deserialize, Serialize};

/// How frames are carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RouterKind {
    /// In the kernel, by a VXLAN device (RFC 7348); no process runs.
    #[default]
    Vxlan,
    /// By a router in a container, from an image such as `weaveworks/weave:2.8.1`: encrypted where a password is
    /// given, and of one network with hosts that run such a router already.
    Image,
}
