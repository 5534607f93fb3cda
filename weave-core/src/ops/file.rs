//! Files that a caller names.

use std::io::{Error as IoError, ErrorKind as Io};

use crate::{Error, ErrorKind, Result};

/// The text of a file.
///
/// # Errors
/// `NotFound` where there is none, `InvalidSpec` where it cannot be read.
pub(super) fn text(file: &str) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| unreadable(file, error))
}

/// Why a file, or what `subject` stands for, cannot be read.
pub(crate) fn unreadable(subject: &str, error: IoError) -> Error {
    match error.kind() {
        Io::NotFound => Error::new(ErrorKind::NotFound, subject, "there is no such file").source(error).errno(2),
        Io::InvalidData => Error::invalid(subject, "is no UTF-8 text"),
        _ => Error::invalid(subject, format!("cannot be read: {error}")).source(error),
    }
}
