//! JSON Schemas of the documents, made from the types that read them.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::fleet::Fleet;
use super::{
    Cidr, ContainerRef, Exposure, HostDocument, IfName, Ips, List, Mac, Mtu, Named, Options, Peer, Publication, Route,
    Subnet, Underlay,
};
use crate::names;

/// The JSON Schema of a host's document.
pub fn host() -> Value {
    of::<HostDocument>("A host of a weave network")
}

/// The JSON Schema of a fleet.
pub fn fleet() -> Value {
    of::<Fleet>("All hosts of a weave network and their containers")
}

fn of<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

/// Types that are written as text: their names, what a text has to look like, and an example.
macro_rules! text {
    ($($type:ty = $name:literal, $pattern:expr, $example:literal;)*) => {
        $(impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": $pattern, "examples": [$example]})
            }
        })*
    };
}

const CONTAINER: &str = "^(/?[A-Za-z0-9][A-Za-z0-9_.-]*|netns:.+|pid:[1-9][0-9]*)$";

text! {
    Cidr = "Cidr", "^(ip:)?[0-9A-Fa-f:.]+/[0-9]{1,3}$", "10.2.1.4/24";
    ContainerRef = "Container", CONTAINER, "web.example.com";
    IfName = "Interface", "^[^/:%\"'\\\\*+\\s]{1,15}$", "ethwe";
    Mac = "Mac", "^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$", "0a:57:0a:02:01:04";
    Peer = "Peer", "^[^\\s,]+$", "192.0.2.2";
    Subnet = "Subnet", "^[0-9A-Fa-f:.]+/[0-9]{1,3}$", "10.0.0.0/16";
    Underlay = "Underlay", "^\\S+$", "192.0.2.0/24";
}

impl JsonSchema for Options {
    fn schema_name() -> Cow<'static, str> {
        "Options".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Options of `docker run`: one line, a list of words, or a map with the long names.",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": ["string", "number"]}},
                {"type": "object"},
            ],
        })
    }
}

impl JsonSchema for Mtu {
    fn schema_name() -> Cow<'static, str> {
        "Mtu".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "string", "pattern": "^(auto|[0-9]+)$"},
                {"type": "integer", "minimum": names::MTU_MIN, "maximum": names::MTU_MAX},
            ],
        })
    }
}

impl JsonSchema for Route {
    fn schema_name() -> Cow<'static, str> {
        "Route".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "string", "examples": ["10.9.0.0/16 via 10.2.1.1"]},
                {
                    "type": "object",
                    "properties": {"to": {"type": "string"}, "via": {"type": ["string", "null"]}},
                    "required": ["to"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

impl JsonSchema for Exposure {
    fn schema_name() -> Cow<'static, str> {
        "Exposure".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let ip = generator.subschema_for::<Cidr>();
        json_schema!({
            "anyOf": [
                ip,
                {
                    "type": "object",
                    "properties": {"ip": ip, "masquerade": {"type": ["boolean", "null"]}},
                    "required": ["ip"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

impl JsonSchema for Publication {
    fn schema_name() -> Cow<'static, str> {
        "Publication".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (host_port, host_ip) = (option_port(generator), option_ip(generator));
        json_schema!({
            "anyOf": [
                {
                    "description": "[HOST_IP:]HOST_PORT:TO:PORT[/PROTOCOL]",
                    "type": "string",
                    "pattern": "^([0-9.]+:|\\[[0-9A-Fa-f:.]+\\]:)?[0-9]{1,5}:\\S+:[0-9]{1,5}(/[A-Za-z]+)?$",
                    "examples": ["8080:web:80"],
                },
                {
                    "type": "object",
                    "properties": {
                        "host_port": host_port,
                        "to": {"type": "string", "examples": ["web", "10.2.1.4"]},
                        "port": option_port(generator),
                        "protocol": {"enum": ["tcp", "udp", "sctp", null]},
                        "host_ip": host_ip,
                        "masquerade": {"type": ["boolean", "null"]},
                    },
                    "required": ["host_port", "to"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A list, or words separated by blanks or commas.",
            "anyOf": [{"type": "array", "items": generator.subschema_for::<T>()}, {"type": "string"}],
        })
    }
}

impl JsonSchema for Ips {
    fn schema_name() -> Cow<'static, str> {
        "Ips".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let address = generator.subschema_for::<Cidr>();
        let request = json_schema!({
            "description": "An address that the router allocates (kind `image`).",
            "type": "string", "pattern": "^net:(default|[0-9.]+/[0-9]{1,2})$", "examples": ["net:default"],
        });
        json_schema!({
            "description": "A list, or words separated by blanks or commas.",
            "anyOf": [{"type": "array", "items": {"anyOf": [address, request]}}, {"type": "string"}],
        })
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("NamedOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": {"pattern": CONTAINER},
            "additionalProperties": generator.subschema_for::<T>(),
        })
    }
}

/// A number that may be written as text.
fn number(maximum: u32) -> Schema {
    json_schema!({
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": maximum},
            {"type": "string", "pattern": "^[0-9]+$"},
            {"type": "null"},
        ],
    })
}

/// A port that may be left out.
pub(super) fn option_port(_: &mut SchemaGenerator) -> Schema {
    number(u32::from(u16::MAX))
}

/// A VXLAN network identifier that may be left out.
pub(super) fn option_vni(_: &mut SchemaGenerator) -> Schema {
    number(names::VNI_MAX)
}

/// An address that may be left out.
pub(super) fn option_ip(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "null"], "pattern": "^[0-9A-Fa-f:.]+$", "examples": ["10.2.1.1"]})
}

/// `ip` is another name of `ips`, and only one of them is given.
pub(super) fn ip_for_ips(schema: &mut Schema) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties")
        && let Some(ips) = properties.get("ips").cloned()
    {
        properties.insert("ip".to_owned(), ips);
    }
    schema.insert("not".to_owned(), serde_json::json!({"required": ["ip", "ips"]}));
}
