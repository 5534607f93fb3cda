//! Facts and schemas, compared with what docker, the kernel and `weave ps` say.

use serde_json::Value;

use super::{WEAVE, name, report};
use crate::lab::{DockerOptions, Host, HostOptions, Lab};

fn facts(host: &Host, args: &[&str]) -> Value {
    report(host, &[&["facts"], args].concat(), 0)
}

fn inspected(host: &Host, name: &str) -> Value {
    let text = host.docker(&["inspect", name]).must();
    let all: Value = serde_json::from_str(&text).expect("JSON");
    all[0].clone()
}

#[test]
fn facts_of_a_host_with_an_engine() {
    let lab = Lab::new().with_weave(WEAVE);
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions { iptables: false, ..DockerOptions::default() });
    let web = host.run_container("web", &["-e", "PASSWORD=secret", "--label", "a=b"]);
    let db = host.run_container("db.example.com", &["--network=none"]);
    host.docker(&["create", "--name", "idle", "busybox:latest", "true"]).must();

    let before = facts(&host, &[]);
    assert_eq!(before["result"]["weave_router_ip_on_docker_bridge"], Value::Null, "no router runs");
    assert_eq!(before["result"]["weave_networked_containers"]["container_count"], 0);

    host.weave(&["launch", "192.0.2.2", "192.0.2.3"]).must();
    host.weave(&["attach", "10.2.1.4/24", "10.3.1.4/24", "web"]).must();
    host.weave(&["attach", "10.2.1.5/24", "db.example.com"]).must();
    host.weave(&["expose", "10.2.1.1/24"]).must();
    let told = facts(&host, &["--show-env"]);
    assert_eq!((&told["changed"], &told["warnings"]), (&false.into(), &Value::Array(Vec::new())), "{told:#}");
    let told = &told["result"];

    hosted(&host, told);
    let masked = facts(&host, &[])["result"]["docker_hosted_containers"].clone();
    assert!(masked["web"]["Config"]["Env"].to_string().contains("PASSWORD=********"), "{masked:#}");
    assert!(!masked.to_string().contains("secret"));

    networked(
        &host,
        &told["weave_networked_containers"],
        &[(&web.inspect("{{.Id}}"), "web"), (&db.inspect("{{.Id}}"), db.name())],
    );

    let docker0 = host.docker(&["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]);
    let address = told["weave_router_ip_on_docker_bridge"].as_str().expect("an address");
    assert!(
        docker0.must().trim() == address
            || host.exec(&["ip", "-4", "address", "show", "docker0"]).must().contains(address)
    );
    assert_eq!(told["weave_peers"].as_array().map(Vec::len), Some(2), "{told:#}");
    let version = |format: &str| Value::from(host.docker(&["version", "--format", format]).must().trim());
    assert_eq!(told["weave_versions"]["engine"], version("{{.Server.Version}}"));
    assert_eq!(told["weave_versions"]["api"], version("{{.Server.APIVersion}}"));
    assert_eq!(told["weave_versions"]["kernel"], host.exec(&["uname", "-r"]).must().trim());

    // For people it is YAML, of which external facts of Puppet are made.
    let text = host.weave(&["facts", "--show-env"]).must();
    let mut read: Value = weave_core::spec::from_yaml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut told = told.clone();
    for fact in [&mut read, &mut told] {
        // Pids and times stay; what an engine counts for itself may not.
        fact["docker_hosted_containers"]["web"]["State"] = Value::Null;
    }
    assert_eq!(read, told);

    // A router in a container has an address of its own.
    let router = host.run_container("weave", &[]);
    let address = router.inspect("{{.NetworkSettings.Networks.bridge.IPAddress}}");
    assert_eq!(facts(&host, &[])["result"]["weave_router_ip_on_docker_bridge"], address.as_str());

    host.stop_docker();
    without_an_engine(&host);
}

fn hosted(host: &Host, told: &Value) {
    let hosted = &told["docker_hosted_containers"];
    for name in ["web", "db.example.com", "idle"] {
        let mut wanted = inspected(host, name);
        // Engines that keep images in containerd's store tell it from API 1.48 on; weave asks in 1.44.
        wanted.as_object_mut().expect("a map").remove("ImageManifestDescriptor");
        assert_eq!(hosted[name], wanted, "{name}");
    }
    assert_eq!(hosted["container_count"], 3);
    let mut ids: Vec<&str> =
        hosted["container_ids"].as_array().expect("ids").iter().filter_map(Value::as_str).collect();
    ids.sort_unstable();
    let shown = host.docker(&["ps", "-aq"]).must();
    let mut shown: Vec<&str> = shown.lines().collect();
    shown.sort_unstable();
    assert_eq!(ids, shown);
}

/// Everything that `weave ps` prints is there, under each key.
fn networked(host: &Host, fact: &Value, containers: &[(&str, &str)]) {
    let printed = host.weave(&["ps"]).must();
    for line in printed.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (id, mac, ips) = (words[0], words[1], &words[2..]);
        if id == "weave:expose" {
            assert_eq!(fact["docker_host"]["weave_mac"], mac);
            assert_eq!(fact["docker_host"]["weave_ip"], ips[0]);
            continue;
        }
        let (_, name) = containers.iter().find(|(full, _)| full.starts_with(id)).expect("a known container");
        let expected = Value::from(ips.to_vec());
        for (keyed, key) in [("by_host", *name), ("by_container_id", id), ("by_mac", mac)] {
            assert_eq!(fact[keyed][key]["weave_ips"], expected, "{keyed} {key}: {fact:#}");
            assert_eq!(fact[keyed][key]["weave_ip"], ips[0], "{keyed} {key}");
        }
        assert_eq!(
            (&fact["by_host"][name]["container_id"], &fact["by_host"][name]["weave_mac"]),
            (&id.into(), &mac.into())
        );
        assert_eq!(fact["by_container_id"][id]["hostname"], *name);
        for ip in ips {
            let row = &fact["by_ip"][ip];
            assert_eq!(
                (&row["container_id"], &row["weave_mac"], &row["hostname"]),
                (&id.into(), &mac.into(), &(*name).into())
            );
            assert!(fact["weave_ips"].as_array().is_some_and(|all| all.contains(&(*ip).into())));
        }
        assert!(fact["mac_addresses"].as_array().is_some_and(|all| all.contains(&mac.into())));
    }
    assert_eq!(fact["container_count"], containers.len());
    assert_eq!(fact["hostnames"].as_array().map(Vec::len), Some(containers.len()));
    assert_eq!(printed.lines().count(), containers.len() + 1);
}

