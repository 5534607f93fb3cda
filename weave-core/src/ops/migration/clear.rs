//! Taking away what a move has made, when it came to one of its ends.

use super::act::{Run, order, volumes_of};
use super::mark;
use crate::carry;
use crate::plan::container::ContainerStep;
use crate::plan::migration::{MIGRATES, Target};
use crate::{Error, Result};

impl Run<'_> {
    pub(super) async fn remove_target(&mut self, volumes: bool) -> Result<()> {
        let Some(target) = self.target.clone() else { return Ok(()) };
        // The engine keeps volumes without names that somebody still writes to, and says nothing of it.
        carry::sweep(&self.to.end, &self.token()).await?;
        // What an earlier run had started there may have written what is nowhere else. The move ends with that, before
        // the container that tells of it goes.
        let keeps = self.done.was_started;
        if keeps {
            carry::sweep(&self.from.end, &self.token()).await?;
            for side in [&self.from, &self.to] {
                mark::clear(self, side).await?;
            }
        }
        order(&self.to, ContainerStep::Remove { name: target.id.clone(), volumes: !keeps }).await?;
        if self.is_back {
            self.leave_places(&target).await?;
        }
        if volumes {
            return self.to.end.engine.remove_labelled(MIGRATES, &self.token()).await;
        }
        if keeps {
            self.keep(volumes_of(&target), "with what the container wrote there");
            self.begin_another()?;
        }
        Ok(())
    }

    fn keep(&mut self, volumes: Vec<String>, why: &str) {
        let on = |volume: String| format!("volume {volume} on {}, {why}", self.to.name);
        self.kept.extend(volumes.into_iter().map(on));
    }

    /// What stays on the target, behind an error.
    pub(super) fn with_what_is_kept(&mut self, error: Error) -> Error {
        let kept = std::mem::take(&mut self.kept);
        if kept.is_empty() { error } else { error.left(kept) }
    }

    /// Nothing of it is left but what it is for.
    pub(super) async fn finish(&mut self) {
        if let Some(guard) = self.guard.take() {
            guard.dismiss();
        }
        let mut left = Vec::new();
        if let Err(error) = self.clear_volumes().await {
            left.push(format!("volumes of the move may be left on {}: {error}", self.to.name));
        }
        // A run that was killed may have done its last step, and left only helpers.
        let helped = self.marked || self.was_begun;
        let token = self.token();
        for side in [&self.from, &self.to] {
            let cleared = async {
                if helped {
                    carry::sweep(&side.end, &token).await?;
                    mark::clear(self, side).await?;
                }
                Ok::<(), Error>(())
            };
            if let Err(error) = cleared.await {
                left.push(format!("helpers of the move are left on {}: {error}", side.name));
            }
        }
        self.warnings.extend(left);
    }

    /// Volumes that were made for a container that never was.
    async fn clear_volumes(&mut self) -> Result<()> {
        if self.ends.source.is_none() || self.ends.target != Target::Absent {
            return Ok(());
        }
        if self.marked && !self.was_begun {
            return self.to.end.engine.remove_labelled(MIGRATES, &self.token()).await;
        }
        if !self.was_begun {
            return Ok(());
        }
        // An earlier run has made them, and who has removed the container since, may have had it run before.
        let mut kept = Vec::new();
        for name in self.volumes() {
            let there = self.to.end.engine.volume(&name).await?;
            if there.is_some_and(|there| there.labels.get(MIGRATES) == Some(&self.token)) {
                kept.push(name);
            }
        }
        self.keep(kept, "which was made for the move");
        Ok(())
    }
}
