//! A container like another.

use serde_json::{Value, json};

use super::super::{image, image_config, make, recreation};
use super::lab::DockerOptions;
use super::{Scene, block_on, inspect, look};
use crate::{Error, ErrorKind, Result};

/// A container of each kind, as it is created; `shop/web:1` has settings of its own.
const LINES: &[&str] = &[
    "busybox",
    "shop/web:1",
    "--entrypoint= -e FROM_IMAGE -e A=1 shop/web:1 sleep 5",
    "--entrypoint /bin/ls -w /srv -u 12:34 shop/web:1 -l",
    "-h web --domainname example.com -e A=1 -e B=two=three -l x=y -l weave.made=1 -t -i --stop-signal SIGINT --stop-timeout 7 \
     --expose 81 --expose 82/udp busybox sh -c true",
    "--health-cmd true --health-interval 5s --health-timeout 1s --health-retries 2 --health-start-period 3s busybox",
    "--no-healthcheck shop/web:1",
    "--memory 64m --memory-reservation 32m --memory-swap 128m --cpus 0.5 --cpuset-cpus 0 --cpu-shares 512 --pids-limit 50 \
     --oom-score-adj 100 --ulimit nofile=1024:2048 --shm-size 32m --oom-kill-disable --memory-swappiness 0 busybox",
    "--restart on-failure:3 --log-driver json-file --log-opt max-size=1m --log-opt max-file=2 busybox",
    "--restart unless-stopped --log-driver none --cap-add NET_ADMIN --cap-drop MKNOD --security-opt no-new-privileges \
     --security-opt seccomp=unconfined --read-only --init --group-add 7 --runtime runc busybox",
    "--device /dev/null:/dev/zero2:r --device-cgroup-rule c\u{a0}1:3\u{a0}r --sysctl net.ipv4.ip_forward=1 --tmpfs /run:size=1m busybox",
    "--add-host a:192.0.2.1 --dns 192.0.2.53 --dns-search example.com --dns-opt ndots:2 busybox",
    "--pid host --ipc host --uts host --userns host --network host busybox",
    "--network host -h mine busybox",
    "--network none --privileged --cgroup-parent /shelf busybox",
    "--security-opt systempaths=unconfined --ipc shareable busybox",
    "-p 127.0.0.1:8080:80 -p 53:53/udp -P busybox",
    "--network mesh --ip 10.9.0.5 --network-alias db --network-alias store busybox",
    "-v data:/data:ro -v /anonymous -v /srv:/host:ro,rslave -v /tmp:/b:z --volume-driver local busybox",
    "--mount type=tmpfs,dst=/t,tmpfs-size=65536,tmpfs-mode=1770 --mount type=volume,src=named,dst=/n,volume-nocopy \
     --mount type=volume,dst=/m --mount type=bind,src=/tmp,dst=/b,readonly,bind-propagation=rslave busybox",
];

