//! Reading on after an error, so that all errors are found at once.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::input::explain;
use super::list::{item_of, items};
use crate::Error;

/// Beyond so many errors in one part of a document, nobody reads on.
const ENOUGH: usize = 50;

/// Reads `value` as far as it can be read: what is wrong is left out, and named in the errors.
///
/// Nothing is returned where what is left is no `T`.
pub(super) fn every_error<T: DeserializeOwned>(mut value: Value) -> (Option<T>, Vec<Error>) {
    let mut errors = Vec::new();
    let mut gaps = Gaps::default();
    while errors.len() < ENOUGH {
        let failure = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
            Ok(read) => return (Some(read), errors),
            Err(failure) => failure,
        };
        let mut steps: Vec<Segment> = failure.path().iter().cloned().collect();
        let message = failure.inner().to_string();
        if message.starts_with("missing field") && !errors.is_empty() {
            // It may be missing because it was wrong and has been left out.
            return (None, errors);
        }
        if item_of(&message).is_some() && split(&mut value, &steps) {
            // As a list, it has a path for each item.
            continue;
        }
        let error = explain(&gaps.path(&steps), &message);
        let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
        if let Some((field, _)) = unknown
            && !matches!(steps.last(), Some(Segment::Map { key }) if key == field)
        {
            steps.push(Segment::Map { key: field.to_owned() });
        }
        errors.push(error);
        if !gaps.remove(&mut value, &steps) {
            return (None, errors);
        }
    }
    (None, errors)
}

/// What `steps` lead to.
fn at<'a>(value: &'a mut Value, steps: &[Segment]) -> Option<&'a mut Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Segment::Seq { index } => value.get_mut(*index),
        Segment::Map { key } => value.get_mut(key.as_str()),
        Segment::Enum { .. } | Segment::Unknown => None,
    })
}

/// Makes a list of what is a list written as one string; false where it is none.
fn split(value: &mut Value, steps: &[Segment]) -> bool {
    let Some(value) = at(value, steps) else { return false };
    let Some(text) = value.as_str() else { return false };
    *value = items(text).into();
    true
}

/// The items that were taken out of lists, by the path of the list; those behind have moved up.
#[derive(Default)]
struct Gaps(BTreeMap<String, Vec<usize>>);

impl Gaps {
    /// The path in the value as it was first.
    fn path(&self, steps: &[Segment]) -> String {
        let mut path = String::new();
        for step in steps {
            match step {
                Segment::Seq { index } => {
                    let first = self.first(&path, *index);
                    path.push_str(&format!("[{first}]"));
                }
                Segment::Map { key } | Segment::Enum { variant: key } => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                }
                Segment::Unknown => {}
            }
        }
        path
    }

    /// Where the item that is now at `index` of `list` was first.
    fn first(&self, list: &str, index: usize) -> usize {
        let gaps = self.0.get(list).map_or(&[][..], Vec::as_slice);
        gaps.iter().fold(index, |index, gap| if *gap <= index { index + 1 } else { index })
    }

    /// Takes what `steps` lead to out of `value`; false where there is nothing to take.
    fn remove(&mut self, value: &mut Value, steps: &[Segment]) -> bool {
        let Some((last, before)) = steps.split_last() else { return false };
        let Some(parent) = at(value, before) else { return false };
        match (last, parent) {
            (Segment::Map { key }, Value::Object(map)) => map.remove(key).is_some(),
            (Segment::Seq { index }, Value::Array(items)) if *index < items.len() => {
                items.remove(*index);
                let list = self.path(before);
                let first = self.first(&list, *index);
                let gaps = self.0.entry(list).or_default();
                gaps.push(first);
                gaps.sort_unstable();
                true
            }
            _ => false,
        }
    }
}
