//! That a container is being moved is marked on both hosts, for everybody else who would start or remove it meanwhile. A
//! volume can be marked so: it is seen in one look, outlives a kill and a reboot, and makes no container.

use super::act::Run;
use super::side::Side;
use crate::docker::volume::Volume;
use crate::{Result, names};

/// Marks it, unless it is marked already.
///
/// # Errors
/// In the engine's words.
pub(super) async fn set(run: &Run<'_>) -> Result<()> {
    let name = &run.spec.name;
    let mark = Volume {
        name: names::moves(name),
        driver: "local".to_owned(),
        options: [].into(),
        labels: [(names::MOVES.to_owned(), name.clone())].into(),
        ..Volume::default()
    };
    for side in [&run.from, &run.to] {
        side.end.engine.make_volume(&mark).await?;
    }
    Ok(())
}

/// Takes the mark away from one end.
///
/// # Errors
/// In the engine's words.
pub(super) async fn clear(run: &Run<'_>, side: &Side<'_>) -> Result<()> {
    side.end.engine.remove_labelled(names::MOVES, &run.spec.name).await
}
