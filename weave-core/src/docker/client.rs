//! One client for one engine: API version, deadlines, and nothing done before it is needed.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bollard::errors::Error as ApiError;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use tokio::sync::OnceCell;

use super::address::{Address, Certificates};
use super::credentials::Keychain;
use super::failure::Failure;
use super::ssh::Road;
use super::version::{FIRST_MINOR, NEWEST_MINOR, OLDEST_MINOR, addressed, common_minors, supported_minor, versioned};
use crate::Result;

pub(super) const ASK_VERSION: &str = "ask for the version";

/// The headers that carry credentials: of one registry, and of several for a build.
const CREDENTIALS: [&str; 2] = ["x-registry-auth", "x-registry-config"];

/// Longer than anybody waits; a clock may still be set to it.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long the engine may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a question that it answers by itself.
    pub(super) answer: Duration,
    /// For a question that it passes on to a registry.
    pub(super) registry: Duration,
    /// For work that may copy files or wait for a plugin.
    pub(super) work: Duration,
    /// Without a word, while it fetches an image.
    pub(super) silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [answer, registry, work, silence] = [10, 30, 600, 60].map(Duration::from_secs);
        Self { answer, registry, work, silence }
    }
}

/// An engine: that of this host, or of one where a container is moved. A clone is the same client.
#[derive(Clone)]
pub(crate) struct Engine(Arc<Inner>);

struct Inner {
    address: Address,
    docker: OnceLock<Docker>,
    /// The API 1.x in use; shared with the closure that writes it into requests.
    minor: Arc<AtomicU16>,
    negotiated: OnceCell<()>,
    newest: OnceCell<Newest>,
    patience: Patience,
    keychain: OnceLock<Keychain>,
    /// For one in a hurry: whether an answer was waited for in vain.
    silent: Option<AtomicBool>,
}

/// In which words an engine is told what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Newest {
    /// The newest API 1.x that both speak.
    pub(super) minor: u16,
    /// Whether it is Podman that answers.
    pub(super) podman: bool,
}

impl Engine {
    /// The engine that `docker_host` (the value of `DOCKER_HOST`) names, or the default one. Does no I/O.
    pub(crate) fn connect(docker_host: Option<&str>) -> Result<Self> {
        Ok(Self::new(Address::parse(docker_host)?, Patience::default()))
    }

    /// The same engine, which is waited for so long where others wait ten seconds.
    pub(crate) fn answering_within(&self, answer: Duration) -> Self {
        let patience = Patience { answer, ..self.0.patience };
        Self::new(self.0.address.clone(), patience)
    }

    /// The same engine, which is waited for two seconds, and but once: at boot systemd may listen for an engine that it
    /// starts only after whoever asks here has ended.
    pub(crate) fn in_a_hurry(&self) -> Self {
        let patience = Patience { answer: Duration::from_secs(2), ..self.0.patience };
        Self::of(self.0.address.clone(), patience, OnceLock::new(), Some(AtomicBool::new(false)))
    }

    /// The path of its socket, where it is asked through one on this machine.
    pub(crate) fn socket(&self) -> Option<&str> {
        if let Address::Unix(path) = &self.0.address { Some(path) } else { None }
    }

    /// Where the engine is asked, for people.
    pub(crate) fn address(&self) -> String {
        self.0.address.to_string()
    }

    pub(super) fn patience(&self) -> Patience {
        self.0.patience
    }

    /// Where credentials are, by the caller's environment unless somebody said so.
    pub(super) fn keychain(&self) -> &Keychain {
        self.0.keychain.get_or_init(Keychain::of_caller)
    }

    pub(super) fn new(address: Address, patience: Patience) -> Self {
        Self::of(address, patience, OnceLock::new(), None)
    }

    /// With credentials of its own.
    #[cfg(test)]
    pub(super) fn with_keychain(address: Address, patience: Patience, keychain: Keychain) -> Self {
        Self::of(address, patience, keychain.into(), None)
    }

    fn of(address: Address, patience: Patience, keychain: OnceLock<Keychain>, silent: Option<AtomicBool>) -> Self {
        Self(Arc::new(Inner {
            address,
            docker: OnceLock::new(),
            minor: Arc::new(AtomicU16::new(FIRST_MINOR)),
            negotiated: OnceCell::new(),
            newest: OnceCell::new(),
            patience,
            keychain,
            silent,
        }))
    }

