//! Security options: `--security-opt`.

use super::value::{Value, wrong};
use crate::Result;

/// `no-new-privileges`, `seccomp=PROFILE`, `label=disable`, `apparmor=PROFILE`, `systempaths=unconfined` and the like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecurityOption(pub(crate) String);

impl SecurityOption {
    /// The file of a seccomp profile, which the docker client reads and sends whole.
    pub fn seccomp_file(&self) -> Option<&str> {
        let (name, value) = self.0.split_once('=').or_else(|| self.0.split_once(':'))?;
        let file = name == "seccomp" && !matches!(value, "builtin" | "unconfined") && !value.starts_with('{');
        file.then_some(value)
    }
}

impl Value for SecurityOption {
    fn read(text: &str) -> Result<Self> {
        let parts = text.split_once('=').or_else(|| text.split_once(':'));
        let alone = text.split(['=', ':']).next() == Some("no-new-privileges");
        if alone || parts.is_some_and(|(_, value)| !value.is_empty()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong(text, "has no value", "no-new-privileges, or NAME=VALUE such as seccomp=unconfined"))
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}
