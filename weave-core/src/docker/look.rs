//! Containers and images as they are, all asked about at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use bollard::Docker;
use bollard::errors::Error as ApiError;
use futures_util::TryStreamExt;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::client::Engine;
use super::failure::Failure;
use super::find::{AT_ONCE, spoken_name};
use super::reference::Reference;
use super::refusal;
use crate::observed::{Container, ContainerScope, Containers, Image, Status};
use crate::{Error, ErrorKind, Result};

/// All containers with the label that weave puts on what it makes, as a filter in an address.
const OURS: &str = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22weave.made%3D1%22%5D%7D";

/// All containers.
const ALL: &str = "/containers/json?all=1";

/// With more names than this it is quicker to ask first which of them there are: for most there is nothing.
const FEW: usize = 8;

/// What a replaced container, or the one to replace it, is called while both exist.
const MEANWHILE: [&str; 2] = [".weave-new", ".weave-old"];

enum Question {
    Named(String),
    Known(String),
    Ours,
    Image(String),
    Latest(String),
}

enum Answer {
    Container(Option<Box<Container>>),
    /// Ids and names.
    Ours(Vec<(String, String)>),
    Image(String, Option<Image>),
    Latest(String, Result<String, String>),
}

impl Engine {
    /// Looks at containers and images: `docker inspect`. What is not there is left out.
    ///
    /// # Errors
    /// When the engine does not answer a question. A registry that does not answer is no error.
    pub(crate) async fn look_at_containers(&self, scope: &ContainerScope) -> Result<Containers> {
        let mut names = BTreeSet::new();
        for name in scope.names.iter().filter_map(|name| spoken_name(name)) {
            names.insert(name.to_owned());
            names.extend(MEANWHILE.map(|suffix| format!("{name}{suffix}")));
        }
        let asked = match names.len() {
            ..=FEW => names.clone(),
            _ => self.list(ALL).await?.into_iter().map(|(_, name)| name).filter(|name| names.contains(name)).collect(),
        };
        let images: BTreeSet<_> = scope.images.iter().cloned().collect();
        let latest: BTreeSet<_> = scope.latest.iter().cloned().collect();
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        let mut looks = JoinSet::new();
        let first = scope.ours.then_some(Question::Ours).into_iter();
        let rest = asked.into_iter().map(Question::Named);
        // The slowest first.
        let questions = latest.into_iter().map(Question::Latest).chain(first);
        for question in questions.chain(rest).chain(images.into_iter().map(Question::Image)) {
            looks.spawn(self.clone().look(Arc::clone(&gate), question));
        }
        let mut seen = Containers::default();
        while let Some(done) = looks.join_next().await {
            let answer = done.unwrap_or_else(|cause| std::panic::resume_unwind(cause.into_panic()))?;
            match answer {
                Answer::Container(container) => {
                    seen.containers.extend(container.map(|container| (container.name.clone(), *container)));
                }
                Answer::Ours(listed) => {
                    for (id, _) in listed.into_iter().filter(|(_, name)| !names.contains(name)) {
                        looks.spawn(self.clone().look(Arc::clone(&gate), Question::Known(id)));
                    }
                }
                Answer::Image(reference, image) => seen.images.extend(image.map(|image| (reference, image))),
                Answer::Latest(reference, digest) => drop(seen.latest.insert(reference, digest)),
            }
        }
        seen.api_minor = Some(self.create_version().await?);
        Ok(seen)
    }

    async fn look(self, gate: Arc<Semaphore>, question: Question) -> Result<Answer> {
        // It is never closed.
        let _permit = gate.acquire().await;
        match question {
            // What is no name may still begin an id.
            Question::Named(name) => {
                let found = self.container(&name).await?;
                Ok(Answer::Container(found.filter(|container| container.name == name).map(Box::new)))
            }
            Question::Known(id) => Ok(Answer::Container(self.container(&id).await?.map(Box::new))),
            Question::Ours => self.list(OURS).await.map(Answer::Ours),
            Question::Image(reference) => {
                let image = self.image(&reference).await?;
                Ok(Answer::Image(reference, image))
            }
            Question::Latest(reference) => {
                let digest = self.latest(&reference).await;
                Ok(Answer::Latest(reference, digest))
            }
        }
    }