    /// Asks the engine, within the usual deadline, in an API version that it speaks.
    pub(super) async fn ask<T, F>(&self, what: &str, question: impl Fn(Docker) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        self.ask_within(self.0.patience.answer, what, question).await
    }

    /// The same within a deadline of its own.
    pub(super) async fn ask_within<T, F>(
        &self,
        deadline: Duration,
        what: &str,
        question: impl Fn(Docker) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let silent = self.0.silent.as_ref();
        if silent.is_some_and(|silent| silent.load(Ordering::Relaxed)) {
            return Err(self.late(what, deadline));
        }
        let question = |docker: Docker| question(patient(docker, deadline));
        let answer = tokio::time::timeout(deadline, self.ask_in_a_spoken_version(what, question)).await;
        answer.unwrap_or_else(|_| {
            silent.inspect(|silent| silent.store(true, Ordering::Relaxed));
            Err(self.late(what, deadline))
        })
    }

    /// Has the engine do something, in the newest API version; without a deadline it takes what it takes.
    ///
    /// It is not asked twice: what was refused is not what some other version would have done.
    pub(super) async fn order<T, F>(
        &self,
        deadline: Option<Duration>,
        what: &str,
        order: impl FnOnce(Docker) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let docker = self.newest(deadline.unwrap_or(FOREVER)).await?;
        let done = tokio::time::timeout(deadline.unwrap_or(FOREVER), order(docker)).await;
        let done = done.map_err(|_| self.late(what, deadline.unwrap_or(FOREVER)))?;
        done.map_err(|cause| Failure::new(&self.0.address, what, cause))
    }

    /// A client that speaks the newest API version, and whose requests wait this long for the first word.
    pub(super) async fn newest(&self, deadline: Duration) -> Result<Docker, Failure> {
        let minor = self.find_words().await?.minor;
        let docker = self.docker().map_err(|cause| Failure::new(&self.0.address, "find the engine", cause))?;
        Ok(patient(docker.with_request_modifier(move |request| versioned(url_safe(request), minor)), deadline))
    }

    /// The API 1.x that containers are made in: the newest that the engine and weave both speak.
    ///
    /// Options that a version does not know are lost in it without a word.
    ///
    /// # Errors
    /// When the engine does not answer, or there is no such version.
    pub(crate) async fn create_version(&self) -> Result<u16> {
        self.find_words().await.map(|newest| newest.minor).map_err(|failure| failure.error)
    }

    pub(super) async fn find_words(&self) -> Result<Newest, Failure> {
        let answer = self.0.patience.answer;
        let found = tokio::time::timeout(answer, self.0.newest.get_or_try_init(|| self.find_newest())).await;
        found.map_err(|_| self.late(ASK_VERSION, answer))?.copied()
    }

    /// As with the first choice: the newest of weave's is tried, and an engine that is older says so.
    async fn find_newest(&self) -> Result<Newest, Failure> {
        let failed = |cause| self.failed(ASK_VERSION, cause);
        let docker = self.docker().map_err(failed)?;
        let tried = docker.clone().with_request_modifier(|request| versioned(request, NEWEST_MINOR));
        let refused = match tried.ping().await {
            Ok(_) => return self.taken(&docker).await,
            Err(refused @ ApiError::DockerResponseServerError { status_code: 400, .. }) => refused,
            Err(cause) => return Err(failed(cause)),
        };
        let minor = match supported_minor(&refused) {
            Some(minor) => minor,
            None => self.spoken(&docker).await?.1,
        };
        Ok(Newest { minor, podman: false })
    }

    /// The engine did not answer in time.
    pub(super) fn late(&self, what: &str, deadline: Duration) -> Failure {
        let seconds = deadline.as_secs_f32();
        match &self.0.silent {
            None => Failure::late(&self.0.address, what, seconds),
            Some(_) => Failure::not_yet(&self.0.address, what, seconds),
        }
    }

    /// Words for what went wrong in an answer that came in pieces.
    pub(super) fn failed(&self, what: &str, cause: ApiError) -> Failure {
        Failure::new(&self.0.address, what, cause)
    }

