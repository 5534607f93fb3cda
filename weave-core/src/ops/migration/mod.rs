//! Moving a container to another host, with its image, its files and its addresses.

mod act;
mod bring;
mod check;
mod clear;
mod fleet;
mod give_up;
mod guard;
mod identity;
mod interfaces;
#[cfg(debug_assertions)]
mod kill;
mod mark;
mod places;
mod prepare;
mod prove;
mod report;
mod settle;
mod side;
mod words;

use act::Run;
pub use fleet::apply;

use super::{Report, checked};
use crate::Result;
use crate::apply::{Lock, Mode};
use crate::carry::{Hold, hold};
use crate::kernel::{Kernel, machine};
use crate::plan::migration::{back, next};
use crate::spec::Migrate;
use crate::{Error, ErrorKind};

/// Moves a container between this host and another one: its image, its volumes, all that it was made with, and its
/// interfaces. `docker save`, `docker create`, `tar`, `docker stop`, `docker start` and `weave attach`, on two hosts.
///
/// Its files are copied while it runs; it is away only for what changed since. It never runs on both hosts: the one on
/// the target starts when the source has stopped and its engine may not start it again. It is removed from the source
/// when the one on the target stays up and answers to its addresses. Everything before that is undone when it fails;
/// after a kill, a guard process undoes it (where a program `weave` is on this host), or the next run goes on from what
/// it finds. A container that is on the target, and not on the source, is left alone.
///
/// The `result` is `{from, to, image, bytes, away_seconds, volumes, left}`: whether the image was `transferred` or
/// `there`, the bytes that were sent, how long it did not run, what was copied, and the volumes that stay on the source.
///
/// # Errors
/// `InvalidSpec` for an address of an engine that is none; `NotFound` where the container is on neither host, or something
/// that it needs is not on the target; `Conflict` for a name, volume or address that is taken; `Unsupported` for a
/// container that cannot be had on another host. Then the source is as it was, and runs if it ran; what could not be
/// undone is listed. `Conflict` also while another weave moves it, wherever that is: then nothing was touched. `Kernel`
/// with `EINTR` when it was given up on a wish: as long as nobody misses the container, what takes long is given up and
/// undone; after that it goes on to its end.
pub async fn migrate(kernel: &Kernel, spec: &Migrate, mode: Mode) -> Result<Report> {
    checked("migrate", spec.validate())?;
    let run = Run::new(kernel, spec).map_err(|error| error.op("migrate"))?;
    under_lock(run, mode).await.map_err(|error| error.op("migrate"))
}

async fn under_lock(mut run: Run<'_>, mode: Mode) -> Result<Report> {
    if mode == Mode::Check {
        return check::check(&mut run).await;
    }
    let (kernel, spec) = (run.kernel, run.spec);
    // Others may use the network meanwhile: to copy can take hours.
    let dir = kernel.run_dir().join(format!("migrate-{}", spec.name));
    let lock = Lock::acquire(&dir, "migrate", kernel.lock_timeout());
    let _lock = kernel.cancel().or(&spec.name, lock).await?;
    let _under_way = kernel.begin();
    run.look_back().await?;
    let is_marked = run.recognise(mode).await?;
    if run.ends.source.is_none() && !is_marked {
        // There is nothing to do, and nobody to keep out.
        if !spec.undo {
            next(&run.ends, &run.done, run.wishes())?;
        }
        return Ok(report::done(run));
    }
    let holds = hold_both(&run).await?;
    let done = alone(&mut run).await;
    for hold in holds {
        hold.release().await;
    }
    done.map(|()| report::done(run))
}

/// Keeps every other weave out that would move a container of this name from or to one of the two hosts.
async fn hold_both(run: &Run<'_>) -> Result<[Hold; 2]> {
    let (name, who) = (&run.spec.name, format!("process {} on {}", std::process::id(), machine().hostname));
    let source = hold(&run.from.end, name, &who).await?;
    match hold(&run.to.end, name, &who).await {
        Ok(target) => Ok([source, target]),
        Err(error) => {
            source.release().await;
            Err(error)
        }
    }
}

async fn alone(run: &mut Run<'_>) -> Result<()> {
    settle::settle(run).await?;
    run.recognise(Mode::Apply).await?;
    if run.spec.undo {
        go_back(run).await?;
    } else if let Err(error) = go(run).await {
        return Err(given_up(run, error).await);
    }
    run.finish().await;
    let kept = std::mem::take(&mut run.kept);
    run.warnings.extend(kept.into_iter().map(|kept| format!("kept: {kept}")));
    Ok(())
}

/// One step after the other, each from a new look at both ends.
async fn go(run: &mut Run<'_>) -> Result<()> {
    loop {
        run.look().await?;
        let step = match next(&run.ends, &run.done, run.wishes()) {
            Ok(Some(step)) => step,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::ContainerNotRunning => return Err(run.ended().await),
            Err(error) => return Err(error),
        };
        run.go_on()?;
        if !run.marked {
            // What is set of it now goes in the end, also if not all of it is.
            run.marked = true;
            mark::set(run).await?;
        }
        run.act(&step).await?;
    }
}

async fn go_back(run: &mut Run<'_>) -> Result<()> {
    run.is_back = true;
    loop {
        run.look_back().await?;
        let Some(step) = back(&run.ends, &run.done) else { return Ok(()) };
        run.act(&step).await?;
    }
}

/// Puts things as they were; the guard goes on where that fails.
async fn given_up(run: &mut Run<'_>, error: Error) -> Error {
    // What failed may have been done all the same.
    let _ = run.look_back().await;
    // Somebody else made it so, and has to say which of the two counts.
    if run.is_foreign() {
        if run.journal().is_none() {
            // There is nothing of a move on the target.
            run.finish().await;
        } else if let Some(guard) = run.guard.take() {
            guard.dismiss();
        }
        return run.with_what_is_kept(error);
    }
    tracing::debug!(%error, "going back");
    match go_back(run).await {
        Ok(()) => {
            run.finish().await;
            run.with_what_is_kept(error)
        }
        Err(why) => {
            let guarded = run.guard.is_some();
            let again = if guarded { ", which is tried again for some minutes" } else { "" };
            let left = vec![format!("weave call migrate with `undo`: {why}{again}")];
            let kind = error.kind();
            let error = error.left(left);
            if kind == ErrorKind::Docker { error.hint("run it again when both engines answer") } else { error }
        }
    }
}
