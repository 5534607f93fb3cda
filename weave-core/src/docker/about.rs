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
    /// The `UID.GID` that root of its containers is on the host, where it is not root (`userns-remap`).
    pub(crate) remap: Option<String>,
    /// The API 1.x that containers are made in.
    pub(crate) api_minor: u16,
    /// Whether it is Podman.
    pub(crate) podman: bool,
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
            remap: remap(&info),
            api_minor: self.create_version().await?,
            podman: self.is_podman().await?,
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

/// An engine that makes other users of those of its containers keeps all it has in a directory that is called by them.
fn remap(info: &Value) -> Option<String> {
    let options = info["SecurityOptions"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let remaps = options.flat_map(|option| option.split(',')).any(|option| option == "name=userns");
    let root = info["DockerRootDir"].as_str()?;
    root.trim_end_matches('/').rsplit('/').next().filter(|_| remaps).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_engine_that_makes_other_users_says_so() {
        let info = |options: &[&str], root: &str| json!({"SecurityOptions": options, "DockerRootDir": root});
        let plain = info(&["name=seccomp,profile=default"], "/var/lib/docker/165536.165536");
        assert_eq!(remap(&plain), None);
        let remapped = info(&["name=seccomp,profile=default", "name=userns"], "/var/lib/docker/165536.165536");
        assert_eq!(remap(&remapped).as_deref(), Some("165536.165536"));
        assert_eq!(remap(&json!({})), None);
    }
}
