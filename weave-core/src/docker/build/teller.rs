//! Tells how far a build is: its steps, and the layers of the images that it builds upon.

use bollard::models::BuildInfo;

use crate::docker::pull::Layers;
use crate::progress::{Progress, Pull, Work};

/// What was told so far. Dropping it tells that all of it has ended.
pub(super) struct Teller<'a> {
    tell: &'a (dyn Fn(&Progress) + Sync),
    /// The instruction that is being done.
    step: Option<Work>,
    /// The image that comes in for it, once it does.
    pull: Option<Pull>,
    layers: Layers,
}

impl<'a> Teller<'a> {
    pub(super) fn new(tell: &'a (dyn Fn(&Progress) + Sync)) -> Self {
        Self { tell, step: None, pull: None, layers: Layers::default() }
    }

    /// A step begins, and the one before it has ended.
    pub(super) fn step(&mut self, done: usize, total: usize, instruction: Option<&str>) {
        self.end();
        (self.tell)(&Progress::Steps { done, total });
        let instruction = instruction.unwrap_or_default();
        let (verb, rest) = instruction.split_once(' ').unwrap_or((instruction, ""));
        let step = Work::new(verb, rest.trim_start());
        (self.tell)(&Progress::Begins(step.clone()));
        self.step = Some(step);
    }

    /// The engine says something of a layer of `base`.
    pub(super) fn layer(&mut self, told: BuildInfo, base: Option<&str>) {
        let Some(base) = base else { return };
        self.layers.learn(told.id, told.status, told.progress_detail);
        let now = self.layers.progress(base);
        if now.layers == 0 || self.pull.as_ref() == Some(&now) {
            return;
        }
        if self.pull.is_none() {
            (self.tell)(&Progress::Begins(Work::pull(base)));
        }
        (self.tell)(&Progress::Pull(now.clone()));
        self.pull = Some(now);
    }

    fn end(&mut self) {
        self.layers = Layers::default();
        let pull = self.pull.take().map(|pull| Work::pull(&pull.image));
        for work in pull.into_iter().chain(self.step.take()) {
            (self.tell)(&Progress::Ends(work));
        }
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
