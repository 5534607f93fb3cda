//! One word of a command line, in a list of them.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A text, or a number as its text: `[sleep, 86400]` is what YAML makes of what people write.
///
/// A truth value is refused: `[echo, yes]` and `[echo, true]` would not be the same any more.
pub(in crate::spec) struct Word(pub(in crate::spec) String);

/// What the schema of a list of words says of its items.
pub(super) fn schema() -> schemars::Schema {
    schemars::json_schema!({"type": ["string", "number"]})
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumber)
    }
}

struct TextOrNumber;

fn refused<E: serde::de::Error>(what: &str) -> E {
    E::custom(format!("`{what}` is no word; allowed: a text or a number; put it in quotes to mean the text: '{what}'"))
}

impl<'de> Visitor<'de> for TextOrNumber {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Word, E> {
        Ok(Word(text.to_owned()))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    /// Lua has only these: 512.0 is 512.
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Word, E> {
        Err(refused(if truth { "true" } else { "false" }))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Word, E> {
        Err(refused("null"))
    }
}

/// The words of a list; an error carries the number of its item.
pub(super) fn each_word<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Vec<String>, A::Error> {
    let mut words = Vec::new();
    while let Some(Word(text)) = items.next_element()? {
        words.push(text);
    }
    Ok(words)
}
