//! Whether a container that exists is what was asked for.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::alike::Match;
use super::paths::{Policy, ROWS, Row};
use super::wish::Wish;
use super::{label, lookup, shape, update};
use crate::observed::{Container, Image};

/// An option that a container was not made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The option, by the name of its field in [`crate::spec::Options`]; or `image`, or `command`.
    pub option: String,
    /// What is there; of lists and maps only what is not asked so.
    pub before: Value,
    /// What is asked; `null` where it is no longer asked.
    pub after: Value,
}

/// What was asked and is not there.
///
/// What nobody asked for is not looked at: it comes from the image or the engine. A container that weave made tells by
/// its label what was asked when it was made; then an option that is no longer asked is a difference, too. `image` is
/// what the engine has under the reference that was asked for, where it is there.
pub fn compare(wish: &Wish, container: &Container, image: Option<&Image>) -> Vec<Difference> {
    let look = Look {
        found: lookup::of_container(container),
        image: image.map(|image| &image.config).unwrap_or(&Value::Null),
        label: label::read(container),
        hashes: label::hashes(wish),
    };
    let mut differences = Differences::default();
    for row in ROWS.iter().filter(|row| wish.asks(row.option)) {
        let (asked, found) = (lookup::at(row, &wish.told), lookup::at(row, &look.found));
        if look.differs(wish, row, (&asked, &found), container.runs()) {
            differences.add(row, look.apart(row, &found, &asked), asked_apart(row, &asked, &found));
        }
    }
    if !differences.has("image")
        && let Some(image) = image
        && short(&image.id) != short(&container.image_id)
    {
        let told = |id: &str| Value::from(format!("{} ({})", wish.image, short(id)));
        differences.put("image", told(&container.image_id), told(&image.id));
    }
    if let Some(platform) = &wish.platform
        && look.label.is_some()
        && look.told("platform") != look.hashes.get("platform").map(String::as_str)
    {
        differences.put("platform", Value::Null, platform.clone().into());
    }
    look.no_longer_asked(wish, &mut differences);
    differences.0
}

/// What is known of the container.
struct Look<'a> {
    /// As a request.
    found: Value,
    /// The configuration of the image.
    image: &'a Value,
    /// What was asked when it was made, if weave did.
    label: Option<BTreeMap<String, String>>,
    /// What is asked now.
    hashes: BTreeMap<&'static str, String>,
}

