//! A container as it is wanted, from what a caller wrote.

use std::path::Path;

use super::client_side;
use super::create::body;
use crate::plan::container::Wish;
use crate::spec::{Options, Settings};
use crate::{Error, Result};

/// What is asked of the engine for `run`; `variable` are the caller's variables, and paths begin at `base`.
///
/// # Errors
/// `InvalidSpec` for what no engine would take; `NotFound` or `PermissionDenied` for a file of variables or labels.
pub fn wish(run: &Settings, variable: &dyn Fn(&str) -> Option<String>, base: &Path) -> Result<Wish> {
    requested(&settled(run, variable, base)?)
}

/// The same settings with everything in them that the docker client reads from files and variables.
pub(crate) fn settled(run: &Settings, variable: &dyn Fn(&str) -> Option<String>, base: &Path) -> Result<Settings> {
    let options = client_side::resolve(run.options.clone(), variable, base).map_err(|error| error.within("options"))?;
    Ok(Settings { options, ..run.clone() })
}

/// The request for settled settings.
pub(crate) fn requested(run: &Settings) -> Result<Wish> {
    let request = |options: &Options, command: &[String]| {
        serde_json::to_value(body(options, &run.image, command))
            .map_err(|error| Error::invalid("options", error.to_string()))
    };
    Ok(Wish::new(run, request(&run.options, &run.words()?)?, &request(&Options::default(), &[])?))
}
