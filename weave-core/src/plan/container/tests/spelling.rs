//! What engines and other tools write otherwise, and what is something else.

use serde_json::{Value, json};

use super::engine::{found, image, wish};
use crate::plan::container::compare;

/// Compares a line with the container that somebody else made of it, one place of it changed.
fn options(line: &str, pointer: &str, value: Value) -> Vec<String> {
    let wish = wish(line);
    let mut container = found(&wish);
    let (root, path) = match pointer.strip_prefix("/HostConfig") {
        Some(path) => (&mut container.host_config, path),
        None => match pointer.strip_prefix("/Networks") {
            Some(path) => (&mut container.networks, path),
            None => (&mut container.config, pointer),
        },
    };
    let (above, name) = path.rsplit_once('/').expect("a pointer");
    let place = root.pointer_mut(above).unwrap_or_else(|| panic!("{line}: nothing at {above}"));
    place[name.replace("~1", "/")] = value;
    compare(&wish, &container, Some(&image())).into_iter().map(|difference| difference.option).collect()
}

#[test]
fn another_spelling_is_no_difference() {
    for (line, pointer, value) in [
        ("--cap-add NET_ADMIN --cap-add sys_time", "/HostConfig/CapAdd", json!(["SYS_TIME", "CAP_NET_ADMIN"])),
        ("--link db:database", "/HostConfig/Links", json!(["/db:/web/database"])),
        ("--link db", "/HostConfig/Links", json!(["/db:/web/db", "/other:/web/other"])),
        ("-v /a:/b:rw,z -v named:/n", "/HostConfig/Binds", json!(["named:/n:rw", "/a/:/b/:z"])),
        ("-v /a:/b:z,ro", "/HostConfig/Binds", json!(["/a:/b:ro,z", "/more:/more"])),
        ("--restart no", "/HostConfig/RestartPolicy", json!({"Name": "", "MaximumRetryCount": 0})),
        ("--restart always", "/HostConfig/RestartPolicy", json!({"Name": "always", "MaximumRetryCount": 0})),
        ("--restart on-failure:3", "/HostConfig/RestartPolicy", json!({"Name": "on-failure", "MaximumRetryCount": 3})),
        ("--shm-size 64m", "/HostConfig/ShmSize", json!(0)),
        ("--network bridge", "/HostConfig/NetworkMode", json!("default")),
        ("--memory-swappiness -1", "/HostConfig/MemorySwappiness", Value::Null),
        ("--oom-kill-disable=false", "/HostConfig/OomKillDisable", Value::Null),
        ("--init=false", "/HostConfig/Init", Value::Null),
        ("--device /dev/snd:r", "/HostConfig/Devices/0/CgroupPermissions", json!("r")),
        ("--device /dev/snd", "/HostConfig/Devices/0/CgroupPermissions", json!("mrw")),
        ("--device /dev/snd", "/HostConfig/Devices/0/PathInContainer", json!("")),
        ("--tmpfs /t:rw,size=1m", "/HostConfig/Tmpfs", json!({"/t/": "size=1m,rw"})),
        (
            "--mount type=bind,src=/a,dst=/b,bind-propagation=rprivate",
            "/HostConfig/Mounts",
            json!([{"Type": "bind", "Source": "/a", "Target": "/b/", "ReadOnly": false, "Consistency": "default"}]),
        ),
        ("--mount src=pg,dst=/d", "/HostConfig/Mounts/0/VolumeOptions", json!({"DriverConfig": {}, "Labels": null})),
        ("--security-opt no-new-privileges", "/HostConfig/SecurityOpt", json!(["no-new-privileges:true", "label=x"])),
        ("--security-opt label:disable", "/HostConfig/SecurityOpt", json!(["label=disable"])),
        ("-p 80", "/HostConfig/PortBindings/80~1tcp", json!([{"HostIp": "", "HostPort": "32768"}])),
        ("-p 80", "/HostConfig/PortBindings/80~1tcp", Value::Null),
        ("-p 8080:80", "/HostConfig/PortBindings/80~1tcp", json!([{"HostIp": "0.0.0.0", "HostPort": "8080"}])),
        ("-p 8080:80 -p 80", "/HostConfig/PortBindings/80~1tcp", json!([{"HostPort": "8080"}, {"HostPort": "9090"}])),
        ("--hostname=", "/Hostname", json!("anything")),
        ("-w /srv/", "/WorkingDir", json!("/srv")),
        ("--stop-signal SIGINT", "/StopSignal", json!("INT")),
        ("--network mesh --network-alias a", "/Networks/mesh/Aliases", json!(["0123456789ab", "a"])),
        ("--network mesh --ip 10.1.0.4", "/Networks/other", json!({})),
        ("--network mesh --mac-address 92:d0:c6:0a:29:33", "/Networks/mesh/MacAddress", json!("")),
        // Docker 29 shows it in one spelling only.
        ("--network mesh --mac-address 92-D0-C6-0A-29-33", "/Networks/mesh/MacAddress", json!("92:d0:c6:0a:29:33")),
        ("--network mesh --mac-address 92:D0:C6:0A:29:33", "/Networks/mesh/MacAddress", json!("92:d0:c6:0a:29:33")),
        (
            "--ulimit nofile=1:2",
            "/HostConfig/Ulimits",
            json!([{"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "nofile", "Hard": 2, "Soft": 1}]),
        ),
        ("-e A=b", "/Env", json!(["A=a", "B=c", "A=b"])),
        ("--isolation default", "/HostConfig/Isolation", json!("")),
        ("--expose 80", "/ExposedPorts", json!({"80/tcp": {}, "81/tcp": {}})),
        ("-l a=b", "/Labels", json!({"a": "b", "c": "d"})),
        ("--privileged=false", "/HostConfig/Privileged", Value::Null),
        ("--log-opt tag=x", "/HostConfig/LogConfig/Type", json!("syslog")),
    ] {
        assert_eq!(options(line, pointer, value.clone()), [] as [&str; 0], "{line} {value}");
    }
}

#[test]
fn something_else_is_a_difference() {
    for (line, pointer, value, option) in [
        ("--cap-add NET_ADMIN", "/HostConfig/CapAdd", json!(["SYS_TIME"]), "cap_add"),
        ("--link db:database", "/HostConfig/Links", json!(["/db:/web/db"]), "link"),
        ("-v /a:/b", "/HostConfig/Binds", json!(["/a:/b:ro"]), "volume"),
        ("-v /a:/b", "/HostConfig/Binds", json!(["/c:/b"]), "volume"),
        ("-v /a:/b", "/HostConfig/Binds", Value::Null, "volume"),
        ("-v /a", "/Volumes", json!({"/b": {}}), "volume"),
        ("--restart no", "/HostConfig/RestartPolicy", json!({"Name": "always"}), "restart"),
        ("--restart on-failure:3", "/HostConfig/RestartPolicy", json!({"Name": "on-failure"}), "restart"),
        ("--network host", "/HostConfig/NetworkMode", json!("bridge"), "network"),
        ("--network container:web", "/HostConfig/NetworkMode", json!("bridge"), "network"),
        ("--memory-swappiness 0", "/HostConfig/MemorySwappiness", Value::Null, "memory_swappiness"),
        ("--stop-timeout 0", "/StopTimeout", Value::Null, "stop_timeout"),
        ("--init", "/HostConfig/Init", Value::Null, "init"),
        ("--tty=false", "/Tty", json!(true), "tty"),
        ("--dns 1.1.1.1 --dns 8.8.8.8", "/HostConfig/Dns", json!(["8.8.8.8", "1.1.1.1"]), "dns"),
        ("--tmpfs /t:size=1m", "/HostConfig/Tmpfs", json!({"/t": "size=2m"}), "tmpfs"),
        ("--mount src=pg,dst=/d,readonly", "/HostConfig/Mounts/0/ReadOnly", json!(false), "mount"),
        ("--security-opt systempaths=unconfined", "/HostConfig/MaskedPaths", json!(["/proc/kcore"]), "security_opt"),
        ("-p 8080:80", "/HostConfig/PortBindings/80~1tcp", json!([{"HostPort": "8081"}]), "publish"),
        ("-p 127.0.0.1::80", "/HostConfig/PortBindings/80~1tcp", json!([{"HostPort": "80"}]), "publish"),
        ("-p 80 -p 8080:80", "/HostConfig/PortBindings/80~1tcp", json!([{"HostPort": "8080"}]), "publish"),
        ("-e A=b", "/Env", json!(["A=b", "A=c"]), "env"),
        ("-e IMAGE", "/Env", json!(["IMAGE=yes"]), "env"),
        ("--network mesh --network-alias a", "/Networks/mesh/Aliases", json!(["b"]), "network_alias"),
        ("--network mesh --ip 10.1.0.4", "/Networks/mesh/IPAMConfig", json!({"IPv4Address": "10.1.0.5"}), "ip"),
        (
            "--network mesh --mac-address 92:d0:c6:0a:29:33",
            "/Networks/mesh/MacAddress",
            json!("92:d0:c6:0a:29:34"),
            "mac_address",
        ),
        ("--ulimit nofile=1:2", "/HostConfig/Ulimits", json!([{"Name": "nofile", "Hard": 2, "Soft": 2}]), "ulimit"),
        ("--no-healthcheck", "/Healthcheck", json!({"Test": ["CMD", "true"]}), "no_healthcheck"),
        ("--health-cmd true", "/Healthcheck", json!({"Test": ["NONE"]}), "health_cmd"),
        ("--health-retries 3", "/Healthcheck", json!({"Retries": 2}), "health_retries"),
        ("--entrypoint=", "/Entrypoint", json!(["/start"]), "entrypoint"),
        ("--gpus all", "/HostConfig/DeviceRequests", Value::Null, "gpus"),
        ("--platform linux/arm64 -u 1", "/User", json!("2"), "user"),
    ] {
        assert_eq!(options(line, pointer, value.clone()), [option], "{line} {value}");
    }
}
