//! One grammar for every option: a value is read from the text that the docker client takes, however it was written.
//!
//! A document may hold a text, a number or a truth value, one or a list of them, and a map where the option is made
//! of names and values. All of it becomes texts first, then [`Value::read`] decides.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::csv;
use crate::{Error, Result};

/// What a map in the place of a list stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// Nothing: a map is refused.
    Refused,
    /// One item for each entry: its key, this separator, its value.
    Pairs(char),
    /// One item whose comma-separated fields are the entries, as `--mount type=bind,source=/a`.
    Fields,
}

/// The value of an option: it has one text, as the docker client takes it.
pub trait Value: Sized {
    /// What a map stands for.
    const MAP: Map = Map::Refused;

    /// Reads the text.
    ///
    /// # Errors
    /// `InvalidSpec`, with what would be allowed.
    fn read(text: &str) -> Result<Self>;

    /// The text that [`Value::read`] takes for the same value.
    fn write(&self) -> String;

    /// The value in a document: its text, or a number.
    fn document(&self) -> Json {
        Json::String(self.write())
    }
}

/// The error of a text that is no value.
pub(super) fn wrong(text: &str, why: &str, allowed: &str) -> Error {
    Error::invalid("", format!("`{text}` {why}; allowed: {allowed}"))
}

impl Value for String {
    fn read(text: &str) -> Result<Self> {
        Ok(text.to_owned())
    }

    fn write(&self) -> String {
        self.clone()
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Value for $number {
            fn read(text: &str) -> Result<Self> {
                let allowed = format!("a whole number from {} to {}", Self::MIN, Self::MAX);
                whole(text)
                    .and_then(|number| Self::try_from(number).ok())
                    .ok_or_else(|| wrong(text, "is no whole number, or out of range", &allowed))
            }

            fn write(&self) -> String {
                self.to_string()
            }

            fn document(&self) -> Json {
                Json::from(*self)
            }
        }
    )+};
}
numbers!(i64, u16, u64);

/// A whole number as Go reads it: `0x`, `0o`, `0b` and a plain leading `0` (octal) choose the base, `_` groups digits.
pub(super) fn whole(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2), ("0_", 8)];
    let (base, digits) = match prefixes.iter().find_map(|(prefix, base)| Some((*base, lower.strip_prefix(prefix)?))) {
        Some(found) => found,
        None if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        None => (10, lower.as_str()),
    };
    let grouped = digits.split('_').all(|group| !group.is_empty() && group.chars().all(|c| c.is_digit(base)));
    let number = i128::from_str_radix(&digits.replace('_', ""), base).ok().filter(|_| grouped)?;
    Some(if negative { -number } else { number })
}

/// A truth value as Go reads it.
pub(super) fn truth(text: &str) -> Result<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(wrong(text, "is neither true nor false", "true, false")),
    }
}

/// The text of a scalar of a document.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Number(number) => Some(match number.as_f64().filter(|_| number.is_f64()) {
            // Lua has only these: 512.0 is 512.
            Some(float) => float.to_string(),
            None => number.to_string(),
        }),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The text of one item of a document.
fn item<T: Value>(value: &Json) -> Result<T> {
    match value {
        Json::Object(fields) if T::MAP == Map::Fields => T::read(&fields_text(fields)?),
        value => match text(value) {
            Some(text) => T::read(&text),
            None => Err(Error::invalid("", format!("{value} does not fit; allowed: a text or a number"))),
        },
    }
}

/// `{type: bind, volume_opt: {a: b}}` as `type=bind,volume-opt=a=b`.
fn fields_text(fields: &serde_json::Map<String, Json>) -> Result<String> {
    let mut words = Vec::new();
    for (name, value) in fields {
        let name = name.replace('_', "-");
        let unfit = || Error::invalid("", format!("`{name}` is {value}; allowed: a text, a list or a map of texts"));
        match value {
            Json::Null => {}
            Json::Array(items) => {
                for item in items {
                    words.push(format!("{name}={}", text(item).ok_or_else(unfit)?));
                }
            }
            Json::Object(pairs) => {
                for (key, value) in pairs {
                    words.push(format!("{name}={key}={}", text(value).ok_or_else(unfit)?));
                }
            }
            scalar => words.push(format!("{name}={}", text(scalar).ok_or_else(unfit)?)),
        }
    }
    Ok(csv::join(&words))
}

/// Reads a flag: a truth value or its text.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Json::deserialize(deserializer)? {
        Json::Null => Ok(None),
        Json::Bool(truth) => Ok(Some(truth)),
        value => match text(&value) {
            Some(text) => truth(&text).map(Some).map_err(|error| D::Error::custom(error.message())),
            None => Err(D::Error::custom(format!("{value} does not fit; allowed: true, false"))),
        },
    }
}

/// Reads an option that is given once.
pub(super) fn one<'de, D: Deserializer<'de>, T: Value>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Json::deserialize(deserializer)? {
        Json::Null => Ok(None),
        value => item(&value).map(Some).map_err(|error| D::Error::custom(error.message())),
    }
}

/// Reads an option that may be given again and again: one value, a list, or a map.
pub(crate) fn many<'de, D: Deserializer<'de>, T: Value>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(Many(PhantomData))
}

/// An item of a list, read on its own so that an error carries its number.
pub(super) struct Item<T>(pub(super) T);

impl<'de, T: Value> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Json::deserialize(deserializer)?;
        item(&value).map(Item).map_err(|error| D::Error::custom(error.message()))
    }
}

struct Many<T>(PhantomData<T>);

impl<T: Value> Many<T> {
    fn single<E: serde::de::Error>(value: &Json) -> Result<Vec<T>, E> {
        item(value).map(|value| vec![value]).map_err(|error| E::custom(error.message()))
    }
}

impl<'de, T: Value> Visitor<'de> for Many<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match T::MAP {
            Map::Refused => "a value or a list of values",
            Map::Pairs(_) => "a value, a list of values, or a map of names and values",
            Map::Fields => "a value, a map, or a list of them",
        })
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
        Self::single(&Json::from(text))
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Vec<T>, E> {
        Self::single(&Json::from(truth))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Vec<T>, E> {
        Self::single(&Json::from(number))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Vec<T>, E> {
        Self::single(&Json::from(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Vec<T>, E> {
        Self::single(&Json::from(number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(Item(value)) = items.next_element()? {
            list.push(value);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut fields = serde_json::Map::new();
        while let Some((name, value)) = entries.next_entry::<String, Json>()? {
            fields.insert(name, value);
        }
        match T::MAP {
            // An empty table of Lua is an empty list too.
            _ if fields.is_empty() => Ok(Vec::new()),
            Map::Fields => Self::single(&Json::Object(fields)),
            Map::Pairs(between) => fields
                .iter()
                .map(|(name, value)| match text(value) {
                    Some(value) => T::read(&format!("{name}{between}{value}")),
                    None if value.is_null() => T::read(name),
                    None => Err(Error::invalid("", format!("`{name}` is {value}; allowed: a text or a number"))),
                })
                .collect::<Result<_>>()
                .map_err(|error| A::Error::custom(error.message())),
            Map::Refused => Err(A::Error::custom("a map does not fit; allowed: a value or a list of values")),
        }
    }
}

/// Writes an option that was given once.
pub(super) fn write_one<S: Serializer, T: Value>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(Value::document).serialize(serializer)
}

/// Writes a list.
pub(crate) fn write_many<S: Serializer, T: Value>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        list.serialize_element(&value.document())?;
    }
    list.end()
}
