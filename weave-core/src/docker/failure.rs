//! What the engine's refusals and silences are called here.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error as ApiError;

use super::address::Address;
use crate::{Error, ErrorKind};

/// A call that did not succeed; the status tells an absent container from an engine in trouble.
#[derive(Debug)]
pub(super) struct Failure {
    /// The HTTP status, when it was the engine who said no.
    pub(super) status: Option<u16>,
    /// The engine's own words, when it was the engine who said no.
    pub(super) words: Option<String>,
    /// The error for the user.
    pub(super) error: Error,
}

impl Failure {
    /// The engine did not answer `what` in time.
    pub(super) fn late(address: &Address, what: &str, seconds: f32) -> Self {
        const HINT: &str = "look at the engine's log; a restart of Docker may be needed, or more seconds for its answers: WEAVE_ENGINE_TIMEOUT";
        Self::silent(address, what, seconds, HINT)
    }

    /// The same of an engine that is not waited for: at boot it starts later, and that is as it should be.
    pub(super) fn not_yet(address: &Address, what: &str, seconds: f32) -> Self {
        Self::silent(address, what, seconds, "one that is only about to start is not waited for")
    }

    fn silent(address: &Address, what: &str, seconds: f32, hint: &str) -> Self {
        let text = format!("{what}: the Docker engine did not answer within {seconds} s");
        let error = Error::new(ErrorKind::Timeout, address.to_string(), text);
        Self { status: None, words: None, error: error.hint(hint) }
    }

    /// The engine speaks none of the API versions that weave speaks.
    pub(super) fn version(address: &Address, engine: (&str, &str), ours: (u16, u16)) -> Self {
        let ((engine_min, engine_max), (min, max)) = (engine, ours);
        let text = format!(
            "the Docker engine speaks API {engine_min} to {engine_max}, and this weave speaks 1.{min} to 1.{max}"
        );
        let error = Error::new(ErrorKind::Docker, address.to_string(), text);
        Self { status: None, words: None, error: error.hint("update the older of the two") }
    }

    /// Words for `cause`, met while doing `what`.
    pub(super) fn new(address: &Address, what: &str, cause: ApiError) -> Self {
        let (status, words) = match &cause {
            ApiError::DockerResponseServerError { status_code, message } => (Some(*status_code), Some(message.clone())),
            ApiError::DockerStreamError { error } => (None, Some(error.clone())),
            _ => (None, None),
        };
        let error = match &cause {
            ApiError::DockerResponseServerError { status_code, message } => {
                let message = message.trim();
                let message = if message.is_empty() { "no reason given" } else { message };
                Error::new(ErrorKind::Docker, address.to_string(), format!("{what}: {message} (HTTP {status_code})"))
            }
            ApiError::DockerStreamError { error } => {
                Error::new(ErrorKind::Docker, address.to_string(), format!("{what}: {}", error.trim()))
            }
            ApiError::JsonDataError { .. } | ApiError::JsonSerdeError { .. } | ApiError::APIVersionParseError {} => {
                let text = format!("{what}: the answer of the Docker engine makes no sense: {cause}");
                Error::new(ErrorKind::Docker, address.to_string(), text)
            }
            _ => unreachable_engine(address, what, &cause),
        };
        Self { status, words, error: error.source(cause) }
    }
}

/// The engine could not be talked to: say where it was looked for, and how to get it there.
fn unreachable_engine(address: &Address, what: &str, cause: &ApiError) -> Error {
    let io = io_cause(cause);
    let reason = io.as_ref().map_or_else(|| chain(cause), ToString::to_string);
    let text = format!("{what}: cannot talk to the Docker engine at {address}: {reason}");
    let errno = io.as_ref().and_then(io::Error::raw_os_error);
    if io.is_some_and(|io| io.kind() == io::ErrorKind::PermissionDenied) {
        return Error::new(ErrorKind::PermissionDenied, address.to_string(), text)
            .errno(errno)
            .hint("run as root, or as a member of the group that owns the socket");
    }
    Error::new(ErrorKind::Docker, address.to_string(), text).errno(errno).hint(next_step(address))
}

fn next_step(address: &Address) -> String {
    match address {
        Address::Ssh(_) => format!("try `docker -H {address} version`: it needs the same key and known host for ssh"),
        Address::Tls(host, _) => format!("try `docker --tlsverify -H tcp://{host} version` with the same certificates"),
        Address::Tcp(host) if !address.is_here() => {
            format!("does it listen there, and is it let through? Try `docker -H tcp://{host} version`")
        }
        Address::Unix(_) | Address::Tcp(_) => {
            "start Docker (`systemctl start docker`), or set DOCKER_HOST to where the engine listens".to_owned()
        }
    }
}

/// The operating system's error at the bottom of `cause`; bollard and hyper each wrap it once or twice.
fn io_cause(cause: &ApiError) -> Option<io::Error> {
    match cause {
        ApiError::IOError { err } => return Some(copy(err)),
        // bollard looks whether the path exists, which says no too when a directory above it may not be searched.
        ApiError::SocketNotFoundError(path) => {
            return Some(std::fs::metadata(path).err().unwrap_or_else(|| io::Error::from_raw_os_error(ENOENT)));
        }
        _ => {}
    }
    let mut next: Option<&(dyn StdError + 'static)> = cause.source();
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(copy(io));
        }
        next = error.source();
    }
    None
}

const ENOENT: i32 = nix::libc::ENOENT;

/// [`io::Error`] is not `Clone`; number or words survive.
fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}

/// All words of an error and its causes, each once.
fn chain(cause: &ApiError) -> String {
    let mut words = cause.to_string();
    let mut next = cause.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        next = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Address {
        Address::Unix("/run/d.sock".into())
    }

    #[test]
    fn the_engines_words_and_status_are_kept() {
        let cause = ApiError::DockerResponseServerError { status_code: 500, message: "disk on fire\n".into() };
        let failure = Failure::new(&engine(), "look at container web", cause);
        assert_eq!(failure.status, Some(500));
        assert_eq!(failure.error.kind(), ErrorKind::Docker);
        assert_eq!(failure.error.to_string(), "/run/d.sock: look at container web: disk on fire (HTTP 500)");
    }

    #[test]
    fn lack_of_permission_has_its_kind() {
        let cause = ApiError::IOError { err: io::Error::from_raw_os_error(13) };
        let error = Failure::new(&engine(), "list networks", cause).error;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(error.raw_errno(), Some(13));
        assert!(error.next_step().is_some_and(|hint| hint.contains("group")));
    }

    #[test]
    fn an_absent_socket_is_named_and_there_is_a_next_step() {
        let cause = ApiError::SocketNotFoundError("/nowhere/d.sock".into());
        let error = Failure::new(&engine(), "list networks", cause).error;
        assert_eq!(error.kind(), ErrorKind::Docker);
        assert!(error.message().contains("/run/d.sock: No such file"), "{error}");
        assert!(error.next_step().is_some_and(|hint| hint.contains("DOCKER_HOST")));
    }

    #[test]
    fn a_version_mismatch_names_both_sides() {
        let error = Failure::version(&engine(), ("1.60", "1.70"), (24, 53)).error;
        assert!(error.message().contains("1.60 to 1.70") && error.message().contains("1.24 to 1.53"), "{error}");
    }
}
