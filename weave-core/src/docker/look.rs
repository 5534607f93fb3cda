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
use crate::observed::{Bond, Container, ContainerScope, Containers, Image, Status};
use crate::plan::container::HOLDS;
use crate::{Error, ErrorKind, Result, names};

/// All containers with the label that weave puts on what it makes, as a filter in an address.
const OURS: &str = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22weave.made%3D1%22%5D%7D";

/// All containers that hold the network of another.
const HOLDERS: &str = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22weave.holds%22%5D%7D";

/// All routers that weave runs.
const ROUTERS: &str = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22weave.routes%22%5D%7D";

/// What marks containers that are being moved.
const MOVES: &str = "/volumes?filters=%7B%22label%22%3A%5B%22weave.moves%22%5D%7D";

/// All containers.
const ALL: &str = "/containers/json?all=1";

/// With more names than this it is quicker to ask first which of them there are: for most there is nothing.
const FEW: usize = 8;

enum Question {
    /// A container, what it replaces, and what will replace it.
    Named(String),
    Known(String),
    Ours,
    Holders,
    Routers,
    All,
    Image(String),
    Latest(String),
    Log(String),
    Bonds,
    Moves,
}

enum Answer {
    Containers(Vec<Container>),
    Listed(Vec<Listed>),
    Routers(Vec<Listed>),
    All(Vec<Listed>),
    Image(String, Option<Image>),
    Latest(String, Result<String, String>),
    Log(String, Option<Vec<String>>),
    Bonds(Vec<Bond>),
    Moves(BTreeSet<String>),
}

/// One of a list of containers.
struct Listed {
    id: String,
    name: String,
    /// The name of the container whose network it holds.
    holds: Option<String>,
}

impl Engine {
    /// Looks at containers and images: `docker inspect`. What is not there is left out.
    ///
    /// # Errors
    /// When the engine does not answer a question. A registry that does not answer is no error.
    pub(crate) async fn look_at_containers(&self, scope: &ContainerScope) -> Result<Containers> {
        let mut names = BTreeSet::new();
        for name in scope.names.iter().filter_map(|name| spoken_name(name)) {
            names.extend(by_and_by(name));
        }
        let images: BTreeSet<_> = scope.images.iter().cloned().collect();
        let latest: BTreeSet<_> = scope.latest.iter().cloned().collect();
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        let mut looks = JoinSet::new();
        let spoken: BTreeSet<&str> = scope.names.iter().filter_map(|name| spoken_name(name)).collect();
        let few = names.len() <= FEW;
        let all = scope.ours || scope.holders;
        let holders = (few && !scope.ours && (scope.holders || !names.is_empty())).then_some(Question::Holders);
        let first = scope.ours.then_some(Question::Ours).into_iter().chain(holders);
        let first = first.chain((!few).then_some(Question::All)).chain(scope.bonds.then_some(Question::Bonds));
        let first = first.chain(scope.routers.then_some(Question::Routers));
        let first = first.chain(scope.moves.then_some(Question::Moves));
        let logs = scope.logs.iter().filter_map(|name| spoken_name(name)).map(|name| Question::Log(name.to_owned()));
        let rest = spoken.iter().filter(|_| few).map(|name| Question::Named((*name).to_owned()));
        // The slowest first.
        let questions = latest.into_iter().map(Question::Latest).chain(first);
        for question in questions.chain(rest).chain(logs).chain(images.into_iter().map(Question::Image)) {
            looks.spawn(self.clone().look(Arc::clone(&gate), question));
        }
        let mut seen = Containers::default();
        while let Some(done) = looks.join_next().await {
            let answer = done.unwrap_or_else(|cause| std::panic::resume_unwind(cause.into_panic()))?;
            match answer {
                Answer::Containers(containers) => {
                    let named = containers.into_iter().map(|container| (container.name.clone(), container));
                    seen.containers.extend(named);
                }
                Answer::Listed(listed) => {
                    let of_others =
                        |one: &Listed| !all && one.holds.as_ref().is_none_or(|name| !scope.names.contains(name));
                    let news = listed.into_iter().filter(|one| !names.contains(&one.name) && !of_others(one));
                    for Listed { id, .. } in news {
                        looks.spawn(self.clone().look(Arc::clone(&gate), Question::Known(id)));
                    }
                }
                Answer::Routers(listed) => {
                    for Listed { id, .. } in listed.into_iter().filter(|one| !names.contains(&one.name)) {
                        looks.spawn(self.clone().look(Arc::clone(&gate), Question::Known(id)));
                    }
                }
                Answer::All(listed) => {
                    let is_asked = |one: &Listed| {
                        names.contains(&one.name) || one.holds.as_ref().is_some_and(|name| scope.names.contains(name))
                    };
                    // By its id, so that one that is renamed meanwhile is not missed.
                    for Listed { id, .. } in listed.into_iter().filter(is_asked) {
                        looks.spawn(self.clone().look(Arc::clone(&gate), Question::Known(id)));
                    }
                }
                Answer::Image(reference, image) => seen.images.extend(image.map(|image| (reference, image))),
                Answer::Latest(reference, digest) => drop(seen.latest.insert(reference, digest)),
                Answer::Log(name, lines) => seen.logs.extend(lines.map(|lines| (name, lines))),
                Answer::Bonds(bonds) => seen.bonds = bonds,
                Answer::Moves(moves) => seen.moves = moves,
            }
        }
        seen.api_minor = Some(self.create_version().await?);
        seen.podman = self.is_podman().await?;
        Ok(seen)
    }

