//! A document as a tree whose every value knows where it was written.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

use super::list::items;
use super::{Finding, finding::Level};
use crate::Error;

/// Deeper than any document is, and shallow enough for the stack of a small thread.
const DEPTH: usize = 16;

/// A line and a column, both counted from 1.
type Position = (u64, u64);

/// Where a value was written.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    file: Option<Arc<str>>,
    /// The keys that lead to it, as they were written.
    path: String,
    /// Its key.
    key: Option<Position>,
    /// Where the value is used: at the alias or the merge, if it comes through one.
    used: Option<Position>,
    /// Where the value itself stands.
    written: Option<Position>,
}

/// Which place of a value a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The key, which should not be there.
    Key,
    /// The use of the value: it does not go with others.
    Used,
    /// The value, which is wrong in itself.
    Written,
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Marked {
    pub(super) mark: Mark,
    pub(super) node: Node,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Scalar(Value),
    List(Vec<Marked>),
    Map(Vec<(String, Marked)>),
}

impl Marked {
    /// Reads one YAML document; what is wrong with it as YAML goes to `findings`.
    pub(super) fn read(file: &str, text: &str, findings: &mut Vec<Finding>) -> Option<Self> {
        let options = serde_saphyr::options! {
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            budget: serde_saphyr::budget! { max_depth: DEPTH },
        };
        let file: Arc<str> = file.into();
        match serde_saphyr::from_str_with_options::<Option<Spanned<Raw>>>(text, options) {
            Ok(Some(raw)) => Some(marked(raw, Some(&file), String::new(), None, findings)),
            Ok(None) => {
                let mark = Mark { file: Some(file), ..Mark::default() };
                Some(Self { mark, node: Node::Map(Vec::new()) })
            }
            Err(error) => {
                let words = super::input::yaml_words(&error);
                // The finding has a place of its own.
                let words = words
                    .strip_prefix("line ")
                    .and_then(|rest| rest.split_once(": "))
                    .map_or(&*words, |(_, rest)| rest);
                let message = format!("is no YAML: {words}");
                let mark = Mark { file: Some(file), used: error.location().and_then(position), ..Mark::default() };
                findings.push(mark.finding(Level::Error, &Error::invalid("document", message), Place::Used));
                None
            }
        }
    }

    /// A tree that was no text.
    pub(super) fn unmarked(value: Value, path: String) -> Self {
        let node = match value {
            Value::Array(items) => {
                let item = |(index, item)| Self::unmarked(item, format!("{path}[{index}]"));
                Node::List(items.into_iter().enumerate().map(item).collect())
            }
            Value::Object(map) => {
                let entry = |(name, value): (String, Value)| {
                    let path = below(&path, &name);
                    (name, Self::unmarked(value, path))
                };
                Node::Map(map.into_iter().map(entry).collect())
            }
            scalar => Node::Scalar(scalar),
        };
        Self { mark: Mark { path, ..Mark::default() }, node }
    }

    /// The values alone.
    pub(super) fn value(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => items.iter().map(Self::value).collect(),
            Node::Map(entries) => {
                Value::Object(entries.iter().map(|(name, value)| (name.clone(), value.value())).collect::<Map<_, _>>())
            }
        }
    }

    /// The entries of a map; none where it is no map.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.node {
            Node::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Whether nothing is written there.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.node, Node::Scalar(Value::Null))
    }

    /// The value that `path` leads to, or the last one on the way, and the rest of the path.
    fn find<'a>(&'a self, path: &'a str) -> (&'a Self, &'a str) {
        if path.is_empty() {
            return (self, path);
        }
        let ways: Vec<(&Self, &str)> = match &self.node {
            Node::Map(entries) => {
                let below = |(name, value): &'a (String, Self)| {
                    let rest = behind(path, name).or_else(|| behind(path, alias(name)?))?;
                    Some(value.find(rest))
                };
                entries.iter().filter_map(below).collect()
            }
            Node::List(items) => {
                let below = |(index, item): (usize, &'a Self)| {
                    let rest = path.strip_prefix(&format!("[{index}]"))?;
                    Some(item.find(rest.strip_prefix('.').unwrap_or(rest)))
                };
                items.iter().enumerate().filter_map(below).collect()
            }
            // A list that is written as one string: that of one item needs no number.
            Node::Scalar(Value::String(text)) if path.starts_with('[') && items(text).len() < 2 => vec![(self, "")],
            Node::Scalar(_) => Vec::new(),
        };
        // A key may hold a dot: of several ways, the one that goes farthest is meant.
        ways.into_iter().min_by_key(|(_, rest)| rest.len()).unwrap_or((self, path))
    }

    /// The finding that `error` about a path in this tree stands for.
    pub(super) fn finding(&self, level: Level, error: &Error, place: Place) -> Finding {
        let (at, rest) = self.find(error.subject());
        let whole = rest.is_empty() || matches!(at.node, Node::Scalar(_)) && rest.starts_with('[');
        let place = if whole { place } else { Place::Used };
        let mut finding = at.mark.finding(level, error, place);
        if matches!(at.node, Node::List(_) | Node::Map(_))
            && let Some((line, column)) = at.mark.key
        {
            // The value of a key may begin lines below it.
            (finding.line, finding.column) = (Some(line), Some(column));
        }
        finding.subject = if rest.is_empty() { at.mark.path.clone() } else { below(&at.mark.path, rest) };
        finding
    }
}

