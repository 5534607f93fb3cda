//! The JSON Schemas of documents.

use serde::{Deserialize, Serialize};

use super::Report;
use crate::spec::schema;

/// Which document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Document {
    /// A host's.
    #[default]
    Host,
    /// That of all hosts.
    Fleet,
}

/// The arguments of `schema`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schema {
    /// Which document (`host`).
    pub document: Document,
}

/// The JSON Schema of a document, for editors and checkers.
pub fn schema(spec: Schema) -> Report {
    let schema = match spec.document {
        Document::Host => schema::host(),
        Document::Fleet => schema::fleet(),
    };
    Report::read("schema", None, schema)
}
