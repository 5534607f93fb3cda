//! The weave of the other host.

use serde::Deserialize;
use serde_json::Value;

use super::End;
use super::program::{Program, Reach, run_there};
use crate::apply::Mode;
use crate::{Error, ErrorKind, Result};

/// Has the weave of an end's own host do an operation: `weave call OPERATION ARGUMENTS` over there; its report.
///
/// # Errors
/// Those of the operation, with the host behind its name; also when only a part of it failed. `NotFound` where no weave
/// is installed.
pub(crate) async fn far_weave(end: &End, token: &str, operation: &str, arguments: &Value, mode: Mode) -> Result<Value> {
    let check = if mode == Mode::Check { "--check" } else { "--quiet" };
    let program = Program {
        what: format!("weave {operation}"),
        // What it has to say is on its standard output, also of a failure.
        script: "command -v weave >/dev/null || { echo 'there is no weave' >&2; exit 127; }
                 weave --json \"$1\" call \"$2\" \"$3\"; code=$?; [ $code -eq 1 ] || exit $code"
            .to_owned(),
        words: vec![check.to_owned(), operation.to_owned(), arguments.to_string()],
        mounts: Vec::new(),
        reach: Reach::Host,
    };
    let said = run_there(end, token, &program, None).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound if error.message().contains("there is no weave") => {
            let message = "no `weave` is installed there, and moving a container needs it on both hosts";
            Error::new(ErrorKind::NotFound, end.name(), message)
                .hint("put the same weave into /usr/local/bin over there, or say its PATH in WEAVE_THERE")
        }
        _ => error,
    })?;
    let answer: Value = serde_json::from_slice(&said).map_err(|error| {
        let message = format!("weave {operation}: what it says over there makes no sense: {error}");
        Error::new(ErrorKind::Docker, end.name(), message).hint("is the weave over there of the same version?")
    })?;
    match answer.get("error").or_else(|| answer["errors"].get(0)) {
        Some(error) => Err(failure(end, operation, error)),
        None => Ok(answer),
    }
}

/// An error as it stands in a report.
#[derive(Deserialize)]
struct Failure {
    kind: Option<ErrorKind>,
    #[serde(default)]
    op: Option<String>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    message: String,
    errno: Option<i32>,
    hint: Option<String>,
}

fn failure(end: &End, operation: &str, error: &Value) -> Error {
    // A newer weave may have a kind that this one does not know.
    let mut known = error.clone();
    if ErrorKind::deserialize(&error["kind"]).is_err() {
        known["kind"] = Value::Null;
    }
    let Ok(Failure { kind, op, subject, message, errno, hint }) = Failure::deserialize(&known) else {
        return Error::new(ErrorKind::Docker, end.name(), format!("weave {operation}: {error}"));
    };
    let op = format!("{} on {}", op.as_deref().unwrap_or(operation), end.name());
    let error = Error::new(kind.unwrap_or(ErrorKind::Docker), subject, message).op(op).errno(errno);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
