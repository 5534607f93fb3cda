//! From text, YAML or a table of another language to a spec, with errors that name the field.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};

use crate::{Error, Result};

/// Reads a spec from a tree of values, as the bindings and the command hand it over.
///
/// # Errors
/// `InvalidSpec` with the path of the field (`containers.web.ips[0]`) as its subject; an unknown field is answered
/// with the nearest name there is.
pub fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        explain(if path == "." { "" } else { &path }, &error.into_inner().to_string())
    })
}

/// Reads a spec from YAML, of which JSON is a part.
///
/// # Errors
/// `InvalidSpec`: with line and column where the text is no YAML, else as [`from_value`].
pub fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T> {
    let value: serde_json::Value = serde_saphyr::from_str(text)
        .map_err(|error| Error::invalid("document", format!("is no YAML: {}", yaml_words(&error))))?;
    match value {
        serde_json::Value::Null => from_value(serde_json::Value::Object(serde_json::Map::new())),
        serde_json::Value::Object(_) => from_value(value),
        _ => Err(Error::invalid("document", "is no map of fields; allowed: `router:`, `peers:`, `containers:` …")),
    }
}

/// What the parser says, without the lines of the text around it.
pub(super) fn yaml_words(error: &serde_saphyr::Error) -> String {
    if matches!(error.without_snippet(), serde_saphyr::Error::MultipleDocuments { .. }) {
        return "it holds several documents; allowed: one".to_owned();
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// Turns serde's words into ours: the unknown field becomes the subject, with the nearest right name.
pub(super) fn explain(path: &str, message: &str) -> Error {
    if let Some((at, words)) = super::list::item_of(message) {
        return explain(&format!("{path}[{at}]"), words);
    }
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (message.starts_with("unknown field"), message.starts_with("unknown variant"), names.split_first()) {
        (true, _, Some((field, known))) => {
            // serde's path ends at the unknown field itself.
            let subject = if path.is_empty() || path == *field || path.ends_with(&format!(".{field}")) {
                if path.is_empty() { (*field).to_owned() } else { path.to_owned() }
            } else {
                format!("{path}.{field}")
            };
            let error = Error::invalid(subject, format!("`{field}` is no field here; allowed: {}", known.join(", ")));
            match nearest(field, known) {
                Some(name) => error.hint(format!("did you mean `{name}`?")),
                None => error,
            }
        }
        (_, true, Some((value, known))) => unknown_word(path, value, known),
        (_, _, Some((field, []))) if message.starts_with("missing field") => {
            let error = Error::invalid("", message);
            if path.is_empty() { error.within(field) } else { error.within(field).within(path) }
        }
        _ => match message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected ")) {
            Some((found, expected)) => {
                // What serde calls a type of ours is a map to everybody else.
                let expected = if expected.starts_with("struct ") { "a map of fields" } else { expected };
                Error::invalid(path, format!("{found} does not fit; allowed: {expected}"))
            }
            None => Error::invalid(path, message),
        },
    }
}

/// The error of a word that is none of those to choose from.
pub(crate) fn unknown_word(field: &str, word: &str, known: &[&str]) -> Error {
    let error = Error::invalid(field, format!("`{word}` is not known; allowed: {}", known.join(", ")));
    match nearest(word, known) {
        Some(name) => error.hint(format!("did you mean `{name}`?")),
        None => error,
    }
}

/// The name that a mistyped `word` most likely stands for.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 3)
        .map(|(_, name)| name)
}

/// A number that may be written as text or as `6784.0`: templates yield strings, Lua yields floats.
pub(super) fn option_number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    let number = |value: &serde_json::Value| match value {
        serde_json::Value::Number(number) => whole(number),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match value {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(value) => match number(&value).and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(serde::de::Error::custom(format!(
                "{value} is out of range or no whole number; allowed: 1 to {}",
                if size_of::<T>() == 2 { u64::from(u16::MAX) } else { u64::from(crate::names::VNI_MAX) }
            ))),
        },
    }
}

/// An address that may be left out.
pub(super) fn option_ip<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    let parse = |text: String| {
        let wrong = |_| serde::de::Error::custom(format!("`{text}` is no address; allowed: IPv4 or IPv6"));
        text.parse().map_err(wrong)
    };
    Option::<String>::deserialize(deserializer)?.map(parse).transpose()
}

fn whole(number: &serde_json::Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && (0.0..4e9).contains(float))?;
        format!("{float:.0}").parse().ok()
    })
}

/// A value that is written as text or as a number, parsed from its text.
pub(super) fn text_or_number<'de, D, T>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Error>,
{
    struct TextOrNumber<T>(&'static str, PhantomData<T>);

    impl<T: FromStr<Err = Error>> Visitor<'_> for TextOrNumber<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(|error: Error| E::custom(error.message()))
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }
    }
    deserializer.deserialize_any(TextOrNumber(expected, PhantomData))
}
