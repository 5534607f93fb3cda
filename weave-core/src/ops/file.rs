//! Files that a caller names.

use std::io::{Error as IoError, ErrorKind as Io};

use crate::{Error, ErrorKind, Result};

/// The text of the file that `field` names.
///
/// # Errors
/// `NotFound` where there is none, `InvalidSpec` where it cannot be read; `field` is the subject.
pub(crate) fn named(field: &str, file: &str) -> Result<String> {
    if file.is_empty() {
        return Err(Error::invalid(field, "is empty; allowed: the path of a document"));
    }
    std::fs::read_to_string(file).map_err(|error| refused(field, &format!("{file}: "), error))
}

/// Why a file, or what `subject` stands for, cannot be read.
#[cfg(feature = "cli")]
pub(crate) fn unreadable(subject: &str, error: IoError) -> Error {
    refused(subject, "", error)
}

fn refused(subject: &str, file: &str, error: IoError) -> Error {
    match error.kind() {
        Io::NotFound => {
            Error::new(ErrorKind::NotFound, subject, format!("{file}there is no such file")).source(error).errno(2)
        }
        Io::IsADirectory => {
            Error::invalid(subject, format!("{file}is a directory; allowed: a file")).source(error).errno(21)
        }
        Io::InvalidData => Error::invalid(subject, format!("{file}is no UTF-8 text")),
        _ => Error::invalid(subject, format!("{file}cannot be read: {error}")).source(error),
    }
}
