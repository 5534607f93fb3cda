//! Who may, and who has to wait.

use std::fs;
use std::time::{Duration, Instant};

use weave_core::apply::Lock;
use weave_core::blocking;

use super::{Refusal, Site, name, refusal, report, weave_through};

const NOBODY: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const NO_CAPABILITIES: &[&str] = &["setpriv", "--bounding-set=-all", "--inh-caps=-all"];

/// A copy that everybody may run, also who may not enter the directory in which the command was built.
///
/// It is made by another process: a file that this one writes is busy as long as a child of another test has it.
fn copy(site: &Site) -> String {
    let path = site.lab.dir().join("weave").to_str().expect("a path in UTF-8").to_owned();
    if !fs::exists(&path).expect("a directory that can be read") {
        site.host.exec(&["cp", super::WEAVE, &path]).must();
    }
    path
}

fn refused_as(site: &Site, who: &[&str], args: &[&str]) -> Refusal {
    let copy = copy(site);
    // The last words of the wrapper are followed by the path of the original, which is left out.
    let wrapper = [who, &["sh", "-c", "shift; exec \"$0\" \"$@\"", &copy]].concat();
    refusal(&weave_through(&site.host, &wrapper, &[&["--json"], args].concat()))
}

#[test]
fn without_privileges_nothing_is_touched_and_the_hint_says_what_is_needed() {
    let site = Site::launched();
    site.host.weave(&["attach", "10.2.1.5/24", &name(&site.db)]).must();
    let target = name(&site.web);
    let before = site.scene().look();
    for who in [NOBODY, NO_CAPABILITIES] {
        for args in [
            &["launch", "192.0.2.3"][..],
            &["connect", "192.0.2.3"],
            &["attach", "10.2.1.4/24", &target],
            &["expose", "10.2.1.1/24"],
            &["stop"],
            &["reset"],
            &["--check", "attach", "10.2.1.4/24", &target],
            &["--check", "launch", "192.0.2.3"],
        ] {
            let error = refused_as(&site, who, args);
            assert_eq!(error.kind, "permission_denied", "{who:?} {args:?}: {error:?}");
            assert!(error.hint.contains("root"), "{who:?} {args:?}: {error:?}");
        }
    }
    site.scene().is_still(&before);
}

#[test]
fn everybody_may_ask_for_the_version() {
    let site = Site::new();
    site.host.exec(&[NOBODY, &[&copy(&site), "version"]].concat()).must();
}

#[test]
fn who_waits_in_vain_is_told_for_whom() {
    let site = Site::launched();
    let held = blocking::run(Lock::acquire(&site.host.run_dir(), "rehearsal", Duration::ZERO)).expect("the lock");
    let args = ["--json", "attach", "10.2.1.4/24", &name(&site.web)];
    let start = Instant::now();
    site.scene().untouched(|| {
        let error = refusal(&weave_through(&site.host, &["env", "WEAVE_LOCK_TIMEOUT=0.3"], &args));
        let lock = site.host.run_dir().join("lock");
        let holder = format!("process {} (rehearsal)", std::process::id());
        error.says("timeout", &lock.display().to_string(), &[&holder, "0.3 s", "WEAVE_LOCK_TIMEOUT"]);
    });
    assert!(start.elapsed() > Duration::from_millis(300));
    // Who only looks does not wait.
    report(&site.host, &["--check", "attach", "10.2.1.4/24", &name(&site.web)], 2);
    report(&site.host, &["status"], 0);
    let waiting = site.host.weave_command(&args).stdout(std::process::Stdio::null()).spawn();
    let mut waiting = waiting.expect("weave to start");
    std::thread::sleep(Duration::from_millis(300));
    assert!(waiting.try_wait().expect("a child").is_none(), "it did not wait");
    assert!(super::kernel::find_link(&site.web, "ethwe").is_none());
    drop(held);
    assert!(waiting.wait().expect("a child").success());
    assert_eq!(super::kernel::addresses(&site.web, "ethwe"), ["10.2.1.4/24"]);
}

#[test]
fn a_bad_time_to_wait_is_refused() {
    let site = Site::launched();
    for (variable, seconds) in [("LOCK", "soon"), ("LOCK", "-1"), ("ENGINE", "soon"), ("ENGINE", "-1"), ("ENGINE", "0")]
    {
        let variable = format!("WEAVE_{variable}_TIMEOUT");
        let wrapper = ["env", &format!("{variable}={seconds}")];
        let error = refusal(&weave_through(&site.host, &wrapper, &["--json", "launch", "192.0.2.3"]));
        error.says("invalid_spec", &variable, &[seconds, "allowed"]);
    }
}
