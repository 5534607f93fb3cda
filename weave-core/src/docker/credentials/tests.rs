//! The client's configuration in tables, and helpers that are scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

const HUB: &str = "https://index.docker.io/v1/";

/// A directory with a configuration, and perhaps helpers.
struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = Self(tempfile::tempdir().expect("a directory"));
        fs::write(home.0.path().join("config.json"), config).expect("a file");
        home
    }

    fn helper(self, name: &str, script: &str) -> Self {
        let file = self.0.path().join(format!("docker-credential-{name}"));
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a program");
        // Another test that starts a program at this moment has the file open for writing, until its own program runs.
        let busy =
            || std::process::Command::new(&file).stdin(std::process::Stdio::null()).output().map_err(|e| e.kind());
        while busy().is_err_and(|kind| kind == std::io::ErrorKind::ExecutableFileBusy) {
            std::thread::yield_now();
        }
        self
    }

    fn look_up(&self, registry: &str) -> Result<Key> {
        let path = std::env::join_paths([self.0.path()]).expect("a path");
        Keychain { directory: Some(self.0.path().to_owned()), path: Some(path) }.look_up(registry)
    }

    fn found(&self, registry: &str) -> Value {
        let key = self.look_up(registry).unwrap_or_else(|error| panic!("{registry}: {error}"));
        assert_eq!(key.trouble, None);
        let Value::Object(found) = json!(key.credentials) else { return Value::Null };
        found.into_iter().filter(|(key, value)| key != "serveraddress" && !value.is_null()).collect()
    }

    fn error(&self, registry: &str) -> Error {
        self.look_up(registry).map(drop).expect_err("an error")
    }
}

fn basic(text: &str) -> String {
    STANDARD.encode(text)
}

#[test]
fn the_file_is_read_as_the_client_reads_it() {
    let login = json!({"username": "me", "password": "se:cret"});
    for (config, registry, wanted) in [
        (json!({}), HUB, Value::Null),
        (json!({"auths": null, "credsStore": "", "credHelpers": null}), HUB, Value::Null),
        (json!({"auths": {HUB: {"auth": basic("me:se:cret")}}}), HUB, login.clone()),
        (json!({"auths": {HUB: {"auth": basic("me:se:cret")}}}), "ghcr.io", Value::Null),
        (json!({"auths": {"db1:5000": {"auth": basic("me:se:cret"), "email": "x"}}}), "db1:5000", login.clone()),
        (json!({"auths": {"db1:5000": {"auth": basic("me:se:cret")}}}), "db1", Value::Null),
        (json!({"auths": {"https://db1:5000/v1/": {"auth": basic("me:se:cret")}}}), "db1:5000", login.clone()),
        (json!({"auths": {"http://db1:5000": {"auth": basic("me:se:cret")}}}), "db1:5000", login.clone()),
        (json!({"auths": {"index.docker.io": {"auth": basic("me:se:cret")}}}), HUB, login.clone()),
        (json!({"auths": {"a.io": {"auth": basic("me:se:cret\0\0")}}}), "a.io", login.clone()),
        (json!({"auths": {"a.io": {"username": "me", "password": "se:cret"}}}), "a.io", login.clone()),
        (json!({"auths": {"a.io": {}}}), "a.io", Value::Null),
        (json!({"auths": {"a.io": {"auth": ""}}}), "a.io", Value::Null),
        (json!({"auths": {"a.io": {"identitytoken": "t"}}}), "a.io", json!({"identitytoken": "t"})),
        (
            json!({"auths": {"a.io": {"auth": basic("me:"), "identitytoken": "t"}}}),
            "a.io",
            json!({"username": "me", "password": "", "identitytoken": "t"}),
        ),
        (json!({"auths": {"a.io": {"registrytoken": "t"}}}), "a.io", json!({"registrytoken": "t"})),
        // A helper that is not installed.
        (json!({"credsStore": "nosuch", "auths": {"a.io": {"auth": basic("me:se:cret")}}}), "a.io", Value::Null),
        // One for another registry.
        (json!({"credHelpers": {"b.io": "nosuch"}, "auths": {"a.io": {"auth": basic("me:se:cret")}}}), "a.io", login),
    ] {
        assert_eq!(Home::new(&config.to_string()).found(registry), wanted, "{config} {registry}");
    }
    assert_eq!(Home::new("").found(HUB), Value::Null);
}

