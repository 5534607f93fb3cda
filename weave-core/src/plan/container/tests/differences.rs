//! Image and command, what a label tells, and how a difference reads.

use serde_json::{Value, json};

use super::engine::{found, image, made, wish, wish_of};
use crate::observed::{Container, Image};
use crate::plan::container::{ASKED, Difference, Wish, compare};

fn differences(wish: &Wish, container: &Container) -> Vec<(String, Value, Value)> {
    let differences = compare(wish, container, Some(&image()));
    differences.into_iter().map(|Difference { option, before, after }| (option, before, after)).collect()
}

fn one(option: &str, before: Value, after: Value) -> Vec<(String, Value, Value)> {
    vec![(option.to_owned(), before, after)]
}

#[test]
fn an_image_is_the_same_by_name_and_by_id() {
    for (asked, there, same) in [
        ("nginx", "nginx:latest", true),
        ("docker.io/library/nginx:1", "nginx:1", true),
        ("docker.io/a/b", "a/b:latest", true),
        ("host:5000/a", "host:5000/a:latest", true),
        ("nginx:1", "nginx:2", false),
        ("host:5000/nginx", "nginx", false),
    ] {
        let (asked, container) = (wish_of("", asked, None), found(&wish_of("", there, None)));
        assert_eq!(compare(&asked, &container, None).is_empty(), same, "{asked:?}");
    }
    let newer = Image { id: "sha256:ffeeddccbbaa99887766".to_owned(), ..image() };
    let differences = compare(&wish(""), &made(&wish("")), Some(&newer));
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].option, "image");
    assert_eq!(differences[0].before, "img:1 (0123456789ab)");
    assert_eq!(differences[0].after, "img:1 (ffeeddccbbaa)");
    assert_eq!(compare(&wish(""), &made(&wish("")), None), [], "an image that is not known here");
}

#[test]
fn a_command_is_compared_word_by_word_if_it_is_asked() {
    let (none, two) = (wish_of("", "img:1", None), wish_of("", "img:1", Some(&["a", "b"])));
    let swapped = wish_of("", "img:1", Some(&["b", "a"]));
    assert_eq!(differences(&two, &made(&two)), []);
    assert_eq!(differences(&two, &made(&swapped)), one("command", json!(["b", "a"]), json!(["a", "b"])));
    assert_eq!(differences(&none, &found(&two)), [], "nobody knows where it is from");
    assert_eq!(differences(&none, &made(&two)), one("command", json!(["a", "b"]), Value::Null));
}

#[test]
fn a_difference_tells_what_is_apart() {
    for (before, after, option, gone, new) in [
        ("-p 80:80 -p 81:81", "-p 80:80", "publish", json!({"81/tcp": [":81"]}), Value::Null),
        ("-p 80:80", "-p 80:80 -p 81:81", "publish", Value::Null, json!({"81/tcp": [":81"]})),
        ("-e A=b -e B=c", "-e A=b", "env", json!({"B": "c"}), Value::Null),
        ("-e A=b -e B=c", "-e A=x -e B=c", "env", json!({"A": "b"}), json!({"A": "x"})),
        ("-v /a:/b -v /n", "-v /n", "volume", json!({"/b": "/a"}), Value::Null),
        ("-v /a:/b -v /n", "-v /a:/b:ro -v /n", "volume", json!({"/b": "/a"}), json!({"/b": "/a:ro"})),
        ("--cap-drop ALL --cap-add KILL", "--cap-drop ALL", "cap_add", json!(["KILL"]), Value::Null),
        ("-l a=b", "", "label", json!({"a": "b"}), Value::Null),
        ("-m 64m", "-m 128m", "memory", json!(64 << 20), json!(128 << 20)),
        ("", "--platform linux/amd64", "platform", Value::Null, json!("linux/amd64")),
        ("-u 1", "-u 2", "user", json!("1"), json!("2")),
        (
            "--pid container:a",
            "--pid container:b",
            "pid",
            json!(format!("container:{}", super::engine::ID)),
            json!("container:b"),
        ),
    ] {
        assert_eq!(differences(&wish(after), &made(&wish(before))), one(option, gone, new), "`{before}` to `{after}`");
    }
}

