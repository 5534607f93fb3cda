//! The part of the request that is about the host.

use bollard::models::{
    HostConfig, HostConfigCgroupnsModeEnum, HostConfigIsolationEnum, HostConfigLogConfig, ResourcesBlkioWeightDevice,
    ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum, ThrottleDevice,
};

use super::{devices, mounts, networks, pairs, ports, some, some_map, text};
use crate::spec::Options;
use crate::spec::options::{
    ByteRate, CgroupnsMode, CountRate, ExtraHost, Isolation, Link, Restart, SearchDomain, SecurityOption, Ulimit, Value,
};

pub(super) fn host_config(options: &Options) -> HostConfig {
    let mut config = HostConfig::default();
    processor(options, &mut config);
    memory(options, &mut config);
    storage(options, &mut config);
    network(options, &mut config);
    namespaces(options, &mut config);
    security(options, &mut config);
    life(options, &mut config);
    config
}

fn processor(options: &Options, config: &mut HostConfig) {
    config.cgroup_parent = options.cgroup_parent.clone();
    config.nano_cpus = options.cpus.map(|cpus| cpus.0);
    config.cpu_shares = options.cpu_shares;
    config.cpu_period = options.cpu_period;
    config.cpu_quota = options.cpu_quota;
    config.cpu_realtime_period = options.cpu_rt_period;
    config.cpu_realtime_runtime = options.cpu_rt_runtime;
    config.cpuset_cpus = options.cpuset_cpus.clone();
    config.cpuset_mems = options.cpuset_mems.clone();
    config.pids_limit = options.pids_limit;
    // A later limit of the same name takes the place of an earlier one.
    let mut limits: Vec<&Ulimit> = Vec::new();
    for limit in &options.ulimit {
        limits.retain(|earlier| earlier.name != limit.name);
        limits.push(limit);
    }
    limits.sort_by(|one, other| one.name.cmp(&other.name));
    let ulimit = |limit: &Ulimit| ResourcesUlimits {
        name: Some(limit.name.clone()),
        soft: Some(limit.soft),
        hard: Some(limit.hard),
    };
    config.ulimits = some(limits.into_iter().map(ulimit).collect());
}

fn memory(options: &Options, config: &mut HostConfig) {
    config.memory = options.memory.map(|memory| memory.0);
    config.memory_reservation = options.memory_reservation.map(|memory| memory.0);
    config.memory_swap = options.memory_swap.map(|memory| memory.0);
    // The client's own default: as the host has it.
    config.memory_swappiness = Some(options.memory_swappiness.unwrap_or(-1));
    config.shm_size = options.shm_size.map(|memory| memory.0);
    config.oom_kill_disable = options.oom_kill_disable;
    config.oom_score_adj = options.oom_score_adj;
}

fn storage(options: &Options, config: &mut HostConfig) {
    config.binds = some(mounts::binds(options));
    config.mounts = some(options.mount.iter().map(mounts::mount).collect());
    config.volume_driver = options.volume_driver.clone();
    config.volumes_from = some(options.volumes_from.clone());
    config.tmpfs = some_map(options.tmpfs.iter().map(|tmpfs| (tmpfs.path.clone(), tmpfs.options.clone())).collect());
    config.storage_opt =
        some_map(pairs(options.storage_opt.iter().map(|option| (&option.name, option.value.as_ref()))));
    config.readonly_rootfs = options.read_only;
    config.devices = some(devices::mappings(options));
    config.device_requests = some(devices::requests(options));
    config.device_cgroup_rules = some(options.device_cgroup_rule.iter().map(Value::write).collect());
    config.blkio_weight = options.blkio_weight;
    let weights = options.blkio_weight_device.iter().map(|device| ResourcesBlkioWeightDevice {
        path: Some(device.path.clone()),
        weight: Some(usize::from(device.weight)),
    });
    config.blkio_weight_device = some(weights.collect());
    let throttle = |path: &String, rate| ThrottleDevice { path: Some(path.clone()), rate: Some(rate) };
    let bytes = |rates: &[ByteRate]| some(rates.iter().map(|rate| throttle(&rate.path, rate.rate.0)).collect());
    let counts = |rates: &[CountRate]| some(rates.iter().map(|rate| throttle(&rate.path, rate.rate)).collect());
    config.blkio_device_read_bps = bytes(&options.device_read_bps);
    config.blkio_device_write_bps = bytes(&options.device_write_bps);
    config.blkio_device_read_iops = counts(&options.device_read_iops);
    config.blkio_device_write_iops = counts(&options.device_write_iops);
}

