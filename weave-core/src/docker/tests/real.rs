//! A real engine. Needs root, and fails without it.

#[path = "../../../tests/support/lab/mod.rs"]
pub(crate) mod lab;

use serde_json::{Value, json};

use self::lab::{DockerOptions, Host, HostOptions, IMAGE, Lab};
use super::super::Engine;
use super::block_on;
use crate::observed::{Container, ContainerScope, Status};
use crate::plan::container::ContainerStep;
use crate::{Error, ErrorKind};

/// A host and the client of its engine.
struct Scene {
    host: Host,
    engine: Engine,
}

impl Scene {
    fn act(&self, step: &ContainerStep) -> crate::Result<Vec<String>> {
        block_on(self.engine.act(step, &|_| {}))
    }

    #[track_caller]
    fn done(&self, steps: &[ContainerStep]) {
        for step in steps {
            self.act(step).unwrap_or_else(|error| panic!("{step}: {error:?}"));
        }
    }

    #[track_caller]
    fn refused(&self, step: &ContainerStep, kind: ErrorKind, subject: &str, hint: &str) -> Error {
        let error = self.act(step).expect_err(hint);
        assert_eq!((error.kind(), error.subject()), (kind, subject), "{error:?}");
        assert!(error.next_step().is_some_and(|next| next.contains(hint)), "{error:?}");
        error
    }

    fn look(&self, name: &str) -> Option<Container> {
        let scope = ContainerScope { names: vec![name.into()], ..ContainerScope::default() };
        block_on(self.engine.look_at_containers(&scope)).expect("a look").containers.remove(name)
    }

    fn inspect(&self, name: &str) -> Value {
        let text = self.host.docker(&["container", "inspect", name]).must();
        serde_json::from_str::<Value>(&text).expect("JSON")[0].take()
    }
}

fn create(name: &str, mut body: Value) -> ContainerStep {
    body["Image"] = json!(body["Image"].as_str().unwrap_or(IMAGE));
    // Process 1 ignores SIGTERM unless it handles it.
    body["StopSignal"] = json!("SIGKILL");
    ContainerStep::Create { name: name.into(), platform: None, body, line: String::new() }
}

fn start(name: &str) -> ContainerStep {
    ContainerStep::Start { name: name.into() }
}

fn stop(name: &str) -> ContainerStep {
    ContainerStep::Stop { name: name.into() }
}

fn rename(from: &str, to: &str) -> ContainerStep {
    ContainerStep::Rename { from: from.into(), to: to.into() }
}

fn remove(name: &str) -> ContainerStep {
    ContainerStep::Remove { name: name.into(), volumes: true }
}

fn sleeping() -> Value {
    json!({"Cmd": ["sleep", "1000000"], "HostConfig": {"NetworkMode": "none"}})
}

#[test]
fn containers_of_a_real_engine() {
    let lab = Lab::new();
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::default());
    let engine = Engine::connect(Some(&host.docker_host())).expect("an address");
    let scene = Scene { host, engine };
    the_version(&scene);
    a_life(&scene);
    looked_at_as_it_is(&scene);
    ours(&scene);
    images(&scene);
    refusals(&scene);
}

fn the_version(scene: &Scene) {
    let told = block_on(scene.engine.version()).expect("a version").api_version;
    let newest: u16 = told.trim_start_matches("1.").parse().expect("a number");
    assert_eq!(block_on(scene.engine.create_version()).expect("a version"), newest.min(53));
}

