//! The one record of comma-separated fields that `--mount`, `--network` and `--gpus` take.
//!
//! Strict where it matters: a quote inside a plain field, or after the end of a quoted one, is an error and never a
//! part of a path.

use super::value::wrong;
use crate::Result;

const ALLOWED: &str = "fields between commas, each plain or in double quotes (\"\" inside stands for one)";

/// The fields of a record.
pub(super) fn split(text: &str) -> Result<Vec<String>> {
    if text.is_empty() || text.contains(['\n', '\r']) {
        return Err(wrong(text, "is no line of fields", ALLOWED));
    }
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => closed(quoted).ok_or_else(|| wrong(text, "has a quote that is not closed", ALLOWED))?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if !rest.starts_with('"') && field.contains('"') {
            return Err(wrong(text, "has a quote within a field", ALLOWED));
        }
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(wrong(text, "goes on after a closing quote", ALLOWED)),
        }
    }
}

/// A quoted field without its quotes, and what follows it.
fn closed(quoted: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('"')?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Some((field, rest)),
        }
    }
}

/// The record of `fields`, quoted where they need it.
pub(super) fn join<S: AsRef<str>>(fields: &[S]) -> String {
    let quote = |field: &S| match field.as_ref() {
        plain if !plain.contains([',', '"']) => plain.to_owned(),
        odd => format!("\"{}\"", odd.replace('"', "\"\"")),
    };
    fields.iter().map(quote).collect::<Vec<_>>().join(",")
}