#[test]
fn containers_are_made_like_others() {
    let scene = Scene::with(&DockerOptions::default());
    let Scene { here, there, .. } = &scene;
    for host in [here, there] {
        host.docker(&["network", "create", "--subnet", "10.9.0.0/24", "mesh"]).must();
        host.docker(&["network", "create", "other"]).must();
    }
    here.docker(&["create", "--name", "base", "busybox"]).must();
    there.docker(&["rmi", "busybox"]).must();
    let changes = [
        "ENTRYPOINT [\"/bin/echo\"]",
        "CMD [\"hello\"]",
        "ENV FROM_IMAGE=yes",
        "LABEL of=image",
        "VOLUME /from/image",
        "EXPOSE 99",
        "HEALTHCHECK CMD true",
        "USER 3",
        "WORKDIR /from",
    ];
    let changes: Vec<&str> = changes.iter().flat_map(|change| ["--change", *change]).collect();
    here.docker(&[&["commit"], &changes[..], &["base", "shop/web:1"]].concat()).must();
    for (at, line) in LINES.iter().enumerate() {
        let name = format!("like{at}");
        // A space that is part of a word.
        let words: Vec<String> = line.split_ascii_whitespace().map(|word| word.replace('\u{a0}', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        here.docker(&[&["create", "--name", &name], &words[..]].concat()).must();
        if line.contains("--network mesh") {
            here.docker(&["network", "connect", "--alias", "second", "other", &name]).must();
        }
        remade(&scene, &name).unwrap_or_else(|error| panic!("{line}: {error:?}"));
        assert_eq!(shown(&inspect(there, "container", &name)), shown(&inspect(here, "container", &name)), "{line}");
    }
    refusals(&scene);
}

fn remade(scene: &Scene, name: &str) -> Result<()> {
    let (from, to) = (&scene.from, &scene.to);
    let source = look(from, name);
    block_on(async {
        let carried = image(from, to, &source, &|_| {}).await?;
        let config = image_config(from, &source).await?;
        let (ours, theirs) = (from.engine.about().await?, to.engine.about().await?);
        let like = recreation(&source, &carried.image, &config, &ours, &theirs)?;
        let warnings = make(to, name, &like).await?;
        assert!(!warnings.iter().any(|warning| warning.contains("does not keep")), "{name}: {warnings:?}");
        // What it has of its host is named, to be looked for.
        let expected = |text: &str, names: &[String]| assert_eq!(names.join(" "), text, "{name}");
        if source.host_config["Binds"].as_array().is_some_and(|binds| binds.len() > 2) {
            expected("/srv /tmp", &like.binds);
            expected("data", &like.volumes);
        }
        if source.host_config["Devices"].as_array().is_some_and(|devices| !devices.is_empty()) {
            expected("/dev/null", &like.devices);
        }
        Ok::<(), Error>(())
    })
}

/// What was asked of a container; names of anonymous volumes and what comes of a start are each engine's own.
fn shown(inspected: &Value) -> Value {
    let id = inspected["Id"].as_str().unwrap_or_default();
    let anonymous = |name: &Value| name.as_str().is_some_and(|name| name.len() == 64);
    let mut mounts = inspected["Mounts"].as_array().cloned().unwrap_or_default();
    for mount in mounts.iter_mut().filter(|mount| mount["Type"] == "volume") {
        mount["Source"] = Value::Null;
        if anonymous(&mount["Name"]) {
            mount["Name"] = "anonymous".into();
        }
    }
    mounts.sort_by_key(|mount| mount["Destination"].to_string());
    let networks = inspected["NetworkSettings"]["Networks"].as_object().cloned().unwrap_or_default();
    let network = |(name, place): (&String, &Value)| {
        // The engine adds these two itself.
        let own = |alias: &Value| *alias == id[..12] || *alias == inspected["Config"]["Hostname"];
        let aliases = place["Aliases"].as_array().cloned().unwrap_or_default();
        let aliases: Vec<Value> = aliases.into_iter().filter(|alias| !own(alias)).collect();
        let asked = |field: &str| Some(place[field].clone()).filter(|value| *value != json!({}));
        (name.clone(), json!([asked("IPAMConfig"), asked("DriverOpts"), aliases, place["Links"]]))
    };
    let networks: serde_json::Map<String, Value> = networks.iter().map(network).collect();
    json!({
        "config": inspected["Config"], "host": inspected["HostConfig"], "mounts": mounts, "networks": networks,
        "path": inspected["Path"], "args": inspected["Args"],
    })
}

fn refusals(scene: &Scene) {
    let refused = |line: &str, kind: ErrorKind, words: &str| {
        let words_of: Vec<&str> = line.split_whitespace().collect();
        scene.here.docker(&[&["create", "--name", "refused"], &words_of[..], &["busybox"]].concat()).must();
        let error = remade(scene, "refused").expect_err(line);
        assert_eq!((error.kind(), error.subject()), (kind, "refused"), "{line}: {error:?}");
        assert!(error.message().contains(words) && error.next_step().is_some(), "{line}: {error:?}");
        scene.here.docker(&["rm", "-fv", "refused"]).must();
        assert!(!scene.there.docker(&["inspect", "refused"]).ok(), "{line}");
    };
    use ErrorKind::{NotFound, Unsupported};
    refused("--network container:base", Unsupported, "network namespace");
    refused("--volumes-from base", Unsupported, "--volumes-from");
    refused("--link base", Unsupported, "--link");
    refused("--rm", Unsupported, "--rm");
    refused("--pid container:base", Unsupported, "pid namespace");
    scene.here.docker(&["network", "create", "only-here"]).must();
    refused("--network only-here", NotFound, "network only-here");
}
