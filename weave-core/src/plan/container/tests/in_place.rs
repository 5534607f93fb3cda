//! What `docker update` is asked. What engines make of it is tested in `tests/lab/containers/updated.rs`.

use serde_json::{Value, json};

use super::engine::{found, image, made, wish};
use crate::plan::container::{compare, in_place};

#[test]
fn a_change_in_place_is_a_request_with_its_opposite() {
    const M: i64 = 1 << 20;
    for (before, after, request, opposite, lasting) in [
        (
            "-m 64m",
            "-m 128m",
            json!({"Memory": 128 * M, "MemorySwap": 256 * M}),
            json!({"Memory": 64 * M, "MemorySwap": 128 * M}),
            "",
        ),
        (
            "-m 64m --memory-swap 64m",
            "-m 32m --memory-swap 64m",
            json!({"Memory": 32 * M, "MemorySwap": 64 * M}),
            json!({"Memory": 64 * M, "MemorySwap": 64 * M}),
            "",
        ),
        (
            "-m 64m --memory-swap 64m",
            "-m 64m",
            json!({"MemorySwap": 128 * M, "Memory": 64 * M}),
            json!({"MemorySwap": 64 * M, "Memory": 64 * M}),
            "",
        ),
        ("", "--cpus 1", json!({"NanoCpus": 1_000_000_000}), json!({"NanoCpus": null}), "cpus"),
        ("--pids-limit 5", "", json!({"PidsLimit": -1}), json!({"PidsLimit": 5}), ""),
        ("", "--pids-limit 5", json!({"PidsLimit": 5}), json!({"PidsLimit": -1}), ""),
        ("--cpu-quota 5000", "", json!({"CpuQuota": -1}), json!({"CpuQuota": 5000}), ""),
        ("", "--cpu-quota 5000", json!({"CpuQuota": 5000}), json!({"CpuQuota": -1}), ""),
        (
            "--restart always",
            "",
            json!({"RestartPolicy": {"Name": "no"}}),
            json!({"RestartPolicy": {"Name": "always"}}),
            "",
        ),
    ] {
        let (wanted, container) = (wish(after), made(&wish(before)));
        let change = in_place(&wanted, &container, &compare(&wanted, &container, Some(&image())));
        let change = change.unwrap_or_else(|| panic!("`{before}` to `{after}` needs a new container"));
        assert_eq!((change.after, change.before), (request, opposite), "`{before}` to `{after}`");
        assert_eq!(change.lasting.join(" "), lasting, "`{before}` to `{after}`");
    }
}

#[test]
fn the_rest_needs_a_new_container() {
    for (before, after) in [
        ("-m 64m", ""),
        ("-m 64m", "-m 0"),
        ("-m 64m", "-m 128m -u 1"),
        ("--cpus 1", "--cpu-quota 5000"),
        ("--cpu-quota 5000", "--cpus 1"),
        ("--rm", "--restart always"),
        ("-m 64m --memory-swap 128m", "-m 64m --memory-swap -1"),
        ("-m 64m --memory-swap -1", "-m 64m --memory-swap 128m"),
        ("--blkio-weight 300", ""),
        ("", "--blkio-weight 300"),
        ("--cpu-rt-period 5000", "--cpu-rt-period 6000"),
        ("", "-e A=b"),
    ] {
        let (wanted, container) = (wish(after), made(&wish(before)));
        let differences = compare(&wanted, &container, Some(&image()));
        assert_ne!(differences, [], "`{before}` to `{after}`");
        assert_eq!(in_place(&wanted, &container, &differences), None, "`{before}` to `{after}`");
    }
    assert_eq!(in_place(&wish(""), &found(&wish("")), &[]), None, "nothing to change");
    // It was asked, and the kernel cannot do it.
    let mut container = made(&wish("-m 64m"));
    container.host_config["Memory"] = Value::Null;
    container.host_config["MemorySwap"] = Value::Null;
    let wanted = wish("-m 128m");
    assert_eq!(in_place(&wanted, &container, &compare(&wanted, &container, None)), None);
}
