//! How long an engine may take for an answer, as the environment says.

use std::time::Duration;

use crate::{Error, Result};

const VARIABLE: &str = "WEAVE_ENGINE_TIMEOUT";

/// The seconds that `WEAVE_ENGINE_TIMEOUT` gives; nothing where it is not set, or empty.
///
/// # Errors
/// `InvalidSpec`: it is no number above 0.
pub(crate) fn engine_timeout() -> Result<Option<Duration>> {
    let text = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    text.as_deref().map(seconds).transpose()
}

fn seconds(text: &str) -> Result<Duration> {
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    parsed
        .filter(|timeout| !timeout.is_zero())
        .ok_or_else(|| Error::invalid(VARIABLE, format!("`{text}` is no number of seconds; allowed: more than 0")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn it_is_a_number_above_zero() {
        for (text, milliseconds) in [("300", 300_000), ("0.5", 500), ("1e1", 10_000)] {
            assert_eq!(seconds(text).expect(text), Duration::from_millis(milliseconds));
        }
        for text in ["soon", "0", "-1", "nan", "inf", "10 s", "1e-30"] {
            let error = seconds(text).expect_err(text);
            assert_eq!((error.kind(), error.subject()), (ErrorKind::InvalidSpec, VARIABLE), "{error}");
            assert!(error.message().contains(&format!("`{text}`")), "{error}");
        }
    }
}
