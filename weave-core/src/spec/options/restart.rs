//! What the engine does when the container ends: `--restart`.

use super::value::{Value, whole, wrong};
use crate::Result;

/// The restart policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restart {
    /// Nothing: the default.
    No,
    /// Starts it again.
    Always,
    /// Starts it again unless somebody stopped it.
    UnlessStopped,
    /// Starts it again if it failed, so many times at most.
    OnFailure(Option<u32>),
}

impl Value for Restart {
    fn read(text: &str) -> Result<Self> {
        let allowed = "no, always, unless-stopped, on-failure, on-failure:TIMES";
        let (policy, times) = text.split_once(':').unwrap_or((text, ""));
        let count = match times {
            "" => None,
            times => match whole(times).and_then(|times| u32::try_from(times).ok()) {
                Some(count) => Some(count),
                None => return Err(wrong(text, "has a wrong number of times", allowed)),
            },
        };
        match (policy, count) {
            // `restart: no` is false in the YAML that Ansible reads.
            ("" | "no" | "false", None | Some(0)) if !text.starts_with(':') => Ok(Self::No),
            ("always", None | Some(0)) => Ok(Self::Always),
            ("unless-stopped", None | Some(0)) => Ok(Self::UnlessStopped),
            ("on-failure", count) => Ok(Self::OnFailure(count.filter(|count| *count > 0))),
            ("no" | "always" | "unless-stopped", Some(_)) => {
                Err(wrong(text, "has a number of times, which only on-failure takes", allowed))
            }
            _ => Err(wrong(text, "is no restart policy", allowed)),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::No => "no".to_owned(),
            Self::Always => "always".to_owned(),
            Self::UnlessStopped => "unless-stopped".to_owned(),
            Self::OnFailure(None) => "on-failure".to_owned(),
            Self::OnFailure(Some(times)) => format!("on-failure:{times}"),
        }
    }
}
