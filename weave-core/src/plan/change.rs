//! What a plan changes, in the words of a document: what Ansible's `--diff` and Salt's `changes` show.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// One difference between what is and what will be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What changes: `router`, `peers`, `expose`, `firewall`, or `containers.web`.
    pub subject: String,
    /// Which of its fields.
    pub field: Cow<'static, str>,
    /// Before; null where there was nothing.
    pub before: Value,
    /// After; null where nothing will be.
    pub after: Value,
}

impl Change {
    /// A difference in `field` of `subject`.
    pub fn new(
        subject: impl Into<String>,
        field: impl Into<Cow<'static, str>>,
        before: impl Serialize,
        after: impl Serialize,
    ) -> Self {
        // Plain data: numbers, texts and lists of them always serialise.
        let value = |value: Result<Value, serde_json::Error>| value.unwrap_or(Value::Null);
        Self {
            subject: subject.into(),
            field: field.into(),
            before: value(serde_json::to_value(before)),
            after: value(serde_json::to_value(after)),
        }
    }
}
