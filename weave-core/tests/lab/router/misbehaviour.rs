//! The ways in which the stand-in fails its callers when it is told to.

use std::time::Duration;

use super::exchange::{LARGEST, ask, lab, send, with_env};
use crate::lab::{PATIENCE, wait_until};
use crate::network::common::NEVER;

const REPORT: &str = "GET /report HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n";

/// What a router that misbehaves answers within a time, as soon as it is enough.
fn answer(how: &str, limit: Duration, enough: usize) -> Vec<u8> {
    let (_lab, hosts) = lab(1);
    let _router = hosts[0].start_router(&with_env("", "ROUTER_MISBEHAVES", how));
    let mut bytes = None;
    wait_until(PATIENCE, || {
        bytes = send(&hosts[0], REPORT, limit, enough);
        bytes.is_some()
    });
    bytes.unwrap_or_else(|| panic!("{how}: nobody listens"))
}

#[test]
fn a_mute_router_says_nothing() {
    assert_eq!(answer("mute", NEVER, 1), b"");
}

#[test]
fn a_slow_router_says_one_byte_after_the_other() {
    // It would take half an hour to say it all.
    let said = answer("slow", PATIENCE, 3);
    assert!(said.starts_with(b"HTT") && said.len() < 20, "{said:?}");
}

#[test]
fn garbage_is_no_http() {
    let said = answer("garbage", PATIENCE, LARGEST);
    assert!(!said.is_empty() && !said.starts_with(b"HTTP"), "{said:?}");
}

#[test]
fn an_endless_answer_has_no_end() {
    assert!(answer("endless", PATIENCE, LARGEST).len() >= LARGEST);
}

#[test]
fn nonsense_is_no_report_but_the_rest_is_right() {
    let (_lab, hosts) = lab(1);
    let _router = hosts[0].start_router(&with_env("", "ROUTER_MISBEHAVES", "nonsense"));
    let mut status = None;
    wait_until(PATIENCE, || {
        status = ask(&hosts[0], "GET", "/status", None, &[]);
        status.is_some()
    });
    assert!(status.is_some_and(|answer| answer.status == "200 OK" && answer.body.contains("Service: router")));
    let report = ask(&hosts[0], "GET", "/report", Some("application/json"), &[]).expect("an answer");
    assert_eq!((report.status.as_str(), report.body.as_str()), ("200 OK", "this is no report"));
}

#[test]
fn a_router_that_ends_at_once_says_so() {
    let (_lab, hosts) = lab(1);
    for (how, why) in [("exit", "ends at once"), ("wrong", "ROUTER_MISBEHAVES is `wrong`; allowed: ")] {
        let mut router = hosts[0].start_router(&with_env("", "ROUTER_MISBEHAVES", how));
        assert_eq!(router.exit(), Some(1));
        assert!(router.log().contains(why), "{}", router.log());
    }
}
