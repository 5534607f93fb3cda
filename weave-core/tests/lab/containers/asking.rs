//! An engine that makes containers twice: as weave asks, and as the docker client does.

use std::path::PathBuf;
use std::process::Command;

use bollard::models::{ContainerCreateBody, ContainerUpdateBody};
use bollard::query_parameters::{CreateContainerOptionsBuilder, InspectContainerOptions};
use bollard::{API_DEFAULT_VERSION, Docker};
use serde_json::Value as Json;
use tokio::runtime::Runtime;
use weave_core::observed::{Container, Image};
use weave_core::plan::container::Wish;
use weave_core::spec::{Options, Settings, options::parse_run, run::Command as Words};

use crate::lab::{DockerOptions, Host, HostOptions, Lab};

/// An image that sets whatever an image can set.
pub(super) const RICH: &str = "rich:1";

const FILES: [(&str, &str); 4] = [
    ("variables.env", "A=from file\nB=  kept\nCALLER\nNOBODY\nE=\n"),
    ("more.env", "A=more"),
    ("labels", "file=yes\ncom.example.a=b c\n"),
    ("profile.json", "{ \"defaultAction\" : \"SCMP_ACT_ALLOW\" }\n"),
];

/// One host with an engine.
pub(super) struct Asking {
    pub(super) host: Host,
    /// Where the files are that options name.
    pub(super) base: PathBuf,
    /// The engine speaks API 1.`minor`.
    pub(super) minor: u16,
    runtime: Runtime,
    docker: Docker,
    _lab: Lab,
}

impl Asking {
    pub(super) fn start() -> Self {
        let lab = Lab::new();
        let host = lab.add_host(HostOptions::default());
        host.start_docker(&DockerOptions::default());
        let tar = host.dir().join("image.tar").display().to_string();
        let changes = [
            "CMD [\"sh\"]",
            "ENV A=image PATH=/bin IMAGE=yes",
            "EXPOSE 99",
            "LABEL a=image of=image",
            "VOLUME /from/image",
            "WORKDIR /tmp",
            "USER 7",
            "HEALTHCHECK --interval=7s CMD true",
        ];
        let changes: Vec<&str> = changes.iter().flat_map(|change| ["--change", change]).collect();
        host.docker(&[&["import"], &changes[..], &[&tar, RICH]].concat()).must();
        let base = host.dir().join("base");
        std::fs::create_dir(&base).expect("a directory for files");
        for (name, text) in FILES {
            std::fs::write(base.join(name), text).expect("a file");
        }
        let version = host.docker(&["version", "--format", "{{.Server.APIVersion}}"]).must();
        let minor = version.trim().strip_prefix("1.").and_then(|minor| minor.parse().ok()).expect("a version");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let docker = runtime.block_on(async {
            let docker = Docker::connect_with_unix(&host.docker_host(), 120, API_DEFAULT_VERSION).expect("a client");
            docker.negotiate_version().await.expect("a version")
        });
        Self { host, base, minor, runtime, docker, _lab: lab }
    }

    /// What a line of `docker run` asks.
    pub(super) fn wish(&self, name: &str, line: &str, image: &str, command: &[&str]) -> Wish {
        let (options, rest) = parse_run(&shlex::split(line).expect("words")).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(rest.is_empty(), "{line}: {rest:?}");
        let caller = |name: &str| (name == "CALLER").then(|| "of the test".to_owned());
        let run = run(name, image, options, command);
        weave_core::kernel::wish(&run, &caller, &self.base).unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    /// Makes a container as weave does; otherwise the engine's words.
    pub(super) fn create(&self, name: &str, request: Json) -> Result<(), String> {
        let body: ContainerCreateBody = serde_json::from_value(request).map_err(|error| error.to_string())?;
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        let made = self.runtime.block_on(self.docker.create_container(Some(options), body));
        made.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Makes a container as the docker client does; otherwise its words.
    pub(super) fn create_by_client(&self, name: &str, line: &str, image: &str, command: &[&str]) -> Result<(), String> {
        let words = shlex::split(line).expect("words").into_iter().filter_map(for_create);
        let output = Command::new("docker")
            .arg("create")
            .args(words)
            .args(["--name", name, image])
            .args(command)
            .current_dir(&self.base)
            .env("CALLER", "of the test")
            .env("DOCKER_HOST", self.host.docker_host())
            .env("DOCKER_CONFIG", &self.base)
            .output()
            .expect("the docker client");
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
    }

    pub(super) fn update(&self, name: &str, request: Json) -> Result<(), String> {
        let body: ContainerUpdateBody = serde_json::from_value(request).map_err(|error| error.to_string())?;
        self.runtime.block_on(self.docker.update_container(name, body)).map_err(|error| error.to_string())
    }

    /// `docker inspect`.
    pub(super) fn inspect(&self, name: &str) -> Json {
        let found = self.runtime.block_on(self.docker.inspect_container(name, None::<InspectContainerOptions>));
        serde_json::to_value(found.unwrap_or_else(|error| panic!("{name}: {error}"))).expect("JSON")
    }

    pub(super) fn container(&self, name: &str) -> Container {
        container(&self.inspect(name))
    }

    pub(super) fn image(&self, name: &str) -> Image {
        let found = self.runtime.block_on(self.docker.inspect_image(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let found = serde_json::to_value(found).expect("JSON");
        Image { id: text(&found["Id"]), config: found["Config"].clone(), ..Image::default() }
    }

    pub(super) fn remove(&self, names: &[&str]) {
        self.host.docker(&[&["rm", "-f", "-v"], names].concat()).must();
    }
}

fn run(name: &str, image: &str, options: Options, command: &[&str]) -> Settings {
    Settings {
        name: name.to_owned(),
        image: image.to_owned(),
        command: (!command.is_empty()).then(|| Words::Words(command.iter().map(|word| (*word).to_owned()).collect())),
        options,
        state: weave_core::spec::run::RunState::default(),
        on_change: weave_core::spec::run::OnChange::default(),
        pull: weave_core::spec::run::Pull::default(),
        attach: weave_core::spec::run::AttachWhen::AfterStart,
    }
}

/// What `docker create` takes of what `docker run` takes.
fn for_create(word: String) -> Option<String> {
    match word.as_str() {
        "-d" | "-q" | "--sig-proxy=false" | "--detach-keys" | "ctrl-a" | "--pull=always" => None,
        "-itd" | "-dit" => Some("-it".to_owned()),
        _ => Some(word),
    }
}

fn container(found: &Json) -> Container {
    Container {
        id: text(&found["Id"]),
        name: text(&found["Name"]).trim_start_matches('/').to_owned(),
        status: serde_json::from_value(found["State"]["Status"].clone()).expect("a status"),
        image_id: text(&found["Image"]),
        config: found["Config"].clone(),
        host_config: found["HostConfig"].clone(),
        networks: found["NetworkSettings"]["Networks"].clone(),
        mounts: found["Mounts"].clone(),
        ..Container::default()
    }
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