fn network(options: &Options, config: &mut HostConfig) {
    config.network_mode = Some(networks::mode(options));
    config.port_bindings = some_map(ports::bindings(options));
    config.publish_all_ports = options.publish_all;
    config.links = some(options.link.iter().map(Link::write).collect());
    config.dns = some(options.dns.iter().map(|server| server.to_canonical().to_string()).collect());
    config.dns_options = some(options.dns_option.clone());
    config.dns_search = some(options.dns_search.iter().map(SearchDomain::write).collect());
    config.extra_hosts = some(options.add_host.iter().map(ExtraHost::write).collect());
}

fn namespaces(options: &Options, config: &mut HostConfig) {
    config.pid_mode = text(options.pid.as_ref());
    config.ipc_mode = text(options.ipc.as_ref());
    config.uts_mode = text(options.uts.as_ref());
    config.userns_mode = text(options.userns.as_ref());
    config.cgroupns_mode = options.cgroupns.as_ref().map(CgroupnsMode::write).and_then(|mode| match mode.as_str() {
        "host" => Some(HostConfigCgroupnsModeEnum::HOST),
        "private" => Some(HostConfigCgroupnsModeEnum::PRIVATE),
        _ => None,
    });
    config.isolation = options
        .isolation
        .as_ref()
        .filter(|mode| !Isolation::write(mode).is_empty())
        .map(|_| HostConfigIsolationEnum::DEFAULT);
    config.sysctls = some_map(pairs(options.sysctl.iter().map(|setting| (&setting.name, setting.value.as_ref()))));
}

fn security(options: &Options, config: &mut HostConfig) {
    config.privileged = options.privileged;
    config.cap_add = some(capabilities(&options.cap_add));
    config.cap_drop = some(capabilities(&options.cap_drop));
    config.group_add = some(options.group_add.clone());
    // The engine does not know this one: the client sends what it means, two empty lists.
    let (open, sent): (Vec<String>, Vec<String>) =
        options.security_opt.iter().map(SecurityOption::write).partition(|option| option == "systempaths=unconfined");
    config.security_opt = some(sent);
    if !open.is_empty() {
        config.masked_paths = Some(Vec::new());
        config.readonly_paths = Some(Vec::new());
    }
}

/// Capabilities in the engine's own spelling, sorted, each once.
fn capabilities(names: &[String]) -> Vec<String> {
    let spelled = names.iter().map(|name| match name.to_uppercase() {
        all if all == "ALL" => all,
        full if full.starts_with("CAP_") => full,
        short => format!("CAP_{short}"),
    });
    let sorted: std::collections::BTreeSet<String> = spelled.collect();
    sorted.into_iter().collect()
}

fn life(options: &Options, config: &mut HostConfig) {
    let (name, times) = match options.restart.unwrap_or(Restart::No) {
        Restart::No => (RestartPolicyNameEnum::NO, None),
        Restart::Always => (RestartPolicyNameEnum::ALWAYS, None),
        Restart::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        Restart::OnFailure(times) => (RestartPolicyNameEnum::ON_FAILURE, times.map(i64::from)),
    };
    config.restart_policy = Some(RestartPolicy { name: Some(name), maximum_retry_count: times });
    config.auto_remove = options.rm;
    config.init = options.init;
    config.runtime = options.runtime.clone();
    let log = pairs(options.log_opt.iter().map(|option| (&option.name, option.value.as_ref())));
    if options.log_driver.is_some() || !log.is_empty() {
        config.log_config = Some(HostConfigLogConfig { typ: options.log_driver.clone(), config: some_map(log) });
    }
    config.annotations = some_map(pairs(options.annotation.iter().map(|note| (&note.name, note.value.as_ref()))));
}
