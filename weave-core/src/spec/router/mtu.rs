//! How large packets of the overlay may be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, names};

/// The MTU of the overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mtu {
    /// The smallest path MTU towards the peers, less what the tunnel adds.
    Auto,
    /// So many bytes.
    Bytes(u32),
}

impl FromStr for Mtu {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = format!("allowed: auto, or {} to {}", names::MTU_MIN, names::MTU_MAX);
        match text {
            "auto" => Ok(Self::Auto),
            _ => text
                .parse()
                .map(Self::Bytes)
                .map_err(|_| Error::invalid("mtu", format!("`{text}` is no MTU; {allowed}"))),
        }
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

impl Serialize for Mtu {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Bytes(bytes) => serializer.serialize_u32(*bytes),
        }
    }
}

impl<'de> Deserialize<'de> for Mtu {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::spec::input::text_or_number(deserializer, "auto or a number of bytes")
    }
}

/// Refuses what no interface takes.
pub(in crate::spec) fn check_mtu(mtu: Option<Mtu>) -> Result<()> {
    match mtu {
        Some(Mtu::Bytes(bytes)) if !(names::MTU_MIN..=names::MTU_MAX).contains(&bytes) => Err(Error::invalid(
            "mtu",
            format!("{bytes} is out of range; allowed: auto, or {} to {}", names::MTU_MIN, names::MTU_MAX),
        )),
        _ => Ok(()),
    }
}
