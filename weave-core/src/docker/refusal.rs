//! What the engine says no to, and what to do about it.

use super::credentials::Key;
use super::failure::Failure;
use super::reference::Reference;
use crate::{Error, ErrorKind};

/// The error for `what` of container `name`. An engine that did not answer at all stays the subject itself.
pub(super) fn of(name: &str, what: &str, failure: Failure) -> Error {
    told(name, what, failure, &hints(name))
}

/// The same for making a container from `image`.
pub(super) fn of_create(name: &str, image: &str, failure: Failure) -> Error {
    let mut rules = of_image(image);
    rules.append(&mut hints(name));
    told(name, "create", failure, &rules)
}

/// The same for an image in a registry; with why there are no credentials, if there should be some.
pub(super) fn of_registry(image: &str, what: &str, failure: Failure, key: &Key) -> Error {
    told(image, what, failure, &of_known(image, key))
}

/// What `error` of a build means where `why` is about its base `image`.
pub(super) fn of_base(image: &str, why: &str, error: Error, key: &Key) -> Error {
    let small = why.to_lowercase();
    match of_known(image, key).into_iter().find(|rule| rule.words.iter().any(|words| says(&small, words))) {
        Some(rule) => Error::new(rule.kind, "", error.message()).hint(rule.hint),
        None => error,
    }
}

fn of_known(image: &str, key: &Key) -> Vec<Rule> {
    let mut rules = of_image(image);
    if let (Some(trouble), Some(rule)) =
        (&key.trouble, rules.iter_mut().find(|rule| rule.kind == ErrorKind::PermissionDenied))
    {
        rule.hint = format!("no credentials were sent: {trouble}; {}", rule.hint);
    }
    rules
}

/// What some words of the engine mean.
struct Rule {
    /// Any of these, in small letters; `*` stands for anything.
    words: &'static [&'static str],
    kind: ErrorKind,
    hint: String,
}

fn rule(words: &'static [&'static str], kind: ErrorKind, hint: impl Into<String>) -> Rule {
    Rule { words, kind, hint: hint.into() }
}

fn told(subject: &str, what: &str, failure: Failure, rules: &[Rule]) -> Error {
    let Some(words) = failure.words else { return failure.error };
    let words = words.trim();
    let words = if words.is_empty() { "no reason given" } else { words };
    let status = failure.status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
    let message = format!("{what}: {words}{status}");
    let small = words.to_lowercase();
    if let Some((kind, hint)) = in_the_way(words) {
        return Error::new(kind, subject, message).hint(hint);
    }
    match rules.iter().find(|rule| rule.words.iter().any(|words| says(&small, words))) {
        Some(rule) => Error::new(rule.kind, subject, message).hint(&rule.hint),
        None => Error::new(by_status(failure.status), subject, message),
    }
}

/// Whether the pieces of `pattern` stand in `text` one after the other.
fn says(text: &str, pattern: &str) -> bool {
    pattern.split('*').try_fold(text, |rest, piece| Some(rest.split_once(piece)?.1)).is_some()
}

fn by_status(status: Option<u16>) -> ErrorKind {
    match status {
        Some(403) => ErrorKind::PermissionDenied,
        Some(404) => ErrorKind::NotFound,
        Some(409) => ErrorKind::Conflict,
        _ => ErrorKind::Docker,
    }
}

/// A name, or a port, that somebody else has.
fn in_the_way(words: &str) -> Option<(ErrorKind, String)> {
    if let Some((_, rest)) = words.split_once("is already in use by container ") {
        let id = rest.trim_start_matches('"').split(['"', '.', ' ']).next().unwrap_or_default();
        let id = id.get(..12).unwrap_or(id);
        return Some((ErrorKind::Conflict, format!("container {id} has that name: remove or rename it")));
    }
    if words.contains("port is already allocated") || words.contains("address already in use") {
        let hint = match port(words) {
            Some(port) => format!("{port} is taken: see `docker ps` and `ss -lntup`, and free it or publish another"),
            None => "a port is taken: see `docker ps` and `ss -lntup`, and free it or publish another".to_owned(),
        };
        return Some((ErrorKind::Conflict, hint));
    }
    None
}

