//! Whether two values in their shape are the same, or one at least fits the other.

use serde_json::Value;

/// What comes of comparing what is asked with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    /// The same.
    Same,
    /// What is asked is there, with more: if the label tells of something else, that is no longer asked.
    Fits,
    /// What is there cannot be seen: only the label tells.
    Unseen,
    /// Something else.
    Differs,
}
use Match::{Differs, Fits, Same, Unseen};

pub(super) fn same(asked: &Value, found: &Value) -> Match {
    if asked == found { Same } else { Differs }
}

/// What is asked as nothing is whatever the engine chose.
pub(super) fn if_asked(asked: &Value, found: &Value) -> Match {
    if asked.is_null() { Fits } else { same(asked, found) }
}

/// What only a running container shows.
pub(super) fn if_shown(asked: &Value, found: &Value) -> Match {
    if found.is_null() { Unseen } else { same(asked, found) }
}

/// Each entry that is asked is there.
pub(super) fn within(asked: &Value, found: &Value) -> Match {
    match (asked, found) {
        (Value::Object(asked), Value::Object(found)) => asked
            .iter()
            .map(|(key, value)| within(value, found.get(key).unwrap_or(&Value::Null)))
            .max()
            .unwrap_or(Same)
            .max(if asked.len() < found.len() { Fits } else { Same }),
        (asked, found) => same(asked, found),
    }
}

/// `container:NAME`, of which the engine keeps the id.
pub(super) fn of_container(asked: &Value, found: &Value) -> Match {
    let container = |value: &Value| value.as_str().and_then(|text| text.strip_prefix("container:")).map(str::to_owned);
    match (container(asked), container(found)) {
        (Some(asked), Some(found)) if asked == found => Same,
        (Some(asked), Some(found)) if is_id(&asked) && found.starts_with(&asked) => Same,
        (Some(_), Some(found)) if is_id(&found) => Unseen,
        _ => same(asked, found),
    }
}

/// Whether a text could be (the beginning of) an id.
fn is_id(text: &str) -> bool {
    text.len() >= 12 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// The host's places for one port: what is asked without a port may have any.
pub(super) fn ports(asked: &Value, found: &Value) -> Match {
    let (Value::Array(asked), Value::Array(found)) = (asked, found) else { return same(asked, found) };
    let place = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.rsplit_once(':').map(|(address, port)| (address.to_owned(), port.to_owned())).unwrap_or_default()
    };
    let mut left: Vec<Place> = found.iter().map(place).collect();
    let mut worst = if asked.len() < found.len() { Fits } else { Same };
    let mut asked: Vec<Place> = asked.iter().map(place).collect();
    // First those that can only have one place.
    asked.sort_by_key(|(_, port)| port.is_empty());
    for place in asked {
        let fits = left.iter().map(|found| port(&place, found)).enumerate().min_by_key(|(_, fit)| *fit);
        let Some((at, fit)) = fits.filter(|(_, fit)| *fit != Differs) else { return Differs };
        left.swap_remove(at);
        worst = worst.max(fit);
    }
    worst
}

type Place = (String, String);

fn port(asked: &Place, found: &Place) -> Match {
    // No address is every address, and tools that always write one write this.
    let any = |address: &str| matches!(address, "" | "0.0.0.0");
    let address = match (asked.0.as_str(), found.0.as_str()) {
        (asked, found) if asked == found => Same,
        (asked, found) if any(asked) && any(found) => Fits,
        _ => Differs,
    };
    let port = match (asked.1.as_str(), found.1.as_str()) {
        (asked, found) if asked == found => Same,
        ("", _) => Fits,
        _ => Differs,
    };
    address.max(port)
}
