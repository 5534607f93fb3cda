//! Runs an operation on this host.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use nix::sys::signal::Signal;

use super::args::Flags;
use super::interrupt::{Held, drive};
use super::progress::Progress;
use crate::apply::{Mode, is_held_by_another, run_dir};
use crate::kernel::{Kernel, KernelOptions};
use crate::ops::{Operation, Report, host, schema};
use crate::{Cancel, Error, ErrorKind, Result};

/// What came of an operation.
pub(super) struct Outcome {
    /// Its report or error.
    pub(super) result: Result<Report>,
    /// The signal that came meanwhile.
    pub(super) signal: Option<Signal>,
}

/// Runs it. While the host is changed, SIGINT, SIGTERM and SIGHUP wait.
pub(super) fn execute(operation: &Operation, mode: Mode, flags: &Flags) -> Outcome {
    let silent = flags.json || flags.quiet;
    let progress = Arc::new(Progress::new(!silent && std::io::stderr().is_terminal()));
    let held = if operation.reads() || mode == Mode::Check { None } else { Held::new() };
    let outcome = crate::blocking::run(async {
        // It asks nothing of the host, and works where there is no right to look at one.
        match operation {
            Operation::Version(_) => return Outcome { result: Ok(host::version()), signal: None },
            Operation::Schema(spec) => return Outcome { result: Ok(schema(*spec)), signal: None },
            _ => {}
        }
        let cancel = Cancel::new();
        let kernel = match kernel(&progress) {
            Ok(kernel) => kernel.with_cancel(cancel.clone()),
            Err(error) => return Outcome { result: Err(error.op(operation.name())), signal: None },
        };
        let job = operation.run(&kernel, mode);
        let Some(held) = &held else { return Outcome { result: job.await, signal: None } };
        let told = || {
            cancel.cancel();
            if !silent {
                // Where stderr is gone, nobody can be told.
                let tell = || drop(writeln!(std::io::stderr(), "interrupted: finishing or undoing what was begun"));
                progress.aside(tell);
            }
        };
        let dir = run_dir();
        let ended = drive(job, held, || !kernel.has_begun() && is_held_by_another(&dir), told).await;
        let result = ended.result.unwrap_or_else(|| Err(interrupted(operation)));
        Outcome { result, signal: ended.signal }
    });
    progress.clear();
    outcome
}

fn kernel(progress: &Arc<Progress>) -> Result<Kernel> {
    let told = Arc::clone(progress);
    let kernel = Kernel::new(KernelOptions::default())?;
    Ok(kernel.with_progress(Arc::new(move |news| told.tell(news))))
}

fn interrupted(operation: &Operation) -> Error {
    Error::new(ErrorKind::Kernel, "", "interrupted before anything was changed")
        .errno(nix::errno::Errno::EINTR as i32)
        .op(operation.name())
}
