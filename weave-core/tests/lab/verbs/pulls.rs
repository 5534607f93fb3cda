//! Images from a real registry: fetched where they are missing, or newer there, and only then.

use serde_json::json;

use super::containers::{engine, fields, four, settle};
use super::{WEAVE, problem, refused, report, write};
use crate::lab::{DockerOptions, Entrance, Host, HostOptions, IMAGE, Lab, Registry, Snapshot, assert_same};

const APP: &str = "127.0.0.1:5000/team/app:1";

/// The document of a container with the image, fetched as `pull` says, or `ensure: latest`.
fn document(host: &Host, pull: &str) -> String {
    let how = if pull == "latest" { "ensure: latest".to_owned() } else { format!("pull: {pull}") };
    let text = format!(
        "containers:\n  web: {{ip: 10.2.1.4/24, image: '{APP}', {how}, command: sleep 1000000, \
         options: --stop-signal=SIGKILL}}\n"
    );
    write(host, &text)
}

/// The id of the image that the engine has by that name; nothing where it has none.
fn image(host: &Host) -> String {
    host.docker(&["image", "inspect", "--format", "{{.Id}}", APP]).stdout.trim().to_owned()
}

/// The ids of the container and of its image.
fn ids(host: &Host) -> (String, String) {
    let web = host.container("web");
    (web.inspect("{{.Id}}"), web.inspect("{{.Image}}"))
}

/// Nothing of the host, its containers and its images changes meanwhile.
#[track_caller]
fn untouched<T>(host: &Host, job: impl FnOnce() -> T) -> T {
    let line = "{{.Repository}} {{.Tag}} {{.Digest}} {{.ID}}";
    let look = || (engine(host), host.docker(&["images", "--no-trunc", "--digests", "--format", line]).must());
    let (kernel, before) = (Snapshot::of(host.netns()), look());
    let result = job();
    assert_same(&kernel, &Snapshot::of(host.netns()));
    assert_eq!(look(), before);
    result
}

#[test]
fn images_of_a_registry() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    host.weave(&["launch", "192.0.2.2"]).must();
    let registry = Registry::start(&host, Entrance::Open);
    host.docker(&["tag", IMAGE, APP]).must();
    host.docker(&["push", APP]).must();
    host.docker(&["rmi", IMAGE, APP]).must();

    missing(&host);
    the_same(&host);
    newer(&host);
    nowhere(&host);
    drop(registry);
    out_of_reach(&host);
}

fn missing(host: &Host) {
    for pull in ["missing", "always"] {
        let document = document(host, pull);
        let planned = untouched(host, || report(host, &["--check", "apply", &document], 2));
        assert_eq!(planned["steps"][0], format!("docker pull {APP}"), "{planned:#}");
        assert_eq!(image(host), "");
        let done = four(host, &["apply", &document]);
        assert_eq!(done["changes"][0]["subject"], format!("images.{APP}"), "{done:#}");
        assert_eq!(fields(&done)[..3], ["digest", "image", "state"], "{done:#}");
        assert_ne!(image(host), "");
        host.weave(&["rm", "web"]).must();
        settle(host);
        host.docker(&["rmi", APP]).must();
    }
}

fn the_same(host: &Host) {
    report(host, &["apply", &document(host, "always")], 2);
    let line = ["run", "10.2.1.4/24", "--name", "web", "--stop-signal=SIGKILL"];
    let latest = untouched(host, || report(host, &["apply", &document(host, "latest")], 0));
    assert_eq!((&latest["changes"], &latest["steps"]), (&json!([]), &json!([])), "{latest:#}");
    for pull in ["always", "missing", "never"] {
        untouched(host, || {
            let done = report(host, &["apply", &document(host, pull)], 0);
            assert_eq!((&done["changes"], &done["steps"]), (&json!([]), &json!([])), "{done:#}");
            let pull = format!("--pull={pull}");
            report(host, &[&line[..], &[&pull, APP, "sleep", "1000000"]].concat(), 0);
        });
    }
}

/// Somebody pushes another image under the same name.
fn newer(host: &Host) {
    let (container, old) = ids(host);
    let made = host.docker(&["create", APP, "sh"]).must();
    host.docker(&["commit", "--change", "LABEL newer=1", made.trim(), APP]).must();
    host.docker(&["rm", made.trim()]).must();
    host.docker(&["push", APP]).must();
    let new = image(host);
    // It was on another host: this one does not have it.
    host.docker(&["rmi", "-f", &new]).must();
    host.docker(&["tag", &old, APP]).must();
    assert_ne!(new, old);

    untouched(host, || {
        report(host, &["apply", &document(host, "missing")], 0);
        report(host, &["apply", &document(host, "never")], 0);
    });
    let done = untouched(host, || report(host, &["--check", "apply", &document(host, "always")], 2));
    assert!(done["warnings"] == json!([]) && done["errors"] == json!([]), "{done:#}");
    let same = untouched(host, || report(host, &["--check", "apply", &document(host, "latest")], 2));
    assert_eq!((&same["changes"], &same["steps"]), (&done["changes"], &done["steps"]));
    let done = four(host, &["apply", &document(host, "latest")]);
    assert_eq!(fields(&done), ["digest", "image", "ips"], "{done:#}");
    let digest = done["changes"][0]["before"].as_str().expect("a digest");
    assert!(digest.starts_with("127.0.0.1:5000/team/app@sha256:"), "{done:#}");
    let named = &done["changes"][1];
    assert_eq!((&named["subject"], &named["before"]), (&json!("containers.web"), &json!(old)), "{done:#}");
    assert_eq!(named["after"], format!("a newer {APP}"), "{done:#}");
    let (renewed, its) = ids(host);
    assert_ne!(renewed, container);
    assert_eq!((its.as_str(), image(host).as_str()), (new.as_str(), new.as_str()));
    assert_eq!(host.container("web").inspect("{{.Config.Labels.newer}}"), "1");
}

fn nowhere(host: &Host) {
    let none = "127.0.0.1:5000/team/none:1";
    for (pull, words) in [
        ("never", ["`pull: never` forbids", "docker load"]),
        ("missing", ["not found", "no such tag"]),
        ("always", ["ask the registry", "no such tag"]),
    ] {
        let text = format!("containers: {{db: {{image: '{none}', pull: {pull}}}}}\n");
        let path = write(host, &text);
        let done = untouched(host, || report(host, &["apply", &path], 1));
        assert_eq!((&done["changed"], &done["steps"]), (&false.into(), &json!([])), "{done:#}");
        let error = problem(&done);
        assert_eq!(error.subject, none, "{error:?}");
        for word in words {
            assert!(error.message.contains(word) || error.hint.contains(word), "`{word}`: {error:?}");
        }
        untouched(host, || refused(host, &["run", "--name", "db", &format!("--pull={pull}"), none]));
    }
}

fn out_of_reach(host: &Host) {
    untouched(host, || {
        for mode in [&["--check"][..], &[]] {
            let path = document(host, "always");
            let done = report(host, &[mode, &["apply", &path]].concat(), 1);
            assert_eq!((&done["changed"], &done["steps"]), (&false.into(), &json!([])), "{done:#}");
            problem(&done).says("docker", APP, &["ask the registry", "127.0.0.1:5000", "registry is in reach"]);
        }
        // Who does not ask for the newest needs no registry.
        report(host, &["apply", &document(host, "missing")], 0);
        let error = refused(host, &["run", "--name", "db", "127.0.0.1:5000/team/none:1"]);
        assert!(error.message.contains("refused") || error.message.contains("reach"), "{error:?}");
    });
}
