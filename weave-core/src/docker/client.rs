//! One client for one engine: API version, deadlines, and nothing done before it is needed.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bollard::errors::Error as ApiError;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use tokio::sync::OnceCell;

use super::address::Address;
use super::failure::Failure;
use crate::Result;

/// The API 1.x that is asked for first: Docker 25 and newer speak it, and Docker 29 speaks nothing older.
///
/// bollard by itself names no version in its requests, which the engine's documentation calls deprecated and which
/// makes the shape of the answers depend on the engine's age. Negotiation as bollard has it asks for `/version` first,
/// which takes an engine ten times as long as the lookup itself, because it runs its helpers to ask for theirs. Asking
/// for 1.44 costs nothing on any engine that is not old; an old one refuses at once and names the version it speaks.
const FIRST_MINOR: u16 = 44;

/// The oldest API 1.x whose answers hold what weave reads (Docker 1.12).
const OLDEST_MINOR: u16 = 24;

/// The newest API 1.x that bollard's types are written for.
const NEWEST_MINOR: u16 = 53;

/// How long one question may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// The engine of this host. A clone is the same client.
#[derive(Clone)]
pub(crate) struct Engine(Arc<Inner>);

struct Inner {
    address: Address,
    docker: OnceLock<Docker>,
    /// The API 1.x in use; shared with the closure that writes it into requests.
    minor: Arc<AtomicU16>,
    negotiated: OnceCell<()>,
    deadline: Duration,
}

impl Engine {
    /// The engine that `docker_host` (the value of `DOCKER_HOST`) names, or the default one. Does no I/O.
    pub(crate) fn connect(docker_host: Option<&str>) -> Result<Self> {
        Ok(Self::new(Address::parse(docker_host)?, DEADLINE))
    }

    /// Where the engine is asked, for people.
    pub(crate) fn address(&self) -> String {
        self.0.address.to_string()
    }

    pub(super) fn new(address: Address, deadline: Duration) -> Self {
        Self(Arc::new(Inner {
            address,
            docker: OnceLock::new(),
            minor: Arc::new(AtomicU16::new(FIRST_MINOR)),
            negotiated: OnceCell::new(),
            deadline,
        }))
    }

    /// Asks the engine, within the deadline, in an API version that it speaks.
    pub(super) async fn ask<T, F>(&self, what: &str, question: impl Fn(Docker) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let deadline = self.0.deadline;
        tokio::time::timeout(deadline, self.ask_in_a_spoken_version(what, question))
            .await
            .unwrap_or_else(|_| Err(Failure::late(&self.0.address, what, deadline.as_secs_f32())))
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
        let address = &self.0.address;
        let engine = docker.version().await.map_err(|cause| Failure::new(address, "ask for the version", cause))?;
        let newest = engine.api_version.unwrap_or_default();
        let oldest = engine.min_api_version.unwrap_or_else(|| newest.clone());
        let minor = |version: &str| version.strip_prefix("1.").and_then(|minor| minor.parse::<u16>().ok());
        let spoken = minor(&oldest).zip(minor(&newest)).and_then(|(oldest, newest)| common_minor(oldest, newest));
        let Some(spoken) = spoken else {
            return Err(Failure::version(address, (&oldest, &newest), (OLDEST_MINOR, NEWEST_MINOR)));
        };
        tracing::debug!(engine = %address, oldest, newest, spoken, "Docker API version");
        self.0.minor.store(spoken, Ordering::Relaxed);
        Ok(())
    }

    /// A client for one question that takes longer than others. The version is that of the last answer, so something
    /// has to be asked before.
    pub(super) fn patient(&self, deadline: Duration) -> Result<Docker, Failure> {
        let docker = self.docker().map_err(|cause| self.failed("connect", cause))?;
        Ok(docker.with_timeout(deadline))
    }

    /// A client whose next request goes to `path`, in the version in use.
    pub(super) fn sent_to(&self, docker: Docker, path: String) -> Docker {
        let minor = Arc::clone(&self.0.minor);
        docker.with_request_modifier(move |mut request| {
            let uri = request.uri();
            let parts = uri.scheme_str().zip(uri.authority());
            let sent = parts.and_then(|(scheme, authority)| format!("{scheme}://{authority}{path}").parse().ok());
            if let Some(uri) = sent {
                *request.uri_mut() = uri;
            }
            versioned(request, minor.load(Ordering::Relaxed))
        })
    }

    /// Words for a question that failed.
    pub(super) fn failed(&self, what: &str, cause: ApiError) -> Failure {
        Failure::new(&self.0.address, what, cause)
    }

    /// The client, made when first needed: bollard looks for the socket when it makes one.
    fn docker(&self) -> Result<Docker, ApiError> {
        if let Some(docker) = self.0.docker.get() {
            return Ok(docker.clone());
        }
        let seconds = self.0.deadline.as_secs().max(1);
        let docker = match &self.0.address {
            Address::Unix(path) => Docker::connect_with_unix(path, seconds, API_DEFAULT_VERSION)?,
            Address::Tcp(host) => Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION)?,
        };
        let minor = Arc::clone(&self.0.minor);
        let docker = docker.with_request_modifier(move |request| versioned(request, minor.load(Ordering::Relaxed)));
        Ok(self.0.docker.get_or_init(|| docker).clone())
    }
}

/// The API 1.x that a refusal asks for, when weave speaks it: Docker says since 2016 "client version 1.44 is too new.
/// Maximum supported API version is 1.41", or too old and minimum.
fn supported_minor(refused: &ApiError) -> Option<u16> {
    let ApiError::DockerResponseServerError { message, .. } = refused else { return None };
    let (_, rest) = message.split_once("supported API version is 1.")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok().filter(|minor| (OLDEST_MINOR..=NEWEST_MINOR).contains(minor))
}

/// The API 1.x to use with an engine that speaks `oldest` to `newest`: the first choice, or else the nearest to it.
fn common_minor(oldest: u16, newest: u16) -> Option<u16> {
    let (from, to) = (oldest.max(OLDEST_MINOR), newest.min(NEWEST_MINOR));
    (from <= to).then(|| FIRST_MINOR.clamp(from, to))
}

/// Puts the version in front of the path; `/version` stays bare, since it is how versions are found out.
fn versioned(mut request: BollardRequest, minor: u16) -> BollardRequest {
    let uri = request.uri();
    if uri.path() == "/version" {
        return request;
    }
    let (Some(scheme), Some(authority), Some(path)) = (uri.scheme_str(), uri.authority(), uri.path_and_query()) else {
        return request;
    };
    if let Ok(versioned) = format!("{scheme}://{authority}/v1.{minor}{path}").parse() {
        *request.uri_mut() = versioned;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_use_is_the_first_choice_or_the_nearest() {
        for (oldest, newest, wanted) in [
            (24, 43, Some(43)),
            (12, 41, Some(41)),
            (24, 44, Some(44)),
            (24, 53, Some(44)),
            (44, 52, Some(44)),
            (47, 60, Some(47)),
            (54, 60, None),
            (10, 23, None),
        ] {
            assert_eq!(common_minor(oldest, newest), wanted, "{oldest} to {newest}");
        }
    }
}
