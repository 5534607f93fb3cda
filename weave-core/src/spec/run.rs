//! Containers that weave runs.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use super::command::Command;
use super::options::Options;
pub use super::written::Written;
use super::{Attached, ContainerRef};
use crate::{Error, Result};

/// Whether a container should be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Presence {
    /// As the document says.
    #[default]
    Present,
    /// The same, from the newest image that its registry has: `pull: always`.
    Latest,
    /// It is removed, with its interface.
    Absent,
}

impl Presence {
    // serde hands `skip_serializing_if` a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::Present
    }

    /// Whether it should be there.
    pub fn is_there(self) -> bool {
        self != Self::Absent
    }
}

/// What a container should be doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunState {
    /// It runs.
    #[default]
    Running,
    /// It is there and does not run.
    Stopped,
    /// It is there; whether it runs is left alone.
    Created,
}

/// What happens to a container that was made with other settings than are wanted now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnChange {
    /// It is made anew.
    #[default]
    Recreate,
    /// It stays, and the report says what differs.
    Report,
    /// It stays, and nothing is said.
    Ignore,
}

/// When an image is fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Pull {
    /// Where the engine does not have it.
    #[default]
    Missing,
    /// Each time.
    Always,
    /// Never: an image that is not there is an error.
    Never,
}

/// When a container that is started gets its interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttachWhen {
    /// At once after its start.
    #[default]
    AfterStart,
    /// Before its process starts: a second container holds its network namespace, through all restarts.
    BeforeStart,
}

/// Runs a container: a name, and everything that a document says of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its name.
    pub name: String,
    /// The rest.
    #[serde(flatten)]
    pub attached: Attached,
}

impl Run {
    /// The container.
    ///
    /// # Errors
    /// `InvalidSpec` for a name that no container can have.
    pub fn container(&self) -> Result<ContainerRef> {
        container(&self.name)
    }
}

/// Removes a container that weave made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Its name.
    pub name: String,
}

impl Remove {
    /// The container.
    ///
    /// # Errors
    /// `InvalidSpec` for a name that no container can have.
    pub fn container(&self) -> Result<ContainerRef> {
        container(&self.name)
    }
}

pub(super) fn container(name: &str) -> Result<ContainerRef> {
    match name.parse() {
        Ok(container @ ContainerRef::Container(_)) => Ok(container),
        _ => {
            Err(Error::invalid("name", format!("`{name}` is no name of a container; allowed: letters, digits, _ . -")))
        }
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NameAndRest)
    }
}

struct NameAndRest;

impl<'de> Visitor<'de> for NameAndRest {
    type Value = Run;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with `name`, `image` and what else a document says of a container")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Run, A::Error> {
        let mut name = None;
        let attached = Attached::deserialize(MapAccessDeserializer::new(Rest { entries, name: &mut name }))?;
        let name = name.ok_or_else(|| A::Error::missing_field("name"))?;
        Ok(Run { name, attached })
    }
}

/// A map without its `name`, which is kept.
struct Rest<'a, A> {
    entries: A,
    name: &'a mut Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.entries.next_key::<String>()? {
            if key != "name" {
                let key: StringDeserializer<A::Error> = key.into_deserializer();
                return seed.deserialize(key).map(Some);
            }
            *self.name = Some(self.entries.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.entries.next_value_seed(seed)
    }
}

/// How a container is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// The image, as the engine takes it: `nginx:1.27`, `registry.example.com/app@sha256:…`.
    pub image: String,
    /// The command, where it is not the image's.
    pub command: Option<Command>,
    /// Options of `docker run`.
    pub options: Options,
    /// What it should be doing (`running`).
    pub state: RunState,
    /// What happens if it was made with other settings (`recreate`).
    pub on_change: OnChange,
    /// When the image is fetched (`missing`).
    pub pull: Pull,
    /// When it gets its interface (`after_start`).
    pub attach: AttachWhen,
}

impl Settings {
    /// The words of its command; none where it is the image's.
    ///
    /// # Errors
    /// `InvalidSpec` for a line with an open quote.
    pub fn words(&self) -> Result<Vec<String>> {
        let Some(command) = &self.command else { return Ok(Vec::new()) };
        command.words().map_err(|line| {
            let message = format!("`{line}` has a quote or backslash without its end; allowed: words as in a shell");
            Error::invalid("command", message)
        })
    }
}

/// Whether `text` can be a reference to an image at all; the engine knows the rest.
pub(crate) fn check_image(text: &str) -> Result<()> {
    let valid = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@' | '[' | ']'));
    if valid {
        return Ok(());
    }
    Err(Error::invalid(
        "image",
        format!("`{text}` is no image; allowed: a name such as nginx:1.27 or registry.example.com/app@sha256:…"),
    ))
}
