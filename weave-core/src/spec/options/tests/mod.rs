//! Tables of values and lines, and laws for any text.

mod accepted;
mod apart;
mod contradictions;
mod laws;
mod refused;
mod shapes;
mod words;

use super::{Options, parse_run};
use crate::spec::from_yaml;
use crate::{Error, Result};

/// The options of a line.
fn line(text: &str) -> Result<Options> {
    let words = shlex::split(text).expect("words");
    let (options, rest) = parse_run(&words)?;
    assert!(rest.is_empty(), "{text}: {rest:?} is left");
    Ok(options)
}

/// The error of a line.
fn refusal(text: &str) -> Error {
    match line(text) {
        Ok(options) => panic!("{text} was read: {options:?}"),
        Err(error) => error,
    }
}

/// A document with options in it, so that errors have a place.
#[derive(Debug, serde::Deserialize)]
struct Document {
    options: Options,
}

fn document(yaml: &str) -> Result<Options> {
    from_yaml::<Document>(yaml).map(|document| document.options)
}
