//! The labels of containers that weave makes: who made it, and which options were asked for.
//!
//! `docker inspect` does not tell what was asked from what an image or the engine added, so an option that is no
//! longer asked, or an item that was taken from a list, would not show. The label tells it, and repeats no value.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::wish::Wish;
use crate::observed::Container;

/// The label of every container that weave makes.
pub const MADE: &str = "weave.made";

/// The label with the options that were asked for: their names, and a hash of their values.
pub const ASKED: &str = "weave.asked";

/// The label of a container that holds the network namespace of another: the other's name.
pub const HOLDS: &str = "weave.holds";

/// The label of a router in a container: its own name. It goes with the router, not with what a document names.
pub const ROUTES: &str = "weave.routes";

/// The label of a container that is made to take the place of one that runs, where nothing else says that it shall:
/// should weave be killed in between, the next run starts it.
pub(super) const RUNS: &str = "weave.runs";

/// Digits of a hash: enough to tell a change, not to guess at a value.
const DIGITS: usize = 12;

/// Whether weave made the container.
pub fn is_ours(container: &Container) -> bool {
    container.label(MADE) == Some("1")
}

/// What the label of a container with this wish says.
pub(super) fn write(wish: &Wish) -> String {
    let hashes: serde_json::Map<_, _> =
        hashes(wish).into_iter().map(|(option, hash)| (option.to_owned(), hash.into())).collect();
    Value::Object(hashes).to_string()
}

/// The hash of each option that is asked.
pub(super) fn hashes(wish: &Wish) -> BTreeMap<&'static str, String> {
    wish.by_option().into_iter().map(|(option, places)| (option, hash(&Value::Object(places)))).collect()
}

/// What the label of a container says; `None` where weave did not make it.
pub(super) fn read(container: &Container) -> Option<BTreeMap<String, String>> {
    container.label(ASKED).filter(|_| is_ours(container)).and_then(|text| serde_json::from_str(text).ok())
}

fn hash(value: &Value) -> String {
    let digest = Sha256::digest(canonical(value));
    let digits = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    digits.chars().take(DIGITS).collect()
}

/// JSON with the keys in order.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, String> =
                fields.iter().map(|(name, value)| (name, canonical(value))).collect();
            let fields: Vec<String> =
                sorted.into_iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
