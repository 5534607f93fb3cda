//! Where the request and `docker inspect` say what an option says, and how both are compared: one table.

use serde_json::Value;

use super::alike::{self, Match};
use super::{mounts, shape};

/// One place of a request that options of `docker run` write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The place; `*` stands for each network.
    pub(super) path: &'static str,
    /// The option, by the name of its field.
    pub(super) option: &'static str,
    /// Brings a value into a form in which equal means the same; `Null` where it says nothing.
    pub(super) shape: fn(&Value) -> Value,
    /// How much of the value is compared.
    pub(super) policy: Policy,
    /// Compares two such values, or two entries with the same key.
    pub(super) alike: fn(&Value, &Value) -> Match,
    /// Whether an engine makes the container without it where the kernel cannot do it.
    pub(super) discarded: bool,
    /// Whether only a container that runs shows it.
    pub(super) shown_running: bool,
}

/// How much of a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// All of it; in lists the order, too.
    Value,
    /// The entries that were asked for: a set, or a map. There may be more.
    Entries,
}
use Policy::{Entries, Value as Whole};

impl Row {
    /// Settles for less than the same.
    const fn alike(mut self, alike: fn(&Value, &Value) -> Match) -> Self {
        self.alike = alike;
        self
    }

    /// It is known while there is an interface.
    const fn shown_running(mut self) -> Self {
        self.shown_running = true;
        self
    }

    /// Kernels without the controller, or with the newer control groups, lack it.
    const fn discarded(mut self) -> Self {
        self.discarded = true;
        self
    }
}

const fn row(path: &'static str, option: &'static str, policy: Policy, shape: fn(&Value) -> Value) -> Row {
    Row { path, option, shape, policy, alike: alike::same, discarded: false, shown_running: false }
}

/// A text, a number, a truth value: none, empty, zero and false are one.
const fn plain(path: &'static str, option: &'static str) -> Row {
    row(path, option, Whole, shape::plain)
}