    async fn ask_in_a_spoken_version<T, F>(&self, what: &str, question: impl Fn(Docker) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let failed = |cause| Failure::new(&self.0.address, what, cause);
        let docker = self.docker().map_err(failed)?;
        let tried = self.0.minor.load(Ordering::Relaxed);
        let refused = match question(docker.clone()).await {
            Err(refused @ ApiError::DockerResponseServerError { status_code: 400, .. }) => refused,
            answer => return answer.map_err(failed),
        };
        if let Some(minor) = supported_minor(&refused) {
            self.0.minor.store(minor, Ordering::Relaxed);
        } else {
            // 400 is also the answer to an ambiguous id; the engine's list of its versions tells the two apart.
            self.0.negotiated.get_or_try_init(|| self.negotiate(&docker)).await?;
        }
        if self.0.minor.load(Ordering::Relaxed) == tried {
            return Err(failed(refused));
        }
        question(docker).await.map_err(failed)
    }

    async fn negotiate(&self, docker: &Docker) -> Result<(), Failure> {
        let (oldest, newest) = self.spoken(docker).await?;
        self.0.minor.store(FIRST_MINOR.clamp(oldest, newest), Ordering::Relaxed);
        Ok(())
    }

    /// The oldest and the newest API 1.x that the engine and weave both speak.
    pub(super) async fn spoken(&self, docker: &Docker) -> Result<(u16, u16), Failure> {
        let address = &self.0.address;
        let engine = docker.version().await.map_err(|cause| Failure::new(address, ASK_VERSION, cause))?;
        let newest = engine.api_version.unwrap_or_default();
        let oldest = engine.min_api_version.unwrap_or_else(|| newest.clone());
        tracing::debug!(engine = %address, oldest, newest, "Docker API versions");
        let minor = |version: &str| version.strip_prefix("1.").and_then(|minor| minor.parse::<u16>().ok());
        let common = minor(&oldest).zip(minor(&newest)).and_then(|(oldest, newest)| common_minors(oldest, newest));
        common.ok_or_else(|| Failure::version(address, (&oldest, &newest), (OLDEST_MINOR, NEWEST_MINOR)))
    }

    /// A client whose next request goes to `path`, in the version in use.
    pub(super) fn sent_to(&self, docker: Docker, path: String) -> Docker {
        let minor = Arc::clone(&self.0.minor);
        docker.with_request_modifier(move |request| addressed(request, &path, minor.load(Ordering::Relaxed)))
    }

    /// A client for one question that takes longer than others. The version is that of the last answer, so something
    /// has to be asked before.
    pub(super) fn unhurried(&self, deadline: Duration) -> Result<Docker, Failure> {
        let docker = self.docker().map_err(|cause| self.failed("connect", cause))?;
        Ok(docker.with_timeout(deadline))
    }

    /// The client, made when first needed: bollard looks for the socket when it makes one.
    fn docker(&self) -> Result<Docker, ApiError> {
        if let Some(docker) = self.0.docker.get() {
            return Ok(docker.clone());
        }
        // Its own clock knows whole seconds, and is not to be the first.
        let seconds = self.0.patience.answer.as_secs().saturating_add(1);
        let docker = match &self.0.address {
            Address::Unix(path) => Docker::connect_with_unix(path, seconds, API_DEFAULT_VERSION)?,
            Address::Tcp(host) => Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION)?,
            Address::Tls(host, Certificates { ca, cert, key }) => {
                Docker::connect_with_ssl(host, key, cert, ca, seconds, API_DEFAULT_VERSION)?
            }
            Address::Ssh(login) => {
                let road = Road::new(login.clone());
                let request = move |request| road.clone().request(request);
                Docker::connect_with_custom_transport(request, Some("http://docker"), seconds, API_DEFAULT_VERSION)?
            }
        };
        let minor = Arc::clone(&self.0.minor);
        let docker =
            docker.with_request_modifier(move |request| versioned(url_safe(request), minor.load(Ordering::Relaxed)));
        Ok(self.0.docker.get_or_init(|| docker).clone())
    }
}

/// A client that waits this long, and a little more, for the first word: whoever asks has a deadline with words.
fn patient(docker: Docker, deadline: Duration) -> Docker {
    docker.with_timeout(deadline.saturating_add(Duration::from_secs(1)))
}

/// Writes credentials in the alphabet that the engine reads; bollard uses the one with `+` and `/`.
fn url_safe(mut request: BollardRequest) -> BollardRequest {
    for name in CREDENTIALS {
        let Some(value) = request.headers_mut().get_mut(name) else { continue };
        let safe: Vec<u8> = value
            .as_bytes()
            .iter()
            .map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            })
            .collect();
        if let Ok(mut safe) = safe.as_slice().try_into() {
            std::mem::swap(value, &mut safe);
            value.set_sensitive(true);
        }
    }
    request
}
