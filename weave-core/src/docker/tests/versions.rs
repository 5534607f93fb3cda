//! The API version that containers are made in.

use super::super::fake::{FakeEngine, Reply};
use super::block_on;
use crate::ErrorKind;

fn pong(path: &str) -> Reply {
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
        assert_eq!(fake.paths(), ["/v1.53/_ping"]);
    }
}

#[test]
fn an_engine_that_words_its_refusal_otherwise_is_asked_for_its_versions() {
    let fake = FakeEngine::refusing(12..=41, ["zu alt".into(), "zu neu".into()], pong);
    assert_eq!(block_on(fake.client().create_version()).expect("a version"), 41);
    assert_eq!(fake.paths(), ["/v1.53/_ping", "/version"]);
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