/// Every place that an option writes.
pub(super) const ROWS: &[Row] = &[
    row("Image", "image", Whole, shape::image),
    row("Cmd", "command", Whole, shape::list),
    row("Entrypoint", "entrypoint", Whole, shape::program),
    row("Env", "env", Entries, shape::variables),
    row("Labels", "label", Entries, shape::labels),
    plain("User", "user"),
    row("WorkingDir", "workdir", Whole, shape::directory),
    // An empty one lets the engine choose.
    plain("Hostname", "hostname").alike(alike::if_asked),
    plain("Domainname", "domainname"),
    plain("Tty", "tty"),
    plain("OpenStdin", "interactive"),
    row("StopSignal", "stop_signal", Whole, shape::signal),
    row("StopTimeout", "stop_timeout", Whole, shape::exact),
    row("Healthcheck.Test", "no_healthcheck", Whole, shape::no_check),
    row("Healthcheck.Test", "health_cmd", Whole, shape::check),
    plain("Healthcheck.Interval", "health_interval"),
    plain("Healthcheck.Timeout", "health_timeout"),
    plain("Healthcheck.Retries", "health_retries"),
    plain("Healthcheck.StartPeriod", "health_start_period"),
    plain("Healthcheck.StartInterval", "health_start_interval"),
    // Processor.
    plain("HostConfig.NanoCpus", "cpus").discarded(),
    plain("HostConfig.CpuShares", "cpu_shares").discarded(),
    plain("HostConfig.CpuPeriod", "cpu_period").discarded(),
    row("HostConfig.CpuQuota", "cpu_quota", Whole, shape::limit).discarded(),
    plain("HostConfig.CpuRealtimePeriod", "cpu_rt_period").discarded(),
    plain("HostConfig.CpuRealtimeRuntime", "cpu_rt_runtime").discarded(),
    plain("HostConfig.CpusetCpus", "cpuset_cpus").discarded(),
    plain("HostConfig.CpusetMems", "cpuset_mems").discarded(),
    row("HostConfig.PidsLimit", "pids_limit", Whole, shape::limit).discarded(),
    row("HostConfig.Ulimits", "ulimit", Entries, shape::by_name),
    plain("HostConfig.CgroupParent", "cgroup_parent"),
    // Memory.
    plain("HostConfig.Memory", "memory").discarded(),
    plain("HostConfig.MemoryReservation", "memory_reservation").discarded(),
    plain("HostConfig.MemorySwap", "memory_swap").discarded(),
    row("HostConfig.MemorySwappiness", "memory_swappiness", Whole, shape::swappiness).discarded(),
    row("HostConfig.ShmSize", "shm_size", Whole, shape::shared_memory),
    plain("HostConfig.OomKillDisable", "oom_kill_disable").discarded(),
    plain("HostConfig.OomScoreAdj", "oom_score_adj"),
    // Block devices.
    plain("HostConfig.BlkioWeight", "blkio_weight").discarded(),
    row("HostConfig.BlkioWeightDevice", "blkio_weight_device", Entries, shape::by_path).discarded(),
    row("HostConfig.BlkioDeviceReadBps", "device_read_bps", Entries, shape::by_path).discarded(),
    row("HostConfig.BlkioDeviceWriteBps", "device_write_bps", Entries, shape::by_path).discarded(),
    row("HostConfig.BlkioDeviceReadIOps", "device_read_iops", Entries, shape::by_path).discarded(),
    row("HostConfig.BlkioDeviceWriteIOps", "device_write_iops", Entries, shape::by_path).discarded(),
    // Devices.
    row("HostConfig.Devices", "device", Entries, shape::devices),
    row("HostConfig.DeviceRequests", "device", Entries, shape::named_devices),
    row("HostConfig.DeviceRequests", "gpus", Entries, shape::processors),
    row("HostConfig.DeviceCgroupRules", "device_cgroup_rule", Entries, shape::set),
    // Files.
    row("HostConfig.Binds", "volume", Entries, mounts::binds),
    row("Volumes", "volume", Entries, mounts::nameless),
    row("HostConfig.Mounts", "mount", Entries, mounts::mounts).alike(alike::within),
    row("HostConfig.Tmpfs", "tmpfs", Entries, mounts::tmpfs),
    row("HostConfig.VolumesFrom", "volumes_from", Entries, mounts::borrowed),
    plain("HostConfig.VolumeDriver", "volume_driver"),
    plain("HostConfig.ReadonlyRootfs", "read_only"),
    row("HostConfig.StorageOpt", "storage_opt", Entries, shape::map),
    // Ports and names.
    row("HostConfig.PortBindings", "publish", Entries, shape::ports).alike(alike::ports),
    plain("HostConfig.PublishAllPorts", "publish_all"),
    row("ExposedPorts", "expose", Entries, shape::keys),
    row("HostConfig.Links", "link", Entries, shape::links),
    row("HostConfig.Dns", "dns", Whole, shape::list),
    row("HostConfig.DnsOptions", "dns_option", Whole, shape::list),
    row("HostConfig.DnsSearch", "dns_search", Whole, shape::list),
    row("HostConfig.ExtraHosts", "add_host", Entries, shape::set),
    // Networks.
    row("HostConfig.NetworkMode", "network", Whole, shape::network).alike(alike::of_container),
    row("NetworkingConfig.EndpointsConfig", "network", Entries, shape::keys),
    row("NetworkingConfig.EndpointsConfig.*.DriverOpts", "network", Entries, shape::map).alike(alike::within),
    row("NetworkingConfig.EndpointsConfig.*.GwPriority", "network", Entries, shape::plain),
    row("NetworkingConfig.EndpointsConfig.*.Aliases", "network_alias", Entries, shape::set).alike(alike::within),
    row("NetworkingConfig.EndpointsConfig.*.Links", "link", Entries, shape::links).alike(alike::within),
    row("NetworkingConfig.EndpointsConfig.*.IPAMConfig.IPv4Address", "ip", Entries, shape::plain),
    row("NetworkingConfig.EndpointsConfig.*.IPAMConfig.IPv6Address", "ip6", Entries, shape::plain),
    row("NetworkingConfig.EndpointsConfig.*.IPAMConfig.LinkLocalIPs", "link_local_ip", Entries, shape::set)
        .alike(alike::within),
    row("NetworkingConfig.EndpointsConfig.*.MacAddress", "mac_address", Entries, shape::mac)
        .alike(alike::if_shown)
        .shown_running(),
    // Namespaces and security.
    row("HostConfig.PidMode", "pid", Whole, shape::plain).alike(alike::of_container),
    row("HostConfig.IpcMode", "ipc", Whole, shape::plain).alike(alike::of_container),
    plain("HostConfig.UTSMode", "uts"),
    plain("HostConfig.UsernsMode", "userns"),
    plain("HostConfig.CgroupnsMode", "cgroupns"),
    row("HostConfig.Isolation", "isolation", Whole, shape::isolation),
    plain("HostConfig.Privileged", "privileged"),
    row("HostConfig.CapAdd", "cap_add", Entries, shape::capabilities),
    row("HostConfig.CapDrop", "cap_drop", Entries, shape::capabilities),
    row("HostConfig.GroupAdd", "group_add", Entries, shape::set),
    row("HostConfig.SecurityOpt", "security_opt", Entries, shape::security),
    row("HostConfig.MaskedPaths", "security_opt", Whole, shape::sealed),
    row("HostConfig.ReadonlyPaths", "security_opt", Whole, shape::sealed),
    row("HostConfig.Sysctls", "sysctl", Entries, shape::map),
    // Life.
    row("HostConfig.RestartPolicy", "restart", Whole, shape::restart),
    plain("HostConfig.AutoRemove", "rm"),
    plain("HostConfig.Init", "init"),
    plain("HostConfig.Runtime", "runtime"),
    plain("HostConfig.LogConfig.Type", "log_driver"),
    row("HostConfig.LogConfig.Config", "log_opt", Entries, shape::map),
    row("HostConfig.Annotations", "annotation", Entries, shape::map),
];
