//! The client against a fake engine, and a real one.

mod looks;
pub(crate) mod nobody;
mod orders;
mod pulls;
pub(crate) mod real;
mod refusals;
mod registry;
mod taken;
mod versions;

use std::time::{Duration, Instant};

use super::fake::{FakeEngine, Reply};
use super::{Engine, EngineVersion, Found};
use crate::observed::TargetProblem;
use crate::{ErrorKind, Result};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

fn web(_path: &str) -> Reply {
    let body = serde_json::json!({
        "Id": "f00d", "Name": "/web", "Created": "2026-01-01T00:00:00.5Z",
        "State": {"Status": "running", "Running": true, "Pid": 4711, "StartedAt": "2026-01-01T00:00:01.5Z"},
        "HostConfig": {"NetworkMode": "default"},
        "FieldOfTheFuture": {"nested": [1]},
    });
    Reply::Json(200, body.to_string())
}

fn find(engine: &Engine, names: &[&str]) -> Vec<std::result::Result<Found, TargetProblem>> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    block_on(engine.find(&names))
}

fn found() -> Found {
    Found {
        id: "f00d".into(),
        name: "web".into(),
        pid: 4711,
        started_at: "2026-01-01T00:00:01.5Z".into(),
        host_network: false,
        held: false,
    }
}

fn engine_words(result: &std::result::Result<Found, TargetProblem>) -> &str {
    match result {
        Err(TargetProblem::Engine(words)) => words,
        other => panic!("not a problem of the engine: {other:?}"),
    }
}

#[test]
fn a_current_engine_is_asked_once() {
    for (oldest, newest) in [(24, 44), (24, 51), (44, 52), (44, 60)] {
        let fake = FakeEngine::speaking(oldest, newest, web);
        assert_eq!(find(&fake.client(), &["web"]), [Ok(found())], "1.{oldest} to 1.{newest}");
        assert_eq!(fake.paths(), ["/v1.44/containers/web/json"]);
    }
}

#[test]
fn the_version_of_an_old_engine_is_learnt_once() {
    let fake = FakeEngine::speaking(12, 41, web);
    let engine = fake.client();
    assert_eq!(find(&engine, &["web"]), [Ok(found())]);
    assert_eq!(find(&engine, &["/web"]), [Ok(found())]);
    let wanted = ["/v1.44/containers/web/json", "/v1.41/containers/web/json", "/v1.41/containers/web/json"];
    assert_eq!(fake.paths(), wanted);
}

#[test]
fn an_engine_that_words_its_refusal_otherwise_is_asked_for_its_versions() {
    let fake = FakeEngine::refusing(12..=41, ["zu alt".into(), "zu neu".into()], web);
    assert_eq!(find(&fake.client(), &["web"]), [Ok(found())]);
    assert_eq!(fake.paths(), ["/v1.44/containers/web/json", "/version", "/v1.41/containers/web/json"]);
}

#[test]
fn the_version_of_a_future_engine_is_learnt() {
    let fake = FakeEngine::speaking(47, 70, web);
    assert_eq!(find(&fake.client(), &["web"]), [Ok(found())]);
    assert_eq!(fake.paths().last().map(String::as_str), Some("/v1.47/containers/web/json"));
}

#[test]
fn an_engine_without_a_common_version_is_refused_with_both_ranges() {
    let fake = FakeEngine::speaking(60, 70, web);
    let found = find(&fake.client(), &["web"]);
    let words = engine_words(&found[0]);
    assert!(words.contains("1.60 to 1.70") && words.contains("1.24 to 1.53"), "{words}");
}

