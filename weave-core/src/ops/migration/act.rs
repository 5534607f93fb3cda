//! A run: what it knows, and how each step is done.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::guard::Guard;
use super::identity::fresh_id;
use super::places;
use super::prepare::Prepared;
use super::side::Side;
use super::words::lines;
use crate::carry::{End, Pass};
use crate::docker::Engine;
use crate::host::Host;
use crate::kernel::Kernel;
use crate::observed::{Container, Status};
use crate::plan::container::ContainerStep;
use crate::plan::migration::{Done, Ends, Journal, MIGRATES, Move, Restart, Source, Taker, Target, Wishes};
use crate::progress::{Progress, Work};
use crate::spec::{Attach, Migrate};
use crate::{Error, ErrorKind, Result, names};

/// A move that is under way.
pub(super) struct Run<'a> {
    pub(super) kernel: &'a Kernel,
    pub(super) spec: &'a Migrate,
    pub(super) from: Side<'a>,
    pub(super) to: Side<'a>,
    /// What both ends showed last, and the containers themselves.
    pub(super) ends: Ends,
    pub(super) source: Option<Container>,
    pub(super) target: Option<Container>,
    pub(super) done: Done,
    /// Whether an earlier run has begun it, and whether this one has marked it.
    pub(super) was_begun: bool,
    pub(super) marked: bool,
    /// What helpers of this run are known by.
    pub(super) token: String,
    /// Whether there will be a network on the target by then.
    pub(super) network_comes: bool,
    /// The interfaces of the source, while it runs.
    interfaces: Option<Vec<Attach>>,
    pub(super) prepared: Option<Prepared>,
    pub(super) guard: Option<Guard>,
    /// Whether it is given up.
    pub(super) is_back: bool,
    /// What was done, and what came of it.
    pub(super) steps: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) image_was_there: Option<bool>,
    pub(super) bytes: u64,
    pub(super) copied: BTreeSet<String>,
    /// Places of the target host's own that were free, and may be written; and those that were not there at all.
    pub(super) places: BTreeSet<String>,
    pub(super) missing: BTreeSet<String>,
    pub(super) left: Vec<String>,
    /// What stays on the target although the move was given up.
    pub(super) kept: Vec<String>,
    /// When the source was stopped, and when the target had its interfaces.
    stopped: Option<Instant>,
    pub(super) back_again: Option<Instant>,
    pub(super) started: Option<Instant>,
}

impl<'a> Run<'a> {
    pub(super) fn new(kernel: &'a Kernel, spec: &'a Migrate) -> Result<Self> {
        let (field, address) = spec.other();
        let engine = Engine::elsewhere(field, address, spec.tls.as_deref(), spec.insecure)?;
        let id = fresh_id()?;
        let mut there = Side::there(End::there(&engine)?, address);
        let mut here = Side::here(kernel);
        for side in [&mut here, &mut there] {
            side.token.clone_from(&id);
        }
        let (from, to) = if spec.from.is_some() { (there, here) } else { (here, there) };
        let ends = Ends {
            id: id.clone(),
            name: spec.name.clone(),
            source_name: from.name.clone(),
            target_name: to.name.clone(),
            source: None,
            target: Target::Absent,
        };
        Ok(Self {
            kernel,
            spec,
            from,
            to,
            ends,
            source: None,
            target: None,
            done: Done::default(),
            was_begun: false,
            marked: false,
            token: id,
            network_comes: false,
            interfaces: None,
            prepared: None,
            guard: None,
            is_back: false,
            steps: Vec::new(),
            warnings: Vec::new(),
            image_was_there: None,
            bytes: 0,
            copied: BTreeSet::new(),
            places: BTreeSet::new(),
            missing: BTreeSet::new(),
            left: Vec::new(),
            kept: Vec::new(),
            stopped: None,
            back_again: None,
            started: None,
        })
    }

    pub(super) fn wishes(&self) -> Wishes {
        Wishes { live_copy: self.spec.live_copy && (self.spec.volumes || self.spec.binds) }
    }

    /// What helpers and volumes are known by: the move, whichever run goes on with it.
    pub(super) fn token(&self) -> String {
        self.token.clone()
    }

