//! The docker clients of this host, to compare with.

use std::path::PathBuf;
use std::process::Command;

/// The docker clients of this host, with their major versions.
pub(super) fn clients() -> Vec<(PathBuf, u32)> {
    let path = std::env::var_os("PATH").expect("a path");
    let mut found: Vec<(PathBuf, u32)> = Vec::new();
    for directory in std::env::split_paths(&path).chain(["/usr/bin".into(), "/usr/local/bin".into()]) {
        let Ok(program) = directory.join("docker").canonicalize() else { continue };
        if found.iter().any(|(known, _)| *known == program) {
            continue;
        }
        let output = Command::new(&program).arg("--version").output().expect("the client's version");
        let text = String::from_utf8(output.stdout).expect("text");
        let major = text.strip_prefix("Docker version ").and_then(|rest| rest.split('.').next()?.parse().ok());
        found.push((program, major.unwrap_or_else(|| panic!("no version of Docker: {text}"))));
    }
    assert!(!found.is_empty(), "there is no docker client to compare with");
    found
}
