//! The proof that a lab leaves nothing behind.

use std::fs;

use super::{owner, sweep};

/// Panics if anything of a lab remains: a namespace, mount, process, cgroup or directory.
#[track_caller]
pub(crate) fn assert_nothing_left(prefix: &str) {
    let left = leftovers(prefix);
    assert!(left.is_empty(), "left of {prefix}:\n{}", left.join("\n"));
}

/// The same for all labs that this process ever made; call it when none is alive.
#[track_caller]
pub(crate) fn assert_nothing_left_of_process() {
    assert_nothing_left(&owner::process_prefix());
}

/// What remains of the labs whose names begin with `prefix`, one line each.
pub(crate) fn leftovers(prefix: &str) -> Vec<String> {
    assert!(prefix.starts_with(owner::FAMILY), "`{prefix}` is no name of a lab");
    let dirs = fs::read_dir(owner::labs_dir()).into_iter().flatten().flatten().map(|entry| entry.path());
    let dirs = dirs.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)));
    let mut left: Vec<_> = dirs.map(|path| format!("directory {}", path.display())).collect();
    left.extend(sweep::namespaces(prefix).iter().map(|path| format!("namespace {}", path.display())));
    left.extend(sweep::mounts(prefix).iter().map(|path| format!("mount {}", path.display())));
    left.extend(sweep::cgroups(prefix).iter().map(|path| format!("cgroup {}", path.display())));
    left.extend(sweep::processes(prefix).iter().map(|pid| format!("process {pid}: {}", command_line(*pid))));
    left.extend(daemons(prefix));
    left
}

/// Daemons that were started with the lab's directory: these are only reported, since arguments prove nothing.
fn daemons(prefix: &str) -> Vec<String> {
    let pids = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let lines = pids.map(|pid| (pid, command_line(pid)));
    let programs = ["dockerd ", "containerd ", "containerd-shim", "docker-proxy "];
    let ours = lines.filter(|(_, line)| line.contains(prefix) && programs.iter().any(|program| line.contains(program)));
    ours.map(|(pid, line)| format!("daemon {pid}: {line}")).collect()
}

fn command_line(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}
