//! Fetching images.

use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use serde_json::json;

use super::super::Engine;
use super::super::credentials::Keychain;
use super::super::fake::{FakeEngine, Reply};
use super::block_on;
use super::orders::engine;
use crate::plan::container::ContainerStep;
use crate::progress::Pull;
use crate::{Error, ErrorKind, Result};

fn pull(image: &str, platform: Option<&str>) -> ContainerStep {
    ContainerStep::Pull { image: image.into(), platform: platform.map(str::to_owned) }
}

fn pulled(fake: &FakeEngine, image: &str) -> Result<Vec<Pull>> {
    pulled_by(&fake.client(), image)
}

fn pulled_by(engine: &Engine, image: &str) -> Result<Vec<Pull>> {
    let told = Mutex::new(Vec::new());
    let done = block_on(engine.act(&pull(image, None), &|news| told.lock().expect("a list").push(news)));
    done.map(|_| told.into_inner().expect("a list"))
}

fn failed(image: &str, words: &'static str) -> Error {
    let fake = engine(move |_| {
        let line = json!({"errorDetail": {"message": words}, "error": words});
        Reply::Lines(vec![json!({"status": "Pulling from app", "id": "1"}), line])
    });
    pulled(&fake, image).expect_err(words)
}

#[test]
fn one_image_is_asked_for_and_not_all_of_its_tags() {
    for (image, platform, wanted) in [
        ("busybox", None, "fromImage=busybox&tag=latest&changes=&platform="),
        ("db1:5000/app:1", Some("linux/arm64"), "fromImage=db1%3A5000%2Fapp&tag=1&changes=&platform=linux%2Farm64"),
        ("app:1@sha256:0a", None, "fromImage=app&tag=sha256%3A0a&changes=&platform="),
    ] {
        let fake = engine(|_| Reply::Lines(vec![]));
        block_on(fake.client().act(&pull(image, platform), &|_| {})).expect("pulled");
        let path = fake.paths().pop().unwrap_or_default();
        assert_eq!(path.replace("changes=&", ""), format!("/v1.48/images/create?{}", wanted.replace("changes=&", "")));
        assert_eq!(fake.requests().last().map(|request| request.method.clone()).as_deref(), Some("POST"));
    }
    let fake = engine(|_| Reply::Lines(vec![]));
    let error = pulled(&fake, "not an image").expect_err("no reference");
    assert_eq!((error.kind(), error.subject()), (ErrorKind::InvalidSpec, "image"), "{error}");
    assert!(error.message().contains("allowed: ") && fake.requests().is_empty(), "{error}");
}

#[test]
fn progress_is_told_in_layers_and_bytes() {
    let line = |id: &str, status: &str| json!({"id": id, "status": status, "progressDetail": {}});
    let at = |id: &str, current: u64| json!({"id": id, "status": "Downloading", "progressDetail": {"current": current, "total": 100}});
    let fake = engine(move |_| {
        Reply::Lines(vec![
            json!({"status": "Pulling from library/app", "id": "latest"}),
            line("a", "Already exists"),
            line("b", "Pulling fs layer"),
            at("b", 10),
            at("b", 10),
            line("b", "Verifying Checksum"),
            line("b", "Download complete"),
            json!({"id": "b", "status": "Extracting", "progressDetail": {"current": 5, "total": 100}}),
            line("b", "Pull complete"),
            json!({"status": "Digest: sha256:9"}),
            json!({"status": "Status: Downloaded newer image for app:latest"}),
        ])
    });
    let seen: Vec<_> = pulled(&fake, "app")
        .expect("pulled")
        .iter()
        .map(|news| (news.layers, news.done, news.bytes, news.total))
        .collect();
    assert_eq!(seen, [(1, 1, 0, 0), (2, 1, 0, 0), (2, 1, 10, 100), (2, 1, 100, 100), (2, 2, 100, 100)]);
}

