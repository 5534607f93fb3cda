//! The units of systemd that have weave at work from the boot on, and the files that tell the host's other managers of
//! networks (NetworkManager, systemd-networkd, udev) to leave weave's interfaces alone.
//!
//! ```text
//! look(root) -> Units
//! (Wanted, Units) -> plan::install | plan::remove -> UnitPlan     pure
//! UnitPlan -> carry_out: step by step, put back on an error
//! ```
//!
//! A file is weave's where its first line says so; everything else is somebody else's, and so are the
//! directories of drop-ins (`weave-watch.service.d`).

mod act;
mod carry_out;
mod look;
pub(crate) mod plan;
mod run;
mod step;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use act::act;
pub(crate) use carry_out::{UnitsDone, carry_out};
pub(crate) use look::look;
pub use step::UnitStep;
pub(crate) use texts::Wanted;

/// A unit of systemd that weave writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// `weave-net.service`: makes the network before the engine starts.
    Net,
    /// `weave-watch.service`: `weave watch`.
    Watch,
}

impl Service {
    /// Both, in the order in which they start.
    pub const ALL: [Self; 2] = [Self::Net, Self::Watch];

    /// What systemd calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Net => "weave-net.service",
            Self::Watch => "weave-watch.service",
        }
    }
}

/// Another program of the host that configures interfaces, and takes up those of weave unless told not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Neighbour {
    /// It would ask for addresses on the bridge by DHCP.
    NetworkManager,
    /// It would do the same, where a file of the operator matches many interfaces.
    Networkd,
    /// It gives new interfaces another MAC (`MACAddressPolicy=persistent` of systemd's own `99-default.link`).
    Udev,
}

impl Neighbour {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NetworkManager, Self::Networkd, Self::Udev];

    /// The unit that it runs as.
    pub fn service(self) -> &'static str {
        match self {
            Self::NetworkManager => "NetworkManager.service",
            Self::Networkd => "systemd-networkd.service",
            Self::Udev => "systemd-udevd.service",
        }
    }

    /// The command that has it read its files again.
    pub(crate) fn reload(self) -> [&'static str; 3] {
        match self {
            Self::NetworkManager => ["systemctl", "reload", "NetworkManager.service"],
            Self::Networkd => ["networkctl", "--no-pager", "reload"],
            Self::Udev => ["udevadm", "control", "--reload"],
        }
    }
}

/// A file that weave writes for the boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitFile {
    /// That of a unit.
    Service(Service),
    /// That of another program.
    Neighbour(Neighbour),
}

impl UnitFile {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let services = Service::ALL.into_iter().map(Self::Service);
        services.chain(Neighbour::ALL.into_iter().map(Self::Neighbour))
    }

    /// Its place.
    pub fn path(self) -> &'static str {
        match self {
            Self::Service(Service::Net) => "/etc/systemd/system/weave-net.service",
            Self::Service(Service::Watch) => "/etc/systemd/system/weave-watch.service",
            Self::Neighbour(Neighbour::NetworkManager) => "/etc/NetworkManager/conf.d/90-weave.conf",
            Self::Neighbour(Neighbour::Networkd) => "/etc/systemd/network/10-weave.network",
            Self::Neighbour(Neighbour::Udev) => "/etc/systemd/network/10-weave.link",
        }
    }

    /// Its name without the directory.
    pub(crate) fn name(self) -> &'static str {
        self.path().rsplit('/').next().unwrap_or_default()
    }
}

/// What stands where weave would put a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One that weave wrote, with its text.
    Ours(String),
    /// Something of somebody else.
    Foreign {
        /// Whether it is a link to `/dev/null`, which is how systemd forbids a unit.
        masked: bool,
    },
}

/// What a unit does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activity {
    /// Nothing.
    #[default]
    Stopped,
    /// Nothing since it failed, which systemd remembers.
    Failed,
    /// It ends again and again, and waits to be started anew (`Restart=`).
    Failing,
    /// It runs, or was run (`RemainAfterExit=`), or is about to.
    Running,
}

impl Activity {
    /// Whether systemd has to stop it before it is over.
    pub(crate) fn goes_on(self) -> bool {
        matches!(self, Self::Failing | Self::Running)
    }
}

/// What systemd knows of a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// Whether the next boot starts it.
    pub enabled: bool,
    /// What it does.
    pub activity: Activity,
    /// Whether systemd knows an older text than that of its file.
    pub stale: bool,
}

/// What there is of weave's units on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Units {
    /// What stands in weave's places.
    pub files: BTreeMap<UnitFile, Found>,
    /// The units that have a file of weave's, and those that go on although somebody removed it.
    pub services: BTreeMap<Service, ServiceState>,
    /// Whether the program `systemctl` is there.
    pub systemctl: bool,
    /// Whether systemd runs this host (`/run/systemd/system`). Without it units are enabled, and started by the boot.
    pub running: bool,
    /// The other programs that are installed.
    pub neighbours: BTreeSet<Neighbour>,
    /// Those of them that run.
    pub awake: BTreeSet<Neighbour>,
}

impl Units {
    /// The text of a file that is weave's.
    pub(crate) fn ours(&self, file: UnitFile) -> Option<&str> {
        match self.files.get(&file) {
            Some(Found::Ours(text)) => Some(text),
            _ => None,
        }
    }

    /// What is known of a unit.
    pub(crate) fn service(&self, service: Service) -> ServiceState {
        self.services.get(&service).copied().unwrap_or_default()
    }
}
