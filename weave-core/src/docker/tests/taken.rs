//! A name that is taken by what a run that was killed had ordered.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::super::fake::Reply;
use super::orders::{act, create, engine};
use crate::ErrorKind;

const TAKEN: &str = r#"{"message":"Conflict. The container name \"/web\" is already in use by container \"f00d\"."}"#;

fn no_content() -> Reply {
    Reply::Raw(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
}

fn found(status: &str, labels: &Value) -> Reply {
    let found = json!({"Id": "f00d", "Name": "/web", "State": {"Status": status}, "Config": {"Labels": labels}});
    Reply::Json(200, found.to_string())
}

#[test]
fn what_a_killed_run_had_ordered_makes_room() {
    let (creates, looks) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let fake = engine(move |path| match path.split('?').next().unwrap_or_default() {
        "containers/create" if creates.fetch_add(1, Ordering::SeqCst) < 2 => Reply::Json(409, TAKEN.into()),
        "containers/create" => Reply::Json(201, r#"{"Id":"beef","Warnings":[]}"#.into()),
        // The engine gives the name first, and shows the container later.
        "containers/web/json" if looks.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::Json(404, r#"{"message":"No such container: web"}"#.into())
        }
        "containers/web/json" => found("created", &json!({"weave.made": "1"})),
        "containers/f00d" => no_content(),
        path => panic!("{path}"),
    });
    act(&fake, &create(json!({"Image": "busybox"}))).expect("made");
    let removed = fake.requests().iter().filter(|request| request.method == "DELETE").count();
    assert_eq!(removed, 1);
}

#[test]
fn what_somebody_made_or_started_does_not() {
    for (status, labels) in
        [("created", json!({})), ("running", json!({"weave.made": "1"})), ("exited", json!({"weave.made": "1"}))]
    {
        let there = labels.clone();
        let fake = engine(move |path| match path {
            "containers/web/json" => found(status, &there),
            _ => Reply::Json(409, TAKEN.into()),
        });
        let error = act(&fake, &create(json!({"Image": "busybox"}))).expect_err("taken");
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Conflict, "web"), "{status} {labels}");
        assert!(fake.requests().iter().all(|request| request.method != "DELETE"), "{status} {labels}");
    }
}
