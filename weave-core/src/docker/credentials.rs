//! What a registry is told about who asks: the docker client's own configuration, read as the client reads it.
//!
//! Nothing of what is found here is ever printed.

mod helper;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use serde::Deserialize;

use super::reference::Reference;
use crate::{Error, ErrorKind, Result};

/// Where credentials are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Keychain {
    /// The directory of the client's configuration.
    pub(super) directory: Option<PathBuf>,
    /// Where helper programs are, as `PATH` says it.
    pub(super) path: Option<OsString>,
}

/// What was found for one registry.
#[derive(Default)]
pub(super) struct Key {
    /// The credentials, if there are any.
    pub(super) credentials: Option<DockerCredentials>,
    /// Why a helper gave none, in words for whom the registry then turns away. The client goes on without, too: most
    /// images are for everybody, and helpers of desktops do not work on servers.
    pub(super) trouble: Option<String>,
}

/// What was found for several registries.
#[derive(Default)]
pub(super) struct Keys {
    /// The credentials by the names that registries have in the configuration.
    pub(super) credentials: HashMap<String, DockerCredentials>,
    /// Why helpers gave none, by the same names.
    trouble: HashMap<String, String>,
}

impl Keys {
    /// What was found for the registry that `reference` is in.
    pub(super) fn of(&self, reference: &Reference<'_>) -> Key {
        let registry = reference.key();
        Key { credentials: self.credentials.get(registry).cloned(), trouble: self.trouble.get(registry).cloned() }
    }
}

/// The part of `config.json` that is about registries.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Config {
    auths: Option<HashMap<String, Auth>>,
    #[serde(rename = "credHelpers")]
    helpers: Option<HashMap<String, String>>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

impl Config {
    /// All registries that it names. One whose credentials are in a store has an entry, too, though an empty one.
    fn registries(&self) -> BTreeSet<String> {
        let auths = self.auths.iter().flat_map(HashMap::keys);
        auths.chain(self.helpers.iter().flat_map(HashMap::keys)).cloned().collect()
    }
}

/// One entry of `auths`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl Keychain {
    /// That of whoever calls: `$DOCKER_CONFIG`, or `.docker` in the home directory.
    pub(super) fn of_caller() -> Self {
        let given = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = || {
            let user = || nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
            given("HOME").map(PathBuf::from).or_else(|| user().map(|user| user.dir))
        };
        let directory = given("DOCKER_CONFIG").map(PathBuf::from).or_else(|| home().map(|home| home.join(".docker")));
        Self { directory, path: given("PATH") }
    }

    /// Looks for credentials of the registry that `reference` is in.
    ///
    /// # Errors
    /// When the configuration is there and cannot be read or makes no sense.
    pub(super) async fn find(&self, reference: &Reference<'_>) -> Result<Key> {
        let (keychain, key) = (self.clone(), reference.key().to_owned());
        waiting(move || keychain.look_up(&key)).await
    }

    /// Looks for credentials of the registries that `images` are in; where nobody knows which these are, of all that the
    /// configuration names.
    ///
    /// # Errors
    /// As [`Keychain::find`].
    pub(super) async fn find_for(&self, images: Option<&BTreeSet<String>>) -> Result<Keys> {
        let key = |image: &String| Some(Reference::read(image)?.key().to_owned());
        let registries = images.map(|images| images.iter().filter_map(key).collect());
        let keychain = self.clone();
        waiting(move || keychain.look_up_all(registries)).await
    }

    fn look_up_all(&self, registries: Option<BTreeSet<String>>) -> Result<Keys> {
        let registries = match (registries, self.config()?) {
            (Some(registries), _) => registries,
            (None, Some((_, config))) => config.registries(),
            (None, None) => BTreeSet::new(),
        };
        let mut keys = Keys::default();
        for registry in registries {
            let Key { credentials, trouble } = self.look_up(&registry)?;
            keys.credentials.extend(credentials.map(|found| (registry.clone(), found)));
            keys.trouble.extend(trouble.map(|why| (registry, why)));
        }
        Ok(keys)
    }

    /// The configuration, where there is one, and its file.
    fn config(&self) -> Result<Option<(PathBuf, Config)>> {
        let Some(file) = self.directory.as_ref().map(|directory| directory.join("config.json")) else {
            return Ok(None);
        };
        Ok(read(&file)?.map(|config| (file, config)))
    }

    fn look_up(&self, registry: &str) -> Result<Key> {
        let Some((file, config)) = self.config()? else { return Ok(Key::default()) };
        let helper = config.helpers.as_ref().and_then(|helpers| helpers.get(registry)).or(config.store.as_ref());
        match helper.filter(|name| !name.is_empty()) {
            Some(name) => self.ask(name, registry, &file),
            None => match config.auths.as_ref().and_then(|auths| entry(auths, registry)) {
                Some(auth) => Ok(Key { credentials: credentials(auth, registry, &file)?, trouble: None }),
                None => Ok(Key::default()),
            },
        }
    }

    fn ask(&self, name: &str, registry: &str, file: &Path) -> Result<Key> {
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            let allowed = "allowed: the NAME of a program docker-credential-NAME, in letters, digits, `.`, `_` and `-`";
            return Err(wrong(file, format!("`{name}` is no credential helper; {allowed}")));
        }
        Ok(match helper::get(name, registry, self.path.as_deref()) {
            Ok(credentials) => Key { credentials, trouble: None },
            Err(trouble) => {
                tracing::debug!(helper = name, registry, "no credentials from the helper");
                Key { credentials: None, trouble: Some(trouble) }
            }
        })
    }
}

