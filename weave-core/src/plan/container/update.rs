//! Which differences `docker update` makes good, without a new container.

use serde_json::{Map, Value};

use super::compare::Difference;
use super::label;
use super::lookup::raw;
use super::wish::Wish;
use crate::observed::Container;

/// Options that can be changed in place, and their names in the request.
///
/// Real-time scheduling is not among them: the engine writes it down and tells the running container nothing.
const UPDATABLE: &[(&str, &str)] = &[
    ("blkio_weight", "BlkioWeight"),
    ("cpu_period", "CpuPeriod"),
    ("cpu_quota", "CpuQuota"),
    ("cpu_shares", "CpuShares"),
    ("cpus", "NanoCpus"),
    ("cpuset_cpus", "CpusetCpus"),
    ("cpuset_mems", "CpusetMems"),
    ("memory", "Memory"),
    ("memory_reservation", "MemoryReservation"),
    ("memory_swap", "MemorySwap"),
    ("pids_limit", "PidsLimit"),
    ("restart", "RestartPolicy"),
];

/// A change without a new container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPlace {
    /// The request of `docker update`.
    pub after: Value,
    /// The same settings as they are.
    pub before: Value,
    /// Options that `before` does not put back: the engine takes a zero for nothing said.
    pub lasting: Vec<String>,
}

/// The name of an option in the request of `docker update`.
pub(super) fn updatable(option: &str) -> Option<&'static str> {
    UPDATABLE.iter().find(|(name, _)| *name == option).map(|(_, setting)| *setting)
}

/// Whether an option is as the engine has it when nothing is asked; `found` is the container as a request.
pub(super) fn is_default(option: &str, value: &Value, found: &Value) -> bool {
    match option {
        "restart" => value == "no",
        // Twice the memory, or no limit where the kernel cannot count it.
        "memory_swap" => {
            let memory = raw(found, "HostConfig.Memory").as_i64().unwrap_or_default();
            value.as_i64().is_none_or(|swap| swap == -1 || swap == memory.saturating_mul(2))
        }
        _ => value.is_null() || value.as_object().is_some_and(Map::is_empty),
    }
}

/// What `docker update` is asked so that nothing of `differences` is left; `None` where a new container is needed.
///
/// That is so where an option cannot be changed in place, where one is no longer asked whose default the engine does
/// not take back, and where the engine left one out when it made the container: it would do so again, unseen. Few kernels know the
/// weight of block devices any more.
pub fn in_place(wish: &Wish, container: &Container, differences: &[Difference]) -> Option<InPlace> {
    let made_with = label::read(container);
    let mut after = Map::new();
    for difference in differences {
        let option = difference.option.as_str();
        let setting = updatable(option)?;
        let asked_then = made_with.as_ref().is_some_and(|label| label.contains_key(option));
        if difference.before.is_null() && (asked_then || option == "blkio_weight") {
            return None;
        }
        if option == "memory_swap" && !wish.asks(option) && wish.asks("memory") {
            // It goes by the memory again; see below.
            after.insert(setting.to_owned(), Value::Null);
        } else {
            after.insert(setting.to_owned(), wanted(wish, option, setting)?);
        }
    }
    if after.is_empty() {
        return None;
    }
    with_swap(wish, container, &mut after)?;
    if clashes(container, &after) {
        return None;
    }
    let mut before = Map::new();
    let mut lasting = Vec::new();
    for (setting, _) in &after {
        let value = container.host_config.get(setting).cloned().unwrap_or_default();
        let zero = super::shape::plain(&value).is_null();
        let value = match setting.as_str() {
            _ if zero => no_limit(setting).unwrap_or(value),
            _ => value,
        };
        if super::shape::plain(&value).is_null() {
            lasting
                .extend(UPDATABLE.iter().filter(|(_, name)| name == setting).map(|(option, _)| (*option).to_owned()));
        }
        before.insert(setting.clone(), value);
    }
    Some(InPlace { after: Value::Object(after), before: Value::Object(before), lasting })
}

/// What is asked, or the default where `docker update` can say it.
fn wanted(wish: &Wish, option: &str, setting: &str) -> Option<Value> {
    let asked = wish.body.get("HostConfig").and_then(|host| host.get(setting)).filter(|value| !value.is_null());
    match asked {
        Some(value) if option == "restart" => Some(value.clone()),
        Some(value) if value.as_i64().is_none_or(|limit| limit > 0) || no_limit(setting).is_none() => {
            // Zero is nothing said.
            Some(value.clone()).filter(|value| !super::shape::plain(value).is_null())
        }
        _ => no_limit(setting),
    }
}

/// How `docker update` is told to lift a limit. Of memory, shares and processors it takes no such word, and for the
/// reserve of memory the newer control groups take it for all there is.
fn no_limit(setting: &str) -> Option<Value> {
    matches!(setting, "PidsLimit" | "CpuQuota").then(|| (-1).into())
}

/// The engine refuses memory above the limit of memory and swap together, so both are always set.
fn with_swap(wish: &Wish, container: &Container, after: &mut Map<String, Value>) -> Option<()> {
    let found = |setting: &str| container.host_config.get(setting).and_then(Value::as_i64).unwrap_or_default();
    let asked = |setting: &str| {
        let value = wish.body.get("HostConfig").and_then(|host| host.get(setting)).and_then(Value::as_i64);
        value.filter(|value| *value != 0)
    };
    if !after.contains_key("Memory") && !after.contains_key("MemorySwap") {
        return Some(());
    }
    let memory = asked("Memory").unwrap_or_else(|| found("Memory"));
    let swap = asked("MemorySwap").unwrap_or(if found("MemorySwap") == -1 { -1 } else { memory.saturating_mul(2) });
    // A limit that is there is not lifted while the container runs, and none may mean that the kernel cannot count.
    if swap == -1 && found("MemorySwap") > 0 || swap > 0 && found("MemorySwap") == -1 || memory == 0 {
        return None;
    }
    for (setting, value) in [("Memory", memory), ("MemorySwap", swap)] {
        after.insert(setting.to_owned(), value.into());
    }
    Some(())
}

/// Whether the engine refuses the change because of what the container has: a share of processors and a quota exclude
/// each other, and so do removal at the end and a new start.
fn clashes(container: &Container, after: &Map<String, Value>) -> bool {
    let has = |setting: &str| {
        let value = container.host_config.get(setting).cloned().unwrap_or_default();
        !super::shape::plain(&value).is_null()
    };
    let sets = |setting: &str| after.contains_key(setting);
    let quota = ["CpuPeriod", "CpuQuota"];
    let shares = sets("NanoCpus") && quota.iter().any(|name| has(name) || sets(name))
        || has("NanoCpus") && quota.iter().any(|name| sets(name));
    let restarts = after.get("RestartPolicy").is_some_and(|policy| super::shape::restart(policy) != "no");
    shares || restarts && has("AutoRemove")
}
