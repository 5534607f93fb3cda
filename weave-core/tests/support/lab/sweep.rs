//! Removing a lab with force: by what its names and namespaces show, never by the names of programs.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::command::{self, PATIENCE, wait_until};
use super::netns::RUN_NETNS;
use super::owner;

/// Removes the labs of processes that ended without doing so, for example by SIGKILL.
pub(super) fn dead_labs() {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut places = vec![PathBuf::from(RUN_NETNS), owner::labs_dir()];
    places.extend(cgroup_roots());
    let names: Vec<_> = places.iter().flat_map(|place| children(place)).collect();
    let prefixes: BTreeSet<_> = names.iter().filter_map(|path| owner::prefix_of(path.file_name()?.to_str()?)).collect();
    for prefix in prefixes.into_iter().filter(|prefix| !owner::is_alive(prefix)) {
        demolish(prefix);
    }
}

/// Kills, unmounts and deletes all that belongs to a lab. What is gone already is no error: the caller looks at the
/// end, and two processes may sweep the same lab.
pub(super) fn demolish(prefix: &str) {
    // An empty prefix would be everybody's.
    assert_eq!(owner::prefix_of(prefix), Some(prefix), "`{prefix}` is no name of a lab");
    let dir = owner::labs_dir().join(prefix);
    wait_until(PATIENCE, || {
        let pids = processes(prefix);
        for pid in &pids {
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        pids.is_empty()
    });
    for mount in mounts(prefix).iter().rev().filter(|mount| mount.starts_with(&dir)) {
        command::exec(&["umount", "-l", &mount.to_string_lossy()]);
    }
    for socket in shim_sockets(&dir) {
        let _ = fs::remove_file(socket);
    }
    for cgroup in cgroups(prefix) {
        // A cgroup is busy for a moment after its last process.
        wait_until(PATIENCE, || remove_cgroup(&cgroup));
    }
    for netns in namespaces(prefix) {
        command::exec(&["ip", "netns", "delete", netns.file_name().and_then(|name| name.to_str()).unwrap_or_default()]);
    }
    // Who is just ending may still write something into it.
    wait_until(PATIENCE, || fs::remove_dir_all(&dir).is_ok() || !dir.exists());
}

/// The named namespaces of a lab.
pub(super) fn namespaces(prefix: &str) -> Vec<PathBuf> {
    ours(Path::new(RUN_NETNS), prefix)
}

/// What is mounted in a lab's directory or on its names, parents first.
pub(super) fn mounts(prefix: &str) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    points.filter(|point| point.components().any(|part| belongs(part.as_os_str().to_str(), prefix))).collect()
}

/// The cgroups of a lab's containers, in each hierarchy.
pub(super) fn cgroups(prefix: &str) -> Vec<PathBuf> {
    cgroup_roots().iter().flat_map(|root| ours(root, prefix)).collect()
}

/// The processes of a lab: those in its namespaces, in those of its containers, and in its cgroups.
pub(super) fn processes(prefix: &str) -> BTreeSet<i32> {
    let sandboxes = mounts(prefix);
    let inodes: HashSet<_> = namespaces(prefix).iter().chain(&sandboxes).filter_map(|path| identity(path)).collect();
    let own = i32::try_from(std::process::id()).ok();
    let all =
        children(Path::new("/proc")).into_iter().filter_map(|path| path.file_name()?.to_str()?.parse::<i32>().ok());
    let mut pids: BTreeSet<_> = all
        .filter(|pid| {
            Some(*pid) != own
                && identity(Path::new(&format!("/proc/{pid}/ns/net"))).is_some_and(|id| inodes.contains(&id))
        })
        .collect();
    pids.extend(cgroups(prefix).iter().flat_map(|cgroup| members(cgroup)));
    pids
}

/// Whether a name is the lab's own or one under it; `weavelab-…-1` is not the owner of `weavelab-…-10`.
fn belongs(name: Option<&str>, prefix: &str) -> bool {
    name.and_then(|name| name.strip_prefix(prefix))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || prefix.ends_with('-'))
}

fn ours(place: &Path, prefix: &str) -> Vec<PathBuf> {
    children(place)
        .into_iter()
        .filter(|path| belongs(path.file_name().and_then(|name| name.to_str()), prefix))
        .collect()
}

fn children(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

/// A namespace is known by device and inode. The file system of namespaces tells them from files of a disk.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// The sockets of containerd's shims: they lie outside the lab, named by a hash, and only the bundles know which.
fn shim_sockets(dir: &Path) -> Vec<PathBuf> {
    let hosts = children(dir).into_iter().map(|host| host.join("containerd-run/io.containerd.runtime.v2.task/moby"));
    let addresses =
        hosts.flat_map(|tasks| children(&tasks)).filter_map(|bundle| fs::read_to_string(bundle.join("address")).ok());
    addresses.filter_map(|address| address.trim().strip_prefix("unix://").map(PathBuf::from)).collect()
}

fn cgroup_roots() -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let fields = table.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.filter(|f| f.get(2).is_some_and(|kind| kind.starts_with("cgroup"))).map(|f| PathBuf::from(f[1])).collect()
}

fn members(cgroup: &Path) -> Vec<i32> {
    let procs = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
    let below = children(cgroup).into_iter().filter(|path| path.is_dir()).flat_map(|path| members(&path));
    procs.lines().filter_map(|pid| pid.parse().ok()).chain(below).collect()
}

/// Removes a cgroup and those under it; the files in it are not real.
fn remove_cgroup(cgroup: &Path) -> bool {
    for below in children(cgroup).iter().filter(|path| path.is_dir()) {
        remove_cgroup(below);
    }
    fs::remove_dir(cgroup).is_ok() || !cgroup.exists()
}