/// Runs what may block: a file is read, and a helper may take its time.
async fn waiting<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(job).await.unwrap_or_else(|cause| std::panic::resume_unwind(cause.into_panic()))
}

/// The configuration; `None` where there is none.
fn read(file: &Path) -> Result<Option<Config>> {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => {
            let kind = match error.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                _ => ErrorKind::Docker,
            };
            let told = Error::new(kind, file.display().to_string(), format!("read Docker's configuration: {error}"));
            return Err(told.errno(error.raw_os_error()).source(error));
        }
    };
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    // serde's own words would quote the value, which may be a secret.
    let place = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        wrong(
            file,
            format!("line {line}, column {column} is not what it should be; allowed: JSON as `docker login` writes it"),
        )
    };
    serde_json::from_slice(&text).map(Some).map_err(place)
}

fn wrong(file: &Path, why: String) -> Error {
    Error::new(ErrorKind::InvalidSpec, file.display().to_string(), format!("Docker's configuration: {why}"))
}

/// The entry of a registry; old clients wrote `https://host/v1/` where new ones write `host`.
fn entry<'a>(auths: &'a HashMap<String, Auth>, registry: &str) -> Option<&'a Auth> {
    let host = |key: &str| {
        let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
        bare.split('/').next().unwrap_or_default().to_owned()
    };
    auths.get(registry).or_else(|| {
        let mut same: Vec<_> = auths.iter().filter(|(key, _)| host(key) == host(registry)).collect();
        same.sort_by_key(|(key, _)| key.as_str());
        same.first().map(|(_, auth)| *auth)
    })
}

fn credentials(auth: &Auth, registry: &str, file: &Path) -> Result<Option<DockerCredentials>> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (mut username, mut password) = (given(&auth.username), given(&auth.password));
    if let Some(encoded) = given(&auth.auth) {
        let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((name, secret)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
            let why = format!("`auth` of `{registry}` is not what it should be; allowed: NAME:PASSWORD in base64");
            return Err(wrong(file, why).hint(format!("`docker logout {registry}`, then `docker login {registry}`")));
        };
        username = Some(name.to_owned());
        password = Some(secret.trim_end_matches('\0').to_owned());
    }
    let found = DockerCredentials {
        username,
        password,
        identitytoken: given(&auth.identitytoken),
        registrytoken: given(&auth.registrytoken),
        serveraddress: Some(registry.to_owned()),
        ..DockerCredentials::default()
    };
    let any = found.username.is_some() || found.identitytoken.is_some() || found.registrytoken.is_some();
    Ok(any.then_some(found))
}
