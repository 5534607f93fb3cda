//! What the scripts do with programs that are played, and with many files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{READ, READ_FILE, TREE};

/// A directory that goes with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weave-scripts-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(script: &str, words: &[&str]) -> Output {
    Command::new("sh").args(["-c", script, "weave"]).args(words).output().expect("a shell")
}

fn tree(path: &Path, what: &str) -> Output {
    let done = run(TREE, &[path.to_str().expect("UTF-8"), what]);
    assert!(done.status.success(), "{done:?}");
    done
}

/// What is written during the flush would be missed by a second pass that looks from after it.
#[test]
fn the_time_is_taken_before_the_disk_is_waited_for() {
    let dir = Dir::new("order");
    let log = dir.0.join("log").display().to_string();
    let played = ["date", "sync", "tar"].map(|name| format!("{name}() {{ echo {name} >>{log}; }}\n")).concat();
    let script = played + &READ.replace("/state", &dir.0.display().to_string());
    run(&script, &["list", "first"]);
    assert_eq!(std::fs::read_to_string(&log).expect("a log"), "date\nsync\ntar\n");
}

/// A log that somebody writes to: `tar` says so with its exit code.
#[test]
fn a_file_may_change_while_the_container_runs() {
    for (code, pass, wanted) in [(0, "first", 0), (1, "first", 0), (2, "first", 2), (0, "last", 0), (1, "last", 1)] {
        let done = run(&format!("tar() {{ return {code}; }}\n{READ_FILE}"), &["file", pass]);
        assert_eq!(done.status.code(), Some(wanted), "{code} in the {pass} pass");
    }
}

#[test]
fn many_files_are_not_compared_in_silence() {
    let dir = Dir::new("many");
    let few = tree(&dir.0, ".");
    assert!(few.stderr.is_empty(), "{few:?}");
    for at in 0..10_001 {
        std::fs::write(dir.0.join(at.to_string()), "").expect("a file");
    }
    let many = tree(&dir.0, ".");
    assert_eq!((many.stderr.as_slice(), many.stdout.len()), (&b"\n"[..], few.stdout.len()));
    assert_ne!(many.stdout, few.stdout);
}

/// Of a link it is what it points to that is copied, and so compared.
#[test]
fn one_file_is_compared_alone() {
    let dir = Dir::new("one");
    let path = |name: &str| dir.0.join(name);
    std::fs::create_dir(path("other")).expect("a directory");
    std::fs::write(path("file"), "text").expect("a file");
    let copy = "cp -a file other/link; ln -s file link; touch beside";
    assert!(Command::new("sh").args(["-c", copy]).current_dir(&dir.0).status().expect("a shell").success());
    assert_eq!(tree(&dir.0, "./link").stdout, tree(&path("other"), "./link").stdout);
    std::fs::write(path("other/link"), "other text").expect("a file");
    assert_ne!(tree(&dir.0, "./link").stdout, tree(&path("other"), "./link").stdout);
}
