//! What the users of the classic script and their scripts rely on: words, output, exit codes.

use super::{Site, name, object};
use crate::lab::Output;

/// Exact standard output, and success.
#[track_caller]
fn prints(output: &Output, expected: &str) {
    assert!(output.ok(), "{output}");
    assert_eq!(output.stdout, expected, "{output}");
}

#[test]
fn verbs_print_the_addresses_concerned() {
    let site = Site::new();
    let host = &site.host;
    let target = name(&site.web);
    prints(&host.weave(&["launch", "192.0.2.2"]), "");
    prints(&host.weave(&["connect", "192.0.2.3"]), "");
    prints(&host.weave(&["forget", "192.0.2.3"]), "");
    prints(&host.weave(&["attach", "10.2.1.4/24", &target]), "10.2.1.4\n");
    // Also when it is so already: a script takes the address from there.
    prints(&host.weave(&["attach", "10.2.1.4/24", &target]), "10.2.1.4\n");
    prints(&host.weave(&["attach", "ip:10.2.1.5/24", "ip:10.3.1.5/16", &target]), "10.2.1.5 10.3.1.5\n");
    prints(&host.weave(&["detach", "ip:10.2.1.5/24", &target]), "10.2.1.5\n");
    prints(&host.weave(&["detach", &target]), "10.2.1.4 10.3.1.5\n");
    prints(&host.weave(&["expose", "10.2.1.1/24", "ip:10.3.0.1/16"]), "10.2.1.1 10.3.0.1\n");
    prints(&host.weave(&["hide", "10.2.1.1/24"]), "10.2.1.1\n");
    prints(&host.weave(&["hide"]), "10.3.0.1\n");
    prints(&host.weave(&["stop"]), "");
    prints(&host.weave(&["reset"]), "");
}

