//! The engine's usual refusals: subject, kind, its own words, and what to do.

use serde_json::json;

use super::super::fake::Reply;
use super::orders::{act, create, engine, remove, start};
use crate::ErrorKind;
use crate::plan::container::ContainerStep;

#[track_caller]
fn refused(step: &ContainerStep, status: u16, words: &'static str, kind: ErrorKind, hint: &str) {
    let fake = engine(move |_| Reply::Json(status, json!({"message": words}).to_string()));
    let error = act(&fake, step).expect_err(words);
    assert_eq!((error.kind(), error.subject()), (kind, "web"), "{words}");
    assert!(error.message().contains(&format!("{words} (HTTP {status})")), "{error}");
    let next = error.next_step().unwrap_or_default();
    assert!(next.contains(hint) && next.is_empty() == hint.is_empty(), "{words}: {next}");
}

fn made() -> ContainerStep {
    create(json!({"Image": "db1:5000/app:1"}))
}

#[test]
fn of_making_a_container() {
    use ErrorKind::{Conflict, Docker, NotFound, PermissionDenied};
    for (status, words, kind, hint) in [
        (404, "No such image: db1:5000/app:1", NotFound, "docker pull db1:5000/app:1"),
        (
            409,
            "Conflict. The container name \"/web\" is already in use by container \
             \"0123456789abcdef0123456789abcdef\". You have to remove (or rename) that container to be able to reuse \
             that name.",
            Conflict,
            "container 0123456789ab has that name",
        ),
        (
            404,
            "image with reference db1:5000/app:1 was found but does not match the specified platform: wanted \
             linux/arm64, actual: linux/amd64",
            NotFound,
            "another platform",
        ),
        (
            400,
            "invalid mount config for type \"bind\": bind source path does not exist: /nosuch",
            NotFound,
            "make that path",
        ),
        (
            400,
            "create v: error looking up volume plugin nosuch: plugin \"nosuch\" not found",
            NotFound,
            "docker plugin ls",
        ),
        (404, "get v: no such volume", NotFound, "docker volume"),
        (500, "mkdir /var/lib/docker/overlay2/1: no space left on device", Docker, "docker system df"),
        (403, "authorization denied by plugin opa: no", PermissionDenied, "plugins"),
        (400, "No command specified", NotFound, "Say another command"),
        (400, "something new", Docker, ""),
        (409, "something new", Conflict, ""),
    ] {
        refused(&made(), status, words, kind, hint);
    }
}

#[test]
fn of_starting_one() {
    use ErrorKind::{Conflict, ContainerNotRunning, NotFound, PermissionDenied, Unsupported};
    for (status, words, kind, hint) in [
        (
            500,
            "driver failed programming external connectivity on endpoint web (0a): Bind for 0.0.0.0:8080 failed: port \
             is already allocated",
            Conflict,
            "0.0.0.0:8080 is taken",
        ),
        (
            500,
            "driver failed programming external connectivity on endpoint web (0a): Error starting userland proxy: \
             listen tcp4 0.0.0.0:8080: bind: address already in use",
            Conflict,
            "0.0.0.0:8080 is taken",
        ),
        (
            500,
            "failed to set up container networking: driver failed programming external connectivity on endpoint web \
             (0a): failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use",
            Conflict,
            "0.0.0.0:8080 is taken",
        ),
        (
            500,
            "driver failed programming external connectivity on endpoint web (0a): failed to bind host port \
             127.0.0.1:53/udp: address already in use",
            Conflict,
            "127.0.0.1:53/udp is taken",
        ),
        (500, "Bind for [::]:8080 failed: port is already allocated", Conflict, "[::]:8080 is taken"),
        (500, "listen tcp6 [::]:8080: bind: address already in use", Conflict, "[::]:8080 is taken"),
        (500, "port is already allocated", Conflict, "a port is taken"),
        (
            400,
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
             process: exec: \"nosuch\": executable file not found in $PATH: unknown",
            NotFound,
            "another command",
        ),
        (
            400,
            "OCI runtime create failed: runc create failed: unable to start container process: exec: \"/nosuch\": \
             stat /nosuch: no such file or directory: unknown",
            NotFound,
            "another command",
        ),
        (
            400,
            "OCI runtime create failed: runc create failed: unable to start container process: exec: \"/etc\": \
             permission denied: unknown",
            PermissionDenied,
            "rights of the file",
        ),
        (500, "exec /bin/app: exec format error", Unsupported, "another processor"),
        (404, "network nosuch not found", NotFound, "docker network"),
        (
            404,
            "could not find a network matching network mode nosuch: network nosuch not found",
            NotFound,
            "docker network",
        ),
        (409, "cannot join network of a non running container: 0a", ContainerNotRunning, "start the other"),
        (
            500,
            "could not select device driver \"\" with capabilities: [[gpu]]",
            Unsupported,
            "runtime for these devices",
        ),
        (500, "something new", ErrorKind::Docker, ""),
    ] {
        refused(&start(), status, words, kind, hint);
    }
}

#[test]
fn of_removing_one() {
    refused(
        &remove(),
        500,
        "container web: driver \"overlay2\" failed to remove root filesystem: unlinkat: operation not permitted",
        ErrorKind::PermissionDenied,
        "rights",
    );
}
