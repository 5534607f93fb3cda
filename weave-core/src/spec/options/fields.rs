//! Every option of `docker run` that concerns a container: one line makes the field, its name on the command line and
//! the way it is read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::*;
use crate::spec::run::Pull;

/// How often an option may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It needs no value: `--tty`, `--tty=false`.
    Flag,
    /// The last one counts.
    One,
    /// All of them count.
    Many,
}

/// An option on the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The field.
    pub(super) field: &'static str,
    /// The long name, without the dashes.
    pub(super) long: &'static str,
    /// The letter.
    pub(super) short: Option<char>,
    /// How often it may be given.
    pub(super) kind: Kind,
}

macro_rules! options {
    (@kind flag) => { Kind::Flag };
    (@kind one $type:ty) => { Kind::One };
    (@kind many $type:ty) => { Kind::Many };
    (@short) => { None };
    (@short $short:literal) => { Some($short) };
    ($($(#[$doc:meta])* $long:literal $($short:literal)? $field:ident: $kind:ident $($type:ident)?;)+) => {
        options! { @struct [] $($(#[$doc])* $field $kind $($type)?;)+ }

        /// The options by their long names.
        pub(super) const ROWS: &[Row] = &[$(
            Row {
                field: stringify!($field),
                long: $long,
                short: options!(@short $($short)?),
                kind: options!(@kind $kind $($type)?),
            },
        )+];
    };
    (@struct [$($done:tt)*] $(#[$doc:meta])* $field:ident flag; $($rest:tt)*) => {
        options! { @struct [
            $($done)*
            $(#[$doc])*
            #[serde(deserialize_with = "value::flag", skip_serializing_if = "Option::is_none")]
            pub $field: Option<bool>,
        ] $($rest)* }
    };
    (@struct [$($done:tt)*] $(#[$doc:meta])* $field:ident one $type:ident; $($rest:tt)*) => {
        options! { @struct [
            $($done)*
            $(#[$doc])*
            #[serde(
                deserialize_with = "value::one",
                serialize_with = "value::write_one",
                skip_serializing_if = "Option::is_none"
            )]
            pub $field: Option<$type>,
        ] $($rest)* }
    };
    (@struct [$($done:tt)*] $(#[$doc:meta])* $field:ident many $type:ident; $($rest:tt)*) => {
        options! { @struct [
            $($done)*
            $(#[$doc])*
            #[serde(
                deserialize_with = "value::many",
                serialize_with = "value::write_many",
                skip_serializing_if = "Vec::is_empty"
            )]
            pub $field: Vec<$type>,
        ] $($rest)* }
    };
    (@struct [$($done:tt)*]) => {
        /// Everything that `docker run` takes about a container; what was not given is `None` or empty.
        ///
        /// Written as one string (`-d --memory=2g -p 5432:5432`), as a list of such strings, or as a map of these
        /// fields. It is always written out as the map.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(remote = "Self", deny_unknown_fields, default)]
        pub struct Options { $($done)* }
    };
}

options! {
    /// Lines of the hosts file.
    "add-host" add_host: many ExtraHost;
    /// Annotations for the runtime.
    "annotation" annotation: many Pair;
    /// The share of block device time, 10 to 1000; 0 for none.
    "blkio-weight" blkio_weight: one u16;
    /// The same for single devices.
    "blkio-weight-device" blkio_weight_device: many Weight;
    /// Capabilities beyond the usual.
    "cap-add" cap_add: many String;
    /// Usual capabilities that it does not get.
    "cap-drop" cap_drop: many String;
    /// The control group above its own.
    "cgroup-parent" cgroup_parent: one String;
    /// Which control groups it sees.
    "cgroupns" cgroupns: one CgroupnsMode;
    /// The period of the processor quota in microseconds.
    "cpu-period" cpu_period: one i64;
    /// Microseconds of processor time in each period.
    "cpu-quota" cpu_quota: one i64;
    /// The period for real-time scheduling in microseconds.
    "cpu-rt-period" cpu_rt_period: one i64;
    /// Microseconds of real-time scheduling in each period.
    "cpu-rt-runtime" cpu_rt_runtime: one i64;
    /// The share of processor time.
    "cpu-shares" 'c' cpu_shares: one i64;
    /// How many processors' time it may use.
    "cpus" cpus: one Cpus;
    /// The processors it may run on: `0-3`, `0,1`.
    "cpuset-cpus" cpuset_cpus: one String;
    /// The memory nodes it may use.
    "cpuset-mems" cpuset_mems: one String;
    /// Devices of the host.
    "device" device: many Device;
    /// Rules of the device controller.
    "device-cgroup-rule" device_cgroup_rule: many DeviceRule;
    /// Bytes read a second.
    "device-read-bps" device_read_bps: many ByteRate;
    /// Reads a second.
    "device-read-iops" device_read_iops: many CountRate;
    /// Bytes written a second.
    "device-write-bps" device_write_bps: many ByteRate;
    /// Writes a second.
    "device-write-iops" device_write_iops: many CountRate;
    /// Name servers.
    "dns" dns: many IpAddr;
    /// Options of the resolver; also `dns_opt`.
    "dns-option" dns_option: many String;
    /// Domains to search.
    "dns-search" dns_search: many SearchDomain;
    /// The NIS domain.
    "domainname" domainname: one String;
    /// The program that runs, instead of the image's; an empty one takes the image's away.
    "entrypoint" entrypoint: one String;
    /// Variables.
    "env" 'e' env: many Variable;
    /// Files with variables.
    "env-file" env_file: many String;
    /// Ports that others may find useful.
    "expose" expose: many Expose;
    /// Graphics processors.
    "gpus" gpus: many Gpus;
    /// More groups for the process.
    "group-add" group_add: many String;
    /// The command that tells whether it is healthy.
    "health-cmd" health_cmd: one String;
    /// Time between two checks.
    "health-interval" health_interval: one Interval;
    /// Failures in a row until it counts as unhealthy.
    "health-retries" health_retries: one i64;
    /// Time between two checks while it starts.
    "health-start-interval" health_start_interval: one Interval;
    /// How long it may take to start.
    "health-start-period" health_start_period: one Interval;
    /// How long a check may take.
    "health-timeout" health_timeout: one Interval;
    /// The host name.
    "hostname" 'h' hostname: one String;
    /// Whether a small init runs first, to reap processes.
    "init" init: flag;
    /// Whether standard input stays open.
    "interactive" 'i' interactive: flag;
    /// The IPv4 address in its first network.
    "ip" ip: one Ipv4Addr;
    /// The IPv6 address in its first network.
    "ip6" ip6: one Ipv6Addr;
    /// Whose IPC it uses.
    "ipc" ipc: one IpcMode;
    /// The isolation technology.
    "isolation" isolation: one Isolation;
    /// A limit that engines since 20.10 do not heed.
    "kernel-memory" kernel_memory: one Bytes;
    /// Labels.
    "label" 'l' label: many Label;
    /// Files with labels.
    "label-file" label_file: many String;
    /// Containers that are reached by name.
    "link" link: many Link;
    /// Addresses on the link.
    "link-local-ip" link_local_ip: many IpAddr;
    /// Where its output goes.
    "log-driver" log_driver: one String;
    /// Options of the log driver.
    "log-opt" log_opt: many Pair;
    /// The hardware address in its first network.
    "mac-address" mac_address: one MacAddress;
    /// How much memory it may use.
    "memory" 'm' memory: one Bytes;
    /// How much it is left with when memory is short.
    "memory-reservation" memory_reservation: one Bytes;
    /// How much memory and swap together.
    "memory-swap" memory_swap: one SwapBytes;
    /// How willingly it is swapped out, 0 to 100; -1 for the host's setting.
    "memory-swappiness" memory_swappiness: one i64;
    /// Mounts in the long form.
    "mount" mount: many Mount;
    /// The container's name.
    "name" name: one String;
    /// Networks of the engine; also `net`.
    "network" network: many Network;
    /// Other names in its first network; also `net_alias`.
    "network-alias" network_alias: many String;
    /// Whether the image's health check is left out.
    "no-healthcheck" no_healthcheck: flag;
    /// Whether the kernel spares it when memory is out.
    "oom-kill-disable" oom_kill_disable: flag;
    /// How soon the kernel kills it when memory is out, -1000 to 1000.
    "oom-score-adj" oom_score_adj: one i64;
    /// Whose processes it sees.
    "pid" pid: one PidMode;
    /// How many processes it may have; -1 for no limit.
    "pids-limit" pids_limit: one i64;
    /// The platform of the image: `linux/arm64`.
    "platform" platform: one String;
    /// Whether it may do all that the host may.
    "privileged" privileged: flag;
    /// Ports that the host passes on.
    "publish" 'p' publish: many Publish;
    /// Whether every exposed port is published on a free one.
    "publish-all" 'P' publish_all: flag;
    /// When the image is pulled.
    "pull" pull: one Pull;
    /// Whether its root file system can only be read.
    "read-only" read_only: flag;
    /// What happens when it ends.
    "restart" restart: one Restart;
    /// Whether it is removed when it ends.
    "rm" rm: flag;
    /// The runtime.
    "runtime" runtime: one String;
    /// Security options.
    "security-opt" security_opt: many SecurityOption;
    /// The size of `/dev/shm`.
    "shm-size" shm_size: one Bytes;
    /// The signal that stops it.
    "stop-signal" stop_signal: one String;
    /// Seconds until it is killed; -1 for never.
    "stop-timeout" stop_timeout: one i64;
    /// Options of the storage driver.
    "storage-opt" storage_opt: many StorageOption;
    /// Settings of the kernel.
    "sysctl" sysctl: many Sysctl;
    /// File systems in memory.
    "tmpfs" tmpfs: many Tmpfs;
    /// Whether it has a terminal.
    "tty" 't' tty: flag;
    /// Limits of its processes.
    "ulimit" ulimit: many Ulimit;
    /// The user, and perhaps the group, that it runs as.
    "user" 'u' user: one String;
    /// Whose users it has.
    "userns" userns: one UsernsMode;
    /// Whose host name it has.
    "uts" uts: one UtsMode;
    /// Volumes and paths of the host.
    "volume" 'v' volume: many Volume;
    /// The driver of its volumes.
    "volume-driver" volume_driver: one String;
    /// Containers whose volumes it sees too.
    "volumes-from" volumes_from: many String;
    /// The directory where it starts.
    "workdir" 'w' workdir: one Workdir;
}
