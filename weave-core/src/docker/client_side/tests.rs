//! Files, variables and paths.

use std::path::Path;

use super::resolve;
use crate::spec::Options;
use crate::spec::options::{Value, parse_run};
use crate::{ErrorKind, Result};

fn resolved(line: &str, base: &Path) -> Result<Options> {
    let (options, _) = parse_run(&shlex::split(line).expect("words"))?;
    resolve(options, &|name| (name == "HERE").then(|| "a value".to_owned()), base)
}

fn texts<T: Value>(values: &[T]) -> Vec<String> {
    values.iter().map(Value::write).collect()
}

#[test]
fn variables_come_from_files_first_and_from_the_caller() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "\u{feff}# none\n \t A=1 \n\n\u{a0}B = no\n";
    for (name, text) in [
        ("bad.env", text),
        ("one.env", "\u{feff}# none\n \t A=1 \r\n\nHERE\nGONE\nB=x=y\nC=\n  # none\nD='q' # kept"),
        ("two.env", "A=2"),
    ] {
        std::fs::write(directory.path().join(name), text).expect("a file");
    }
    let line = "--env-file one.env --env-file two.env -e A=3 -e HERE -e GONE -e A=4";
    let options = resolved(line, directory.path()).expect("variables");
    let expected = ["A=1 ", "HERE=a value", "B=x=y", "C=", "D='q' # kept", "A=2", "HERE=a value", "GONE", "A=4"];
    assert_eq!(texts(&options.env), expected);
    assert!(options.env_file.is_empty());

    let error = resolved("--env-file bad.env", directory.path()).expect_err("blanks in a name");
    assert_eq!((error.kind(), error.subject()), (ErrorKind::InvalidSpec, "env_file"));
    assert!(error.message().contains("`B = no`") && error.message().contains("allowed"), "{error}");
}

#[test]
fn labels_come_from_files_first() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("labels"), "a=b c\nwithout\nHERE\n").expect("a file");
    let options = resolved("--label-file labels -l a=z -l d", directory.path()).expect("labels");
    assert_eq!(texts(&options.label), ["a=b c", "a=z", "d"]);
    assert!(options.label_file.is_empty());
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("bytes"), b"A=\xff\n").expect("a file");
    std::fs::write(directory.path().join("long"), format!("A={}\n", "x".repeat(70_000))).expect("a file");
    std::fs::write(directory.path().join("nameless"), "=x\n").expect("a file");
    for (line, kind, field, words) in [
        ("--env-file none.env", ErrorKind::NotFound, "env_file", "none.env"),
        ("--env-file bytes", ErrorKind::InvalidSpec, "env_file", "line 1 is no UTF-8"),
        ("--env-file long", ErrorKind::InvalidSpec, "env_file", "line 1 is too long"),
        ("--label-file nameless", ErrorKind::InvalidSpec, "label_file", "`=x`"),
        ("--security-opt seccomp=long", ErrorKind::InvalidSpec, "security_opt", "JSON"),
        ("--security-opt seccomp=none.json", ErrorKind::NotFound, "security_opt", "none.json"),
    ] {
        let error = resolved(line, directory.path()).expect_err(line);
        assert_eq!((error.kind(), error.subject()), (kind, field), "{error}");
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn a_seccomp_profile_is_sent_whole_and_without_blanks() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "{\n  \"a b\" : [ 1.50, \"c \\\" d\\\\\" ],\t\"e\": {}\n}\n";
    std::fs::write(directory.path().join("profile.json"), text).expect("a file");
    let line = "--security-opt seccomp=profile.json --security-opt seccomp=unconfined --security-opt label=disable";
    let options = resolved(line, directory.path()).expect("a profile");
    let expected = ["seccomp={\"a b\":[1.50,\"c \\\" d\\\\\"],\"e\":{}}", "seccomp=unconfined", "label=disable"];
    assert_eq!(texts(&options.security_opt), expected);
}

#[test]
fn paths_with_dots_begin_where_the_caller_stands() {
    for (line, expected) in [
        ("-v ./a:/x", "/srv/base/a:/x"),
        ("-v ../a/./b:/x:ro", "/srv/a/b:/x:ro"),
        ("-v .:/x", "/srv/base:/x"),
        ("-v ../../../..:/x", "/:/x"),
        ("-v /a/../b:/x", "/a/../b:/x"),
        ("-v name:/x", "name:/x"),
    ] {
        let options = resolved(line, Path::new("/srv/base")).expect(line);
        assert_eq!(texts(&options.volume), [expected]);
    }
    let options = resolved("--mount type=bind,src=./a,dst=/x", Path::new("/srv/base")).expect("a mount");
    assert_eq!(texts(&options.mount), ["type=bind,source=/srv/base/a,target=/x"]);
}
