//! What is written, and how it is written out again.

use super::line;

/// An option with its value, and the value in a document.
const VALUES: &[(&str, &str)] = &[
    ("--memory 0", "0"),
    ("--shm-size 1", "1"),
    ("--memory 6291456", "6m"),
    ("--memory 10.5m", "10752k"),
    ("--memory '7 MB'", "7m"),
    ("--memory 7MiB", "7m"),
    ("--memory 2G", "2g"),
    ("--memory 1tb", "1t"),
    ("--memory 3PiB", "3p"),
    ("--memory 8000001b", "8000001"),
    ("--memory +7m", "7m"),
    ("--memory 1e9", "1000000000"),
    ("--cpus 1.50", "1.5"),
    ("--cpus 2", "2"),
    ("--cpus 1/8", "0.125"),
    ("--cpus 100e-2", "1"),
    ("--cpus 0.000000001", "0.000000001"),
    ("--health-interval 90s", "1m30s"),
    ("--health-interval 1.5h", "1h30m"),
    ("--health-interval 0", "0s"),
    ("--health-interval 1500us", "1ms500us"),
    ("--health-interval 100µs", "100us"),
    ("--health-interval .5s", "500ms"),
    ("--health-interval 1h0m0.25s", "1h250ms"),
    ("-p 80", "80"),
    ("-p 80/", "80"),
    ("-p :80", "80"),
    ("-p 1:2/UDP", "1:2/udp"),
    ("-p 10.0.0.1::80", "10.0.0.1::80"),
    ("-p [fd00::1]:1:2", "[fd00::1]:1:2"),
    ("-p fd00::1:1:2", "[fd00::1]:1:2"),
    ("-p 1000-1002:80-82", "1000-1002:80-82"),
    ("-p 1000-1002:80", "1000-1002:80"),
    ("-p 80-80:80-80", "80:80"),
    ("-p 0:65535", "0:65535"),
    ("-p target=80", "80"),
    ("--expose 80-90/sctp", "80-90/sctp"),
    ("--expose 7/TCP", "7"),
    ("-v /a", "/a"),
    ("-v pg:/a:ro,nocopy", "pg:/a:ro,nocopy"),
    ("-v ./a:/b", "./a:/b"),
    ("-v /a:/b:Z,rshared,cached,rw", "/a:/b:Z,rshared,cached,rw"),
    ("--tmpfs /a:b:c", "/a:b:c"),
    ("--mount dst=/a", "type=volume,target=/a"),
    ("--mount type=BIND,src=/a,dst=/b,RO", "type=bind,source=/a,target=/b,readonly=true"),
    ("--mount 'type=bind,\"src=/a,b\",dst=/b'", "type=bind,\"source=/a,b\",target=/b"),
    ("--mount 'type=bind,\"src=/a\"\"b\",dst=/b'", "type=bind,\"source=/a\"\"b\",target=/b"),
    ("--mount type=tmpfs,dst=/a,tmpfs-mode=01777,tmpfs-size=1m", "type=tmpfs,target=/a,tmpfs-size=1m,tmpfs-mode=1777"),
    ("--device /dev/../dev//snd/./x", "/dev/snd/x"),
    ("--device /dev/a:/dev/b:wr", "/dev/a:/dev/b:wr"),
    ("--device nvidia.com/gpu=all", "nvidia.com/gpu=all"),
    ("--device-cgroup-rule 'c 42:* rmw'", "c 42:* rmw"),
    ("--device-read-bps /dev/sda:2mb", "/dev/sda:2m"),
    ("--device-read-iops /dev/sda:2", "/dev/sda:2"),
    ("--blkio-weight-device /dev/sda:10", "/dev/sda:10"),
    ("--ulimit nofile=5:5", "nofile=5"),
    ("--ulimit core=-1", "core=-1"),
    ("--ulimit rtprio=1:-1", "rtprio=1:-1"),
    ("--restart ''", "no"),
    ("--restart no:0", "no"),
    ("--restart on-failure:0", "on-failure"),
    ("--restart on-failure:", "on-failure"),
    ("--restart on-failure:12", "on-failure:12"),
    ("--add-host a=::1", "a:::1"),
    ("--add-host a:[1.2.3.4]", "a:1.2.3.4"),
    ("--add-host a=host-gateway", "a:host-gateway"),
    ("--dns ' ::1 '", "::1"),
    ("--dns-search Example.com.", "Example.com"),
    ("--network ' a '", "a"),
    ("--network a=", "a="),
    ("--network name=A,ip=10.0.0.1", "name=a,ip=10.0.0.1"),
    ("--network name=a", "a"),
    ("--network 'name = x,alias=y'", "name=x,alias=y"),
    ("--gpus 1", "count=1"),
    ("--gpus -1", "count=all"),
    ("--gpus '\"device=0,1\"'", "\"device=0,1\""),
    ("--link a", "a"),
    ("--mac-address 02-00-00-00-00-0A", "02-00-00-00-00-0A"),
    ("-e A=", "A="),
    ("-e A", "A"),
    ("-e 'A= b = c '", "A= b = c "),
    ("-l ' a=b'", " a=b"),
    ("--pid container:x", "container:x"),
    ("--isolation Default", "Default"),
];

#[test]
fn every_value_is_written_out_in_one_way() {
    let mut wrong = Vec::new();
    for (text, expected) in VALUES {
        let written = match line(text) {
            Ok(options) => serde_json::to_value(options).expect("JSON"),
            Err(error) => {
                wrong.push(format!("{text}\n    {error}"));
                continue;
            }
        };
        let fields = written.as_object().expect("a map");
        assert_eq!(fields.len(), 1, "{text}");
        let value = fields.values().next().expect("a field");
        let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        if value != expected {
            wrong.push(format!("{text}\n    is written {value}, not `{expected}`"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whole_numbers_are_read_as_go_reads_them() {
    for (text, expected) in
        [("10", 10), ("+10", 10), ("-1", -1), ("0x10", 16), ("0b11", 3), ("0o17", 15), ("017", 15), ("1_000", 1000)]
    {
        assert_eq!(line(&format!("--pids-limit={text}")).expect("a number").pids_limit, Some(expected), "{text}");
    }
}
