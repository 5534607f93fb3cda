//! One step of a move, and what a run remembers of those it did.

use serde::Serialize;

use super::{Ends, Restart, Target};

/// One step of a move, forwards or back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// Bring the image to the target.
    CarryImage,
    /// Make the volumes on the target.
    MakeVolumes,
    /// Make the container on the target, with its journal, stopped and without a restart policy.
    MakeTarget,
    /// Copy volumes while the container runs.
    FirstPass,
    /// Take the source's restart policy away.
    HoldSource,
    /// Stop the source.
    StopSource,
    /// Copy what changed since, while none runs.
    LastPass,
    /// Start the target.
    StartTarget,
    /// Give the target the interfaces.
    AttachTarget,
    /// See that the target stays up, and that it answers where the source was.
    Prove,
    /// Give the target its restart policy.
    FreeTarget,
    /// Remove the source, or give it another name.
    GiveUpSource,
    /// Going back: take the target's restart policy away again.
    HoldTarget,
    /// Going back: stop the target.
    StopTarget,
    /// Going back: start the source again.
    StartSource,
    /// Going back: give the source its interfaces again.
    AttachSource,
    /// Give the source its restart policy again.
    FreeSource {
        /// The policy.
        restart: Restart,
    },
    /// Remove the container on the target.
    RemoveTarget {
        /// Whether the volumes that were made for it go, too.
        volumes: bool,
    },
}

impl Move {
    /// What is done, in a few words, for whoever watches.
    pub fn words(&self) -> &'static str {
        match self {
            Self::CarryImage => "image",
            Self::MakeVolumes => "make volumes",
            Self::MakeTarget => "make the container",
            Self::FirstPass => "copy files while it runs",
            Self::HoldSource => "take its restart policy away",
            Self::StopSource => "stop",
            Self::LastPass => "copy what changed",
            Self::StartTarget => "start",
            Self::AttachTarget => "attach",
            Self::Prove => "see that it answers",
            Self::FreeTarget => "give it its restart policy",
            Self::GiveUpSource => "remove the old one",
            Self::HoldTarget | Self::StopTarget => "going back: stop the new one",
            Self::StartSource => "going back: start the old one",
            Self::AttachSource => "going back: attach the old one",
            Self::FreeSource { .. } => "give the old one its restart policy",
            Self::RemoveTarget { .. } => "remove the new one",
        }
    }
}

/// What a run has done itself. After a kill nothing of it is known, and all of it can be done again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Done {
    /// The image is on the target.
    pub image: bool,
    /// The volumes are.
    pub volumes: bool,
    /// The container on the target was made by this run.
    pub made: bool,
    /// The first pass was made.
    pub first: bool,
    /// The last pass was made since the source stopped.
    pub last: bool,
    /// This run started the target.
    pub started: bool,
    /// The target had been started by an earlier run.
    pub was_started: bool,
    /// The target has its interfaces.
    pub attached: bool,
    /// It was proved.
    pub proved: bool,
    /// Going back, the source was started. One that ends at once is not started for ever.
    pub started_again: bool,
    /// Going back, the source has its interfaces.
    pub attached_again: bool,
}

impl Done {
    /// What is learned from a look.
    pub fn look(&mut self, ends: &Ends) {
        if let Target::Ours(target) = &ends.target {
            self.was_started |= target.started && !self.started;
        }
    }

    /// What is known after `step` was done.
    pub fn note(&mut self, step: &Move) {
        match step {
            Move::CarryImage => self.image = true,
            Move::MakeVolumes => self.volumes = true,
            Move::MakeTarget => self.made = true,
            Move::FirstPass => self.first = true,
            Move::StopSource => self.last = false,
            Move::LastPass => self.last = true,
            Move::StartTarget => self.started = true,
            Move::AttachTarget => self.attached = true,
            Move::Prove => self.proved = true,
            Move::StartSource => self.started_again = true,
            Move::AttachSource => self.attached_again = true,
            Move::RemoveTarget { .. } => (self.made, self.started, self.was_started) = (false, false, false),
            Move::HoldSource
            | Move::FreeTarget
            | Move::GiveUpSource
            | Move::HoldTarget
            | Move::StopTarget
            | Move::FreeSource { .. } => {}
        }
    }
}
