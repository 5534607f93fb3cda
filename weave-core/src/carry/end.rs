//! The two hosts between which a container is carried.

use crate::docker::Engine;
use crate::{Error, Result};

/// Variables of the weave of the other host: words `NAME=VALUE`, as a shell reads them.
const VARIABLE: &str = "WEAVE_THERE";

/// Where programs are, as a shell of root has it.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One of the two hosts. A clone is the same one.
#[derive(Clone)]
pub(crate) struct End {
    /// Its engine.
    pub(crate) engine: Engine,
    name: String,
    environment: Vec<String>,
}

impl End {
    /// The host that weave runs on.
    pub(crate) fn here(engine: &Engine) -> Self {
        Self { engine: engine.clone(), name: "this host".to_owned(), environment: environment(engine) }
    }

    /// The other host. Its weave is given the variables in `WEAVE_THERE`, such as `DOCKER_HOST` and `WEAVE_RUN_DIR`,
    /// where these are not what a root shell over there has.
    ///
    /// # Errors
    /// `InvalidSpec`: `WEAVE_THERE` is no list of `NAME=VALUE`.
    pub(crate) fn there(engine: &Engine) -> Result<Self> {
        Self::with_variables(engine, &std::env::var(VARIABLE).unwrap_or_default())
    }

    /// The same with these variables.
    pub(super) fn with_variables(engine: &Engine, text: &str) -> Result<Self> {
        let mut all = environment(engine);
        all.extend(variables(text)?);
        Ok(Self { engine: engine.clone(), name: engine.address(), environment: all })
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The environment of programs over there; the last of a name counts.
    pub(super) fn environment(&self) -> &[String] {
        &self.environment
    }
}

/// An engine behind a socket of this machine has its weave on this machine, too.
fn environment(engine: &Engine) -> Vec<String> {
    let docker = engine.socket().map(|path| format!("DOCKER_HOST=unix://{path}"));
    [PATH.to_owned(), "LC_ALL=C".to_owned()].into_iter().chain(docker).collect()
}

fn variables(text: &str) -> Result<Vec<String>> {
    let wrong = |why: String| Error::invalid(VARIABLE, format!("{why}; allowed: NAME=VALUE, with spaces between them"));
    let words = shlex::split(text).ok_or_else(|| wrong("a quote is not closed".to_owned()))?;
    let is_one = |word: &String| word.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    match words.iter().find(|word| !is_one(word)) {
        Some(word) => Err(wrong(format!("`{word}` is no variable"))),
        None => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_words_of_a_shell() {
        assert_eq!(variables("").expect("none"), Vec::<String>::new());
        assert_eq!(variables("A=1 'B=2 3'").expect("two"), ["A=1", "B=2 3"]);
        for text in ["A", "=1", "'A=1"] {
            let error = variables(text).expect_err(text);
            assert_eq!(error.subject(), VARIABLE);
            assert!(error.message().contains("allowed: NAME=VALUE"), "{error}");
        }
    }
}
