//! What two answers have in common when they say the same of different routers.

use regex_lite::{Captures, Regex};
use serde_json::Value;

/// Fields whose value is another each time.
const OWN: [&str; 6] = ["UID", "ShortID", "Mac", "LastSeen", "PacketsReceived", "TerminationCount"];

/// A body without what must differ: data in the order of its text, or else its lines in order.
pub(super) fn shape(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(mut data @ Value::Object(_)) => {
            mask(&mut data);
            format!("{data:#}")
        }
        _ => {
            let mut lines: Vec<_> = neutral(body).lines().map(str::to_owned).collect();
            lines.sort();
            lines.join("\n")
        }
    }
}

/// The router's own numbers: which there are, without their values.
pub(super) fn metrics(body: &str) -> String {
    let own = body.lines().filter(|line| line.split_whitespace().any(|word| word.starts_with("weave_")));
    let name = |line: &str| match line.rsplit_once(' ') {
        Some((name, _)) if !line.starts_with('#') => name.to_owned(),
        _ => line.to_owned(),
    };
    own.map(name).collect::<Vec<_>>().join("\n")
}

/// Text with the same ports and times everywhere; all ports of callers have five digits.
fn neutral(text: &str) -> String {
    let port = Regex::new(r"(\d\.\d+):(\d{5})\b").expect("an expression");
    let time = Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC m=\+[\d.]+").expect("an expression");
    let text = port.replace_all(text, |found: &Captures<'_>| format!("{}:PPPPP", &found[1]));
    time.replace_all(&text, "TIME").into_owned()
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if OWN.contains(&name.as_str()) || (name == "Version" && value.is_number()) {
                    *value = Value::from(if value.is_number() { "a number" } else { "a text" });
                }
                mask(value);
            }
        }
        Value::Array(rows) => {
            rows.iter_mut().for_each(mask);
            rows.sort_by_key(ToString::to_string);
            // How many Ethernet addresses have been seen is chance.
            rows.dedup();
        }
        Value::String(text) => *text = neutral(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
