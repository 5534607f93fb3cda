//! The arguments of `apply`: a document of either kind.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::spec::fleet::{Document, Machine, read_document, read_files, read_value};
use crate::spec::{Finding, HostDocument, Part, Reading, from_value};
use crate::{Error, Result};

/// The arguments of `apply`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Apply {
    /// What this host, or all hosts, should be.
    pub document: Document,
    /// Which of a fleet's hosts this one is, where its name and addresses do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Which part of the document is brought about (`all`).
    #[serde(skip_serializing_if = "Part::is_all")]
    pub only: Part,
    /// What the reading of the document warned of.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// The arguments as a table holds them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    document: Option<Value>,
    file: Option<String>,
    host: Option<String>,
    #[serde(default)]
    only: Option<Part>,
}

impl Apply {
    /// Reads them from a table of arguments.
    ///
    /// # Errors
    /// `InvalidSpec` with everything that is wrong with the document.
    pub(super) fn from_arguments(arguments: Value, hostname: &str) -> Result<Self> {
        let Arguments { document, file, host, only } = from_value(arguments)?;
        let machine = host.clone().unwrap_or_else(|| hostname.to_owned());
        let read = match (document, file) {
            (Some(document), None) => {
                let reading = read_value(document, Some(&machine));
                // What is wrong with the whole has the document as its subject already.
                let whole =
                    reading.findings.iter().find(|one| one.is_error()).is_some_and(|one| one.subject.is_empty());
                Self::accepted(reading, host).map_err(|error| if whole { error } else { error.within("document") })
            }
            (None, Some(file)) => {
                let text = super::file::named("file", &file)?;
                Self::from_text(&file, &text, host, hostname)
            }
            (None, None) => Err(Error::invalid(
                "document",
                "missing field `document`; allowed: it, or the `file` that it stands in",
            )),
            (Some(_), Some(_)) => Err(Error::invalid("file", "there is a `document`, too; allowed: one of the two")),
        };
        Ok(read?.only(only.unwrap_or_default()))
    }

    /// Only this part of the document.
    #[must_use]
    pub fn only(self, only: Part) -> Self {
        Self { only, ..self }
    }

    /// Reads a document from YAML, of which JSON is a part. `file` is only named in findings.
    ///
    /// # Errors
    /// `InvalidSpec` with everything that is wrong, each with file, line and key.
    pub fn from_text(file: &str, text: &str, host: Option<String>, hostname: &str) -> Result<Self> {
        let machine = host.clone().unwrap_or_else(|| hostname.to_owned());
        Self::accepted(read_document(file, text, Some(&machine)), host)
    }

    /// The same from files, each with its name. More than one are data of the 2014 Puppet module, the most special first.
    ///
    /// # Errors
    /// As [`from_text`](Self::from_text), and `InvalidSpec` for several documents of another kind.
    pub fn from_files(files: &[(&str, &str)], host: Option<String>, hostname: &str) -> Result<Self> {
        let machine = host.clone().unwrap_or_else(|| hostname.to_owned());
        Self::accepted(read_files(files, Some(&machine)), host)
    }

    fn accepted(reading: Reading<Document>, host: Option<String>) -> Result<Self> {
        let (document, findings) = reading.accept()?;
        Ok(Self { document, host, only: Part::All, warnings: findings.iter().map(Finding::to_string).collect() })
    }

    /// The document of the host that is meant.
    ///
    /// # Errors
    /// `NotFound` where a fleet does not have it, `Conflict` where several may be meant, `InvalidSpec` for a `host` that
    /// is given to a document of one host.
    pub fn document(&self, machine: &Machine) -> Result<Cow<'_, HostDocument>> {
        match (&self.document, &self.host) {
            (Document::Fleet(fleet), host) => {
                let name = fleet.choose(host.as_deref(), machine)?;
                fleet.cut(name).map(Cow::Owned)
            }
            (Document::Host(_), Some(host)) => {
                let message = format!("`{host}` is given, but the document is that of one host and not of a fleet");
                Err(Error::invalid("host", format!("{message}; allowed: with a document that has `hosts`")))
            }
            (Document::Host(document), None) => Ok(Cow::Borrowed(document)),
        }
    }
}
