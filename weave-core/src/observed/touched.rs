//! What a second look has to look at.

use std::collections::BTreeSet;
use std::sync::Arc;

/// What steps can have changed of the host, besides the insides of containers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Names of its links.
    pub links: BTreeSet<Arc<str>>,
    /// Whether the flood list is among it.
    pub flood: bool,
}
