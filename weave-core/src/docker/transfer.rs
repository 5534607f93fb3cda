//! An image from one engine to another, through this process and no disk of it: `docker save | docker load`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::query_parameters::ImportImageOptions;
use futures_util::StreamExt;
use serde_json::Value;

use super::client::Engine;
use super::failure::Failure;
use super::refusal;
use crate::{Error, ErrorKind, Result};

/// How long nothing may move. The engine that sends puts large images together first.
const SILENCE: Duration = Duration::from_secs(600);

/// How often it is looked at how far it is.
const AGAIN: Duration = Duration::from_millis(200);

impl Engine {
    /// What the engine says of an image; nothing where it has none of that name or id.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(crate) async fn image_as_it_is(&self, name: &str) -> Result<Option<Value>> {
        match self.read(&format!("look at image {name}"), format!("/images/{name}/json")).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure { status: Some(404), .. }) => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    /// Takes the image `name` over from another engine, with the tag that this is; with what the engine says that it
    /// loaded (a tag or an id), and the bytes that it took.
    ///
    /// # Errors
    /// In the engines' words; `Timeout` when nothing moves any more.
    pub(crate) async fn take_image(
        &self,
        from: &Self,
        name: &str,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<(Vec<String>, u64)> {
        let forever = Duration::from_secs(365 * 24 * 60 * 60);
        let save = from.newest(forever).await.map_err(|failure| failure.error)?;
        let load = self.newest(forever).await.map_err(|failure| failure.error)?;
        let (sent, wrong) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let (count, why) = (Arc::clone(&sent), Arc::clone(&wrong));
        let body = saved(save, name.to_owned()).inspect(move |piece| match piece {
            Ok(piece) => drop(count.fetch_add(piece.len() as u64, Ordering::Relaxed)),
            Err(cause) => *lock(&why) = Some(cause.to_string()),
        });
        let mut news = load.import_image_stream(ImportImageOptions::default(), body, None);
        let mut loaded = Vec::new();
        let (mut last, mut since) = (0, tokio::time::Instant::now());
        loop {
            let line = tokio::time::timeout(AGAIN, news.next()).await;
            let now = sent.load(Ordering::Relaxed);
            if now != last || line.is_ok() {
                (last, since) = (now, tokio::time::Instant::now());
                told(now);
            }
            match line {
                Err(_) if since.elapsed() > SILENCE => return Err(self.late(&format!("load {name}"), SILENCE).error),
                Err(_) => {}
                Ok(None) => break,
                Ok(Some(Ok(line))) => loaded.extend(line.stream.as_deref().and_then(name_in).map(str::to_owned)),
                Ok(Some(Err(cause))) => {
                    if let Some(why) = lock(&wrong).take() {
                        return Err(Error::new(ErrorKind::Docker, from.address(), format!("save {name}: {why}")));
                    }
                    return Err(refusal::of(name, "load", self.failed(&format!("load {name}"), cause)));
                }
            }
        }
        Ok((loaded, last))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The image as one engine saves it. It lives as long as the other reads, and so owns all that it needs.
fn saved(
    docker: bollard::Docker,
    name: String,
) -> impl futures_util::Stream<Item = Result<bytes::Bytes, bollard::errors::Error>> + Send + 'static {
    Box::pin(docker.export_image(&name))
}

/// The tag or id in `Loaded image: busybox:latest` and `Loaded image ID: sha256:…`.
fn name_in(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("Loaded image")?;
    Some(rest.strip_prefix(" ID").unwrap_or(rest).strip_prefix(':')?.trim())
}
