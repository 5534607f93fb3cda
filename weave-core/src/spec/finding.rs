//! What is wrong with a document, and where.

use std::fmt;

use serde::Serialize;

use crate::{Error, ErrorKind};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The document is refused.
    Error,
    /// The document is taken.
    Warning,
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// The file, where the document came from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, counted from 1, where the document was text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column, counted from 1, where the document was text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// The key, such as `containers.web.ips[0]`.
    pub subject: String,
    /// What is wrong, and what would be right.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// What `error` says, without a place.
    pub(crate) fn new(level: Level, error: &Error) -> Self {
        Self {
            level,
            file: None,
            line: None,
            column: None,
            subject: error.subject().to_owned(),
            message: error.message().to_owned(),
            hint: error.next_step().map(str::to_owned),
        }
    }

    /// Whether the document is refused for it.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// `fleet.yaml:7:9`, as far as it is known.
    pub fn place(&self) -> String {
        let file = self.file.iter().cloned();
        let numbers = [self.line, self.column].into_iter().flatten().map(|number| number.to_string());
        file.chain(numbers).collect::<Vec<_>>().join(":")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        if !place.is_empty() {
            write!(f, "{place}: ")?;
        }
        if self.level == Level::Warning {
            f.write_str("warning: ")?;
        }
        if !self.subject.is_empty() {
            write!(f, "{}: ", self.subject)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// A document that was read, and all that is wrong with it.
#[derive(Debug, Clone)]
pub struct Reading<T> {
    /// The document, where enough of it could be read; it is sound only if no finding is an error.
    pub document: Option<T>,
    /// All that is wrong, by file and line.
    pub findings: Vec<Finding>,
}

impl<T> Reading<T> {
    /// The document and its warnings.
    ///
    /// # Errors
    /// `InvalidSpec` with all findings, where one of them is an error.
    pub fn accept(self) -> Result<(T, Vec<Finding>), Error> {
        match self.document {
            Some(document) if !self.findings.iter().any(Finding::is_error) => Ok((document, self.findings)),
            _ => Err(refusal(self.findings)),
        }
    }
}

/// One error for all `findings`: it says the first and how many there are, and carries them all.
pub(crate) fn refusal(findings: Vec<Finding>) -> Error {
    let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
    let error = match errors.as_slice() {
        [] => Error::invalid("document", "could not be read"),
        [first, rest @ ..] => {
            let place = first.place();
            let subject = if first.subject.is_empty() { "document" } else { &first.subject };
            let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
            let more = match rest.len() {
                0 => String::new(),
                1 => ", and 1 more error".to_owned(),
                more => format!(", and {more} more errors"),
            };
            let error = Error::new(ErrorKind::InvalidSpec, subject, format!("{}{place}{more}", first.message));
            match &first.hint {
                Some(hint) => error.hint(hint.clone()),
                None => error,
            }
        }
    };
    error.findings(findings)
}
