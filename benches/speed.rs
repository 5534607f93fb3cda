//! How fast weave is, as ratios to what the kernel takes at least. `make bench` prints one table.
//!
//! `make bench ARGS="--quick attach"`: `--quick` takes fewer rounds and smaller numbers, other words select rows that
//! contain them. Figures of one machine say little and its load moves them; limit and weave take turns in the same
//! run, so their ratio holds. A missed aim is no failure; an operation that fails, or does the wrong thing, is.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is there to print")]

mod attachments;
mod bindings;
mod by_hand;
mod command;
mod containers;
#[path = "../weave-core/tests/support/lab/mod.rs"]
mod lab;
mod measure;
mod memory;
mod peers;
mod raw;
mod restarts;
mod sandbox;
mod table;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;

use raw::Result;
use table::Row;

/// What is asked for on the command line.
struct Bench {
    quick: bool,
    words: Vec<String>,
}

impl Bench {
    /// Whether a row is to be measured.
    fn wants(&self, what: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| what.contains(word.as_str()))
    }

    /// How many rounds, when so many are usual.
    fn rounds(&self, usual: usize) -> usize {
        if self.quick { usual.div_ceil(3) } else { usual }
    }

    /// Prints a row as soon as it is known.
    fn report(&self, row: &Row) {
        println!("{row}");
    }
}

/// Measures rows that need the same surroundings.
type Group = fn(&Bench) -> Result<()>;

/// What the columns mean.
const NOTES: &str = "\
limit   hand-made netlink messages in this process, to the same end, with as many
        queues as the kernel likes; one queue: with one, as weave does; bare:
        without mark, multicast route and announcement. traffic: VXLAN and bridge
        made with `ip`. `weave attach`: one GET of the container from the engine.
        connect, firewall: with `nft -f` of the same set of peers.
        containers: the docker client, which attaches nothing: `docker run -d`
        for each; unchanged: `docker ps -a` and one `docker inspect` of all.
        restart: none; from the engine's start of a container that was killed,
        with all others at once, to its interface being up under `weave watch`.
        weave_py: the same operation called from Rust. weave.net.host: a task
        of Ansible that does nothing; others: a task for each container.
others  `ip -batch` (attach), `bridge -batch` (connect), `docker network connect`
        (`weave attach`).
ratio   weave / limit; of interleaved runs, medians.";

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [first, targets @ ..] = arguments.as_slice()
        && first == memory::CHILD
    {
        let targets: Vec<_> = targets.iter().map(PathBuf::from).collect();
        return ended("memory", memory::child(&targets));
    }
    let (flags, words): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|argument| argument.starts_with('-'));
    if let Some(unknown) = flags.iter().find(|flag| *flag != "--quick") {
        eprintln!("unknown option {unknown}; allowed: --quick, and words that rows contain");
        return ExitCode::FAILURE;
    }
    let bench = Bench { quick: !flags.is_empty(), words };
    table::head();
    let groups: [(&str, Group); 8] = [
        ("attachments", attachments::measure),
        ("peers", peers::measure),
        ("command", command::measure),
        ("containers", containers::measure),
        ("restarts", restarts::measure),
        ("bindings", bindings::measure),
        ("traffic", traffic::measure),
        ("memory", memory::measure),
    ];
    let failed = groups.iter().filter(|(name, measure)| ended(name, measure(&bench)) != ExitCode::SUCCESS).count();
    println!("\n{NOTES}");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says what went wrong.
fn ended(name: &str, result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name} failed: {error}");
            ExitCode::FAILURE
        }
    }
}
