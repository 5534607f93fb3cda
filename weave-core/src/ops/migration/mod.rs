//! Moving a container to another host, with its image, its files and its addresses.

mod act;
mod bring;
mod check;
mod fleet;
mod guard;
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
use crate::kernel::Kernel;
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
/// undone is listed.
pub async fn migrate(kernel: &Kernel, spec: &Migrate, mode: Mode) -> Result<Report> {
    checked("migrate", spec.validate())?;
    under_lock(kernel, spec, mode).await.map_err(|error| error.op("migrate"))
}

async fn under_lock(kernel: &Kernel, spec: &Migrate, mode: Mode) -> Result<Report> {
    let mut run = Run::new(kernel, spec)?;
    if mode == Mode::Check {
        return check::check(&mut run).await;
    }
    // Others may use the network meanwhile: to copy can take hours.
    let dir = kernel.run_dir().join(format!("migrate-{}", spec.name));
    let _lock = Lock::acquire(&dir, "migrate", kernel.lock_timeout()).await?;
    settle::settle(&mut run).await?;
    if spec.undo {
        go_back(&mut run).await?;
    } else if let Err(error) = go(&mut run).await {
        return Err(given_up(&mut run, error).await);
    }
    run.finish().await;
    Ok(report::done(run))
}

/// One step after the other, each from a new look at both ends.
async fn go(run: &mut Run<'_>) -> Result<()> {
    let mut marked = false;
    loop {
        run.look().await?;
        let step = match next(&run.ends, &run.done, run.wishes()) {
            Ok(Some(step)) => step,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::ContainerNotRunning => return Err(run.ended().await),
            Err(error) => return Err(error),
        };
        if !marked {
            mark::set(run).await?;
            marked = true;
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
    // Somebody else made it so, and has to say which of the two counts.
    if run.is_foreign() {
        if run.journal().is_none() {
            // There is nothing of a move on the target.
            run.finish().await;
        }
        return error;
    }
    tracing::debug!(%error, "going back");
    match go_back(run).await {
        Ok(()) => {
            run.finish().await;
            let kept = std::mem::take(&mut run.kept);
            if kept.is_empty() { error } else { error.left(kept) }
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
