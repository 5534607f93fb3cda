//! Names of network interfaces.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::spec::list::serde_by_text;
use crate::{Error, Result, names};

/// The name of a network interface: at most 15 bytes, no blank, no `/`, not `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfName(Arc<str>);

impl IfName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, to share it.
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The bridge's name where none is given.
    pub fn bridge() -> Self {
        Self(names::BRIDGE.into())
    }

    /// The container interface's name where none is given.
    pub fn interface() -> Self {
        Self(names::INTERFACE.into())
    }
}

impl FromStr for IfName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // `dev_valid_name` of the kernel, `%` which it takes for a pattern, and what nft and iptables take for one.
        let valid = !text.is_empty()
            && text.len() <= names::IFNAME_MAX
            && text != "."
            && text != ".."
            && text
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%' | '"' | '\'' | '\\' | '*' | '+'));
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid(
                "interface",
                format!(
                    "`{text}` is no interface name; allowed: 1 to 15 letters without blanks, quotes, `/`, `:`, `%`, `*`, `+`"
                ),
            ))
        }
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(IfName, "an interface name of 1 to 15 letters");
