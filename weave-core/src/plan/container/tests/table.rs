//! The table of places is whole.

use std::collections::BTreeSet;

use serde_json::Value;

use super::engine::{wish, wish_of};
use crate::docker::create::tests::lines::LINES;
use crate::plan::container::paths::ROWS;

/// Options that write nothing into the request, and why.
const SILENT: &[(&str, &str)] = &[
    ("env_file", "read into env"),
    ("kernel_memory", "engines do not heed it"),
    ("label_file", "read into label"),
    ("name", "stands in the address"),
    ("platform", "stands in the address; the label tells it"),
    ("pull", "for the caller"),
];

#[test]
fn every_option_has_a_place() {
    let placed: BTreeSet<&str> =
        ROWS.iter().map(|row| row.option).chain(SILENT.iter().map(|(name, _)| *name)).collect();
    let known: BTreeSet<&str> = crate::spec::options::field_names().chain(["image", "command"]).collect();
    assert_eq!(placed, known);
}

/// Lines without files, which are not there.
pub(super) fn lines() -> impl Iterator<Item = &'static str> {
    let lines = LINES.iter().map(|(line, _)| *line);
    lines.filter(|line| !["env-file", "label-file", "profile.json"].iter().any(|file| line.contains(file)))
}

/// Where two requests differ.
fn places(path: &str, one: &Value, other: &Value, into: &mut BTreeSet<String>) {
    match (one, other) {
        _ if one == other => {}
        (Value::Object(fields), _) if !fields.is_empty() => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                places(&path, value, other.get(name).unwrap_or(&Value::Null), into);
            }
        }
        _ => {
            into.insert(path.to_owned());
        }
    }
}

/// Whether the table has a place at or above a path.
fn is_placed(path: &str) -> bool {
    ROWS.iter().any(|row| {
        let (mut at, mut row_at) = (path.split('.'), row.path.split('.'));
        row_at.all(|part| at.next().is_some_and(|name| part == "*" || part == name))
    })
}

#[test]
fn whatever_an_option_writes_has_a_place() {
    let nothing = wish("").body;
    let mut all = BTreeSet::new();
    for line in lines() {
        places("", &wish_of(line, "img:1", Some(&["a"])).body, &nothing, &mut all);
    }
    assert!(all.len() > 80, "only {} places", all.len());
    let lost: Vec<&String> = all.iter().filter(|path| !is_placed(path)).collect();
    assert!(lost.is_empty(), "no place in the table: {lost:?}");
    // And every place is written by some line.
    for row in ROWS.iter().filter(|row| !["Image"].contains(&row.path)) {
        let above =
            |path: &String| path.split('.').zip(row.path.split('.')).all(|(name, part)| part == "*" || part == name);
        assert!(all.iter().any(above), "no line writes {}", row.path);
    }
}
