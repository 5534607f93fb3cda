//! Names of labs, which tell whose they are: `weavelab-PID-START-COUNTER-RANDOM`.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// What the names of all labs begin with.
pub(super) const FAMILY: &str = "weavelab-";

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A name that no lab has, had or will have.
pub(super) fn new_prefix() -> String {
    let random = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("random bytes");
    let random = random.get(..4).expect("a UUID");
    format!("{}{}-{random}", process_prefix(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// What the names of all labs of this process begin with.
pub(super) fn process_prefix() -> String {
    let pid = process::id();
    format!("{FAMILY}{pid}-{}-", start_time(pid).expect("a running process has a start time"))
}

/// Where the directories of labs are.
pub(super) fn labs_dir() -> PathBuf {
    env::temp_dir()
}

/// The lab that a namespace, directory or cgroup belongs to: the first five words of its name.
pub(super) fn prefix_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(FAMILY)?;
    let words: Vec<_> = rest.splitn(5, '-').take(4).collect();
    let length = FAMILY.len() + words.iter().map(|word| word.len() + 1).sum::<usize>() - 1;
    (words.len() == 4).then(|| &name[..length])
}

/// Whether the process that made a lab still runs. The start time tells it from a later one with its pid.
pub(super) fn is_alive(prefix: &str) -> bool {
    let mut words = prefix.trim_start_matches(FAMILY).split('-');
    let mut number = || words.next()?.parse::<u64>().ok();
    let (Some(pid), Some(start)) = (number(), number()) else { return true };
    u32::try_from(pid).ok().and_then(start_time) == Some(start)
}

/// When a process started, in ticks since boot; None if it is gone or a zombie.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name, which may hold anything, also parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    (state != "Z" && state != "X").then(|| fields.nth(18)?.parse().ok())?
}
