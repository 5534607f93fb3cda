//! Two hosts with real engines. Needs root, and fails without it.

mod engines;
mod images;
mod likeness;
mod places;
mod programs;
mod volumes;

use serde_json::Value;

use super::End;
use crate::docker::Engine;
use crate::docker::tests::real::lab::{self, DockerOptions, Host, HostOptions, Lab};
use crate::observed::{Container, ContainerScope};

/// What the tests carry.
const TOKEN: &str = "web";

/// Two hosts, and their ends.
struct Scene {
    here: Host,
    there: Host,
    from: End,
    to: End,
    lab: Lab,
}

impl Scene {
    fn new() -> Self {
        Self::with(&DockerOptions::quiet())
    }

    fn with(options: &DockerOptions) -> Self {
        let lab = Lab::new();
        let (here, there) = (lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default()));
        here.start_docker(options);
        there.start_docker(options);
        let (from, to) = (end(&here), end(&there));
        Self { here, there, from, to, lab }
    }

    /// Nothing of what served to carry is left.
    fn is_clean(&self) {
        for host in [&self.here, &self.there] {
            // The engine removes what has ended a moment later.
            let gone = || host.docker(&["ps", "-aq", "--filter", "label=weave.carries"]).must().is_empty();
            assert!(lab::wait_until(lab::PATIENCE, gone), "{}", host.docker(&["ps", "-a"]).must());
        }
    }
}

fn end(host: &Host) -> End {
    End::here(&Engine::connect(Some(&host.docker_host())).expect("an address"))
}

fn block_on<T: Send>(work: impl Future<Output = T> + Send) -> T {
    crate::blocking::run(work)
}

fn look(end: &End, name: &str) -> Container {
    let scope = ContainerScope { names: vec![name.into()], ..ContainerScope::default() };
    block_on(end.engine.look_at_containers(&scope)).expect("a look").containers.remove(name).expect("the container")
}

fn inspect(host: &Host, what: &str, name: &str) -> Value {
    let text = host.docker(&[what, "inspect", name]).must();
    serde_json::from_str::<Value>(&text).expect("JSON")[0].take()
}
