//! What is done with containers, one step at a time.

use std::time::Duration;

use bollard::models::{ContainerCreateBody, ContainerUpdateBody};
use bollard::query_parameters::{
    CreateContainerOptions, RemoveContainerOptions, RemoveImageOptions, RemoveVolumeOptions, RenameContainerOptions,
    StartContainerOptions,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::Engine;
use super::failure::Failure;
use super::find::spoken_name;
use super::refusal;
use crate::observed::Status;
use crate::plan::container::{ContainerStep, is_ours};
use crate::progress::Pull;
use crate::{Error, ErrorKind, Result};

/// How often a removal by somebody else is looked at.
const AGAIN: Duration = Duration::from_millis(100);

/// How long a name may be taken by what a run that was killed had ordered.
const LEFT_OVER: Duration = Duration::from_secs(30);

impl Engine {
    /// Does one step; with the engine's own warnings.
    ///
    /// What is so already is no error: a container that runs is not started, one that is gone is not removed.
    ///
    /// # Errors
    /// About the container or the image, in the engine's words, and with what to do where that is known.
    pub(crate) async fn act(&self, step: &ContainerStep, told: &(dyn Fn(Pull) + Sync)) -> Result<Vec<String>> {
        match step {
            ContainerStep::Pull { image, platform } => self.pull(image, platform.as_deref(), told).await.map(none),
            ContainerStep::Load { .. } => self.load_holder().await.map(none),
            ContainerStep::Unload { image } => self.unload(image).await.map(none),
            ContainerStep::Create { name, platform, body, .. } => self.create(name, platform.as_deref(), body).await,
            ContainerStep::Start { name } => self.start(name).await.map(none),
            ContainerStep::Stop { name } => self.stop_within(name, None).await.map(none),
            ContainerStep::Rename { from, to } => self.rename(from, to).await.map(none),
            ContainerStep::Update { name, after, .. } => self.update(name, after).await.map(none),
            ContainerStep::DropVolume { volume } => self.drop_volume(volume).await.map(none),
            ContainerStep::Remove { name, volumes } => self.remove(name, *volumes).await.map(none),
        }
    }

    pub(super) async fn create(&self, name: &str, platform: Option<&str>, body: &Value) -> Result<Vec<String>> {
        let body: ContainerCreateBody = whole(name, body)?;
        let image = body.image.clone().unwrap_or_default();
        let query =
            CreateContainerOptions { name: Some(name.to_owned()), platform: platform.unwrap_or_default().to_owned() };
        // Volumes get the files that the image has in their place.
        let order = |docker: bollard::Docker| {
            let (query, body) = (query.clone(), body.clone());
            async move { docker.create_container(Some(query), body).await }
        };
        let start = tokio::time::Instant::now();
        loop {
            let failure = match self.order(Some(self.patience().work), &format!("create {name}"), order).await {
                Ok(made) => return Ok(made.warnings),
                Err(failure) => failure,
            };
            let in_time = start.elapsed() < LEFT_OVER;
            if !(in_time && is_taken(&failure) && self.is_left_over(name).await.unwrap_or(false)) {
                return Err(refusal::of_create(name, &image, failure));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Whether a name is taken by what a run that was killed had ordered, which the engine was not done with when it was
    /// looked at: weave made it, and nobody started it. It is removed; whether it is there already or not, the name is
    /// free soon.
    async fn is_left_over(&self, name: &str) -> Result<bool> {
        match self.container(name).await? {
            Some(found) if is_ours(&found) && found.status == Status::Created && found.name == name => {
                self.remove(&found.id, true).await.map(|()| true)
            }
            Some(_) => Ok(false),
            None => Ok(true),
        }
    }

    pub(super) async fn start(&self, name: &str) -> Result<()> {
        let name = known(name)?;
        let order =
            |docker: bollard::Docker| async move { docker.start_container(name, None::<StartContainerOptions>).await };
        let started = self.order(Some(self.patience().work), &format!("start {name}"), order).await;
        started.map_err(|failure| refusal::of(name, "start", failure))
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let from = known(from)?;
        let query = RenameContainerOptions { name: to.to_owned() };
        let order = |docker: bollard::Docker| async move { docker.rename_container(from, query).await };
        let renamed = self.order(Some(self.patience().work), &format!("rename {from}"), order).await;
        renamed.map_err(|failure| refusal::of(from, &format!("rename to {to}"), failure))
    }

    async fn update(&self, name: &str, after: &Value) -> Result<()> {
        let name = known(name)?;
        let body: ContainerUpdateBody = whole(name, after)?;
        let order = |docker: bollard::Docker| async move { docker.update_container(name, body).await };
        let updated = self.order(Some(self.patience().work), &format!("update {name}"), order).await;
        updated.map_err(|failure| refusal::of(name, "update", failure))
    }

    pub(super) async fn remove(&self, name: &str, volumes: bool) -> Result<()> {
        let Some(name) = spoken_name(name) else { return Ok(()) };
        let query = || RemoveContainerOptions { v: volumes, force: true, ..RemoveContainerOptions::default() };
        let order = |docker: bollard::Docker| async move { docker.remove_container(name, Some(query())).await };
        let removed = self.order(Some(self.patience().work), &format!("remove {name}"), order).await;
        match removed {
            Ok(()) | Err(Failure { status: Some(404), .. }) => Ok(()),
            // One that was run with --rm goes by itself as soon as it stops.
            Err(Failure { status: Some(409), words: Some(words), .. }) if words.contains("already in progress") => {
                self.removed_by_another(name).await
            }
            Err(failure) => Err(refusal::of(name, "remove", failure)),
        }
    }

    async fn unload(&self, image: &str) -> Result<()> {
        let query = RemoveImageOptions::default();
        let order = |docker: bollard::Docker| async move { docker.remove_image(image, Some(query), None).await };
        let removed = self.order(Some(self.patience().work), &format!("remove {image}"), order).await;
        match removed {
            // It is gone, or somebody uses it.
            Ok(_) | Err(Failure { status: Some(404 | 409), .. }) => Ok(()),
            Err(failure) => Err(refusal::of(image, "remove", failure)),
        }
    }

    pub(super) async fn drop_volume(&self, volume: &str) -> Result<()> {
        let order =
            |docker: bollard::Docker| async move { docker.remove_volume(volume, None::<RemoveVolumeOptions>).await };
        let removed = self.order(Some(self.patience().work), &format!("remove volume {volume}"), order).await;
        match removed {
            // It is gone, or somebody uses it.
            Ok(()) | Err(Failure { status: Some(404 | 409), .. }) => Ok(()),
            Err(failure) => Err(refusal::of(volume, "remove volume", failure)),
        }
    }

    async fn removed_by_another(&self, name: &str) -> Result<()> {
        let work = self.patience().work;
        let gone = async {
            while self.container(name).await?.is_some() {
                tokio::time::sleep(AGAIN).await;
            }
            Ok(())
        };
        let late = |_| Err(self.late(&format!("remove {name}"), work).error);
        tokio::time::timeout(work, gone).await.unwrap_or_else(late)
    }
}

/// Whether the engine has given a name to another container.
fn is_taken(failure: &Failure) -> bool {
    failure.status == Some(409) && failure.words.as_ref().is_some_and(|words| words.contains("already in use"))
}

fn none((): ()) -> Vec<String> {
    Vec::new()
}

/// A name that may stand in an address; no container has another.
pub(super) fn known(name: &str) -> Result<&str> {
    spoken_name(name).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, name, "no container can have this name; allowed: [a-zA-Z0-9][a-zA-Z0-9_.-]+")
    })
}

/// A request in bollard's types. What these do not know they would leave out without a word; that is an error here.
pub(super) fn whole<T: DeserializeOwned + Serialize>(name: &str, request: &Value) -> Result<T> {
    let wrong = |why: String| Error::new(ErrorKind::Docker, name, format!("the request cannot be sent: {why}"));
    let body = T::deserialize(request).map_err(|error| wrong(error.to_string()))?;
    let sent = serde_json::to_value(&body).map_err(|error| wrong(error.to_string()))?;
    match lost(request, &sent, "") {
        None => Ok(body),
        Some(path) => Err(wrong(format!("`{}` is no setting that weave knows", path.trim_start_matches('.')))),
    }
}

/// The path of something in `request` that is not in `sent`.
fn lost(request: &Value, sent: &Value, path: &str) -> Option<String> {
    match request {
        Value::Null => None,
        Value::Object(settings) => {
            settings.iter().find_map(|(key, value)| lost(value, &sent[key.as_str()], &format!("{path}.{key}")))
        }
        value => (value != sent).then(|| path.to_owned()),
    }
}
