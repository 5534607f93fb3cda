//! What a lab needs from the machine. A missing piece is an error, never a skipped test: green must mean tested.

use std::env;
use std::fs;
use std::path::PathBuf;

/// Programs, each with the Debian package that holds it.
const PROGRAMS: &[(&str, &str)] = &[
    ("dockerd", "docker.io"),
    ("docker", "docker.io"),
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("ip", "iproute2"),
    ("bridge", "iproute2"),
    ("nft", "nftables"),
    ("conntrack", "conntrack"),
    ("iptables-nft-save", "iptables"),
    ("nsenter", "util-linux"),
    ("sysctl", "procps"),
    ("ping", "iputils-ping"),
    ("timeout", "coreutils"),
    ("tar", "tar"),
    ("ldd", "libc-bin"),
];

/// Panics with one sentence about the first thing that is missing.
pub(super) fn check() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "lab tests make network namespaces and must run as root: use `make test`"
    );
    for (program, package) in PROGRAMS {
        assert!(find(program).is_some(), "`{program}` is missing: install the package {package}, or run `make deps`");
    }
    busybox();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    assert!(
        mounts.lines().any(|m| m.split(' ').nth(2).is_some_and(|kind| kind == "cgroup2" || kind == "cgroup")),
        "no cgroup file system is mounted, so no container can start: run `mount -t cgroup2 none /sys/fs/cgroup`, or `make deps`"
    );
}

/// The static busybox: it needs no libraries, so it is a whole image.
pub(super) fn busybox() -> PathBuf {
    let path = find("busybox").filter(|path| {
        // The program headers, which name the dynamic loader if there is one, come first.
        fs::read(path)
            .is_ok_and(|file| !file.iter().take(4096).copied().collect::<Vec<_>>().windows(6).any(|w| w == b"/ld-li"))
    });
    path.unwrap_or_else(|| {
        panic!("a static `busybox` is missing: install the package busybox-static, or run `make deps`")
    })
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}