    /// Looks at both ends.
    pub(super) async fn look(&mut self) -> Result<()> {
        self.look_back().await?;
        let Some(source) = &mut self.ends.source else { return Ok(()) };
        if source.runs {
            if self.interfaces.is_none()
                && let Some(container) = &self.source
            {
                self.interfaces = Some(self.from.interfaces(container).await?);
            }
            source.interfaces = self.interfaces.clone().unwrap_or_default();
        }
        Ok(())
    }

    /// The same without the source's interfaces, which only matter on the way to the target.
    pub(super) async fn look_back(&mut self) -> Result<()> {
        let name = &self.spec.name;
        let (source, target) = tokio::join!(self.from.container(name), self.to.container(name));
        self.source = source?;
        match target {
            // The source need not wait for it.
            Err(error) if self.cannot_run_there() => {
                self.ends.source = self.source.as_ref().map(source_of);
                tracing::debug!(%error, "going back without the target");
                return Ok(());
            }
            target => self.target = target?,
        }
        if self.source.as_ref().zip(self.target.as_ref()).is_some_and(|(source, target)| source.id == target.id) {
            let (field, address) = self.spec.other();
            let message = format!("`{address}` is the engine of this host; allowed: that of another one");
            return Err(Error::invalid(field, message));
        }
        self.ends.source = self.source.as_ref().map(source_of);
        self.ends.target = self.target.as_ref().map_or(Target::Absent, target_of);
        self.done.look(&self.ends);
        if let (Some(source), Target::Ours(taker)) = (&self.ends.source, &self.ends.target)
            // What one that ran has there is newer.
            && taker.journal.source == source.id && !taker.started
        {
            self.places.extend(self.target.iter().flat_map(places::taken));
        }
        Ok(())
    }

    /// Whether, on the way back, the container on the target was never started, so that it need not be looked at.
    fn cannot_run_there(&self) -> bool {
        let started = match &self.ends.target {
            Target::Ours(target) => target.runs || target.started,
            _ => true,
        };
        self.is_back && !started && !self.done.started
    }

    /// Whether what is in the way is somebody else's doing.
    pub(super) fn is_foreign(&self) -> bool {
        match (&self.ends.source, &self.ends.target) {
            (Some(source), Target::Ours(target)) => target.journal.source != source.id || source.runs && target.runs,
            _ => true,
        }
    }

    /// Does one step, and notes it.
    pub(super) async fn act(&mut self, step: &Move) -> Result<()> {
        tracing::debug!(?step, "begins");
        let work = Work::new("migrate", format!("{}: {}", self.spec.name, step.words()));
        self.kernel.tell(&Progress::Begins(work.clone()));
        #[cfg(debug_assertions)]
        super::kill::at(step, super::kill::Moment::Begin);
        let done = self.act_on(step).await;
        self.kernel.tell(&Progress::Ends(work));
        done?;
        #[cfg(debug_assertions)]
        super::kill::at(step, super::kill::Moment::End);
        if *step == Move::FirstPass {
            // It may have taken hours.
            self.interfaces = None;
        }
        self.done.note(step);
        let lines = lines(self, step);
        self.steps.extend(lines);
        Ok(())
    }

    async fn act_on(&mut self, step: &Move) -> Result<()> {
        let name = self.spec.name.clone();
        match step {
            Move::CarryImage => self.carry_image().await,
            Move::MakeVolumes => self.make_volumes().await.map(drop),
            Move::MakeTarget => self.make_target().await,
            Move::FirstPass => self.copy(Pass::First).await,
            Move::LastPass => self.copy(Pass::Last).await,
            Move::HoldSource => {
                self.set_guard()?;
                restart(&self.from, &name, &Restart::no()).await
            }
            Move::StopSource => {
                self.set_guard()?;
                self.stopped = Some(Instant::now());
                self.from.end.engine.stop_within(&name, self.spec.timeout).await
            }
            Move::StartTarget => {
                self.set_guard()?;
                self.started = Some(Instant::now());
                order(&self.to, ContainerStep::Start { name }).await?;
                self.back_again = Some(Instant::now());
                Ok(())
            }
            Move::AttachTarget => self.attach_target().await,
            Move::Prove => self.prove().await,
            Move::FreeTarget => {
                let policy = self.journal().map(|journal| journal.restart.clone()).unwrap_or_default();
                restart(&self.to, &name, &policy).await
            }
            Move::GiveUpSource => self.give_up_source().await,
            Move::HoldTarget => restart(&self.to, &name, &Restart::no()).await,
            Move::StopTarget => self.to.end.engine.stop_within(&name, self.spec.timeout).await,
            Move::StartSource => order(&self.from, ContainerStep::Start { name }).await,
            Move::AttachSource => self.attach_source().await,
            Move::FreeSource { restart: policy } => restart(&self.from, &name, policy).await,
            Move::RemoveTarget { volumes } => self.remove_target(*volumes).await,
        }
    }

