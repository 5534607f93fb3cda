//! The command of a container as it is written.

use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::word::{self, each_word};

/// The command of a container: one line as a shell splits it, or a list of words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Command {
    /// One line.
    Line(String),
    /// Word by word; a number is its text.
    Words(#[schemars(schema_with = "words_schema")] Vec<String>),
}

fn words_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "array", "items": word::schema()})
}

impl Command {
    /// Its words, or else the line with an open quote.
    pub(crate) fn words(&self) -> Result<Vec<String>, &str> {
        match self {
            Self::Words(words) => Ok(words.clone()),
            Self::Line(line) => shlex::split(line).ok_or(line),
        }
    }

    /// The same with each text changed.
    pub(crate) fn map(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Line(line) => Self::Line(change(&line)),
            Self::Words(words) => Self::Words(words.iter().map(|word| change(word)).collect()),
        }
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LineOrWords)
    }
}

struct LineOrWords;

impl<'de> Visitor<'de> for LineOrWords {
    type Value = Command;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line, or a list of words")
    }

    fn visit_str<E: serde::de::Error>(self, line: &str) -> Result<Command, E> {
        Ok(Command::Line(line.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Command, A::Error> {
        each_word(items).map(Command::Words)
    }

    /// An empty table of Lua is a map.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Command, A::Error> {
        match entries.next_key::<String>()? {
            None => Ok(Command::Words(Vec::new())),
            Some(key) => {
                let message = format!("a map with the key `{key}` is no command; allowed: a line, or a list of words");
                Err(A::Error::custom(message))
            }
        }
    }
}
