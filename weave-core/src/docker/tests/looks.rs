//! Looks at containers and images.

use serde_json::{Value, json};

use super::super::credentials::Keychain;
use super::super::fake::{FakeEngine, Reply};
use super::block_on;
use crate::ErrorKind;
use crate::observed::{ContainerScope, Status};

fn inspected(id: &str, name: &str) -> Value {
    json!({
        "Id": id, "Name": format!("/{name}"), "Image": "sha256:1", "FieldOfTheFuture": 1,
        "State": {"Status": "exited", "ExitCode": 3, "StartedAt": "2026-01-01T00:00:01.5Z"},
        "Config": {"Image": "busybox", "Labels": {"weave.made": "1"}, "Future": {"a": [1]}, "StopTimeout": 5},
        "HostConfig": {"NetworkMode": "default", "Binds": null, "KernelMemoryTCP": 0},
        "NetworkSettings": {"Networks": {"bridge": {"GwPriority": 0, "Odd": true}}, "Ports": {}},
        "Mounts": [{"Type": "kindof2030", "Name": "v", "Destination": "/data"}],
    })
}

fn not_found() -> Reply {
    Reply::Json(404, r#"{"message":"No such thing"}"#.into())
}

/// The question for those that hold the network of another.
const HOLDERS: &str = "containers/json?all=1&filters=%7B%22label%22%3A%5B%22weave.holds%22%5D%7D";

fn nothing() -> Reply {
    Reply::Json(200, "[]".into())
}

fn names(names: &[&str]) -> ContainerScope {
    ContainerScope { names: names.iter().map(ToString::to_string).collect(), ..ContainerScope::default() }
}

#[test]
fn a_container_is_kept_as_the_engine_writes_it() {
    let fake = FakeEngine::speaking(24, 51, |path| match path {
        "containers/web/json" => Reply::Json(200, inspected("f00d", "web").to_string()),
        HOLDERS => nothing(),
        _ => not_found(),
    });
    let seen = block_on(fake.client().look_at_containers(&names(&["web", "/db", "../x"]))).expect("a look");
    assert_eq!(seen.containers.keys().collect::<Vec<_>>(), ["web"]);
    let (web, wanted) = (&seen.containers["web"], inspected("f00d", "web"));
    assert_eq!((web.id.as_str(), web.status, web.exit_code), ("f00d", Status::Exited, 3));
    assert_eq!((web.started_at.as_str(), web.image_id.as_str()), ("2026-01-01T00:00:01.5Z", "sha256:1"));
    for (kept, written) in [
        (&web.config, &wanted["Config"]),
        (&web.host_config, &wanted["HostConfig"]),
        (&web.networks, &wanted["NetworkSettings"]["Networks"]),
        (&web.mounts, &wanted["Mounts"]),
    ] {
        // The order of the keys too.
        assert_eq!(kept.to_string(), written.to_string());
    }
    assert_eq!(web.label("weave.made"), Some("1"));
    let mut paths = fake.paths();
    // Which version a request will be made in, too.
    paths.retain(|path| !path.ends_with("_ping"));
    paths.sort();
    let asked = ["db.weave-new", "db.weave-old", "db", "web.weave-new", "web.weave-old", "web"];
    let mut asked: Vec<String> = asked.iter().map(|name| format!("/v1.44/containers/{name}/json")).collect();
    asked.push(format!("/v1.44/{HOLDERS}"));
    asked.sort();
    assert_eq!(paths, asked);
}

#[test]
fn what_holds_the_network_of_a_container_is_looked_at_with_it() {
    let holder =
        |id: &str, of: &str| json!({"Id": id, "Names": [format!("/{of}.weave-net")], "Labels": {"weave.holds": of}});
    let listed = json!([holder("aa", "web"), holder("bb", "db")]).to_string();
    let fake = FakeEngine::speaking(24, 51, move |path| match path {
        HOLDERS => Reply::Json(200, listed.clone()),
        "containers/aa/json" => Reply::Json(200, inspected("aa", "web.weave-net").to_string()),
        _ => not_found(),
    });
    let seen = block_on(fake.client().look_at_containers(&names(&["web"]))).expect("a look");
    assert_eq!(seen.containers.keys().collect::<Vec<_>>(), ["web.weave-net"]);
    assert!(!fake.paths().iter().any(|path| path.contains("bb")));
}

#[test]
fn the_beginning_of_an_id_is_no_name() {
    let fake = FakeEngine::speaking(24, 51, |path| match path {
        HOLDERS => nothing(),
        _ => Reply::Json(200, inspected("f00d", "web").to_string()),
    });
    assert!(block_on(fake.client().look_at_containers(&names(&["f0"]))).expect("a look").containers.is_empty());
}

#[test]
fn ours_are_found_by_their_label_and_looked_at_once() {
    let fake = FakeEngine::speaking(24, 51, |path| match path {
        "containers/json?all=1&filters=%7B%22label%22%3A%5B%22weave.made%3D1%22%5D%7D" => Reply::Json(
            200,
            json!([
                {"Id": "aa", "Names": ["/web"]},
                {"Id": "bb", "Names": ["/web/alias", "/db"]},
                {"Id": "cc", "Names": null},
            ])
            .to_string(),
        ),
        "containers/web/json" => Reply::Json(200, inspected("aa", "web").to_string()),
        "containers/bb/json" => Reply::Json(200, inspected("bb", "db").to_string()),
        _ => not_found(),
    });
    let scope = ContainerScope { ours: true, ..names(&["web"]) };
    let seen = block_on(fake.client().look_at_containers(&scope)).expect("a look");
    assert_eq!(seen.containers.keys().collect::<Vec<_>>(), ["db", "web"]);
    assert!(!fake.paths().contains(&"/v1.44/containers/aa/json".to_owned()), "{:?}", fake.paths());
}

#[test]
fn of_many_only_those_that_are_there_are_looked_at() {
    let fake = FakeEngine::speaking(24, 51, |path| match path {
        "containers/json?all=1" => Reply::Json(
            200,
            json!([
                {"Id": "aa", "Names": ["/c3/alias", "/c7"]},
                {"Id": "bb", "Names": ["/c3.weave-old"]},
                {"Id": "cc", "Names": ["/stranger"]},
                {"Id": "dd", "Names": ["/c5"]},
            ])
            .to_string(),
        ),
        "containers/aa/json" => Reply::Json(200, inspected("aa", "c7").to_string()),
        "containers/bb/json" => Reply::Json(200, inspected("bb", "c3.weave-old").to_string()),
        // Gone since it was listed.
        _ => not_found(),
    });
    let many: Vec<String> = (0..10).map(|number| format!("c{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let seen = block_on(fake.client().look_at_containers(&names(&many))).expect("a look");
    assert_eq!(seen.containers.keys().collect::<Vec<_>>(), ["c3.weave-old", "c7"]);
    let looks = fake.paths().into_iter().filter(|path| path.ends_with("/json")).count();
    assert_eq!(looks, 3, "{:?}", fake.paths());
}

#[test]
fn every_status_is_known_and_those_of_the_future_are_told_by_their_process() {
    for (state, wanted) in [
        (json!({"Status": "created"}), Status::Created),
        (json!({"Status": "running"}), Status::Running),
        (json!({"Status": "paused"}), Status::Paused),
        (json!({"Status": "restarting"}), Status::Restarting),
        (json!({"Status": "removing"}), Status::Removing),
        (json!({"Status": "exited"}), Status::Exited),
        (json!({"Status": "dead"}), Status::Dead),
        (json!({"Status": "dreaming", "Running": true}), Status::Running),
        (json!({"Status": "dreaming", "Running": false}), Status::Exited),
    ] {
        let body = json!({"Id": "f00d", "Name": "/web", "State": state}).to_string();
        let fake = FakeEngine::speaking(24, 51, move |path| match path {
            HOLDERS => nothing(),
            _ => Reply::Json(200, body.clone()),
        });
        let seen = block_on(fake.client().look_at_containers(&names(&["web"]))).expect("a look");
        assert_eq!(seen.containers["web"].status, wanted, "{state}");
    }
}

#[test]
fn images_are_found_by_reference() {
    let fake = FakeEngine::speaking(24, 51, |path| match path {
        "images/db1:5000/team/app:1/json" => Reply::Json(
            200,
            json!({"Id": "sha256:2", "RepoDigests": ["db1:5000/team/app@sha256:3"], "Config": {"Cmd": ["sh"]}})
                .to_string(),
        ),
        _ => not_found(),
    });
    let images = ["db1:5000/team/app:1", "nosuch", "../../version"].map(str::to_owned).to_vec();
    let scope = ContainerScope { images, ..ContainerScope::default() };
    let seen = block_on(fake.client().look_at_containers(&scope)).expect("a look");
    assert_eq!(seen.images.len(), 1, "{seen:?}");
    let image = &seen.images["db1:5000/team/app:1"];
    assert_eq!((image.id.as_str(), &image.config), ("sha256:2", &json!({"Cmd": ["sh"]})));
    assert_eq!(image.digests, ["db1:5000/team/app@sha256:3"]);
    let asked = fake.paths().into_iter().filter(|path| !path.ends_with("_ping")).count();
    assert_eq!(asked, 2, "{:?}", fake.paths());
}

#[test]
fn what_the_registry_does_not_tell_is_no_failure_of_the_look() {
    let fake = FakeEngine::speaking(24, 51, |path| match path {
        "distribution/app:latest/json" => {
            Reply::Json(200, json!({"Descriptor": {"digest": "sha256:9"}, "Platforms": []}).to_string())
        }
        "distribution/slow:latest/json" => Reply::Hang(b""),
        "distribution/secret:latest/json" => {
            Reply::Json(401, r#"{"message":"unauthorized: authentication required"}"#.into())
        }
        _ => not_found(),
    });
    let latest = ["app", "slow", "secret", "a b"].map(str::to_owned).to_vec();
    let scope = ContainerScope { latest, ..ContainerScope::default() };
    let seen = block_on(fake.client_within(5, 20).look_at_containers(&scope)).expect("a look").latest;
    assert_eq!(seen["app"], Ok("sha256:9".into()));
    for (reference, words) in [
        ("slow", &["docker.io", "did not answer"][..]),
        ("secret", &["authentication required (HTTP 401)", "`docker login`"]),
        ("a b", &["no image reference"]),
    ] {
        let why = seen[reference].as_ref().expect_err(reference);
        assert!(words.iter().all(|word| why.contains(word)), "{why}");
    }
}

#[test]
fn a_registry_is_told_who_asks() {
    let directory = tempfile::tempdir().expect("a directory");
    // The secret has all bytes that differ between the two alphabets of base64.
    let config = json!({"auths": {"db1:5000": {"username": "me", "password": "??>>~~ÿ"}}});
    std::fs::write(directory.path().join("config.json"), config.to_string()).expect("a file");
    let fake =
        FakeEngine::speaking(24, 51, |_| Reply::Json(200, json!({"Descriptor": {}, "Platforms": []}).to_string()));
    let keychain = Keychain { directory: Some(directory.path().to_owned()), path: None };
    let scope = ContainerScope { latest: vec!["db1:5000/app".into()], ..ContainerScope::default() };
    let seen = block_on(fake.client_with(keychain).look_at_containers(&scope)).expect("a look");
    assert!(seen.latest["db1:5000/app"].as_ref().is_err_and(|why| why.contains("tells none")), "{seen:?}");
    let request = &fake.requests()[0];
    let header = request.header("x-registry-auth").expect("credentials");
    use base64::Engine as _;
    let sent = base64::engine::general_purpose::URL_SAFE.decode(header).expect("the alphabet of addresses");
    let sent: Value = serde_json::from_slice(&sent).expect("JSON");
    assert_eq!((&sent["username"], &sent["password"]), (&json!("me"), &json!("??>>~~ÿ")));
    assert_eq!(sent["serveraddress"], "db1:5000");
}

#[test]
fn an_engine_that_does_not_answer_fails_the_look() {
    let silent = FakeEngine::start(|_| Reply::Hang(b""));
    let many: Vec<String> = (0..100).map(|number| format!("c{number}")).collect();
    let scope = ContainerScope { names: many, ..ContainerScope::default() };
    let start = std::time::Instant::now();
    let error = block_on(silent.hasty().look_at_containers(&scope)).expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    // A hundred in rounds of sixteen would take seven deadlines of a second.
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    assert!(silent.paths().len() <= 16, "{}", silent.paths().len());
    let broken = FakeEngine::speaking(24, 51, |_| Reply::Json(500, r#"{"message":"disk on fire"}"#.into()));
    let error = block_on(broken.client().look_at_containers(&names(&["web"]))).expect_err("no sense");
    assert!(error.message().contains("disk on fire"), "{error}");
    for body in ["not json", "[]x", ""] {
        let senseless = FakeEngine::speaking(24, 51, move |_| Reply::Json(200, body.into()));
        let error = block_on(senseless.client().look_at_containers(&names(&["web"]))).expect_err("no sense");
        assert!(error.message().contains("makes no sense"), "{error}");
    }
}

#[test]
fn one_in_a_hurry_is_waited_for_once() {
    let silent = FakeEngine::start(|_| Reply::Hang(b""));
    let hurried = silent.client().in_a_hurry();
    let asked = || {
        let error = block_on(hurried.look_at_containers(&names(&["web"]))).expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.next_step().is_some_and(|hint| hint.contains("only about to start")), "{error}");
        silent.paths()
    };
    let first = asked();
    assert!(!first.is_empty());
    assert_eq!(asked(), first);
}

#[test]
fn an_answer_without_a_container_in_it_is_none() {
    let odd = FakeEngine::speaking(24, 51, |_| Reply::Json(200, "[]".into()));
    let error = block_on(odd.client().look_at_containers(&names(&["web"]))).expect_err("no sense");
    assert!(error.message().contains("makes no sense"), "{error}");
}
