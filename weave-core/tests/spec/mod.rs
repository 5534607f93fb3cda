//! Specs: what is read, and what is refused with which words.

mod accepted;
mod refused;

use weave_core::ops::Operation;
use weave_core::spec::from_yaml;
use weave_core::{Error, Result};

/// Reads `verb {arguments}` and checks what can be checked without a host.
fn read(text: &str) -> Result<Operation> {
    let (verb, arguments) = text.split_once(' ').unwrap_or((text, "{}"));
    let arguments: serde_json::Value = from_yaml(arguments)?;
    let operation = Operation::from_parts(verb, arguments)?;
    let valid = match &operation {
        Operation::Launch(spec) => spec.validate(),
        Operation::Attach(spec) => spec.validate(),
        Operation::Expose(spec) => spec.validate(),
        _ => Ok(()),
    };
    valid.map(|()| operation)
}

fn refusal(text: &str) -> Error {
    match read(text) {
        Ok(operation) => panic!("{text} was read: {operation:?}"),
        Err(error) => error,
    }
}
