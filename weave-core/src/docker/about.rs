//! What an engine is and has: `docker info`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::client::Engine;
use crate::Result;

/// An engine and its host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// The name of its host.
    pub(crate) hostname: String,
    /// The kind of machine, as Rust and the kernel call it: `x86_64`.
    pub(crate) arch: String,
    /// The runtimes that it knows: `runc`.
    pub(crate) runtimes: BTreeSet<String>,
    /// The drivers that volumes may have: `local`.
    pub(crate) volume_drivers: BTreeSet<String>,
    /// The drivers that logs may have: `json-file`.
    pub(crate) log_drivers: BTreeSet<String>,
    /// Its networks, by name, with their ids.
    pub(crate) networks: BTreeMap<String, String>,
    /// The API 1.x that containers are made in.
    pub(crate) api_minor: u16,
}

impl Engine {
    /// What the engine is and has.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn about(&self) -> Result<About> {
        let info = self.read("ask for what it is", "/info".to_owned()).await.map_err(|failure| failure.error)?;
        let networks = self.read("list networks", "/networks".to_owned()).await.map_err(|failure| failure.error)?;
        let pair = |network: &Value| Some((network["Name"].as_str()?.to_owned(), network["Id"].as_str()?.to_owned()));
        let texts = |value: &Value| {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Ok(About {
            hostname: info["Name"].as_str().unwrap_or_default().to_owned(),
            arch: info["Architecture"].as_str().unwrap_or_default().to_owned(),
            runtimes: info["Runtimes"].as_object().into_iter().flat_map(|runtimes| runtimes.keys().cloned()).collect(),
            volume_drivers: texts(&info["Plugins"]["Volume"]),
            log_drivers: texts(&info["Plugins"]["Log"]),
            networks: networks.as_array().into_iter().flatten().filter_map(pair).collect(),
            api_minor: self.create_version().await?,
        })
    }

    /// The kind of machine that it is on: `x86_64`.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) async fn arch(&self) -> Result<String> {
        let info = self.read("ask for what it is", "/info".to_owned()).await.map_err(|failure| failure.error)?;
        Ok(info["Architecture"].as_str().unwrap_or_default().to_owned())
    }
}