#[test]
fn many_are_found_in_their_order_and_the_engine_is_asked_for_its_version_once() {
    let fake = FakeEngine::refusing(12..=41, ["zu alt".into(), "zu neu".into()], |path| {
        let name = path.trim_start_matches("containers/").trim_end_matches("/json");
        if name == "c7" {
            return Reply::Json(404, r#"{"message":"No such container: c7"}"#.into());
        }
        let body =
            serde_json::json!({"Id": name, "Name": format!("/{name}"), "State": {"Status": "running", "Pid": 1}});
        Reply::Json(200, body.to_string())
    });
    let names: Vec<String> = (0..100).map(|number| format!("c{number}")).collect();
    let found = block_on(fake.client().find(&names));
    for (number, result) in found.iter().enumerate() {
        match result {
            Ok(found) => assert_eq!(found.id, format!("c{number}")),
            Err(problem) => assert_eq!((number, problem), (7, &TargetProblem::Missing)),
        }
    }
    assert_eq!(fake.paths().iter().filter(|path| *path == "/version").count(), 1);
}

#[test]
fn refusals_keep_their_meaning_and_the_engines_words() {
    let fake = FakeEngine::speaking(24, 51, |path| match path {
        "containers/gone/json" => Reply::Json(404, r#"{"message":"No such container: gone"}"#.into()),
        "containers/f0/json" => Reply::Json(400, r#"{"message":"Multiple IDs found with provided prefix: f0"}"#.into()),
        "containers/busy/json" => Reply::Json(409, r#"{"message":"it is being removed"}"#.into()),
        "containers/mute/json" => Reply::Json(500, String::new()),
        _ => Reply::Json(500, "<html>proxy</html>".into()),
    });
    let found = find(&fake.client(), &["gone", "f0", "busy", "mute", "web", "no/name"]);
    assert_eq!(found[0], Err(TargetProblem::Missing));
    assert!(engine_words(&found[1]).contains("Multiple IDs found with provided prefix: f0"), "{found:?}");
    assert!(engine_words(&found[2]).contains("it is being removed (HTTP 409)"), "{found:?}");
    assert!(engine_words(&found[3]).contains("no reason given (HTTP 500)"), "{found:?}");
    assert!(engine_words(&found[4]).contains("<html>proxy</html> (HTTP 500)"), "{found:?}");
    assert_eq!(found[5], Err(TargetProblem::Missing));
}

#[test]
fn answers_without_sense_are_errors_and_no_panics() {
    const RAW: [&[u8]; 6] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot json!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Id\":\"f0",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"State\":{\"Pid\":\"seven\"}}",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ];
    for raw in RAW {
        let fake = FakeEngine::start(move |_| Reply::Raw(raw));
        let found = find(&fake.client(), &["web"]);
        let words = engine_words(&found[0]);
        assert!(words.contains(&fake.socket().display().to_string()), "{words}");
    }
}

#[test]
fn an_engine_that_hangs_costs_one_deadline_however_many_are_looked_up() {
    let fake = FakeEngine::start(|_| Reply::Hang(b""));
    let names: Vec<String> = (0..200).map(|number| format!("c{number}")).collect();
    let start = Instant::now();
    let found = block_on(fake.hasty().find(&names));
    // One after the other, as many at once as are asked, they would cost twelve deadlines of a second.
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert!(engine_words(&found[0]).contains("did not answer within 1 s"), "{:?}", found[0]);
    assert!(found.iter().all(|result| matches!(result, Err(TargetProblem::Engine(_)))));
}

#[test]
fn a_body_that_never_ends_and_a_version_that_never_comes_are_cut_off_too() {
    let endless = FakeEngine::start(|_| Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[{"));
    let versionless = FakeEngine::start(|path| match path {
        "/version" => Reply::Hang(b""),
        _ => Reply::Json(400, "{}".into()),
    });
    for fake in [endless, versionless] {
        let error = block_on(fake.hasty().networks()).expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

#[test]
fn an_absent_engine_is_named() {
    let engine = Engine::connect(Some("unix:///nonexistent/d.sock")).expect("connecting does nothing");
    let error = block_on(engine.version()).expect_err("no engine");
    assert_eq!(error.kind(), ErrorKind::Docker);
    assert!(error.message().contains("/nonexistent/d.sock: No such file"), "{error}");
    let found = find(&engine, &["web"]);
    assert!(engine_words(&found[0]).contains("DOCKER_HOST"), "{found:?}");
}

#[test]
fn a_socket_that_nobody_listens_on_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("d.sock");
    let _held = nobody::file(&path);
    let engine = Engine::connect(Some(&format!("unix://{}", path.display()))).expect("connecting does nothing");
    let error = block_on(engine.version()).expect_err("no engine");
    assert_eq!((error.kind(), error.raw_errno()), (ErrorKind::Docker, Some(111)), "{error}");
}

#[test]
fn an_engine_on_loopback_is_asked_over_tcp() {
    let (port, _held) = nobody::port();
    let address = format!("tcp://127.0.0.1:{port}");
    let error = block_on(Engine::connect(Some(&address)).expect("loopback").version()).expect_err("no engine");
    assert_eq!((error.kind(), error.raw_errno()), (ErrorKind::Docker, Some(111)), "{error}");
    assert!(error.message().contains(&address), "{error}");
}

#[test]
fn lists_are_read() -> Result<()> {
    let fake = FakeEngine::speaking(24, 51, |path| {
        match path {
        "networks" => Reply::Json(
            200,
            r#"[{"Name":"bridge","IPAM":{"Driver":"default","Config":[{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"}]}},
                {"Name":"none","IPAM":{"Config":null}},
                {"Name":"odd","IPAM":{"Config":[{"Subnet":""},{"Subnet":"fd00::/64"}]}}]"#
                .into(),
        ),
        other => panic!("unexpected path {other}"),
    }
    });
    let engine = fake.client();
    let subnet = |text: &str| text.parse().expect("a subnet");
    let networks = block_on(engine.networks())?;
    let wanted: [(String, Vec<ipnetwork::IpNetwork>); 3] = [
        ("bridge".into(), vec![subnet("172.17.0.0/16")]),
        ("none".into(), vec![]),
        ("odd".into(), vec![subnet("fd00::/64")]),
    ];
    assert_eq!(networks, wanted);
    let wanted = EngineVersion {
        version: "20.10.24".into(),
        api_version: "1.51".into(),
        min_api_version: "1.24".into(),
        podman: false,
    };
    assert_eq!(block_on(engine.version())?, wanted);
    Ok(())
}
