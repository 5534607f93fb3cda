//! One error type for every operation: what was attempted, on what, why it failed, and what to do.

use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::spec::Finding;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it was; callers decide on this, never on the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A field of the input is wrong. Nothing was touched.
    InvalidSpec,
    /// A container, file, interface or program that is needed does not exist.
    NotFound,
    /// Something foreign stands where weave would have to act, or an address is taken.
    Conflict,
    /// The privilege for the operation is missing (root, or `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`).
    PermissionDenied,
    /// The container exists and does not run, so it has no network namespace.
    ContainerNotRunning,
    /// The kernel refused a request.
    Kernel,
    /// The Docker engine refused a request or could not be reached.
    Docker,
    /// The packet filter refused a request.
    Firewall,
    /// The weave router container refused a request, or could not be reached.
    Router,
    /// After acting, the host was not as planned.
    VerifyFailed,
    /// A deadline passed.
    Timeout,
    /// This kernel, engine or host lacks a needed feature.
    Unsupported,
}

impl ErrorKind {
    /// The stable name, as in JSON: `invalid_spec`, `not_found`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidSpec => "invalid_spec",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::PermissionDenied => "permission_denied",
            Self::ContainerNotRunning => "container_not_running",
            Self::Kernel => "kernel",
            Self::Docker => "docker",
            Self::Firewall => "firewall",
            Self::Router => "router",
            Self::VerifyFailed => "verify_failed",
            Self::Timeout => "timeout",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The error of every operation.
///
/// `Display` is one line: the operation, the subject, the cause. The hint is apart, for a second line.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    op: Option<String>,
    subject: String,
    message: String,
    errno: Option<i32>,
    hint: Option<String>,
    /// What could not be put back after the failure.
    left: Vec<String>,
    /// All that is wrong with a document.
    findings: Vec<Finding>,
    source: Option<std::sync::Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` about `subject` (a field such as `peers[1]`, a container, a link).
    pub fn new(kind: ErrorKind, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            op: None,
            subject: subject.into(),
            message: message.into(),
            errno: None,
            hint: None,
            left: Vec::new(),
            findings: Vec::new(),
            source: None,
        }))
    }

    /// A wrong field of the input.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidSpec, field, message)
    }

    /// An operating system error met while doing `action` to `subject`.
    ///
    /// `EPERM` and `EACCES` become [`ErrorKind::PermissionDenied`]; everything else is [`ErrorKind::Kernel`].
    pub fn os(subject: impl Into<String>, action: impl fmt::Display, source: std::io::Error) -> Self {
        let errno = source.raw_os_error();
        let denied = source.kind() == std::io::ErrorKind::PermissionDenied;
        let kind = if denied { ErrorKind::PermissionDenied } else { ErrorKind::Kernel };
        let error = Self::new(kind, subject, format!("{action}: {source}")).source(source).errno(errno);
        if denied { error.hint("run as root, or with CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_NET_RAW") } else { error }
    }

    /// Says which operation failed; the first word given stays.
    #[must_use]
    pub fn op(mut self, op: impl Into<String>) -> Self {
        self.0.op.get_or_insert_with(|| op.into());
        self
    }

    /// Says what to do about it; the first hint given stays.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Keeps the kernel's error number.
    #[must_use]
    pub fn errno(mut self, errno: impl Into<Option<i32>>) -> Self {
        self.0.errno = errno.into();
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(std::sync::Arc::new(source));
        self
    }

    /// What could not be undone.
    pub(crate) fn what_is_left(&self) -> &[String] {
        &self.0.left
    }

    /// Says what could not be undone.
    #[must_use]
    pub fn left(mut self, left: Vec<String>) -> Self {
        self.0.left = left;
        self
    }

    /// Carries all that is wrong with a document.
    #[must_use]
    pub fn findings(mut self, findings: Vec<Finding>) -> Self {
        self.0.findings = findings;
        self
    }

    /// Names the item of a list that the error is about: item 1 of `peers` is `peers[1]`.
    #[must_use]
    pub fn item(mut self, at: usize) -> Self {
        self.0.subject.push_str(&format!("[{at}]"));
        self
    }

    /// Puts the field that holds the failed value in front of the subject.
    #[must_use]
    pub fn within(mut self, field: &str) -> Self {
        let subject = &self.0.subject;
        self.0.subject = if subject.is_empty() {
            field.to_owned()
        } else if subject.starts_with('[') {
            format!("{field}{subject}")
        } else {
            format!("{field}.{subject}")
        };
        self
    }

    /// What sort of failure it was.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The field, container, link or file it is about.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The cause in words, without operation and subject.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The kernel's error number, when it was the kernel who refused.
    pub fn raw_errno(&self) -> Option<i32> {
        self.0.errno
    }

    /// What to do about it.
    pub fn next_step(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether trying again may help without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self.0.kind {
            ErrorKind::VerifyFailed => true,
            // EINTR, EAGAIN, EBUSY, ENOBUFS: the dump was disturbed or memory was short for a moment.
            ErrorKind::Kernel => matches!(self.0.errno, Some(4 | 11 | 16 | 105)),
            _ => false,
        }
    }

    /// The error as data, as it stands in a report.
    pub fn report(&self) -> ErrorReport {
        let inner = &*self.0;
        ErrorReport {
            kind: inner.kind,
            op: inner.op.clone(),
            subject: inner.subject.clone(),
            message: inner.message.clone(),
            errno: inner.errno,
            hint: inner.hint.clone(),
            left: inner.left.clone(),
            findings: inner.findings.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(op) = &inner.op {
            write!(f, "{op}: ")?;
        }
        if !inner.subject.is_empty() {
            write!(f, "{}: ", inner.subject)?;
        }
        f.write_str(&inner.message)?;
        if !inner.left.is_empty() {
            write!(f, " (could not undo: {})", inner.left.join("; "))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        if let Some(hint) = &self.0.hint {
            write!(f, " [{hint}]")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// An [`Error`] as plain data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReport {
    /// What sort of failure it was.
    pub kind: ErrorKind,
    /// The operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// The field, container, link or file it is about.
    pub subject: String,
    /// The cause in words.
    pub message: String,
    /// The kernel's error number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What could not be put back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// All that is wrong with a document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_line_of_operation_subject_and_cause() {
        let error = Error::os("vethwe1", "create veth", std::io::Error::from_raw_os_error(17)).op("attach");
        assert_eq!(error.to_string(), "attach: vethwe1: create veth: File exists (os error 17)");
        assert_eq!(error.kind(), ErrorKind::Kernel);
        assert_eq!(error.raw_errno(), Some(17));
    }

    #[test]
    fn refusal_for_lack_of_privilege_has_its_own_kind_and_a_next_step() {
        let error = Error::os("weave", "create bridge", std::io::Error::from_raw_os_error(1));
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.next_step().is_some_and(|hint| hint.contains("root")));
    }

    #[test]
    fn fields_nest() {
        let error = Error::invalid("[1]", "no").within("ips").within("containers.web");
        assert_eq!(error.subject(), "containers.web.ips[1]");
    }

    #[test]
    fn every_kind_is_named_as_it_serialises() {
        for kind in [
            ErrorKind::InvalidSpec,
            ErrorKind::NotFound,
            ErrorKind::Conflict,
            ErrorKind::PermissionDenied,
            ErrorKind::ContainerNotRunning,
            ErrorKind::Kernel,
            ErrorKind::Docker,
            ErrorKind::Firewall,
            ErrorKind::Router,
            ErrorKind::VerifyFailed,
            ErrorKind::Timeout,
            ErrorKind::Unsupported,
        ] {
            assert_eq!(serde_json::to_value(kind).expect("serialises"), kind.name());
        }
    }
}
