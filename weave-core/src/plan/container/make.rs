//! A container to make, or to find made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::Wish;
use crate::spec::Settings;

/// What a container shall be, and how it gets there.
#[derive(Debug, Clone)]
pub struct Make {
    /// What is compared with what is there.
    pub wish: Wish,
    /// How it is run.
    pub settings: Settings,
    /// The container that holds its network namespace, where it is attached before its start.
    pub holder: Option<Box<Self>>,
}

impl Make {
    /// Containers that have to be there before it, by the option that binds it to them.
    pub(super) fn needs(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        self.settings.options.bound_to()
    }

    /// The command line that making it equals; the values of variables, which may be secrets, are left out.
    pub(super) fn line(&self, name: &str) -> String {
        let mut line = format!("docker create --name {name}");
        let options = serde_json::to_value(&self.settings.options).unwrap_or_default();
        for (field, value) in options.as_object().into_iter().flatten() {
            let long = field.replace('_', "-");
            let values = match value {
                Value::Array(items) => items.clone(),
                one => vec![one.clone()],
            };
            for value in values {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let text = match text.split_once('=') {
                    Some((name, _)) if field == "env" => format!("{name}=…"),
                    _ => text,
                };
                // Writing to a string cannot fail.
                let _ = write!(line, " --{long}={}", quoted(&text));
            }
        }
        for word in std::iter::once(&self.settings.image).chain(&self.settings.words().unwrap_or_default()) {
            line.push(' ');
            line.push_str(&quoted(word));
        }
        line
    }
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Into::into)
}
