//! Which namespaces the container shares, and other options with few words to choose from.

use super::value::{Value, wrong};
use crate::Result;
use crate::spec::run::Pull;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $valid:expr, $allowed:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl Value for $name {
            fn read(text: &str) -> Result<Self> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(wrong(text, "is not known", $allowed)) }
            }

            fn write(&self) -> String {
                self.0.clone()
            }
        }
    };
}

/// The container of `container:NAME`.
pub(super) fn container(text: &str) -> Option<&str> {
    text.strip_prefix("container:").filter(|name| !name.is_empty())
}

words! {
    /// Whose processes it sees: its own, the `host`'s, or `container:NAME`'s.
    PidMode: |text| matches!(text, "" | "host") || container(text).is_some(), "host, container:NAME"
}
words! {
    /// Whose System V IPC it uses.
    IpcMode: |text| matches!(text, "" | "none" | "private" | "shareable" | "host") || container(text).is_some(),
    "none, private, shareable, host, container:NAME"
}
words! {
    /// Whose host name it has: its own or the `host`'s.
    UtsMode: |text| matches!(text, "" | "host"), "host"
}
words! {
    /// Whose users it has: those of the engine's setting or the `host`'s.
    UsernsMode: |text| matches!(text, "" | "host"), "host"
}
words! {
    /// Whose control groups it sees.
    CgroupnsMode: |text| matches!(text, "" | "host" | "private"), "host, private"
}
words! {
    /// The isolation technology, of which Linux has one.
    Isolation: |text| text.is_empty() || text.eq_ignore_ascii_case("default"), "default"
}

impl Value for Pull {
    fn read(text: &str) -> Result<Self> {
        match text {
            "" | "missing" => Ok(Self::Missing),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(wrong(text, "is not known", "always, missing, never")),
        }
    }

    fn write(&self) -> String {
        let word = match self {
            Self::Missing => "missing",
            Self::Always => "always",
            Self::Never => "never",
        };
        word.to_owned()
    }
}

words! {
    /// A path in the container.
    Workdir: |text| text.is_empty() || text.starts_with('/'), "an absolute path"
}
