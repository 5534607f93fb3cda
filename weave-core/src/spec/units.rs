//! The units that keep a host on the network from its boot on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Whether the units should be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UnitsState {
    /// They are written, enabled and started.
    #[default]
    Present,
    /// They are stopped, disabled and removed.
    Absent,
}

/// Writes the units of systemd that apply a document at each boot and watch over it, and tells the programs that
/// configure networks of their own to leave weave's interfaces alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstallUnits {
    /// The document, of this host or of a fleet (`/etc/weave/host.yaml`). A path that is not absolute begins where the
    /// caller stands.
    pub file: String,
    /// Which of a fleet's hosts this one is, where its name and addresses do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The command `weave`, as an absolute path (the one that runs, else the one on `PATH`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Whether the units are enabled, so that the next boot starts them (true).
    pub enable: bool,
    /// Whether they are started now, and anew where they changed (true).
    pub start: bool,
    /// Whether they should be there at all (`present`). For `absent` nothing else counts.
    pub state: UnitsState,
}

impl InstallUnits {
    /// Where a document is expected.
    pub const FILE: &str = "/etc/weave/host.yaml";

    /// Checks what the types do not.
    ///
    /// # Errors
    /// `InvalidSpec`, naming the field and its value.
    pub fn validate(&self) -> Result<()> {
        line("file", &self.file, "the path of a document")?;
        if let Some(host) = &self.host {
            line("host", host, "the name of a host of the fleet")?;
        }
        let Some(program) = &self.program else { return Ok(()) };
        line("program", program, "the absolute path of the command `weave`")?;
        if Path::new(program).is_absolute() {
            return Ok(());
        }
        Err(Error::invalid(
            "program",
            format!("`{program}` is no absolute path; allowed: such as /usr/local/bin/weave"),
        ))
    }
}

impl Default for InstallUnits {
    fn default() -> Self {
        Self {
            file: Self::FILE.to_owned(),
            host: None,
            program: None,
            enable: true,
            start: true,
            state: UnitsState::Present,
        }
    }
}

/// What stands on a line of a unit must not end it.
fn line(field: &str, value: &str, allowed: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid(field, format!("is empty; allowed: {allowed}")));
    }
    if value.chars().any(char::is_control) {
        let message = format!("{value:?} has a control character; allowed: {allowed}, without any");
        return Err(Error::invalid(field, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::from_value;

    #[test]
    fn defaults_are_those_of_a_plain_host() {
        let spec: InstallUnits = from_value(json!({})).expect("defaults");
        assert_eq!(spec, InstallUnits::default());
        assert_eq!((spec.enable, spec.start, spec.file.as_str()), (true, true, "/etc/weave/host.yaml"));
        spec.validate().expect("valid");
    }

    #[test]
    fn what_would_break_a_unit_is_refused() {
        for (value, field, words) in [
            (json!({"file": ""}), "file", "is empty; allowed: the path of a document"),
            (json!({"file": "/etc/a\nExecStart=/bin/sh"}), "file", "control character"),
            (json!({"host": ""}), "host", "allowed: the name of a host"),
            (json!({"host": "a\tb"}), "host", "control character"),
            (json!({"program": "weave"}), "program", "`weave` is no absolute path; allowed: such as"),
            (json!({"program": "/usr/bin/weave\r"}), "program", "control character"),
        ] {
            let spec: InstallUnits = from_value(value).expect("a spec");
            let error = spec.validate().expect_err("refused");
            assert_eq!(error.subject(), field);
            assert!(error.message().contains(words), "{error}");
        }
        let error = from_value::<InstallUnits>(json!({"state": "latest"})).expect_err("refused");
        assert_eq!(error.subject(), "state");
    }
}
