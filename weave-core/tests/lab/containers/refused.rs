//! Lines that not every engine takes, and what it says or does instead.

use Engine::{Older, This};

/// Which engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// Those that do not speak API 1.n yet.
    Older(u16),
    /// It depends on the machine, or on the engine in another way.
    This,
}

/// Lines that are refused, with words of the error.
pub(super) const REFUSED: &[(&str, Engine, &str)] = &[
    ("--cpuset-cpus 0-3,5 --cpuset-mems 0", This, "Requested CPUs are not available"),
    ("--read-only --storage-opt size=10G", This, "--storage-opt is supported only for overlay over xfs"),
    ("--mount type=image,source=alpine,target=/image", Older(47), "mount type unknown"),
    ("--mount type=image,source=alpine,target=/image,image-subpath=/etc", Older(48), "mount type unknown"),
    ("--mount type=image,source=alpine,target=/image", This, "No such image: alpine"),
    ("--mount type=image,source=alpine,target=/image,image-subpath=/etc", This, "subpath must be a relative path"),
    // Newer ones, too, unless they are in a swarm.
    ("--mount type=cluster,source=volume,target=/c", This, "mount type unknown"),
    // Since Docker 22; 28 and 29 differ in hyphens.
    ("--network bridge --ip 172.17.0.9", This, "IP address is supported on user"),
    ("--network name=mesh,gw-priority=5 --network other", Older(44), "cannot be connected to network endpoints"),
    ("--network mesh --network other --ip 10.3.0.4", Older(44), "cannot be connected to network endpoints"),
    ("--network mesh --network name=other,alias=b --network-alias a", Older(44), "cannot be connected to network"),
    (
        "--mount type=volume,src=data,dst=/data --mount type=tmpfs,dst=/cache,tmpfs-size=1g -v logs:/logs \
         --network name=front,alias=web --network back --env-file variables.env --label-file labels \
         --sysctl net.ipv4.tcp_syncookies=1 --shm-size 1g --init --stop-signal SIGQUIT",
        Older(44),
        "cannot be connected to network endpoints",
    ),
];

/// Lines of which an older engine leaves an option out without a word: then the container differs in it.
pub(super) const LEFT_OUT: &[(&str, Engine, &str)] = &[
    ("--annotation a=b --annotation c", Older(43), "annotation"),
    ("--health-start-interval 500ms", Older(44), "health_start_interval"),
    ("--mount source=pg,target=/data,volume-subpath=sub", Older(45), "mount"),
    ("--mount type=bind,src=/a,dst=/b,ro,bind-recursive=writable", Older(44), "mount"),
    ("--mount type=bind,src=/a,dst=/b,ro,bind-propagation=rprivate,bind-recursive=readonly", Older(44), "mount"),
];

/// What is said of a line, if it concerns an engine with API 1.`minor`.
pub(super) fn find(table: &'static [(&str, Engine, &str)], line: &str, minor: u16) -> Option<(Engine, &'static str)> {
    let concerned = |engine: Engine| match engine {
        Older(needed) => minor < needed,
        This => true,
    };
    let (_, engine, words) = table.iter().find(|(known, engine, _)| *known == line && concerned(*engine))?;
    Some((*engine, *words))
}

#[test]
fn each_of_these_lines_is_one_of_the_lines() {
    for (line, ..) in REFUSED.iter().chain(LEFT_OUT) {
        assert!(super::lines::LINES.iter().any(|(known, _)| known == line), "{line}");
    }
}