    pub(super) async fn container(&self, name: &str) -> Result<Option<Container>> {
        let what = format!("look at container {name}");
        match self.read(&what, format!("/containers/{name}/json")).await {
            Ok(answer) => container(answer).map(Some).ok_or_else(|| self.senseless(&what)),
            Err(Failure { status: Some(404), .. }) => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    /// The ids and names in a list.
    async fn list(&self, path: &str) -> Result<Vec<(String, String)>> {
        let answer = self.read("list containers", path.to_owned()).await.map_err(|failure| failure.error)?;
        let Value::Array(listed) = answer else { return Err(self.senseless("list containers")) };
        let id = |item: &Value| Some(item.get("Id")?.as_str()?.to_owned());
        Ok(listed.iter().filter_map(|item| Some((id(item)?, own_name(item)))).collect())
    }

    async fn image(&self, reference: &str) -> Result<Option<Image>> {
        if Reference::read(reference).is_none() {
            return Ok(None);
        }
        let what = format!("look at image {reference}");
        match self.read(&what, format!("/images/{reference}/json")).await {
            Ok(answer) => image(answer).map(Some).ok_or_else(|| self.senseless(&what)),
            Err(Failure { status: Some(404), .. }) => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    /// The digest that the registry has now, or why it does not tell.
    async fn latest(&self, text: &str) -> Result<String, String> {
        let reference = Reference::read(text).ok_or_else(|| format!("`{text}` is no image reference"))?;
        let words = |error: Error| match error.next_step() {
            Some(hint) => format!("{}; {hint}", error.message()),
            None => error.message().to_owned(),
        };
        let key = self.keychain().find(&reference).await.map_err(|error| format!("{error}"))?;
        let what = format!("ask {} for the digest", reference.registry());
        let ask = |docker: Docker| {
            let credentials = key.credentials.clone();
            let name = match reference.version.contains(':') {
                true => format!("{}@{}", reference.name, reference.version),
                false => format!("{}:{}", reference.name, reference.version),
            };
            async move { docker.inspect_registry_image(&name, credentials).await }
        };
        let answer = self.ask_within(self.patience().registry, &what, ask).await;
        let answer = answer.map_err(|failure| words(refusal::of_registry(text, &what, failure, &key)))?;
        answer.descriptor.digest.filter(|digest| !digest.is_empty()).ok_or_else(|| format!("{what}: it tells none"))
    }

    /// Gets `path` as the engine writes it, whatever it writes: bollard's own types drop what they do not know, and
    /// what is dropped of a container would be lost when it is made anew.
    async fn read(&self, what: &str, path: String) -> Result<Value, Failure> {
        self.ask(what, |docker| {
            // Of all answers only archives are handed out as they are; so one is asked for, at another address.
            let docker = self.sent_to(docker, path.clone());
            async move {
                let bytes = docker.export_container("any");
                let bytes = bytes.try_fold(Vec::new(), async |mut all, piece| {
                    all.extend_from_slice(&piece);
                    Ok(all)
                });
                serde_json::from_slice(&bytes.await?).map_err(|err| ApiError::JsonSerdeError { err })
            }
        })
        .await
    }

    fn senseless(&self, what: &str) -> Error {
        let text = format!("{what}: the answer of the Docker engine makes no sense");
        Error::new(ErrorKind::Docker, self.address(), text)
    }
}

/// The name in a list; the others are those that links of other containers give it.
fn own_name(item: &Value) -> String {
    let names = item.get("Names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let own = names.filter_map(|name| name.strip_prefix('/')).find(|name| !name.contains('/'));
    own.unwrap_or_default().to_owned()
}

/// A container; `None` where the answer is not about one.
fn container(mut answer: Value) -> Option<Container> {
    let id = answer.get("Id")?.as_str()?.to_owned();
    let mut part = |path: &str| answer.pointer_mut(path).map(Value::take).unwrap_or_default();
    let status = serde_json::from_value(part("/State/Status")).unwrap_or_else(|_| {
        // Words of the future, and of engines that had none.
        if part("/State/Running") == true { Status::Running } else { Status::Exited }
    });
    Some(Container {
        id,
        name: text(&part("/Name")).trim_start_matches('/').to_owned(),
        status,
        exit_code: part("/State/ExitCode").as_i64().unwrap_or_default(),
        pid: part("/State/Pid").as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default(),
        started_at: text(&part("/State/StartedAt")),
        image_id: text(&part("/Image")),
        config: part("/Config"),
        host_config: part("/HostConfig"),
        networks: part("/NetworkSettings/Networks"),
        mounts: sorted(part("/Mounts")),
    })
}

/// Mounts by their places: the engine tells them in another order each time.
fn sorted(mut mounts: Value) -> Value {
    if let Some(mounts) = mounts.as_array_mut() {
        mounts.sort_by_key(|mount| mount.get("Destination").map(text));
    }
    mounts
}

/// An image; `None` where the answer is not about one.
fn image(mut answer: Value) -> Option<Image> {
    let id = answer.get("Id")?.as_str()?.to_owned();
    let mut part = |path: &str| answer.pointer_mut(path).map(Value::take).unwrap_or_default();
    let digests = part("/RepoDigests");
    let digests = digests.as_array().into_iter().flatten().map(text);
    Some(Image { id, digests: digests.collect(), config: part("/Config") })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
