//! What was asked of a container: what the request says beyond one without options.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::paths::{ROWS, Row};
use super::{label, lookup};
use crate::spec::Settings;

/// A container as it is wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its name.
    pub name: String,
    /// Its image, as it is written.
    pub image: String,
    /// The platform of its image, where one is asked for.
    pub platform: Option<String>,
    /// The request, as the engine's API has it.
    pub body: Value,
    /// The same with each thing in one place.
    pub(super) told: Value,
    pub(super) asked: Vec<Asked>,
}

/// One thing that was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) row: &'static Row,
    pub(super) value: Value,
}

impl Wish {
    /// `body` is the request, `nothing` the one for the same without options and command.
    pub fn new(run: &Settings, body: Value, nothing: &Value) -> Self {
        // What is given is asked, also where it is what the client says anyway.
        let given = serde_json::to_value(&run.options).unwrap_or_default();
        let (told, silent) = (lookup::told_apart(body.clone()), lookup::told_apart(nothing.clone()));
        let asked = ROWS.iter().filter_map(|row| {
            let value = lookup::at(row, &told);
            let beyond = value != lookup::at(row, &silent);
            let said = given.get(row.option).is_some() && !lookup::raw(&told, row.path).is_null();
            let always = row.option == "image";
            (beyond || said || always).then_some(Asked { row, value })
        });
        Self {
            name: run.name.clone(),
            image: run.image.clone(),
            platform: run.options.platform.clone(),
            asked: asked.collect(),
            body,
            told,
        }
    }

    /// What was asked, by the place in the request.
    pub fn asked(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.asked.iter().map(|asked| (asked.row.path, &asked.value))
    }

    /// Whether an option was asked for.
    pub fn asks(&self, option: &str) -> bool {
        self.asked.iter().any(|asked| asked.row.option == option) || option == "platform" && self.platform.is_some()
    }

    /// Whether what was asked stands in a place.
    pub(super) fn writes(&self, row: &Row) -> bool {
        self.asked.iter().any(|asked| (asked.row.path, asked.row.option) == (row.path, row.option))
    }

    /// The request with the labels that say who made the container, and of what.
    pub fn request(&self) -> Value {
        let mut request = self.body.clone();
        if let Value::Object(fields) = &mut request {
            let labels = fields.entry("Labels").or_insert(Value::Null);
            if !labels.is_object() {
                *labels = Value::Object(Map::new());
            }
            labels[label::MADE] = "1".into();
            labels[label::ASKED] = label::write(self).into();
        }
        request
    }

    /// What was asked, by option.
    pub(super) fn by_option(&self) -> BTreeMap<&'static str, Map<String, Value>> {
        let mut options: BTreeMap<&'static str, Map<String, Value>> = BTreeMap::new();
        for Asked { row, value } in &self.asked {
            let places = options.entry(row.option).or_default();
            // An option that asks for nothing is still asked.
            if !value.is_null() {
                places.insert(row.path.to_owned(), value.clone());
            }
        }
        if let Some(platform) = &self.platform {
            options.entry("platform").or_default().insert("platform".to_owned(), platform.clone().into());
        }
        options
    }
}