/// Somebody else's container tells nothing about what was asked.
#[test]
fn without_a_label_only_what_is_asked_counts() {
    for (before, after) in [("-p 80:80 -p 81:81", "-p 80:80"), ("-m 64m --restart always -e A=b -u 1", "")] {
        assert_eq!(differences(&wish(after), &found(&wish(before))), [], "`{before}` to `{after}`");
    }
}

/// A kernel that cannot do it: the engine makes the container without it, and would do so again.
#[test]
fn what_the_engine_left_out_is_asked_once() {
    for (line, other, field, value) in [
        ("--blkio-weight 300", "--blkio-weight 400", "BlkioWeight", json!(0)),
        ("--oom-kill-disable -m 64m", "--oom-kill-disable=false -m 64m", "OomKillDisable", Value::Null),
        ("-m 64m --memory-swap 96m", "-m 64m --memory-swap 100m", "MemorySwap", json!(-1)),
        ("--device-read-bps /dev/sda:1mb", "--device-read-bps /dev/sda:2mb", "BlkioDeviceReadBps", Value::Null),
    ] {
        let asked = wish(line);
        let (mut ours, mut foreign) = (made(&asked), found(&asked));
        ours.host_config[field] = value.clone();
        foreign.host_config[field] = value;
        assert_eq!(differences(&asked, &ours), [], "{line}");
        assert_eq!(differences(&asked, &foreign).len(), 1, "{line}, by somebody else");
        let changed = differences(&wish(other), &ours);
        assert_eq!(changed.len(), usize::from(!other.contains("=false")), "{other}: {changed:?}");
    }
    // What no kernel refuses is not forgiven.
    let asked = wish("-u 1");
    let mut ours = made(&asked);
    ours.config["User"] = "".into();
    assert_eq!(differences(&asked, &ours).len(), 1);
}

/// `docker update` leaves labels as they are.
#[test]
fn a_change_in_place_does_not_need_the_label() {
    let mut updated = made(&wish("-m 64m"));
    updated.host_config["Memory"] = json!(128 << 20);
    updated.host_config["MemorySwap"] = json!(256 << 20);
    updated.host_config["PidsLimit"] = json!(7);
    assert_eq!(differences(&wish("-m 128m --pids-limit 7"), &updated), []);
    assert_eq!(differences(&wish("-m 128m"), &updated), one("pids_limit", json!(7), Value::Null));
    assert_eq!(differences(&wish("-m 64m --pids-limit 7"), &updated), one("memory", json!(128 << 20), json!(64 << 20)));
}

/// Nobody would see what a new container is for.
#[test]
fn an_option_that_asked_for_what_is_there_anyway_can_go() {
    for line in ["--tty=false --init=false --privileged=false", "--hostname=", "--restart no", "--network bridge"] {
        assert_eq!(differences(&wish(""), &made(&wish(line))), [], "{line}");
    }
    // The variable of the image is back.
    assert_eq!(differences(&wish(""), &made(&wish("-e IMAGE"))), one("env", Value::Null, Value::Null));
    assert_eq!(differences(&wish(""), &made(&wish("--stop-timeout 0"))), one("stop_timeout", json!(0), Value::Null));
}

#[test]
fn the_label_repeats_no_value() {
    let request = wish("-e PASSWORD=secret -l a=b -m 64m").request();
    let label = request["Labels"][ASKED].as_str().expect("a label");
    assert!(!label.contains("secret"), "{label}");
    let told: Value = serde_json::from_str(label).expect("JSON");
    let options: Vec<&String> = told.as_object().expect("a map").keys().collect();
    assert_eq!(options, ["env", "image", "label", "memory"]);
    assert!(told.as_object().into_iter().flatten().all(|(_, hash)| hash.as_str().is_some_and(|hash| hash.len() == 12)));
    assert_eq!(request["Labels"]["a"], "b");
    // A change of these changes the label of every container there is.
    assert_eq!(told["memory"], "9e3cb1ff02c5");
}

#[test]
fn a_label_that_is_none_is_ignored() {
    let mut container = made(&wish("-u 1"));
    container.config["Labels"][ASKED] = "no JSON".into();
    assert_eq!(differences(&wish(""), &container), []);
}
