//! Which move a run is about.

use super::act::Run;
use super::mark;
use crate::apply::Mode;
use crate::plan::migration::{Target, begun};
use crate::{Error, Result};

/// Where the kernel tells a number that nobody else has.
const RANDOM: &str = "/proc/sys/kernel/random/uuid";

/// An id for a move that begins.
///
/// # Errors
/// Where the kernel does not tell one.
pub(super) fn fresh_id() -> Result<String> {
    let text = std::fs::read_to_string(RANDOM).map_err(|error| Error::os(RANDOM, "read a random number", error))?;
    Ok(text.trim().to_owned())
}

impl Run<'_> {
    /// Finds out whether a move was begun, after a look at both ends; whether one is marked.
    ///
    /// # Errors
    /// `Conflict` where another one was; when an engine does not answer.
    pub(super) async fn recognise(&mut self, mode: Mode) -> Result<bool> {
        let marks = mark::look(self).await?;
        let known = begun(&self.ends, &marks)?;
        self.was_begun = known.is_some();
        if let Some(id) = known {
            self.take(id, mode);
        }
        let id = &self.ends.id;
        Ok([marks.source, marks.target].iter().flatten().any(|mark| mark.id == *id))
    }

    /// What comes now is another move: of the one before, nothing may be written over any more.
    ///
    /// # Errors
    /// Where there is no id for it.
    pub(super) fn begin_another(&mut self) -> Result<()> {
        (self.was_begun, self.marked) = (false, false);
        self.take(fresh_id()?, Mode::Apply);
        Ok(())
    }

    fn take(&mut self, id: String, mode: Mode) {
        self.ends.id = id;
        if mode == Mode::Check {
            // The helpers of a plan are nobody else's.
            return;
        }
        self.token.clone_from(&self.ends.id);
        for side in [&mut self.from, &mut self.to] {
            side.token.clone_from(&self.token);
        }
    }

    /// The full id of the container that is moved.
    pub(super) fn source_id(&self) -> String {
        match (&self.ends.source, &self.ends.target) {
            (Some(source), _) => source.id.clone(),
            (None, Target::Ours(target)) => target.journal.source.clone(),
            (None, _) => String::new(),
        }
    }
}
