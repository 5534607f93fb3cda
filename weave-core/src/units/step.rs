//! What is done with units, each as the command line it equals.

use std::fmt;

use super::{Neighbour, Service, UnitFile};

/// One thing to do with units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitStep {
    /// Writes a file as a whole.
    Write {
        /// Which.
        file: UnitFile,
        /// What stands in it.
        text: String,
    },
    /// Removes a file.
    Remove(UnitFile),
    /// Has systemd read all units again.
    DaemonReload,
    /// Has the next boot start a unit.
    Enable(Service),
    /// Has the next boot leave it.
    Disable(Service),
    /// Starts a unit, and waits until it is up.
    Start(Service),
    /// Stops and starts it.
    Restart(Service),
    /// Stops it, and waits for its end.
    Stop(Service),
    /// Has systemd forget that it failed.
    ResetFailed(Service),
    /// Has another program read its files again.
    Reload(Neighbour),
}

impl UnitStep {
    /// The program and its words; nothing for what is done with files.
    pub(crate) fn command(&self) -> Option<Vec<&'static str>> {
        Some(match self {
            Self::Write { .. } | Self::Remove(_) => return None,
            Self::DaemonReload => vec!["systemctl", "daemon-reload"],
            Self::Enable(service) => vec!["systemctl", "enable", service.name()],
            Self::Disable(service) => vec!["systemctl", "disable", service.name()],
            Self::Start(service) => vec!["systemctl", "start", service.name()],
            Self::Restart(service) => vec!["systemctl", "restart", service.name()],
            Self::Stop(service) => vec!["systemctl", "stop", service.name()],
            Self::ResetFailed(service) => vec!["systemctl", "reset-failed", service.name()],
            Self::Reload(neighbour) => neighbour.reload().to_vec(),
        })
    }

    /// Whether what follows counts without it: a program that does not read its files now does so when it starts, and
    /// what failed is shown until the next boot at most.
    pub(crate) fn is_courtesy(&self) -> bool {
        matches!(self, Self::Reload(_) | Self::ResetFailed(_))
    }
}

impl fmt::Display for UnitStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { file, .. } => write!(f, "install -D -m 0644 - {}", file.path()),
            Self::Remove(file) => write!(f, "rm {}", file.path()),
            other => f.write_str(&other.command().unwrap_or_default().join(" ")),
        }
    }
}
