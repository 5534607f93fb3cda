//! A router in a container belongs to the network that a watch keeps, as long as there is an engine.

use super::{WEAVE, Watching, addresses, write};
use crate::lab::{DockerOptions, Host, HostOptions, Lab, ROUTER_IMAGE};

struct Scene {
    _lab: Lab,
    host: Host,
}

impl Scene {
    fn new() -> Self {
        let lab = Lab::new().with_weave(WEAVE);
        let host = lab.add_host(HostOptions::default());
        host.start_docker(&DockerOptions::quiet());
        host.import_router();
        Self { _lab: lab, host }
    }

    fn has_port(&self, link: &str) -> bool {
        self.host.exec(&["ip", "link", "show", "master", "weave"]).stdout.contains(link)
    }

    fn targets(&self) -> Vec<String> {
        let said = self.host.exec(&["curl", "-sS", "http://127.0.0.1:6784/status/targets"]).stdout;
        let mut all: Vec<String> = said.lines().map(str::to_owned).collect();
        all.sort_unstable();
        all
    }
}

#[test]
fn bridge_router_and_peers_come_back() {
    let scene = Scene::new();
    let host = &scene.host;
    let web = host.run_container("web", &["--network=none"]);
    let text = format!(
        "router: {{kind: image, image: '{ROUTER_IMAGE}'}}\npeers: [192.0.2.2, 192.0.2.3]\nexpose: \
         [10.2.1.1/24]\ncontainers: {{web: {{ip: 10.2.1.4/24}}}}\n"
    );
    let watching = Watching::begin(host, &["--resync", "2", &write(host, &text)]);
    let is_whole = || {
        scene.has_port("vethwe-bridge")
            && scene.targets() == ["192.0.2.2", "192.0.2.3"]
            && (addresses(host, "weave"), addresses(&web.netns(), "ethwe"))
                == ("10.2.1.1/24".into(), "10.2.1.4/24".into())
    };
    watching.wait("the network", is_whole);
    for damage in [
        "ip link delete weave",
        "ip link delete vethwe-bridge",
        // Nobody announces these, and they are found at the next look.
        "curl -sS -X POST -d peer=192.0.2.3 http://127.0.0.1:6784/forget",
        "docker rm -f -v weave",
    ] {
        watching.settle();
        let before = watching.count("weave_drift_total");
        match damage.strip_prefix("docker ") {
            Some(words) => drop(host.docker(&words.split(' ').collect::<Vec<_>>()).must()),
            None => drop(host.sh(damage).must()),
        }
        watching.wait(damage, || watching.count("weave_drift_total") > before && is_whole());
    }
    assert_eq!(watching.end(), 0);
}

/// One that nobody knows how to make is told, and all else is kept.
#[test]
fn a_router_that_is_gone_for_good_keeps_nothing_else_waiting() {
    let scene = Scene::new();
    let host = &scene.host;
    host.weave(&["launch", "--kind", "image", "--image", ROUTER_IMAGE, "192.0.2.2"]).must();
    let text = "router: {kind: image}\npeers: [192.0.2.2]\nexpose: [10.2.1.1/24]\n";
    let watching = Watching::begin(host, &["--resync", "2", &write(host, text)]);
    watching.wait("the exposure", || addresses(host, "weave") == "10.2.1.1/24");
    host.docker(&["rm", "-f", "-v", "weave"]).must();
    watching.await_log("no container `weave`");
    host.sh("ip address delete 10.2.1.1/24 dev weave").must();
    watching.wait("the exposure", || addresses(host, "weave") == "10.2.1.1/24");
    assert_eq!(watching.end(), 0);
}
