//! Fetching an image, and telling how far it is.

use std::collections::HashMap;
use std::pin::pin;

use bollard::models::ProgressDetail;
use bollard::query_parameters::CreateImageOptions;
use futures_util::StreamExt;

use super::client::Engine;
use super::reference::Reference;
use super::refusal;
use crate::progress::Pull;
use crate::{Error, Result};

impl Engine {
    /// Fetches an image: `docker pull`. However long it takes, as long as the engine says something.
    pub(super) async fn pull(&self, image: &str, platform: Option<&str>, told: &(dyn Fn(Pull) + Sync)) -> Result<()> {
        let allowed = "allowed: [REGISTRY/]NAME[:TAG][@DIGEST]";
        let reference = Reference::read(image)
            .ok_or_else(|| Error::invalid("image", format!("`{image}` is no image reference; {allowed}")))?;
        let key = self.keychain().find(&reference).await?;
        let what = "pull";
        let silence = self.patience().silence;
        let docker = self.newest(silence).await.map_err(|failure| failure.error)?;
        let options = CreateImageOptions {
            from_image: Some(reference.name.to_owned()),
            tag: Some(reference.version.to_owned()),
            platform: platform.unwrap_or_default().to_owned(),
            ..CreateImageOptions::default()
        };
        let mut news = pin!(docker.create_image(Some(options), None, key.credentials.clone()));
        let mut layers = Layers::default();
        let mut last = layers.progress(image);
        loop {
            let failure = match tokio::time::timeout(silence, news.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(line))) => {
                    layers.learn(line.id, line.status, line.progress_detail);
                    let now = layers.progress(image);
                    if now != last {
                        told(now.clone());
                        last = now;
                    }
                    continue;
                }
                Ok(Some(Err(cause))) => self.failed(&what_of(what, image), cause),
                Err(_) => self.late(&what_of(what, image), silence),
            };
            return Err(refusal::of_registry(image, what, failure, &key));
        }
    }
}

/// A failure that is not about the image has the engine for its subject, and has to name the image itself.
fn what_of(what: &str, image: &str) -> String {
    format!("{what} {image}")
}

/// The layers of an image by their short ids.
#[derive(Default)]
pub(super) struct Layers(HashMap<String, Layer>);

#[derive(Default)]
struct Layer {
    done: bool,
    bytes: u64,
    total: u64,
}

impl Layers {
    /// Takes one line of what the engine says.
    pub(super) fn learn(&mut self, id: Option<String>, status: Option<String>, detail: Option<ProgressDetail>) {
        let (Some(id), Some(status)) = (id, status) else { return };
        let is_layer = |word: &str| {
            let words = ["Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Download complete"];
            words.contains(&word) || ["Extracting", "Pull complete", "Already exists"].contains(&word)
        };
        // Other lines have the tag for their id.
        if !is_layer(&status) {
            return;
        }
        let layer = self.0.entry(id).or_default();
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
        match status.as_str() {
            "Downloading" => {
                let detail = detail.unwrap_or_default();
                layer.bytes = count(detail.current);
                layer.total = count(detail.total).max(layer.bytes);
            }
            "Download complete" => layer.bytes = layer.total,
            "Pull complete" | "Already exists" => {
                layer.bytes = layer.total;
                layer.done = true;
            }
            _ => {}
        }
    }

    pub(super) fn progress(&self, image: &str) -> Pull {
        Pull {
            image: image.to_owned(),
            layers: self.0.len(),
            done: self.0.values().filter(|layer| layer.done).count(),
            bytes: self.0.values().map(|layer| layer.bytes).sum(),
            total: self.0.values().map(|layer| layer.total).sum(),
        }
    }
}