#[test]
fn no_configuration_is_no_error() {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("file"), "").expect("a file");
    for directory in [None, Some("nosuch"), Some("."), Some("file")] {
        let keychain = Keychain { directory: directory.map(|name| home.path().join(name)), path: None };
        assert!(keychain.look_up(HUB).is_ok_and(|key| key.credentials.is_none() && key.trouble.is_none()));
    }
}

#[test]
fn a_broken_file_is_named_and_its_secrets_are_not() {
    for config in [
        r#"{"auths": {"a.io": {"auth": "c2VjcmV0"#,
        r#"{"auths": "c2VjcmV0"}"#,
        r#"{"auths": {"a.io": "c2VjcmV0"}}"#,
        r#"{"auths": {"a.io": {"auth": "c2VjcmV0"}}}"#,
        r#"{"auths": {"a.io": {"auth": "secret"}}}"#,
        r#"{"credsStore": "../secret-c2VjcmV0/x"}"#,
    ] {
        let home = Home::new(config);
        let error = home.error("a.io");
        assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{config}");
        assert_eq!(error.subject(), home.0.path().join("config.json").display().to_string());
        assert!(error.message().contains("allowed: "), "{error}");
        let told = format!("{error:?}");
        assert!(config.contains("credsStore") || !told.contains("c2VjcmV0") && !told.contains("secret"), "{told}");
    }
    // Another registry's entry does not matter.
    let home = Home::new(r#"{"auths": {"b.io": {"auth": "secret"}, "a.io": {"auth": "bWU6eA=="}}}"#);
    assert_eq!(home.found("a.io"), json!({"username": "me", "password": "x"}));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir(home.path().join("config.json")).expect("a directory");
    let keychain = Keychain { directory: Some(home.path().to_owned()), path: None };
    let error = keychain.look_up(HUB).map(drop).expect_err("a directory is no file");
    assert!(error.subject().ends_with("config.json") && error.raw_errno() == Some(21), "{error:?}");
}

#[test]
fn helpers_are_asked_with_the_registry_on_standard_input() {
    let answer =
        r#"[ "$1" = get ] && read -r url; echo "{\"ServerURL\":\"$url\",\"Username\":\"$url\",\"Secret\":\"s\"}""#;
    let config = json!({"credsStore": "all", "credHelpers": {"a.io": "one"}, "auths": {"a.io": {}, "b.io": {}}});
    let home = Home::new(&config.to_string())
        .helper("all", answer)
        .helper("one", r#"cat >/dev/null; echo '{"Username":"<token>","Secret":"t"}'"#);
    assert_eq!(home.found("a.io"), json!({"identitytoken": "t"}));
    assert_eq!(home.found("b.io"), json!({"username": "b.io", "password": "s"}));
    assert_eq!(home.found(HUB), json!({"username": HUB, "password": "s"}));
}

#[test]
fn helpers_that_know_nothing_are_no_trouble_and_those_that_fail_are() {
    let config = r#"{"credsStore": "it"}"#;
    let unknown = "echo credentials not found in native keychain; exit 1";
    assert_eq!(Home::new(config).helper("it", unknown).found(HUB), Value::Null);
    for (script, words) in [
        ("echo no session bus; exit 1", "docker-credential-it: no session bus"),
        ("exit 7", "exit status: 7"),
        ("kill -9 $$", "signal: 9"),
        ("echo topsecret", "makes no sense"),
        ("true", "makes no sense"),
    ] {
        let key = Home::new(config).helper("it", script).look_up(HUB).expect("no error");
        assert!(key.credentials.is_none());
        let trouble = key.trouble.expect("trouble");
        assert!(trouble.contains(words) && !trouble.contains("topsecret"), "{script}: {trouble}");
    }
    // A file that may not be run is no program.
    let home = Home::new(config).helper("it", "echo no");
    let file = home.0.path().join("docker-credential-it");
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("a file");
    assert_eq!(home.found(HUB), Value::Null);
}

#[test]
fn a_helper_that_does_not_end_is_ended() {
    let start = Instant::now();
    let error = helper::run(Command::new("sleep").arg("100"), "", Duration::from_millis(50)).expect_err("too long");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(start.elapsed() < Duration::from_secs(5));
}
