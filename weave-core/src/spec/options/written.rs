//! The three ways in which options are written.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::{Options, lex, names};
use crate::spec::input::from_value;
use crate::spec::word::Word;
use crate::{Error, Result};

/// Reads the words after `docker run`: the options, and the rest from the first word on that is none (the image).
///
/// # Errors
/// `InvalidSpec` with the option (`--publish`) as its subject.
pub fn parse_run<S: AsRef<str>>(words: &[S]) -> Result<(Options, Vec<String>)> {
    let words: Vec<String> = words.iter().map(|word| word.as_ref().to_owned()).collect();
    let (fields, rest) = lex::fields(&words)?;
    let options = from_value::<Options>(Json::Object(fields)).map_err(|error| match error.subject() {
        "" => error,
        field => Error::invalid(lex::option_of(field), error.message()),
    })?;
    Ok((options, rest))
}

/// Reads a text of options and nothing else.
fn read(text: &str) -> Result<Options> {
    let words = shlex::split(text)
        .ok_or_else(|| Error::invalid("", "has a quote or backslash without its end; allowed: words as in a shell"))?;
    let (options, rest) = parse_run(&words)?;
    match rest.first() {
        None => Ok(options),
        Some(word) => {
            let message = format!("`{word}` is no option, nor the value of one; allowed: options only, without image");
            Err(Error::invalid("", message))
        }
    }
}

impl Serialize for Options {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Written {
    fn read<E: serde::de::Error>(text: &str) -> Result<Options, E> {
        // The error becomes a part of another one, whose subject is the place in the document.
        read(text).map_err(|error| match error.subject() {
            "" => E::custom(error.message()),
            option => E::custom(format!("{option}: {}", error.message())),
        })
    }
}

impl<'de> Visitor<'de> for Written {
    type Value = Options;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("options of `docker run` as a string, a list of strings, or a map")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Options, E> {
        Ok(Options::default())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Options, E> {
        Self::read(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Options, A::Error> {
        let mut texts: Vec<String> = Vec::new();
        while let Some(Word(text)) = items.next_element()? {
            texts.push(text);
        }
        Self::read(&texts.join(" "))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Options, A::Error> {
        let options = Options::deserialize(MapAccessDeserializer::new(Keys(entries)))?;
        options.validate().map_err(|error| A::Error::custom(error.message()))?;
        Ok(options)
    }
}

/// A map whose keys may also be older names, and have `-` for `_`.
struct Keys<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Keys<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.0.next_key::<String>()? {
            let row = names::by_key(&key).ok_or_else(|| A::Error::custom(names::unknown_key(&key)))?;
            if row.field.is_empty() {
                let value = self.0.next_value::<Json>()?;
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let allowed = names::client_only(row, &key, &value);
                allowed.map_err(|error| A::Error::custom(format!("`{key}`: {}", error.message())))?;
                continue;
            }
            let field: StrDeserializer<'_, A::Error> = row.field.into_deserializer();
            return seed.deserialize(field).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}