    async fn look(self, gate: Arc<Semaphore>, question: Question) -> Result<Answer> {
        // It is never closed.
        let _permit = gate.acquire().await;
        match question {
            Question::Named(name) => {
                let mut found: Vec<Container> = Vec::new();
                for name in by_and_by(&name) {
                    // What is no name may still begin an id.
                    if let Some(container) = self.container(&name).await?.filter(|container| container.name == name) {
                        // What a run that was killed had ordered may still happen: it was given this name just now.
                        found.retain(|other| other.id != container.id);
                        found.push(container);
                    }
                }
                Ok(Answer::Containers(found))
            }
            Question::Known(id) => Ok(Answer::Containers(self.container(&id).await?.into_iter().collect())),
            Question::Ours => self.list(OURS).await.map(Answer::Listed),
            Question::Holders => self.list(HOLDERS).await.map(Answer::Listed),
            Question::Routers => self.list(ROUTERS).await.map(Answer::Routers),
            Question::All => self.list(ALL).await.map(Answer::All),
            Question::Image(reference) => {
                let image = self.image(&reference).await?;
                Ok(Answer::Image(reference, image))
            }
            Question::Latest(reference) => {
                let digest = self.latest(&reference).await;
                Ok(Answer::Latest(reference, digest))
            }
            Question::Log(name) => {
                let lines = self.last_lines(&name).await;
                Ok(Answer::Log(name, lines))
            }
            Question::Bonds => self.bonds().await.map(Answer::Bonds),
            Question::Moves => self.moves().await.map(Answer::Moves),
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

    async fn list(&self, path: &str) -> Result<Vec<Listed>> {
        let answer = self.read("list containers", path.to_owned()).await.map_err(|failure| failure.error)?;
        let Value::Array(listed) = answer else { return Err(self.senseless("list containers")) };
        let one = |item: &Value| {
            let holds = item["Labels"][HOLDS].as_str().map(str::to_owned);
            Some(Listed { id: item.get("Id")?.as_str()?.to_owned(), name: own_name(item), holds })
        };
        Ok(listed.iter().filter_map(one).collect())
    }

    /// The containers that are being moved.
    async fn moves(&self) -> Result<BTreeSet<String>> {
        let answer = match self.read("list volumes", MOVES.to_owned()).await {
            // One without volumes has no marks either.
            Err(Failure { status: Some(404), .. }) => return Ok(BTreeSet::new()),
            answer => answer.map_err(|failure| failure.error)?,
        };
        let marks = answer["Volumes"].as_array().into_iter().flatten();
        Ok(marks.filter_map(|mark| mark["Labels"][names::MOVES].as_str()).map(str::to_owned).collect())
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
    pub(super) async fn read(&self, what: &str, path: String) -> Result<Value, Failure> {
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

    pub(super) fn senseless(&self, what: &str) -> Error {
        let text = format!("{what}: the answer of the Docker engine makes no sense");
        Error::new(ErrorKind::Docker, self.address(), text)
    }
}

/// The names that a container has while it takes the place of another, in the order in which it has them: asked for in
/// this order, one that is renamed meanwhile is not missed.
fn by_and_by(name: &str) -> [String; 3] {
    [names::new_of(name), name.to_owned(), names::old_of(name)]
}

/// The name in a list; the others are those that links of other containers give it.
pub(super) fn own_name(item: &Value) -> String {
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
        restarts: part("/RestartCount").as_u64().unwrap_or_default(),
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
