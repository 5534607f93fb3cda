//! The units of this host.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::Kernel;
use crate::Result;
use crate::units::{UnitStep, Units, act, look};

/// The directory that `WEAVE_ROOT` names.
pub(super) fn root() -> Option<PathBuf> {
    std::env::var_os("WEAVE_ROOT").filter(|root| !root.is_empty()).map(PathBuf::from)
}

impl Kernel {
    /// In a network namespace that somebody made there is no boot: the units of the machine are about another network.
    pub(super) async fn look_at_units(&self) -> Result<Option<Units>> {
        if self.root.is_none() && !self.is_the_machine() {
            return Ok(None);
        }
        let root = self.units_root();
        blocking(move || look(&root)).await.map(Some)
    }

    pub(super) async fn act_on_units(&self, step: &UnitStep) -> Result<()> {
        let (root, step) = (self.units_root(), step.clone());
        blocking(move || act(&root, &step)).await
    }

    fn units_root(&self) -> PathBuf {
        self.root.clone().unwrap_or_else(|| "/".into())
    }

    /// Whether this is the network of the process that started the machine. Where that cannot be seen it is taken for
    /// another: units of the machine are not touched by mistake.
    fn is_the_machine(&self) -> bool {
        let (first, own) = (std::fs::metadata("/proc/1/ns/net"), self.host.id());
        first.is_ok_and(|first| (first.dev(), first.ino()) == (own.device, own.inode))
    }
}

/// systemd's programs are waited for on a thread of their own.
async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
    let ended = tokio::task::spawn_blocking(job).await;
    ended.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}