impl Look<'_> {
    /// The hash of an option when the container was made.
    fn told(&self, option: &str) -> Option<&str> {
        self.label.as_ref()?.get(option).map(String::as_str)
    }

    fn differs(&self, wish: &Wish, row: &Row, (asked, found): (&Value, &Value), runs: bool) -> bool {
        let (told, now) = (self.told(row.option), self.hashes.get(row.option).map(String::as_str));
        match self.matches(row, asked, found) {
            Match::Same => false,
            // Of the places of an option, this one is not written.
            _ if !wish.writes(row) => told.is_some() && told != now,
            Match::Fits => told.is_some() && told != now,
            // A running container would show it.
            Match::Unseen if row.shown_running && runs => true,
            Match::Unseen => self.label.is_some() && told != now,
            // It was asked like this, and the engine left it out, because its kernel cannot do it.
            Match::Differs => !(row.discarded && told == now && update::is_default(row.option, found, &self.found)),
        }
    }

    fn matches(&self, row: &Row, asked: &Value, found: &Value) -> Match {
        if row.policy == Policy::Value {
            return (row.alike)(asked, found);
        }
        let none = Map::new();
        let (asked, there) = (asked.as_object().unwrap_or(&none), found.as_object().unwrap_or(&none));
        let each = asked.iter().map(|(key, value)| (row.alike)(value, there.get(key).unwrap_or(&Value::Null)));
        let more = if self.unasked(row, asked, there).next().is_some() { Match::Fits } else { Match::Same };
        each.max().unwrap_or(Match::Same).max(more)
    }

    /// What is there without being asked for, and not from the image either.
    fn unasked<'v>(
        &self,
        row: &Row,
        asked: &Map<String, Value>,
        found: &'v Map<String, Value>,
    ) -> impl Iterator<Item = (&'v String, &'v Value)> {
        let image = lookup::at(row, self.image);
        found
            .iter()
            .filter(|(key, _)| !asked.contains_key(*key))
            .filter(move |(key, value)| image.get(key) != Some(value))
    }

    /// What is there and not asked so.
    fn apart(&self, row: &Row, found: &Value, asked: &Value) -> Value {
        let (Policy::Entries, Value::Object(there)) = (row.policy, found) else { return found.clone() };
        let none = Map::new();
        let asked = asked.as_object().unwrap_or(&none);
        let other = there.iter().filter(|(key, value)| asked.get(*key).is_some_and(|asked| asked != *value));
        // Without a label nobody knows where the rest is from.
        let more = self.unasked(row, asked, there).filter(|_| self.label.is_some());
        listed(other.chain(more))
    }

    /// Whether an option that is no longer asked can be seen: there is more than the image has, or less.
    fn shows(&self, row: &Row, found: &Value, nothing: &Value) -> bool {
        if row.policy == Policy::Value {
            return found != nothing;
        }
        let none = Map::new();
        let there = found.as_object().unwrap_or(&none);
        let image = lookup::at(row, self.image);
        self.unasked(row, &none, there).next().is_some()
            || image.as_object().unwrap_or(&none).keys().any(|key| !there.contains_key(key))
    }

    /// Options of the label that the wish does not have.
    fn no_longer_asked(&self, wish: &Wish, differences: &mut Differences) {
        let Some(label) = &self.label else { return };
        for row in ROWS.iter().filter(|row| !wish.asks(row.option)) {
            let found = lookup::at(row, &self.found);
            let gone = if update::updatable(row.option).is_some() {
                // The label does not know of changes in place, but in a container of ours nobody else set it.
                !update::is_default(row.option, &found, &self.found)
            } else {
                label.contains_key(row.option) && self.shows(row, &found, &lookup::at(row, &wish.told))
            };
            if gone {
                differences.add(row, self.apart(row, &found, &Value::Null), Value::Null);
            }
        }
        if label.contains_key("platform") && wish.platform.is_none() {
            differences.put("platform", Value::Null, Value::Null);
        }
    }
}

/// What is asked and not there so.
fn asked_apart(row: &Row, asked: &Value, found: &Value) -> Value {
    match (row.policy, asked) {
        (Policy::Entries, Value::Object(entries)) => {
            listed(entries.iter().filter(|(key, value)| found.get(key) != Some(value)))
        }
        (_, value) => value.clone(),
    }
}

/// Entries for people: a set as a list.
fn listed<'v>(entries: impl Iterator<Item = (&'v String, &'v Value)>) -> Value {
    let entries: Map<String, Value> = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
    if !entries.is_empty() && entries.values().all(|value| *value == Value::Bool(true)) {
        return entries.into_iter().map(|(key, _)| Value::from(key)).collect();
    }
    shape::plain(&Value::Object(entries))
}

fn short(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..12).unwrap_or(digits)
}

/// One difference for each option.
#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn has(&self, option: &str) -> bool {
        self.0.iter().any(|difference| difference.option == option)
    }

    fn put(&mut self, option: &str, before: Value, after: Value) {
        self.0.push(Difference { option: option.to_owned(), before, after });
    }

    /// Of an option that writes several places, each that has something to say.
    fn add(&mut self, row: &Row, before: Value, after: Value) {
        match self.0.iter_mut().find(|difference| difference.option == row.option) {
            None => self.put(row.option, before, after),
            Some(known) => {
                for (known, value) in [(&mut known.before, before), (&mut known.after, after)] {
                    let earlier = known.take();
                    *known = both(earlier, value);
                }
            }
        }
    }
}

fn both(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Null, value) | (value, Value::Null) => value,
        (Value::Object(mut one), Value::Object(other)) => {
            one.extend(other);
            Value::Object(one)
        }
        (Value::Array(one), Value::Array(other)) => [one, other].concat().into(),
        (one, other) => Value::Array(vec![one, other]),
    }
}
