//! What goes with a container, and what it finds on the other side.

use std::net::IpAddr;

use super::scene::{APP, Scene, files, listed};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 2, 1, 4));

#[test]
fn a_container_goes_with_its_image_its_files_and_its_addresses() {
    let scene = Scene::new();
    scene.run(&["--restart=always", "-e", "A=1", "--memory=64m", "-h", "web.example.com"]);
    assert!(scene.watcher.await_ping(ADDRESS));
    let before = files(&scene.a);
    let to = scene.b.docker_host();
    let planned = scene.done(&scene.a, &["--check", "migrate", "web", "--to", &to]);
    assert_eq!((listed(&scene.a), listed(&scene.b)), ("web running".to_owned(), String::new()), "{planned:#}");

    let done = scene.moved(&[]);
    assert_eq!(planned["steps"], done["steps"], "it did not do what it had said");
    assert_eq!((listed(&scene.a), listed(&scene.b)), (String::new(), "web running".to_owned()), "{done:#}");
    assert_eq!(files(&scene.b), before);
    assert!(scene.watcher.ping(ADDRESS), "who knew it has to reach it at once");
    let web = scene.b.container("web");
    let shown =
        web.inspect("{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}} {{.Config.Hostname}} {{.Config.Image}}");
    assert_eq!(shown.trim(), format!("always 67108864 web.example.com {APP}"));
    let result = &done["result"];
    assert_eq!(
        (&result["image"], &result["volumes"]),
        (&"transferred".into(), &serde_json::json!(["/data", "/named"]))
    );
    assert!(result["bytes"].as_u64() > Some(2 << 20) && result["away_seconds"].as_f64() > Some(0.0), "{result:#}");

    let again = scene.moved(&[]);
    assert_eq!((&again["changed"], &again["steps"]), (&false.into(), &serde_json::json!([])), "{again:#}");
}
