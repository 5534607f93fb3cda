//! Over the ways that there are between two real hosts.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::scene::{Scene, WEAVE, files, listed};
use crate::lab::DockerOptions;
use crate::lab::ways::{Sshd, certificates, over_tls, signed};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 2, 1, 4));

/// There, and back again where `options` say so, as `weave` on the first host is told with `way`.
fn goes(scene: &Scene, options: &[&str], way: &[&str], command: impl Fn(&[&str]) -> Command) {
    scene.run(&["--restart=always"]);
    let before = files(&scene.a);
    let run = |option: &str| {
        let output =
            command(&[&["--json", "migrate", "web", option][..], way].concat()).output().expect("weave to start");
        let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(
            output.status.success(),
            "{option} {way:?}: {said} {why}; {} and {}",
            listed(&scene.a),
            listed(&scene.b)
        );
        serde_json::from_str::<Value>(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    };
    for option in options {
        let (there, elsewhere) = if *option == "--to" { (&scene.b, &scene.a) } else { (&scene.a, &scene.b) };
        let done = run(option);
        assert_eq!((listed(there), listed(elsewhere)), ("web running".to_owned(), String::new()), "{done:#}");
        assert_eq!(files(there), before, "{done:#}");
        assert!(scene.watcher.await_ping(ADDRESS), "{done:#}");
        let again = run(option);
        assert_eq!(again["changed"], false, "{again:#}");
        // They stay where it was; it does not come back to them.
        elsewhere
            .sh(&format!("export DOCKER_HOST={}; docker volume rm $(docker volume ls -q)", elsewhere.docker_host()))
            .must();
    }
}

#[test]
fn over_ssh() {
    let scene = Scene::new();
    let dir = scene.b.dir().join("ssh");
    let sshd = Sshd::start(&scene.b, &dir);
    let home = scene.a.dir().join("home/.ssh");
    fs::create_dir_all(&home).expect("a directory");
    fs::write(home.join("known_hosts"), sshd.known(scene.b.v4())).expect("a file");
    sshd.admit(&home);
    let address = format!("ssh://root@{}", scene.b.v4());
    // ssh takes the home from the list of users. A mount of its namespace would keep a container's alive.
    let at_home = "mount --make-rprivate / && umount -a -t nsfs && mount --bind \"$0\" ~root && exec \"$@\"";
    let home = home.parent().expect("a directory").display().to_string();
    goes(&scene, &["--to", "--from"], &[&address], |args| {
        scene.command_of(
            Path::new("unshare"),
            &scene.a,
            &[&["--mount", "sh", "-c", at_home, &home, WEAVE], args].concat(),
        )
    });
}

#[test]
fn over_tcp_with_certificates() {
    let scene = Scene::new();
    let (b, v4) = (&scene.b, scene.b.v4());
    let [ours, client] = ["tls", "client"].map(|name| b.dir().join(name));
    certificates(&ours, &v4.to_string());
    signed(&ours, &client, "192.0.2.99");
    fs::copy(ours.join("ca.pem"), client.join("ca.pem")).expect("the authority");
    b.stop_docker();
    b.start_docker(&DockerOptions { args: over_tls(v4, &ours), ..DockerOptions::quiet() });
    let (address, client) = (format!("tcp://{v4}"), client.display().to_string());
    goes(&scene, &["--to", "--from"], &[&address, "--tls", &client], |args| scene.command(&scene.a, args));
}
