//! A container as it is wanted, from what a caller wrote.

use std::path::Path;

use super::client_side;
use super::create::body;
use crate::plan::container::Wish;
use crate::spec::{Options, Run};
use crate::{Error, Result};

/// What is asked of the engine for `run`; `variable` are the caller's variables, and paths begin at `base`.
///
/// # Errors
/// `InvalidSpec` for what no engine would take; `NotFound` or `PermissionDenied` for a file of variables or labels.
pub fn wish(run: &Run, variable: &dyn Fn(&str) -> Option<String>, base: &Path) -> Result<Wish> {
    let options = client_side::resolve(run.options.clone(), variable, base).map_err(|error| error.within("options"))?;
    let request = |options: &Options, command: &[String]| {
        serde_json::to_value(body(options, &run.image, command))
            .map_err(|error| Error::invalid("options", error.to_string()))
    };
    Ok(Wish::new(run, request(&options, &run.words()?)?, &request(&Options::default(), &[])?))
}
