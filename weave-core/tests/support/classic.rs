//! A host on which a router may run in a container: its images, passwords, and what is compared of containers.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use weave_core::observed::{Image, LinkKind};
use weave_core::plan::container::ContainerStep;

use super::fixture::{add_link, docker};
use super::memory_host::{Portrait, World};

/// The image that the engine has, and one that only the registry has.
pub(crate) const IMAGES: [&str; 2] = ["weaveworks/weave:2.8.1", "registry.example.com/weave:2.9"];

/// A secret that must show nowhere.
pub(crate) const PASSWORD: &str = "correct-horse-battery";

/// The host of the fixture, with images of routers.
pub(crate) fn host() -> World {
    let mut world = docker();
    let image = |name: &str| Image {
        id: format!("sha256:{:0>64}", name.len()),
        digests: vec![format!("{name}@sha256:{:0>64}", name.len())],
        config: json!({"Entrypoint": ["/home/weave/weaver"]}),
    };
    let [here, there] = IMAGES;
    world.engine.images.insert(here.to_owned(), image(here));
    world.engine.registry.insert(there.to_owned(), image(there));
    world
}

/// Somebody runs a container of that name by hand.
pub(crate) fn foreign_container(world: &mut World, name: &str) {
    let body = json!({"Image": IMAGES[0], "Cmd": ["sleep"], "HostConfig": {}});
    let create = ContainerStep::Create { name: name.to_owned(), platform: None, body, line: String::new() };
    world.execute_container(&create).unwrap();
    world.execute_container(&ContainerStep::Start { name: name.to_owned() }).unwrap();
}

/// Somebody made a link of that name.
pub(crate) fn foreign_link(world: &mut World, name: &str) {
    add_link(&mut world.host, name, LinkKind::Other("dummy".to_owned()), 1500, &[]);
}

/// The absolute path of a file with a password, which only its owner reads.
pub(crate) fn password_file(name: &str, password: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, format!("{password}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Links, packet filter, routers, and containers by name, without what is drawn by lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) portrait: Portrait,
    /// By name: whether it runs, and what it was made of.
    pub(crate) containers: BTreeMap<String, (bool, String)>,
}

impl Look {
    pub(crate) fn of(world: &World) -> Self {
        let containers = world.engine.containers.iter().map(|(name, made)| {
            let container = &made.container;
            (name.clone(), (container.runs(), format!("{} {}", container.config, container.host_config)))
        });
        Self { portrait: world.portrait(), containers: containers.collect() }
    }

    /// What differs, for a message.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let containers = if self.containers == other.containers {
            String::new()
        } else {
            format!("- {:#?}\n+ {:#?}\n", self.containers, other.containers)
        };
        self.portrait.difference(&other.portrait) + &containers
    }
}
