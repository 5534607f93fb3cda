//! What is done with containers.

use serde_json::{Value, json};

use super::super::fake::{FakeEngine, Reply, Request};
use super::block_on;
use crate::plan::container::ContainerStep;
use crate::{ErrorKind, Result};

/// An engine of API 1.48 that answers its ping, and all else by `answer`.
pub(super) fn engine(answer: impl Fn(&str) -> Reply + Send + 'static) -> FakeEngine {
    FakeEngine::speaking(24, 48, move |path| match path {
        "_ping" => Reply::Json(200, "OK".into()),
        path => answer(path),
    })
}

pub(super) fn act(fake: &FakeEngine, step: &ContainerStep) -> Result<Vec<String>> {
    block_on(fake.client().act(step, &|_| {}))
}

/// The requests but those that find the version.
fn asked(fake: &FakeEngine) -> Vec<Request> {
    fake.requests().into_iter().filter(|request| !request.path.ends_with("_ping")).collect()
}

fn lines(fake: &FakeEngine) -> Vec<String> {
    asked(fake).iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

pub(super) fn create(body: Value) -> ContainerStep {
    ContainerStep::Create { name: "web".into(), platform: None, body, line: "docker create web".into() }
}

pub(super) fn start() -> ContainerStep {
    ContainerStep::Start { name: "web".into() }
}

pub(super) fn stop() -> ContainerStep {
    ContainerStep::Stop { name: "web".into() }
}

pub(super) fn remove() -> ContainerStep {
    ContainerStep::Remove { name: "web".into(), volumes: true }
}

fn no_content(_: &str) -> Reply {
    Reply::Raw(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
}

fn not_modified(_: &str) -> Reply {
    Reply::Raw(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")
}

fn gone(_: &str) -> Reply {
    Reply::Json(404, r#"{"message":"No such container: web"}"#.into())
}

#[test]
fn a_container_is_made_in_the_newest_version_with_all_of_its_body() {
    let fake = engine(|_| Reply::Json(201, r#"{"Id":"f00d","Warnings":["swap is off"]}"#.into()));
    let body = json!({
        "Image": "busybox", "Cmd": ["sleep", "1"], "Labels": {"weave.made": "1"}, "Volumes": {"/data": {}},
        "HostConfig": {"Memory": 4096, "RestartPolicy": {"Name": "always"}, "Binds": ["/a:/b"],
            "Mounts": [{"Type": "image", "Source": "busybox", "Target": "/i", "ImageOptions": {"Subpath": "bin"}}]},
        "NetworkingConfig": {"EndpointsConfig": {"a": {"GwPriority": 2}, "b": {}}},
    });
    let step = ContainerStep::Create {
        name: "web".into(),
        platform: Some("linux/amd64".into()),
        body: body.clone(),
        line: String::new(),
    };
    assert_eq!(act(&fake, &step).expect("made"), ["swap is off"]);
    let requests = asked(&fake);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path, "/v1.48/containers/create?name=web&platform=linux%2Famd64");
    let sent: Value = serde_json::from_str(&requests[0].body).expect("JSON");
    assert_eq!(sent, body);
}

#[test]
fn settings_that_would_be_lost_are_an_error_before_the_engine_is_asked() {
    let fake = engine(no_content);
    for (step, path) in [
        (create(json!({"Image": "busybox", "Imagine": 1})), "Imagine"),
        (create(json!({"Image": "busybox", "HostConfig": {"NanoCPUs": 1}})), "HostConfig.NanoCPUs"),
        (create(json!({"Image": 7})), "string"),
        (ContainerStep::Update { name: "web".into(), after: json!({"memory": 1}), before: json!({}) }, "memory"),
    ] {
        let error = act(&fake, &step).expect_err(path);
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Docker, "web"));
        assert!(error.message().contains(path), "{error}");
    }
    assert!(fake.requests().is_empty());
}

#[test]
fn each_step_is_one_request() {
    let update = json!({"Memory": 4096, "RestartPolicy": {"Name": "always"}});
    for (step, wanted, body) in [
        (start(), "POST /v1.48/containers/web/start", None),
        (
            ContainerStep::Rename { from: "web".into(), to: "web.weave-old".into() },
            "POST /v1.48/containers/web/rename?name=web.weave-old",
            None,
        ),
        (
            ContainerStep::Update { name: "web".into(), after: update.clone(), before: json!({}) },
            "POST /v1.48/containers/web/update",
            Some(update),
        ),
        (remove(), "DELETE /v1.48/containers/web?v=true&force=true&link=false", None),
        (
            ContainerStep::Remove { name: "web".into(), volumes: false },
            "DELETE /v1.48/containers/web?v=false&force=true&link=false",
            None,
        ),
    ] {
        let fake = engine(no_content);
        assert_eq!(act(&fake, &step).expect(wanted), Vec::<String>::new());
        assert_eq!(lines(&fake), [wanted]);
        let sent = &asked(&fake)[0].body;
        assert_eq!(body.map(|body| body.to_string()).unwrap_or_default(), *sent);
    }
}

#[test]
fn what_is_so_already_is_no_error() {
    for step in [start(), stop()] {
        let fake = engine(|path| if path.ends_with("/json") { gone(path) } else { not_modified(path) });
        act(&fake, &step).unwrap_or_else(|error| panic!("{step}: {error}"));
    }
    act(&engine(gone), &remove()).expect("gone is removed");
    for step in [start(), stop()] {
        let error = act(&engine(gone), &step).expect_err("gone");
        assert_eq!((error.kind(), error.subject()), (ErrorKind::NotFound, "web"), "{error}");
        assert!(error.next_step().is_some_and(|hint| hint.contains("docker ps -a")), "{error:?}");
    }
}

#[test]
fn a_removal_that_somebody_else_began_is_waited_for() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let fake = engine(move |path| {
        if path.ends_with("/json") && asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 2 {
            return gone(path);
        }
        match path {
            "containers/web/json" => Reply::Json(200, r#"{"Id":"f00d","Name":"/web"}"#.into()),
            _ => Reply::Json(409, r#"{"message":"removal of container web is already in progress"}"#.into()),
        }
    });
    act(&fake, &remove()).expect("removed in the end");
    assert_eq!(fake.paths().iter().filter(|path| path.ends_with("/json")).count(), 3);
    let stuck = engine(|path| match path {
        "containers/web/json" => Reply::Json(200, r#"{"Id":"f00d","Name":"/web"}"#.into()),
        _ => Reply::Json(409, r#"{"message":"removal of container web is already in progress"}"#.into()),
    });
    let error = block_on(stuck.hasty().act(&remove(), &|_| {})).expect_err("never removed");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

/// Seconds to wait for an answer, and for work.
const ANSWER: u64 = 3;
const WORK: u64 = 7;

/// Answers a moment after so many seconds, from a thread of the fake's own.
fn after(seconds: u64) -> Reply {
    std::thread::sleep(std::time::Duration::from_millis(seconds * 1000 + 300));
    no_content("")
}

/// What comes of an order to an engine that takes its time over it.
fn slowly(order: &ContainerStep, stop_timeout: &Value, reply: impl Fn() -> Reply + Send + 'static) -> Result<String> {
    let config = json!({"Id": "f00d", "Name": "/web", "Config": {"StopTimeout": stop_timeout}}).to_string();
    let fake = engine(move |path| match path {
        "containers/web/json" => Reply::Json(200, config.clone()),
        _ => reply(),
    });
    block_on(fake.client_within(ANSWER, WORK).act(order, &|_| {}))?;
    Ok(lines(&fake).pop().unwrap_or_default())
}

#[test]
fn work_has_more_time_than_an_answer_and_stopping_has_the_containers_own() {
    std::thread::scope(|scope| {
        scope.spawn(|| slowly(&start(), &Value::Null, || after(ANSWER)).expect("slow, but in time"));
        scope.spawn(|| {
            let error = slowly(&start(), &Value::Null, || Reply::Hang(b"")).expect_err("too slow");
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
            assert!(error.message().contains("start web: the Docker engine did not answer within 7 s"), "{error}");
        });
        for timeout in [json!(60), json!(-1), Value::Null] {
            scope.spawn(move || {
                let done = slowly(&stop(), &timeout, || after(WORK));
                let last = done.unwrap_or_else(|error| panic!("{timeout}: {error}"));
                // The engine itself knows how long; nobody tells it otherwise.
                assert_eq!(last, "POST /v1.48/containers/web/stop");
            });
        }
        scope.spawn(|| {
            let error = slowly(&stop(), &json!(0), || Reply::Hang(b"")).expect_err("too slow");
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        });
    });
}

#[test]
fn names_that_no_container_has_are_not_sent() {
    let fake = engine(no_content);
    let name = || "../images/prune".to_owned();
    for step in [
        ContainerStep::Start { name: name() },
        ContainerStep::Stop { name: name() },
        ContainerStep::Rename { from: name(), to: "web".into() },
        ContainerStep::Update { name: name(), after: json!({}), before: json!({}) },
    ] {
        assert_eq!(act(&fake, &step).expect_err("no name").kind(), ErrorKind::NotFound, "{step}");
    }
    act(&fake, &ContainerStep::Remove { name: name(), volumes: true }).expect("there is none");
    assert!(fake.requests().is_empty(), "{:?}", fake.requests());
}

#[test]
fn an_engine_that_is_not_there_is_its_own_subject() {
    let engine = super::Engine::connect(Some("unix:///nonexistent/d.sock")).expect("connecting does nothing");
    for step in [create(json!({"Image": "busybox"})), start(), stop(), remove()] {
        let error = block_on(engine.act(&step, &|_| {})).expect_err("no engine");
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Docker, "/nonexistent/d.sock"), "{error}");
        assert!(error.next_step().is_some_and(|hint| hint.contains("DOCKER_HOST")));
    }
}
