//! What needs no client: older engines, and options whose request a list alone shows.

use crate::ErrorKind;
use crate::docker::create::{body, check_engine};
use crate::spec::Options;
use crate::spec::options::parse_run;

fn options(line: &str) -> Options {
    let (options, rest) = parse_run(&shlex::split(line).expect("words")).expect("options");
    assert!(rest.is_empty(), "{rest:?}");
    options
}

fn request(line: &str) -> serde_json::Value {
    serde_json::to_value(body(&options(line), "image", &[])).expect("JSON")
}

#[test]
fn open_system_paths_are_two_empty_lists() {
    let request = request("--security-opt systempaths=unconfined");
    assert_eq!(request["HostConfig"]["MaskedPaths"], serde_json::json!([]));
    assert_eq!(request["HostConfig"]["ReadonlyPaths"], serde_json::json!([]));
    assert!(request["HostConfig"].get("SecurityOpt").is_none());
}

/// What Docker 28 sends for options that Debian's client does not know, as its documentation has it.
#[test]
fn what_older_clients_refuse_is_sent_as_documented() {
    for (line, pointer, expected) in [
        ("--annotation a=b --annotation c", "/HostConfig/Annotations", serde_json::json!({"a": "b", "c": ""})),
        ("--health-start-interval 500ms", "/Healthcheck", serde_json::json!({"StartInterval": 500_000_000})),
        (
            "--device /dev/fuse --device a.b/c=1 --device a.b/c=2",
            "/HostConfig/DeviceRequests",
            serde_json::json!([{"Driver": "cdi", "DeviceIDs": ["a.b/c=1", "a.b/c=2"]}]),
        ),
        (
            "--mount type=bind,src=/a,dst=/b,ro,bind-recursive=writable",
            "/HostConfig/Mounts/0/BindOptions",
            serde_json::json!({"ReadOnlyNonRecursive": true}),
        ),
        (
            "--mount type=bind,src=/a,dst=/b,ro,bind-propagation=rprivate,bind-recursive=readonly",
            "/HostConfig/Mounts/0/BindOptions",
            serde_json::json!({"Propagation": "rprivate", "ReadOnlyForceRecursive": true}),
        ),
        (
            "--mount source=pg,target=/data,volume-subpath=sub",
            "/HostConfig/Mounts/0/VolumeOptions",
            serde_json::json!({"Subpath": "sub"}),
        ),
        (
            "--mount type=image,source=alpine,target=/i,image-subpath=etc",
            "/HostConfig/Mounts/0/ImageOptions",
            serde_json::json!({"Subpath": "etc"}),
        ),
        (
            "--add-host db=10.2.1.4 --add-host 'v=[fd00::1]'",
            "/HostConfig/ExtraHosts",
            serde_json::json!(["db:10.2.1.4", "v:fd00::1"]),
        ),
        (
            "--mac-address 92:d0:c6:0a:29:33",
            "/NetworkingConfig/EndpointsConfig/default/MacAddress",
            serde_json::json!("92:d0:c6:0a:29:33"),
        ),
        (
            "--network name=mesh,gw-priority=5,mac-address=92:d0:c6:0a:29:33 --network other",
            "/NetworkingConfig/EndpointsConfig",
            serde_json::json!({"mesh": {"GwPriority": 5, "MacAddress": "92:d0:c6:0a:29:33"}, "other": {}}),
        ),
        ("--network bridge --link db", "/HostConfig/Links", serde_json::json!(["db"])),
        ("--kernel-memory 64m", "/HostConfig/Memory", serde_json::Value::Null),
    ] {
        let request = request(line);
        let found = request.pointer(pointer).unwrap_or(&serde_json::Value::Null);
        assert_eq!(*found, expected, "{line}");
    }
}

#[test]
fn an_older_engine_is_not_asked_for_what_it_would_leave_out() {
    for (line, needed) in [
        ("--gpus all", 40),
        ("--cgroupns host", 41),
        ("--platform linux/arm64", 41),
        ("--annotation a=b", 43),
        ("--device a.b/c=1", 44),
        ("--health-start-interval 1s", 44),
        ("--mac-address 92:d0:c6:0a:29:33", 44),
        ("--network name=n,mac-address=92:d0:c6:0a:29:33", 44),
        ("--network a --network b", 44),
        ("--mount type=bind,src=/a,dst=/b,ro,bind-recursive=writable", 44),
        ("--mount src=a,dst=/b,volume-subpath=c", 45),
        ("--mount type=image,src=a,dst=/b", 47),
        ("--mount type=image,src=a,dst=/b,image-subpath=c", 48),
        ("--network name=n,gw-priority=1", 48),
    ] {
        let options = options(line);
        assert!(check_engine(&options, needed).is_ok(), "{line}");
        let error = check_engine(&options, needed - 1).expect_err(line);
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(&format!("1.{needed}")), "{error}");
    }
    assert!(check_engine(&options("-d -p 80:80 --memory 1g"), 24).is_ok());
}
