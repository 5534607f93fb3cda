//! Options of `docker run` as they are written.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::from_value;
use super::options::Options;
use super::word::{self, each_word};
use crate::{Error, Result};

/// Options of `docker run` as they are written, before names are put into them: one line, a list of words, or a map.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Written(Value);

impl Default for Written {
    fn default() -> Self {
        Self(Value::Array(Vec::new()))
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Written {
    /// What they say.
    ///
    /// # Errors
    /// `InvalidSpec` with `options` as its subject.
    pub(crate) fn read(&self) -> Result<Options> {
        from_value(self.0.clone()).map_err(|error| error.within("options"))
    }

    /// These, and `later` ones: what can be given once is taken from `later`, lists add up.
    ///
    /// # Errors
    /// `InvalidSpec` where one is words and the other a map.
    pub(crate) fn merge(self, later: Self) -> Result<Self> {
        match (self.0, later.0) {
            (Value::Object(mut map), Value::Object(later)) => {
                for (name, value) in later {
                    match (map.get_mut(&name), value) {
                        (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
                        (_, value) => {
                            map.insert(name, value);
                        }
                    }
                }
                Ok(Self(Value::Object(map)))
            }
            (one, Value::Object(later)) if is_nothing(&one) => Ok(Self(Value::Object(later))),
            (one, other) if is_nothing(&other) => Ok(Self(one)),
            (Value::Object(_), _) | (_, Value::Object(_)) => Err(Error::invalid(
                "options",
                "are words in one place and a map in another; allowed: words in both, or a map in both",
            )),
            (one, other) => Ok(Self([words(one), words(other)].concat().into())),
        }
    }

    /// The same with each text changed.
    pub(crate) fn map(self, change: &impl Fn(&str) -> String) -> Self {
        Self(map_text(self.0, change))
    }
}

/// An empty table of Lua is an empty map.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn words(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        one => vec![one],
    }
}

fn map_text(value: Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(&text)),
        Value::Array(items) => items.into_iter().map(|item| map_text(item, change)).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, map_text(value, change))).collect(),
        other => other,
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsWritten)
    }
}

struct AsWritten;

impl<'de> Visitor<'de> for AsWritten {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("options: a line such as '--memory=2g', a list of such, or a map")
    }

    fn visit_str<E: serde::de::Error>(self, line: &str) -> Result<Written, E> {
        Ok(Written(line.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Written, A::Error> {
        each_word(items).map(|words| Written(words.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Written, A::Error> {
        Map::deserialize(MapAccessDeserializer::new(entries)).map(|map| Written(Value::Object(map)))
    }
}

impl schemars::JsonSchema for Written {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WrittenOptions".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Options of `docker run`: one line, a list of words, or a map.",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": word::schema()},
                {"type": "object"},
            ],
        })
    }
}
