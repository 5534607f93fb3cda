//! Telling the network where addresses are.

use serde::{Deserialize, Serialize};

use super::attachment::some_or_left_out;
use super::{Cidr, ContainerRef, List};
use crate::{Error, Result};

/// Announces addresses: those of a container, or those that are named, wherever on this host they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Announce {
    /// Name or id of the container, `netns:PATH`, or `pid:N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerRef>,
    /// The addresses; with a `container` some of its own, and all of them where none is given.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some_or_left_out")]
    pub ips: List<Cidr>,
}

impl Announce {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec` where neither a container nor an address is given.
    pub fn validate(&self) -> Result<()> {
        if self.container.is_none() && self.ips.is_empty() {
            return Err(Error::invalid(
                "container",
                "neither it nor `ips` is given; allowed: a container, addresses such as 10.2.1.4/24, or both",
            ));
        }
        Ok(())
    }
}
