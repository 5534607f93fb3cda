//! What changes under units that are installed: their program, what they do, and their files.

use super::*;

/// An upgrade puts another program where the units find it: only the one that keeps running it starts anew.
#[test]
fn a_program_that_was_exchanged_is_put_to_work() {
    let booted = Booted::new();
    let program = booted.host.dir().join("weave");
    let put = |text: &str| crate::lab::program(&program, text);
    let path = program.display().to_string();
    let args = ["install-units", "--program", &path, &booted.document];
    let four_runs = || {
        for (check, code) in [(true, 2), (false, 2), (true, 0), (false, 0)] {
            let args = [if check { &["--check"][..] } else { &[] }, &args[..]].concat();
            booted.report(&args, code);
        }
    };
    put("#!/bin/sh\n");
    four_runs();
    booted.calls();
    put("#!/bin/sh\n# Another one.\n");
    four_runs();
    assert_eq!(booted.calls(), ["systemctl daemon-reload", "systemctl restart weave-watch.service"]);
}

/// What systemd says of one that ends again and again, and of one whose file is gone.
#[test]
fn what_only_seems_to_run_is_seen() {
    let booted = Booted::new();
    booted.install();
    booted.calls();
    let says = |name: &str, text: &str| fs::write(booted.programs.join("state").join(name), text).expect("a file");
    says("show-weave-watch.service", "ActiveState=activating\nSubState=auto-restart\nUnitFileState=enabled\n");
    let planned = booted.report(&["--check", "install-units", &booted.document], 2);
    assert_eq!(planned["steps"], serde_json::json!(["systemctl start weave-watch.service"]));
    fs::remove_file(booted.root.join(WATCH)).expect("a file");
    for (from, is_ours) in
        [("/etc/systemd/system/weave-watch.service", true), ("", true), ("/run/other.service", false)]
    {
        says("show-weave-watch.service", &format!("ActiveState=active\nSubState=running\nFragmentPath={from}\n"));
        for args in [&["--check", "install-units", "--remove"][..], &["--check", "reset"]] {
            let steps = booted.report(args, 2)["steps"].to_string();
            assert_eq!(steps.contains("systemctl stop weave-watch.service"), is_ours, "{from} {args:?}: {steps}");
        }
    }
}
