//! Memory, measured in a process that does nothing else: this program starts itself once more.

use std::path::PathBuf;
use std::process::Command;

use weave_core::spec::HostDocument;

use crate::Bench;
use crate::attachments::{apply, document, run_on_host};
use crate::raw::Result;
use crate::sandbox::{self, Sandbox, finish};
use crate::table::{Aim, Figure, Row};

/// The argument that makes this program the measured process.
pub(crate) const CHILD: &str = "--memory-of";

/// Applies without a change: these many first, until caches are warm, and then these many that may cost nothing.
const REPEATS: (usize, usize) = (3, 20);

/// Less than this is no growth: a heap that is reused moves by a few pages.
const NO_GROWTH: f64 = 65_536.0;

/// Measures all of it.
pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let most = if bench.quick { 100 } else { 1000 };
    let few = most / 10;
    let rows = [format!("memory per attachment, {most}"), format!("memory, {} applies more", REPEATS.1)];
    if !rows.iter().any(|what| bench.wants(what)) {
        return Ok(());
    }
    sandbox::inside(most, |sandbox| {
        let (base, _) = of_a_process(sandbox, few)?;
        let (peak, growth) = of_a_process(sandbox, most)?;
        #[allow(clippy::cast_precision_loss, reason = "kilobytes and counts are small")]
        let each = (peak as f64 - base as f64) / (most - few) as f64;
        let row = |what: &str, bytes, most| Row {
            what: what.to_owned(),
            limit: None,
            ours: Figure::Bytes(bytes),
            others: None,
            aim: Aim::Under(Figure::Bytes(most)),
        };
        bench.report(&row(&rows[0], each, 4096.0));
        #[allow(clippy::cast_precision_loss, reason = "kilobytes are small")]
        bench.report(&row(&rows[1], growth as f64, NO_GROWTH));
        Ok(())
    })
}

/// Runs the measured process on the sandbox: the most it had, and by how much it grew.
fn of_a_process(sandbox: &Sandbox, count: usize) -> Result<(i64, i64)> {
    let mut command = Command::new(std::env::current_exe()?);
    let printed = finish(command.arg(CHILD).args(&sandbox.targets[..count]), "")?;
    let numbers: Vec<i64> = printed.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let [peak, growth] = numbers[..] else { return Err(format!("unexpected output: {printed}").into()) };
    Ok((peak, growth))
}

/// The measured process: attaches the targets, finds nothing to do many times, takes everything down.
pub(crate) fn child(targets: &[PathBuf]) -> Result<()> {
    let document: HostDocument = document(targets, true)?;
    apply(&document, true)?;
    let peak = field("/proc/self/status", "VmHWM:")?;
    let repeat = |times: usize| (0..times).try_for_each(|_| apply(&document, false).map(drop));
    repeat(REPEATS.0)?;
    let before = field("/proc/self/smaps_rollup", "Rss:")?;
    repeat(REPEATS.1)?;
    let after = field("/proc/self/smaps_rollup", "Rss:")?;
    let _ = run_on_host!(|host| weave_core::ops::host::reset(host, weave_core::Mode::Apply))?;
    println!("{peak} {}", after - before);
    Ok(())
}

/// A number of kilobytes in a file of `/proc`, as bytes.
fn field(file: &str, name: &str) -> Result<i64> {
    let text = std::fs::read_to_string(file)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no {name} in {file}"))?;
    Ok(value.trim().trim_end_matches(" kB").parse::<i64>()? * 1024)
}