/// The address and port in the engine's words for one that is taken.
fn port(words: &str) -> Option<&str> {
    let after = |mark: &str| Some(words.split_once(mark)?.1.split_whitespace().next()?.trim_end_matches(':'));
    let marks =
        ["failed to bind host port for ", "failed to bind host port ", "Bind for ", "listen tcp4 ", "listen tcp6 "];
    let more = ["listen tcp ", "listen udp4 ", "listen udp6 ", "listen udp ", "listen sctp "];
    let found = marks.into_iter().chain(more).find_map(after)?;
    // `0.0.0.0:8080:172.17.0.2:80/tcp` ends where the container's own address begins.
    let end = found.rmatch_indices(':').nth(1).filter(|_| !found.starts_with('[')).map_or(found.len(), |(at, _)| at);
    Some(&found[..end])
}

fn hints(name: &str) -> Vec<Rule> {
    use ErrorKind::{ContainerNotRunning, Docker, NotFound, PermissionDenied, Unsupported};
    vec![
        rule(&["no such container"], NotFound, format!("`docker ps -a` shows the containers; there is no {name}")),
        rule(&["non running container", "is not running"], ContainerNotRunning, "start the other container first"),
        rule(
            &["executable file not found", "no such file or directory: unknown", "no command specified"],
            NotFound,
            "is the command in the image? Say another command or entrypoint",
        ),
        rule(
            &["exec format error"],
            Unsupported,
            "the image is for another processor: say its platform, or take another",
        ),
        rule(&["bind source path does not exist"], NotFound, "make that path on the host first"),
        rule(
            &["no such network", "network * not found"],
            NotFound,
            "see `docker network ls`, or `docker network create` it",
        ),
        rule(&["no such volume"], NotFound, "see `docker volume ls`, or `docker volume create` it"),
        rule(
            &["error looking up volume plugin", "error looking up logging plugin", "plugin \"*\" not found"],
            NotFound,
            "see `docker plugin ls`: the plugin is not there, or not enabled",
        ),
        rule(
            &["could not select device driver"],
            Unsupported,
            "the engine has no runtime for these devices: install one",
        ),
        rule(&["no space left on device"], Docker, "see `docker system df`; `docker system prune` makes room"),
        rule(
            &["permission denied", "operation not permitted", "authorization denied"],
            PermissionDenied,
            "see the rights of the file or path in these words, and the engine's own (rootless, SELinux, plugins)",
        ),
    ]
}

fn of_image(image: &str) -> Vec<Rule> {
    use ErrorKind::{Docker, NotFound, PermissionDenied};
    let reference = Reference::read(image);
    let registry = reference.map_or("", |reference| reference.registry());
    let login = match registry {
        "docker.io" | "" => "`docker login`".to_owned(),
        registry => format!("`docker login {registry}`"),
    };
    vec![
        rule(
            &["no such image"],
            NotFound,
            format!("`docker pull {image}`, or have it pulled (pull: missing or always)"),
        ),
        rule(
            &["does not match the specified platform", "no matching manifest", "not provide the specified platform"],
            NotFound,
            "the image does not exist for this platform: say another platform, or take another image",
        ),
        rule(
            &["manifest unknown", "manifest for * not found", "failed to resolve reference * not found"],
            NotFound,
            "the registry has no such tag or digest",
        ),
        rule(
            &["access denied", "unauthorized", "no basic auth", "authentication required", "denied: "],
            PermissionDenied,
            format!("is the name right? If it is: {login} as the user who runs weave"),
        ),
        rule(&["toomanyrequests"], Docker, format!("wait, or {login}: known users may pull more")),
        rule(
            &["http response to https client"],
            Docker,
            format!("name {registry} in `insecure-registries` of the engine"),
        ),
        rule(
            &["x509: ", "certificate"],
            Docker,
            format!("put the registry's CA into /etc/docker/certs.d/{registry}/ca.crt"),
        ),
        rule(
            &[
                "no such host",
                "connection refused",
                "i/o timeout",
                "timeout exceeded",
                "deadline exceeded",
                "unreachable",
                "server misbehaving",
            ],
            Docker,
            format!("the engine cannot reach {registry}: see its DNS, route and proxy"),
        ),
    ]
}
