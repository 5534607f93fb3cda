//! That a container is being moved is marked on both hosts, for everybody else who would start or remove it meanwhile. A
//! volume can be marked so: it is seen in one look, outlives a kill and a reboot, and makes no container.

use super::act::Run;
use super::side::Side;
use crate::docker::volume::Volume;
use crate::plan::migration::{Mark, Marks};
use crate::{Result, names};

/// What is marked on both hosts.
///
/// # Errors
/// When an engine does not answer.
pub(super) async fn look(run: &Run<'_>) -> Result<Marks> {
    let name = names::moves(&run.spec.name);
    let (source, target) = tokio::try_join!(run.from.end.engine.volume(&name), run.to.end.engine.volume(&name))?;
    Ok(Marks { source: source.map(mark_of), target: target.map(mark_of) })
}

fn mark_of(volume: Volume) -> Mark {
    let label = |name: &str| volume.labels.get(name).cloned().unwrap_or_default();
    Mark { id: label(names::MOVE), source: label(names::MOVE_SOURCE) }
}

/// Marks it, unless it is marked already: the target first. What is left there of a move that ended goes.
///
/// # Errors
/// In the engine's words.
pub(super) async fn set(run: &Run<'_>) -> Result<()> {
    let name = &run.spec.name;
    let id = &run.ends.id;
    let mark = Volume {
        name: names::moves(name),
        driver: "local".to_owned(),
        options: [].into(),
        labels: [(names::MOVES, name), (names::MOVE, id), (names::MOVE_SOURCE, &run.source_id())]
            .map(|(label, value)| (label.to_owned(), value.clone()))
            .into(),
        ..Volume::default()
    };
    let ended = look(run).await?.target.filter(|there| there.id != *id);
    if ended.is_some() {
        run.to.end.engine.remove_labelled(names::MOVES, name).await?;
    }
    for side in [&run.to, &run.from] {
        side.end.engine.make_volume(&mark).await?;
    }
    Ok(())
}

/// Takes the mark of this move away from one end.
///
/// # Errors
/// In the engine's words.
pub(super) async fn clear(run: &Run<'_>, side: &Side<'_>) -> Result<()> {
    side.end.engine.remove_labelled(names::MOVE, &run.ends.id).await
}
