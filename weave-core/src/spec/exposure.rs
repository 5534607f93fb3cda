//! Addresses of the host itself on the network.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Cidr, List};
use crate::{Error, Result};

/// One exposure in a document: `10.0.0.1/16`, or `{ip: 10.0.0.1/16, masquerade: false}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    /// The address on the bridge.
    pub ip: Cidr,
    /// Whether packets between its network and everything else take the host's address (true).
    pub masquerade: bool,
}

impl FromStr for Exposure {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(Self { ip: text.parse()?, masquerade: true })
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip.fmt(f)
    }
}

impl Serialize for Exposure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.masquerade {
            return self.ip.serialize(serializer);
        }
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("Exposure", 2)?;
        fields.serialize_field("ip", &self.ip)?;
        fields.serialize_field("masquerade", &self.masquerade)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Exposure {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            ip: Cidr,
            masquerade: Option<bool>,
        }

        impl<'de> serde::de::Visitor<'de> for Form {
            type Value = Exposure;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address such as 10.0.0.1/16 or {ip: 10.0.0.1/16, masquerade: false}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Exposure, E> {
                text.parse().map_err(|error: Error| E::custom(error.message()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Exposure, A::Error> {
                let fields = Fields::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Exposure { ip: fields.ip, masquerade: fields.masquerade.unwrap_or(true) })
            }
        }
        deserializer.deserialize_any(Form)
    }
}

/// Gives the host addresses on the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expose {
    /// The addresses to add to the bridge.
    pub ips: List<Cidr>,
    /// Whether packets between these networks and everything else take the host's address (true).
    #[serde(default = "yes")]
    pub masquerade: bool,
}

/// Takes addresses of the host from the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hide {
    /// The addresses to remove; all of them where none is given. Who writes an empty list has computed it: it is refused.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "super::attachment::some_or_left_out")]
    pub ips: List<Cidr>,
}

fn yes() -> bool {
    true
}

impl Expose {
    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        if self.ips.is_empty() {
            return Err(Error::invalid("ips", "no address is given; allowed: one or more such as 10.0.0.1/16"));
        }
        super::attachment::check_ips(&self.ips)
    }
}