impl Mark {
    fn finding(&self, level: Level, error: &Error, place: Place) -> Finding {
        let position = match place {
            Place::Key => self.key.or(self.used),
            Place::Used => self.used,
            Place::Written => self.written.or(self.used),
        };
        Finding {
            file: self.file.as_deref().map(str::to_owned),
            line: position.map(|(line, _)| line),
            column: position.map(|(_, column)| column),
            ..Finding::new(level, error)
        }
    }
}

/// The name that a field has in the types, where it may be written otherwise.
fn alias(name: &str) -> Option<&'static str> {
    (name == "ip").then_some("ips")
}

/// What of `path` is behind its first key, if that is `name`.
fn behind<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(name)?;
    match rest.chars().next() {
        None | Some('[') => Some(rest),
        Some('.') => rest.get(1..),
        Some(_) => None,
    }
}

/// The path of `rest` in the value at `path`.
fn below(path: &str, rest: &str) -> String {
    if path.is_empty() {
        rest.to_owned()
    } else if rest.starts_with('[') {
        format!("{path}{rest}")
    } else {
        format!("{path}.{rest}")
    }
}

fn position(location: Location) -> Option<Position> {
    (location.line() > 0).then(|| (location.line(), location.column()))
}

fn marked(
    raw: Spanned<Raw>,
    file: Option<&Arc<str>>,
    path: String,
    key: Option<Position>,
    findings: &mut Vec<Finding>,
) -> Marked {
    let mark = Mark { file: file.cloned(), path, key, used: position(raw.referenced), written: position(raw.defined) };
    let node = match raw.value {
        Raw::Scalar(value) => Node::Scalar(value),
        Raw::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                list.push(marked(item, file, format!("{}[{index}]", mark.path), None, findings));
            }
            Node::List(list)
        }
        Raw::Map(pairs) => {
            let mut entries: Vec<(String, Marked)> = Vec::with_capacity(pairs.len());
            let mut seen = std::collections::HashMap::new();
            for (name, value) in pairs {
                let path = below(&mark.path, &name.value);
                let value = marked(value, file, path, position(name.referenced), findings);
                if let Some(first) = seen.insert(name.value.clone(), value.mark.key) {
                    let first = first.map_or_else(String::new, |(line, _)| format!(" (the first time in line {line})"));
                    let message = format!("`{}` is given twice{first}; allowed: each key once", name.value);
                    let error = Error::invalid(value.mark.path.clone(), message);
                    findings.push(value.mark.finding(Level::Error, &error, Place::Key));
                } else {
                    entries.push((name.value, value));
                }
            }
            Node::Map(entries)
        }
    };
    Marked { mark, node }
}

/// What the parser hands over.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
                Ok(Raw::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
                Ok(Raw::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
                Ok(Raw::Scalar(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
                Ok(Raw::Scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
                Ok(Raw::Scalar(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Scalar(Value::Null))
            }

            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw::Scalar(Value::Null))
            }

            fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
                Raw::deserialize(deserializer)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Raw::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Raw::Map(map))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
