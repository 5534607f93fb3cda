//! Volumes: `docker volume inspect`, `create`, `ls` and `rm`.

use std::collections::HashMap;

use bollard::models::VolumeCreateRequest;
use serde_json::Value;

use super::client::Engine;
use super::failure::Failure;
use super::refusal;
use crate::Result;

/// A volume, as the engine tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Volume {
    /// Its name.
    pub(crate) name: String,
    /// Its driver: `local`.
    pub(crate) driver: String,
    /// Whether all engines that have it have the same one (`global`), or each its own (`local`), as its driver says.
    pub(crate) scope: String,
    /// What its driver was told.
    pub(crate) options: HashMap<String, String>,
    /// Its labels.
    pub(crate) labels: HashMap<String, String>,
}

impl Engine {
    /// A volume; nothing where there is none of that name.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(crate) async fn volume(&self, name: &str) -> Result<Option<Volume>> {
        let what = format!("look at volume {name}");
        match self.read(&what, format!("/volumes/{name}")).await {
            Ok(answer) => Ok(Some(volume(&answer))),
            Err(Failure { status: Some(404), .. }) => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    /// Makes a volume; one that is there already stays as it is.
    ///
    /// # Errors
    /// In the engine's words.
    pub(crate) async fn make_volume(&self, volume: &Volume) -> Result<()> {
        let body = VolumeCreateRequest {
            name: Some(volume.name.clone()),
            driver: Some(volume.driver.clone()),
            driver_opts: Some(volume.options.clone()),
            labels: Some(volume.labels.clone()),
            ..VolumeCreateRequest::default()
        };
        let order = |docker: bollard::Docker| async move { docker.create_volume(body).await.map(drop) };
        let made = self.order(Some(self.patience().work), &format!("create volume {}", volume.name), order).await;
        made.map_err(|failure| refusal::of(&volume.name, "create volume", failure))
    }

    /// Removes the containers, running or not, and then the volumes that have the label `name` with this value.
    ///
    /// # Errors
    /// In the engine's words.
    pub(crate) async fn remove_labelled(&self, name: &str, value: &str) -> Result<()> {
        let filter = serde_json::json!({"label": [format!("{name}={value}")]}).to_string();
        let filter = percent_encoding::utf8_percent_encode(&filter, percent_encoding::NON_ALPHANUMERIC).to_string();
        let list = |what: &'static str, path: String| async move {
            self.read(what, path).await.map_err(|failure| failure.error)
        };
        let containers = list("list containers", format!("/containers/json?all=1&filters={filter}")).await?;
        for id in containers.as_array().into_iter().flatten().filter_map(|found| found["Id"].as_str()) {
            self.remove(id, true).await?;
        }
        let volumes = list("list volumes", format!("/volumes?filters={filter}")).await?;
        for name in volumes["Volumes"].as_array().into_iter().flatten().filter_map(|found| found["Name"].as_str()) {
            self.drop_volume(name).await?;
        }
        Ok(())
    }
}

fn volume(answer: &Value) -> Volume {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = |value: &Value| {
        let pairs = value.as_object().into_iter().flatten();
        pairs.map(|(name, value)| (name.clone(), text(value))).collect()
    };
    Volume {
        name: text(&answer["Name"]),
        driver: text(&answer["Driver"]),
        scope: text(&answer["Scope"]),
        options: pairs(&answer["Options"]),
        labels: pairs(&answer["Labels"]),
    }
}