fn without_an_engine(host: &Host) {
    let told = facts(host, &[]);
    assert!(told["warnings"].to_string().contains("cannot talk to the Docker engine"), "{told:#}");
    let told = &told["result"];
    assert_eq!(told["docker_hosted_containers"]["container_count"], 0);
    assert_eq!(told["weave_versions"]["engine"], Value::Null);
    assert!(told["weave_router_ip_on_docker_bridge"].is_string(), "docker0 stays without its engine: {told:#}");
}

#[test]
fn facts_of_bare_namespaces_and_schemas() {
    let site = super::Site::launched();
    site.host.weave(&["attach", "10.2.1.4/24", &name(&site.web)]).must();
    let fact = facts(&site.host, &[])["result"]["weave_networked_containers"].clone();
    let web = name(&site.web);
    assert_eq!(fact["by_host"][&web]["weave_ip"], "10.2.1.4/24", "{fact:#}");
    assert_eq!(fact["by_ip"]["10.2.1.4/24"]["container_id"], web.as_str());

    for (args, schema) in [
        (&["schema"][..], weave_core::spec::schema::host()),
        (&["schema", "host"], weave_core::spec::schema::host()),
        (&["schema", "fleet"], weave_core::spec::schema::fleet()),
    ] {
        let printed = site.host.weave(args).must();
        assert_eq!(serde_json::from_str::<Value>(&printed).expect("JSON"), schema, "{args:?}");
        assert_eq!(report(&site.host, args, 0)["result"], schema, "{args:?}");
    }
}