fn a_life(scene: &Scene) {
    let status = |name: &str| scene.look(name).map(|container| container.status);
    let mut body = sleeping();
    body["Volumes"] = json!({"/data": {}});
    scene.done(&[create("web", body)]);
    assert_eq!(status("web"), Some(Status::Created));
    // Each of them twice: it is so already.
    scene.done(&[start("web"), start("web")]);
    assert_eq!(status("web"), Some(Status::Running));
    let after = json!({"Memory": 64 << 20, "MemorySwap": 64 << 20, "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}});
    scene.done(&[ContainerStep::Update { name: "web".into(), after, before: json!({}) }]);
    let web = scene.look("web").expect("web");
    assert_eq!(
        (&web.host_config["Memory"], &web.host_config["RestartPolicy"]["Name"]),
        (&json!(64 << 20), &json!("on-failure"))
    );
    scene.done(&[rename("web", "web.weave-old"), create("web", sleeping())]);
    let scope = ContainerScope { names: vec!["web".into()], ..ContainerScope::default() };
    let both = block_on(scene.engine.look_at_containers(&scope)).expect("a look").containers;
    assert_eq!(both.keys().collect::<Vec<_>>(), ["web", "web.weave-old"]);
    scene.done(&[stop("web.weave-old"), stop("web.weave-old")]);
    assert_eq!(status("web.weave-old"), Some(Status::Exited));
    let volumes = || scene.host.docker(&["volume", "ls", "-q"]).must().lines().count();
    assert_eq!(volumes(), 1);
    scene.done(&[remove("web.weave-old"), remove("web.weave-old"), start("web"), remove("web")]);
    assert_eq!((status("web"), volumes()), (None, 0));
    // One that removes itself when it stops.
    let mut body = sleeping();
    body["HostConfig"]["AutoRemove"] = json!(true);
    scene.done(&[create("brief", body), start("brief"), stop("brief"), remove("brief")]);
    assert_eq!(status("brief"), None);
}

fn looked_at_as_it_is(scene: &Scene) {
    let body = json!({
        "Cmd": ["sleep", "1000000"], "Env": ["A=1"], "Labels": {"aa": "bb"}, "StopTimeout": 3,
        "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {
            "Binds": ["/tmp:/host:ro", "named:/named"], "Memory": 64 << 20, "NanoCpus": 500_000_000,
            "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}, "CapAdd": ["NET_ADMIN"],
            "Mounts": [{"Type": "tmpfs", "Target": "/fast", "TmpfsOptions": {"SizeBytes": 65536}}],
            "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 2048}], "LogConfig": {"Type": "none", "Config": {}},
        },
    });
    scene.done(&[create("full", body), start("full")]);
    let (seen, wanted) = (scene.look("full").expect("full"), scene.inspect("full"));
    assert_eq!(seen.config, wanted["Config"]);
    assert_eq!(seen.host_config, wanted["HostConfig"]);
    assert_eq!(seen.networks, wanted["NetworkSettings"]["Networks"]);
    let mut mounts = wanted["Mounts"].as_array().expect("a list").clone();
    mounts.sort_by_key(|mount| mount["Destination"].to_string());
    assert_eq!(seen.mounts, json!(mounts));
    assert_eq!((json!(seen.id), json!(seen.image_id)), (wanted["Id"].clone(), wanted["Image"].clone()));
    assert_eq!((&seen.config["StopTimeout"], &seen.host_config["NanoCpus"]), (&json!(3), &json!(500_000_000)));
    // The beginning of its id is not its name.
    assert_eq!(scene.look(&seen.id[..12]), None);
    // The port of the next one is taken, by a container and by a process.
    let body = |port: &str| {
        json!({"Cmd": ["sleep", "1"], "ExposedPorts": {"80/tcp": {}},
               "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}}})
    };
    scene.done(&[create("second", body("8080"))]);
    scene.refused(&start("second"), ErrorKind::Conflict, "second", "127.0.0.1:8080 is taken");
    scene.done(&[remove("second"), remove("full")]);
    scene.host.docker(&["volume", "rm", "named"]).must();
}

fn ours(scene: &Scene) {
    let mut body = sleeping();
    body["Labels"] = json!({"weave.made": "1"});
    scene.done(&[create("mine", body), create("foreign", sleeping())]);
    let scope = ContainerScope { ours: true, ..ContainerScope::default() };
    let seen = block_on(scene.engine.look_at_containers(&scope)).expect("a look");
    assert_eq!(seen.containers.keys().collect::<Vec<_>>(), ["mine"]);
    scene.done(&[remove("mine"), remove("foreign")]);
}

fn images(scene: &Scene) {
    let scope = ContainerScope {
        images: vec!["busybox".into(), IMAGE.into(), "nosuch".into(), "db1.invalid:5000/a/b:1".into()],
        latest: vec!["127.0.0.1:1/nosuch:1".into()],
        ..ContainerScope::default()
    };
    let seen = block_on(scene.engine.look_at_containers(&scope)).expect("a look");
    assert_eq!(seen.images.keys().collect::<Vec<_>>(), ["busybox", IMAGE]);
    let wanted = scene.host.docker(&["image", "inspect", "--format", "{{.Id}}", IMAGE]).must();
    assert_eq!(seen.images["busybox"].id, wanted.trim());
    assert_eq!(seen.images["busybox"].config["Cmd"], json!(["sh"]));
    let why = seen.latest["127.0.0.1:1/nosuch:1"].as_ref().expect_err("nobody listens there");
    assert!(why.contains("127.0.0.1:1") && why.contains("connection refused"), "{why}");
    let pull = ContainerStep::Pull { image: "127.0.0.1:1/nosuch:1".into(), platform: None };
    scene.refused(&pull, ErrorKind::Docker, "127.0.0.1:1/nosuch:1", "cannot reach 127.0.0.1:1");
}

fn refusals(scene: &Scene) {
    use ErrorKind::{Conflict, ContainerNotRunning, NotFound, PermissionDenied};
    scene.refused(&create("aa", json!({"Image": "nosuch:1"})), NotFound, "aa", "docker pull nosuch:1");
    scene.refused(&start("aa"), NotFound, "aa", "docker ps -a");
    scene.refused(&stop("aa"), NotFound, "aa", "docker ps -a");
    scene.done(&[create("aa", sleeping())]);
    let id = scene.look("aa").expect("aa").id;
    scene.refused(&create("aa", sleeping()), Conflict, "aa", &format!("container {} has that name", &id[..12]));
    scene.done(&[create("bb", json!({"Cmd": ["nosuch"], "HostConfig": {"NetworkMode": "none"}}))]);
    scene.refused(&start("bb"), NotFound, "bb", "another command");
    scene.refused(&rename("bb", "aa"), Conflict, "bb", &format!("container {} has that name", &id[..12]));
    scene.done(&[remove("bb"), create("bb", json!({"Cmd": ["/nosuch"], "HostConfig": {"NetworkMode": "none"}}))]);
    scene.refused(&start("bb"), NotFound, "bb", "another command");
    scene.done(&[remove("bb"), create("bb", json!({"Cmd": ["/etc"], "HostConfig": {"NetworkMode": "none"}}))]);
    scene.refused(&start("bb"), PermissionDenied, "bb", "rights");
    scene.done(&[remove("bb"), create("bb", json!({"HostConfig": {"NetworkMode": "container:aa"}}))]);
    scene.refused(&start("bb"), ContainerNotRunning, "bb", "start the other");
    scene.done(&[remove("bb")]);
    let network = create("bb", json!({"HostConfig": {"NetworkMode": "nosuch"}}));
    // Engines refuse it when it is made, or when it is started.
    let error = scene.act(&network).and_then(|_| scene.act(&start("bb"))).expect_err("no network");
    assert_eq!((error.kind(), error.subject()), (NotFound, "bb"), "{error:?}");
    assert!(error.next_step().is_some_and(|hint| hint.contains("docker network")), "{error:?}");
    let mount = json!({"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/nosuch", "Target": "/x"}]}});
    scene.refused(&create("cc", mount), NotFound, "cc", "make that path");
    let volume = json!({"HostConfig": {"Mounts": [
        {"Type": "volume", "Source": "v", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Name": "nosuch"}}}]}});
    scene.refused(&create("cc", volume), NotFound, "cc", "docker plugin ls");
    let mut foreign = create("cc", sleeping());
    if let ContainerStep::Create { platform, .. } = &mut foreign {
        *platform = Some("linux/s390x".into());
    }
    scene.refused(&foreign, NotFound, "cc", "another platform");
    scene.done(&[remove("aa"), remove("bb"), remove("cc")]);
}
