//! From words to fields, by the rules of the docker client's own command line.

use serde_json::{Map, Value as Json};

use super::fields::{Kind, ROWS, Row};
use super::names;
use crate::{Error, Result};

/// The fields that `words` give, and the words from the first on that is no option.
pub(super) fn fields(words: &[String]) -> Result<(Map<String, Json>, Vec<String>)> {
    let mut found = Map::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix('-') {
            Some("-") => break,
            Some(rest) if !rest.is_empty() => match rest.strip_prefix('-') {
                Some(long) => take_long(long, &mut words, &mut found)?,
                None => take_letters(rest, &mut words, &mut found)?,
            },
            _ => {
                let rest = std::iter::once(word).chain(words).cloned().collect();
                return Ok((found, rest));
            }
        }
    }
    Ok((found, words.cloned().collect()))
}

type Words<'a> = std::slice::Iter<'a, String>;

/// `name`, `name=value`.
fn take_long(text: &str, words: &mut Words, found: &mut Map<String, Json>) -> Result<()> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let option = format!("--{name}");
    let row = names::by_long(name).ok_or_else(|| names::unknown(&option))?;
    let value = match (value, row.kind) {
        (Some(value), _) => value,
        (None, Kind::Flag) => "true".to_owned(),
        (None, _) => words.next().cloned().ok_or_else(|| no_value(&option))?,
    };
    add(row, &option, value, found)
}

/// `xyz` after one dash: flags in a bundle, of which the last may have a value.
fn take_letters(letters: &str, words: &mut Words, found: &mut Map<String, Json>) -> Result<()> {
    let mut rest = letters;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        let option = format!("-{letter}");
        let row = names::by_short(letter).ok_or_else(|| names::unknown_letter(letter, letters))?;
        let value = match rest.strip_prefix('=').filter(|value| !value.is_empty()) {
            Some(value) => value,
            None if row.kind == Kind::Flag => {
                add(row, &option, "true".to_owned(), found)?;
                continue;
            }
            None => rest,
        };
        rest = "";
        let value = match value {
            "" => words.next().cloned().ok_or_else(|| no_value(&option))?,
            value => value.to_owned(),
        };
        add(row, &option, value, found)?;
    }
    Ok(())
}

fn add(row: &Row, option: &str, value: String, found: &mut Map<String, Json>) -> Result<()> {
    if row.field.is_empty() {
        return names::client_only(row, option, &value);
    }
    if row.kind == Kind::Many {
        let values = found.entry(row.field).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(values) = values {
            values.push(Json::String(value));
        }
    } else {
        found.insert(row.field.to_owned(), Json::String(value));
    }
    Ok(())
}

fn no_value(option: &str) -> Error {
    Error::invalid(option, "has no value; allowed: a value after it, with a blank or with `=`")
}

/// The long name of a field, for errors about words.
pub(super) fn option_of(field: &str) -> String {
    let end = field.find(['[', '.']).unwrap_or(field.len());
    match ROWS.iter().find(|row| row.field == &field[..end]) {
        Some(row) => format!("--{}", row.long),
        None => field.to_owned(),
    }
}
