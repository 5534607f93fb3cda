//! The API version that containers are made in.

use super::super::fake::{FakeEngine, Reply};
use super::super::podman;
use super::block_on;
use crate::ErrorKind;

fn pong(path: &str) -> Reply {
    if path == "libpod/_ping" {
        return Reply::Json(404, r#"{"message":"page not found"}"#.into());
    }
    assert_eq!(path, "_ping");
    Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
}

#[test]
fn it_is_the_newest_that_both_speak_and_is_learnt_once() {
    for (oldest, newest, wanted) in [(12, 41, 41), (24, 48, 48), (44, 53, 53), (44, 70, 53)] {
        let fake = FakeEngine::speaking(oldest, newest, pong);
        let engine = fake.client();
        assert_eq!(block_on(engine.create_version()).expect("a version"), wanted, "1.{oldest} to 1.{newest}");
        assert_eq!(block_on(engine.create_version()).expect("a version"), wanted);
        let asked: &[&str] = if newest < 53 { &["/v1.53/_ping"] } else { &["/v1.53/_ping", "/v1.53/libpod/_ping"] };
        assert_eq!(fake.paths(), asked);
        assert!(!block_on(engine.is_podman()).expect("an answer"));
    }
}

/// Podman 4.3.1 of Debian 12: it takes requests of any version.
#[test]
fn podman_is_known_by_what_only_it_has() {
    let fake = FakeEngine::start(|path| match path {
        "/version" => Reply::Json(
            200,
            r#"{"Platform":{"Name":"linux/amd64/debian-12"},"Components":[{"Name":"Podman Engine","Version":"4.3.1",
            "Details":{"APIVersion":"4.3.1","MinAPIVersion":"4.0.0"}}],"Version":"4.3.1","ApiVersion":"1.41",
            "MinAPIVersion":"1.24"}"#
                .into(),
        ),
        path => pong(path.rsplit_once('/').map_or(path, |(_, last)| last)),
    });
    let engine = fake.client();
    assert_eq!(block_on(engine.create_version()).expect("a version"), 41);
    assert!(block_on(engine.is_podman()).expect("an answer"));
    assert_eq!(fake.paths(), ["/v1.53/_ping", "/v1.53/libpod/_ping", "/version", "/version"]);
    assert!(block_on(engine.version()).expect("a version").podman);
    let error = podman::refuse("image");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("Podman") && error.next_step().is_some(), "{error}");
}

#[test]
fn an_engine_that_words_its_refusal_otherwise_is_asked_for_its_versions() {
    let fake = FakeEngine::refusing(12..=41, ["zu alt".into(), "zu neu".into()], pong);
    assert_eq!(block_on(fake.client().create_version()).expect("a version"), 41);
    assert_eq!(fake.paths(), ["/v1.53/_ping", "/version"]);
}

#[test]
fn who_says_yes_to_everything_is_no_podman() {
    let yes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK";
    let absent = || Reply::Json(404, r#"{"message":"page not found"}"#.into());
    let fake = FakeEngine::start(move |path| if path == "/version" { absent() } else { Reply::Raw(yes.as_bytes()) });
    assert!(!block_on(fake.client().is_podman()).expect("an answer"));
}

#[test]
fn none_in_common_and_no_answer_are_errors() {
    let future = FakeEngine::speaking(60, 70, pong);
    let error = block_on(future.client().create_version()).expect_err("nothing in common");
    assert!(error.message().contains("1.60 to 1.70") && error.message().contains("1.24 to 1.53"), "{error}");
    let silent = FakeEngine::start(|_| Reply::Hang(b""));
    let error = block_on(silent.hasty().create_version()).expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}
