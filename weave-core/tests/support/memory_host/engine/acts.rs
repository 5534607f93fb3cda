//! What the engine does when it is told to, and what becomes of namespaces by it.

use weave_core::observed::{ContainerScope, Containers, Image, Status, TargetProblem};
use weave_core::plan::container::ContainerStep;
use weave_core::spec::ContainerRef;
use weave_core::{Error, ErrorKind, Result};

use super::{EXIT, Engine, Made, variable};
use crate::support::memory_host::net::Net;
use crate::support::memory_host::world::{Container, World};

impl World {
    pub(crate) fn observe_containers(&self, scope: &ContainerScope) -> Containers {
        self.engine.look(scope)
    }

    /// Does `step` wholly or not at all, and tells the network what became of namespaces and names.
    pub(crate) fn execute_container(&mut self, step: &ContainerStep) -> Result<()> {
        match step {
            ContainerStep::Pull { image, .. } => self.engine.pull(image),
            ContainerStep::Load { image } => {
                let made = Image { id: "sha256:feed".to_owned(), ..Image::default() };
                self.engine.images.insert(image.clone(), made);
                Ok(())
            }
            ContainerStep::Unload { image } => {
                self.engine.images.remove(image);
                Ok(())
            }
            ContainerStep::DropVolume { volume } => {
                self.engine.drop_volume(volume);
                Ok(())
            }
            ContainerStep::Create { name, body, .. } => {
                self.engine.create(name, body)?;
                self.name(name, Err(TargetProblem::NotRunning("created".to_owned())));
                Ok(())
            }
            ContainerStep::Start { name } => {
                let ran = self.engine.known(name)?.container.runs();
                self.start(name)?;
                if !ran {
                    self.begin_router(name);
                }
                Ok(())
            }
            ContainerStep::Stop { name } => self.stop(name),
            ContainerStep::Update { name, after, .. } => self.engine.update(name, after),
            ContainerStep::Rename { from, to } => {
                self.engine.rename(from, to)?;
                let mut known = self.containers.remove(&ContainerRef::Container(from.as_str().into()));
                if let Some(Ok(found)) = &mut known {
                    found.name = Some(to.clone());
                }
                self.name(to, known.unwrap_or(Err(TargetProblem::Missing)));
                Ok(())
            }
            ContainerStep::Remove { name, volumes } => {
                if self.engine.containers.contains_key(name) {
                    self.stop(name)?;
                    self.containers.remove(&ContainerRef::Container(name.as_str().into()));
                }
                self.engine.forget(name, *volumes);
                Ok(())
            }
        }
    }

    fn name(&mut self, name: &str, found: std::result::Result<Container, TargetProblem>) {
        self.containers.insert(ContainerRef::Container(name.into()), found);
    }

    /// A start gives a container a namespace that nobody had before.
    fn start(&mut self, name: &str) -> Result<()> {
        let links = self.engine.known(name)?.links.clone();
        for (alias, id) in links {
            let target = self.engine.by_id(&id).filter(|target| target.container.runs());
            if target.is_none() {
                let message = format!("cannot link to a non running container as {alias}");
                return Err(Error::new(ErrorKind::Docker, name, message));
            }
        }
        let joins = self.engine.joined(name).transpose()?.is_some();
        let number = self.engine.next();
        let made = self.engine.known(name)?;
        let container = &mut made.container;
        if container.runs() {
            return Ok(());
        }
        container.started_at = format!("{number:09}");
        let ends = variable(container, EXIT).and_then(|code| code.parse().ok());
        let (id, volumes) = (container.id.clone(), Engine::volumes_of(container));
        let on_host = container.host_config["NetworkMode"] == "host";
        match ends {
            Some(code) => (container.status, container.exit_code) = (Status::Exited, code),
            None => container.status = Status::Running,
        }
        for volume in volumes {
            self.engine.volumes.entry(volume).or_default().insert(id.clone());
        }
        if ends.is_some() {
            self.name(name, Err(TargetProblem::NotRunning("exited".to_owned())));
            self.gone(name);
            return Ok(());
        }
        if joins {
            return Ok(());
        }
        if on_host {
            self.name(name, Err(TargetProblem::HostNetwork));
            return Ok(());
        }
        // Numbers that the fixture does not use.
        let inode = 2100 + number;
        self.nets.insert(inode, Net::new());
        let pid = u32::try_from(inode).unwrap();
        self.name(name, Ok(Container { inode, id: Some(id), name: Some(name.to_owned()), pid, held: false }));
        Ok(())
    }

    /// The namespace goes, with all that is in it and the other ends of its veth pairs.
    fn stop(&mut self, name: &str) -> Result<()> {
        let container = &mut self.engine.known(name)?.container;
        if !container.runs() {
            return Ok(());
        }
        (container.status, container.exit_code) = (Status::Exited, 137);
        if self.engine.joined(name).is_some() {
            return Ok(());
        }
        if let Some(inode) = self.inode(&ContainerRef::Container(name.into())) {
            let links: Vec<u32> = self.nets[&inode].links.iter().map(|link| link.index).collect();
            for link in links {
                self.remove((inode, link));
            }
            self.nets.remove(&inode);
        }
        self.name(name, Err(TargetProblem::NotRunning("exited".to_owned())));
        self.gone(name);
        Ok(())
    }

    /// One that was made with `--rm` goes when it stops, with its nameless volumes.
    fn gone(&mut self, name: &str) {
        let goes = |made: &Made| made.container.host_config["AutoRemove"] == true;
        if self.engine.containers.get(name).is_some_and(goes) {
            self.containers.remove(&ContainerRef::Container(name.into()));
            self.engine.forget(name, true);
        }
    }
}