#[test]
fn errors_in_the_stream_are_errors() {
    use ErrorKind::{Docker, NotFound, PermissionDenied};
    for (words, kind, hint) in [
        (
            "pull access denied for app, repository does not exist or may require 'docker login': denied: requested \
             access to the resource is denied",
            PermissionDenied,
            "`docker login db1:5000`",
        ),
        ("unauthorized: authentication required", PermissionDenied, "`docker login db1:5000`"),
        ("manifest for db1:5000/app:1 not found: manifest unknown: manifest unknown", NotFound, "no such tag"),
        // Docker 29, whose images are in the store of containerd: these words stand before every reason.
        ("failed to resolve reference \"db1:5000/app:1\": db1:5000/app:1: not found", NotFound, "no such tag"),
        (
            "failed to resolve reference \"db1:5000/app:1\": pull access denied, repository does not exist or may \
             require authorization: authorization failed: no basic auth credentials",
            PermissionDenied,
            "docker login db1:5000",
        ),
        (
            "failed to resolve reference \"db1:5000/app:1\": failed to do request: Head \
             \"https://db1:5000/v2/app/manifests/1\": dial tcp 192.0.2.1:5000: connect: connection refused",
            ErrorKind::Docker,
            "cannot reach db1:5000",
        ),
        (
            "failed to resolve reference \"db1:5000/app:1\": failed to do request: Head \
             \"https://db1:5000/v2/app/manifests/1\": http: server gave HTTP response to HTTPS client",
            ErrorKind::Docker,
            "insecure-registries",
        ),
        ("no matching manifest for linux/arm64 in the manifest list entries", NotFound, "another platform"),
        ("toomanyrequests: You have reached your pull rate limit.", Docker, "wait, or"),
        (
            "Get \"https://db1:5000/v2/\": http: server gave HTTP response to HTTPS client",
            Docker,
            "insecure-registries",
        ),
        (
            "Get \"https://db1:5000/v2/\": x509: certificate signed by unknown authority",
            Docker,
            "/etc/docker/certs.d/db1:5000/ca.crt",
        ),
        ("Get \"https://db1:5000/v2/\": dial tcp: lookup db1: no such host", Docker, "cannot reach db1:5000"),
        ("Get \"https://db1:5000/v2/\": dial tcp 192.0.2.1:5000: connect: connection refused", Docker, "cannot reach"),
        ("disk on fire", Docker, ""),
    ] {
        let error = failed("db1:5000/app:1", words);
        assert_eq!((error.kind(), error.subject()), (kind, "db1:5000/app:1"), "{error}");
        assert!(error.message().contains(words), "{error}");
        let next = error.next_step().unwrap_or_default();
        assert!(next.contains(hint) && next.is_empty() == hint.is_empty(), "{words}: {next}");
    }
    let fake = engine(|_| Reply::Json(404, r#"{"message":"pull access denied for app"}"#.into()));
    assert_eq!(pulled(&fake, "app").expect_err("refused").kind(), PermissionDenied);
}

#[test]
fn a_stream_that_is_cut_or_falls_silent_is_an_error() {
    let cut = engine(|_| {
        Reply::Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n10\r\n{\"status\":\"a\"}\r\n\r\n")
    });
    let error = pulled(&cut, "app").expect_err("cut");
    assert_eq!(error.kind(), ErrorKind::Docker, "{error}");
    assert!(error.message().contains("pull app"), "{error}");
    let half = engine(|_| Reply::Raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"status\":\"Pul"));
    assert!(pulled(&half, "app").is_err());
    for silent in [&b""[..], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"status\":\"a\"}\r\n\r\n"] {
        let fake = engine(move |_| Reply::Hang(silent));
        let error = pulled_by(&fake.hasty(), "app").expect_err("silent");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.message().contains("pull app"), "{error}");
    }
}

#[test]
fn a_helper_that_fails_is_named_when_the_registry_turns_us_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("a file");
    write("config.json", r#"{"credsStore": "broken"}"#);
    write("docker-credential-broken", "#!/bin/sh\necho no session bus\nexit 1\n");
    let program = directory.path().join("docker-credential-broken");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let keychain =
        Keychain { directory: Some(directory.path().to_owned()), path: Some(directory.path().as_os_str().to_owned()) };
    let fake = engine(|_| Reply::Json(401, r#"{"message":"unauthorized"}"#.into()));
    let error = block_on(fake.client_with(keychain.clone()).act(&pull("app", None), &|_| {})).expect_err("refused");
    let hint = error.next_step().unwrap_or_default();
    assert!(hint.contains("docker-credential-broken: no session bus") && hint.contains("docker login"), "{error:?}");
    // What is for everybody is had all the same.
    let open = engine(|_| Reply::Lines(vec![]));
    block_on(open.client_with(keychain).act(&pull("app", None), &|_| {})).expect("pulled");
    assert!(open.requests().iter().all(|request| request.header("x-registry-auth").is_none()));
}