#[test]
fn ps_prints_a_line_for_each() {
    let site = Site::new();
    let host = &site.host;
    prints(&host.weave(&["ps"]), "");
    host.weave(&["launch", "192.0.2.2"]).must();
    let mac = super::kernel::link(host, "weave")["address"].as_str().expect("an address").to_owned();
    prints(&host.weave(&["ps"]), &format!("weave:expose {mac}\n"));
    host.weave(&["expose", "10.2.1.1/24", "10.3.0.1/16"]).must();
    host.weave(&["attach", "10.2.1.4/24", "10.3.1.4/16", &name(&site.web)]).must();
    let web = format!("{} 0a:57:0a:02:01:04 10.2.1.4/24 10.3.1.4/16\n", name(&site.web));
    prints(&host.weave(&["ps"]), &format!("weave:expose {mac} 10.2.1.1/24 10.3.0.1/16\n{web}"));
    prints(&host.weave(&["ps", "weave:expose"]), &format!("weave:expose {mac} 10.2.1.1/24 10.3.0.1/16\n"));
    prints(&host.weave(&["ps", &name(&site.web)]), &web);
    let rows = object(&host.weave(&["--json", "ps"]))["result"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{rows:#}");
}

#[test]
fn the_plan_goes_to_standard_error() {
    let site = Site::new();
    let host = &site.host;
    let planned = host.weave(&["--check", "launch", "192.0.2.2"]);
    assert!(planned.ok() && planned.stdout.is_empty(), "{planned}");
    let done = host.weave(&["launch", "192.0.2.2"]);
    for output in [&planned, &done] {
        // What will be there, where it is bound to, and no colour where nobody looks.
        for word in ["weave", "192.0.2.2", "192.0.2.1"] {
            assert!(output.stderr.contains(word), "`{word}`: {output}");
        }
        assert!(!output.stderr.contains('\u{1b}'), "{output}");
    }
    for quiet in [&["-q", "launch", "192.0.2.3"][..], &["-q", "--check", "stop"], &["-q", "attach", "10.2.1.4/24"]] {
        let target = name(&site.web);
        let args = if quiet.contains(&"attach") { [quiet, &[&target]].concat() } else { quiet.to_vec() };
        let output = host.weave(&args);
        assert!(output.ok() && output.stderr.is_empty(), "{output}");
    }
    // Errors are told all the same.
    let error = host.weave(&["-q", "connect", "300.1.2.3"]);
    assert_eq!(error.code, 1, "{error}");
    assert!(error.stderr.contains("mistyped address"), "{error}");
}

#[test]
fn differences_and_hints_are_told() {
    let site = Site::launched();
    let host = &site.host;
    let output = host.weave(&["--check", "--diff", "connect", "--replace", "192.0.2.9"]);
    assert!(output.ok(), "{output}");
    for word in ["192.0.2.2", "192.0.2.9"] {
        assert!(output.stderr.contains(word) || output.stdout.contains(word), "`{word}`: {output}");
    }
    let error = host.weave(&["attach", "10.2.1.4/24", "netns:nosuch"]);
    assert_eq!((error.code, error.stdout.as_str()), (1, ""), "{error}");
    for word in ["attach", "netns:/run/netns/nosuch", "does not exist", "ip netns list"] {
        assert!(error.stderr.contains(word), "`{word}`: {error}");
    }
}

#[test]
fn exit_codes() {
    let site = Site::new();
    let host = &site.host;
    let code = |args: &[&str]| host.weave(args).code;
    assert_eq!(code(&["--check", "launch", "192.0.2.2"]), 0);
    assert_eq!(code(&["--check", "--detailed-exitcodes", "launch", "192.0.2.2"]), 2);
    assert_eq!(code(&["launch", "192.0.2.2"]), 0);
    assert_eq!(code(&["launch", "192.0.2.2"]), 0);
    assert_eq!(code(&["--detailed-exitcodes", "launch", "192.0.2.2"]), 0);
    assert_eq!(code(&["--detailed-exitcodes", "launch", "192.0.2.3"]), 2);
    // The same after the verb.
    assert_eq!(code(&["launch", "--detailed-exitcodes", "--check", "192.0.2.4"]), 2);
    for read in ["status", "ps", "version"] {
        assert_eq!(code(&["--detailed-exitcodes", read]), 0, "{read}");
    }
    for wrong in [
        &["--detailed-exitcodes", "launch", "300.1.2.3"][..],
        &["--detailed-exitcodes", "frobnicate"],
        &["--detailed-exitcodes", "launch", "--frobnicate"],
        &["--detailed-exitcodes", "attach"],
        &["--detailed-exitcodes"],
        &["connect"],
        &["expose"],
    ] {
        let output = host.weave(wrong);
        assert_eq!(output.code, 1, "{output}");
        assert!(!output.stderr.is_empty(), "{output}");
    }
    assert_eq!((code(&["--help"]), code(&["attach", "--help"])), (0, 0));
}

#[test]
fn json_is_one_object_whatever_happens() {
    let site = Site::launched();
    let host = &site.host;
    let target = name(&site.web);
    for args in [
        &["launch"][..],
        &["attach", "10.2.1.4/24", &target],
        &["ps"],
        &["status"],
        &["preflight"],
        &["version"],
        &["expose", "10.2.1.1/24"],
        &["hide"],
        &["detach", &target],
        &["reset"],
    ] {
        let output = host.weave(&[&["--json"], args].concat());
        let report = object(&output);
        assert_eq!(report["operation"], args[0], "{output}");
        if args[0] != "preflight" {
            assert!(output.ok(), "{output}");
        }
        for list in ["changes", "steps", "warnings", "errors"] {
            assert!(report[list].is_array(), "{list}: {output}");
        }
    }
    for args in [&["launch", "--port", "0"][..], &["attach", "10.2.1.4/24", "netns:nosuch"], &["connect", "1.2.3"]] {
        let output = host.weave(&[&["--json"], args].concat());
        assert_eq!((output.code, &object(&output)["failed"]), (1, &true.into()), "{output}");
        assert_eq!(object(&output)["operation"], args[0], "{output}");
    }
}

#[test]
fn status_has_its_sections() {
    let site = Site::launched();
    site.host.weave(&["attach", "10.2.1.4/24", &name(&site.web)]).must();
    site.host.weave(&["expose", "10.2.1.1/24"]).must();
    let printed = site.host.weave(&["status"]).must();
    let mac = super::kernel::link(&site.host, "weave")["address"].as_str().expect("an address").to_owned();
    for word in ["vxlan", "6783", "192.0.2.1", "192.0.2.2", "10.2.1.1/24", "10.2.1.4/24", "1450", &mac] {
        assert!(printed.contains(word), "`{word}`: {printed}");
    }
    let status = object(&site.host.weave(&["--json", "status"]))["result"].clone();
    assert_eq!(status["router"]["state"], "running", "{status:#}");
    assert_eq!(status["attachments"][0]["ips"][0], "10.2.1.4/24", "{status:#}");
    site.host.weave(&["stop"]).must();
    assert_eq!(object(&site.host.weave(&["--json", "status"]))["result"]["router"]["state"], "stopped");
    site.host.weave(&["reset"]).must();
    assert_eq!(object(&site.host.weave(&["--json", "status"]))["result"]["router"], serde_json::Value::Null);
    // As it always did while no router runs.
    let stopped = site.host.weave(&["status"]);
    assert_eq!(stopped.code, 1, "{stopped}");
    assert!(stopped.stderr.contains("weave launch"), "{stopped}");
}
