//! Moving a container to another host.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Moves a container between this host and another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migrate {
    /// The container's name; it is the same on the other host.
    pub name: String,
    /// The engine that it comes from, to this host: `ssh://root@HOST`, `tcp://HOST:2376`, `unix:///PATH`. This or `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The engine that it goes to, from this host. This or `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Directory of `ca.pem`, `cert.pem` and `key.pem` for an engine behind TCP (none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<PathBuf>,
    /// Whether an engine behind TCP may be asked without TLS (false).
    #[serde(default)]
    pub insecure: bool,
    /// Whether the files of volumes are copied (true); else they begin empty, or are those that the other host has.
    #[serde(default = "yes")]
    pub volumes: bool,
    /// Whether directories and files of the host that the container has are copied (false); else they have to be there.
    #[serde(default)]
    pub binds: bool,
    /// Whether what the container has written outside of its volumes matters (true): where there is something, it is not
    /// moved; else that is lost.
    #[serde(default = "yes")]
    pub changes: bool,
    /// Whether files are copied once while the container still runs, and then only what changed (true).
    #[serde(default = "yes")]
    pub live_copy: bool,
    /// Seconds after which the container is killed that was asked to stop (its own, or 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
    /// Whether the container goes from where it was (true); else it stays there, stopped, as `NAME.weave-moved`.
    #[serde(default = "yes")]
    pub remove_source: bool,
    /// Whether a move that was begun is given up instead (false).
    #[serde(default)]
    pub undo: bool,
}

impl Migrate {
    /// A move with every default, to be given `from` or `to`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            from: None,
            to: None,
            tls: None,
            insecure: false,
            volumes: true,
            binds: false,
            changes: true,
            live_copy: true,
            timeout: None,
            remove_source: true,
            undo: false,
        }
    }

    /// Checks what can be checked without a host.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        super::run::container(&self.name)?;
        const ALLOWED: &str = "allowed: one of `from` and `to`, the address of the other host's engine, such as \
                               ssh://root@192.0.2.2";
        match (&self.from, &self.to) {
            (None, None) => Err(Error::invalid("to", format!("neither it nor `from` is given; {ALLOWED}"))),
            (Some(_), Some(_)) => Err(Error::invalid("from", format!("there is a `to`, too; {ALLOWED}"))),
            _ => Ok(()),
        }
    }

    /// The field that has the other engine's address, and the address.
    pub(crate) fn other(&self) -> (&'static str, &str) {
        match (&self.from, &self.to) {
            (Some(from), _) => ("from", from),
            (None, to) => ("to", to.as_deref().unwrap_or_default()),
        }
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::from_yaml;

    #[test]
    fn one_other_host_is_named() {
        for (text, subject) in [
            ("{name: web}", "to"),
            ("{name: web, from: 'ssh://a', to: 'ssh://b'}", "from"),
            ("{name: 'a/b', to: 'ssh://b'}", "name"),
        ] {
            let error = from_yaml::<Migrate>(text).expect("read").validate().expect_err(text);
            assert_eq!(error.subject(), subject, "{error}");
            assert!(error.message().contains("allowed: "), "{error}");
        }
        let all = from_yaml::<Migrate>("{name: web, from: 'ssh://a'}").expect("read");
        assert_eq!(all, Migrate { from: Some("ssh://a".to_owned()), ..Migrate::new("web") });
        all.validate().expect("sound");
    }
}