    pub(super) fn journal(&self) -> Option<&Journal> {
        match &self.ends.target {
            Target::Ours(target) => Some(&target.journal),
            _ => None,
        }
    }

    /// From here on nobody may run for a moment.
    fn set_guard(&mut self) -> Result<()> {
        if self.guard.is_some() {
            return Ok(());
        }
        let (dir, engine) = (self.kernel.run_dir(), self.kernel.engine());
        let engine = engine.socket().map_or_else(|| engine.address(), |path| format!("unix://{path}"));
        let place = dir.join(format!("migrate-{}", self.spec.name));
        self.guard = Guard::set(self.spec, &place, &engine, dir)?;
        if self.guard.is_none() {
            let message = "no program `weave` is on the PATH to start the container again should this process be killed; \
                           the next run does it";
            self.warnings.push(message.to_owned());
        }
        Ok(())
    }

    async fn attach_source(&mut self) -> Result<()> {
        let interfaces = self.journal().map(|journal| journal.interfaces.clone()).unwrap_or_default();
        for attach in &interfaces {
            match self.from.attach(attach).await {
                Err(error) if error.kind() == ErrorKind::ContainerNotRunning => {
                    self.kept.push(format!("weave attach {} on {}: {error}", self.spec.name, self.from.name));
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn give_up_source(&mut self) -> Result<()> {
        if let Some(guard) = self.guard.take() {
            guard.dismiss();
        }
        let Some(id) = self.ends.source.as_ref().map(|source| source.id.clone()) else { return Ok(()) };
        self.left = if self.spec.volumes { self.volumes() } else { Vec::new() };
        if self.spec.remove_source {
            return order(&self.from, ContainerStep::Remove { name: id, volumes: false }).await;
        }
        order(&self.from, ContainerStep::Rename { from: id, to: names::moved(&self.spec.name) }).await
    }

    /// All volumes of the source.
    pub(super) fn volumes(&self) -> Vec<String> {
        self.source.as_ref().map(volumes_of).unwrap_or_default()
    }

    /// How long the container did not run, or could not be reached.
    pub(super) fn away(&self) -> Option<f64> {
        let (stopped, again) = (self.stopped?, self.back_again.or(self.started)?);
        Some((again - stopped).as_secs_f64())
    }
}

pub(super) async fn order(side: &Side<'_>, step: ContainerStep) -> Result<()> {
    side.end.engine.act(&step, &|_| {}).await.map(drop)
}

async fn restart(side: &Side<'_>, name: &str, policy: &Restart) -> Result<()> {
    let after = json!({ "RestartPolicy": policy });
    order(side, ContainerStep::Update { name: name.to_owned(), after, before: Value::Null }).await
}

fn source_of(container: &Container) -> Source {
    let (id, restart) = (container.id.clone(), Restart::of(&container.host_config));
    Source { id, runs: container.runs(), restart, interfaces: Vec::new() }
}

fn target_of(container: &Container) -> Target {
    let runs = container.runs();
    match container.label(MIGRATES).and_then(Journal::read) {
        None => Target::Foreign { runs },
        Some(journal) => {
            let (started, restart) = (container.status != Status::Created, Restart::of(&container.host_config));
            Target::Ours(Box::new(Taker { journal, runs, started, restart }))
        }
    }
}

pub(super) fn volumes_of(container: &Container) -> Vec<String> {
    let mounts = container.mounts.as_array().into_iter().flatten();
    let volumes = mounts.filter(|mount| mount["Type"] == "volume");
    let names: BTreeSet<String> = volumes.filter_map(|mount| mount["Name"].as_str()).map(str::to_owned).collect();
    names.into_iter().collect()
}
